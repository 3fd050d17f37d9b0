//! A run over everything that waits: new mail first, the rest slowly, each thread in its order.

use std::collections::BTreeSet;
use std::time::Duration;

use super::custody::{Held, Nobody, failed};
use super::entry::{Id, Name, Progress, State};
use super::files::Entry;
use super::store::{Opened, Store};
use super::{adoption, schedule, summary, unreadable, unwritable};
use crate::account::Accounts;
use crate::attempt::Attempt;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Verbosity;
use crate::moments;
use crate::outcome::Taken;
use crate::report::{self, Story};
use crate::service::{Pace, Submission, account_for};
use crate::words::Words;
use crate::world::{Priority, World};

/// Between two messages that were tried before: what piled up must not use up the quota of what comes now.
const BETWEEN: Duration = Duration::from_secs(60);

/// One message that waits.
struct Waiting {
    name: Name,
    progress: Progress,
    accepted: u64,
}

/// What a run has learnt.
struct Run<'a> {
    world: &'a World,
    store: Store<'a>,
    attempt: &'a Attempt<'a>,
    accounts: Accounts,
    /// Accounts whose next message would fail like the last.
    stopped: BTreeSet<String>,
    /// Messages that have had their turn.
    tried: BTreeSet<Id>,
}

/// Sends what waits. When another process is at it already, that one does.
///
/// # Errors
/// The outbox cannot be read, or there is no account to send through.
pub fn run_queue(world: &World, pace: Pace, attempt: &Attempt<'_>) -> Result<(), Failure> {
    let store = Store::new(&*world.outbox);
    if store.shelf().map_err(unreadable)?.is_empty() {
        return Ok(());
    }
    let mut run: Option<Run<'_>> = None;
    loop {
        let Some(alone) = world.locks.acquire("outbox", world.clock.instant()) else { return Ok(()) };
        tidy(world, store)?;
        let run = match &mut run {
            Some(run) => run,
            none => {
                let accounts = Accounts::load(world)?;
                none.insert(Run { world, store, attempt, accounts, stopped: BTreeSet::new(), tried: BTreeSet::new() })
            }
        };
        let more = run.pass(pace)?;
        drop(alone);
        if !more {
            return Ok(());
        }
        // Told to end meanwhile, nobody waits for us.
        world.signals.release();
        world.clock.sleep(BETWEEN);
    }
}

impl Run<'_> {
    /// Everything whose turn it is. Says whether there is more, in a minute.
    fn pass(&mut self, pace: Pace) -> Result<bool, Failure> {
        let mut waiting = waiting(self.world, self.store)?;
        let mut slow = 0;
        while let Some(index) = self.next(&waiting, pace) {
            let Some(it) = waiting.get(index) else { break };
            if it.progress.attempts > 0 && pace == Pace::Due {
                if slow > 0 {
                    return Ok(true);
                }
                slow += 1;
            }
            let name = it.name.clone();
            self.tried.insert(name.id.clone());
            if self.turn(&name)? == State::Waiting {
                continue;
            }
            waiting.retain(|it| it.name != name);
        }
        if self.stopped.is_empty()
            && let Some(name) = summary::write(self.world, self.store, &self.accounts)?
        {
            self.turn(&name)?;
        }
        Ok(false)
    }

    /// Whose turn it is: those never tried first. `waiting` is in the order of acceptance.
    fn next(&self, waiting: &[Waiting], pace: Pace) -> Option<usize> {
        if self.accounts.count() <= self.stopped.len() {
            return None;
        }
        let now = moments::unix_seconds(self.world.clock.now());
        let mut threads = BTreeSet::new();
        let mut tried_before = None;
        for (index, it) in waiting.iter().enumerate() {
            let is_first = it.name.thread == "0" || threads.insert((it.name.uid, it.name.thread.as_str()));
            let is_due = pace == Pace::Everything || schedule::is_due(&it.progress, now);
            if !is_first || !is_due || self.tried.contains(&it.name.id) {
                continue;
            }
            if it.progress.attempts == 0 {
                return Some(index);
            }
            tried_before = tried_before.or(Some(index));
        }
        tried_before
    }

    /// Tries one; where it stands afterwards.
    fn turn(&mut self, name: &Name) -> Result<State, Failure> {
        let entry = match self.store.open(name).map_err(unreadable)? {
            Opened::Entry(entry) if entry.progress().state == State::Waiting => entry,
            // Somebody else was at it.
            Opened::Entry(_) => return Ok(State::Sending),
            // Somebody is: the rest of its thread waits for him.
            Opened::Busy => return Ok(State::Waiting),
            Opened::Gone => return Ok(State::Failed),
        };
        let tried = one(self.world, *entry, &self.accounts, &self.stopped, self.attempt);
        Ok(match tried {
            Tried::Skipped => State::Waiting,
            Tried::Ended(Ok(Taken::Sent(_))) => State::Failed,
            Tried::Ended(Ok(Taken::Kept { why, .. })) => {
                if schedule::concerns_account(&why)
                    && let Some(account) = self.account_of(name)
                {
                    self.stopped.insert(account);
                }
                State::Waiting
            }
            Tried::Ended(Err(_)) => State::Failed,
        })
    }

    /// The account a message goes through.
    fn account_of(&self, name: &Name) -> Option<String> {
        let Ok(Opened::Entry(mut entry)) = self.store.open(name) else { return None };
        let request = Submission::read(entry.content().ok()?, &*self.world.spools).ok()?;
        account_for(&self.accounts, &request.submit, &request.message).ok().map(|account| account.name.clone())
    }
}

/// What came of a turn.
pub(super) enum Tried {
    /// Its account is known not to work at the moment.
    Skipped,
    /// As with any message.
    Ended(Result<Taken, Failure>),
}

/// Tries one message of the outbox; tells the log.
pub(super) fn one(
    world: &World,
    mut entry: Entry<'_>,
    accounts: &Accounts,
    stopped: &BTreeSet<String>,
    attempt: &Attempt<'_>,
) -> Tried {
    if let Err(error) = adoption::forget_original(world, &entry) {
        return Tried::Ended(Err(unwritable(error)));
    }
    let mut story = Story::of_envelope(entry.facts().from.as_bytes(), &[entry.facts().to.as_bytes()]);
    let request = entry
        .content()
        .map_err(unreadable)
        .and_then(|content| Submission::read(content, &*world.spools).map_err(Failure::from));
    let mut request = match request {
        Ok(request) => request,
        Err(failure) => {
            // That there is no room at the moment is not the message's fault.
            if failure.cause == Cause::SpoolUnwritable {
                let mut nobody = Nobody;
                let outcome = Held::of_entry(world, entry, &mut nobody).settle(Err(failure));
                report::record(world, &story, outcome.as_ref());
                return Tried::Ended(outcome);
            }
            let progress = failed(entry.progress(), &failure);
            let _ = entry.put(progress);
            report::record(world, &story, Err(&failure));
            return Tried::Ended(Err(failure));
        }
    };
    // A transcript was for the person who called.
    request.submit.verbosity = Verbosity::Silent;
    story.read_message(&request.message, &request.submit.operands);
    story.called_by(&request.caller);
    let mut nobody = Nobody;
    let held = Held::of_entry(world, entry, &mut nobody);
    let outcome = match account_for(accounts, &request.submit, &request.message) {
        Ok(account) if stopped.contains(&account.name) => return Tried::Skipped,
        Ok(account) => {
            let mut held = held;
            world.signals.hold_back();
            let verdict = attempt(world, account, request, &mut held, &mut story);
            held.settle(verdict)
        }
        Err(failure) => held.settle(Err(failure)),
    };
    report::record(world, &story, outcome.as_ref());
    world.signals.release();
    Tried::Ended(outcome)
}

/// Everything that waits, the oldest first.
fn waiting(world: &World, store: Store<'_>) -> Result<Vec<Waiting>, Failure> {
    let mut found = Vec::new();
    for (name, _) in store.shelf().map_err(unreadable)?.messages {
        let progress = store.progress(&name);
        if progress.state != State::Waiting {
            continue;
        }
        match store.facts(&name) {
            Ok(facts) => found.push(Waiting { name, progress, accepted: facts.accepted }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let words = format!("queue: message {}: {error}", name.id.as_str());
                world.log.record(Priority::Warning, &words);
            }
        }
    }
    found.sort_by(|one, other| (one.accepted, &one.name.id).cmp(&(other.accepted, &other.name.id)));
    Ok(found)
}

/// Before a run: what crashes left is put right, what waited too long is given up.
fn tidy(world: &World, store: Store<'_>) -> Result<(), Failure> {
    let shelf = store.shelf().map_err(unreadable)?;
    store.sweep(&shelf, world.clock.now());
    for (file, odd) in &shelf.odd {
        let words = format!("queue: leaving {} alone, {}", Words::from(file.as_str()).short(), odd.words());
        world.log.record(Priority::Warning, &words);
    }
    let now = moments::unix_seconds(world.clock.now());
    for (name, _) in &shelf.messages {
        let progress = store.progress(name);
        let is_over = schedule::is_expired(&progress, now);
        if progress.state != State::Sending && !is_over && !schedule::began_without_clock(&progress, now) {
            continue;
        }
        // Nothing becomes of it any more by itself, and it has been said.
        if matches!(progress.state, State::Failed | State::PerhapsSent) {
            continue;
        }
        let Ok(Opened::Entry(mut entry)) = store.open(name) else { continue };
        let progress = entry.progress().clone();
        let (progress, failure) = match progress.state {
            State::PerhapsSent => {
                let failure = Failure::new(Stage::Outbox, Cause::PerhapsSent, "ended while it was being sent");
                (Progress { state: State::PerhapsSent, ..failed(&progress, &failure) }, Some(failure))
            }
            // Looked at again, now that nobody else is at it.
            State::Waiting if schedule::is_expired(&progress, now) => {
                let last = progress.trouble.as_ref().map(|trouble| trouble.line.clone()).unwrap_or_default();
                let failure = Failure::new(Stage::Outbox, Cause::Expired, last);
                (failed(&progress, &failure), Some(failure))
            }
            State::Waiting if schedule::began_without_clock(&progress, now) => {
                (Progress { since: now, ..progress }, None)
            }
            State::Waiting | State::Sending | State::Failed => continue,
        };
        entry.put(progress).map_err(unwritable)?;
        if let Some(failure) = failure {
            let facts = entry.facts();
            let story = Story::of_envelope(facts.from.as_bytes(), &[facts.to.as_bytes()]);
            report::record(world, &story, Err(&failure));
        }
    }
    Ok(())
}
