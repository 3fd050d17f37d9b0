//! What is due is tried behind a message that was sent: the network works, and nobody waits for it.

use super::entry::State;
use super::schedule;
use super::store::Store;
use crate::moments;
use crate::world::World;

/// Where it is kept when that was done last.
const LAST: &str = "queue-tried-behind";

/// Seconds between two such runs: what piled up must not use up the quota of what comes now.
const APART: u64 = 60;

/// Starts a run of the queue that nobody waits for, where something is due and none was started just now.
pub fn try_behind(world: &World) {
    let now = moments::unix_seconds(world.clock.now());
    if !is_something_due(world, now) || was_just_tried(world, now) {
        return;
    }
    world.state.replace(LAST, now.to_string().as_bytes());
    world.queue_runners.start(&world.places.config);
}

fn is_something_due(world: &World, now: u64) -> bool {
    let store = Store::new(&*world.outbox);
    let Ok(shelf) = store.shelf() else { return false };
    shelf.messages.iter().any(|(name, _)| {
        let progress = store.progress(name);
        progress.state == State::Waiting && schedule::is_due(&progress, now)
    })
}

fn was_just_tried(world: &World, now: u64) -> bool {
    let last = world.state.read(LAST).and_then(|text| String::from_utf8(text).ok()?.parse::<u64>().ok());
    last.is_some_and(|last| now.abs_diff(last) < APART)
}
