//! From a letter and a token to the server's verdict.

pub mod pace;
pub mod smtp;

use crate::words::Words;

/// The server took responsibility: its 250 to the final dot was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The server's words after 250.
    pub words: Words,
}
