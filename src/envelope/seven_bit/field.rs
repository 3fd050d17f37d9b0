//! Header fields inside a body, and the MIME fields of the message: raw 8-bit text, long lines, labels.

use std::borrow::Cow;

use memchr::memchr;

use super::LINE;
use super::entity::{Encoding, Facts};
use super::plan::Decision;
use crate::envelope::field_writer::write_field;
use crate::envelope::{ChangeLog, Reason};
use crate::header_text::{Parameters, has_iso_2022};
use crate::message::Field;

/// Whether a field starts here: a name and a colon. A stored message may start with an mbox "From " line.
pub(super) fn starts(line: &[u8], first_of_message: bool) -> bool {
    if first_of_message && (line.starts_with(b"From ") || line.starts_with(b">From ")) {
        return true;
    }
    let Some(colon) = memchr(b':', line) else { return false };
    let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// Whether a whole field has this name.
pub(super) fn is(field: &[u8], wanted: &str) -> bool {
    name(field).is_some_and(|found| found.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// A whole field's name.
pub(super) fn name(field: &[u8]) -> Option<&[u8]> {
    Some(field.get(..memchr(b':', field)?)?.trim_ascii_end())
}

/// What stands behind its colon, the line end included.
pub(super) fn value(field: &[u8]) -> Option<&[u8]> {
    field.get(memchr(b':', field)? + 1..)
}

/// A whole field as it may go out, as the message's own fields do. `None` where it cannot: a word fits no line.
pub(super) fn fixed<'f>(raw: &'f [u8], charset: &str) -> Option<Cow<'f, [u8]>> {
    if is_clean(raw) {
        return Some(Cow::Borrowed(raw));
    }
    let name = name(raw).and_then(|name| std::str::from_utf8(name).ok()).filter(|name| !name.contains(' '));
    let Some((name, value)) = name.zip(value(raw)) else {
        // A mailbox's "From " line.
        return fits(raw).then_some(Cow::Borrowed(raw));
    };
    write_field(name, value.trim_ascii_end(), charset).ok().map(Cow::Owned)
}

fn is_clean(raw: &[u8]) -> bool {
    raw.is_ascii() && fits(raw) && !has_iso_2022(raw)
}

/// No control characters that end lines, no line over 998 octets.
fn fits(raw: &[u8]) -> bool {
    memchr(0, raw).is_none() && lines(raw).all(|line| line.len() <= LINE && memchr(b'\r', line).is_none())
}

fn lines(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split_inclusive(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r\n").unwrap_or(line))
}

/// A Content-Type with another type; `field` is a whole field.
pub(super) fn retyped(field: &[u8], media: &str) -> Vec<u8> {
    let (name, value) = (name(field).unwrap_or_default(), value(field).unwrap_or_default());
    let span = Parameters::read(value).head_span;
    let (before, after) = (value.get(..span.start).unwrap_or_default(), value.get(span.end..).unwrap_or_default());
    [name, b":", before, media.as_bytes(), after].concat()
}

/// A Content-Type with a charset parameter; `field` is a whole field with its line end.
pub(super) fn with_charset(field: &[u8], charset: &str) -> Vec<u8> {
    let end = field.trim_ascii_end();
    let (name, value) = (name(end).unwrap_or_default(), value(end).unwrap_or_default());
    let read = Parameters::read(value);
    if !read.is_closed {
        // Behind what is open there it would be part of that.
        let (head, rest) = value.split_at_checked(read.head_span.end).unwrap_or((value, b""));
        return [name, b":", head, b"; charset=", charset.as_bytes(), rest, b"\r\n"].concat();
    }
    let value = end.strip_suffix(b";").unwrap_or(end);
    let last_line = value.rsplit(|&octet| octet == b'\n').next().map_or(0, <[u8]>::len);
    let between = if last_line > 54 { ";\r\n " } else { "; " };
    [value, between.as_bytes(), b"charset=", charset.as_bytes(), b"\r\n"].concat()
}

/// Puts the message's own MIME fields right.
pub(super) fn apply(fields: &mut Vec<Field>, root: &Decision, facts: &Facts, changes: &ChangeLog) {
    if !root.changed {
        return;
    }
    if !facts.mime_version {
        set(fields, "MIME-Version", |_| b" 1.0".to_vec(), Reason::EncodedContent, changes);
    }
    if let Some(charset) = &root.charset {
        let with = |value: Option<&[u8]>| match value {
            Some(value) => of_value(value, |field| with_charset(field, charset)),
            None => format!(" text/plain; charset={charset}").into_bytes(),
        };
        set(fields, "Content-Type", with, Reason::Charset(charset.clone()), changes);
    }
    if let Some(media) = root.media {
        let with = |value: Option<&[u8]>| of_value(value.unwrap_or_default(), |field| retyped(field, media));
        set(fields, "Content-Type", with, Reason::Label(media), changes);
    }
    if let Some(label) = root.label {
        set_encoding(fields, label, changes);
    }
    if root.coding.is_some() {
        keep_first(fields, "Content-Type", changes);
    }
}

/// The value of what becomes of a Content-Type of this value.
fn of_value(old: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let field = change(&[b"Content-Type:", old].concat());
    value(&field).unwrap_or_default().trim_ascii_end().to_vec()
}

/// Makes Content-Transfer-Encoding say `encoding`, once.
pub(super) fn set_encoding(fields: &mut Vec<Field>, encoding: Encoding, changes: &ChangeLog) {
    let value = |_: Option<&[u8]>| format!(" {}", encoding.name()).into_bytes();
    set(fields, "Content-Transfer-Encoding", value, Reason::Label(encoding.name()), changes);
    keep_first(fields, "Content-Transfer-Encoding", changes);
}

/// Gives the first field of this name a new value, made of the old one, or adds it.
fn set(
    fields: &mut Vec<Field>,
    name: &str,
    value: impl FnOnce(Option<&[u8]>) -> Vec<u8>,
    reason: Reason,
    changes: &ChangeLog,
) {
    match fields.iter_mut().find(|field| field.is(name)) {
        Some(field) => {
            let before = changes.copy(field);
            field.value = value(Some(&field.value));
            changes.replaced(before, field, reason);
        }
        None => {
            let field = Field::new(name, value(None));
            changes.added(&field, reason);
            fields.push(field);
        }
    }
}

fn keep_first(fields: &mut Vec<Field>, name: &str, changes: &ChangeLog) {
    let first = std::cell::Cell::new(true);
    changes.retain(fields, &Reason::Repeated, |field| !field.is(name) || first.take());
}
