//! The grant: what a person gave once at sign-in, and every renewal rotates.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Secret, failure};
use crate::account::{Account, TransportKind};
use crate::failure::{Cause, Failure};
use crate::moments::unix_seconds;
use crate::world::{SecretStore, StoreFault};

/// An unchanged refresh token is written again after this long, so that `renewed_at` tells how long it still has.
const WORTH_A_WRITE: Duration = Duration::from_secs(24 * 60 * 60);

/// A refresh token and how it was got. No Debug: it is a secret as a whole.
#[derive(Clone, Deserialize)]
pub struct Grant {
    /// Worth an access token, for 90 days after its last use.
    pub refresh_token: Secret,
    /// The registration it belongs to.
    #[serde(default)]
    pub client_id: String,
    /// Base URL of the endpoint that gave it.
    #[serde(default)]
    pub authority: String,
    /// The tenant it was got from.
    #[serde(default)]
    pub tenant: String,
    /// The scopes asked for; a renewal asks for the same, or personal accounts answer with a token for Graph.
    #[serde(default)]
    pub scope: String,
    /// The primary address it is for.
    #[serde(default)]
    pub address: String,
    /// When the person signed in, in Unix seconds.
    #[serde(default)]
    pub signed_in_at: u64,
    /// When the refresh token was last renewed, in Unix seconds.
    #[serde(default)]
    pub renewed_at: u64,
}

impl Grant {
    /// The stored grant of an account.
    pub(super) fn load(account: &Account, store: &dyn SecretStore) -> Result<Self, Failure> {
        let stored = store.load(&name(account)).map_err(store_failure)?;
        Self::from_json(&stored.ok_or_else(|| failure(Cause::NoGrant, ""))?)
    }

    /// Reads what [`Self::to_json`] wrote.
    pub(crate) fn from_json(stored: &Secret) -> Result<Self, Failure> {
        // serde_json's errors may quote what they read.
        let grant: Self = serde_json::from_slice(stored.reveal())
            .map_err(|error| failure(Cause::SecretUnreadable, format!("no grant at column {}", error.column())))?;
        if grant.refresh_token.reveal().is_empty() {
            return Err(failure(Cause::SecretUnreadable, "the grant is empty"));
        }
        Ok(grant)
    }

    /// Whoever gave a refresh token is the only one who may see it: another configuration's account of the same name
    /// may have another authority.
    pub(super) fn for_authority(self, authority: &str) -> Result<Self, Failure> {
        if self.authority.is_empty() || self.authority == authority {
            return Ok(self);
        }
        Err(failure(Cause::NoGrant, format!("the sign-in that is kept is one to {}", self.authority)))
    }

    /// A grant for another cloud's Graph gives tokens that are nobody else's business.
    pub(super) fn for_resource(self, account: &Account) -> Result<Self, Failure> {
        let wanted = account.scope();
        let resource = wanted.split(' ').next().unwrap_or_default();
        let holds = self.scope.split(' ').any(|scope| scope.eq_ignore_ascii_case(resource));
        match account.transport {
            TransportKind::Graph if !holds => {
                Err(failure(Cause::NoGrant, format!("the sign-in that is kept is not one for {resource}")))
            }
            TransportKind::Graph | TransportKind::Smtp => Ok(self),
        }
    }

    /// Stores it.
    pub(super) fn save(&self, account: &Account, store: &dyn SecretStore) -> Result<(), StoreFault> {
        store.save(&name(account), &self.to_json()?)
    }

    /// The grant after a renewal, when that is worth a write.
    pub(super) fn rotated(&self, refresh_token: Option<&Secret>, now: SystemTime) -> Option<Self> {
        let now = unix_seconds(now);
        let newer = refresh_token.filter(|token| !token.reveal().is_empty() && **token != self.refresh_token);
        let stale = now.abs_diff(self.renewed_at) >= WORTH_A_WRITE.as_secs();
        (newer.is_some() || stale).then(|| Self {
            refresh_token: newer.unwrap_or(&self.refresh_token).clone(),
            renewed_at: now,
            ..self.clone()
        })
    }

    /// As it is stored.
    pub(crate) fn to_json(&self) -> Result<Secret, StoreFault> {
        #[derive(Serialize)]
        struct Record<'a> {
            refresh_token: &'a str,
            client_id: &'a str,
            authority: &'a str,
            tenant: &'a str,
            scope: &'a str,
            address: &'a str,
            signed_in_at: u64,
            renewed_at: u64,
        }
        let record = Record {
            refresh_token: text(&self.refresh_token)?,
            client_id: &self.client_id,
            authority: &self.authority,
            tenant: &self.tenant,
            scope: &self.scope,
            address: &self.address,
            signed_in_at: self.signed_in_at,
            renewed_at: self.renewed_at,
        };
        to_secret_json(&record)
    }
}

/// Under which name an account's grant is stored: the mailbox's, for several configurations may call theirs `me`. Each
/// transport has its own, so that going back and forth loses none.
pub(super) fn name(account: &Account) -> String {
    let address = account.address.to_string().to_ascii_lowercase();
    match account.transport {
        TransportKind::Smtp => format!("grant:{address}"),
        TransportKind::Graph => format!("grant:graph:{address}"),
    }
}

/// Tokens come from JSON, so they are text.
pub(super) fn text(secret: &Secret) -> Result<&str, StoreFault> {
    secret.reveal_text().ok_or_else(|| StoreFault::Unwritable("not text".into()))
}

/// JSON in a buffer large enough never to move and leave copies behind.
pub(super) fn to_secret_json(record: &impl Serialize) -> Result<Secret, StoreFault> {
    let mut json = Zeroizing::new(Vec::with_capacity(64 * 1024));
    serde_json::to_writer(&mut *json, record).map_err(|_| StoreFault::Unwritable("not JSON".into()))?;
    Ok(Secret::new(json.to_vec()))
}

/// What a store's fault means for the run.
pub(super) fn store_failure(fault: StoreFault) -> Failure {
    match fault {
        StoreFault::Locked => failure(Cause::KeyringLocked, ""),
        StoreFault::Missing(words) => failure(Cause::KeyringMissing, words),
        StoreFault::Hung => failure(Cause::KeyringHung, ""),
        StoreFault::Exposed(words) => failure(Cause::SecretExposed, words),
        StoreFault::Unreadable(words) => failure(Cause::SecretUnreadable, words),
        StoreFault::Unwritable(words) => failure(Cause::SecretUnwritable, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        serde_json::from_str(r#"{"refresh_token":"old","client_id":"id","renewed_at":1000000}"#).unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_new_refresh_token_is_always_worth_a_write() {
        let newer = grant().rotated(Some(&Secret::from("new")), at(1_000_001)).unwrap();
        assert!(newer.refresh_token == Secret::from("new"));
        assert_eq!((newer.renewed_at, newer.client_id.as_str()), (1_000_001, "id"));
    }

    #[test]
    fn the_same_one_is_worth_a_write_a_day() {
        let old = Secret::from("old");
        assert!(grant().rotated(Some(&old), at(1_000_000 + 86_399)).is_none());
        assert!(grant().rotated(None, at(1_000_000 + 86_399)).is_none());
        assert_eq!(grant().rotated(Some(&old), at(1_000_000 + 86_400)).unwrap().renewed_at, 1_086_400);
        assert!(grant().rotated(None, at(1_000_000 + 86_400)).unwrap().refresh_token == old);
        assert!(grant().rotated(Some(&old), at(0)).is_some(), "a clock set back mends the record");
    }

    #[test]
    fn json_there_and_back() {
        let json = grant().to_json().unwrap();
        let back: Grant = serde_json::from_slice(json.reveal()).unwrap();
        assert!(back.refresh_token == Secret::from("old"));
        assert_eq!(back.renewed_at, 1_000_000);
    }
}
