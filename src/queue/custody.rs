//! Responsibility for one message, from before its first octet goes out to its verdict.

use std::mem;
use std::time::Instant;

use super::entry::{Progress, RefusedRecipient, State};
use super::files::{Draft, Entry};
use super::schedule;
use super::unwritable;
use crate::account::Account;
use crate::failure::{Cause, ExitStatus, Failure, Stage};
use crate::moments;
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::report;
use crate::submission::{Custody, Enough};
use crate::world::Deadlines;
use crate::world::{Priority, World};

/// Whoever handed a message over.
pub trait Client {
    /// The message is on the disk: it is not lost whatever happens now, and content is about to go out.
    fn in_custody(&mut self);
    /// Whether it is at the other end of a line: a process of ours that is killed before it says how it ended tells it
    /// that nobody took the message. So it hears [`Self::in_custody`] before the message could go out later.
    fn is_remote(&self) -> bool {
        false
    }
    /// Content is about to go out of a message that nobody keeps.
    fn sending(&mut self);
    /// The message was refused for good. Says whether anybody heard it; if not, the outbox keeps it as failed.
    fn hears(&mut self, failure: &Failure) -> bool;
}

/// A caller who waits for our exit status.
#[derive(Clone, Copy, Debug)]
pub struct PresentCaller;

impl Client for PresentCaller {
    fn in_custody(&mut self) {}
    fn sending(&mut self) {}

    fn hears(&mut self, _: &Failure) -> bool {
        true
    }
}

/// Nobody waits: a message from the outbox.
pub(super) struct Nobody;

impl Client for Nobody {
    fn in_custody(&mut self) {}
    fn sending(&mut self) {}

    fn hears(&mut self, _: &Failure) -> bool {
        false
    }
}

/// What stands behind an attempt.
pub struct Held<'a> {
    world: &'a World,
    what: What<'a>,
    client: &'a mut dyn Client,
    started: Instant,
    origin: Origin,
}

/// Where a message comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    /// From a caller.
    Caller,
    /// From the outbox.
    Outbox,
}

enum What<'a> {
    /// Nothing: the caller is told, and decides.
    Report,
    /// The message, written down and not promised yet.
    Draft(Draft<'a>),
    /// A message of the outbox.
    Entry(Entry<'a>),
}

impl<'a> Held<'a> {
    /// For a message from a caller; without a draft he is told, and decides.
    pub(super) fn of_caller(
        world: &'a World,
        draft: Option<Draft<'a>>,
        client: &'a mut dyn Client,
        started: Instant,
    ) -> Self {
        Self { world, what: draft.map_or(What::Report, What::Draft), client, started, origin: Origin::Caller }
    }

    /// For a message of the outbox that is tried again.
    pub(super) fn of_entry(world: &'a World, entry: Entry<'a>, client: &'a mut dyn Client) -> Self {
        let (what, started) = (What::Entry(entry), world.clock.instant());
        Self { world, what, client, started, origin: Origin::Outbox }
    }

    /// Writes down what became of it.
    ///
    /// # Errors
    /// Nobody has it, or nobody knows.
    pub(super) fn settle(self, verdict: Result<Receipt, Failure>) -> Result<Taken, Failure> {
        let world = self.world;
        let verdict = verdict.map_err(|failure| failure.about(world.places.whose()));
        match (self.what, verdict) {
            (What::Report, verdict) => verdict.map(Taken::Sent),
            (What::Draft(draft), Err(failure)) if schedule::may_pass(&failure) => {
                let progress = later(world, &Progress::untried(moments::unix_seconds(world.clock.now())), &failure);
                keep(draft, progress, self.client, failure)
            }
            // Dropped, it is gone.
            (What::Draft(_), verdict) => verdict.map(Taken::Sent),
            (What::Entry(entry), Ok(receipt)) => Ok(Taken::Sent(sent(world, entry, receipt))),
            (What::Entry(entry), Err(failure)) => not_sent(world, entry, failure, self.origin, self.client),
        }
    }
}

impl Custody for Held<'_> {
    /// Counted from when the message had been read.
    fn deadlines(&self, account: &Account, _: Instant) -> Deadlines {
        match self.origin {
            Origin::Caller => account.deadlines(self.started),
            Origin::Outbox => Deadlines::of_queue(self.started, account.deadline, account.final_wait),
        }
    }

    fn left(&self) -> Option<&[String]> {
        match &self.what {
            What::Entry(entry) => entry.progress().left.as_deref(),
            What::Report | What::Draft(_) => None,
        }
    }

    fn enough(&self) -> Enough {
        match self.what {
            What::Report => Enough::Everybody,
            What::Draft(_) | What::Entry(_) => Enough::Anybody,
        }
    }

    fn sending(&mut self) -> Result<(), Failure> {
        self.what = match mem::replace(&mut self.what, What::Report) {
            What::Report => {
                report::heed_interrupt(self.world);
                self.client.sending();
                What::Report
            }
            What::Draft(draft) => {
                let entry = draft.commit(None).map_err(unwritable)?;
                self.client.in_custody();
                What::Entry(entry)
            }
            What::Entry(mut entry) => {
                let sending = Progress { state: State::Sending, ..entry.progress().clone() };
                let written = if *entry.progress() == sending { Ok(()) } else { entry.put(sending) };
                self.what = What::Entry(entry);
                return written.map_err(unwritable);
            }
        };
        Ok(())
    }

    fn dot(&mut self) {
        self.world.signals.hold_back_interrupt();
    }
}

/// Puts a message that was not sent where it waits.
pub(super) fn keep(
    draft: Draft<'_>,
    progress: Progress,
    client: &mut dyn Client,
    why: Failure,
) -> Result<Taken, Failure> {
    let id = draft.name().id.as_str().to_owned();
    if client.is_remote() {
        let mut entry = draft.commit(None).map_err(unwritable)?;
        client.in_custody();
        if let Err(error) = entry.put(progress) {
            let _ = entry.remove();
            return Err(unwritable(error));
        }
    } else {
        draft.commit(Some(progress)).map_err(unwritable)?;
    }
    Ok(Taken::Kept { id, why })
}

/// The server has it: the message goes, or stays for those the server would not have.
fn sent(world: &World, mut entry: Entry<'_>, receipt: Receipt) -> Receipt {
    let done = if receipt.refused.is_empty() && entry.progress().refused.is_empty() {
        entry.remove()
    } else {
        let earlier = entry.progress().clone();
        // Those the server found too many are tried again by themselves.
        let is_deferred =
            |cause: Cause| cause.row().status == ExitStatus::Temporary || cause == Cause::TooManyRecipients;
        let (deferred, refused): (Vec<_>, Vec<_>) =
            receipt.refused.iter().partition(|refused| is_deferred(refused.cause));
        let mut progress = earlier;
        progress.refused.extend(refused.iter().map(|refused| RefusedRecipient {
            address: refused.address.to_string(),
            words: refused.words.whole().to_owned(),
        }));
        progress.trouble = receipt
            .refused
            .first()
            .map(|first| schedule::trouble(&Failure::new(Stage::Submission, first.cause, first.words.whole())));
        if let Some(first) = deferred.first() {
            progress.left = Some(deferred.iter().map(|refused| refused.address.to_string()).collect());
            let failure = Failure::new(Stage::Submission, first.cause, first.words.whole());
            progress = later(world, &progress, &failure);
        } else {
            progress.left = Some(progress.refused.iter().map(|refused| refused.address.clone()).collect());
            progress.state = State::Failed;
        }
        entry.put(progress)
    };
    if let Err(error) = done {
        // It stays as it is: on the next look, perhaps sent.
        let words = format!("sent, but the queue could not be told: {error}");
        world.log.record(Priority::Warning, &words);
    }
    receipt
}

fn not_sent(
    world: &World,
    mut entry: Entry<'_>,
    failure: Failure,
    origin: Origin,
    client: &mut dyn Client,
) -> Result<Taken, Failure> {
    let id = entry.name().id.as_str().to_owned();
    let earlier = entry.progress().clone();
    let is_new = origin == Origin::Caller;
    if failure.cause == Cause::PerhapsSent {
        let trouble = Some(schedule::trouble(&failure));
        let attempts = earlier.attempts + 1;
        // If it cannot be written, *sending* says the same.
        let _ = entry.put(Progress { state: State::PerhapsSent, trouble, attempts, ..earlier });
        return Err(failure);
    }
    let waits = if is_new { schedule::may_pass(&failure) } else { !schedule::is_final(&failure) };
    if waits {
        let progress = later(world, &earlier, &failure);
        return match entry.put(progress) {
            Ok(()) => Ok(Taken::Kept { id, why: failure }),
            // Nothing was sent and nothing can be promised: the caller decides, as if there were no outbox.
            Err(_) if is_new && entry.remove().is_ok() => Err(failure),
            Err(error) => Err(unwritable(error)),
        };
    }
    if is_new && client.hears(&failure) {
        let _ = entry.remove();
    } else {
        let _ = entry.put(failed(&earlier, &failure));
    }
    Err(failure)
}

/// A message that is given up.
pub(super) fn failed(earlier: &Progress, failure: &Failure) -> Progress {
    let trouble = Some(schedule::trouble(failure));
    Progress { state: State::Failed, attempts: earlier.attempts + 1, trouble, ..earlier.clone() }
}

/// A message that is tried again.
fn later(world: &World, earlier: &Progress, failure: &Failure) -> Progress {
    let mut chance = [0];
    world.random.fill(&mut chance);
    schedule::after(earlier, failure, moments::unix_seconds(world.clock.now()), chance[0])
}
