//! Messages that wait: taken into custody before anything of them goes out, tried again, never sent twice by themselves.
//!
//! A message lies in `<state>/outbox` as one file that never changes, `ID.UID.THREAD.message` (a line of facts, then
//! the request as it was handed over), and, once there is more to say than that it is being sent for the first
//! time, as `ID.progress` beside it, replaced whole. Whoever works on a message holds the lock on its file, which
//! the kernel releases however he ends. Names with a leading dot are not finished and nobody's promise.
//!
//! The order of writing, and what a process killed (or a machine cut off) after each step leaves:
//!
//! | step | on the disk | afterwards |
//! | --- | --- | --- |
//! | the message is written | `.ID.draft` | no exit 0 was given: the draft is swept away after an hour |
//! | its content is fsynced | the same | the same |
//! | kept unsent: progress *waiting* written, fsynced, renamed | draft and `ID.progress` | both swept away |
//! | the message gets its name | `ID….message` | to be sent: perhaps sent; kept unsent: waiting |
//! | the folder is fsynced | the same, now for good | the same. Only now content goes out, or exit 0 is given |
//! | content, the final dot, the wait | the same | perhaps sent: never again by itself |
//! | 250 was read | the same | perhaps sent, and listed, though it was sent |
//! | the message is removed | `ID.progress`, if it had one | swept away: done |
//! | the progress is removed, the folder fsynced | nothing | done |
//! | not sent: progress written, fsynced | `ID….message`, `.ID.progress` | perhaps sent, though it was not |
//! | progress renamed, folder fsynced | both | waiting, failed or perhaps sent, as it says |
//! | tried again: progress *sending* renamed, folder fsynced | both | perhaps sent. Only now content goes out |
//! | refused while the caller waits: it is told, the message removed | nothing | a client that hung up gets *failed* |
//!
//! A caller at the other end of a line is told that the message is kept before its progress says *waiting*: cut off
//! between the two it is listed as perhaps sent, and no caller who was told nothing has his message sent later.
//! A message taken over from root's drop says so in its progress, and root's copy goes before any of it is sent.
//!
//! So *sending* on the disk whose lock is free means perhaps sent, and so does a message without a readable progress.
//! A disk that loses the order of two renames in one folder can turn waiting into perhaps sent, never into sent twice.

mod adoption;
mod custody;
mod entry;
mod files;
mod listing;
mod run;
mod schedule;
mod store;
mod summary;
mod taking;
#[cfg(test)]
mod tests;

pub use adoption::adopt;
pub use custody::{Client, PresentCaller};
pub use listing::{Tally, Viewer, drop_message, list, retry, show, tally};
pub use run::run_queue;
use store::Shelf;
pub use taking::{deliver, keep_unsent, leave_for_broker};

use std::io;

use crate::failure::{Cause, Failure, Stage};

/// Octets an outbox holds.
pub const OCTETS: u64 = 1024 * 1024 * 1024;

/// Messages an outbox holds.
pub const MESSAGES: usize = 10_000;

/// Where several users share one outbox, each may fill this part of it; the last tenth is root's.
pub const SHARE: u64 = 5;

fn unwritable(error: io::Error) -> Failure {
    Failure::new(Stage::Outbox, Cause::OutboxUnwritable, error.to_string())
}

fn unreadable(error: io::Error) -> Failure {
    Failure::new(Stage::Outbox, Cause::OutboxUnreadable, error.to_string())
}
