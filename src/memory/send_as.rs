//! Which addresses a mailbox may write as: learned from what the server accepted and refused, and never guessed.

use lettre::Address;
use serde::{Deserialize, Serialize};

use crate::account::{Account, FromPolicy};
use crate::memory::record;
use crate::moments::{DAY, date, unix_seconds};
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
        let name = name_of(address);
        self.known.iter().find(|(known, _)| *known == name).map(|(_, said)| *said)
    }

    /// Everything that was said, the oldest first.
    #[cfg(test)]
    pub(crate) fn all(&self) -> &[(String, Said)] {
        &self.known
    }

    /// What was said of addresses that are not in the account's configuration, while that lets them pass.
    pub fn passed(&self, account: &Account) -> impl Iterator<Item = (String, Said)> {
        let is_new =
            |known: &str| account.from == FromPolicy::Pass && account.send_as.iter().all(|own| name_of(own) != known);
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

/// Outlook's local parts are case-insensitive.
/// As the records have it.
pub fn name_of(address: &Address) -> String {
    address.to_string().to_ascii_lowercase()
}

/// Takes down what the server said of an address.
pub fn note(world: &World, account: &Account, address: &Address, said: fn(u64) -> Said) {
    let (name, said) = (name_of(address), said(unix_seconds(world.clock.now())));
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
    record::write_lines(world, &record, all.iter().skip(newest));
}

fn record(account: &Account) -> String {
    format!("send-as:{}", name_of(&account.address))
}

/// What is no address says nothing.
fn read(world: &World, account: &Account) -> Vec<(String, Said)> {
    let lines = record::read_lines::<(String, Said)>(world, &record(account)).into_iter();
    lines.filter_map(|(address, said)| Some((name_of(&address.parse().ok()?), said))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_world::{Fakes, START, account};

    #[test]
    fn the_record_may_hold_anything() {
        let fakes = Fakes::default();
        let world = fakes.world();
        let send_as = vec!["alias@outlook.com".parse().unwrap(), "other@outlook.com".parse().unwrap()];
        let account = Account { send_as, ..account() };
        let text = format!(
            "[\"ALIAS@outlook.com\",{{\"refused\":{}}}]\nx\n[\"a@b.org\",{{\"maybe\":1}}]\n[\"a@b.org\"]\n\
             [\"c@d.org\",{{\"refused\":-1}}]\n[\"no address\",{{\"refused\":1}}]\n\0\n\
             [\"\\\"a b\\\"@x.org\",{{\"accepted\":9}}]\n",
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
        let world = fakes.world();
        let account = account();
        for number in 0..RECORDS + 5 {
            let address = format!("a{number}@example.org").parse().unwrap();
            note(&world, &account, &address, Said::Accepted);
        }
        let known = KnownSenders::load(&world, &account).known;
        assert_eq!((known.len(), known[0].0.as_str()), (RECORDS, "a5@example.org"));
        let record = || fakes.state.records.borrow()["send-as:me@outlook.com"].clone();
        let before = record();
        world.clock.sleep(Duration::from_secs(60));
        note(&world, &account, &"a5@example.org".parse().unwrap(), Said::Accepted);
        assert_eq!(record(), before);
    }
}
