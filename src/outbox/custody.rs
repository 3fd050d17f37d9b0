//! Responsibility for one message, from before its first octet goes out to its verdict.

use std::io::Write as _;
use std::mem;
use std::time::Instant;

use super::entry::{Facts, Name, Progress, RefusedRecipient, State, thread_mark};
use super::schedule;
use super::store::{Draft, Entry, Store};
use super::{MESSAGES, OCTETS, SHARE, Shelf, milliseconds, seconds, unwritable};
use crate::account::{Account, Accounts, OnFailure};
use crate::failure::{Cause, ExitStatus, Failure, Stage};
use crate::invocation::HeaderRecipients;
use crate::message::Field;
use crate::report::Story;
use crate::request::Request;
use crate::submission::{Custody, Enough, Receipt};
use crate::words::Words;
use crate::world::{OutboxFolder, Priority, World};

/// Octets of recipients kept for lists.
const RECIPIENTS: usize = 4000;

/// One try at a message: addressing, signing in, submitting.
pub type Attempt<'a> = dyn Fn(&World, &Account, Request, &mut Held<'_>, &mut Story) -> Result<Receipt, Failure> + 'a;

/// A message nobody has to worry about any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Taken {
    /// The server has it.
    Sent(Receipt),
    /// The outbox has it.
    Kept {
        /// What it is called.
        id: String,
        /// Why it was not sent.
        why: Failure,
    },
}

impl Taken {
    /// What a client of ours is told behind its 250.
    pub fn words(&self) -> Words {
        match self {
            Self::Sent(receipt) => receipt.words.clone(),
            Self::Kept { id, .. } => Words::from(format!("2.0.0 kept as {id}, to be sent later")),
        }
    }
}

/// Whoever handed a message over.
pub trait Audience {
    /// The message is on the disk: it is not lost whatever happens now, and content is about to go out.
    fn in_custody(&mut self);
    /// The message was refused for good. Says whether anybody heard it; if not, the outbox keeps it as failed.
    fn hears(&mut self, failure: &Failure) -> bool;
}

/// A caller who waits for our exit status.
#[derive(Clone, Copy, Debug)]
pub struct PresentCaller;

impl Audience for PresentCaller {
    fn in_custody(&mut self) {}

    fn hears(&mut self, _: &Failure) -> bool {
        true
    }
}

/// Nobody waits: a message from the outbox.
pub(super) struct Nobody;

impl Audience for Nobody {
    fn in_custody(&mut self) {}

    fn hears(&mut self, _: &Failure) -> bool {
        false
    }
}

/// What stands behind an attempt.
pub struct Held<'a> {
    world: &'a World,
    what: What<'a>,
    audience: &'a mut dyn Audience,
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

/// Takes a message to its end: the server's verdict, or the outbox.
///
/// # Errors
/// Nobody has it, or, with [`Cause::PerhapsSent`], nobody knows.
pub fn deliver(
    world: &World,
    mut request: Request,
    story: &mut Story,
    audience: &mut dyn Audience,
    attempt: &Attempt<'_>,
) -> Result<Taken, Failure> {
    let started = world.clock.instant();
    let accounts = Accounts::load(world)?;
    let account = accounts.for_message(&request.submit, &request.message)?;
    let what = match keeps(world, account) {
        false => What::Report,
        true => {
            let (draft, ahead) = draft(world, &*world.outbox, &mut request)?;
            if let Some(ahead) = ahead {
                let words = format!("message {} of the same thread is waiting", ahead.id.as_str());
                return keep(world, draft, Failure::new(Stage::Outbox, Cause::WaitsInOrder, words));
            }
            What::Draft(draft)
        }
    };
    let mut held = Held { world, what, audience, started, origin: Origin::Caller };
    let verdict = attempt(world, account, request, &mut held, story);
    held.settle(verdict)
}

/// Keeps a message that cannot be tried yet: there is no account.
///
/// # Errors
/// It cannot be kept.
pub fn keep_unsent(world: &World, mut request: Request, why: Failure) -> Result<Taken, Failure> {
    let (draft, _) = draft(world, &*world.outbox, &mut request)?;
    keep(world, draft, why)
}

/// Leaves a message where the broker will find it: root's, while nobody listens at its socket.
///
/// # Errors
/// It cannot be written.
pub fn leave_for_broker(world: &World, mut request: Request, why: Failure) -> Result<Taken, Failure> {
    let (draft, _) = draft(world, &*world.incoming, &mut request)?;
    let id = draft.name().id.as_str().to_owned();
    draft.commit(None).map_err(unwritable)?;
    Ok(Taken::Kept { id, why })
}

fn keep(world: &World, draft: Draft<'_>, why: Failure) -> Result<Taken, Failure> {
    let untried = Progress::untried(seconds(world.clock.now()));
    let entry =
        draft.commit(Some(Progress { trouble: Some(schedule::trouble(&why)), ..untried })).map_err(unwritable)?;
    Ok(Taken::Kept { id: entry.name().id.as_str().to_owned(), why })
}

fn keeps(world: &World, account: &Account) -> bool {
    match account.on_failure {
        OnFailure::Keep => true,
        OnFailure::Report => false,
        OnFailure::Auto => !world.terminal.is_attended(),
    }
}

/// Writes a message down, and finds the one of its thread that it has to wait for.
fn draft<'a>(
    world: &'a World,
    folder: &'a dyn OutboxFolder,
    request: &mut Request,
) -> Result<(Draft<'a>, Option<Name>), Failure> {
    let store = Store::new(folder);
    let facts = facts(world, request);
    let uid = request.caller.uid;
    let thread = thread_mark(&thread_of(&request.message.fields));
    let (mut draft, shelf) = store.draft(uid, &thread, &facts, &*world.random).map_err(unwritable)?;
    has_room(world, &shelf, uid, facts.size)?;
    let is_before = |name: &&Name| name.uid == uid && name.thread == thread && thread != "0";
    let ahead = shelf.messages.iter().map(|(name, _)| name).filter(is_before).find(|name| {
        let progress = store.progress(name);
        progress.state == State::Waiting || progress.state == State::Sending && progress.attempts > 0
    });
    let mut writer = std::io::BufWriter::with_capacity(64 * 1024, &mut draft);
    request.write(&mut writer).and_then(|()| writer.flush()).map_err(unwritable)?;
    drop(writer);
    Ok((draft, ahead.cloned()))
}

fn has_room(world: &World, shelf: &Shelf, uid: u32, size: u64) -> Result<(), Failure> {
    let full = |words: &str| Err(Failure::new(Stage::Outbox, Cause::OutboxFull, words));
    let (octets, messages) = shelf.taken(None);
    let is_shared = uid != world.caller.uid;
    let (most_octets, most_messages) =
        if is_shared && uid != 0 { (OCTETS / 10 * 9, MESSAGES / 10 * 9) } else { (OCTETS, MESSAGES) };
    if octets + size > most_octets || messages >= most_messages {
        return full(&format!("{messages} messages, {octets} octets"));
    }
    if is_shared && uid != 0 {
        let (octets, messages) = shelf.taken(Some(uid));
        if octets + size > OCTETS / SHARE || messages as u64 >= MESSAGES as u64 / SHARE {
            return full(&format!("{messages} messages, {octets} octets of user {uid}"));
        }
    }
    Ok(())
}

impl<'a> Held<'a> {
    /// For a message of the outbox that is tried again.
    pub(super) fn of_entry(world: &'a World, entry: Entry<'a>, audience: &'a mut dyn Audience) -> Self {
        let (what, started) = (What::Entry(entry), world.clock.instant());
        Self { world, what, audience, started, origin: Origin::Outbox }
    }

    /// When the message had been read.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Who still has to get it; everybody when there is no list.
    pub fn left(&self) -> Option<&[String]> {
        match &self.what {
            What::Entry(entry) => entry.progress().left.as_deref(),
            What::Report | What::Draft(_) => None,
        }
    }

    /// Writes down what became of it.
    ///
    /// # Errors
    /// Nobody has it, or nobody knows.
    pub(super) fn settle(self, verdict: Result<Receipt, Failure>) -> Result<Taken, Failure> {
        let world = self.world;
        match (self.what, verdict) {
            (What::Report, verdict) => verdict.map(Taken::Sent),
            (What::Draft(draft), Err(failure)) if schedule::may_pass(&failure) => {
                let progress = later(world, &Progress::untried(seconds(world.clock.now())), &failure);
                let entry = draft.commit(Some(progress)).map_err(unwritable)?;
                Ok(Taken::Kept { id: entry.name().id.as_str().to_owned(), why: failure })
            }
            // Dropped, it is gone.
            (What::Draft(_), verdict) => verdict.map(Taken::Sent),
            (What::Entry(entry), Ok(receipt)) => Ok(Taken::Sent(sent(world, entry, receipt))),
            (What::Entry(entry), Err(failure)) => not_sent(world, entry, failure, self.origin, self.audience),
        }
    }
}

impl Custody for Held<'_> {
    fn enough(&self) -> Enough {
        match self.what {
            What::Report => Enough::Everybody,
            What::Draft(_) | What::Entry(_) => Enough::Anybody,
        }
    }

    fn sending(&mut self) -> Result<(), Failure> {
        self.what = match mem::replace(&mut self.what, What::Report) {
            What::Report => What::Report,
            What::Draft(draft) => {
                let entry = draft.commit(None).map_err(unwritable)?;
                self.audience.in_custody();
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
}

/// The server has it: the message goes, or stays for those the server would not have.
fn sent(world: &World, mut entry: Entry<'_>, receipt: Receipt) -> Receipt {
    let done = if receipt.refused.is_empty() && entry.progress().refused.is_empty() {
        entry.remove()
    } else {
        let earlier = entry.progress().clone();
        let is_deferred = |cause: Cause| cause.row().status == ExitStatus::Temporary;
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
        let words = format!("sent, but the outbox could not be told: {error}");
        world.log.record(Priority::Warning, &words);
    }
    receipt
}

fn not_sent(
    world: &World,
    mut entry: Entry<'_>,
    failure: Failure,
    origin: Origin,
    audience: &mut dyn Audience,
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
    if is_new && audience.hears(&failure) {
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
    schedule::after(earlier, failure, seconds(world.clock.now()), chance[0])
}

/// What lists say of a message.
pub(super) fn facts(world: &World, request: &Request) -> Facts {
    let fields = &request.message.fields;
    let all = |name: &str| -> Vec<String> {
        fields.iter().filter(|field| field.is(name)).map(|field| text(&field.unfolded(), 200)).collect()
    };
    let from = all("From").into_iter().next();
    let from = from.unwrap_or_else(|| text(request.submit.sender.as_deref().unwrap_or_default(), 200));
    let mut to: Vec<String> = request.submit.operands.iter().map(|operand| text(operand, 200)).collect();
    if request.submit.header_recipients == HeaderRecipients::Taken {
        for name in ["To", "Cc", "Bcc"] {
            to.extend(all(name));
        }
    }
    let header: usize = fields.iter().map(|field| field.name.len() + field.value.len() + 3).sum();
    Facts {
        accepted: milliseconds(world.clock.now()),
        size: header as u64 + 2 + request.message.body.length,
        from,
        to: text(to.join(", ").as_bytes(), RECIPIENTS),
        subject: all("Subject").into_iter().next().unwrap_or_default(),
        summary: false,
    }
}

fn text(octets: &[u8], most: usize) -> String {
    Words::from_octets(octets).whole().chars().take(most).collect()
}

/// The first message-id of a thread: of References, else In-Reply-To, else the message's own.
fn thread_of(fields: &[Field]) -> Vec<u8> {
    let first = |name: &str| {
        let field = fields.iter().find(|field| field.is(name))?.unfolded();
        let id: Vec<u8> = field.split(|octet| octet.is_ascii_whitespace()).next()?.to_vec();
        (!id.is_empty()).then_some(id)
    };
    first("References").or_else(|| first("In-Reply-To")).or_else(|| first("Message-ID")).unwrap_or_default()
}
