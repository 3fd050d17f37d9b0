//! Signing out: every secret of an account is taken out of its store and out of memory.

use std::time::Instant;

use super::{access_token_cache, grant, lock, open_store, password};
use crate::account::{Account, TransportKind};
use crate::failure::Failure;
use crate::memory::history;
use crate::world::{StoreFault, World};

/// What [`forget`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forgotten {
    /// A grant, for SMTP or Graph.
    Grant,
    /// An access token, in the kernel's keyring or the store.
    AccessToken,
    /// A password.
    Password,
}

/// Forgets every secret of the account, here; Microsoft keeps a grant until it is revoked there. Gives what there was.
///
/// # Errors
/// The causes of the store.
pub fn forget(world: &World, account: &Account, deadline: Instant) -> Result<Vec<Forgotten>, Failure> {
    let _alone = lock(world, account, deadline);
    let both = [TransportKind::Smtp, TransportKind::Graph].map(|transport| Account { transport, ..account.clone() });
    let mut found = Vec::new();
    for account in &both {
        let in_memory = access_token_cache::name_in_memory(world, account);
        if world.token_cache.load(&in_memory).is_some() {
            found.push(Forgotten::AccessToken);
        }
        world.token_cache.delete(&in_memory);
    }
    found.extend(forget_stored(world, account, deadline)?);
    found.sort_by_key(|what| *what as u8);
    found.dedup();
    history::signed_out(world, &account.address);
    Ok(found)
}

/// The same for what its store holds only.
///
/// # Errors
/// The causes of the store.
pub fn forget_stored(world: &World, account: &Account, deadline: Instant) -> Result<Vec<Forgotten>, Failure> {
    let store = open_store(world, account, deadline)?;
    let mut found = Vec::new();
    for transport in [TransportKind::Smtp, TransportKind::Graph] {
        let account = Account { transport, ..account.clone() };
        for (name, what) in [
            (access_token_cache::name(&account), Forgotten::AccessToken),
            (grant::name(&account), Forgotten::Grant),
            (password::name(&account), Forgotten::Password),
        ] {
            match store.load(&name) {
                Ok(None) => continue,
                // What cannot be read can be deleted.
                Ok(Some(_)) | Err(StoreFault::Exposed(_) | StoreFault::Unreadable(_) | StoreFault::Unwritable(_)) => {}
                Err(fault @ (StoreFault::Locked | StoreFault::Missing(_) | StoreFault::Hung)) => {
                    return Err(grant::store_failure(fault));
                }
            }
            store.delete(&name).map_err(grant::store_failure)?;
            found.push(what);
        }
    }
    Ok(found)
}
