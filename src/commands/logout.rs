//! `logout`: every secret of an account forgotten where it is used; the configuration stays.

use crate::account::Accounts;
use crate::broker;
use crate::failure::Failure;
use crate::invocation::{CommandArguments, CommandOption};
use crate::service::ServiceRequest;
use crate::world::World;

/// Has the account's grants, tokens and password forgotten. Gives the exit status.
///
/// # Errors
/// Those of the configuration.
pub fn logout(world: &World, arguments: &CommandArguments) -> Result<u8, Failure> {
    let accounts = Accounts::load(world)?;
    let account = match arguments.value(CommandOption::Account) {
        Some(name) => accounts.named(name)?,
        None => accounts.for_sender(&[])?,
    };
    Ok(broker::carry_out(world, &ServiceRequest::Forget(account.name.clone())))
}
