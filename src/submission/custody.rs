//! Who is responsible for a message at the moment its content goes out, and for the recipients the server refuses.

use lettre::Address;

use crate::failure::{Cause, Failure};
use crate::words::Words;

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

/// Which recipients have to be accepted for a message to go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enough {
    /// All of them, or nobody gets it.
    Everybody,
    /// One is enough: somebody looks after the others.
    Anybody,
}

/// Takes responsibility for a message at the last moment at which nothing of it has been sent.
pub trait Custody {
    /// Which recipients have to be accepted.
    fn enough(&self) -> Enough;
    /// Called directly before the first octet of content goes out, once or more often; what fails here sends nothing.
    ///
    /// # Errors
    /// Responsibility cannot be taken.
    fn sending(&mut self) -> Result<(), Failure>;
    /// Called directly before the final dot, or what stands for it, goes out: nobody can call the message off any more.
    fn dot(&mut self) {}
}

/// For a message whose sender is told and decides.
#[derive(Clone, Copy, Debug)]
pub struct NoCustody;

impl Custody for NoCustody {
    fn enough(&self) -> Enough {
        Enough::Everybody
    }

    fn sending(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}
