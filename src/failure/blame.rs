//! Whom a failure blames, and what it leaves of the message.

/// Whom a failure blames: which other messages would fail alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blame {
    /// This message or its addresses: the next message of the same mailbox may go.
    Message,
    /// The mailbox or its sign-in: all its messages fail alike.
    Mailbox,
    /// This machine, its configuration, the network or the server: nobody's message goes.
    Machine,
    /// Whoever called, or how.
    Caller,
}

/// What became of the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Nobody got it.
    Unsent,
    /// Nobody knows.
    Uncertain,
}
