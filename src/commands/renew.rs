//! `outlook-sendmail renew`, and what sees to it that it is run.

use crate::account::{Account, Accounts, AuthKind};
use crate::broker;
use crate::commands::columns;
use crate::invocation::{Command, CommandArguments, CommandOption};
use crate::memory::history;
use crate::report;
use crate::service::ServiceRequest;
use crate::world::{Stream, UnitFault, World};

/// What runs us every week.
const TIMER: &str = "outlook-sendmail-renew.timer";

/// Renews every account's grant, whatever is cached, and gives the worst status.
pub fn renew(world: &World, arguments: &CommandArguments) -> u8 {
    // A timer enabled for every user: the machine has its own.
    if !world.places.is_own() && !arguments.says(CommandOption::System) && !is_watched(world) {
        return 0;
    }
    broker::carry_out(world, &ServiceRequest::Renew)
}

/// A person looks.
fn is_watched(world: &World) -> bool {
    world.person.screen(Stream::Error).is_some()
}

/// Tells a person at a terminal, once, of a renewal that failed while nobody looked.
pub fn tell(world: &World, command: Command) {
    match command {
        // They tell it themselves, or nobody reads what they say.
        Command::Status | Command::Renew | Command::Broker | Command::Help => return,
        Command::Login
        | Command::Logout
        | Command::Test
        | Command::Explain
        | Command::Doctor
        | Command::Mailq
        | Command::Queue => {}
    }
    if !is_watched(world) || !world.places.is_own() {
        return;
    }
    let Ok(accounts) = Accounts::load(world) else { return };
    for account in accounts.all() {
        if let Some(failure) = history::untold(world, &account.address) {
            let name = &account.name;
            report::warn(world, &format!("the sign-in of {name} could not be renewed: {}", failure.line));
        }
    }
}

/// Sees to it that `renew` is run every week from now on. A person is told when that is left to them.
pub fn enable_timer(world: &World, account: &Account) {
    if account.auth == AuthKind::Password {
        return;
    }
    let Err(fault) = world.user_units.enable(TIMER) else { return };
    if world.person.screen(Stream::Output).is_some() {
        by_hand(world, &fault);
    }
}

fn by_hand(world: &World, fault: &UnitFault) {
    match fault {
        UnitFault::NoManager | UnitFault::NotInstalled => {
            columns::tell(world, "Let cron run outlook-sendmail renew once a week: a sign-in that nobody uses lapses.")
        }
        UnitFault::Failed(words) => {
            columns::tell(world, &format!("The weekly renewal could not be enabled ({}). Run:", words.short()));
            // To be copied, so it stays on one line.
            world.terminal.out(&format!("    systemctl --user enable --now {TIMER}\n"));
        }
    }
}

#[cfg(test)]
mod tests;
