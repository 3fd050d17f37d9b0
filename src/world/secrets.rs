//! Stores for secrets.

use std::time::Duration;

use crate::secret::Secret;
use crate::words::SafeText;

/// Why a secret store did not do as asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreFault {
    /// The keyring is locked.
    Locked,
    /// There is no such store here.
    Missing(SafeText),
    /// The store did not answer in time.
    Hung,
    /// The file can be read or written by others.
    Exposed(SafeText),
    /// It is there but cannot be read.
    Unreadable(SafeText),
    /// It cannot be written.
    Unwritable(SafeText),
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

/// Where secrets are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreKind {
    /// The desktop's keyring, over D-Bus.
    SecretService,
    /// A file of mode 0600 in the state folder.
    File,
    /// A file encrypted under a key that only the broker's unit is given.
    Sealed,
    /// Whatever a command of the user's keeps.
    Command(SecretCommand),
}

impl StoreKind {
    /// Every word of `store = "..."` that this version knows.
    pub const WORDS: [&str; 4] = ["secret-service", "file", "command", "sealed"];

    /// Its word in `store = "..."`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::SecretService => "secret-service",
            Self::File => "file",
            Self::Sealed => "sealed",
            Self::Command(_) => "command",
        }
    }
}

/// `secret_command = { get = "...", set = "..." }`: command lines for /bin/sh.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SecretCommand {
    /// Prints the secret on standard output.
    pub get: String,
    /// Reads it from standard input; without one nothing can be kept.
    pub set: Option<String>,
}
