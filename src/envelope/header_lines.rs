//! The header's fields as the lines that go out: 7-bit and folded, lists as everybody reads them alike.

use crate::address::{Entry, Form, List, read_list, render_list};
use crate::envelope::changes::{Change, ChangeLog, Reason};
use crate::envelope::header_rules::{Role, rule_of};
use crate::envelope::header_text::{FoldFault, encode_structured, encode_unstructured, fold, fold_utf8, is_structured};
use crate::failure::{Cause, Failure, Stage};
use crate::message::Field;

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
        let name = octets.split(|&octet| octet == b':').next().map_or(0, <[u8]>::len);
        let text = octets.get(name + 1..).unwrap_or_default();
        let text = text.strip_suffix(b"\r\n").unwrap_or(text).trim_ascii_start();
        let is_list = rule_of(&field.name).is_some_and(|rule| rule.role != Role::None);
        let reason = match field.value.is_ascii() {
            _ if name != field.name.len() => Some(Reason::TraceTooLong),
            _ if text == field.value.trim_ascii_start() => None,
            true if is_list && is_read_otherwise(&field.value) => Some(Reason::ReadOtherwise),
            true => Some(Reason::Folded),
            false if octets.is_ascii() => Some(Reason::EightBit),
            false => Some(Reason::NeedsUtf8),
        };
        let mut after = field.clone();
        if let Some(reason) = reason {
            after.name = String::from_utf8_lossy(octets.get(..name).unwrap_or_default()).into_owned();
            after.value = text.to_vec();
            noted.changes.push(Change { before: Some(field.clone()), after: Some(after.clone()), reason });
        }
        noted.leaving.push((after, octets.to_vec()));
    });
}

/// A trace field that fits no lines goes out under another name, as text: it stops no mail that is passed on.
pub(super) fn written(field: &Field, charset: &str) -> Result<Vec<u8>, FoldFault> {
    match written_as(&field.name, field, charset) {
        Err(FoldFault::LongWord(_)) if is_trace(&field.name) => {
            let name = format!("X-Original-{}", field.name);
            fold(&name, &encode_unstructured(field.value.trim_ascii_start(), charset))
        }
        outcome => outcome,
    }
}

fn written_as(name: &str, field: &Field, charset: &str) -> Result<Vec<u8>, FoldFault> {
    // A field without the space behind its colon is legal, and nobody expects it.
    let value = field.value.trim_ascii_start();
    if rule_of(name).is_some_and(|rule| rule.role != Role::None) {
        return written_addresses(name, value, charset);
    }
    if value.is_ascii() {
        return fold(name, value);
    }
    match is_structured(name) {
        true => fold(name, &encode_structured(value, charset)),
        false => fold(name, &encode_unstructured(value, charset)),
    }
}

/// What servers on the way wrote (RFC 5321 section 4.4, RFC 8601, RFC 8617, RFC 6376): nothing here depends on it.
fn is_trace(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let plain = ["received", "received-spf", "authentication-results", "dkim-signature", "domainkey-signature"];
    plain.contains(&name.as_str())
        || name.starts_with("arc-")
        || ["delivered-to", "x-original-to", "original-recipient", "delivery-date"].contains(&name.as_str())
}

/// As they came where everybody reads them alike; else they are set anew, names in 8-bit text encoded.
fn written_addresses(name: &str, value: &[u8], charset: &str) -> Result<Vec<u8>, FoldFault> {
    let list = read_list(value);
    if value.is_ascii()
        && !list.as_ref().is_ok_and(is_set_anew)
        && let Ok(as_it_came) = fold(name, value)
    {
        return Ok(as_it_came);
    }
    match list {
        Ok(List { entries, .. }) if needs_smtputf8(&entries) => fold_utf8(name, &render_list(&entries, charset)),
        Ok(List { entries, .. }) => fold(name, &render_list(&entries, charset)),
        Err(_) => fold(name, &encode_structured(value, charset)),
    }
}

/// Whether others could find other addresses in the list than we did.
fn is_set_anew(list: &List) -> bool {
    list.form == Form::Loose && !list.entries.is_empty()
}

fn is_read_otherwise(value: &[u8]) -> bool {
    read_list(value).as_ref().is_ok_and(is_set_anew)
}

/// Such an address cannot be written in ASCII; the message goes out with SMTPUTF8 or not at all.
fn needs_smtputf8(entries: &[Entry]) -> bool {
    entries.iter().flat_map(Entry::mailboxes).any(|mailbox| mailbox.address.needs_smtputf8())
}
