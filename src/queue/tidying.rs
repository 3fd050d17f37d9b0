//! What a run does first: it puts right what crashes left, and gives up what has waited too long.

use super::custody::failed;
use super::entry::{Progress, State};
use super::store::{Opened, Store};
use super::{schedule, unreadable, unwritable};
use crate::failure::{Cause, Failure, Stage};
use crate::moments;
use crate::report::{self, LogRecord};
use crate::words::SafeText;
use crate::world::{Priority, World};

/// Before a run: what crashes left is put right, what waited too long is given up, and why.
pub(super) fn tidy(world: &World, store: Store<'_>) -> Result<Vec<Failure>, Failure> {
    let mut given_up = Vec::new();
    let shelf = store.shelf().map_err(unreadable)?;
    store.sweep(&shelf, world.clock.now());
    for (file, odd) in &shelf.odd {
        let words = format!("queue: leaving {} alone, {}", SafeText::from(file.as_str()).short(), odd.words());
        world.log.record(Priority::Warning, &words);
    }
    let now = moments::unix_seconds(world.clock.now());
    for (name, _) in &shelf.messages {
        let progress = store.progress(name);
        let is_over = schedule::is_expired(&progress, now);
        if progress.state != State::Sending && !is_over && !schedule::began_without_clock(&progress, now) {
            continue;
        }
        // Nothing becomes of it any more by itself, and it has been said.
        if matches!(progress.state, State::Failed | State::PerhapsSent) {
            continue;
        }
        let Ok(Opened::Entry(mut entry)) = store.open(name) else { continue };
        let progress = entry.progress().clone();
        let (progress, failure) = match progress.state {
            State::PerhapsSent => {
                let failure = Failure::new(Stage::Outbox, Cause::PerhapsSent, "ended while it was being sent");
                (Progress { state: State::PerhapsSent, ..failed(&progress, &failure) }, Some(failure))
            }
            // Looked at again, now that nobody else is at it.
            State::Waiting if schedule::is_expired(&progress, now) => {
                let last = progress.trouble.as_ref().map(|trouble| progress.told(trouble)).unwrap_or_default();
                let failure = Failure::new(Stage::Outbox, Cause::Expired, last);
                (failed(&progress, &failure), Some(failure))
            }
            State::Waiting if schedule::began_without_clock(&progress, now) => {
                (Progress { since: now, ..progress }, None)
            }
            State::Waiting | State::Sending | State::Failed => continue,
        };
        entry.put(progress).map_err(unwritable)?;
        if let Some(failure) = failure {
            let facts = entry.facts();
            let log_record = LogRecord::of_envelope(facts.from.as_bytes(), &[facts.to.as_bytes()]);
            report::write_log_record(world, &log_record, Err(&failure));
            given_up.push(failure);
        }
    }
    Ok(given_up)
}
