//! Every kind of frame: its tag, how long it may be, and how often it may come in one request.

/// An argument's length: Linux takes no longer one (MAX_ARG_STRLEN).
const ARGUMENT: u32 = 128 * 1024;
/// A name in a user database, or a word.
const NAME: u32 = 1024;
/// A token: Microsoft's have a few thousand octets.
const TOKEN: u32 = 64 * 1024;
/// Text for a person.
const TEXT: u32 = 256 * 1024;

/// What a frame can be at one place.
pub(super) trait Tag: Copy {
    /// The kind with this octet, if it has a place here.
    fn of(octet: u8) -> Option<Self>;
    /// Its octet: US-ASCII.
    fn octet(self) -> u8;
    /// The most octets of one.
    fn longest(self) -> u32;
    /// How many there may be.
    fn times(self) -> u32;
}

macro_rules! tags {
    ($(#[$about:meta])* $tags:ident: $($(#[$doc:meta])* $name:ident = $octet:literal, $length:expr, $times:expr;)+) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum $tags { $($(#[$doc])* $name,)+ }

        impl Tag for $tags {
            fn of(octet: u8) -> Option<Self> {
                match octet {
                    $($octet => Some(Self::$name),)+
                    _ => None,
                }
            }

            fn octet(self) -> u8 {
                match self { $(Self::$name => $octet,)+ }
            }

            fn longest(self) -> u32 {
                match self { $(Self::$name => $length,)+ }
            }

            fn times(self) -> u32 {
                match self { $(Self::$name => $times,)+ }
            }
        }
    };
}

tags! {
    /// What stands before a message.
    Field:
    /// The caller's real user id.
    Uid = b'u', 4, 1;
    /// The caller's login name.
    Login = b'l', NAME, 1;
    /// The caller's full name.
    Person = b'p', NAME, 1;
    /// Name of the caller's parent process.
    Parent = b'P', NAME, 1;
    /// The machine's name.
    HostName = b'h', NAME, 1;
    /// A name that means this machine.
    LocalDomain = b'd', NAME, 1000;
    /// `-t`, `-i`, `-v` in one octet each.
    Flags = b'f', 3, 1;
    /// An operand.
    Operand = b'o', ARGUMENT, 65_536;
    /// A flag's letter, and its value.
    FlagValue = b'v', 1 + ARGUMENT, 52;
    /// Seconds and nanoseconds since 1970, zone, unique octets. The last field.
    Stamp = b't', 8 + 4 + 4 + 16, 1;
}

tags! {
    /// The message itself.
    Part:
    /// Some of its octets.
    Chunk = b'C', 64 * 1024, u32::MAX;
    /// How many octets that were: the end.
    End = b'Z', 8, 1;
}

tags! {
    /// What an errand without a message needs to know.
    Detail:
    /// Which message of the outbox.
    Entry = b'e', 64, 1;
    /// That a duplicate is the lesser evil.
    DuplicatePossible = b'2', 0, 1;
    /// Which account of the configuration.
    Account = b'a', NAME, 1;
    /// A grant, as it is stored.
    Grant = b'g', TOKEN, 1;
    /// An access token.
    Token = b'k', TOKEN, 1;
    /// When it expires, in seconds since 1970.
    Expiry = b'x', 8, 1;
    /// How wide the client's screen is.
    Columns = b'w', 2, 1;
    /// There is no more.
    Complete = b'.', 0, 1;
}

tags! {
    /// What the broker says.
    Said:
    /// The message is kept.
    Custody = b'K', 0, 1;
    /// Its content is about to go out, and it is not kept.
    Sending = b'S', 0, 1;
    /// Text for standard error: the transcript, and remarks.
    Remark = b'v', TEXT, u32::MAX;
    /// Text for standard output.
    Output = b'O', TEXT, u32::MAX;
    /// What became of a message: the exit status, and what is said with it.
    Verdict = b'=', TOKEN, 1;
    /// How any other errand ended: the exit status.
    Done = b'd', 1, 1;
}
