//! What a mailbox takes at a time and in a minute, as Outlook limits it.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lock;
use crate::outlook::Options;

/// The mailbox's limits, and how much of them is used.
pub(super) struct Load {
    connections: Option<usize>,
    minute_limit: Option<usize>,
    minute: Duration,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    /// Connections with a message to come, and the most there ever were.
    under_way: usize,
    most: usize,
    refused: usize,
    /// When the latest messages were taken, or will be.
    taken: VecDeque<Instant>,
}

/// A connection that somebody signed in on; it no longer counts when dropped.
pub(super) struct UnderWay<'a>(&'a Load);

impl Load {
    pub(super) fn new(options: &Options) -> Self {
        let Options { connection_limit, minute_limit, minute, .. } = options;
        Self { connections: *connection_limit, minute_limit: *minute_limit, minute: *minute, used: Mutex::default() }
    }

    /// Somebody signed in.
    pub(super) fn begin(&self) -> UnderWay<'_> {
        let mut used = lock(&self.used);
        used.under_way += 1;
        used.most = used.most.max(used.under_way);
        UnderWay(self)
    }

    /// Whether more are under way than may be.
    pub(super) fn is_exceeded(&self) -> bool {
        let mut used = lock(&self.used);
        let exceeded = self.connections.is_some_and(|limit| used.under_way > limit);
        used.refused += usize::from(exceeded);
        exceeded
    }

    /// How long the answer to a message waits: no span of a minute takes more than its limit.
    pub(super) fn carried_over(&self) -> Duration {
        let now = Instant::now();
        let Some(limit) = self.minute_limit else { return Duration::ZERO };
        let mut used = lock(&self.used);
        while used.taken.len() >= limit.max(1) {
            let earliest = used.taken.pop_front().map_or(now, |earliest| earliest + self.minute);
            if used.taken.len() + 1 == limit.max(1) {
                let taken = earliest.max(now);
                used.taken.push_back(taken);
                return taken - now;
            }
        }
        used.taken.push_back(now);
        Duration::ZERO
    }

    /// The most connections there ever were at a time, and how many were refused for it.
    pub(super) fn seen(&self) -> (usize, usize) {
        let used = lock(&self.used);
        (used.most, used.refused)
    }

    pub(super) fn forget(&self) {
        let mut used = lock(&self.used);
        *used = Used { under_way: used.under_way, ..Used::default() };
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        lock(&self.0.used).under_way -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_takes_its_limit_and_the_rest_comes_later() {
        let options = Options { minute_limit: Some(2), ..Options::new("") };
        let load = Load::new(&options);
        let waits: Vec<u64> = (0..5).map(|_| load.carried_over().as_secs_f64().round() as u64).collect();
        assert_eq!(waits, [0, 0, 60, 60, 120]);
        let load = Load::new(&Options::new(""));
        assert!((0..100).all(|_| load.carried_over().is_zero()));
    }

    #[test]
    fn the_fourth_at_a_time_is_too_many() {
        let options = Options { connection_limit: Some(3), ..Options::new("") };
        let load = Load::new(&options);
        let mut under_way: Vec<_> = (0..3).map(|_| load.begin()).collect();
        assert!(!load.is_exceeded());
        under_way.push(load.begin());
        assert!(load.is_exceeded());
        under_way.pop();
        assert!(!load.is_exceeded());
        assert_eq!(load.seen(), (4, 1));
    }
}
