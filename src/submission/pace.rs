//! The pace a mailbox allows, kept across all processes: Outlook takes 3 connections and 30 messages a minute, and answers
//! 432 to more. Our own pacing never makes a message fail: when the time is up, the server decides.

use std::time::{Duration, Instant, SystemTime};

use crate::account::Account;
use crate::failure::{Cause, Failure};
use crate::submission::Deadlines;
use crate::submission::Receipt;
use crate::world::{LockGuard, World};

/// Connections at a time (Exchange Online limits, "Message rate limits": three).
const CONNECTIONS: usize = 3;

/// Messages that may go at once: a minute's worth.
pub const BURST: u64 = 30;

/// How long one message's worth of the bucket takes to fill: 30 a minute.
const REFILL: Duration = Duration::from_secs(2);

/// How long the record of the bucket is waited for; whoever holds it needs a millisecond.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);

/// How often we look for a free connection.
const LOOK: Duration = Duration::from_millis(100);

/// What a submission itself takes at most, in the ordinary course: our waiting leaves it that much.
const SUBMISSION: Duration = Duration::from_secs(5);

/// The first wait after the server said that it is too much; each further one is longer by as much.
const STEP: Duration = Duration::from_secs(2);

/// Makes `attempt` when it is this message's turn, and again as long as the server only says "too many at the same time" and
/// the deadline leaves time for it: such an answer means that nothing was sent.
///
/// # Errors
/// Those of the last attempt.
pub fn submit(
    world: &World,
    account: &Account,
    times: Deadlines,
    attempt: &mut dyn FnMut() -> Result<Receipt, Failure>,
) -> Result<Receipt, Failure> {
    let latest = times.latest_dot();
    let last_start = latest.checked_sub(SUBMISSION).unwrap_or(latest);
    wait_for_turn(world, account, last_start);
    let mut wait = Duration::ZERO;
    loop {
        let verdict = {
            let _connection = connection(world, account, last_start);
            attempt()
        };
        wait += STEP;
        let pause = wait + jitter(world, STEP);
        match verdict {
            Err(failure) if failure.cause == Cause::TooManyAtOnce && world.clock.instant() + pause < last_start => {
                world.clock.sleep(pause);
            }
            verdict => return verdict,
        }
    }
}

/// Takes one message's worth out of the mailbox's bucket, waiting for it to fill; not beyond `until`.
fn wait_for_turn(world: &World, account: &Account, until: Instant) {
    loop {
        let now = world.clock.instant();
        let Some(wait) = take(world, account) else { return };
        if now + wait >= until {
            // Too late for our own pacing: the server decides.
            world.clock.sleep(until.saturating_duration_since(now));
            return;
        }
        world.clock.sleep(wait + jitter(world, LOOK));
    }
}

/// `None` when there was a message's worth in the bucket, or no knowing; else how long it takes to fill.
fn take(world: &World, account: &Account) -> Option<Duration> {
    let name = format!("pace:{}", mailbox(account));
    let _alone = world.locks.acquire(&name, world.clock.instant() + RECORD_PATIENCE)?;
    let now = milliseconds(world.clock.now());
    let bucket = world.state.read(&name).and_then(|record| Bucket::read(&record)).unwrap_or(Bucket::full(now)).at(now);
    let (bucket, wait) = bucket.take();
    if wait.is_none() {
        world.state.replace(&name, bucket.write().as_bytes());
    }
    wait
}

/// How many messages of the last minute's allowance are used up, for people to see.
pub fn used(world: &World, account: &Account) -> u64 {
    let now = milliseconds(world.clock.now());
    let record = world.state.read(&format!("pace:{}", mailbox(account)));
    record.and_then(|record| Bucket::read(&record)).map_or(0, |bucket| bucket.at(now).used())
}

/// One of the mailbox's connections, for as long as it is held; without one when there is none until `until`.
fn connection(world: &World, account: &Account, until: Instant) -> Option<Box<dyn LockGuard>> {
    loop {
        let now = world.clock.instant();
        let names = (0..CONNECTIONS).map(|number| format!("connection:{}:{number}", mailbox(account)));
        if let Some(held) = names.into_iter().find_map(|name| world.locks.acquire(&name, now)) {
            return Some(held);
        }
        if now + LOOK >= until {
            return None;
        }
        world.clock.sleep(LOOK + jitter(world, LOOK));
    }
}

/// The bucket: what is missing in it, as the time it takes to fill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Bucket {
    /// When it was looked at, in Unix milliseconds.
    at: u64,
    /// Milliseconds until it is full.
    missing: u64,
}

impl Bucket {
    const fn full(at: u64) -> Self {
        Self { at, missing: 0 }
    }

    /// `at missing`, as text. Anything else is no bucket.
    fn read(record: &[u8]) -> Option<Self> {
        let mut numbers = std::str::from_utf8(record).ok()?.split_ascii_whitespace().map(|word| word.parse().ok());
        Some(Self { at: numbers.next()??, missing: numbers.next()??.min(BURST * refill()) })
    }

    fn write(self) -> String {
        format!("{} {}\n", self.at, self.missing)
    }

    /// The same bucket later. A clock that was set back fills nothing.
    fn at(self, now: u64) -> Self {
        Self { at: now, missing: self.missing.saturating_sub(now.saturating_sub(self.at)) }
    }

    /// One message less, or how long until there is one.
    fn take(self) -> (Self, Option<Duration>) {
        let missing = self.missing + refill();
        match missing.checked_sub(BURST * refill()) {
            None | Some(0) => (Self { missing, ..self }, None),
            Some(wait) => (self, Some(Duration::from_millis(wait))),
        }
    }

    fn used(self) -> u64 {
        self.missing.div_ceil(refill())
    }
}

fn refill() -> u64 {
    u64::try_from(REFILL.as_millis()).unwrap_or(u64::MAX)
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Limits are the mailbox's, whatever its account is called.
fn mailbox(account: &Account) -> String {
    account.address.to_string().to_ascii_lowercase()
}

/// Up to `longest`: processes that were refused together must not come back together.
fn jitter(world: &World, longest: Duration) -> Duration {
    let mut octet = [0];
    world.random.fill(&mut octet);
    longest * u32::from(octet[0]) / 255
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::credentials::fake_world::{Fakes, account};
    use crate::failure::Stage;

    fn times(fakes: &Fakes, seconds: u64) -> Deadlines {
        let account = Account { deadline: Duration::from_secs(seconds), ..account() };
        Deadlines::new(&account, fakes.world().clock.instant())
    }

    fn receipt() -> Result<Receipt, Failure> {
        Ok(Receipt::new("2.0.0 OK".into()))
    }

    fn elapsed(fakes: &Fakes, start: Instant) -> u64 {
        fakes.world().clock.instant().duration_since(start).as_secs()
    }

    #[test]
    fn a_minutes_worth_goes_at_once_and_then_one_every_two_seconds() {
        let fakes = Fakes::default();
        let start = fakes.world().clock.instant();
        for _ in 0..BURST {
            submit(&fakes.world(), &account(), times(&fakes, 600), &mut receipt).unwrap();
        }
        assert_eq!(elapsed(&fakes, start), 0);
        assert_eq!(used(&fakes.world(), &account()), BURST);
        for number in 1..=5 {
            submit(&fakes.world(), &account(), times(&fakes, 600), &mut receipt).unwrap();
            assert_eq!(elapsed(&fakes, start), 2 * number);
        }
    }

    #[test]
    fn our_own_pacing_never_fails_a_message() {
        let fakes = Fakes::default();
        let start = fakes.world().clock.instant();
        for _ in 0..BURST + 3 {
            submit(&fakes.world(), &account(), times(&fakes, 8), &mut receipt).unwrap();
        }
        assert!(elapsed(&fakes, start) <= 3, "each waited no longer than its deadline allows");
        let fakes = Fakes::default();
        fakes.locks.broken.set(true);
        submit(&fakes.world(), &account(), times(&fakes, 45), &mut receipt).unwrap();
        assert!(elapsed(&fakes, fakes.world().clock.instant()) == 0);
    }

    #[test]
    fn too_many_at_once_is_waited_out_inside_the_deadline() {
        let busy = || Err(Failure::new(Stage::Submission, Cause::TooManyAtOnce, "432 4.3.2"));
        let fakes = Fakes::default();
        let attempts = Cell::new(0);
        let verdict = submit(&fakes.world(), &account(), times(&fakes, 45), &mut || {
            attempts.set(attempts.get() + 1);
            if attempts.get() < 3 { busy() } else { receipt() }
        });
        assert!(verdict.is_ok() && attempts.get() == 3);
        let (fakes, attempts) = (Fakes::default(), Cell::new(0));
        let verdict = submit(&fakes.world(), &account(), times(&fakes, 45), &mut || {
            attempts.set(attempts.get() + 1);
            busy()
        });
        assert_eq!(verdict.unwrap_err().cause, Cause::TooManyAtOnce);
        assert!((3..10).contains(&attempts.get()), "{}", attempts.get());
    }

    #[test]
    fn nothing_else_is_tried_again() {
        for cause in Cause::ALL.iter().filter(|cause| **cause != Cause::TooManyAtOnce) {
            let (fakes, attempts) = (Fakes::default(), Cell::new(0));
            let _ = submit(&fakes.world(), &account(), times(&fakes, 45), &mut || {
                attempts.set(attempts.get() + 1);
                Err(Failure::new(Stage::Submission, *cause, ""))
            });
            assert_eq!(attempts.get(), 1, "{cause:?}");
        }
    }

    #[test]
    fn a_record_nobody_wrote_is_a_full_bucket() {
        for record in [&b""[..], b"x y", b"5", b"\xff", b"99999999999999999999 1"] {
            assert_eq!(Bucket::read(record), None);
        }
        let odd = Bucket::read(b"5 18446744073709551615").unwrap();
        assert_eq!(odd.missing, 60_000);
        assert_eq!(odd.at(1), Bucket { at: 1, missing: 60_000 }, "a clock set back");
        assert_eq!(odd.at(60_005), Bucket::full(60_005));
    }
}
