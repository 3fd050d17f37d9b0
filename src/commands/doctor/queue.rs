//! Messages kept for later: who tries them again.

use crate::account::{Account, OnFailure};
use crate::commands::doctor::finding::Finding;
use crate::world::{Route, World};

/// What tries this user's messages again.
const TIMER: &str = "outlook-sendmail-queue.timer";

/// `None` where nothing is kept here: the machine's mail service has a queue and a timer of its own.
pub(super) fn look(world: &World, accounts: &[Account]) -> Option<Finding> {
    match world.places.route {
        Route::Here => {}
        Route::Broker | Route::Incoming => return None,
    }
    if accounts.iter().all(|account| account.on_failure == OnFailure::Report) {
        return None;
    }
    Some(match world.user_units.is_active(TIMER) {
        true => Finding::Fine(format!("{TIMER} tries kept messages again")),
        false => Finding::Odd(
            "nothing tries kept messages again, unless cron runs sendmail -q".to_owned(),
            format!(
                "run: systemctl --user enable --now {TIMER}; without systemd let cron run sendmail -q every 10 minutes"
            ),
        ),
    })
}
