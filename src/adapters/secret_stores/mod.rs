//! Secret stores: one file per kind, one row in `open`.

use std::path::PathBuf;
use std::time::Duration;

use crate::adapters::state::StateFolder;
use crate::world::StoreKind;
use crate::world::{SecretStore, SecretStores, StoreFault};

mod command;
mod file;
mod sealed;
mod secret_service;

pub use command::CommandStore;
pub use file::FileStore;
pub use sealed::SealedStore;
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
            StoreKind::Sealed => Box::new(SealedStore::open(&self.state)?),
            StoreKind::Command(command) => {
                Box::new(CommandStore::new(command, timeout)?.remembering(StateFolder::new(&self.state)))
            }
        })
    }
}
