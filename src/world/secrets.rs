//! Stores for secrets.

use std::time::Duration;

use crate::account::StoreKind;
use crate::credentials::Secret;
use crate::words::Words;

/// Why a secret store did not do as asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreFault {
    /// The keyring is locked.
    Locked,
    /// There is no such store here.
    Missing(Words),
    /// The store did not answer in time.
    Hung,
    /// The file can be read or written by others.
    Exposed(Words),
    /// It is there but cannot be read.
    Unreadable(Words),
    /// It cannot be written.
    Unwritable(Words),
}

/// Where the key of a sealed store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyPlace {
    /// A credential of the unit: the state folder alone is worth nothing.
    Credential,
    /// A file of mode 0600 beside the secrets: as good as the file store, and no better.
    Beside,
}

/// A place for one account's secrets.
pub trait SecretStore {
    /// Where its key is, when it has one.
    fn key_place(&self) -> Option<KeyPlace> {
        None
    }
    /// The secret kept under `name`, or `None`.
    fn load(&self, name: &str) -> Result<Option<Secret>, StoreFault>;
    /// Keeps `secret` under `name`, replacing what was there, durably.
    fn save(&self, name: &str, secret: &Secret) -> Result<(), StoreFault>;
    /// Forgets `name`; no error when there is nothing.
    fn delete(&self, name: &str) -> Result<(), StoreFault>;
}

/// Opens secret stores.
pub trait SecretStores {
    /// The store of this kind; a store that has to be connected to does so here, within `timeout`.
    fn open(&self, kind: StoreKind, timeout: Duration) -> Result<Box<dyn SecretStore>, StoreFault>;
}
