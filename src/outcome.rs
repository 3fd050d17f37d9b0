//! What became of a message that somebody answers for now.

use lettre::Address;
use serde::{Deserialize, Serialize};

use crate::failure::{Cause, Failure};
use crate::words::Words;

/// A message nobody has to worry about any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// The server has it.
    Sent(Receipt),
    /// The outbox has it.
    Kept {
        /// What it is called.
        id: String,
        /// Why it was not sent.
        why: Failure,
    },
}

impl Taken {
    /// What a client of ours is told behind its 250.
    pub fn words(&self) -> Words {
        match self {
            Self::Sent(receipt) => receipt.words.clone(),
            Self::Kept { id, .. } => Words::from(format!("2.0.0 kept as {id}, to be sent later")),
        }
    }
}

/// The server took responsibility: its 250 to the final dot, or its 202, was read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The server's words: those after 250, or 202 and what it calls the request.
    pub words: Words,
    /// Who does not get it, where that was allowed: whoever allowed it looks after them, so it does not travel.
    #[serde(skip)]
    pub refused: Vec<RefusedRecipient>,
}

impl Receipt {
    /// For everybody.
    pub fn new(words: Words) -> Self {
        Self { words, refused: Vec::new() }
    }
}

/// A recipient the server would not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedRecipient {
    /// The address.
    pub address: Address,
    /// Why.
    pub cause: Cause,
    /// The server's words.
    pub words: Words,
}
