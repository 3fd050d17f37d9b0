//! Who may send through the machine's account.

use crate::account::Account;
use crate::failure::{Cause, Failure, Stage, Whose};
use crate::world::{Caller, World};

/// `allow`: user names, and groups behind an `@`; an empty list is everybody. Asked at every try, as the list may have
/// become shorter since the message was taken. The service's own mail is nobody's to forbid.
///
/// # Errors
/// [`Cause::NotAllowed`].
pub fn admit(world: &World, account: &Account, caller: &Caller) -> Result<(), Failure> {
    let is_exempt = world.places.whose() == Whose::User || caller.uid == world.outbox.owner();
    if is_exempt || account.admits(&caller.login, |group| world.users.belongs_to(caller.uid, caller.gid, group)) {
        return Ok(());
    }
    Err(Failure::new(Stage::Account, Cause::NotAllowed, caller.login.as_str()))
}
