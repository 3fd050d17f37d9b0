//! Which addresses a mailbox may write as: learned from what the server accepted and refused, and never guessed.

use lettre::Address;

use crate::account::{Account, FromPolicy, TransportKind};
use crate::envelope::Letter;
use crate::failure::{Cause, Failure};
use crate::standing::history::unix_seconds;
use crate::standing::{DAY, date};
use crate::submission::Receipt;
use crate::world::World;

use std::time::Duration;

/// How many days a refused address of `send_as` is rewritten before it is tried again: whoever has made it an alias
/// meanwhile waits no longer, and whoever has not loses no more than a message a week to it.
const REFUSED_DAYS: u64 = 7;

/// How many addresses are remembered; a mailbox has ten aliases.
const RECORDS: usize = 50;

/// How long the record is waited for; whoever holds it needs a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the server last said of an address, and when, in Unix seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Said {
    /// A message from it went out.
    Accepted(u64),
    /// The account may not send as it.
    Refused(u64),
}

/// What is known of a mailbox's addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KnownSenders {
    known: Vec<(String, Said)>,
    now: u64,
    utc_offset: i32,
}

impl KnownSenders {
    /// All that is remembered of the mailbox.
    pub fn load(world: &World, account: &Account) -> Self {
        let (now, utc_offset) = (unix_seconds(world.clock.now()), world.clock.utc_offset());
        Self { known: read(world, account), now, utc_offset }
    }

    /// The same as far as it decides anything: the rewriting of `send_as`.
    pub fn for_policy(world: &World, account: &Account) -> Self {
        match account.from {
            FromPolicy::Rewrite if !account.send_as.is_empty() => Self::load(world, account),
            FromPolicy::Rewrite | FromPolicy::Refuse | FromPolicy::Pass => Self::default(),
        }
    }

    /// What was said of this address.
    pub fn said(&self, address: &Address) -> Option<Said> {
        let name = name(address);
        self.known.iter().find(|(known, _)| *known == name).map(|(_, said)| *said)
    }

    /// What was said of addresses that are not in the account's configuration, while that lets them pass.
    pub fn passed(&self, account: &Account) -> impl Iterator<Item = (String, Said)> {
        let is_new =
            |known: &str| account.from == FromPolicy::Pass && account.send_as.iter().all(|own| name(own) != known);
        self.known.iter().filter(move |(address, _)| is_new(address)).cloned()
    }

    /// Whether it was refused so lately that it is not to be tried. What a clock that was set back has written
    /// decides nothing.
    pub fn refusal(&self, address: &Address) -> Option<Refusal> {
        match self.said(address)? {
            Said::Refused(at) if at <= self.now && self.now - at < REFUSED_DAYS * DAY => Some(Refusal {
                on: date(at, self.utc_offset),
                until: date(at.saturating_add(REFUSED_DAYS * DAY), self.utc_offset),
            }),
            Said::Accepted(_) | Said::Refused(_) => None,
        }
    }
}

/// An address that was refused lately, in days by the clock on the wall.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// When it was.
    pub on: String,
    /// When it is tried again.
    pub until: String,
}

/// Takes down what the verdict on a letter says about the addresses it was from.
pub fn remember(world: &World, account: &Account, letter: &Letter, verdict: Result<&Receipt, &Failure>) {
    match verdict {
        Ok(_) => accepted(account, letter).into_iter().for_each(|it| note(world, account, it, Said::Accepted)),
        Err(failure) if failure.cause == Cause::SenderDenied => {
            if let Some(address) = refused(account, letter, failure.detail.whole()) {
                note(world, account, address, Said::Refused);
            }
        }
        Err(_) => {}
    }
}

/// Only what certainly was looked at: of several authors nobody knows who was.
fn accepted<'a>(account: &Account, letter: &'a Letter) -> Vec<&'a Address> {
    let author = match (account.transport, letter.authors()) {
        (TransportKind::Smtp, [author]) => Some(author),
        // Graph puts the account's own address in place of another, and says nothing.
        (TransportKind::Smtp | TransportKind::Graph, _) => return Vec::new(),
    };
    let mut all: Vec<_> =
        author.into_iter().chain(letter.envelope().from()).filter(|it| !is_own(account, it)).collect();
    all.dedup_by(|one, other| name(one) == name(other));
    all
}

/// The address the reply names, else the only one it can be about.
fn refused<'a>(account: &Account, letter: &'a Letter, words: &str) -> Option<&'a Address> {
    let all = letter.authors().iter().chain(letter.senders()).chain(letter.envelope().from());
    let all: Vec<_> = all.filter(|address| !is_own(account, address)).collect();
    let words = words.to_ascii_lowercase();
    let apart = |letter: char| letter.is_whitespace() || ";,<>\"'()[]".contains(letter);
    let mut named = words.split(apart).map(|word| word.trim_end_matches('.'));
    let first = all.first()?;
    match named.find_map(|word| all.iter().find(|address| name(address) == word)) {
        Some(address) => Some(address),
        None => all.iter().all(|address| name(address) == name(first)).then_some(first),
    }
}

fn is_own(account: &Account, address: &Address) -> bool {
    name(address) == name(&account.address)
}

/// Outlook's local parts are case-insensitive.
fn name(address: &Address) -> String {
    address.to_string().to_ascii_lowercase()
}

fn note(world: &World, account: &Account, address: &Address, said: fn(u64) -> Said) {
    let (record, name) = (record(account), name(address));
    if name.chars().any(char::is_control) {
        return;
    }
    // Two at once would lose one of theirs; that costs knowledge, not mail.
    let _alone = world.locks.acquire(&record, world.clock.instant() + PATIENCE);
    let said = said(unix_seconds(world.clock.now()));
    let mut all = read(world, account);
    let last = all.iter().find(|(known, _)| *known == name).map(|(_, said)| *said);
    if let (Some(Said::Accepted(before)), Said::Accepted(now)) = (last, said)
        && before <= now
        && now - before < DAY
    {
        return;
    }
    all.retain(|(known, _)| *known != name);
    all.push((name, said));
    let newest = all.len().saturating_sub(RECORDS);
    let lines = all.iter().skip(newest).map(|(address, said)| match said {
        Said::Accepted(at) => format!("{at} accepted {address}\n"),
        Said::Refused(at) => format!("{at} refused {address}\n"),
    });
    world.state.replace(&record, lines.collect::<String>().as_bytes());
}

fn record(account: &Account) -> String {
    format!("send-as:{}", name(&account.address))
}

/// Lines that are not ours are left out.
fn read(world: &World, account: &Account) -> Vec<(String, Said)> {
    let text = world.state.read(&record(account)).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<(String, Said)> {
    let mut words = line.splitn(3, ' ');
    let at = words.next()?.parse().ok()?;
    let said = match words.next()? {
        "accepted" => Said::Accepted(at),
        "refused" => Said::Refused(at),
        _ => return None,
    };
    let address: Address = words.next()?.parse().ok()?;
    Some((name(&address), said))
}
