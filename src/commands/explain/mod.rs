//! `outlook-sendmail explain`: what sendmail would make of a message, and why. Nothing is sent, no secret asked for.

mod history;
mod page;

use crate::account::Accounts;
use crate::envelope::{ChangeLog, Desk, Letter, Stamp};
use crate::failure::Failure;
use crate::invocation::CommandArguments;
use crate::message::standard_input;
use crate::report;
use crate::service::choose_account;
use crate::submission;
use crate::world::{Stream, World};

/// Explains the message on standard input. Gives the exit status sendmail would end with before it connects.
pub(super) fn run(world: &World, arguments: &CommandArguments) -> u8 {
    match explained(world, arguments) {
        Ok(text) => {
            // A pager reads as slowly as its reader.
            world.terminal.reply(&text);
            0
        }
        Err(failure) => report::complain_of_message(world, &failure),
    }
}

fn explained(world: &World, arguments: &CommandArguments) -> Result<String, Failure> {
    let submit = &arguments.submit;
    let message = standard_input::read(&*world.input, &*world.spools, submit.dots)?;
    let accounts = Accounts::load(world)?;
    let (account, choice) = choose_account(&accounts, submit, &message)?;
    let stamp = Stamp::now(world);
    let desk = Desk::new(world, account, &world.caller, stamp);
    let changes = ChangeLog::wanted();
    let letter = Letter::address_noting(submit, message, &desk, &changes)?;
    submission::check(account, &letter)?;
    let columns = world.person.screen(Stream::Output).map_or(page::COLUMNS, |screen| usize::from(screen.columns));
    Ok(page::Page::new(columns).whole(account, choice, &letter, &changes.into_noted()))
}
