//! The pace a mailbox allows, kept across all processes: Outlook takes 3 connections and 30 messages a minute, and answers
//! 432 to more. Our own pacing never makes a message fail: when the time is up, the server decides.
//!
//! A message first takes its turn out of the mailbox's bucket, at once and for good, so that it knows how long to wait and
//! nobody overtakes it; then it stands in line for a connection, where only the first looks for one.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::account::{Account, TransportKind};
use crate::failure::{Cause, Failure};
use crate::memory::record;
use crate::moments;
use crate::outcome::Receipt;
use crate::world::Deadlines;
use crate::world::{LockGuard, World};

/// Connections at a time (Exchange Online limits, "Message rate limits": three). Those that carry no message, such as the
/// trial of a sign-in, do not count: Outlook says 432 to content only.
const CONNECTIONS: usize = 3;

/// Messages that may go at once: a minute's worth.
pub const BURST: u64 = 30;

/// How long one message's worth of the bucket takes to fill: 30 a minute.
const REFILL: Duration = Duration::from_secs(2);

/// How far ahead turns are taken.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How long the record of the bucket is waited for; whoever holds it needs a millisecond.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);

/// How often the first in line looks for a free connection.
const LOOK: Duration = Duration::from_millis(25);

/// When a connection no longer counts: Outlook delays what exceeds its rate to the next minute, and an answer that takes
/// longer than that may never come. Its own process waits on; the server decides whether it takes another one.
const HUNG: Duration = Duration::from_secs(90);

/// What a submission itself takes at most, in the ordinary course: our waiting leaves it that much.
const SUBMISSION: Duration = Duration::from_secs(5);

/// The first wait after the server said that it is too much; each further one is longer by as much, up to the longest.
const STEP: Duration = Duration::from_secs(2);
const LONGEST_STEP: Duration = Duration::from_secs(20);

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
    let left = || last_start.saturating_duration_since(world.clock.instant());
    // A quarter of the time is for the line.
    world.clock.sleep(turn(world, account, left() / 4 * 3));
    let mut wait = Duration::ZERO;
    loop {
        let verdict = {
            let _connection = connection(world, account, last_start);
            attempt()
        };
        match verdict {
            Err(failure) if is_worth_a_wait(account, &failure) && left() > STEP => {
                wait = (wait + STEP).min(LONGEST_STEP);
                world.clock.sleep((wait + jitter(world, STEP)).min(left()));
            }
            verdict => return verdict,
        }
    }
}

/// Graph says for how long it wants no more, and has been heeded where that was possible.
fn is_worth_a_wait(account: &Account, failure: &Failure) -> bool {
    failure.cause == Cause::TooManyAtOnce && account.transport == TransportKind::Smtp
}

/// Takes one message's worth out of the mailbox's bucket, and says how long it takes to fill. When that is longer than
/// `patience` nothing is taken, and all of it is waited: who exceeds the pace goes behind those who keep it.
fn turn(world: &World, account: &Account, patience: Duration) -> Duration {
    let name = name(account);
    let until = world.clock.instant() + RECORD_PATIENCE.min(patience);
    let Some(_alone) = world.locks.acquire(&name, until) else { return Duration::ZERO };
    let now = moments::unix_milliseconds(world.clock.now());
    let bucket = Bucket::read(world, account).unwrap_or(Bucket::full(now)).at(now);
    let (bucket, wait) = bucket.take();
    if wait > patience.min(LONGEST_WAIT) {
        return patience;
    }
    record::write(world, &name, &bucket);
    wait
}

/// How many messages of the last minute's allowance are used up or spoken for, for people to see.
pub fn used(world: &World, account: &Account) -> u64 {
    let now = moments::unix_milliseconds(world.clock.now());
    Bucket::read(world, account).map_or(0, |bucket| bucket.at(now).used())
}

/// One of the mailbox's connections, for as long as it is held; none when there is no knowing, or none until `until`.
fn connection(world: &World, account: &Account, until: Instant) -> Option<Box<dyn LockGuard>> {
    let mailbox = mailbox(account);
    let _first = world.locks.acquire(&format!("line:{mailbox}"), until)?;
    let names: Vec<_> = (0..CONNECTIONS).map(|number| format!("connection:{mailbox}:{number}")).collect();
    loop {
        let now = world.clock.instant();
        if let Some(held) = names.iter().find_map(|name| world.locks.acquire(name, now)) {
            return Some(held);
        }
        if now >= until {
            return None;
        }
        for name in &names {
            // Safe here only: whoever takes one stands first in line.
            world.locks.disown(name, HUNG);
        }
        world.clock.sleep(LOOK);
    }
}

/// The bucket: what is missing in it, as the time it takes to fill.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Bucket {
    /// When it was looked at, in Unix milliseconds.
    at: u64,
    /// Milliseconds until it is full; more than it holds when turns are taken ahead.
    missing: u64,
}

impl Bucket {
    const fn full(at: u64) -> Self {
        Self { at, missing: 0 }
    }

    fn read(world: &World, account: &Account) -> Option<Self> {
        let bucket: Self = record::read(world, &name(account))?;
        Some(Self { missing: bucket.missing.min(whole() + in_milliseconds(LONGEST_WAIT)), ..bucket })
    }

    /// The same bucket later. A clock that was set back fills nothing, but the bucket fills from then on.
    fn at(self, now: u64) -> Self {
        Self { at: now, missing: self.missing.saturating_sub(now.saturating_sub(self.at)) }
    }

    /// One message less, and how long until it is filled in.
    fn take(self) -> (Self, Duration) {
        let missing = self.missing + in_milliseconds(REFILL);
        (Self { missing, ..self }, Duration::from_millis(missing.saturating_sub(whole())))
    }

    fn used(self) -> u64 {
        self.missing.div_ceil(in_milliseconds(REFILL))
    }
}

/// All that a bucket holds.
fn whole() -> u64 {
    BURST * in_milliseconds(REFILL)
}

fn in_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn name(account: &Account) -> String {
    format!("pace:{}", mailbox(account))
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
    use crate::failure::Stage;
    use crate::fake_world::{Fakes, account};

    fn times(fakes: &Fakes, seconds: u64) -> Deadlines {
        let account = Account { deadline: Duration::from_secs(seconds), ..account() };
        account.deadlines(fakes.world().clock.instant())
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
    fn turns_are_taken_ahead_and_nobody_overtakes() {
        let fakes = Fakes::default();
        let patience = Duration::from_secs(600);
        for number in 0..100_u64 {
            let wait = Duration::from_secs(2 * (number + 1).saturating_sub(BURST));
            assert_eq!(turn(&fakes.world(), &account(), patience), wait);
        }
        assert_eq!(used(&fakes.world(), &account()), 100);
        fakes.world().clock.sleep(Duration::from_secs(100));
        assert_eq!(turn(&fakes.world(), &account(), patience), Duration::from_secs(42));
        // Who cannot wait for a turn takes none away.
        assert_eq!(turn(&fakes.world(), &account(), Duration::from_secs(43)), Duration::from_secs(43));
        assert_eq!(turn(&fakes.world(), &account(), patience), Duration::from_secs(44));
    }

    #[test]
    fn our_own_pacing_never_fails_a_message() {
        let fakes = Fakes::default();
        for seconds in [8, 1, 0, 45] {
            for _ in 0..BURST + 3 {
                let start = fakes.world().clock.instant();
                submit(&fakes.world(), &account(), times(&fakes, seconds), &mut receipt).unwrap();
                assert!(elapsed(&fakes, start) <= seconds, "longer than the deadline allows");
            }
        }
        let fakes = Fakes::default();
        fakes.locks.broken.set(true);
        let start = fakes.world().clock.instant();
        for _ in 0..BURST + 3 {
            submit(&fakes.world(), &account(), times(&fakes, 45), &mut receipt).unwrap();
        }
        assert_eq!(elapsed(&fakes, start), 0, "without locks there is no pace to keep");
    }

    fn held(fakes: &Fakes, seconds: [u64; 3]) {
        let names = (0..).map(|number| format!("connection:me@outlook.com:{number}"));
        let held = names.zip(seconds.map(Duration::from_secs));
        *fakes.locks.elsewhere.borrow_mut() = held.collect();
    }

    #[test]
    fn without_a_free_connection_it_goes_when_the_time_is_up() {
        let fakes = Fakes::default();
        held(&fakes, [1, 80, 90]);
        let start = fakes.world().clock.instant();
        submit(&fakes.world(), &account(), times(&fakes, 45), &mut receipt).unwrap();
        assert_eq!(elapsed(&fakes, start), 30);
    }

    #[test]
    fn a_connection_whose_answer_never_comes_holds_up_nobody() {
        let fakes = Fakes::default();
        held(&fakes, [91, 300, 1]);
        let start = fakes.world().clock.instant();
        submit(&fakes.world(), &account(), times(&fakes, 45), &mut receipt).unwrap();
        assert_eq!(elapsed(&fakes, start), 0);
        assert!(fakes.locks.elsewhere.borrow().contains_key("connection:me@outlook.com:2"));
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        let fakes = Fakes::default();
        let future = br#"{"at":4000000000000,"missing":60000}"#.to_vec();
        fakes.state.records.borrow_mut().insert("pace:me@outlook.com".into(), future);
        for number in 1..=5 {
            let patience = Duration::from_secs(600);
            assert_eq!(turn(&fakes.world(), &account(), patience), Duration::from_secs(2));
            fakes.world().clock.sleep(Duration::from_secs(2));
            assert!(used(&fakes.world(), &account()) <= BURST, "{number}");
        }
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
    fn graph_has_said_how_long_to_wait() {
        let (fakes, attempts) = (Fakes::default(), Cell::new(0));
        let account = Account { transport: TransportKind::Graph, ..account() };
        let verdict = submit(&fakes.world(), &account, times(&fakes, 45), &mut || {
            attempts.set(attempts.get() + 1);
            Err(Failure::new(Stage::Submission, Cause::TooManyAtOnce, "429"))
        });
        assert_eq!((verdict.unwrap_err().cause, attempts.get()), (Cause::TooManyAtOnce, 1));
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
        let fakes = Fakes::default();
        let read = |record: &str| {
            fakes.state.records.borrow_mut().insert("pace:me@outlook.com".into(), record.into());
            Bucket::read(&fakes.world(), &account())
        };
        for record in ["", "x y", "5", "\0", r#"{"at":99999999999999999999,"missing":1}"#, r#"{"at":5}"#] {
            assert_eq!(read(record), None, "{record}");
        }
        let odd = read(r#"{"at":5,"missing":18446744073709551615}"#).unwrap();
        assert_eq!(odd.missing, 3_660_000);
        assert_eq!(odd.at(1), Bucket { at: 1, missing: 3_660_000 }, "a clock set back");
        assert_eq!(odd.at(3_660_005), Bucket::full(3_660_005));
    }
}
