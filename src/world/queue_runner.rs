//! What tries the messages of a queue again without being asked.

use std::path::Path;

/// Who tries again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueRunner {
    /// systemd's timer.
    Timer,
    /// A line of cron's.
    Cron,
}

impl QueueRunner {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Cron => "cron",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Timer => "outlook-sendmail-queue.timer, which looks every few minutes",
            Self::Cron => "cron",
        }
    }
}

/// What looks after this user's queue; in the broker, after the machine's.
pub trait QueueRunners {
    /// Who tries again what waits; `None` when nobody does.
    fn active(&self) -> Option<QueueRunner>;
    /// Starts a process of our own that tries once what is due, and that no caller of ours waits for.
    fn start(&self, config: &Path) -> bool;
}
