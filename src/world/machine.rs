//! What `doctor` looks at: this machine, as far as it decides whether mail gets out. Nothing here changes anything.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::words::Words;
use crate::world::{HttpsFault, WireFault};

/// The certificates we trust.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchors {
    /// Where the system's lie, if it has any.
    pub place: Option<PathBuf>,
    /// How many there are, those of `tls_ca_file` included.
    pub count: usize,
}

/// A program that takes mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailProgram {
    /// What the name leads to, all links followed.
    pub resolved: PathBuf,
    /// Whose it is.
    pub identity: Identity,
}

/// Whose a program is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    /// The very file this process runs.
    ThisOne,
    /// This program, from another file.
    AnotherCopy,
    /// Somebody else's, by name.
    Known(&'static str),
    /// Somebody else's.
    Unknown,
}

/// This machine.
pub trait Machine {
    /// Every IP address of a host.
    fn resolve(&self, host: &str, deadline: Instant) -> Result<Vec<String>, WireFault>;
    /// The certificates that connections trust, those of `ca_file` included.
    fn anchors(&self, ca_file: Option<&Path>) -> Result<Anchors, Words>;
    /// The Date header of the answer to a GET (RFC 9110 section 6.6.1), empty when there is none.
    fn https_date(&self, ca_file: Option<&Path>, url: &str, deadline: Instant) -> Result<String, HttpsFault>;
    /// What lies behind the name of a mail program; `None` when there is nothing.
    fn mail_program(&self, path: &Path) -> Option<MailProgram>;
    /// The first program of this name in PATH.
    fn program_in_path(&self, name: &str) -> Option<PathBuf>;
    /// PHP's settings files in the order PHP reads them, each with its text; those of the process manager's pools too.
    fn php_settings(&self) -> Vec<(PathBuf, String)>;
    /// The values of one of git's settings; `None` without git, or when it does not answer.
    fn git_setting(&self, key: &str, deadline: Instant) -> Option<Vec<String>>;
}
