//! mailq and `outbox`: looking after messages that wait.

use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Asked;
use crate::outbox::{self, Attempt, Pace, Viewer};
use crate::request::Duplicate;
use crate::world::World;

/// Shows what waits.
///
/// # Errors
/// The outbox cannot be read.
pub fn print_queue(world: &World) -> Result<(), Failure> {
    world.terminal.out(&outbox::list(world, Viewer::Everybody)?);
    Ok(())
}

/// `outbox show|retry|drop ID`, and `outbox run` for the timer.
///
/// # Errors
/// Another word, no such message, or what went wrong with it.
pub fn look_after(world: &World, asked: &Asked, attempt: &Attempt<'_>) -> Result<(), Failure> {
    let operands: Vec<&str> = asked.operands.iter().map(String::as_str).collect();
    let duplicate = if asked.duplicate_possible { Duplicate::Possible } else { Duplicate::Never };
    match operands.as_slice() {
        [] => print_queue(world),
        ["run"] => outbox::run_queue(world, Pace::Due, attempt),
        ["show", id] => {
            world.terminal.out(&outbox::show(world, Viewer::Everybody, id)?);
            Ok(())
        }
        ["retry", id] => outbox::retry(world, Viewer::Everybody, id, duplicate, attempt),
        ["drop", id] => outbox::drop_message(world, Viewer::Everybody, id),
        ["show" | "retry" | "drop"] => Err(wrong(Cause::MissingValue, "outbox: which message? mailq lists their ids")),
        [word, ..] => Err(wrong(Cause::UnknownCommand, &format!("outbox {word}; it is show, retry, drop or run"))),
    }
}

fn wrong(cause: Cause, words: &str) -> Failure {
    Failure::new(Stage::Invocation, cause, words)
}
