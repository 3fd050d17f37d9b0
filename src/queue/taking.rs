//! Taking a message from its caller: whether it may be kept, whether there is room, and whether it has to wait its turn.

use std::io::{BufWriter, Write as _};

use super::custody::{self, Client, Held};
use super::entry::{Facts, Name, Progress, State, thread_mark};
use super::files::Draft;
use super::store::Store;
use super::{MESSAGES, OCTETS, SHARE, Shelf, schedule, unwritable};
use crate::account::{Account, Accounts, OnFailure, admit};
use crate::attempt::Attempt;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{FlagValue, HeaderRecipients};
use crate::message::Field;
use crate::moments;
use crate::outcome::Taken;
use crate::report::Story;
use crate::service::{Submission, account_for};
use crate::words::Words;
use crate::world::{Caller, OutboxFolder, World};

/// Octets of recipients kept for lists.
const RECIPIENTS: usize = 4000;

/// Takes a message to its end: the server's verdict, or the outbox.
///
/// # Errors
/// Nobody has it, or, with [`Cause::PerhapsSent`], nobody knows.
pub fn deliver(
    world: &World,
    mut request: Submission,
    story: &mut Story,
    client: &mut dyn Client,
    attempt: &Attempt<'_>,
) -> Result<Taken, Failure> {
    let started = world.clock.instant();
    let accounts = Accounts::load(world)?;
    let account = account_for(&accounts, &request.submit, &request.message)?;
    admit(world, account, &request.caller)?;
    let draft = match keeping(world, account, &request.caller) {
        Keeping::No => None,
        Keeping::Yes => {
            let (draft, ahead) = draft(world, &*world.outbox, &mut request)?;
            if let Some(ahead) = ahead {
                let words = format!("message {} of the same thread is waiting", ahead.id.as_str());
                return keep_untried(world, draft, client, Failure::new(Stage::Outbox, Cause::WaitsInOrder, words));
            }
            Some(draft)
        }
    };
    let mut held = Held::of_caller(world, draft, client, started);
    let verdict = attempt(world, account, request, &mut held, story);
    held.settle(verdict)
}

/// Keeps a message that cannot be tried yet: there is no account.
///
/// # Errors
/// It cannot be kept.
pub fn keep_unsent(
    world: &World,
    mut request: Submission,
    client: &mut dyn Client,
    why: Failure,
) -> Result<Taken, Failure> {
    let (draft, _) = draft(world, &*world.outbox, &mut request)?;
    keep_untried(world, draft, client, why)
}

/// Leaves a message where the broker will find it: root's, while nobody listens at its socket.
///
/// # Errors
/// It cannot be written.
pub fn leave_for_broker(world: &World, mut request: Submission, why: Failure) -> Result<Taken, Failure> {
    let (draft, _) = draft(world, &*world.incoming, &mut request)?;
    let id = draft.name().id.as_str().to_owned();
    draft.commit(None).map_err(unwritable)?;
    Ok(Taken::Kept { id, why })
}

fn keep_untried(world: &World, draft: Draft<'_>, client: &mut dyn Client, why: Failure) -> Result<Taken, Failure> {
    let untried = Progress::untried(moments::unix_seconds(world.clock.now()));
    custody::keep(draft, Progress { trouble: Some(schedule::trouble(&why)), ..untried }, client, why)
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
        // The terminal, if there is one, is not the caller's.
        OnFailure::Auto if caller.uid != world.outbox.owner() => Keeping::Yes,
        OnFailure::Auto if world.terminal.is_attended() => Keeping::No,
        // No home, no outbox; whoever says keep is told so instead.
        OnFailure::Auto if world.places.state.as_os_str().is_empty() => Keeping::No,
        OnFailure::Auto => Keeping::Yes,
    }
}

/// Writes a message down, and finds the one of its thread that it has to wait for.
fn draft<'a>(
    world: &'a World,
    folder: &'a dyn OutboxFolder,
    request: &mut Submission,
) -> Result<(Draft<'a>, Option<Name>), Failure> {
    let store = Store::new(folder);
    let facts = facts(world, request);
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
