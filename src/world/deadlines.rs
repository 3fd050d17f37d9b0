//! How long things may take (decision 9 of DECISIONS.md).

use std::time::{Duration, Instant};

/// How long things may take (decision 9 of DECISIONS.md).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadlines {
    /// Everything before the final dot ends here; for a message that takes its time ([`Self::content_until`]), everything
    /// before its content.
    pub before_dot: Instant,
    /// With less than this left, the final dot is not sent.
    pub dot_reserve: Duration,
    /// How long the answer to the final dot is waited for.
    pub final_wait: Duration,
    /// How long content may stand still while it goes out.
    stall: Duration,
    /// Up to so many octets of content have to go out before the deadline.
    hasty_up_to: u64,
}

/// Larger messages may take longer than the deadline, which is for callers who wait for a line of text: fail2ban kills us
/// after 60 s, and sends again.
const SMALL: u64 = 256 * 1024;

/// RFC 5321 section 4.5.3.2.5: how long one piece of content may take.
const STALL_OF_QUEUE: Duration = Duration::from_secs(180);

impl Deadlines {
    /// `deadline` and `final_wait` of an account for a message whose caller waits, counted from `start`. The reserve is 10 s, but at most a
    /// quarter of the deadline.
    pub fn new(start: Instant, deadline: Duration, final_wait: Duration) -> Self {
        Self {
            before_dot: later(start, deadline),
            dot_reserve: Duration::from_secs(10).min(deadline / 4),
            final_wait,
            stall: deadline,
            hasty_up_to: SMALL,
        }
    }

    /// The same for a message nobody waits for.
    pub fn of_queue(start: Instant, deadline: Duration, final_wait: Duration) -> Self {
        let stall = deadline.max(STALL_OF_QUEUE);
        Self { stall, hasty_up_to: 0, ..Self::new(start, deadline, final_wait) }
    }

    /// Until when the next piece of a content of `size` octets has to be taken. A large message goes on as long as the
    /// server takes some of it.
    pub fn content_until(&self, size: u64, now: Instant) -> Instant {
        if size > self.hasty_up_to { later(now, self.stall) } else { self.latest_dot() }
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
