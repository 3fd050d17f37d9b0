//! The outside world as the operating system offers it.

use crate::invocation::Configuration;
use crate::world::{Places, World};
use std::cell::LazyCell;

pub mod broker;
pub mod browser;
pub mod clock;
pub mod files;
pub mod https;
pub mod input;
mod interrupt;
pub mod locks;
mod loopback_peer;
pub mod machine;
pub mod outbox_folder;
pub mod person;
mod private_folder;
pub mod process;
mod programs;
pub mod secret_stores;
pub mod spools;
pub mod state;
pub mod syslog;
pub mod terminal;
pub mod token_cache;
pub mod trust;
pub mod user_units;
pub mod users;
pub mod wire;

/// This machine, this process, this user, and the configuration that was asked for.
pub fn world(configuration: Configuration<'_>) -> World {
    world_at(process::places(configuration))
}

/// This machine and this process, with files in these places.
fn world_at(places: Places) -> World {
    World {
        caller: LazyCell::new(Box::new(process::caller)),
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
        https: Box::new(https::OwnHttps),
        network: Box::new(wire::Tcp),
        machine: Box::new(machine::ThisMachine),
        log: Box::new(syslog::SystemLog::open()),
        signals: Box::new(process::ProcessSignals),
        terminal: Box::new(terminal::StandardStreams),
        person: Box::new(person::AtTheTerminal),
        user_units: Box::new(user_units::UserManager::of_this_user()),
        browser: Box::new(browser::Desktop),
        brokers: Box::new(broker::SystemBroker),
        users: Box::new(users::UserDatabase),
        places,
    }
}
