//! Time and randomness.

use std::cell::LazyCell;
use std::io::Read as _;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use time::UtcOffset;

use crate::failure::ExitStatus;
use crate::world::{Clock, Random};

/// The machine's clock and zone.
#[derive(Debug)]
pub struct SystemClock {
    offset: LazyCell<i32>,
}

impl SystemClock {
    /// Looks the zone up when it is first asked for. Before there is a second thread, that is: the time crate answers
    /// nothing after that, as the environment could change under it, and UTC is used.
    pub fn new() -> Self {
        Self { offset: LazyCell::new(|| UtcOffset::current_local_offset().map_or(0, UtcOffset::whole_seconds)) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn utc_offset(&self) -> i32 {
        *self.offset
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// The system's generator of unpredictable octets.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) {
        if rustls::crypto::ring::default_provider().secure_random.fill(octets).is_ok() {
            return;
        }
        let device = std::fs::File::open("/dev/urandom").and_then(|mut device| device.read_exact(octets));
        if device.is_err() {
            // Predictable octets would be worse than no mail. Nothing has been sent: TLS needs them too.
            std::process::exit(ExitStatus::OsError as i32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_differs() {
        let (mut first, mut second) = ([0; 16], [0; 16]);
        SystemRandom.fill(&mut first);
        SystemRandom.fill(&mut second);
        assert_ne!(first, second);
    }

    #[test]
    fn the_zone_is_one_there_is() {
        assert!(SystemClock::new().utc_offset().abs() <= 14 * 3600);
    }
}
