//! Standard input as callers hand it over: read to its end before anything else happens (decision 6 of DECISIONS.md).

use std::io::Read;

use crate::account::PROVIDERS;
use crate::failure::Failure;
use crate::message::{Dots, Message};
use crate::world::{Input, Spools};

/// Reads the message.
///
/// # Errors
/// It cannot be read, cannot be kept, or is larger than any provider takes.
pub fn read(input: &dyn Input, spools: &dyn Spools, dots: Dots) -> Result<Message, Failure> {
    let message = Message::read(&mut *input.reader(), input.is_terminal(), dots, spools.spool(), size_limit())?;
    Ok(message)
}

/// The largest message any provider takes, in octets.
pub fn size_limit() -> u64 {
    PROVIDERS.iter().map(|row| row.size_limit).max().unwrap_or_default()
}

/// Reads what is left and forgets it: a caller that writes on dies of SIGPIPE, and cron then logs nothing. A person
/// at a terminal is not kept waiting.
pub fn drain(input: &dyn Input) {
    if input.is_terminal() {
        return;
    }
    let mut reader = input.reader();
    let mut room = vec![0; 64 * 1024];
    while matches!(reader.read(&mut room), Ok(read) if read > 0) {}
}
