//! Who is responsible for a message at the moment its content goes out, and for the recipients the server refuses.

use std::time::Instant;

use crate::account::Account;
use crate::failure::Failure;
use crate::world::Deadlines;

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
    /// How long this try may take that begins now.
    fn deadlines(&self, account: &Account, now: Instant) -> Deadlines {
        account.deadlines(now)
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
