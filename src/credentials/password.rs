//! A password, for servers that still take one: where it is kept, and for whom.

use serde::{Deserialize, Serialize};

use super::grant::{store_failure, text, to_secret_json};
use super::{STORE_PATIENCE, Secret, failure, open_store};
use crate::account::Account;
use crate::failure::{Cause, Failure};
use crate::memory::history;
use crate::memory::send_as;
use crate::world::StoreKind;
use crate::world::World;

/// Under which name it is stored: the mailbox's.
pub(super) fn name(account: &Account) -> String {
    format!("password:{}", account.address.to_string().to_ascii_lowercase())
}

/// The password of an account.
///
/// # Errors
/// [`Cause::NoGrant`] when none was given for this server, and the causes of the store.
pub(super) fn load(world: &World, account: &Account, deadline: std::time::Instant) -> Result<Secret, Failure> {
    #[derive(Deserialize)]
    struct Record {
        password: Secret,
        host: String,
    }
    let stored = open_store(world, account, deadline)?.load(&name(account)).map_err(store_failure)?;
    let stored = stored.ok_or_else(|| failure(Cause::NoGrant, "no password is kept"))?;
    // One that a person put behind the command by hand is the password itself.
    if matches!(account.store, StoreKind::Command(_)) && !stored.reveal().starts_with(b"{") {
        return Ok(stored);
    }
    // serde_json's errors may quote what they read.
    let record: Record = serde_json::from_slice(stored.reveal())
        .map_err(|error| failure(Cause::SecretUnreadable, format!("no password at column {}", error.column())))?;
    // Whoever it was given for is the only one who may see it.
    if !record.host.eq_ignore_ascii_case(&account.host) {
        return Err(failure(Cause::NoGrant, format!("the password that is kept is one for {}", record.host)));
    }
    Ok(record.password)
}

/// Whether one is kept that this server may see, for `status`.
///
/// # Errors
/// [`Cause::NoGrant`] and the causes of the store.
pub fn check_password(world: &World, account: &Account, deadline: std::time::Instant) -> Result<(), Failure> {
    load(world, account, deadline).map(drop)
}

/// Keeps it.
///
/// # Errors
/// The causes of the store.
pub fn keep_password(world: &World, account: &Account, password: &Secret) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Record<'a> {
        password: &'a str,
        host: &'a str,
    }
    let store = open_store(world, account, world.clock.instant() + STORE_PATIENCE)?;
    let record = text(password).and_then(|password| to_secret_json(&Record { password, host: &account.host }));
    record.and_then(|record| store.save(&name(account), &record)).map_err(store_failure)?;
    history::renewed(world, &account.address);
    send_as::forget_refusals(world, account);
    Ok(())
}
