//! The header that goes out: completed, local names replaced, all of it 7-bit and folded.

use std::time::SystemTime;

use time::format_description::well_known::Rfc2822;
use time::{OffsetDateTime, UtcOffset};

use crate::account::Account;
use crate::address::{Entry, Mailbox, parse_list, render_list};
use crate::envelope::changes::{Change, ChangeLog, Reason};
use crate::envelope::header_rules::{Role, rule_of};
use crate::envelope::header_text::{FoldFault, encode_structured, encode_unstructured, fold, fold_utf8, is_structured};
use crate::envelope::local_names::LocalNames;
use crate::failure::{Cause, Failure, Stage};
use crate::message::Field;
use crate::words::Words;
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

/// Writes the fields as they go out, without the blank line.
///
/// # Errors
/// [`Cause::HeaderTooLarge`] when a structured field has a word that fits no line.
pub fn write(fields: &[Field], charset: &str, changes: &ChangeLog) -> Result<Vec<u8>, Failure> {
    let mut header = Vec::new();
    for field in fields {
        let octets = written(field, charset).map_err(|fault| {
            let words = match fault {
                FoldFault::Name(name) => format!("the field name {}", name.whole()),
                FoldFault::LongWord(name) => format!("a word in {} does not fit a line of 998 octets", name.whole()),
                FoldFault::EightBit(name) => format!("8-bit text in {}", name.whole()),
            };
            Failure::new(Stage::Envelope, Cause::HeaderTooLarge, words)
        })?;
        note_written(field, &octets, changes);
        header.extend(octets);
    }
    Ok(header)
}

/// What writing a field did to it, the space behind the colon aside.
fn note_written(field: &Field, octets: &[u8], changes: &ChangeLog) {
    changes.note(|noted| {
        let text = octets.get(field.name.len() + 1..).unwrap_or_default();
        let text = text.strip_suffix(b"\r\n").unwrap_or(text).trim_ascii_start();
        let reason = match field.value.is_ascii() {
            _ if text == field.value.trim_ascii_start() => None,
            true => Some(Reason::Folded),
            false if octets.is_ascii() => Some(Reason::EightBit),
            false => Some(Reason::NeedsUtf8),
        };
        let mut after = field.clone();
        if let Some(reason) = reason {
            after.value = text.to_vec();
            noted.changes.push(Change { before: Some(field.clone()), after: Some(after.clone()), reason });
        }
        noted.leaving.push((after, octets.to_vec()));
    });
}

/// A field as it goes out, with its line end.
pub(super) fn written(field: &Field, charset: &str) -> Result<Vec<u8>, FoldFault> {
    // A field without the space behind its colon is legal, and nobody expects it.
    let value = field.value.trim_ascii_start();
    if rule_of(&field.name).is_some_and(|rule| rule.role != Role::None) {
        return written_addresses(&field.name, value, charset);
    }
    if value.is_ascii() {
        return fold(&field.name, value);
    }
    match is_structured(&field.name) {
        true => fold(&field.name, &encode_structured(value, charset)),
        false => fold(&field.name, &encode_unstructured(value, charset)),
    }
}

/// As they came where that is possible: names in 8-bit text are encoded, a list without a space in it is set anew.
fn written_addresses(name: &str, value: &[u8], charset: &str) -> Result<Vec<u8>, FoldFault> {
    let as_it_came = if value.is_ascii() { fold(name, value) } else { Err(FoldFault::EightBit(Words::from(name))) };
    if as_it_came.is_ok() {
        return as_it_came;
    }
    match parse_list(value) {
        Ok(entries) if needs_smtputf8(&entries) => fold_utf8(name, &render_list(&entries, charset)),
        Ok(entries) => fold(name, &render_list(&entries, charset)),
        Err(_) => fold(name, &encode_structured(value, charset)),
    }
}

/// Such an address cannot be written in ASCII; the message goes out with SMTPUTF8 or not at all.
fn needs_smtputf8(entries: &[Entry]) -> bool {
    entries.iter().flat_map(Entry::mailboxes).any(|mailbox| mailbox.address.needs_smtputf8())
}

/// The charset raw 8-bit header text is read in when it is not UTF-8: what the content declares, else Latin-1.
pub fn declared_charset(fields: &[Field]) -> String {
    let declared = fields.iter().find(|field| field.is("Content-Type")).and_then(|field| {
        let value = String::from_utf8_lossy(&field.unfolded()).to_ascii_lowercase();
        let charset = value.split(';').find_map(|part| part.trim().strip_prefix("charset=").map(str::to_owned))?;
        let charset = charset.trim_matches('"').to_owned();
        let token = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.:".contains(&octet);
        let good = !charset.is_empty() && charset.len() < 40 && charset.bytes().all(token);
        (good && charset != "utf-8" && charset != "us-ascii").then_some(charset)
    });
    declared.unwrap_or_else(|| "iso-8859-1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_resent_fields_gets_its_date_and_id_in_front() {
        let account = crate::fake_world::account();
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
        let account = crate::fake_world::account();
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

    #[test]
    fn latin1_is_the_last_resort() {
        let declared = |value: &str| declared_charset(&[Field::new("Content-Type", value)]);
        assert_eq!(declared("text/plain; charset=ISO-8859-15"), "iso-8859-15");
        assert_eq!(declared("text/plain; charset=\"koi8-r\"; format=flowed"), "koi8-r");
        assert_eq!(declared("text/plain; charset=utf-8"), "iso-8859-1");
        assert_eq!(declared("text/plain; charset=\"x\r\n y\""), "iso-8859-1");
        assert_eq!(declared_charset(&[]), "iso-8859-1");
    }
}
