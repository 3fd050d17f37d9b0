//! Where in the conversation we are.

use std::fmt;

/// A step of the conversation, named for the command the server answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The server's greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    Starttls,
    /// AUTH and what follows it.
    Auth,
    /// RSET between two attempts.
    Rset,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, before the content.
    Data,
    /// The content and its final dot.
    Content,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "the server's greeting",
            Self::Ehlo => "the reply to EHLO",
            Self::Starttls => "the reply to STARTTLS",
            Self::Auth => "the reply to AUTH",
            Self::Rset => "the reply to RSET",
            Self::Mail => "the reply to MAIL",
            Self::Rcpt => "the reply to RCPT",
            Self::Data => "the reply to DATA",
            Self::Content => "the reply to the message",
        })
    }
}
