//! Header fields inside a body, and the MIME fields of the message: raw 8-bit text, long lines, labels.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::{memchr, memchr_iter};

use super::LINE;
use super::entity::{Encoding, Facts, Parameter, parse};
use super::plan::Decision;
use crate::address::{parse_list, render_list};
use crate::envelope::header_rules::{Role, rule_of};
use crate::envelope::header_text::encode_structured;
use crate::envelope::{ChangeLog, Reason};
use crate::message::Field;

/// Octets per encoded word: 56 of base64 and `=?iso-8859-1?B??=` stay under 75 (RFC 2047 section 2).
const WORD: usize = 42;

/// Octets of text per RFC 2231 segment, each up to three on the line.
const SEGMENT: usize = 20;

/// Fields whose body is free text, where encoded words may stand (RFC 2047 section 5). `X-` fields count too.
const UNSTRUCTURED: [&str; 5] = ["Subject", "Comments", "Content-Description", "Thread-Topic", "Organization"];

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
pub(super) fn is(field: &[u8], name: &str) -> bool {
    split(field).is_some_and(|(found, _)| found.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()))
}

/// Name and value, without the colon.
fn split(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', field)?;
    Some((field.get(..colon)?, field.get(colon + 1..)?))
}

/// A whole field as it may go out: US-ASCII, no control characters that end lines, no line over 998 octets.
pub(super) fn fixed(raw: &[u8]) -> Cow<'_, [u8]> {
    if is_clean(raw) {
        return Cow::Borrowed(raw);
    }
    let raw = without_control(raw);
    let seven_bit = if raw.is_ascii() { raw } else { encoded(&raw) };
    Cow::Owned(folded(&seven_bit))
}

fn is_clean(raw: &[u8]) -> bool {
    raw.is_ascii()
        && memchr(0, raw).is_none()
        && lines(raw).all(|line| line.len() <= LINE && memchr(b'\r', line).is_none())
}

fn lines(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split_inclusive(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r\n").unwrap_or(line))
}

/// NUL and bare CR become spaces, as they do in the message's own header.
fn without_control(raw: &[u8]) -> Vec<u8> {
    let mut clean = raw.to_vec();
    let bare: Vec<usize> =
        memchr_iter(b'\r', raw).filter(|&at| raw.get(at + 1) != Some(&b'\n')).chain(memchr_iter(0, raw)).collect();
    for at in bare {
        if let Some(octet) = clean.get_mut(at) {
            *octet = b' ';
        }
    }
    clean
}

fn encoded(raw: &[u8]) -> Vec<u8> {
    let Some((name, value)) = split(raw) else { return questioned(raw) };
    let label = name.trim_ascii_end();
    let named = |known: &str| label.eq_ignore_ascii_case(known.as_bytes());
    let mut field = [name, b":"].concat();
    if UNSTRUCTURED.into_iter().any(named) || label.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"X-")) {
        encode_words(value, &mut field);
    } else if named("Content-Type") || named("Content-Disposition") {
        // An open quote must not swallow the field's end.
        let (value, end) = value.strip_suffix(b"\r\n").map_or((value, &b""[..]), |value| (value, b"\r\n"));
        encode_parameters(value, &mut field);
        field.extend_from_slice(end);
    } else {
        let (value, end) = value.strip_suffix(b"\r\n").map_or((value, &b""[..]), |value| (value, b"\r\n"));
        field.push(b' ');
        field.extend(structured(label, value));
        field.extend_from_slice(end);
    }
    field
}

/// Names beside addresses, comments and words of their own become encoded words, as in the message's own header.
fn structured(name: &[u8], value: &[u8]) -> Vec<u8> {
    let charset = charset(value);
    let value = value.trim_ascii();
    let holds_addresses = std::str::from_utf8(name).ok().and_then(rule_of).is_some_and(|rule| rule.role != Role::None);
    let list = if holds_addresses { parse_list(value).ok() } else { None };
    let rendered = list.map(|entries| render_list(&entries, charset)).filter(|text| text.is_ascii());
    rendered.unwrap_or_else(|| encode_structured(value, charset))
}

fn questioned(octets: &[u8]) -> Vec<u8> {
    octets.iter().map(|&octet| if octet.is_ascii() { octet } else { b'?' }).collect()
}

/// Raw 8-bit text is UTF-8 when it can be, else somebody's Latin-1.
fn charset(octets: &[u8]) -> &'static str {
    if std::str::from_utf8(octets).is_ok() { "utf-8" } else { "iso-8859-1" }
}

/// Cuts text into pieces of at most `size` octets, never inside a character.
fn chunks(text: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    let utf8 = std::str::from_utf8(text).is_ok();
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = size.min(rest.len());
        while utf8 && end > 1 && rest.get(end).is_some_and(|octet| octet & 0xc0 == 0x80) {
            end -= 1;
        }
        let (chunk, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(chunk)
    })
}

/// SafeText with 8-bit octets, and the space between two such, become encoded words (RFC 2047); the rest stays.
fn encode_words(value: &[u8], field: &mut Vec<u8>) {
    let charset = charset(value);
    let mut run: Vec<u8> = Vec::new();
    let mut rest = value;
    loop {
        let gap = rest.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
        let (before, after) = rest.split_at_checked(gap).unwrap_or((rest, b""));
        let length = after.iter().take_while(|octet| !octet.is_ascii_whitespace()).count();
        let (word, after) = after.split_at_checked(length).unwrap_or((after, b""));
        rest = after;
        if !word.is_ascii() {
            if run.is_empty() {
                field.extend_from_slice(before);
            } else {
                run.extend(before.iter().filter(|&&octet| octet != b'\r' && octet != b'\n'));
            }
            run.extend_from_slice(word);
            continue;
        }
        if !run.is_empty() {
            for (index, chunk) in chunks(&run, WORD).enumerate() {
                let between = if index == 0 { "" } else { "\r\n " };
                field.extend(format!("{between}=?{charset}?B?{}?=", STANDARD.encode(chunk)).bytes());
            }
            run.clear();
        }
        field.extend_from_slice(before);
        field.extend_from_slice(word);
        if rest.is_empty() && word.is_empty() {
            return;
        }
    }
}

/// Parameter values with 8-bit octets are written as RFC 2231 has it; anything else 8-bit becomes `?`.
fn encode_parameters(value: &[u8], field: &mut Vec<u8>) {
    let (_, parameters) = parse(value);
    let mut done = 0;
    for parameter in &parameters {
        let extended = parameters.iter().any(|other| other.name.strip_prefix(&parameter.name) == Some("*"));
        if parameter.value.is_ascii() || !parameter.name.is_ascii() || parameter.name.contains('*') || extended {
            continue;
        }
        field.extend(questioned(value.get(done..parameter.span.start).unwrap_or_default()));
        extend_parameter(parameter, field);
        done = parameter.span.end;
    }
    field.extend(questioned(value.get(done..).unwrap_or_default()));
}

fn extend_parameter(parameter: &Parameter, field: &mut Vec<u8>) {
    let charset = charset(&parameter.value);
    let name = &parameter.name;
    let segments: Vec<String> = chunks(&parameter.value, SEGMENT).map(percent_encoded).collect();
    match segments.as_slice() {
        [only] => field.extend(format!("{name}*={charset}''{only}").bytes()),
        several => {
            for (index, segment) in several.iter().enumerate() {
                let before =
                    if index == 0 { format!("{name}*0*={charset}''") } else { format!(";\r\n {name}*{index}*=") };
                field.extend(before.bytes());
                field.extend(segment.bytes());
            }
        }
    }
}

fn percent_encoded(octets: &[u8]) -> String {
    octets
        .iter()
        .map(|&octet| match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(octet).to_string(),
            _ => format!("%{octet:02X}"),
        })
        .collect()
}

/// Breaks lines over 998 octets: before white space, after a semicolon outside quotes, or where the line is full.
fn folded(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len() + 16);
    for line in field.split_inclusive(|&octet| octet == b'\n') {
        let mut rest = line;
        while rest.strip_suffix(b"\r\n").unwrap_or(rest).len() > LINE {
            let (end, space) = fold_at(rest);
            out.extend_from_slice(rest.get(..end).unwrap_or_default());
            out.extend_from_slice(if space { b"\r\n" } else { b"\r\n " });
            rest = rest.get(end..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    }
    out
}

/// Where a long line may be broken, and whether white space follows there.
fn fold_at(line: &[u8]) -> (usize, bool) {
    let mut best = None;
    let mut quoted = false;
    let mut text = false;
    // One octet less than allowed: what follows may need a space of its own.
    for (at, &octet) in line.iter().enumerate().take(LINE - 1) {
        match octet {
            b' ' | b'\t' if text => best = Some((at, true)),
            b';' if !quoted => best = Some((at + 1, line.get(at + 1).is_some_and(|next| matches!(next, b' ' | b'\t')))),
            b'"' => quoted = !quoted,
            _ => {}
        }
        text |= octet != b' ' && octet != b'\t';
    }
    best.unwrap_or((LINE - 1, false))
}

/// A Content-Type with a charset parameter; `field` is a whole field with its line end.
pub(super) fn with_charset(field: &[u8], charset: &str) -> Vec<u8> {
    let mut value = field.trim_ascii_end();
    value = value.strip_suffix(b";").unwrap_or(value);
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
    if let Some(charset) = root.charset {
        let with = |value: Option<&[u8]>| match value {
            Some(value) => with_charset(value, charset).trim_ascii_end().to_vec(),
            None => format!(" text/plain; charset={charset}").into_bytes(),
        };
        set(fields, "Content-Type", with, Reason::Charset(charset), changes);
    }
    if let Some(label) = root.label {
        set_encoding(fields, label, changes);
    }
    if root.coding.is_some() {
        keep_first(fields, "Content-Type", changes);
    }
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
