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
    let is_meant = |name: &String| match name.strip_prefix('@') {
        Some(group) => world.users.belongs_to(caller.uid, caller.gid, group),
        None => *name == caller.login,
    };
    let is_open = world.places.whose() == Whose::User || account.allow.is_empty();
    if is_open || caller.uid == world.outbox.owner() || account.allow.iter().any(is_meant) {
        return Ok(());
    }
    Err(Failure::new(Stage::Account, Cause::NotAllowed, caller.login.as_str()))
}
