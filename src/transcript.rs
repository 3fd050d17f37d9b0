//! The conversation with a server as -v shows it.

use crate::words::SafeText;

/// One line of the conversation, without secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said; replies with their code, commands without their line end.
    pub text: SafeText,
}

/// Who said a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaker {
    /// We did.
    Client,
    /// The server did.
    Server,
    /// Nobody: something happened.
    Event,
    /// Nobody: so much of the message has gone out by now.
    Progress,
}
