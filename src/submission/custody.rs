//! Who is responsible for a message at the moment its content goes out, and for the recipients the server refuses.

use std::time::Instant;

use crate::failure::Failure;

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
    /// When the message had been read to its end; `None`: its time begins now.
    fn started(&self) -> Option<Instant> {
        None
    }
    /// Who still has to get it; everybody when there is no list.
    fn left(&self) -> Option<&[String]> {
        None
    }
    /// Which recipients have to be accepted.
    fn enough(&self) -> Enough;
    /// Called directly before the first octet of content goes out, once or more often; what fails here sends nothing.
    ///
    /// # Errors
    /// Responsibility cannot be taken.
    fn sending(&mut self) -> Result<(), Failure>;
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
