//! From a letter and a token to the server's verdict.

mod custody;
pub mod smtp;

use crate::words::Words;
pub use custody::{Custody, Enough, NoCustody, RefusedRecipient};

/// The server took responsibility: its 250 to the final dot was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The server's words after 250.
    pub words: Words,
    /// Who does not get it, where that was allowed ([`Enough::Anybody`]).
    pub refused: Vec<RefusedRecipient>,
}

impl Receipt {
    /// For everybody.
    pub fn new(words: Words) -> Self {
        Self { words, refused: Vec::new() }
    }
}
