//! Waiting for processes, and never for ever: whoever does not end is killed, and the test fails.

use std::process::{Child, ExitStatus, Output};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than anything a test starts takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

/// The waits of [`Child`], with an end.
pub trait Bounded {
    /// How it ended.
    fn ended(&mut self) -> ExitStatus;
    /// How it ended, and what it wrote.
    fn ended_with_output(self) -> Output;
}

impl Bounded for Child {
    fn ended(&mut self) -> ExitStatus {
        // As `wait` does: it may be reading to the end.
        drop(self.stdin.take());
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.try_wait().unwrap() {
                return status;
            }
            if Instant::now() >= until {
                let _ = self.kill();
                panic!("process {} does not end", self.id());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn ended_with_output(self) -> Output {
        let pid = Pid::from_raw(i32::try_from(self.id()).unwrap());
        let (over, wait) = mpsc::channel::<()>();
        let guard = thread::spawn(move || {
            let hangs = wait.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
            if hangs {
                let _ = kill(pid, Signal::SIGKILL);
            }
            hangs
        });
        let output = self.wait_with_output().unwrap();
        drop(over);
        assert!(!guard.join().unwrap(), "process {pid} does not end");
        output
    }
}
