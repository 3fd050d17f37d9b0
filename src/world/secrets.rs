//! Stores for secrets.

use std::time::Duration;

use crate::secret::Secret;
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

impl KeyPlace {
    /// As it is told behind the store's place.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Credential => ", whose key is a credential of systemd's",
            Self::Beside => ", whose key is a file beside it",
        }
    }
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

/// What is known of a kind of store. Configuration, options, help, manual, status and doctor read it here.
#[derive(Debug)]
pub struct StoreRow {
    /// Its word in `store = "..."`.
    pub word: &'static str,
    /// Where secrets are then: "kept in ...".
    pub place: &'static str,
    /// The same, as a manual explains it behind the word.
    pub manual: &'static str,
    /// Whether the machine's mail service, which has no desktop, can use it.
    pub for_the_machine: bool,
    /// What else the configuration has to say; without it there is no such store.
    pub needs: Option<&'static str>,
    /// Itself, with what it needs.
    pub kind: fn(Option<SecretCommand>) -> Option<StoreKind>,
}

const SECRET_SERVICE: StoreRow = StoreRow {
    word: "secret-service",
    place: "the keyring",
    manual: "the desktop's keyring",
    for_the_machine: false,
    needs: None,
    kind: |_| Some(StoreKind::SecretService),
};

const FILE: StoreRow = StoreRow {
    word: "file",
    place: "a file",
    manual: "a file only its user can read",
    for_the_machine: true,
    needs: None,
    kind: |_| Some(StoreKind::File),
};

const COMMAND: StoreRow = StoreRow {
    word: "command",
    place: "what secret_command asks",
    manual: "whatever the command lines of secret_command keep, which have to be in the configuration first",
    for_the_machine: false,
    needs: Some("secret_command = { get = \"...\", set = \"...\" }"),
    kind: |lines| lines.map(StoreKind::Command),
};

const SEALED: StoreRow = StoreRow {
    word: "sealed",
    place: "a sealed file",
    manual: "a file encrypted under a key that only the service of the machine's account is given",
    for_the_machine: true,
    needs: None,
    kind: |_| Some(StoreKind::Sealed),
};

/// Every kind of store that this version knows.
pub const STORES: [&StoreRow; 4] = [&SECRET_SERVICE, &FILE, &COMMAND, &SEALED];

impl StoreKind {
    /// Where a person's secrets are kept unless the configuration says otherwise.
    pub const OF_A_PERSON: Self = Self::SecretService;

    /// And the machine's.
    pub const OF_THE_MACHINE: Self = Self::Sealed;

    /// What is known of it.
    pub const fn row(&self) -> &'static StoreRow {
        match self {
            Self::SecretService => &SECRET_SERVICE,
            Self::File => &FILE,
            Self::Sealed => &SEALED,
            Self::Command(_) => &COMMAND,
        }
    }

    /// Its word in `store = "..."`.
    pub const fn word(&self) -> &'static str {
        self.row().word
    }
}

/// Why a store of this word cannot be the machine's.
pub fn not_for_the_machine(word: &str) -> String {
    let mut fit: Vec<_> = STORES.iter().filter(|row| row.for_the_machine).map(|row| row.word).collect();
    fit.sort_by_key(|word| *word != StoreKind::OF_THE_MACHINE.word());
    format!("store {word}: this machine's account is kept in {}", fit.join(" or "))
}

/// `secret_command = { get = "...", set = "..." }`: command lines for /bin/sh.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SecretCommand {
    /// Prints the secret on standard output.
    pub get: String,
    /// Reads it from standard input; without one nothing can be kept.
    pub set: Option<String>,
}
