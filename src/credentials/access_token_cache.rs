//! Where access tokens wait for the next message: the kernel's keyring, else the account's secret store.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::grant::{store_failure, text, to_secret_json};
use super::{AccessToken, Origin, Secret};
use crate::account::{Account, TransportKind};
use crate::failure::Failure;
use crate::moments::unix_seconds;
use crate::world::{Priority, SecretStore, StoreFault, World};

/// Under which name an account's access token is in its secret store.
pub(super) fn name(account: &Account) -> String {
    match account.transport {
        TransportKind::Smtp => format!("access:{}", account.name),
        TransportKind::Graph => format!("access:graph:{}", account.name),
    }
}

/// Under which name it is in the kernel's keyring. That is one for all of a user's configurations, and a token must
/// not go to the server of another account that happens to have the same name.
pub(super) fn name_in_memory(world: &World, account: &Account) -> String {
    let Account { name, address, authority, host, port, graph, transport, .. } = account;
    let server = match transport {
        TransportKind::Smtp => format!("{host}:{port}"),
        TransportKind::Graph => graph.clone(),
    };
    format!("access:{name} {address} {authority} {server} {}", world.places.state.display())
}

/// The token in the kernel's keyring, when it lasts for `spare` more: the way that costs nothing.
pub(super) fn in_memory(world: &World, account: &Account, spare: Duration) -> Option<AccessToken> {
    world.token_cache.load(&name_in_memory(world, account)).and_then(|record| parse(world, account, &record, spare))
}

/// The same, then the store's.
pub(super) fn load(
    world: &World,
    account: &Account,
    store: &dyn SecretStore,
    spare: Duration,
) -> Result<Option<AccessToken>, Failure> {
    if let Some(token) = in_memory(world, account, spare) {
        return Ok(Some(token));
    }
    match store.load(&name(account)) {
        Ok(record) => Ok(record.and_then(|record| parse(world, account, &record, spare))),
        // The cache is spoiled, the grant need not be: renewing writes a new one.
        Err(StoreFault::Unreadable(_) | StoreFault::Exposed(_) | StoreFault::Unwritable(_)) => Ok(None),
        Err(fault @ (StoreFault::Locked | StoreFault::Missing(_) | StoreFault::Hung)) => Err(store_failure(fault)),
    }
}

/// Caches a token until it expires. Never fails: without a cache the next message renews.
pub(super) fn save(world: &World, account: &Account, store: &dyn SecretStore, token: &AccessToken) {
    let Ok(lifetime) = token.expires_at.duration_since(world.clock.now()) else { return };
    let saved = to_json(token, &name_in_memory(world, account)).and_then(|record| {
        if world.token_cache.save(&name_in_memory(world, account), &record, lifetime) {
            return Ok(());
        }
        // An older one there would be found first.
        world.token_cache.delete(&name_in_memory(world, account));
        store.save(&name(account), &record)
    });
    if let Err(fault) = saved {
        let text = format!("account={} the access token was not cached: {}", account.name, store_failure(fault).line());
        world.log.record(Priority::Warning, &text);
    }
}

/// `None` for what expires too soon, for another configuration's account of the same name, and for what is no token.
fn parse(world: &World, account: &Account, record: &Secret, spare: Duration) -> Option<AccessToken> {
    #[derive(Deserialize)]
    struct Record {
        access_token: Secret,
        expires_at: u64,
        #[serde(default)]
        owner: Option<String>,
    }
    let record: Record = serde_json::from_slice(record.reveal()).ok()?;
    if record.owner.is_some_and(|owner| owner != name_in_memory(world, account)) {
        return None;
    }
    let expires_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(record.expires_at))?;
    let left = expires_at.duration_since(world.clock.now()).ok()?;
    (left >= spare).then_some(AccessToken { token: record.access_token, expires_at, origin: Origin::Cached })
}

fn to_json(token: &AccessToken, owner: &str) -> Result<Secret, StoreFault> {
    #[derive(Serialize)]
    struct Record<'a> {
        access_token: &'a str,
        expires_at: u64,
        owner: &'a str,
    }
    let expires_at = unix_seconds(token.expires_at);
    to_secret_json(&Record { access_token: text(&token.token)?, expires_at, owner })
}
