//! How long things may take (decision 9 of DECISIONS.md).

use std::time::{Duration, Instant};

/// How long things may take (decision 9 of DECISIONS.md).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadlines {
    /// Everything before the final dot ends here.
    pub before_dot: Instant,
    /// With less than this left, the final dot is not sent.
    pub dot_reserve: Duration,
    /// How long the answer to the final dot is waited for.
    pub final_wait: Duration,
}

impl Deadlines {
    /// `deadline` and `final_wait` of an account, counted from `start`. The reserve is 10 s, but at most a quarter of
    /// the deadline.
    pub fn new(start: Instant, deadline: Duration, final_wait: Duration) -> Self {
        Self { before_dot: later(start, deadline), dot_reserve: Duration::from_secs(10).min(deadline / 4), final_wait }
    }

    /// The last moment at which the final dot may go out.
    pub fn latest_dot(&self) -> Instant {
        self.before_dot.checked_sub(self.dot_reserve).unwrap_or(self.before_dot)
    }

    /// Until when the answer is waited for when the final dot goes out now.
    pub fn answer_until(&self, now: Instant) -> Instant {
        later(now, self.final_wait)
    }
}

/// A configured number of seconds may be beyond what the clock can count; a year is as good then.
fn later(instant: Instant, wait: Duration) -> Instant {
    instant.checked_add(wait).unwrap_or(instant + Duration::from_secs(365 * 24 * 3600))
}
