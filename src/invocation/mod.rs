//! From the arguments to what is wanted.

use std::path::PathBuf;

use crate::message::Dots;

/// What the caller wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invocation {
    /// Send one message from standard input.
    Submit(Submit),
    /// Show the help text.
    Help(Program),
    /// Show name and version.
    Version,
    /// Sign in to an account.
    Login(Login),
}

/// Under which name we were called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// `sendmail`, or any other name.
    Sendmail,
    /// `outlook-sendmail`, the tool for people.
    Tool,
}

/// One submission as the arguments describe it; octets as given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submit {
    /// Whether recipients are read from the header.
    pub header_recipients: HeaderRecipients,
    /// The operands, each an address list.
    pub operands: Vec<Vec<u8>>,
    /// `-f` or `-r`; empty and `<>` are the null sender.
    pub sender: Option<Vec<u8>>,
    /// `-F`.
    pub full_name: Option<Vec<u8>>,
    /// `-i` and `-oi`.
    pub dots: Dots,
    /// `-v`.
    pub verbosity: Verbosity,
    /// `-N`, `-R`, `-V`.
    pub dsn: Dsn,
    /// `--config FILE` of the tool; the environment variable is judged elsewhere.
    pub config: Option<PathBuf>,
}

/// `-t`, or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderRecipients {
    /// -t: To, Cc and Bcc are recipients too.
    Taken,
    /// Only the operands are.
    Ignored,
}

/// `-v`, or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verbosity {
    /// Not a word on success.
    Silent,
    /// A transcript on standard error.
    Transcript,
}

/// Delivery status notification wishes (RFC 3461), as validated xtext-safe words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dsn {
    /// `NEVER`, or a list of `SUCCESS`, `FAILURE`, `DELAY`.
    pub notify: Option<String>,
    /// `FULL` or `HDRS`.
    pub ret: Option<String>,
    /// The envelope id, not yet xtext-encoded.
    pub envid: Option<String>,
}

/// `outlook-sendmail login`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Login {
    /// The mailbox's address, when given.
    pub address: Option<String>,
    /// `--account NAME`.
    pub account: Option<String>,
    /// `--client-id ID`.
    pub client_id: Option<String>,
    /// `--tenant T`.
    pub tenant: Option<String>,
    /// `--store S`.
    pub store: Option<String>,
    /// `--config FILE`.
    pub config: Option<PathBuf>,
}
