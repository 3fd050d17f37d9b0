//! Every way a run can end badly: exit status, enhanced status, the sentence and the advice, in one table.

use serde::{Deserialize, Serialize};

mod advice;
mod blame;
mod exit_status;
mod explanation;
mod kind;
mod record;
mod stage;
#[cfg(test)]
mod tests;

pub use advice::{for_account, for_the_system};
pub use blame::{Blame, Fate};
pub use exit_status::ExitStatus;
pub use explanation::{Failure, Whose, Wording, with_advice};
pub use kind::Kind;
pub use stage::Stage;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The process's exit status.
    pub status: ExitStatus,
    /// RFC 3463 status; 4.x.x exactly when the exit status is 75.
    pub enhanced: &'static str,
    /// Whether it passes, and what has to happen first.
    pub kind: Kind,
    /// Whom it blames.
    pub blame: Blame,
    /// What became of the message.
    pub fate: Fate,
    /// What happened, without a full stop.
    pub sentence: &'static str,
    /// What to do about it; empty when the detail says it.
    pub advice: &'static str,
    /// What to say of a server that is not Outlook, where that is something else.
    pub elsewhere: Option<&'static Wording>,
}

impl Cause {
    /// The row's sentence and advice.
    pub(crate) const fn wording(self) -> Wording {
        let row = self.row();
        Wording { sentence: row.sentence, advice: row.advice }
    }

    /// What becomes of it with time.
    pub const fn kind(self) -> Kind {
        self.row().kind
    }
}

/// A wording, where there is one.
macro_rules! other {
    () => {
        None
    };
    ($sentence:literal, $advice:literal) => {
        Some(&Wording { sentence: $sentence, advice: $advice })
    };
}

/// One row a cause: status, enhanced status, kind, blame, fate of the message, sentence, advice, and the last two again
/// for a server that is not Outlook.
macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident => $status:ident, $enhanced:literal, $kind:ident, $blame:ident, $fate:ident, $sentence:literal, $advice:literal
        $(, elsewhere $other:literal, $other_advice:literal)?;)+) => {
        /// Why a run ended badly.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub enum Cause { $($(#[$doc])* $name,)+ }

        impl Cause {
            /// Every cause, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The cause's row.
            pub const fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        status: ExitStatus::$status, enhanced: $enhanced,
                        kind: Kind::$kind, blame: Blame::$blame, fate: Fate::$fate,
                        sentence: $sentence, advice: $advice,
                        elsewhere: other!($($other, $other_advice)?),
                    },)+
                }
            }
        }
    };
}

causes! {
    // -- the call
    /// A flag no sendmail knows.
    UnknownOption => Usage, "5.5.4", Permanent, Caller, Unsent, "unknown option", "see --help";
    /// A flag without the value it needs.
    MissingValue => Usage, "5.5.4", Permanent, Caller, Unsent, "option needs a value", "see --help";
    /// A flag whose value makes no sense.
    BadValue => Usage, "5.5.4", Permanent, Caller, Unsent, "option has a value it cannot have", "see --help";
    /// A flag or mode this program does not offer.
    RefusedMode => Usage, "5.5.1", Permanent, Caller, Unsent, "not offered", "nothing was sent";
    /// The tool was called with a word it does not know.
    UnknownCommand => Usage, "5.5.1", Permanent, Caller, Unsent, "unknown command", "see outlook-sendmail --help";
    /// Nobody to send to.
    NoRecipients => Usage, "5.5.2", Permanent, Caller, Unsent, "no recipients", "name them as arguments, or in To, Cc or Bcc with -t";
    // -- the message
    /// An address that cannot be read.
    AddressSyntax => Data, "5.1.3", Permanent, Message, Unsent, "cannot read this address", "nothing was sent";
    /// CR, LF or NUL in an address.
    AddressControl => Data, "5.1.3", Permanent, Message, Unsent, "control character in an address", "somebody may be trying to inject commands; nothing was sent";
    /// Longer than the provider takes.
    MessageTooLarge => Data, "5.3.4", Permanent, Message, Unsent, "message too large", "send a link or a smaller attachment";
    /// A header block no mail system would take.
    HeaderTooLarge => Data, "5.3.4", Permanent, Message, Unsent, "header too large", "is the blank line between header and body missing?";
    /// A CR in the header that may or may not end a line.
    HeaderReturn => Data, "5.6.0", Permanent, Message, Unsent, "a CR without LF in the header: whether a line ends there cannot be known", "end every line with LF, or with CRLF; nothing was sent";
    /// Content that can neither be sent as it is nor be converted.
    CannotConvert => Data, "5.6.3", Permanent, Message, Unsent, "content that can neither be sent as it is nor be changed", "nothing was sent; write that part as 7-bit text with lines under 998 octets";
    /// Graph has no envelope, and takes addresses in ASCII.
    NotForGraph => Data, "5.3.3", Permanent, Message, Unsent, "Graph cannot send this message as asked", "it sends to everybody the header names; send this one with transport = \"smtp\"; nothing was sent";
    /// `from = "refuse"` and a From that is not the account's.
    ForeignFrom => NoPermission, "5.7.1", Permanent, Message, Unsent, "From is not this account's address", "set From to the account or a send_as address, or from = \"rewrite\"";
    /// Standard input could not be read.
    InputUnreadable => OsError, "5.3.0", Permanent, Machine, Unsent, "cannot read standard input", "nothing was sent";
    /// The message could not be put anywhere.
    SpoolUnwritable => CannotCreate, "5.3.0", HumanNeeded, Machine, Unsent, "no room for the message in /var/tmp, /tmp or memory", "free some space; nothing was sent";
    // -- the broker of the system account
    /// What came over the broker's socket is no request.
    RequestNonsense => Protocol, "5.5.2", HumanNeeded, Machine, Unsent, "sendmail and its broker do not understand each other", "if outlook-sendmail was just updated, run: systemctl restart outlook-sendmail; nothing was sent";
    /// Nobody answers at the broker's socket.
    BrokerAway => Temporary, "4.3.2", Temporary, Machine, Unsent, "this machine's mail service does not answer", "see: systemctl status outlook-sendmail.socket; nothing was sent";
    /// This user has too many messages under way.
    BrokerBusy => Temporary, "4.3.2", Temporary, Machine, Unsent, "this machine's mail service is busy with other messages of this user", "nothing was sent; try again later";
    /// The broker was gone before it had taken the message.
    BrokerLost => Temporary, "4.4.2", Temporary, Machine, Unsent, "this machine's mail service stopped before it took the message", "nothing was sent; try again later";
    /// The broker's socket is closed to this process.
    BrokerForbidden => Config, "5.7.1", HumanNeeded, Machine, Unsent, "this process may not reach this machine's mail service", "if a unit runs it, add: BindPaths=/run/outlook-sendmail";
    /// This process may have no Unix sockets.
    BrokerNoUnixSockets => Config, "5.7.1", HumanNeeded, Machine, Unsent, "this process may not use Unix sockets", "add AF_UNIX to RestrictAddressFamilies= of its unit";
    /// `allow` does not name this user.
    NotAllowed => NoPermission, "5.7.1", Permanent, Caller, Unsent, "this user may not send through this machine's account", "an administrator can name it in allow, in /etc/outlook-sendmail/config.toml";
    /// The machine's account cannot send, for a reason of its own.
    SystemAccount => Unavailable, "5.3.0", HumanNeeded, Machine, Unsent, "this machine's account cannot send", "see: outlook-sendmail status --system";
    /// Others may not ask for that.
    RootOnly => NoPermission, "5.7.1", HumanNeeded, Caller, Unsent, "only root may do that", "use sudo";
    /// `broker` without a socket.
    NoSocket => Usage, "5.5.1", Permanent, Caller, Unsent, "the broker was given no socket", "systemd starts it; elsewhere: outlook-sendmail broker --listen PATH";
    /// The broker cannot listen.
    CannotListen => OsError, "5.3.0", HumanNeeded, Machine, Unsent, "cannot listen for clients", "";
    // -- the configuration
    /// There is no configuration.
    NoAccount => Config, "5.3.5", HumanNeeded, Machine, Unsent, "no account is set up", "run: outlook-sendmail login";
    /// The chosen account is not in the configuration.
    UnknownAccount => Config, "5.3.5", HumanNeeded, Machine, Unsent, "no such account in the configuration", "run: outlook-sendmail login --account NAME";
    /// The configuration cannot be understood.
    ConfigSyntax => Config, "5.3.5", HumanNeeded, Machine, Unsent, "configuration error", "";
    /// The configuration cannot be read.
    ConfigUnreadable => Config, "5.3.5", HumanNeeded, Machine, Unsent, "cannot read the configuration", "it must be a regular file you may read";
    /// A file we act on could have been written by somebody else.
    UnsafeFile => Config, "5.3.5", HumanNeeded, Machine, Unsent, "refusing a file others can write or own", "it and its folder must belong to you or root; run: chmod go-w on both";
    /// The aliases file cannot be used.
    Aliases => Config, "5.3.5", HumanNeeded, Machine, Unsent, "aliases error", "";
    /// A setting this version cannot carry out.
    Unsupported => Config, "5.3.5", HumanNeeded, Machine, Unsent, "this version cannot do that", "";
    // -- signing in
    /// Nobody has signed in to this account.
    NoGrant => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "not signed in", "run: outlook-sendmail login";
    /// No OAuth registration to sign in with.
    NoClientId => Config, "5.3.5", HumanNeeded, Machine, Unsent, "no client id to sign in with", "register one as the manual says, then run: outlook-sendmail login --client-id ID";
    /// The grant was revoked or ran out.
    GrantRejected => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "Microsoft wants you to sign in again", "run: outlook-sendmail login";
    /// The grant was not used for as long as it lasts.
    GrantLapsed => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "the sign-in has lapsed from disuse", "run: outlook-sendmail login";
    /// It will lapse soon.
    GrantLapsing => Temporary, "4.7.8", Temporary, Mailbox, Unsent, "the sign-in is about to lapse from disuse", "run: outlook-sendmail renew";
    /// What keeps a renewal from working has lasted too long to pass by itself.
    RenewalOverdue => Unavailable, "5.4.7", HumanNeeded, Mailbox, Unsent, "the sign-in has not been renewed for two weeks", "see that it can be, and run: outlook-sendmail renew";
    /// The client id is wrong, disabled, or not a public client.
    ClientRejected => Config, "5.7.8", HumanNeeded, Machine, Unsent, "Microsoft refuses the client id", "check client_id and tenant, and that the registration allows public client flows";
    /// The request for a token was wrong.
    ScopeRejected => Config, "5.7.8", HumanNeeded, Machine, Unsent, "Microsoft refuses the sign-in request", "check client_id, tenant and the registration's permissions (SMTP.Send; Mail.Send for Graph)";
    /// The person declined, or did not finish.
    SignInDeclined => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "the sign-in was not completed", "run outlook-sendmail login again";
    /// Nobody typed the code while it worked.
    CodeRanOut => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "the sign-in was not completed: the code ran out", "run outlook-sendmail login again";
    /// A policy of the organisation's does not take codes.
    DeviceCodeBlocked => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "Microsoft does not let this account sign in with a code", "run: outlook-sendmail login --browser";
    /// No socket for the browser to come back to.
    LoopbackUnavailable => OsError, "5.3.0", HumanNeeded, Machine, Unsent, "cannot listen for the browser", "sign in with a code instead: outlook-sendmail login";
    /// The id_token does not name a mailbox, and neither did the person.
    AddressUntold => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "Microsoft did not say which mailbox this is", "name it: outlook-sendmail login ADDRESS";
    /// The token endpoint is away.
    TokenUnavailable => Temporary, "4.7.0", Temporary, Machine, Unsent, "cannot renew the sign-in now", "nothing was sent; try again later";
    /// The token endpoint does not speak OAuth.
    TokenNonsense => Protocol, "5.5.6", HumanNeeded, Machine, Unsent, "the token endpoint gave no OAuth answer", "check endpoints.authority, and that no proxy answers in its place";
    /// The token endpoint's certificate is not to be trusted.
    TokenCertificate => Protocol, "5.7.5", HumanNeeded, Machine, Unsent, "the token endpoint's certificate was refused", "check the clock, the ca-certificates package and tls_ca_file";
    /// The keyring is locked.
    KeyringLocked => Temporary, "4.7.0", Temporary, Machine, Unsent, "the keyring is locked", "unlock it (log in to the desktop), or use store = \"file\"";
    /// There is no keyring.
    KeyringMissing => Config, "5.3.5", HumanNeeded, Machine, Unsent, "no keyring can be reached", "start one (gnome-keyring, KeePassXC), or set store = \"file\"";
    /// The keyring does not answer.
    KeyringHung => Temporary, "4.3.0", Temporary, Machine, Unsent, "the keyring does not answer", "restart it, or use store = \"file\"";
    /// The secret file is open to others.
    SecretExposed => Config, "5.3.5", HumanNeeded, Machine, Unsent, "the secret file can be read or written by others", "run: chmod 600 FILE, then outlook-sendmail login";
    /// The secret file cannot be read, or holds no grant.
    SecretUnreadable => Config, "5.3.5", HumanNeeded, Machine, Unsent, "cannot read the secret", "run: outlook-sendmail login";
    /// The secret could not be stored.
    SecretUnwritable => CannotCreate, "5.3.0", HumanNeeded, Machine, Unsent, "cannot store the secret", "check the store and its permissions";
    // -- the network
    /// The server's name has no address.
    NameUnresolved => Temporary, "4.4.3", Temporary, Machine, Unsent, "cannot find the server's address", "is this machine online? nothing was sent";
    /// No address of the server could be reached.
    Unreachable => Temporary, "4.4.1", Temporary, Machine, Unsent, "cannot reach the server", "is that port blocked here? nothing was sent";
    /// The connection broke before anything was sent.
    ConnectionLost => Temporary, "4.4.2", Temporary, Machine, Unsent, "connection lost before the message was sent", "nothing was sent; try again later";
    /// The server was silent, or the deadline came.
    TimedOut => Temporary, "4.4.7", Temporary, Machine, Unsent, "ran out of time", "nothing was sent; try again, or raise deadline in the configuration";
    /// Somebody called it off before the final dot.
    Interrupted => Temporary, "4.3.0", Temporary, Caller, Unsent, "interrupted", "nothing was sent";
    /// STARTTLS is not offered.
    StarttlsMissing => Protocol, "5.7.10", HumanNeeded, Machine, Unsent, "the server offers no STARTTLS", "somebody may be stripping it, or host and port are wrong; nothing was sent";
    /// Octets arrived in the clear behind the reply to STARTTLS.
    StarttlsInjected => Protocol, "5.7.10", HumanNeeded, Machine, Unsent, "the connection was tampered with before TLS", "an attack; use another network; nothing was sent";
    /// The certificate is not to be trusted.
    Certificate => Protocol, "5.7.5", HumanNeeded, Machine, Unsent, "the server's certificate was refused", "check the clock, the host name, the ca-certificates package and tls_ca_file; nothing was sent";
    /// There is nothing to verify certificates with.
    TrustAnchors => Config, "5.7.5", HumanNeeded, Machine, Unsent, "cannot read the certificates to trust", "check tls_ca_file and the ca-certificates package; nothing was sent";
    /// TLS could not be agreed on.
    TlsFailed => Protocol, "5.7.5", HumanNeeded, Machine, Unsent, "no TLS with the server", "nothing was sent";
    /// The server does not speak SMTP.
    ReplyNonsense => Protocol, "5.5.0", HumanNeeded, Machine, Unsent, "the server does not speak SMTP as it must", "check host and port; nothing was sent";
    /// The server does not offer the mechanism we need.
    MechanismMissing => Protocol, "5.7.4", HumanNeeded, Machine, Unsent, "the server does not offer the way of signing in that we need", "check host, provider and auth";
    // -- the server's verdict
    /// The server does not like our EHLO.
    HeloRefused => Config, "5.5.4", HumanNeeded, Machine, Unsent, "the server refuses our EHLO name", "set ehlo in the configuration";
    /// The token was refused.
    AuthRejected => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "Outlook refuses the sign-in", "run outlook-sendmail login with the account's primary address; a fault at Microsoft's passes by itself", elsewhere "the server refuses the sign-in", "check address, tenant and provider, then run: outlook-sendmail login";
    /// The sign-in was refused, and a new token would not help.
    SignInRefused => NoPermission, "5.7.139", HumanNeeded, Mailbox, Unsent, "Outlook refuses the sign-in", "run outlook-sendmail login with the account's primary address, or ask the organisation's administrator", elsewhere "the server refuses the sign-in", "run outlook-sendmail login, or ask whoever runs the server";
    /// A password was refused.
    PasswordRejected => NoPermission, "5.7.8", HumanNeeded, Mailbox, Unsent, "the server refuses the password", "run outlook-sendmail login and type it again; where two-step sign-in is on, it must be an app password";
    /// Passwords are switched off.
    PasswordDead => NoPermission, "5.7.139", HumanNeeded, Mailbox, Unsent, "Outlook no longer takes passwords", "run: outlook-sendmail login", elsewhere "the server takes no passwords", "set auth = \"oauth2\", then run: outlook-sendmail login";
    /// A policy of the organisation forbids it.
    PolicyRefused => NoPermission, "5.7.139", HumanNeeded, Mailbox, Unsent, "a policy of the account's organisation refuses the sign-in", "ask its administrator";
    /// SMTP AUTH is switched off for this mailbox.
    SmtpAuthDisabled => Config, "5.7.139", HumanNeeded, Mailbox, Unsent, "SMTP is switched off for this mailbox", "send through Graph instead: run outlook-sendmail login --transport graph; a work account's administrator can also switch SMTP on", elsewhere "the server lets nobody sign in to this mailbox over SMTP", "ask whoever runs it";
    /// The sign-in does not let us send through Graph.
    GraphDenied => NoPermission, "5.7.1", HumanNeeded, Mailbox, Unsent, "Graph does not let this account send", "run outlook-sendmail login and grant Mail.Send, or ask the organisation's administrator";
    /// The account has no mailbox Graph can use.
    NoGraphMailbox => Config, "5.3.5", HumanNeeded, Mailbox, Unsent, "Graph knows no mailbox of this account", "it may be another company's or on a server of its own; check address and tenant, or set transport = \"smtp\"";
    /// What answers is not Graph.
    GraphNonsense => Protocol, "5.5.0", HumanNeeded, Machine, Unsent, "the server does not answer as Graph must", "check endpoints.graph, and that no proxy answers in its place; nothing was sent";
    /// The account may not send as this sender.
    SenderDenied => NoPermission, "5.7.60", Permanent, Message, Unsent, "Outlook does not let this account send as this sender", "make it an address of the mailbox or take it out of send_as; from = \"rewrite\" then sends as the account", elsewhere "the server does not let this account send as this sender", "make it an address of the mailbox or take it out of send_as; from = \"rewrite\" then sends as the account";
    /// A recipient was refused for good; nobody got the message.
    RecipientRefused => NoUser, "5.1.1", Permanent, Message, Unsent, "recipient refused", "nobody got the message; correct the address";
    /// A recipient was refused for now; nobody got the message.
    RecipientDeferred => Temporary, "4.1.1", Temporary, Message, Unsent, "recipient refused for now", "nobody got the message; try again later";
    /// More recipients than one message may have; nobody got it.
    TooManyRecipients => Unavailable, "5.5.3", Fewer, Message, Unsent, "too many recipients for one message", "nobody got the message; send it to fewer at a time";
    /// Larger than the mailbox may send.
    MailboxSizeLimit => Data, "5.3.4", Permanent, Message, Unsent, "larger than this mailbox may send", "send a link or a smaller attachment";
    /// The content was refused.
    ContentRefused => Data, "5.6.0", Permanent, Message, Unsent, "Outlook refuses the message's content", "nothing was sent", elsewhere "the server refuses the message's content", "nothing was sent";
    /// A quota that refills with time.
    QuotaReached => Temporary, "4.7.28", Quota, Mailbox, Unsent, "the mailbox's sending quota is used up", "nothing was sent; wait some hours, up to a day: trying at once makes it worse";
    /// Too many messages at a time.
    TooManyAtOnce => Temporary, "4.3.2", Temporary, Mailbox, Unsent, "too many messages at the same time", "nothing was sent; try again in a minute";
    /// Punished for repeated failures.
    Throttled => Unavailable, "5.2.0", Permanent, Mailbox, Unsent, "Outlook has blocked sending after repeated failures", "stop, mend the cause, and wait", elsewhere "the server has blocked sending after repeated failures", "stop, mend the cause, and wait";
    /// A human has to prove to be one.
    VerificationNeeded => NoPermission, "5.7.1", OwnerNeeded, Mailbox, Unsent, "Outlook wants you to verify the account", "sign in at outlook.com and follow its instructions", elsewhere "the server wants the account to be verified", "ask whoever runs it";
    /// Sending is suspended.
    Suspended => NoPermission, "5.7.1", OwnerNeeded, Mailbox, Unsent, "Outlook has suspended sending from this account", "sign in at outlook.com and recover the account", elsewhere "the server has suspended sending from this account", "ask whoever runs it";
    /// The network or the organisation has a bad name.
    PoorReputation => Unavailable, "5.7.708", OwnerNeeded, Machine, Unsent, "Outlook takes no mail from this network", "send from another network, or ask Microsoft's support; nothing was sent", elsewhere "the server takes no mail from this network", "send from another network; nothing was sent";
    /// The mailbox cannot hold the copy in Sent Items.
    MailboxFull => Unavailable, "5.2.2", OwnerNeeded, Mailbox, Unsent, "the mailbox is full, so Outlook will not send", "free some space at outlook.com", elsewhere "the mailbox is full, so the server will not send", "free some space in it";
    /// Refused for good otherwise.
    Refused => Unavailable, "5.0.0", Permanent, Message, Unsent, "Outlook refuses", "nothing was sent", elsewhere "the server refuses", "nothing was sent";
    /// Refused for now otherwise.
    Deferred => Temporary, "4.0.0", Temporary, Message, Unsent, "Outlook cannot take the message now", "nothing was sent; try again later", elsewhere "the server cannot take the message now", "nothing was sent; try again later";
    /// The connection was lost after the final dot: nobody knows.
    PerhapsSent => PerhapsSent, "5.4.2", Permanent, Message, Uncertain, "perhaps sent: no clear answer came after the message", "look in Sent Items before sending it again";
    // -- the outbox
    /// The outbox takes no message.
    OutboxUnwritable => Temporary, "4.3.0", Temporary, Machine, Unsent, "cannot write to the queue", "nothing was sent; free some space, or set on_failure = \"report\" to do without";
    /// The outbox holds as much as it may.
    OutboxFull => Temporary, "4.3.1", Temporary, Machine, Unsent, "the queue is full", "nothing was sent; see mailq, and outlook-sendmail queue drop";
    /// The outbox, or a message in it, cannot be read.
    OutboxUnreadable => OsError, "5.3.0", Permanent, Machine, Unsent, "cannot read the queue", "it must be a folder that belongs to you";
    /// An earlier message of the same thread has to go first.
    WaitsInOrder => Temporary, "4.4.5", Temporary, Message, Unsent, "an earlier message of its thread is waiting", "it goes out behind that one";
    /// It waited as long as a message may.
    Expired => Unavailable, "5.4.7", Permanent, Message, Unsent, "waited for five days and could not be sent", "mend the cause, then run: outlook-sendmail queue retry ID";
    /// A run of the queue left messages waiting.
    QueueWaits => Temporary, "4.4.7", Temporary, Machine, Unsent, "could not send what waits", "it is tried again; mailq shows what stands in the way of each message";
    /// A run of the queue gave messages up.
    QueueFailed => Unavailable, "5.4.7", Permanent, Machine, Unsent, "could not send what waited", "mailq lists what failed; then: outlook-sendmail queue retry ID, or drop ID";
    /// No message of the outbox is called so.
    UnknownMessage => Usage, "5.5.4", Permanent, Caller, Unsent, "no such message in the queue", "see mailq for the ids";
    /// Another process works on the message.
    MessageBusy => Temporary, "4.3.2", Temporary, Message, Unsent, "this message is being sent at this moment", "try again in a minute";
    /// Trying again may make a second copy.
    DuplicatePossible => Usage, "5.5.1", Permanent, Caller, Unsent, "this message was perhaps sent", "look in Sent Items; to send it all the same, add --duplicate-possible";
    // -- us
    /// A bug.
    Bug => Software, "5.3.0", Permanent, Machine, Unsent, "internal error", "please report this";
}
