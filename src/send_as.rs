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

/// Somebody signed in, perhaps for having made the address an alias: what was refused is tried again at once.
pub fn forget_refusals(world: &World, account: &Account) {
    let was_refused = |(_, said): &(String, Said)| matches!(said, Said::Refused(_));
    if read(world, account).iter().any(was_refused) {
        change(world, account, |all| {
            all.retain(|known| !was_refused(known));
            true
        });
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
    let (name, said) = (name(address), said(unix_seconds(world.clock.now())));
    if name.chars().any(char::is_control) {
        return;
    }
    change(world, account, |all| {
        let last = all.iter().find(|(known, _)| *known == name).map(|(_, said)| *said);
        if let (Some(Said::Accepted(before)), Said::Accepted(now)) = (last, said)
            && before <= now
            && now - before < DAY
        {
            return false;
        }
        all.retain(|(known, _)| *known != name);
        all.push((name, said));
        true
    });
}

/// Changes the record, when `change` says that it did.
fn change(world: &World, account: &Account, change: impl FnOnce(&mut Vec<(String, Said)>) -> bool) {
    let record = record(account);
    // Two at once would lose one of theirs; that costs knowledge, not mail.
    let _alone = world.locks.acquire(&record, world.clock.instant() + PATIENCE);
    let mut all = read(world, account);
    if !change(&mut all) {
        return;
    }
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

#[cfg(test)]
mod tests {
    use std::cell::LazyCell;

    use super::*;
    use crate::credentials::fake_world::{Fakes, START, account};
    use crate::envelope::{Desk, Stamp};
    use crate::failure::Stage;
    use crate::invocation::{FlagValue, FlagValues, Submit};
    use crate::message::{Dots, Message};
    use crate::world::{Caller, memory_spool};

    fn mine() -> Account {
        let send_as = ["alias@outlook.com", "Other@outlook.com"].map(|address| address.parse().unwrap());
        Account { send_as: send_as.to_vec(), ..account() }
    }

    fn letter(world: &World, account: &Account, sender: Option<&str>, header: &str) -> Letter {
        let octets = format!("{header}\r\n\r\nx\r\n");
        let message = Message::read(&mut octets.as_bytes(), false, Dots::Content, memory_spool(), 1 << 20).unwrap();
        let values = sender.map_or_else(FlagValues::default, |it| FlagValues::default().with(FlagValue::Sender, it));
        let submit = Submit { operands: vec![b"a@example.org".to_vec()], values, ..Submit::default() };
        let desk = Desk::new(world, account, &world.caller, Stamp::now(world));
        Letter::address(&submit, message, &desk).unwrap()
    }

    fn world(fakes: &Fakes) -> World {
        let caller = || Caller { login: "root".into(), host_name: "web1".into(), ..Caller::default() };
        World { caller: LazyCell::new(Box::new(caller)), ..fakes.world() }
    }

    fn denied(words: &str) -> Failure {
        Failure::new(Stage::Submission, Cause::SenderDenied, words)
    }

    /// What is known after this verdict on a message with this sender and header.
    fn learned(
        account: &Account,
        sender: Option<&str>,
        header: &str,
        words: Result<&str, &str>,
    ) -> Vec<(String, Said)> {
        let fakes = Fakes::default();
        let world = world(&fakes);
        let letter = letter(&world, account, sender, header);
        match words {
            Ok(words) => remember(&world, account, &letter, Ok(&Receipt::new(words.into()))),
            Err(words) => remember(&world, account, &letter, Err(&denied(words))),
        }
        KnownSenders::load(&world, account).known
    }

    #[test]
    fn only_what_was_said_for_certain_is_learned() {
        let (alias, other) = ("alias@outlook.com".to_owned(), "other@outlook.com".to_owned());
        let accepted = |address: &String| vec![(address.clone(), Said::Accepted(START))];
        let refused = |address: &String| vec![(address.clone(), Said::Refused(START))];
        let two = "From: alias@outlook.com, other@outlook.com";
        let words = "554 5.2.252 SendAsDenied; me@outlook.com not allowed to send as OTHER@outlook.com; STOREDRV";
        assert_eq!(learned(&mine(), None, "From: Me <Alias@outlook.com>", Ok("OK")), accepted(&alias));
        assert_eq!(learned(&mine(), Some("alias@outlook.com"), "From: alias@outlook.com", Ok("OK")), accepted(&alias));
        assert_eq!(learned(&mine(), Some("other@outlook.com"), "From: me@outlook.com", Ok("OK")), accepted(&other));
        assert_eq!(learned(&mine(), None, "From: me@outlook.com", Ok("OK")), []);
        assert_eq!(learned(&mine(), None, "From: stranger@example.org", Ok("OK")), [], "it was rewritten");
        assert_eq!(learned(&mine(), None, two, Ok("OK")), [], "of two authors nobody knows");
        assert_eq!(learned(&mine(), None, two, Err("554 SendAsDenied")), []);
        assert_eq!(learned(&mine(), None, two, Err(words)), refused(&other));
        assert_eq!(learned(&mine(), None, "From: alias@outlook.com", Err("554 SendAsDenied")), refused(&alias));
        assert_eq!(learned(&mine(), None, "From: me@outlook.com", Err("554 SendAsDenied; me@outlook.com")), []);
        let graph = Account { transport: TransportKind::Graph, ..mine() };
        assert_eq!(learned(&graph, None, "From: alias@outlook.com", Ok("202")), [], "Graph replaces it silently");
        assert_eq!(learned(&graph, None, "From: alias@outlook.com", Err("ErrorSendAsDenied")), refused(&alias));
    }

    #[test]
    fn other_failures_teach_nothing() {
        let fakes = Fakes::default();
        let world = world(&fakes);
        let letter = letter(&world, &mine(), None, "From: alias@outlook.com");
        remember(&world, &mine(), &letter, Err(&Failure::new(Stage::Submission, Cause::Refused, "554 no")));
        assert!(fakes.state.records.borrow().is_empty());
    }

    #[test]
    fn a_refused_address_is_left_alone_for_a_week_and_accepted_again_clears_it() {
        let fakes = Fakes::default();
        let (world, account) = (world(&fakes), mine());
        let alias: Address = "alias@outlook.com".parse().unwrap();
        let from = |address: &str| letter(&world, &account, None, &format!("From: {address}"));
        remember(&world, &account, &from("alias@outlook.com"), Err(&denied("")));
        let refusal = KnownSenders::for_policy(&world, &account).refusal(&alias).unwrap();
        assert_eq!((refusal.on.as_str(), refusal.until.as_str()), ("2027-01-15", "2027-01-22"));
        assert_eq!(from("alias@outlook.com").authors(), std::slice::from_ref(&account.address));
        assert_eq!(from("other@outlook.com").authors(), ["other@outlook.com".parse().unwrap()]);
        world.clock.sleep(Duration::from_secs(REFUSED_DAYS * DAY - 1));
        assert!(KnownSenders::load(&world, &account).refusal(&alias).is_some());
        world.clock.sleep(Duration::from_secs(1));
        assert!(KnownSenders::load(&world, &account).refusal(&alias).is_none());
        remember(&world, &account, &from("alias@outlook.com"), Err(&denied("")));
        assert!(KnownSenders::load(&world, &account).refusal(&alias).is_some(), "another week");
        world.clock.sleep(Duration::from_secs(REFUSED_DAYS * DAY));
        remember(&world, &account, &from("alias@outlook.com"), Ok(&Receipt::new("OK".into())));
        assert!(matches!(KnownSenders::load(&world, &account).said(&alias), Some(Said::Accepted(_))));
    }

    #[test]
    fn the_record_may_hold_anything() {
        let fakes = Fakes::default();
        let (world, account) = (world(&fakes), mine());
        let text = format!(
            "{} refused ALIAS@outlook.com\nx\n1 maybe a@b.org\n1 accepted\n-1 refused c@d.org\n\u{0}\n9 accepted \"a b\"@x.org\n",
            START + 60
        );
        fakes.state.records.borrow_mut().insert("send-as:me@outlook.com".into(), text.into_bytes());
        let known = KnownSenders::load(&world, &account);
        assert_eq!(known.known.len(), 2, "{known:?}");
        assert_eq!(known.refusal(&"alias@outlook.com".parse().unwrap()), None, "a clock that was set back");
        let strangers: Vec<_> = known.passed(&account).collect();
        assert_eq!(strangers, [], "only what from = \"pass\" lets through");
        let passing = Account { from: FromPolicy::Pass, ..account };
        assert_eq!(known.passed(&passing).count(), 1);
    }

    #[test]
    fn an_accepted_address_is_written_once_a_day_and_fifty_are_kept() {
        let fakes = Fakes::default();
        let world = world(&fakes);
        let account = Account { from: FromPolicy::Pass, ..account() };
        for number in 0..RECORDS + 5 {
            let letter = letter(&world, &account, None, &format!("From: a{number}@example.org"));
            remember(&world, &account, &letter, Ok(&Receipt::new("OK".into())));
        }
        let known = KnownSenders::load(&world, &account).known;
        assert_eq!((known.len(), known[0].0.as_str()), (RECORDS, "a5@example.org"));
        let record = || fakes.state.records.borrow()["send-as:me@outlook.com"].clone();
        let before = record();
        world.clock.sleep(Duration::from_secs(60));
        let letter = letter(&world, &account, None, "From: a5@example.org");
        remember(&world, &account, &letter, Ok(&Receipt::new("OK".into())));
        assert_eq!(record(), before);
    }
}
