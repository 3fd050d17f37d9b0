//! The header that goes out: fields dropped, merged, completed, local names replaced, all of it 7-bit and folded.

use std::time::SystemTime;

use time::format_description::well_known::Rfc2822;
use time::{OffsetDateTime, UtcOffset};

use crate::account::Account;
use crate::address::{Entry, Mailbox, parse_list, render_list};
use crate::envelope::changes::{Change, ChangeLog, Reason};
use crate::envelope::field_writer::{RawText, can_be_decoded, raw_text, write_field};
use crate::envelope::header_rules::{Fate, Role, rule_of};
use crate::envelope::local_names::LocalNames;
use crate::failure::{Cause, Failure, Stage};
use crate::header_text::FoldFault;
use crate::message::Field;
use crate::world::World;

/// What a message without Date or Message-ID gets.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// When standard input ended.
    pub now: SystemTime,
    /// Local time, in seconds east of UTC.
    pub utc_offset: i32,
    /// Something no other message has.
    pub unique: [u8; 16],
}

impl Stamp {
    /// For a message whose input has just ended.
    pub fn now(world: &World) -> Self {
        let mut unique = [0; 16];
        world.random.fill(&mut unique);
        Self { now: world.clock.now(), utc_offset: world.clock.utc_offset(), unique }
    }
}

/// Applies the table of rules: what is dropped, merged or kept once.
pub fn apply_fates(fields: &mut Vec<Field>, changes: &ChangeLog) {
    let mut kept: Vec<Field> = Vec::with_capacity(fields.len());
    for field in fields.drain(..) {
        let Some(rule) = rule_of(&field.name) else {
            kept.push(field);
            continue;
        };
        match rule.fate {
            Fate::Drop => changes.removed(&field, Reason::Dropped(rule.reason)),
            Fate::Keep => kept.push(field),
            Fate::KeepFirstFilled if field.unfolded().is_empty() => changes.removed(&field, Reason::Empty),
            Fate::KeepFirst | Fate::KeepFirstFilled => {
                if kept.iter().any(|earlier| earlier.is(&field.name)) {
                    changes.removed(&field, Reason::Repeated);
                } else {
                    kept.push(field);
                }
            }
            Fate::Merge => merge(&mut kept, field, changes),
        }
    }
    *fields = kept;
}

fn merge(kept: &mut Vec<Field>, field: Field, changes: &ChangeLog) {
    if field.unfolded().is_empty() {
        changes.removed(&field, Reason::Empty);
        return;
    }
    match kept.iter_mut().find(|earlier| earlier.is(&field.name)) {
        Some(earlier) => {
            let before = changes.copy(earlier);
            // A list that ends in a comma goes on already.
            let ends = |octet: &u8| octet.is_ascii_whitespace() || *octet == b',';
            let end = earlier.value.iter().rposition(|octet| !ends(octet)).map_or(0, |last| last + 1);
            earlier.value.truncate(end);
            earlier.value.extend_from_slice(b",\r\n ");
            earlier.value.extend_from_slice(field.value.trim_ascii_start());
            changes.replaced(before, earlier, Reason::Merged);
            changes.removed(&field, Reason::Merged);
        }
        None => kept.push(field),
    }
}

/// Shows where mail for local names goes: the one address, or an empty group when there are several, because a
/// list's members are nobody's business.
///
/// # Errors
/// Those of the alias file.
pub fn replace_local_names(
    fields: &mut [Field],
    names: &LocalNames<'_>,
    charset: &str,
    changes: &ChangeLog,
) -> Result<(), Failure> {
    for field in fields {
        let role = rule_of(&field.name).map_or(Role::None, |rule| rule.role);
        let shown = match role {
            Role::Recipient | Role::ResentRecipient | Role::Shown => true,
            Role::Author | Role::None => false,
        };
        let Some(entries) = shown.then(|| parse_list(&field.value).ok()).flatten() else { continue };
        if entries.iter().flat_map(Entry::mailboxes).any(|mailbox| names.is_local(&mailbox.address)) {
            let entries = entries.into_iter().map(|entry| shown_entry(entry, names)).collect::<Result<Vec<_>, _>>()?;
            let before = changes.copy(field);
            field.value = render_list(&entries, charset);
            changes.replaced(before, field, Reason::LocalNames);
        }
    }
    Ok(())
}

fn shown_entry(entry: Entry, names: &LocalNames<'_>) -> Result<Entry, Failure> {
    match entry {
        Entry::Mailbox(mailbox) => {
            let name = mailbox.address.local.clone().into_bytes();
            Ok(shown_mailbox(mailbox, names)?
                .map_or(Entry::Group { display: name, members: Vec::new() }, Entry::Mailbox))
        }
        Entry::Group { display, members } => {
            let mut shown = Vec::new();
            for member in members {
                shown.extend(shown_mailbox(member, names)?);
            }
            Ok(Entry::Group { display, members: shown })
        }
    }
}

fn shown_mailbox(mut mailbox: Mailbox, names: &LocalNames<'_>) -> Result<Option<Mailbox>, Failure> {
    if !names.is_local(&mailbox.address) {
        return Ok(Some(mailbox));
    }
    match names.resolve(&mailbox.address)?.as_slice() {
        [target] => {
            mailbox.address.local = target.user().to_owned();
            mailbox.address.domain = Some(target.domain().to_owned());
            Ok(Some(mailbox))
        }
        _ => Ok(None),
    }
}

/// Whether the message came with Resent- fields: somebody passes it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PassingOn {
    /// It did.
    Yes,
    /// It is a message of its own.
    No,
}

impl PassingOn {
    /// Before blind fields go.
    pub fn of(fields: &[Field]) -> Self {
        if fields.iter().any(Field::is_resent) { Self::Yes } else { Self::No }
    }
}

/// Adds Date and Message-ID where they are missing (RFC 5322 section 3.6; RFC 6409 section 8), and in front of a
/// block of Resent- fields theirs (RFC 5322 section 3.6.6).
pub fn complete(fields: &mut Vec<Field>, passing_on: PassingOn, account: &Account, stamp: &Stamp, changes: &ChangeLog) {
    let unique: String = stamp.unique.iter().map(|octet| format!("{octet:02x}")).collect();
    let domain = account.address.domain();
    let missing = |fields: &[Field], name: &str| !fields.iter().any(|field| field.is(name));
    let add = |fields: &mut Vec<Field>, place: usize, field: Field, reason: Reason| {
        changes.added(&field, reason);
        fields.insert(place, field);
    };
    if missing(fields, "Date") {
        add(fields, fields.len(), Field::new("Date", date(stamp)), Reason::Missing);
    }
    if missing(fields, "Message-ID") {
        let field = Field::new("Message-ID", format!("<{unique}@{domain}>"));
        add(fields, fields.len(), field, Reason::Missing);
    }
    if passing_on == PassingOn::No {
        return;
    }
    // The block may have lost its only field, a blind one. What lies behind a Received is of an earlier resending.
    let block = fields.iter().position(Field::is_resent).unwrap_or_default();
    let lacks = |fields: &[Field], name: &str| {
        !fields.iter().skip(block).take_while(|field| !field.is("Received")).any(|field| field.is(name))
    };
    let (id, day) = (lacks(fields, "Resent-Message-ID"), lacks(fields, "Resent-Date"));
    if id {
        let field = Field::new("Resent-Message-ID", format!("<{unique}.resent@{domain}>"));
        add(fields, block, field, Reason::MissingResent);
    }
    if day {
        add(fields, block, Field::new("Resent-Date", date(stamp)), Reason::MissingResent);
    }
}

fn date(stamp: &Stamp) -> String {
    let offset = UtcOffset::from_whole_seconds(stamp.utc_offset / 60 * 60).unwrap_or(UtcOffset::UTC);
    OffsetDateTime::from(stamp.now).to_offset(offset).format(&Rfc2822).unwrap_or_default()
}

/// The header as it goes out.
pub(super) struct WrittenHeader {
    /// Its octets, without the blank line.
    pub(super) octets: Vec<u8>,
    /// An address or identifier in it is UTF-8: SMTPUTF8.
    pub(super) has_utf8: bool,
    /// The fields with octets nobody may encode: BODY=8BITMIME.
    pub(super) eight_bit: Vec<String>,
}

/// Writes the fields as they go out, without the blank line.
///
/// # Errors
/// [`Cause::HeaderTooLarge`] when a structured field has a word that fits no line.
pub(super) fn write(fields: &[Field], charset: &str, changes: &ChangeLog) -> Result<WrittenHeader, Failure> {
    let mut header = WrittenHeader { octets: Vec::new(), has_utf8: false, eight_bit: Vec::new() };
    for field in fields {
        let octets = write_field(&field.name, &field.value, charset).map_err(|fault| {
            let words = match fault {
                FoldFault::Name(name) => format!("the field name {}", name.whole()),
                FoldFault::LongWord(name) => format!("a word in {} does not fit a line of 998 octets", name.whole()),
            };
            Failure::new(Stage::Envelope, Cause::HeaderTooLarge, words)
        })?;
        note_written(field, &octets, changes);
        match raw_text(&field.name, &octets) {
            RawText::None => {}
            RawText::Utf8 => header.has_utf8 = true,
            RawText::EightBit => header.eight_bit.push(field.name.clone()),
        }
        header.octets.extend(octets);
    }
    Ok(header)
}

/// What writing a field did to it, the space behind the colon aside.
fn note_written(field: &Field, octets: &[u8], changes: &ChangeLog) {
    changes.note(|noted| {
        let text = octets.get(field.name.len() + 1..).unwrap_or_default();
        let text = text.strip_suffix(b"\r\n").unwrap_or(text).trim_ascii_start();
        let reason = match field.value.is_ascii() {
            _ if text == field.value.trim_ascii_start() && octets.is_ascii() => None,
            true => Some(Reason::Folded),
            false => Some(match raw_text(&field.name, octets) {
                RawText::None => Reason::EightBit,
                RawText::Utf8 => Reason::NeedsUtf8,
                RawText::EightBit => Reason::StaysEightBit,
            }),
        };
        let mut after = field.clone();
        if let Some(reason) = reason {
            after.value = text.to_vec();
            noted.changes.push(Change { before: Some(field.clone()), after: Some(after.clone()), reason });
        }
        noted.leaving.push((after, octets.to_vec()));
    });
}

/// Writes fields anew whose raw text no reader of US-ASCII may look at, before anybody does: in ISO-2022, and in
/// charsets with quotes and parentheses inside characters.
pub(super) fn decode_alphabets(fields: &mut [Field], charset: &str, changes: &ChangeLog) {
    for field in fields {
        if !can_be_decoded(&field.name, &field.value, charset) {
            continue;
        }
        let Ok(written) = write_field(&field.name, &field.value, charset) else { continue };
        let value = written.get(field.name.len() + 1..).unwrap_or_default();
        let before = changes.copy(field);
        field.value = value.strip_suffix(b"\r\n").unwrap_or(value).to_vec();
        changes.replaced(before, field, Reason::EightBit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lists_become_one() {
        let mut fields = vec![
            Field::new("To", "a@x.org, "),
            Field::new("Subject", "one"),
            Field::new("to", " b@x.org"),
            Field::new("Cc", " "),
            Field::new("subject", "two"),
            Field::new("Date", " "),
            Field::new("From", ""),
            Field::new("From", "me@x.org"),
            Field::new("bcc", "c@x.org"),
            Field::new("Return-Path", "<r@x.org>"),
            Field::new("X-A", "1"),
            Field::new("X-A", "2"),
        ];
        apply_fates(&mut fields, &ChangeLog::unwanted());
        assert_eq!(
            fields,
            [
                Field::new("To", "a@x.org,\r\n b@x.org"),
                Field::new("Subject", "one"),
                Field::new("From", "me@x.org"),
                Field::new("X-A", "1"),
                Field::new("X-A", "2"),
            ]
        );
    }

    #[test]
    fn a_block_of_resent_fields_gets_its_date_and_id_in_front() {
        let account = crate::credentials::fake_world::account();
        let stamp = Stamp { now: SystemTime::UNIX_EPOCH, utc_offset: 0, unique: [7; 16] };
        let mut fields: Vec<_> =
            ["Date", "Received", "Resent-To", "Subject", "Message-ID"].map(|name| Field::new(name, "x")).to_vec();
        complete(&mut fields, PassingOn::Yes, &account, &stamp, &ChangeLog::unwanted());
        let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        let wanted = ["Date", "Received", "Resent-Date", "Resent-Message-ID", "Resent-To", "Subject", "Message-ID"];
        assert_eq!(names, wanted);
        complete(&mut fields, PassingOn::Yes, &account, &stamp, &ChangeLog::unwanted());
        assert_eq!(fields.len(), wanted.len());
    }

    #[test]
    fn an_earlier_resending_dates_no_later_one() {
        let account = crate::credentials::fake_world::account();
        let stamp = Stamp { now: SystemTime::UNIX_EPOCH, utc_offset: 0, unique: [7; 16] };
        let mut fields: Vec<_> =
            ["Resent-To", "Received", "Resent-Date", "Resent-Message-ID", "Resent-To", "Date", "Message-ID"]
                .map(|name| Field::new(name, "x"))
                .to_vec();
        complete(&mut fields, PassingOn::Yes, &account, &stamp, &ChangeLog::unwanted());
        let names: Vec<_> = fields.iter().take(4).map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["Resent-Date", "Resent-Message-ID", "Resent-To", "Received"]);
        assert_eq!(fields.len(), 9);
    }

    #[test]
    fn dates_are_local_time() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_374_302);
        let stamp = Stamp { now, utc_offset: 3600, unique: [0; 16] };
        assert_eq!(date(&stamp), "Sun, 22 Nov 2026 20:05:02 +0100");
    }
}
