//! Cut off, killed, out of room: nothing that was promised is lost, and nothing is sent twice.
//!
//! `CHAOS=200 cargo test --test alone chaos:: -- --nocapture` kills 200 times instead of 20, at every system call instead of
//! those that write, and says how many messages fared how.

mod boundaries;
mod broker_boundaries;
mod cut;
mod full;
mod hostile;
mod kills;
mod ledger;
mod strace;

use std::io::Write as _;

/// How often is killed by hand; `None` in CI.
fn by_hand() -> Option<usize> {
    std::env::var("CHAOS").ok()?.parse().ok()
}

/// For people, past the capture of tests.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
