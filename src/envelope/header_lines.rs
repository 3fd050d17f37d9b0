//! The message's own header as the lines that go out, and what became of each field on the way.

use crate::envelope::changes::{Change, ChangeLog, Reason};
use crate::envelope::field_writer::{
    RawText, can_be_decoded, is_read_otherwise, raw_text, write_field, write_under_its_name,
};
use crate::failure::{Cause, Failure, Stage};
use crate::header_text::FoldFault;
use crate::message::Field;

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
        let name = octets.split(|&octet| octet == b':').next().map_or(0, <[u8]>::len);
        let text = octets.get(name + 1..).unwrap_or_default();
        let text = text.strip_suffix(b"\r\n").unwrap_or(text).trim_ascii_start();
        let reason = match field.value.is_ascii() {
            _ if name != field.name.len() => Some(Reason::TraceTooLong),
            _ if text == field.value.trim_ascii_start() && octets.is_ascii() => None,
            true if is_read_otherwise(&field.name, &field.value) => Some(Reason::ReadOtherwise),
            true => Some(Reason::Folded),
            false => Some(match raw_text(&field.name, octets) {
                RawText::None => Reason::EightBit,
                RawText::Utf8 => Reason::NeedsUtf8,
                RawText::EightBit => Reason::StaysEightBit,
            }),
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

/// Writes fields anew whose raw text no reader of US-ASCII may look at, before anybody does: in ISO-2022, and in
/// charsets with quotes and parentheses inside characters.
pub(super) fn decode_alphabets(fields: &mut [Field], charset: &str, changes: &ChangeLog) {
    for field in fields {
        if !can_be_decoded(&field.name, &field.value, charset) {
            continue;
        }
        let Ok(written) = write_under_its_name(&field.name, &field.value, charset) else { continue };
        let value = written.get(field.name.len() + 1..).unwrap_or_default();
        let before = changes.copy(field);
        field.value = value.strip_suffix(b"\r\n").unwrap_or(value).to_vec();
        changes.replaced(before, field, Reason::EightBit);
    }
}
