//! Ctrl-C while a message is on its way: until the final dot it ends the program, and says that nothing was sent.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};

use super::syslog::SystemLog;
use super::terminal::StandardStreams;
use crate::world::{Log as _, Priority, Terminal as _};

/// The final dot may be on its way, or nobody has asked.
const HELD_BACK: u8 = 0;
const HEEDED: u8 = 1;
/// It has come; whoever is about to send the dot does not.
const ENDING: u8 = 2;

static ALLOWED: AtomicBool = AtomicBool::new(false);

static STATE: AtomicU8 = AtomicU8::new(HELD_BACK);

/// Without it nothing here does anything: a dialogue has more messages than the one under way.
pub(super) fn allow() {
    ALLOWED.store(true, Ordering::SeqCst);
}

/// From now on the signal ends the process. It must be blocked already, so that a thread can wait for it.
pub(super) fn heed(line: &str, record: &str) {
    if !ALLOWED.load(Ordering::SeqCst) || is_ignored() || STATE.swap(HEEDED, Ordering::SeqCst) == HEEDED {
        return;
    }
    let (line, record) = (format!("{line}\n"), record.to_owned());
    // Without a thread it is held back to the end.
    let _ = thread::Builder::new().name("interrupt".into()).spawn(move || {
        if SigSet::from_iter([Signal::SIGINT]).wait().is_ok() && move_on(HEEDED, ENDING) {
            end(&line, &record);
        }
    });
}

/// From now on it waits.
pub(super) fn hold_back() {
    while !move_on(HEEDED, HELD_BACK) && STATE.load(Ordering::SeqCst) == ENDING {
        // The other thread ends us in a moment.
        thread::park();
    }
}

fn move_on(from: u8, to: u8) -> bool {
    STATE.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
}

/// Dies of the signal, as a shell expects of a program that was interrupted.
fn end(line: &str, record: &str) {
    StandardStreams.err(line);
    SystemLog::open().record(Priority::Error, record);
    let _ = SigSet::from_iter([Signal::SIGINT]).thread_unblock();
    let _ = raise(Signal::SIGINT);
}

/// A shell ignores it for what it runs in the background, and so do we.
fn is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored & (1 << (Signal::SIGINT as u32 - 1)) != 0
}
