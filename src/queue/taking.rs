//! Taking a message from its caller: whether it may be kept, whether there is room, and whether it has to wait its turn.

use std::io::{BufWriter, Write as _};

use super::custody::{self, Client, Held};
use super::entry::{Facts, Name, Progress, State, thread_mark};
use super::files::Draft;
use super::store::Store;
use super::{MESSAGES, OCTETS, SHARE, Shelf, unwritable};
use crate::account::{Account, Accounts, OnFailure, admit};
use crate::attempt::Attempt;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{FlagValue, HeaderRecipients};
use crate::message::Field;
use crate::moments;
use crate::outcome::Taken;
use crate::queue::schedule;
use crate::report::LogRecord;
use crate::service::{Submission, account_for};
use crate::words::SafeText;
use crate::world::{Caller, OutboxFolder, Priority, World};

/// Octets of recipients kept for lists.
const RECIPIENTS: usize = 4000;

/// Takes a message to its end: the server's verdict, or the outbox.
///
/// # Errors
/// Nobody has it, or, with [`Cause::PerhapsSent`], nobody knows.
pub fn deliver(
    world: &World,
    mut request: Submission,
    log_record: &mut LogRecord,
    client: &mut dyn Client,
    attempt: &Attempt<'_>,
) -> Result<Taken, Failure> {
    let started = world.clock.instant();
    let accounts = match Accounts::load(world) {
        Ok(accounts) => accounts,
        // Somebody broke the configuration: the message waits until he has mended it.
        Err(failure) if failure.cause != Cause::NoAccount && keeps_unasked(world, &request.caller) => {
            return keep_unsent(world, request, client, failure.clone()).map_err(|_| failure);
        }
        Err(failure) => return Err(failure),
    };
    let account = account_for(&accounts, &request.submit, &request.message)?;
    admit(world, account, &request.caller)?;
    let mut unkept = None;
    let draft = match keeping(world, account, &request.caller) {
        Keeping::No => None,
        Keeping::Yes => match draft(world, &*world.outbox, &mut request, Some(&account.name)) {
            // The network may be better than the disk: what nobody can keep can be sent all the same.
            Err(failure) if may_be_sent_unkept(&failure) => {
                let words = format!("queue: sending a message without keeping it: {}", failure.log_text());
                world.log.record(Priority::Warning, &words);
                unkept = Some(failure);
                None
            }
            Err(failure) => return Err(failure),
            Ok((draft, ahead)) => {
                if let Some(ahead) = ahead {
                    let words = format!("message {} of the same thread is waiting", ahead.id.as_str());
                    let failure = Failure::new(Stage::Outbox, Cause::WaitsInOrder, words);
                    return keep_untried(world, draft, client, failure);
                }
                Some(draft)
            }
        },
    };
    let mut held = Held::of_caller(world, draft, client, started);
    let verdict = attempt(world, account, request, &mut held, log_record);
    held.settle(verdict, log_record).map_err(|failure| neither_sent_nor_kept(failure, unkept))
}

fn may_be_sent_unkept(failure: &Failure) -> bool {
    matches!(failure.cause, Cause::OutboxUnwritable | Cause::OutboxFull)
}

/// What would have been kept is not only told of the server, but also of the queue.
fn neither_sent_nor_kept(failure: Failure, unkept: Option<Failure>) -> Failure {
    match unkept {
        Some(unkept) if schedule::may_pass(&failure) => {
            let words = format!("{}; it could not be sent either: {}", unkept.detail.whole(), failure.reason());
            Failure { detail: SafeText::from(words), ..unkept }
        }
        Some(_) | None => failure,
    }
}

/// Keeps a message that cannot be tried yet: there is no account, or no configuration that can be read.
///
/// # Errors
/// It cannot be kept.
pub fn keep_unsent(
    world: &World,
    mut request: Submission,
    client: &mut dyn Client,
    why: Failure,
) -> Result<Taken, Failure> {
    let (draft, _) = draft(world, &*world.outbox, &mut request, None)?;
    keep_untried(world, draft, client, why)
}

/// Leaves a message where the broker will find it: root's, while nobody listens at its socket.
///
/// # Errors
/// It cannot be written.
pub fn leave_for_broker(world: &World, mut request: Submission, why: Failure) -> Result<Taken, Failure> {
    let (draft, _) = draft(world, &*world.incoming, &mut request, None)?;
    let id = draft.name().id.as_str().to_owned();
    draft.commit(None).map_err(unwritable)?;
    Ok(Taken::Kept { id, why })
}

fn keep_untried(world: &World, draft: Draft<'_>, client: &mut dyn Client, why: Failure) -> Result<Taken, Failure> {
    let untried = Progress::untried(moments::unix_seconds(world.clock.now()));
    let trouble = Some(why.clone());
    custody::keep(draft, Progress { trouble, ..untried }, client, why)
}

/// Whether a message that cannot be sent now is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keeping {
    Yes,
    No,
}

fn keeping(world: &World, account: &Account, caller: &Caller) -> Keeping {
    match account.on_failure {
        OnFailure::Keep => Keeping::Yes,
        OnFailure::Report => Keeping::No,
        OnFailure::Auto if keeps_unasked(world, caller) => Keeping::Yes,
        OnFailure::Auto => Keeping::No,
    }
}

/// Whether to keep where no configuration decides.
fn keeps_unasked(world: &World, caller: &Caller) -> bool {
    // The terminal, if there is one, is not the caller's.
    if caller.uid != world.outbox.owner() {
        return true;
    }
    // No home, no outbox; whoever says keep is told so instead. Kept where nobody tries again, it would lie there for ever.
    !world.terminal.is_attended()
        && !world.places.state.as_os_str().is_empty()
        && world.queue_runners.active().is_some()
}

/// Writes a message down, and finds the one of its thread that it has to wait for.
fn draft<'a>(
    world: &'a World,
    folder: &'a dyn OutboxFolder,
    request: &mut Submission,
    account: Option<&str>,
) -> Result<(Draft<'a>, Option<Name>), Failure> {
    let store = Store::new(folder);
    let facts = Facts { account: account.map(str::to_owned), ..facts(world, request) };
    let uid = request.caller.uid;
    let thread = thread_mark(&thread_of(&request.message.fields));
    let (mut draft, shelf) = store.draft(uid, &thread, &facts, &*world.random).map_err(unwritable)?;
    has_room(world, folder.owner(), &shelf, uid, facts.size)?;
    let is_before = |name: &&Name| name.uid == uid && name.thread == thread && thread != "0";
    let ahead = shelf.messages.iter().map(|(name, _)| name).filter(is_before).find(|name| {
        let progress = store.progress(name);
        progress.state == State::Waiting || progress.state == State::Sending && progress.attempts > 0
    });
    let mut writer = BufWriter::with_capacity(64 * 1024, &mut draft);
    request.write(&mut writer).and_then(|()| writer.flush()).map_err(unwritable)?;
    drop(writer);
    Ok((draft, ahead.cloned()))
}

fn has_room(world: &World, owner: u32, shelf: &Shelf, uid: u32, size: u64) -> Result<(), Failure> {
    let full = |words: &str| Err(Failure::new(Stage::Outbox, Cause::OutboxFull, words));
    let (octets, messages) = shelf.taken(|_| true);
    let is_guest = uid != owner && uid != 0;
    let (most_octets, most_messages) = if is_guest { (OCTETS / 10 * 9, MESSAGES / 10 * 9) } else { (OCTETS, MESSAGES) };
    if octets + shelf.unfinished() + size > most_octets || messages >= most_messages {
        return full(&format!("{messages} messages, {octets} octets"));
    }
    if is_guest {
        let party = world.users.party(uid);
        let (octets, messages) = shelf.taken(|other| other == uid || world.users.party(other) == party);
        if octets + size > OCTETS / SHARE || messages as u64 >= MESSAGES as u64 / SHARE {
            return full(&format!("{messages} messages, {octets} octets of user {uid}"));
        }
    }
    Ok(())
}

/// What lists say of a message.
pub(super) fn facts(world: &World, request: &Submission) -> Facts {
    let fields = &request.message.fields;
    let all = |name: &str| -> Vec<String> {
        fields.iter().filter(|field| field.is(name)).map(|field| text(&field.unfolded(), 200)).collect()
    };
    let from = all("From").into_iter().next();
    let sender = || text(request.submit.value(FlagValue::Sender).unwrap_or_default(), 200);
    let from = [from.unwrap_or_else(sender), text(request.caller.login.as_bytes(), 200)];
    let from = from.into_iter().find(|from| !from.is_empty()).unwrap_or_default();
    let mut to: Vec<String> = request.submit.operands.iter().map(|operand| text(operand, 200)).collect();
    if request.submit.header_recipients == HeaderRecipients::Taken {
        for name in ["To", "Cc", "Bcc"] {
            to.extend(all(name));
        }
    }
    let header: usize = fields.iter().map(|field| field.name.len() + field.value.len() + 3).sum();
    Facts {
        accepted: moments::unix_milliseconds(world.clock.now()),
        size: header as u64 + 2 + request.message.body.length,
        from,
        to: text(to.join(", ").as_bytes(), RECIPIENTS),
        subject: all("Subject").into_iter().next().unwrap_or_default(),
        summary: false,
        account: None,
    }
}

fn text(octets: &[u8], most: usize) -> String {
    SafeText::from_octets(octets).whole().chars().take(most).collect()
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
