//! What the outbox knows of one message: the facts in front of it, how far it has come, and the names of its files.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Id digits (Crockford's base 32): nothing in them is mistaken for something else when read aloud or typed.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Milliseconds from 1970 to 2026, when ids begin.
const EPOCH: u64 = 1_767_225_600_000;

/// Digits of an id that say when: milliseconds, some 35 years.
const TIME_DIGITS: u32 = 8;

/// Digits of an id that chance decides.
const CHANCE_DIGITS: usize = 2;

/// What a message is called: ids sort by time, and a unique beginning is enough for people.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Id(String);

impl Id {
    /// An id for this moment, in milliseconds since 1970; more `chance`, more digits.
    pub fn new(now: u64, chance: &[u8]) -> Self {
        let moment = now.saturating_sub(EPOCH);
        let time = (0..TIME_DIGITS).rev().map(|place| digit(moment >> (5 * place)));
        Self(time.chain(chance.iter().map(|&octet| digit(octet.into()))).collect())
    }

    fn parse(text: &str) -> Option<Self> {
        let long_enough = text.len() >= TIME_DIGITS as usize + CHANCE_DIGITS && text.len() <= 32;
        (long_enough && text.bytes().all(|octet| DIGITS.contains(&octet))).then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many octets of chance an id of the nth try takes: the more ids were taken, the more.
pub(super) fn chance(attempt: usize) -> usize {
    CHANCE_DIGITS + attempt
}

fn digit(value: u64) -> char {
    DIGITS.get((value & 31) as usize).map_or('0', |&octet| octet.into())
}

/// What a message's file name says, so that limits and order need no file opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// Its id.
    pub id: Id,
    /// Whose it is.
    pub uid: u32,
    /// Its thread's mark: messages of one caller with the same one go out in order.
    pub thread: String,
}

/// What a name in the folder is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// A whole message.
    Message(Name),
    /// How far a message has come.
    Progress(Id),
    /// One of both, not finished.
    Draft,
}

impl Name {
    pub(super) fn message(&self) -> String {
        format!("{}.{}.{}.message", self.id.as_str(), self.uid, self.thread)
    }

    /// By its id alone, so that two who draw the same one meet here.
    pub(super) fn draft(&self) -> String {
        format!(".{}.draft", self.id.as_str())
    }

    pub(super) fn progress(&self) -> String {
        format!("{}.progress", self.id.as_str())
    }

    pub(super) fn progress_draft(&self) -> String {
        format!(".{}", self.progress())
    }
}

/// Reads a file's name; `None` when nothing of ours is called so.
pub(super) fn part(name: &str) -> Option<Part> {
    if let Some(rest) = name.strip_prefix('.') {
        let unfinished = rest.strip_suffix(".draft").or_else(|| rest.strip_suffix(".progress"));
        return unfinished.and_then(Id::parse).map(|_| Part::Draft);
    }
    let mut pieces = name.split('.');
    let id = Id::parse(pieces.next()?)?;
    match (pieces.next()?, pieces.next(), pieces.next(), pieces.next()) {
        ("progress", None, None, None) => Some(Part::Progress(id)),
        (uid, Some(thread), Some("message"), None) => {
            let name = Name { id, uid: uid.parse().ok()?, thread: thread.to_owned() };
            Some(Part::Message(name))
        }
        _ => None,
    }
}

/// A thread's mark: of the first message-id of it that is known.
pub(super) fn thread_mark(thread: &[u8]) -> String {
    if thread.is_empty() {
        return "0".to_owned();
    }
    // FNV-1a; two threads with one mark wait for each other, no more.
    let hash = thread
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &octet| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3));
    (0..8).map(|place| digit(hash >> (5 * place))).collect()
}

/// What never changes about a message: the first line of its file, for lists.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// When it was taken, in milliseconds since 1970.
    pub accepted: u64,
    /// Octets of the message as handed over.
    pub size: u64,
    /// Its From, or the envelope sender.
    pub from: String,
    /// Who it is for, as far as arguments and header say.
    pub to: String,
    /// Its Subject.
    pub subject: String,
    /// Whether it tells of messages that failed: nothing is told of those.
    #[serde(default)]
    pub summary: bool,
    /// The account it was taken for, unless there was none yet.
    #[serde(default)]
    pub account: Option<String>,
}

/// Where a message stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It will be tried again.
    Waiting,
    /// Content of it may be under way: written before the first octet goes out.
    Sending,
    /// It was refused for good, or waited too long.
    Failed,
    /// Its final dot went out and no answer came: never sent again by itself.
    PerhapsSent,
}

impl State {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Failed => "failed",
            Self::PerhapsSent => "perhaps sent",
        }
    }
}

/// A recipient the server would not have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RefusedRecipient {
    /// The address.
    pub address: String,
    /// The server's words.
    pub words: String,
}

/// How far a message has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, in seconds since 1970.
    pub next: u64,
    /// From when its five days count, in seconds since 1970.
    pub since: u64,
    /// What happened last.
    #[serde(default)]
    pub trouble: Option<Failure>,
    /// Who still has to get it; everybody when there is no list.
    #[serde(default)]
    pub left: Option<Vec<String>>,
    /// Who has got it.
    #[serde(default)]
    pub delivered: Vec<String>,
    /// Who will never get it.
    #[serde(default)]
    pub refused: Vec<RefusedRecipient>,
    /// Whether the owner has been told that it failed.
    #[serde(default)]
    pub told: bool,
    /// Whether it was taken over from root's drop, where it may lie still.
    #[serde(default)]
    pub adopted: bool,
    /// The account of its first try, where it was taken before there was one.
    #[serde(default)]
    pub account: Option<String>,
}

impl Progress {
    /// Of a message that is tried for the first time: there is no file for it, the message's own being there says it.
    pub fn first(now: u64) -> Self {
        Self {
            state: State::Sending,
            attempts: 0,
            next: now,
            since: now,
            trouble: None,
            left: None,
            delivered: Vec::new(),
            refused: Vec::new(),
            told: false,
            adopted: false,
            account: None,
        }
    }

    /// Whether the server has taken it for somebody, so that nothing may be said of all its recipients.
    pub fn is_partly_delivered(&self) -> bool {
        self.left.is_some()
    }

    /// What kept it back, for people: that nobody got the message is not said where somebody has.
    pub fn told(&self, trouble: &Failure) -> String {
        if self.is_partly_delivered() { trouble.reason() } else { trouble.line() }
    }

    /// Who got it and who did not, where that differs: whoever believes that nobody did sends it twice.
    pub fn in_part(&self, state: State) -> Option<String> {
        let left = self.left.as_ref()?;
        let delivered = match self.delivered.is_empty() {
            true => "the others".to_owned(),
            false => self.delivered.join(", "),
        };
        let not = match state {
            State::Waiting | State::Sending => "not yet to",
            State::Failed => "not to",
            State::PerhapsSent => "perhaps to",
        };
        let never = self.refused.iter().map(|refused| &refused.address).filter(|address| !left.contains(address));
        let missing: Vec<&str> = left.iter().chain(never).map(String::as_str).collect();
        Some(format!("sent to {delivered}, {not} {}", missing.join(", ")))
    }

    /// Of a message that has not been tried.
    pub fn untried(now: u64) -> Self {
        Self { state: State::Waiting, ..Self::first(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_sort_by_time() {
        let id = |now, chance: &[u8]| Id::new(now, chance);
        assert_eq!(id(EPOCH, &[0, 31]).as_str(), "000000000z");
        assert_eq!(id(EPOCH + 1000, &[255, 1]).as_str(), "00000z8z1".replace("z8", "0z8"));
        assert!(id(EPOCH + 31, &[31, 31]) < id(EPOCH + 32, &[0, 0]));
        // A machine without a clock begins in 1970.
        assert_eq!(id(5, &[1, 2]).as_str(), "0000000012");
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let name = Name { id: Id::new(EPOCH + 77_777_777, b"ab"), uid: 1000, thread: thread_mark(b"<a@b>") };
        assert_eq!(part(&name.message()), Some(Part::Message(name.clone())));
        assert_eq!(part(&name.progress()), Some(Part::Progress(name.id.clone())));
        assert_eq!(part(&name.draft()), Some(Part::Draft));
        assert_eq!(part(&name.progress_draft()), Some(Part::Draft));
        for odd in ["", ".", "README", "0000000012", "0000000012.x.0.message", "0000000012.progress.x", "..swp"] {
            assert_eq!(part(odd), None, "{odd}");
        }
        assert_eq!(thread_mark(b""), "0");
        assert_ne!(thread_mark(b"<a@b>"), thread_mark(b"<a@c>"));
    }

    #[test]
    fn a_progress_of_an_earlier_version_is_read() {
        let text = r#"{"state":"perhaps-sent","attempts":3,"next":5,"since":1}"#;
        let progress: Progress = serde_json::from_str(text).unwrap();
        assert_eq!((progress.state, progress.attempts, progress.told), (State::PerhapsSent, 3, false));
        assert!(serde_json::from_str::<Progress>(r#"{"state":"odd","attempts":3,"next":5,"since":1}"#).is_err());
    }
}
