//! mailq, -q and `queue`: looking after messages that wait, here or at the broker.

use crate::attempt::Attempt;
use crate::broker;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::CommandArguments;
use crate::invocation::CommandOption;
use crate::queue::{self, Pace, Viewer};
use crate::report;
use crate::service::{Duplicate, EntryId, Errand};
use crate::world::{Route, World};

/// Shows what waits. Gives the exit status.
pub fn print_queue(world: &World) -> u8 {
    match world.places.route {
        Route::Broker => match broker::ask(world, &mut Errand::ListQueue) {
            0 => 0,
            status => {
                print_left_for_broker(world);
                status
            }
        },
        Route::Here => {
            let status = report::done(world, print(world, queue::list(world, Viewer::Everybody)));
            print_left_for_broker(world);
            status
        }
        Route::Incoming => {
            print_left_for_broker(world);
            report::complain(world, &broker::does_not_run())
        }
    }
}

/// What root has left for the machine's mail service is in no queue yet; to others it is none of theirs.
fn print_left_for_broker(world: &World) {
    if world.caller.uid == 0
        && let Ok(Some(list)) = queue::list_left_for_broker(world)
    {
        world.terminal.out(&format!("Left for this machine's mail service:\n{list}"));
    }
}

/// Sends what waits. Gives the exit status.
pub fn run_queue(world: &World, pace: Pace, attempt: &Attempt<'_>) -> u8 {
    match world.places.route {
        Route::Broker => broker::ask(world, &mut Errand::RunQueue),
        Route::Here => report::done(world, queue::run_queue(world, pace, attempt)),
        Route::Incoming => report::complain(world, &broker::does_not_run()),
    }
}

/// `queue show|retry|drop ID`, and `queue run` for the timer. Gives the exit status.
pub fn look_after(world: &World, arguments: &CommandArguments, attempt: &Attempt<'_>) -> u8 {
    let operands: Vec<&str> = arguments.operands.iter().map(String::as_str).collect();
    let action = match operands.as_slice() {
        [] => return print_queue(world),
        ["run"] => return run_queue(world, Pace::Due, attempt),
        ["run", "apart"] => return run_queue(world, Pace::Behind, attempt),
        ["show", id] => Action::Show(id),
        ["retry", id] => Action::Retry(
            id,
            if arguments.says(CommandOption::DuplicatePossible) { Duplicate::Possible } else { Duplicate::Never },
        ),
        ["drop", id] => Action::Drop(id),
        ["show" | "retry" | "drop"] => {
            return refused(world, Cause::MissingValue, "which message? mailq lists their ids");
        }
        [word, ..] => {
            return refused(world, Cause::UnknownCommand, &format!("queue {word}; it is show, retry, drop or run"));
        }
    };
    match world.places.route {
        Route::Broker => match action.errand() {
            Ok(mut errand) => broker::ask(world, &mut errand),
            Err(failure) => report::complain(world, &failure),
        },
        Route::Here => report::done(world, action.carry_out(world, Viewer::Everybody, attempt)),
        Route::Incoming => report::complain(world, &broker::does_not_run()),
    }
}

/// What to do with one message.
pub enum Action<'a> {
    /// Show it.
    Show(&'a str),
    /// Try it now.
    Retry(&'a str, Duplicate),
    /// Give it up.
    Drop(&'a str),
}

impl Action<'_> {
    /// Does it here.
    ///
    /// # Errors
    /// No such message, or what went wrong with it.
    pub fn carry_out(&self, world: &World, viewer: Viewer, attempt: &Attempt<'_>) -> Result<(), Failure> {
        match self {
            Self::Show(id) => print(world, queue::show(world, viewer, id)),
            Self::Retry(id, duplicate) => queue::retry(world, viewer, id, *duplicate, attempt),
            Self::Drop(id) => queue::drop_message(world, viewer, id),
        }
    }

    fn errand(&self) -> Result<Errand, Failure> {
        let named = |id: &str| EntryId::parse(id).ok_or_else(|| Failure::new(Stage::Outbox, Cause::UnknownMessage, id));
        Ok(match self {
            Self::Show(id) => Errand::ShowEntry(named(id)?),
            Self::Retry(id, duplicate) => Errand::RetryEntry(named(id)?, *duplicate),
            Self::Drop(id) => Errand::DropEntry(named(id)?),
        })
    }
}

fn print(world: &World, text: Result<String, Failure>) -> Result<(), Failure> {
    world.terminal.out(&text?);
    Ok(())
}

fn refused(world: &World, cause: Cause, words: &str) -> u8 {
    report::complain(world, &Failure::new(Stage::Invocation, cause, words))
}
