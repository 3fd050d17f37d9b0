//! The outside world as the operating system offers it.

use std::cell::LazyCell;
use std::path::Path;

use crate::world::World;

pub mod clock;
pub mod files;
pub mod https;
pub mod input;
pub mod locks;
pub mod outbox_folder;
mod private_folder;
pub mod process;
pub mod secret_stores;
pub mod spools;
pub mod state;
pub mod syslog;
pub mod terminal;
pub mod token_cache;
pub mod trust;
pub mod wire;

/// This machine, this process, this user; `config` is the configuration file a person named.
pub fn world(config: Option<&Path>) -> World {
    let places = process::places(config);
    World {
        caller: LazyCell::new(process::caller),
        clock: Box::new(clock::SystemClock::new()),
        random: Box::new(clock::SystemRandom),
        input: Box::new(input::StandardInput),
        spools: Box::new(spools::UnnamedSpools),
        files: Box::new(files::SystemFiles),
        secrets: Box::new(secret_stores::SystemStores { state: places.state.clone() }),
        token_cache: Box::new(token_cache::KernelKeyring),
        state: Box::new(state::StateFolder::new(&places.state)),
        outbox: Box::new(outbox_folder::FolderOnDisk::new(&places.state)),
        incoming: Box::new(outbox_folder::FolderOnDisk::incoming()),
        locks: Box::new(locks::FileLocks::new(&places.state)),
        https: Box::new(https::UreqHttps),
        network: Box::new(wire::Tcp),
        log: Box::new(syslog::SystemLog::open()),
        signals: Box::new(process::ProcessSignals),
        terminal: Box::new(terminal::StandardStreams),
        places,
    }
}
