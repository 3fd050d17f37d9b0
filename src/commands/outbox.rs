//! mailq, -q and `queue`: looking after messages that wait.

use crate::broker;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{CommandArguments, CommandOption};
use crate::report;
use crate::service::{Duplicate, EntryId, Pace, ServiceRequest};
use crate::world::World;

/// Shows what waits. Gives the exit status.
pub fn print_queue(world: &World) -> u8 {
    broker::carry_out(world, &ServiceRequest::ListQueue)
}

/// Sends what waits. Gives the exit status.
pub fn run_queue(world: &World, pace: Pace) -> u8 {
    broker::carry_out(world, &ServiceRequest::RunQueue(pace))
}

/// `queue show|retry|drop ID`, and `queue run` for the timer. Gives the exit status.
pub fn look_after(world: &World, arguments: &CommandArguments) -> u8 {
    match wanted(arguments) {
        Ok(request) => broker::carry_out(world, &request),
        Err(failure) => report::complain(world, &failure),
    }
}

fn wanted(arguments: &CommandArguments) -> Result<ServiceRequest, Failure> {
    let operands: Vec<&str> = arguments.operands.iter().map(String::as_str).collect();
    let duplicate =
        if arguments.says(CommandOption::DuplicatePossible) { Duplicate::Possible } else { Duplicate::Never };
    match operands.as_slice() {
        [] => Ok(ServiceRequest::ListQueue),
        ["run"] => Ok(ServiceRequest::RunQueue(Pace::Due)),
        ["show", id] => named(id).map(ServiceRequest::ShowEntry),
        ["retry", id] => named(id).map(|id| ServiceRequest::RetryEntry(id, duplicate)),
        ["drop", id] => named(id).map(ServiceRequest::DropEntry),
        ["show" | "retry" | "drop"] => Err(refused(Cause::MissingValue, "which message? mailq lists their ids")),
        [word, ..] => Err(refused(Cause::UnknownCommand, &format!("queue {word}; it is show, retry, drop or run"))),
    }
}

fn named(id: &str) -> Result<EntryId, Failure> {
    EntryId::parse(id).ok_or_else(|| Failure::new(Stage::Outbox, Cause::UnknownMessage, id))
}

fn refused(cause: Cause, words: &str) -> Failure {
    Failure::new(Stage::Invocation, cause, words)
}
