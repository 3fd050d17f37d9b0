//! Whatever is asked besides sending, carried out by whom it is for: this process, or the machine's mail service. And that
//! service itself: one process holds the secret, everybody else hands it requests over a socket.
//!
//! | file | holds |
//! | --- | --- |
//! | `local` | each request, carried out in this process |
//! | `renewal` | the longest of them: every grant renewed |
//! | `remote` | a request on its way to the broker, and what came back |
//! | `connection` | one connection, served by a process of its own |
//! | `slots` | how much one user may have under way |
//!
//! The listening itself is in `adapters::broker`, what travels in [`crate::service`].

use std::path::Path;

mod connection;
mod local;
mod remote;
mod renewal;
mod slots;

pub use remote::{ask_machine, is_there, leave, submit};
pub use slots::{Full, Place, Slots};

use crate::account::Account;
use crate::credentials::{self, AccessToken, Grant};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{CommandArguments, CommandOption};
use crate::queue::Viewer;
use crate::report;
use crate::service::{ServiceRequest, SignIn};
use crate::world::{ListeningSocket, OnStandardInput, World};

/// Carries out a request, shows what there is to say, and gives the exit status.
pub fn carry_out(world: &World, request: &ServiceRequest) -> u8 {
    let carried_out = match world.places.is_own() {
        true => local::carry_out(world, Viewer::Everybody, request).map(|said| said.show(world)),
        false => remote::carry_out(world, request),
    };
    carried_out.unwrap_or_else(|failure| report::complain(world, &failure))
}

/// Keeps what a sign-in gave where the account is used. For the machine's it has to be in the configuration.
///
/// # Errors
/// Those of the store; [`Cause::RootOnly`]; those of not reaching the broker.
pub fn keep(world: &World, account: &Account, grant: &Grant, token: &AccessToken) -> Result<(), Failure> {
    if world.places.is_own() {
        return credentials::keep(world, account, grant, token);
    }
    let no_json = |_| Failure::new(Stage::Credentials, Cause::Bug, "a grant that is no JSON");
    let sign_in = SignIn {
        account: account.name.clone(),
        grant: grant.to_json().map_err(no_json)?,
        token: token.token.clone(),
        expires_at: token.expires_at,
    };
    ask_machine(world, &ServiceRequest::KeepGrant(sign_in)).map(drop)
}

/// The grant of an earlier sign-in. Of the machine's account only the broker knows, and does not tell.
///
/// # Errors
/// Those of the store.
pub fn previous_grant(world: &World, account: &Account) -> Result<Option<Grant>, Failure> {
    if world.places.is_own() { credentials::previous_grant(world, account) } else { Ok(None) }
}

/// `outlook-sendmail broker`: listens where it is told to, or on what systemd made standard input; or serves the one
/// connection that standard input is. Nobody gains by calling it: it can do what the caller can do.
pub fn run(world: &World, arguments: &CommandArguments) -> u8 {
    if let Some(path) = arguments.value(CommandOption::Listen) {
        return report::done(world, world.brokers.supervise(ListeningSocket::At(Path::new(path))));
    }
    match world.brokers.on_standard_input() {
        OnStandardInput::Listener => report::done(world, world.brokers.supervise(ListeningSocket::StandardInput)),
        OnStandardInput::Connection(accepted) => {
            connection::serve(*accepted);
            0
        }
        OnStandardInput::Nothing => report::complain(world, &Failure::new(Stage::Invocation, Cause::NoSocket, "")),
    }
}
