//! Secret stores: one file per kind, one row in `open`.

use std::path::PathBuf;
use std::time::Duration;

use crate::account::StoreKind;
use crate::world::{SecretStore, SecretStores, StoreFault};

mod file;
mod secret_service;

pub use file::FileStore;
pub use secret_service::{BusAddress, SecretServiceStore};

/// Every kind of store this machine may have.
#[derive(Clone, Debug)]
pub struct SystemStores {
    /// The state folder, for stores that keep files.
    pub state: PathBuf,
}

impl SecretStores for SystemStores {
    fn open(&self, kind: StoreKind, timeout: Duration) -> Result<Box<dyn SecretStore>, StoreFault> {
        Ok(match kind {
            StoreKind::SecretService => Box::new(SecretServiceStore::connect(&BusAddress::of_this_user()?, timeout)?),
            StoreKind::File => Box::new(FileStore::new(&self.state)),
            StoreKind::Sealed | StoreKind::Command(_) => return Err(StoreFault::Missing("not in this version".into())),
        })
    }
}
