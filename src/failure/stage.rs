//! The stages of the pipeline, as a failure names them.

use serde::{Deserialize, Serialize};

/// Where in the pipeline a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// Reading the arguments.
    Invocation,
    /// Reading standard input.
    Message,
    /// Reading the configuration.
    Account,
    /// Deciding recipients, sender and headers.
    Envelope,
    /// Getting an access token.
    Credentials,
    /// Talking to the server.
    Submission,
    /// Looking after messages that wait.
    Outbox,
}

impl Stage {
    /// Every stage, in the order of the pipeline.
    pub const ALL: &'static [Self] = &[
        Self::Invocation,
        Self::Message,
        Self::Account,
        Self::Envelope,
        Self::Credentials,
        Self::Submission,
        Self::Outbox,
    ];
}
