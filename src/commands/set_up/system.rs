//! `login --system`: what is different when the account is the machine's and the broker alone keeps its sign-in.

use super::trial::Trial;
use crate::account::Account;
use crate::broker;
use crate::commands::test_message;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::CommandArguments;
use crate::invocation::CommandOption;
use crate::service::{Pace, ServiceRequest};
use crate::status::{Report, outbox_words};
use crate::world::{STORES, World, not_for_the_machine};

/// Everything a sign-in would be worth nothing without: root, a store the broker has, and the broker.
///
/// # Errors
/// [`Cause::RootOnly`], [`Cause::BadValue`], and those of not reaching the broker.
pub(super) fn may_begin(world: &World, arguments: &CommandArguments) -> Result<(), Failure> {
    if world.caller.uid != 0 {
        return Err(Failure::new(Stage::Invocation, Cause::RootOnly, "login --system"));
    }
    let fits = |store: &str| STORES.iter().any(|row| row.for_the_machine && row.word == store);
    if let Some(store) = arguments.value(CommandOption::Store).filter(|store| !fits(store)) {
        let words = format!("--{}", not_for_the_machine(store));
        return Err(Failure::new(Stage::Invocation, Cause::BadValue, words));
    }
    broker::is_there(world)
}

/// Sends what has waited for this sign-in, and offers a test message.
///
/// # Errors
/// Those of the test message.
pub(super) fn finish(world: &World, account: &Account, trial: Trial) -> Result<(), Failure> {
    match trial {
        Trial::Passed | Trial::NotNeeded => {}
        Trial::NotNow => return Ok(()),
    }
    send_waiting(world);
    test_message::offer(world, account)
}

/// Whoever is told of a message that failed now reads it in the log and in mailq, like any other.
fn send_waiting(world: &World) {
    let Some([waited, ..]) = outbox(world).filter(|[waiting, ..]| *waiting > 0) else { return };
    let verb = if waited == 1 { "message waits" } else { "messages wait" };
    world.terminal.out(&format!("{waited} {verb} for this sign-in; sending now.\n"));
    let _ = broker::ask_machine(world, &ServiceRequest::RunQueue(Pace::Everything));
    if let Some(left) = outbox(world) {
        let [waiting, ..] = left;
        let sent = waited.saturating_sub(waiting);
        world.terminal.out(&format!("{sent} sent. The queue: {}.\n", outbox_words(left)));
    }
}

fn outbox(world: &World) -> Option<[usize; 3]> {
    let (_, text) = broker::ask_machine(world, &ServiceRequest::Status(None)).ok()?;
    Some(Report::parse(&text)?.outbox())
}
