//! From an account to an access token: cached, renewed, or asked of a person.

use std::time::{Duration, Instant, SystemTime};

use crate::account::{Account, AuthKind};
use crate::failure::{Cause, Failure, Stage};
use crate::memory::history;
use crate::memory::send_as;
use crate::secret::Secret;
use crate::world::StoreKind;
use crate::world::{KeyPlace, LockGuard, Priority, SecretStore, World};

mod access_token_cache;
pub mod browser;
pub mod device_code;
mod forget;
mod grant;
mod id_token;
mod password;
mod pkce;
mod sign_in_errors;
mod signed_in;
#[cfg(test)]
mod tests;
mod token_endpoint;

pub use forget::{Forgotten, forget, forget_stored};
pub use grant::Grant;
pub use password::{check_password, keep_password};
pub use signed_in::SignedIn;

/// Permission to submit as one account, for about an hour.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The bearer token.
    pub token: Secret,
    /// When it stops working.
    pub expires_at: SystemTime,
    /// Where it came from; a refused cached one is renewed once.
    pub origin: Origin,
}

/// Where an access token came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// From the cache.
    Cached,
    /// From the token endpoint, just now.
    Renewed,
}

/// What an account signs in to its submission server with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// `auth = "oauth2"`.
    Bearer(AccessToken),
    /// `auth = "password"`.
    Password(Secret),
}

impl Credential {
    /// Whether it may have been revoked since we got it, so that a new one is worth a second try.
    pub fn is_cached(&self) -> bool {
        matches!(self, Self::Bearer(AccessToken { origin: Origin::Cached, .. }))
    }

    /// The same, or what took its place since it was refused.
    ///
    /// # Errors
    /// As [`credential`].
    pub fn renewed(&self, world: &World, account: &Account, deadline: Instant) -> Result<Self, Failure> {
        match self {
            Self::Bearer(refused) => renewed(world, account, refused, deadline).map(Self::Bearer),
            Self::Password(_) => Ok(self.clone()),
        }
    }
}

/// What the account's configuration says it signs in with.
///
/// # Errors
/// As [`access_token`]; [`Cause::NoGrant`] without a password.
pub fn credential(world: &World, account: &Account, deadline: Instant) -> Result<Credential, Failure> {
    match account.auth {
        AuthKind::OAuth2 => access_token(world, account, deadline).map(Credential::Bearer),
        AuthKind::Password => password::load(world, account, deadline).map(Credential::Password),
    }
}

/// A packager's own registration, when the build was given one.
pub const PACKAGED_CLIENT_ID: Option<&str> = option_env!("OUTLOOK_SENDMAIL_CLIENT_ID");

/// A cached token has to last this long: a slow submission must not outlive it.
const SPARE: Duration = Duration::from_secs(600);

/// The longest wait for another process's renewal; after that two renewals at once are the lesser evil (the old
/// refresh token stays valid).
const LOCK_PATIENCE: Duration = Duration::from_secs(15);

/// The longest wait for one answer of a secret store.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// And the shortest, when the deadline is near: a working one takes milliseconds.
const STORE_HASTE: Duration = Duration::from_secs(1);

/// What is wrong with a stored grant that the next one makes good.
const MENDED_BY_SIGNING_IN: &[Cause] = &[Cause::NoGrant, Cause::SecretUnreadable, Cause::SecretExposed];

/// A token that works for at least ten more minutes if it comes from the cache; else a renewed one, one process at
/// a time.
///
/// # Errors
///
/// The causes of "signing in" in the table of [`Cause`].
pub fn access_token(world: &World, account: &Account, deadline: Instant) -> Result<AccessToken, Failure> {
    if let Some(token) = access_token_cache::in_memory(world, account, SPARE) {
        return Ok(token);
    }
    let store = open_store(world, account, deadline)?;
    let _renewing = lock(world, account, deadline);
    if let Some(token) = access_token_cache::load(world, account, &*store, SPARE)? {
        return Ok(token);
    }
    renew(world, account, &*store, deadline)
}

/// A token in place of a cached one the server refused: another process's newer one if there is one, else renewed.
///
/// # Errors
///
/// As [`access_token`].
pub fn renewed(
    world: &World,
    account: &Account,
    refused: &AccessToken,
    deadline: Instant,
) -> Result<AccessToken, Failure> {
    let store = open_store(world, account, deadline)?;
    let _renewing = lock(world, account, deadline);
    match access_token_cache::load(world, account, &*store, SPARE)? {
        Some(token) if token.token != refused.token => Ok(token),
        Some(_) | None => renew(world, account, &*store, deadline),
    }
}

/// Keeps what a sign-in gave: the grant durably, the access token until it expires.
///
/// # Errors
///
/// Only when the grant cannot be stored; a token that cannot be cached costs one renewal.
pub fn keep(world: &World, account: &Account, grant: &Grant, token: &AccessToken) -> Result<(), Failure> {
    let deadline = world.clock.instant() + LOCK_PATIENCE;
    let store = open_store(world, account, deadline)?;
    // A renewal under way would write the old grant's successor over this one.
    let _alone = lock(world, account, deadline);
    grant.save(account, &*store).map_err(grant::store_failure)?;
    access_token_cache::save(world, account, &*store, token);
    history::renewed(world, &account.address);
    send_as::forget_refusals(world, account);
    Ok(())
}

/// Renews the grant now, whatever is cached: one that is never used lapses.
///
/// # Errors
///
/// As [`access_token`].
pub fn renew_grant(world: &World, account: &Account, deadline: Instant) -> Result<(), Failure> {
    let store = open_store(world, account, deadline)?;
    let _renewing = lock(world, account, deadline);
    renew(world, account, &*store, deadline).map(drop)
}

/// The same for a grant that no message needs now: what becomes of it says nothing about the mailbox.
///
/// # Errors
///
/// As [`access_token`].
pub fn renew_spare_grant(world: &World, account: &Account, deadline: Instant) -> Result<(), Failure> {
    // Most accounts have none.
    stored_grant(world, account, deadline)?;
    let store = open_store(world, account, deadline)?;
    let _renewing = lock(world, account, deadline);
    renew_for(Purpose::Keeping, world, account, &*store, deadline).map(drop)
}

/// The grant a new sign-in will replace, if there is one that can be read. Asked before a person is asked for
/// anything: a store that is locked or away shows here.
///
/// # Errors
///
/// [`Cause::KeyringLocked`], [`Cause::KeyringMissing`], [`Cause::KeyringHung`].
pub fn previous_grant(world: &World, account: &Account) -> Result<Option<Grant>, Failure> {
    match stored_grant(world, account, world.clock.instant() + STORE_PATIENCE) {
        Ok(grant) => Ok(Some(grant)),
        Err(failure) if MENDED_BY_SIGNING_IN.contains(&failure.cause) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Keeps something in the account's store and takes it out again: one that would not keep a sign-in shows now, and not
/// after a person has signed in.
///
/// # Errors
/// The causes of the store.
pub fn prove_store(world: &World, account: &Account) -> Result<(), Failure> {
    let store = open_store(world, account, world.clock.instant() + STORE_PATIENCE)?;
    let (name, proof) = (format!("proof:{}", account.name), Secret::from("kept"));
    let kept = store.save(&name, &proof).and_then(|()| {
        let kept = store.load(&name);
        store.delete(&name)?;
        kept
    });
    match kept.map_err(grant::store_failure)? {
        Some(kept) if kept == proof => Ok(()),
        Some(_) | None => Err(failure(Cause::SecretUnwritable, "what was kept there is not there")),
    }
}

/// The grant as stored, for `status`.
///
/// # Errors
///
/// [`Cause::NoGrant`] and the causes of its store.
pub fn stored_grant(world: &World, account: &Account, deadline: Instant) -> Result<Grant, Failure> {
    Grant::load(account, &*open_store(world, account, deadline)?)?
        .for_authority(&account.authority)?
        .for_resource(account)
}

/// Where the key of the account's store is; `None` when it has none, or cannot be opened.
pub fn key_place(world: &World, account: &Account, deadline: Instant) -> Option<KeyPlace> {
    match account.store {
        StoreKind::Sealed => open_store(world, account, deadline).ok()?.key_place(),
        StoreKind::SecretService | StoreKind::File | StoreKind::Command(_) => None,
    }
}

fn open_store(world: &World, account: &Account, deadline: Instant) -> Result<Box<dyn SecretStore>, Failure> {
    let left = deadline.saturating_duration_since(world.clock.instant());
    world.secrets.open(account.store.clone(), left.clamp(STORE_HASTE, STORE_PATIENCE)).map_err(grant::store_failure)
}

fn lock(world: &World, account: &Account, deadline: Instant) -> Option<Box<dyn LockGuard>> {
    let patience = deadline.min(world.clock.instant() + LOCK_PATIENCE);
    world.locks.acquire(&format!("token:{}", account.name), patience)
}

/// Why a grant is renewed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The mailbox's messages need it: what becomes of it is remembered.
    Sending,
    /// It shall not lapse.
    Keeping,
}

fn renew(world: &World, account: &Account, store: &dyn SecretStore, deadline: Instant) -> Result<AccessToken, Failure> {
    renew_for(Purpose::Sending, world, account, store, deadline)
}

fn renew_for(
    purpose: Purpose,
    world: &World,
    account: &Account,
    store: &dyn SecretStore,
    deadline: Instant,
) -> Result<AccessToken, Failure> {
    let grant = Grant::load(account, store)?.for_authority(&account.authority)?.for_resource(account)?;
    let outcome = token_endpoint::redeem(world, account, &grant, deadline);
    match (&outcome, purpose) {
        (Ok(_), Purpose::Sending) => history::renewed(world, &account.address),
        (Err(failure), Purpose::Sending) => history::refused(world, &account.address, failure),
        (_, Purpose::Keeping) => {}
    }
    let tokens = outcome?;
    let now = world.clock.now();
    if let Some(newer) = grant.rotated(tokens.refresh_token.as_ref(), now)
        && let Err(fault) = newer.save(account, store)
    {
        // The old refresh token stays valid, up to 90 days after its last use: this mail goes out.
        let why = grant::store_failure(fault).line();
        let text = format!("account={} the renewed sign-in could not be kept: {why}", account.name);
        world.log.record(Priority::Warning, &text);
    }
    let token = tokens.access_token(now);
    access_token_cache::save(world, account, store, &token);
    Ok(token)
}

/// The registration to sign in with: the configuration's, else the grant's, else the packager's.
///
/// # Errors
///
/// [`Cause::NoClientId`]
pub fn client_id(account: &Account, grant: Option<&Grant>) -> Result<String, Failure> {
    client_id_and_source(account, grant).map(|(id, _)| id.to_owned())
}

/// The same, and whose it is.
///
/// # Errors
///
/// [`Cause::NoClientId`]
pub fn client_id_and_source<'a>(
    account: &'a Account,
    grant: Option<&'a Grant>,
) -> Result<(&'a str, &'static str), Failure> {
    let sources = [
        (account.client_id.as_deref(), "the configuration's"),
        (grant.map(|grant| grant.client_id.as_str()), "the one of the sign-in"),
        (PACKAGED_CLIENT_ID, "the one this program was built with"),
    ];
    let known = sources.into_iter().filter_map(|(id, whose)| Some((id?, whose)));
    known.into_iter().find(|(id, _)| !id.is_empty()).ok_or_else(|| failure(Cause::NoClientId, ""))
}

fn failure(cause: Cause, detail: impl Into<crate::words::Words>) -> Failure {
    Failure::new(Stage::Credentials, cause, detail)
}
