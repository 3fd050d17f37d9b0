//! The header that goes out: fields dropped, merged, completed, local names replaced.

use std::collections::HashSet;
use std::time::SystemTime;

use time::format_description::well_known::Rfc2822;
use time::{OffsetDateTime, UtcOffset};

use crate::account::Account;
use crate::address::AddrSpec;
use crate::address::AddressFault;
use crate::address::{Entry, Mailbox, parse_list, render_list};
use crate::envelope::address_failure;
use crate::envelope::changes::{ChangeLog, Reason};
use crate::envelope::header_rules::{Role, rule_of};
use crate::envelope::local_names::LocalNames;
use crate::failure::Failure;
use crate::message::Field;
use crate::message::Replaced;
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
            let shown = entries.into_iter().map(|entry| shown_entry(entry, names)).collect::<Result<Vec<_>, _>>()?;
            let before = changes.copy(field);
            field.value = render_list(&once_each(shown), charset);
            changes.replaced(before, field, Reason::LocalNames);
        }
    }
    Ok(())
}

/// Several names may lead to one mailbox, and to the same empty group.
fn once_each(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = HashSet::new();
    let mut is_new = |address: &AddrSpec| {
        let domain = address.domain.as_ref().map(|domain| domain.to_ascii_lowercase());
        seen.insert((address.local.clone(), domain))
    };
    let mut groups = HashSet::new();
    entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Mailbox(mailbox) => is_new(&mailbox.address).then_some(Entry::Mailbox(mailbox)),
            Entry::Group { display, members } if members.is_empty() => {
                groups.insert(display.clone()).then_some(Entry::Group { display, members })
            }
            Entry::Group { display, members } => {
                let members = members.into_iter().filter(|member| is_new(&member.address)).collect();
                Some(Entry::Group { display, members })
            }
        })
        .collect()
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

/// Sees to it that no address that is shown holds a control character: written as a space it would be another mailbox.
///
/// # Errors
/// [`crate::failure::Cause::AddressControl`].
pub fn refuse_control_characters(fields: &[Field]) -> Result<(), Failure> {
    let shown = |field: &&Field| match rule_of(&field.name).map_or(Role::None, |rule| rule.role) {
        Role::Recipient | Role::ResentRecipient | Role::Shown => field.replaced == Replaced::Nothing,
        Role::Author | Role::None => false,
    };
    let faults = fields.iter().filter(shown).filter_map(|field| parse_list(&field.value).err());
    match faults.into_iter().find(|fault| matches!(fault, AddressFault::Control(_))) {
        Some(fault) => Err(address_failure(&fault)),
        None => Ok(()),
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
}
