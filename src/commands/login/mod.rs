//! `login`: a person signs in once, in any browser, and mail goes out from then on.

use lettre::Address;

use crate::account::{Account, same_mailbox};
use crate::broker;
use crate::credentials::{self, AccessToken, Grant, SignedIn};
use crate::failure::{Cause, Failure, Stage, Whose};
use crate::world::{Echo, World};

mod registration;
mod status_line;
mod with_browser;
mod with_code;

#[cfg(test)]
pub(crate) use registration::REGISTRATION_STEPS;

/// How a person signs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// A code, typed on any device (RFC 8628).
    DeviceCode,
    /// A browser on this machine, or one whose last page is pasted (RFC 8252).
    Browser,
}

/// What a sign-in taught us, for the configuration.
pub struct Learned {
    /// The mailbox's primary address.
    pub address: Address,
    /// What the person gave.
    pub grant: Grant,
    /// What it opens for the next hour.
    pub token: AccessToken,
}

/// Signs in to `account`; nothing is stored yet. Of the account, `client_id`, `provider`, `tenant`, `authority`, `store`
/// and `tls_ca_file` count; `named` is the address the person gave, if any.
///
/// # Errors
///
/// The causes of "signing in"; the store is tried first, so that nobody signs in for nothing.
pub fn login(world: &World, account: &Account, named: Option<&Address>, flow: Flow) -> Result<Learned, Failure> {
    let previous = broker::previous_grant(world, account)?;
    let client_id = registration::client_id(world, account, previous.as_ref())?;
    let SignedIn { address, mut grant, token } = match flow {
        Flow::DeviceCode => with_code::sign_in(world, account, &client_id),
        Flow::Browser => with_browser::sign_in(world, account, &client_id, named),
    }?;
    let address = address
        .or_else(|| named.cloned())
        .or_else(|| asked_for_address(world))
        .ok_or_else(|| Failure::new(Stage::Credentials, Cause::AddressUntold, ""))?;
    grant.address = address.to_string();
    Ok(Learned { address, grant, token })
}

/// Stores what was learned as the account's, and says so.
///
/// # Errors
///
/// The causes of the store.
pub fn keep(
    world: &World,
    account: &Account,
    learned: &Learned,
    named: Option<&Address>,
    whose: Whose,
) -> Result<(), Failure> {
    match whose {
        Whose::User => credentials::keep(world, account, &learned.grant, &learned.token)?,
        // Only its service has its store.
        Whose::System => broker::keep(world, account, &learned.grant, &learned.token)?,
    }
    world.terminal.out(&welcome(&learned.address, named));
    Ok(())
}

fn welcome(address: &Address, named: Option<&Address>) -> String {
    match named {
        Some(named) if !same_mailbox(named, address) => {
            format!("Signed in. The mailbox of {named} is called {address}; that is the account's address.\n")
        }
        Some(_) | None => format!("Signed in as {address}.\n"),
    }
}

/// The id_token did not say. `preferred_username` would be the name that was signed in with, which need not be a mailbox.
fn asked_for_address(world: &World) -> Option<Address> {
    let question = "Microsoft did not say which mailbox this is. Its primary address: ";
    answers(world, question, "That is no address.\n", |answer| answer.parse().ok())
}

/// Asks until an answer is one, three times at most; `None` where nobody can be asked.
fn answers<T>(world: &World, question: &str, otherwise: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    for _ in 0..3 {
        let answer = world.person.ask(question, Echo::Shown)?;
        match read(answer.reveal_text().unwrap_or_default().trim()) {
            Some(read) => return Some(read),
            None => world.terminal.err(otherwise),
        }
    }
    None
}

#[cfg(test)]
mod tests;
