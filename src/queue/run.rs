//! A run over everything that waits: new mail first, the rest slowly, each thread in its order.

use std::collections::BTreeSet;
use std::time::Duration;

use super::custody::{Held, Nobody, failed, failure_of};
use super::entry::{Id, Name, Progress, State};
use super::files::Entry;
use super::store::{Opened, Store};
use super::tidying::tidy;
use super::{adoption, schedule, summary, unreadable, unwritable};
use crate::account::{Account, Accounts};
use crate::attempt::Attempt;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Verbosity;
use crate::moments;
use crate::outcome::Taken;
use crate::report::{self, LogRecord};
use crate::service::{Pace, Submission, account_for};
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
    /// Those it could not send.
    unsent: Unsent,
}

/// What a run could not send.
#[derive(Default)]
struct Unsent {
    waiting: usize,
    failed: usize,
    first: Option<Failure>,
}

impl Unsent {
    fn waits(&mut self, why: Option<&Failure>) {
        self.waiting += 1;
        self.first = self.first.take().or_else(|| why.cloned());
    }

    fn fails(&mut self, why: &Failure) {
        self.failed += 1;
        self.first = self.first.take().or_else(|| Some(why.clone()));
    }

    /// The whole run, for whoever asked for it.
    fn judge(&self) -> Result<(), Failure> {
        let (cause, count) = match (self.waiting, self.failed) {
            (0, 0) => return Ok(()),
            (waiting, 0) => (Cause::QueueWaits, waiting),
            (_, failed) => (Cause::QueueFailed, failed),
        };
        let why = self.first.as_ref().map(Failure::reason).unwrap_or_default();
        let first = if self.waiting + self.failed > 1 { ", the first" } else { "" };
        let words = format!("{}{first}: {why}", moments::count(count as u64, "message"));
        Err(Failure::new(Stage::Outbox, cause, words))
    }
}

/// Sends what waits. When another process is at it already, that one does.
///
/// # Errors
/// The outbox cannot be read, or there is no account to send through; [`Cause::QueueWaits`] and [`Cause::QueueFailed`]
/// when not everything it tried was sent.
pub fn run_queue(world: &World, pace: Pace, attempt: &Attempt<'_>) -> Result<(), Failure> {
    let store = Store::new(&*world.outbox);
    if store.shelf().map_err(unreadable)?.is_empty() {
        return Ok(());
    }
    let mut run: Option<Run<'_>> = None;
    loop {
        let Some(alone) = world.locks.acquire("outbox", world.clock.instant()) else {
            return run.map_or(Ok(()), |run| run.unsent.judge());
        };
        let given_up = tidy(world, store)?;
        let run = match &mut run {
            Some(run) => run,
            none => none.insert(Run::new(world, store, attempt)?),
        };
        given_up.iter().for_each(|failure| run.unsent.fails(failure));
        let more = run.pass(pace)?;
        drop(alone);
        if !more || pace == Pace::Behind {
            return run.unsent.judge();
        }
        // Told to end meanwhile, nobody waits for us.
        world.signals.release();
        world.clock.sleep(BETWEEN);
    }
}

impl<'a> Run<'a> {
    fn new(world: &'a World, store: Store<'a>, attempt: &'a Attempt<'a>) -> Result<Self, Failure> {
        let (accounts, stopped, tried) = (Accounts::load(world)?, BTreeSet::new(), BTreeSet::new());
        Ok(Self { world, store, attempt, accounts, stopped, tried, unsent: Unsent::default() })
    }

    /// Everything whose turn it is. Says whether there is more, in a minute.
    fn pass(&mut self, pace: Pace) -> Result<bool, Failure> {
        let mut waiting = waiting(self.world, self.store)?;
        let mut slow = 0;
        while let Some(index) = self.next(&waiting, pace) {
            let Some(it) = waiting.get(index) else { break };
            if it.progress.attempts > 0 && pace != Pace::Everything {
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
        self.count_stopped(&waiting, pace);
        if self.stopped.is_empty()
            && let Some(name) = summary::write(self.world, self.store, &self.accounts)?
        {
            self.turn(&name)?;
        }
        Ok(false)
    }

    /// Those that were not tried, as every account is known not to work at the moment.
    fn count_stopped(&mut self, waiting: &[Waiting], pace: Pace) {
        if self.accounts.count() > self.stopped.len() {
            return;
        }
        let now = moments::unix_seconds(self.world.clock.now());
        let is_meant = |it: &&Waiting| pace == Pace::Everything || schedule::is_due(&it.progress, now);
        for it in waiting.iter().filter(is_meant) {
            if self.tried.insert(it.name.id.clone()) {
                self.unsent.waits(None);
            }
        }
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
            Tried::Skipped => {
                self.unsent.waits(None);
                State::Waiting
            }
            Tried::Ended(Ok(Taken::Sent(receipt))) => {
                if let Some(refused) = receipt.refused.first() {
                    self.unsent.fails(&failure_of(refused));
                }
                State::Failed
            }
            Tried::Ended(Ok(Taken::Kept { why, .. })) => {
                self.unsent.waits(Some(&why));
                if schedule::concerns_account(&why)
                    && let Some(account) = self.account_of(name)
                {
                    self.stopped.insert(account);
                }
                State::Waiting
            }
            Tried::Ended(Err(failure)) => {
                self.unsent.fails(&failure);
                State::Failed
            }
        })
    }

    /// The account a message goes through.
    fn account_of(&self, name: &Name) -> Option<String> {
        let Ok(Opened::Entry(mut entry)) = self.store.open(name) else { return None };
        if let Some(account) = account_recorded(&entry) {
            return Some(account);
        }
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
    let mut log_record = LogRecord::of_envelope(entry.facts().from.as_bytes(), &[entry.facts().to.as_bytes()]);
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
                let outcome = Held::of_entry(world, entry, &mut nobody).settle(Err(failure), &log_record);
                report::write_log_record(world, &log_record, outcome.as_ref());
                return Tried::Ended(outcome);
            }
            let progress = failed(entry.progress(), &failure);
            let _ = entry.put(progress);
            report::write_log_record(world, &log_record, Err(&failure));
            return Tried::Ended(Err(failure));
        }
    };
    // A transcript was for the person who called.
    request.submit.verbosity = Verbosity::Silent;
    log_record.read_message(&request.message, &request.submit.operands);
    log_record.called_by(&request.caller);
    let mut nobody = Nobody;
    let account = account_of(accounts, &mut entry, &request);
    let held = Held::of_entry(world, entry, &mut nobody);
    let outcome = match account {
        Ok(account) if stopped.contains(&account.name) => return Tried::Skipped,
        Ok(account) => {
            let mut held = held;
            world.signals.hold_back();
            let verdict = attempt(world, account, request, &mut held, &mut log_record);
            held.settle(verdict, &log_record)
        }
        Err(failure) => held.settle(Err(failure), &log_record),
    };
    report::write_log_record(world, &log_record, outcome.as_ref());
    world.signals.release();
    Tried::Ended(outcome)
}

/// The account a message was taken for, which it keeps; for one that was taken before there was any, the account of its
/// first try.
fn account_of<'a>(accounts: &'a Accounts, entry: &mut Entry<'_>, request: &Submission) -> Result<&'a Account, Failure> {
    if let Some(name) = account_recorded(entry) {
        return accounts.named(&name);
    }
    let account = account_for(accounts, &request.submit, &request.message)?;
    let progress = Progress { account: Some(account.name.clone()), ..entry.progress().clone() };
    entry.put(progress).map_err(unwritable)?;
    Ok(account)
}

fn account_recorded(entry: &Entry<'_>) -> Option<String> {
    entry.facts().account.clone().or_else(|| entry.progress().account.clone())
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
