//! `logout`: every secret of an account forgotten here; the configuration stays.

use crate::account::{Account, Accounts};
use crate::broker;
use crate::credentials::{self, Forgotten};
use crate::failure::Failure;
use crate::invocation::{CommandArguments, CommandOption};
use crate::world::{Route, World};

/// Forgets the account's grants, tokens and password, and says so.
///
/// # Errors
/// Those of the configuration and of the store. Nothing to forget is none.
pub fn logout(world: &World, arguments: &CommandArguments) -> Result<(), Failure> {
    let accounts = Accounts::load(world)?;
    let account = match arguments.value(CommandOption::Account) {
        Some(name) => accounts.named(name)?,
        None => accounts.for_sender(&[])?,
    };
    match world.places.route {
        Route::Here => {}
        Route::Broker | Route::Incoming => return from_broker(world, account),
    }
    let forgotten = credentials::forget(world, account, world.clock.instant() + account.deadline)?;
    world.terminal.out(&farewell(account, &forgotten));
    Ok(())
}

fn from_broker(world: &World, account: &Account) -> Result<(), Failure> {
    broker::forget(world, account)?;
    world.terminal.out(&format!(
        "Signed out {}: this machine sends no more mail through it.\n{}",
        account.address,
        page(account)
    ));
    Ok(())
}

/// What is left to be done elsewhere.
fn page(account: &Account) -> String {
    match account.provider.grants_page {
        "" => String::new(),
        page => format!("Microsoft still has the permission on record; to take it back: {page}\n"),
    }
}

fn farewell(account: &Account, forgotten: &[Forgotten]) -> String {
    if forgotten.is_empty() {
        return format!("{} was not signed in.\n", account.address);
    }
    let things: Vec<_> = forgotten.iter().map(|what| in_words(*what)).collect();
    let mut text = format!("Signed out {}: forgot {}.\n", account.address, things.join(" and "));
    if forgotten.contains(&Forgotten::Grant) {
        text.push_str(&page(account));
    }
    text
}

const fn in_words(what: Forgotten) -> &'static str {
    match what {
        Forgotten::Grant => "the sign-in",
        Forgotten::AccessToken => "the access token",
        Forgotten::Password => "the password",
    }
}
