//! strace as an assassin: whoever makes the n-th call of some kind is killed, or the call fails.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use harness::{SOON, installed};

/// Every call that changes what others can see: files, and what leaves by a socket.
pub const CALLS: [&str; 10] =
    ["fsync", "rename", "unlink", "write", "mkdir", "writev", "sendto", "flock", "connect", "openat"];

/// What else a run does between them.
pub const FURTHER_CALLS: [&str; 12] = [
    "read",
    "recvfrom",
    "close",
    "statx",
    "getdents64",
    "getrandom",
    "keyctl",
    "lseek",
    "rt_sigprocmask",
    "futex",
    "poll",
    "exit_group",
];

/// What happens to the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Whoever makes it is killed before it is made.
    Killed,
    /// It fails once.
    Fails(&'static str),
}

/// Whether there is one that can do it.
pub fn is_there() -> bool {
    installed("strace")
}

/// What goes before a command. Each process, children too, counts its own calls of each kind.
pub fn strace(call: &str, fate: Fate, number: usize) -> Vec<String> {
    let fate = match fate {
        Fate::Killed => "signal=KILL".to_owned(),
        Fate::Fails(error) => format!("error={error}"),
    };
    let inject = format!("inject={call}:{fate}:when={number}");
    let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none"];
    let trace = format!("trace={call}");
    words.iter().copied().chain(["-e", &trace, "-e", &inject]).map(str::to_owned).collect()
}

/// A server under strace.
pub struct Traced(pub Child);

impl Traced {
    pub fn start(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Whether all of it is gone.
    pub fn is_gone(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Tells what strace started to end, and waits.
    pub fn end(mut self) {
        let id = self.0.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for child in children.split_ascii_whitespace() {
            let _ = kill(Pid::from_raw(child.parse().unwrap()), Signal::SIGTERM);
        }
        let patience = Instant::now() + SOON * 2;
        while !self.is_gone() {
            assert!(Instant::now() < patience, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
