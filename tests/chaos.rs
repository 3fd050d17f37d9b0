//! Cut off, killed, out of room: nothing that was promised is lost, and nothing is sent twice.
//!
//! `CHAOS=200 cargo test --test chaos -- --nocapture` kills 200 times instead of 20, at every system call instead of
//! those that write, and says how many messages fared how.
#![allow(missing_docs)]

#[path = "chaos/boundaries.rs"]
mod boundaries;
#[path = "chaos/broker_boundaries.rs"]
mod broker_boundaries;
#[path = "chaos/cut.rs"]
mod cut;
#[path = "chaos/full.rs"]
mod full;
mod harness;
#[path = "chaos/hostile.rs"]
mod hostile;
#[path = "chaos/kills.rs"]
mod kills;
#[path = "chaos/ledger.rs"]
mod ledger;
#[path = "chaos/strace.rs"]
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
