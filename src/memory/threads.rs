//! Threads survive Outlook: it gives every message of a personal account a new Message-ID and names it in its 250, so
//! what later messages of the same caller say of the old one is mended.
//!
//! Each caller's ids are a record of their own, which nobody else's messages can crowd out. One is added to it without a
//! look at the others, and they are looked at only for a message that refers to another one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{Account, MessageIds};
use crate::memory::record;
use crate::moments;
use crate::outcome::Receipt;
use crate::world::{State, World};

/// How long an id is remembered, in seconds: who answers after a month answers what came back from the list.
const LIFE: u64 = 30 * 24 * 3600;

/// How many octets of them are kept at most, some 3,000 ids, and how many when that is exceeded.
const MOST: u64 = 512 * 1024;
const KEPT: usize = 256 * 1024;

/// A longer id is nobody's (RFC 5322 section 2.1.1 bounds the line).
const LONGEST: usize = 990;

/// The ids Outlook has given to one caller's messages through one mailbox, read when a message refers to another one.
#[derive(Default)]
pub struct KnownIds<'a>(Option<Kept<'a>>);

/// An id and what the server made of it.
#[derive(Serialize, Deserialize)]
struct Replaced {
    /// When, in Unix seconds.
    at: u64,
    old: String,
    new: String,
}

struct Kept<'a> {
    state: &'a dyn State,
    record: String,
    now: u64,
}

impl<'a> KnownIds<'a> {
    /// What this caller's earlier messages became.
    pub fn of(world: &'a World, account: &Account, uid: u32) -> Self {
        match account.message_ids {
            MessageIds::Repair => Self(Some(Kept {
                state: &*world.state,
                record: name(account, uid),
                now: moments::unix_seconds(world.clock.now()),
            })),
            MessageIds::Leave => Self(None),
        }
    }

    /// What became of each of these ids, as far as that is known.
    pub fn answers<'b>(&self, ids: impl Iterator<Item = &'b [u8]>) -> BTreeMap<Vec<u8>, String> {
        let Some(kept) = &self.0 else { return BTreeMap::new() };
        let asked = ids.map(|id| (id.to_owned(), None)).collect();
        kept.answers(asked).into_iter().filter_map(|(old, new)| Some((old, new?))).collect()
    }
}

impl Kept<'_> {
    /// What became of the ids asked for. The first one counts: a message sent twice is answered under the id its first
    /// readers have.
    fn answers(&self, mut asked: BTreeMap<Vec<u8>, Option<String>>) -> BTreeMap<Vec<u8>, Option<String>> {
        if asked.is_empty() {
            return asked;
        }
        let text = self.state.read(&self.record).unwrap_or_default();
        // Thousands of lines, and hardly ever one that is asked for.
        for line in text.split(|&octet| octet == b'\n') {
            let Some(Replaced { at, old, new }) = record::read_line(line) else { continue };
            if let Some(answer) = asked.get_mut(old.as_bytes()).filter(|answer| answer.is_none())
                && self.now.saturating_sub(at) < LIFE
            {
                *answer = Some(new).filter(|new| is_id(new));
            }
        }
        asked
    }
}

/// Remembers what `old` became, when the server gave it another id.
pub fn remember(world: &World, account: &Account, uid: u32, old: &str, receipt: &Receipt) {
    if account.message_ids == MessageIds::Leave {
        return;
    }
    let Some(new) = assigned(receipt.words.whole()).filter(|new| *new != old && is_id(old)) else { return };
    let name = name(account, uid);
    let at = moments::unix_seconds(world.clock.now());
    // A line end comes first: whoever died in the middle of a line spoils that one only.
    let mut line = record::line(&Replaced { at, old: old.to_owned(), new: new.to_owned() });
    line.rotate_right(1);
    if world.state.append(&name, &line).is_some_and(|length| length > MOST) {
        forget_the_oldest(world, &name);
    }
}

/// What somebody else adds at this very moment is lost; that costs a thread, not a message.
fn forget_the_oldest(world: &World, name: &str) {
    // What cannot be read is of no use, and would only grow.
    let Some(text) = world.state.read(name) else { return world.state.remove(name) };
    let newest = text.get(text.len().saturating_sub(KEPT)..).unwrap_or_default();
    let whole_lines = newest.iter().position(|&octet| octet == b'\n').and_then(|begin| newest.get(begin..));
    world.state.replace(name, whole_lines.unwrap_or_default());
}

/// The id in `2.0.0 OK <id> [Hostname=...]`, as Exchange says it; what others put there is no Message-ID.
fn assigned(words: &str) -> Option<&str> {
    let id = words.get(words.find('<')?..)?;
    let (id, rest) = id.split_at(id.find('>')? + 1);
    (rest.contains("Hostname=") && is_id(id)).then_some(id)
}

/// `<left@right>` without white space or control characters, so that it fits in a field and in a line of ours.
fn is_id(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or_default();
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '<' || letter == '>';
    text.len() <= LONGEST && inner.contains('@') && !inner.contains(odd)
}

fn name(account: &Account, uid: u32) -> String {
    format!("message-ids:{}:{uid}", account.address.to_string().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_world::{Fakes, account};

    fn sent(words: &str) -> Receipt {
        Receipt::new(words.into())
    }

    const RECORD: &str = "message-ids:me@outlook.com:0";

    /// What the caller with this uid says of an id.
    fn said(fakes: &Fakes, uid: u32, old: &str) -> String {
        let known = KnownIds::of(&fakes.world(), &account(), uid).answers([old.as_bytes()].into_iter());
        known.get(old.as_bytes()).map_or(old, String::as_str).to_owned()
    }

    fn remember_as(fakes: &Fakes, uid: u32, old: &str, new: &str) {
        remember(&fakes.world(), &account(), uid, old, &sent(&format!("2.0.0 OK {new} [Hostname=X]")));
    }

    #[test]
    fn an_id_that_was_kept_or_is_none_is_not_remembered() {
        let fakes = Fakes::default();
        for words in [
            "2.0.0 OK <1@host> [Hostname=X]",
            "2.0.0 OK",
            "2.0.0 OK <no id> [Hostname=X]",
            "2.0.0 OK <a b@c> [Hostname=X]",
            "2.0.0 OK <@",
            "2.0.0 OK <> [Hostname=X]",
            "2.0.0 Ok: queued as <4XQm0x@mx.example.org>",
        ] {
            remember(&fakes.world(), &account(), 0, "<1@host>", &sent(words));
        }
        remember_as(&fakes, 0, "1@host", "<A@B>");
        remember(
            &fakes.world(),
            &Account { message_ids: MessageIds::Leave, ..account() },
            0,
            "<1@host>",
            &sent("OK <A@B> [Hostname=X]"),
        );
        assert!(fakes.state.records.borrow().is_empty());
    }

    #[test]
    fn the_first_one_stays() {
        let fakes = Fakes::default();
        remember_as(&fakes, 0, "<1@host>", "<A@B>");
        remember_as(&fakes, 0, "<1@host>", "<C@D>");
        assert_eq!(said(&fakes, 0, "<1@host>"), "<A@B>");
    }

    #[test]
    fn one_callers_ids_are_not_anothers() {
        let fakes = Fakes::default();
        remember_as(&fakes, 33, "<1@host>", "<A@B>");
        assert_eq!(said(&fakes, 0, "<1@host>"), "<1@host>");
        remember_as(&fakes, 0, "<1@host>", "<C@D>");
        assert_eq!((said(&fakes, 0, "<1@host>"), said(&fakes, 33, "<1@host>")), ("<C@D>".into(), "<A@B>".into()));
        assert_eq!(
            fakes.state.records.borrow()[RECORD],
            b"\n{\"at\":1800000000,\"old\":\"<1@host>\",\"new\":\"<C@D>\"}"
        );
    }

    #[test]
    fn a_month_is_enough_and_what_is_no_line_says_nothing() {
        let fakes = Fakes::default();
        let now = 1_800_000_000_u64;
        let line = |at: u64, old: &str, new: &str| format!("{{\"at\":{at},\"old\":\"{old}\",\"new\":\"{new}\"}}\n");
        let text = [
            line(now - LIFE, "<old@host>", "<A@B>"),
            "nonsense\n\0\n{\"at\":7}\n[7,\"x\",\"<a@b>\"]\n".to_owned(),
            line(now, "<cut@host>", "<A@B>").replace("\"}", ""),
            line(now, "<three@host>", "<A@B> <C@D>"),
            line(now, "<next@host>", "<A@B>"),
        ]
        .concat();
        fakes.state.records.borrow_mut().insert(RECORD.into(), text.into_bytes());
        for id in ["<old@host>", "<a@b>", "<cut@host>", "<three@host>", "x"] {
            assert_eq!(said(&fakes, 0, id), id);
        }
        assert_eq!(said(&fakes, 0, "<next@host>"), "<A@B>");
        remember_as(&fakes, 0, "<cut@host>", "<C@D>");
        assert_eq!(said(&fakes, 0, "<cut@host>"), "<C@D>");
    }

    #[test]
    fn the_oldest_make_room() {
        let fakes = Fakes::default();
        let mut count = 0;
        let mut longest = 0;
        while count < 10_000 {
            count += 1;
            remember_as(&fakes, 0, &format!("<{count}@host>"), &format!("<{count}@{}>", "x".repeat(100)));
            longest = longest.max(fakes.state.records.borrow()[RECORD].len());
        }
        assert!((KEPT..=MOST as usize + 200).contains(&longest), "{longest}");
        assert_eq!(said(&fakes, 0, "<1@host>"), "<1@host>");
        for number in [count, count - 1000] {
            assert!(said(&fakes, 0, &format!("<{number}@host>")).starts_with(&format!("<{number}@xxx")));
        }
    }
}
