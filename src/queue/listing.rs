//! The outbox for people: the list, one message, trying it again, giving it up.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use time::{OffsetDateTime, UtcOffset};

use super::entry::{Name, Progress, State};
use super::files::Entry;
use super::run::{Tried, one};
use super::store::{Opened, Store};
use super::{adoption, unreadable, unwritable};
use crate::account::Accounts;
use crate::attempt::Attempt;
use crate::failure::{Cause, Failure, Stage};
use crate::moments;
use crate::outcome::Taken;
use crate::service::{Duplicate, Submission};
use crate::words::Words;
use crate::world::{Priority, World};

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Viewer {
    /// Root, or the owner of the outbox.
    Everybody,
    /// A user of a shared outbox: his own messages are all there are.
    User(u32),
}

impl Viewer {
    fn sees(self, name: &Name) -> bool {
        match self {
            Self::Everybody => true,
            Self::User(uid) => name.uid == uid,
        }
    }
}

/// How many messages stand where, for status.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// To be tried again, or being sent.
    pub waiting: usize,
    /// Given up.
    pub failed: usize,
    /// Nobody knows.
    pub perhaps_sent: usize,
}

/// Counts.
///
/// # Errors
/// The outbox cannot be read.
pub fn tally(world: &World, viewer: Viewer) -> Result<Tally, Failure> {
    let store = Store::new(&*world.outbox);
    let mut tally = Tally::default();
    let messages = store.shelf().map_err(unreadable)?.messages;
    for (name, _) in messages.iter().filter(|(name, _)| viewer.sees(name)) {
        match state(store, name, &store.progress(name)) {
            State::Waiting | State::Sending => tally.waiting += 1,
            State::Failed => tally.failed += 1,
            State::PerhapsSent => tally.perhaps_sent += 1,
        }
    }
    Ok(tally)
}

/// Every message, as mailq shows it.
///
/// # Errors
/// The outbox cannot be read.
pub fn list(world: &World, viewer: Viewer) -> Result<String, Failure> {
    let store = Store::new(&*world.outbox);
    let shelf = store.shelf().map_err(unreadable)?;
    let (mut rows, mut count, mut octets) = (String::new(), 0, 0);
    for (name, _) in shelf.messages.iter().filter(|(name, _)| viewer.sees(name)) {
        if let Some(size) = row(world, store, name, &mut rows) {
            count += 1;
            octets += size;
        }
    }
    let mut text = match count {
        0 => "Mail queue is empty\n".to_owned(),
        _ => format!("-----ID----- --Size-- ----Accepted----- -----------Sender/Recipients-----------\n{rows}"),
    };
    if count > 0 {
        let _ = writeln!(text, "Total: {count}, {octets} octets");
    }
    if viewer == Viewer::Everybody {
        for (file, odd) in &shelf.odd {
            let _ = writeln!(text, "Left alone: {}, {}", Words::from(file.as_str()).short(), odd.words());
        }
    }
    Ok(text)
}

/// Two or more lines on one message. Gives its size; `None` when it was gone.
fn row(world: &World, store: Store<'_>, name: &Name, text: &mut String) -> Option<u64> {
    let progress = store.progress(name);
    let state = state(store, name, &progress);
    let id = name.id.as_str();
    match store.facts(name) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            let _ = writeln!(text, "{id:<12} unreadable: {error}");
            Some(0)
        }
        Ok(facts) => {
            let accepted = local(world, facts.accepted / 1000);
            let _ = writeln!(text, "{id:<12} {:>8} {accepted} {}", facts.size, facts.from);
            let _ = writeln!(text, "             ({})", standing(world, state, &progress));
            let left = progress.left.as_ref().map_or(facts.to, |left| left.join(", "));
            let _ = writeln!(text, "{:>39} {left}", "");
            Some(facts.size)
        }
    }
}

/// Where it stands: `sending` only when somebody is at it.
fn state(store: Store<'_>, name: &Name, progress: &Progress) -> State {
    match progress.state {
        State::Sending if !store.is_busy(name) => State::PerhapsSent,
        State::Waiting | State::Sending | State::Failed | State::PerhapsSent => progress.state,
    }
}

fn standing(world: &World, state: State, progress: &Progress) -> String {
    let mut words = state.words().to_owned();
    if state == State::Waiting {
        let _ = match progress.next <= moments::unix_seconds(world.clock.now()) {
            true => write!(words, ", due"),
            false => write!(words, ", next try {}", local(world, progress.next)),
        };
    }
    if let Some(trouble) = &progress.trouble {
        let _ = write!(words, ": {}", trouble.line);
    }
    words
}

/// `2026 Nov 23 14:05`.
fn local(world: &World, seconds: u64) -> String {
    let offset = UtcOffset::from_whole_seconds(world.clock.utc_offset()).unwrap_or(UtcOffset::UTC);
    let moment = OffsetDateTime::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_offset(offset);
    let month = moment.month().to_string();
    let month = month.get(..3).unwrap_or_default();
    format!("{} {month} {:>2} {:02}:{:02}", moment.year(), moment.day(), moment.hour(), moment.minute())
}

/// Everything about one message but its body.
///
/// # Errors
/// [`Cause::UnknownMessage`]; it cannot be read.
pub fn show(world: &World, viewer: Viewer, id: &str) -> Result<String, Failure> {
    let store = Store::new(&*world.outbox);
    let name = find(store, viewer, id)?;
    let progress = store.progress(&name);
    let facts = store.facts(&name).map_err(unreadable)?;
    let mut text = format!(
        "id:        {}\nstate:     {}\nattempts:  {}\naccepted:  {}\nuser:      {}\nsize:      {}\nto:        {}\n",
        name.id.as_str(),
        standing(world, state(store, &name, &progress), &progress),
        progress.attempts,
        local(world, facts.accepted / 1000),
        name.uid,
        facts.size,
        facts.to,
    );
    if let Some(left) = &progress.left {
        let _ = writeln!(text, "left:      {}", left.join(", "));
    }
    for refused in &progress.refused {
        let _ = writeln!(text, "refused:   {}: {}", refused.address, refused.words);
    }
    let (_, mut content) = store.read(&name).map_err(unreadable)?;
    let request = Submission::read(&mut *content, &*world.spools)?;
    text.push('\n');
    for field in &request.message.fields {
        let _ = writeln!(text, "{}: {}", field.name, Words::from_octets(&field.unfolded()).whole());
    }
    Ok(text)
}

/// Tries one now, whatever its time.
///
/// # Errors
/// [`Cause::UnknownMessage`]; [`Cause::DuplicatePossible`] when a second copy might arrive and nobody said that is well;
/// why it was not sent.
pub fn retry(
    world: &World,
    viewer: Viewer,
    id: &str,
    duplicate: Duplicate,
    attempt: &Attempt<'_>,
) -> Result<(), Failure> {
    let store = Store::new(&*world.outbox);
    let name = find(store, viewer, id)?;
    let mut entry = take(store, &name)?;
    let earlier = entry.progress().clone();
    if earlier.state == State::PerhapsSent && duplicate == Duplicate::Never {
        return Err(Failure::new(Stage::Outbox, Cause::DuplicatePossible, name.id.as_str()));
    }
    let accounts = Accounts::load(world)?;
    let now = moments::unix_seconds(world.clock.now());
    let Progress { mut left, trouble, adopted, refused, .. } = earlier;
    // Refused for good, they are tried as well: who is on no list any more would be forgotten.
    if let Some(left) = &mut left {
        let missing = refused.into_iter().map(|refused| refused.address);
        let missing: Vec<String> = missing.filter(|address| !left.contains(address)).collect();
        left.extend(missing);
    }
    let afresh = Progress { left, trouble, adopted, ..Progress::untried(now) };
    entry.put(afresh).map_err(unwritable)?;
    match one(world, entry, &accounts, &BTreeSet::new(), attempt) {
        Tried::Skipped | Tried::Ended(Ok(Taken::Sent(_))) => Ok(()),
        Tried::Ended(Ok(Taken::Kept { why, .. })) => Err(why),
        Tried::Ended(Err(failure)) => Err(failure),
    }
}

/// Gives one up.
///
/// # Errors
/// [`Cause::UnknownMessage`]; it cannot be removed.
pub fn drop_message(world: &World, viewer: Viewer, id: &str) -> Result<(), Failure> {
    let store = Store::new(&*world.outbox);
    let name = find(store, viewer, id)?;
    let entry = take(store, &name)?;
    let words = format!(
        "queue: user {} dropped message {} to {}, {}",
        world.caller.uid,
        name.id.as_str(),
        entry.facts().to,
        entry.progress().state.words()
    );
    adoption::forget_original(world, &entry).and_then(|()| entry.remove()).map_err(unwritable)?;
    world.log.record(Priority::Info, &words);
    Ok(())
}

/// The message whose id is, or alone begins like, `id`.
fn find(store: Store<'_>, viewer: Viewer, id: &str) -> Result<Name, Failure> {
    let shelf = store.shelf().map_err(unreadable)?;
    let visible = shelf.messages.into_iter().map(|(name, _)| name).filter(|name| viewer.sees(name));
    let mut found: Vec<Name> = visible.filter(|name| !id.is_empty() && name.id.as_str().starts_with(id)).collect();
    if let Some(exact) = found.iter().position(|name| name.id.as_str() == id) {
        return Ok(found.swap_remove(exact));
    }
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(Failure::new(Stage::Outbox, Cause::UnknownMessage, id)),
        count => {
            Err(Failure::new(Stage::Outbox, Cause::UnknownMessage, format!("{id} is the beginning of {count} ids")))
        }
    }
}

fn take<'a>(store: Store<'a>, name: &Name) -> Result<Entry<'a>, Failure> {
    match store.open(name).map_err(unreadable)? {
        Opened::Entry(entry) => Ok(*entry),
        Opened::Busy => Err(Failure::new(Stage::Outbox, Cause::MessageBusy, name.id.as_str())),
        Opened::Gone => Err(Failure::new(Stage::Outbox, Cause::UnknownMessage, name.id.as_str())),
    }
}
