//! The store, proven before anybody signs in; and the one that is always there, where there is no keyring.

use lettre::Address;

use super::draft::ConfigurationDraft;
use crate::commands::question::agreed;
use crate::credentials;
use crate::failure::{Cause, Failure, Wording};
use crate::invocation::{CommandArguments, CommandOption};
use crate::world::{StoreKind, World};

/// In place of the advice to sign in again, which the person is doing.
const NO_KEYRING: Wording = Wording {
    sentence: "no keyring can be reached",
    advice: "run: outlook-sendmail login --store file, or start one (gnome-keyring, KeePassXC)",
};

/// What is wanted, and the configuration with it, in a store that has just been written to.
///
/// # Errors
/// Those of the configuration and of the store. The machine's store is its service's alone.
pub(super) fn proven(
    world: &World,
    arguments: &CommandArguments,
    named: Option<&Address>,
) -> Result<(CommandArguments, ConfigurationDraft), Failure> {
    let draft = ConfigurationDraft::read(world, arguments, named)?;
    if arguments.says(CommandOption::System) {
        return Ok((arguments.clone(), draft));
    }
    match credentials::prove_store(world, draft.account()) {
        Ok(()) => Ok((arguments.clone(), draft)),
        Err(missing) if missing.cause == Cause::KeyringMissing && draft.account().store == StoreKind::SecretService => {
            let question = "There is no keyring here. Keep the sign-in in a file that only you can read?";
            if !world.input.is_terminal() || !agreed(world, question) {
                return Err(draft.account().blamed(missing.worded(Some(&NO_KEYRING))));
            }
            let arguments = arguments.clone().with(CommandOption::Store, StoreKind::File.word());
            let draft = ConfigurationDraft::read(world, &arguments, named)?;
            credentials::prove_store(world, draft.account())?;
            Ok((arguments, draft))
        }
        Err(failure) => Err(draft.account().blamed(failure)),
    }
}
