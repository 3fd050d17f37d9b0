//! Messages kept for later: who tries them again.

use crate::account::{Account, OnFailure};
use crate::commands::doctor::finding::Finding;
use crate::world::World;

/// `None` where nothing is kept here: the machine's mail service has a queue and a timer of its own.
pub(super) fn look(world: &World, accounts: &[Account]) -> Option<Finding> {
    if !world.places.is_own() {
        return None;
    }
    if accounts.iter().all(|account| account.on_failure == OnFailure::Report) {
        return None;
    }
    if let Some(runner) = world.queue_runners.active() {
        return Some(Finding::Fine(format!("what waits is tried again by {}", runner.words())));
    }
    let kept = match accounts.iter().any(|account| account.on_failure == OnFailure::Keep) {
        true => "with on_failure = \"keep\" it waits for whoever runs sendmail -q",
        false => "whoever calls is told, and nothing is kept",
    };
    Some(Finding::Odd(
        format!("nothing on this machine tries again what could not be sent: {kept}"),
        "run: systemctl --user enable --now outlook-sendmail-queue.timer, or let cron run outlook-sendmail queue run"
            .to_owned(),
    ))
}
