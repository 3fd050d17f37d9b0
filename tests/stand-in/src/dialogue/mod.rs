//! Dialogues as data: what the server does otherwise than Outlook, and what the client is expected to make of it.
//!
//! A dialogue is a text of lines. Anything not mentioned goes as with Outlook.
//!
//! ```text
//! # Any line that starts with # is a comment, except these:
//! # expect status 75                exit status of the client
//! # expect stderr some words        standard error contains them (may be repeated)
//! # expect log some words           so does the log record (may be repeated)
//! # expect received 0               how many messages the server accepted
//! # expect dsn 4.4.7                enhanced status in the log record
//! # expect connections 1            how often the client connected
//! # config deadline = 2             a line for the account's table in config.toml (may be repeated)
//! # arguments a@example.org b@example.org      the client's arguments, else one recipient
//!
//! on banner: 421 4.3.2 Service not available
//!
//! on rcpt 2: 550 5.1.1 No such user       the second recipient of a transaction
//! on rcpt containing "bad@": 550 5.1.1 x  the command has these octets (case-insensitive)
//! on auth longer-than 512: 500 5.5.2 Line too long
//! on auth times 1: 451 4.7.0 Temporary    only the first time, over all connections
//!
//! on data:
//!     354 Go ahead
//!     delay 500
//! ```
//!
//! **Stages**: `banner`, `ehlo` (before TLS; HELO too), `starttls`, `tls` (the handshake), `ehlo2` (after TLS), `auth`,
//! `auth-continuation`, `mail`, `rcpt`, `data`, `content` (after the final dot), `rset`, `quit`, `other`.
//!
//! **Selectors**, all optional, in any order: a number N (the Nth time at this stage: of the transaction for `rcpt`, of
//! the connection elsewhere), `containing "TEXT"`, `longer-than OCTETS`, `times N`. The first rule of a stage that fits
//! is the one that counts.
//!
//! **Actions**, one per line, done in order:
//!
//! | action | what happens |
//! | --- | --- |
//! | `250 text`, `250-text` | a reply line; the last code decides how the session goes on (a 250 to MAIL opens a transaction, a 354 begins the content, a 334 waits for a continuation, 421 closes, ...) |
//! | `early 250 text` | a reply nobody asked for, in the same write behind the answer; it changes nothing for the session |
//! | `raw OCTETS` | octets as they are, no line end added |
//! | `endless LINE` | this line again and again until the client goes |
//! | `default` | what Outlook would do now; implied when nothing above was a reply |
//! | `drop` | closes; replies above are sent first |
//! | `reset` | closes at once; replies above are lost |
//! | `stall` | never answers, until the client goes |
//! | `delay MS` | waits |
//! | `inject OCTETS` | `starttls`: in the clear, in the same write, directly behind the 220 |
//! | `-KEYWORD`, `+KEYWORD words` | `ehlo`, `ehlo2`: a keyword less or more in the list |
//! | `certificate good\|expired\|wrong-host\|self-signed` | `tls`: which one to show |
//! | `version 1.2\|1.3` | `tls`: the only version spoken |
//! | `drop-after N` | `data`: closes after N octets of content |
//! | `slow OCTETS MS` | from here on reads at most so many octets, so many milliseconds apart |
//!
//! **Octets** in replies and in `raw`, `endless`, `inject`: `\xNN`, `\r`, `\n`, `\\`, `\{`, and `{text*1000}` for a
//! repetition.

mod octets;
mod parse;
mod rules;

use std::time::Duration;

pub use parse::SyntaxError;
pub(crate) use rules::Rules;

use crate::certificates::CertificateKind;

/// A parsed dialogue.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    pub(crate) rules: Vec<Rule>,
    expectations: Expectations,
}

impl Dialogue {
    /// Reads a dialogue; the error names the line.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parse::dialogue(text)
    }

    /// What the client is expected to do, from the header lines.
    pub fn expectations(&self) -> &Expectations {
        &self.expectations
    }
}

/// The header lines of a dialogue.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expectations {
    /// Exit status.
    pub status: Option<u8>,
    /// Each is a part of standard error.
    pub stderr: Vec<String>,
    /// Each is a part of the log record.
    pub log: Vec<String>,
    /// Number of messages accepted.
    pub received: Option<usize>,
    /// Enhanced status in the log record.
    pub dsn: Option<String>,
    /// Number of connections.
    pub connections: Option<usize>,
    /// Keys and values, as TOML, for the account's table.
    pub config: Vec<(String, String)>,
    /// The client's arguments; empty means the test's own.
    pub arguments: Vec<String>,
}

/// Where in a session a rule applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Banner,
    Ehlo,
    Starttls,
    Tls,
    Ehlo2,
    Auth,
    AuthContinuation,
    Mail,
    Rcpt,
    Data,
    Content,
    Rset,
    Quit,
    Other,
}

/// One `on` with its actions.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) stage: Stage,
    pub(crate) selector: Selector,
    pub(crate) actions: Vec<Action>,
}

/// Which occurrences of a stage a rule is for; everything given has to hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    pub(crate) nth: Option<usize>,
    pub(crate) containing: Option<Vec<u8>>,
    pub(crate) longer_than: Option<usize>,
    pub(crate) times: Option<usize>,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Reply(Vec<u8>),
    Early(Vec<u8>),
    Raw(Vec<u8>),
    Endless(Vec<u8>),
    Default,
    Drop,
    Reset,
    Stall,
    Delay(Duration),
    Inject(Vec<u8>),
    Omit(String),
    Add(String),
    Certificate(CertificateKind),
    Version(TlsVersion),
    DropAfter(usize),
    Slow { octets: usize, pause: Duration },
}

/// A TLS version to be the only one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TlsVersion {
    V1_2,
    V1_3,
}
