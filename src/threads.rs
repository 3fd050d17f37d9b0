//! Threads survive Outlook: it gives every message of a personal account a new Message-ID and names it in its 250, so
//! what later messages of the same caller say of the old one is mended.

use std::time::Duration;

use crate::account::{Account, MessageIds};
use crate::envelope::{ChangeLog, Reason};
use crate::message::Field;
use crate::submission::Receipt;
use crate::world::World;

/// How long an id is remembered, in seconds: who answers after a month answers what came back from the list.
const LIFE: u64 = 30 * 24 * 3600;

/// How many are remembered.
const RECORDS: usize = 2000;

/// How long all of them may be, in octets.
const OCTETS: usize = 512 * 1024;

/// A longer id is nobody's (RFC 5322 section 2.1.1 bounds the line).
const LONGEST: usize = 990;

/// How long the record is waited for; whoever holds it needs a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);

/// The fields that name other messages (RFC 5322 section 3.6.4).
const FIELDS: [&str; 2] = ["In-Reply-To", "References"];

/// The ids Outlook has given to one caller's messages through one mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KnownIds(Vec<Known>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Known {
    at: u64,
    uid: u32,
    old: String,
    new: String,
}

impl KnownIds {
    /// What this caller's earlier messages became.
    pub fn load(world: &World, account: &Account, uid: u32) -> Self {
        if account.message_ids == MessageIds::Leave {
            return Self::default();
        }
        let mut known = read(world, account);
        known.retain(|known| known.uid == uid);
        Self(known)
    }

    /// The id that stands for `old`, both with their angle brackets.
    fn of(&self, old: &[u8]) -> Option<&str> {
        self.0.iter().find(|known| known.old.as_bytes() == old).map(|known| known.new.as_str())
    }

    /// Rewrites what In-Reply-To and References say; says whether anything had to be.
    pub fn mend(&self, fields: &mut [Field], changes: &ChangeLog) -> bool {
        let mut any = false;
        if self.0.is_empty() {
            return any;
        }
        for field in fields.iter_mut().filter(|field| FIELDS.iter().any(|name| field.is(name))) {
            let parts: Vec<_> = parts(&field.value).into_iter().map(|part| (part, self.of(part))).collect();
            if parts.iter().all(|(_, new)| new.is_none()) {
                continue;
            }
            let value = parts.iter().flat_map(|(part, new)| new.map_or(*part, str::as_bytes)).copied().collect();
            let before = changes.copy(field);
            field.value = value;
            changes.replaced(before, field, Reason::RenamedByOutlook);
            any = true;
        }
        any
    }
}

/// Remembers what `old` became, when the server gave it another id. The first one stays: a message sent twice is
/// answered under the id its first readers have.
pub fn remember(world: &World, account: &Account, uid: u32, old: &str, receipt: &Receipt) {
    if account.message_ids == MessageIds::Leave {
        return;
    }
    let Some(new) = assigned(receipt.words.whole()).filter(|new| *new != old && is_id(old)) else { return };
    let name = record(account);
    // Two at once would lose one of theirs; that costs a thread, not a message.
    let _alone = world.locks.acquire(&name, world.clock.instant() + PATIENCE);
    let now = seconds(world);
    let mut all = read(world, account);
    if all.iter().any(|known| known.uid == uid && known.old == old) {
        return;
    }
    all.push(Known { at: now, uid, old: old.to_owned(), new: new.to_owned() });
    world.state.replace(&name, write(&all).as_bytes());
}

/// The id in `2.0.0 OK <id> [Hostname=...]`.
fn assigned(words: &str) -> Option<&str> {
    let begin = words.find('<')?;
    let id = words.get(begin..)?;
    id.get(..=id.find('>')?).filter(|id| is_id(id))
}

/// `<left@right>` without white space or control characters, so that it fits in a field and in a line of ours.
fn is_id(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or_default();
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '<' || letter == '>';
    text.len() <= LONGEST && inner.contains('@') && !inner.contains(odd)
}

/// The value in pieces: each `<...>`, and what is between them.
fn parts(value: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some(begin) = rest.iter().position(|&octet| octet == b'<') {
        let (before, id) = rest.split_at(begin);
        let Some(end) = id.iter().position(|&octet| octet == b'>') else { break };
        let (id, after) = id.split_at(end + 1);
        parts.push(before);
        parts.push(id);
        rest = after;
    }
    parts.push(rest);
    parts
}

fn record(account: &Account) -> String {
    format!("message-ids:{}", account.address.to_string().to_ascii_lowercase())
}

fn seconds(world: &World) -> u64 {
    world.clock.now().duration_since(std::time::SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Every record that still counts. Lines that are not ours are left out.
fn read(world: &World, account: &Account) -> Vec<Known> {
    let now = seconds(world);
    let text = world.state.read(&record(account)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().filter_map(line).filter(|known| now.saturating_sub(known.at) < LIFE).collect()
}

fn line(line: &str) -> Option<Known> {
    let mut words = line.split(' ');
    let (at, uid) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (old, new) = (words.next()?, words.next()?);
    let whole = words.next().is_none() && is_id(old) && is_id(new);
    whole.then(|| Known { at, uid, old: old.to_owned(), new: new.to_owned() })
}

/// The newest that fit, oldest first.
fn write(all: &[Known]) -> String {
    let lines =
        all.iter().rev().take(RECORDS).map(|known| format!("{} {} {} {}\n", known.at, known.uid, known.old, known.new));
    let mut room = OCTETS;
    let fits = |line: &String| {
        let fits = line.len() <= room;
        room = room.saturating_sub(line.len());
        fits
    };
    let mut lines: Vec<String> = lines.take_while(fits).collect();
    lines.reverse();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::fake_world::{Fakes, account};

    fn sent(words: &str) -> Receipt {
        Receipt::new(words.into())
    }

    fn field(name: &str, value: &str) -> Field {
        Field::new(name, value.as_bytes().to_vec())
    }

    #[test]
    fn what_outlook_renamed_is_mended_in_later_messages() {
        let fakes = Fakes::default();
        let world = fakes.world();
        remember(
            &world,
            &account(),
            0,
            "<1@host>",
            &sent("2.0.0 OK <A@PROD.OUTLOOK.COM> [Hostname=X.PROD.OUTLOOK.COM]"),
        );
        remember(&world, &account(), 0, "<2@host>", &sent("2.0.0 OK <B@PROD.OUTLOOK.COM> [Hostname=X]"));
        let mut fields = [
            field("In-Reply-To", " <2@host>"),
            field("References", " <0@else>\r\n <1@host>\r\n\t<2@host> (comment <"),
            field("Message-ID", " <1@host>"),
            field("Subject", " <1@host>"),
        ];
        let changes = ChangeLog::wanted();
        assert!(KnownIds::load(&world, &account(), 0).mend(&mut fields, &changes));
        assert_eq!(fields[0].value, b" <B@PROD.OUTLOOK.COM>");
        assert_eq!(fields[1].value, b" <0@else>\r\n <A@PROD.OUTLOOK.COM>\r\n\t<B@PROD.OUTLOOK.COM> (comment <");
        assert_eq!((&fields[2].value[..], &fields[3].value[..]), (&b" <1@host>"[..], &b" <1@host>"[..]));
        let changed = changes.into_noted().changes;
        assert_eq!(changed.len(), 2);
        assert!(changed.iter().all(|change| change.reason == Reason::RenamedByOutlook));
        let left = Account { message_ids: MessageIds::Leave, ..account() };
        assert_eq!(KnownIds::load(&world, &left, 0), KnownIds::default());
    }

    #[test]
    fn an_id_that_was_kept_or_is_none_is_not_remembered() {
        let fakes = Fakes::default();
        for words in [
            "2.0.0 OK <1@host> [Hostname=X]",
            "2.0.0 OK",
            "2.0.0 OK <no id>",
            "2.0.0 OK <a b@c>",
            "2.0.0 OK <@",
            "2.0.0 OK <>",
        ] {
            remember(&fakes.world(), &account(), 0, "<1@host>", &sent(words));
        }
        remember(&fakes.world(), &account(), 0, "1@host", &sent("2.0.0 OK <A@B>"));
        assert!(fakes.state.records.borrow().is_empty());
    }

    #[test]
    fn the_first_one_stays() {
        let fakes = Fakes::default();
        remember(&fakes.world(), &account(), 0, "<1@host>", &sent("OK <A@B>"));
        remember(&fakes.world(), &account(), 0, "<1@host>", &sent("OK <C@D>"));
        assert_eq!(KnownIds::load(&fakes.world(), &account(), 0).of(b"<1@host>"), Some("<A@B>"));
    }

    #[test]
    fn one_callers_ids_are_not_anothers() {
        let fakes = Fakes::default();
        remember(&fakes.world(), &account(), 0, "<1@host>", &sent("OK <A@B>"));
        let line = String::from_utf8(fakes.state.records.borrow().values().next().unwrap().clone()).unwrap();
        assert_eq!(line, "1800000000 0 <1@host> <A@B>\n");
        let other = line.replace(" 0 ", " 33 ");
        fakes.state.records.borrow_mut().insert("message-ids:me@outlook.com".into(), other.into_bytes());
        assert_eq!(KnownIds::load(&fakes.world(), &account(), 0), KnownIds::default());
    }

    #[test]
    fn a_month_and_two_thousand_and_what_is_no_line_are_forgotten() {
        let fakes = Fakes::default();
        let now = 1_800_000_000_u64;
        let mut text = format!("{} 0 <old@host> <A@B>\nnonsense\n\u{0}\n7 x <a@b> <c@d>\n1 2 <a@b>\n", now - LIFE);
        for number in 0..RECORDS + 50 {
            text.push_str(&format!("{} 0 <{number}@host> <{number}@new>\n", now - 60));
        }
        fakes.state.records.borrow_mut().insert("message-ids:me@outlook.com".into(), text.into_bytes());
        let known = KnownIds::load(&fakes.world(), &account(), 0);
        assert_eq!(known.of(b"<old@host>"), None);
        remember(&fakes.world(), &account(), 0, "<next@host>", &sent("OK <A@B>"));
        let known = KnownIds::load(&fakes.world(), &account(), 0);
        assert_eq!(known.0.len(), RECORDS);
        assert_eq!((known.of(b"<50@host>"), known.of(b"<51@host>")), (None, Some("<51@new>")));
        assert_eq!(known.of(b"<next@host>"), Some("<A@B>"));
    }
}
