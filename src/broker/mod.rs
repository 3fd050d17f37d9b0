//! The system account's mail service: one process holds the secret, everybody else hands it requests over a socket.
//!
//! | file | holds |
//! | --- | --- |
//! | `client` | a request on its way to the broker, and what came back |
//! | `service` | one connection, served by a process of its own |
//! | `slots` | how much one user may have under way |
//!
//! The listening itself is in `adapters::broker`, what travels in [`crate::service`].

use std::path::Path;
mod client;
mod service;
mod slots;

pub use client::{ask, does_not_run, forget, is_there, keep, leave, submit, told};
pub use slots::{Place, Slots};

use crate::attempt::Attempt;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::CommandArguments;
use crate::invocation::CommandOption;
use crate::report;
use crate::world::{ListeningSocket, OnStandardInput, World};

/// `outlook-sendmail broker`: listens where it is told to, or on what systemd made standard input; or serves the one
/// connection that standard input is. Nobody gains by calling it: it can do what the caller can do.
pub fn run(world: &World, arguments: &CommandArguments, attempt: &Attempt<'_>) -> u8 {
    if let Some(path) = arguments.value(CommandOption::Listen) {
        return report::done(world, world.brokers.supervise(ListeningSocket::At(Path::new(path))));
    }
    match world.brokers.on_standard_input() {
        OnStandardInput::Listener => report::done(world, world.brokers.supervise(ListeningSocket::StandardInput)),
        OnStandardInput::Connection(accepted) => {
            service::serve(*accepted, attempt);
            0
        }
        OnStandardInput::Nothing => report::complain(world, &Failure::new(Stage::Invocation, Cause::NoSocket, "")),
    }
}
