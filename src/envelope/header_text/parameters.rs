//! Structured fields with raw 8-bit text in them, which programs write where the standards have encodings: parameters
//! (RFC 2231) and comments (RFC 2047 section 5 (2)).

use super::characters::character_length;
use super::encoded_words::{Place, encode, label};
use super::lines::{Piece, flattened, is_space, pieces};

/// How much of a parameter's value goes into one section, so that it fits a line with its name.
const SECTION: usize = 50;

/// `value` of a field such as Content-Type, Content-Disposition or Received in US-ASCII: 8-bit text in a parameter
/// (`filename="Größe.pdf"`) becomes RFC 2231's form, in a comment or a word of its own encoded words, anywhere else a
/// question mark. A value in US-ASCII stays as it is. Not for fields with addresses: [`crate::address::render_list`] writes those.
pub fn encode_structured(value: &[u8], charset: &str) -> Vec<u8> {
    if value.is_ascii() {
        return value.to_vec();
    }
    let line = flattened(value);
    let charset = label(&line, charset);
    let mut text = Vec::new();
    for part in parts(&line) {
        match part {
            _ if part.is_ascii() => text.extend_from_slice(part),
            [b'(', ..] => write_comment(&mut text, part, charset),
            [b';', rest @ ..] => match parameter(rest) {
                Some((name, content)) => write_parameter(&mut text, name, &content, charset),
                None => write_words(&mut text, part, charset),
            },
            _ => write_words(&mut text, part, charset),
        }
    }
    text
}

/// Cuts before each `;`, and around each comment, outside quoted strings.
fn parts(line: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_usize, false, false);
    for (at, octet) in line.iter().enumerate() {
        let mut cut = None;
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => {
                cut = (depth == 0).then_some(at);
                depth += 1;
            }
            b')' if depth > 0 => {
                depth -= 1;
                cut = (depth == 0).then_some(at + 1);
            }
            b';' if !quoted && depth == 0 => cut = Some(at),
            _ => {}
        }
        if let Some(end) = cut {
            parts.push(line.get(start..end).unwrap_or_default());
            start = end;
        }
    }
    parts.push(line.get(start..).unwrap_or_default());
    parts
}

/// `name=value` or `name="value"`: the name, and the value unquoted.
fn parameter(text: &[u8]) -> Option<(&str, Vec<u8>)> {
    let equals = text.iter().position(|&octet| octet == b'=')?;
    let (name, value) = text.split_at_checked(equals)?;
    let name = std::str::from_utf8(name.trim_ascii()).ok()?;
    let is_plain_name = name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'));
    let value = value.get(1..)?.trim_ascii();
    let Some(quoted) = value.strip_prefix(b"\"") else {
        return is_plain_name.then(|| (name, value.to_vec()));
    };
    let mut content = Vec::new();
    let mut octets = quoted.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            b'"' => break,
            b'\\' => content.extend(octets.next()),
            _ => content.push(octet),
        }
    }
    (is_plain_name && octets.next().is_none()).then_some((name, content))
}

/// RFC 2231 sections 3 and 4: percent-encoded with its charset, in numbered sections when it is long.
fn write_parameter(text: &mut Vec<u8>, name: &str, content: &[u8], charset: &str) {
    let mut sections = vec![String::new()];
    let mut rest = content;
    while !rest.is_empty() {
        let length = character_length(rest, charset).max(1);
        let (character, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let encoded: String = character.iter().map(percent_encoded).collect();
        match sections.last_mut() {
            Some(section) if section.len() + encoded.len() <= SECTION => section.push_str(&encoded),
            _ => sections.push(encoded),
        }
        rest = after;
    }
    let only = sections.len() == 1;
    for (count, section) in sections.iter().enumerate() {
        let number = if only { String::new() } else { format!("*{count}") };
        let charset = if count == 0 { format!("{charset}''") } else { String::new() };
        text.extend_from_slice(format!("; {name}{number}*={charset}{section}").as_bytes());
    }
}

fn percent_encoded(octet: &u8) -> String {
    // RFC 2231 section 7, attribute-char.
    if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(octet) {
        char::from(*octet).to_string()
    } else {
        format!("%{octet:02X}")
    }
}

fn write_comment(text: &mut Vec<u8>, comment: &[u8], charset: &str) {
    let inside = comment.strip_prefix(b"(").unwrap_or(comment);
    let inside = inside.strip_suffix(b")").unwrap_or(inside);
    text.push(b'(');
    text.extend_from_slice(encode(inside, charset, Place::Phrase).join(" ").as_bytes());
    text.push(b')');
}

/// A word on its own becomes an encoded word: that is what it would be in a phrase. One with a mark of the syntax in it
/// cannot be one.
fn write_words(text: &mut Vec<u8>, part: &[u8], charset: &str) {
    let mut after_encoded = false;
    for Piece { gap, word } in pieces(part) {
        let is_phrase = !word.is_ascii() && !word.iter().any(|octet| b"<>@,;:\"()[]\\=".contains(octet));
        text.extend_from_slice(&gap);
        if is_phrase {
            // The space between two encoded words is dropped by whoever decodes them.
            let spaced = if after_encoded { [b" ", word.as_slice()].concat() } else { word };
            text.extend_from_slice(encode(&spaced, charset, Place::Phrase).join(" ").as_bytes());
        } else {
            text.extend(word.iter().map(masked));
        }
        after_encoded = is_phrase;
    }
    text.extend(part.iter().rev().take_while(|octet| is_space(**octet)));
}

fn masked(octet: &u8) -> u8 {
    if octet.is_ascii() { *octet } else { b'?' }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fold;
    use super::*;

    #[test]
    fn what_programs_write() {
        let cases: &[(&[u8], &str)] = &[
            (b"text/plain; charset=utf-8", "text/plain; charset=utf-8"),
            (
                "attachment; filename=\"Größe; 1.pdf\"; size=3".as_bytes(),
                "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%3B%201.pdf; size=3",
            ),
            (b"text/plain;\r\n name=\"a\\\"\xfc\"", "text/plain; name*=iso-8859-1''a%22%FC"),
            ("attachment; filename=Größe.pdf".as_bytes(), "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf"),
            ("from x (Jörgenson) by y; Thu".as_bytes(), "from x (=?utf-8?Q?J=C3=B6rgenson?=) by y; Thu"),
            ("from ü.org by y".as_bytes(), "from =?utf-8?B?w7wub3Jn?= by y"),
            ("Größe <ü.example>".as_bytes(), "=?utf-8?B?R3LDtsOfZQ==?= <??.example>"),
            ("Jörg Müller".as_bytes(), "=?utf-8?B?SsO2cmc=?= =?utf-8?Q?_M=C3=BCller?="),
            ("Jörg <<x (a) ".as_bytes(), "=?utf-8?B?SsO2cmc=?= <<x (a) "),
            ("a; filename=\"ü\" x".as_bytes(), "a; filename=\"??\" x"),
        ];
        for (input, expected) in cases {
            assert_eq!(String::from_utf8(encode_structured(input, "iso-8859-1")).unwrap(), *expected);
        }
        let long = format!("attachment; filename=\"{}\"", "ü".repeat(20));
        assert_eq!(
            String::from_utf8(encode_structured(long.as_bytes(), "")).unwrap(),
            format!(
                "attachment; filename*0*=utf-8''{}; filename*1*={}; filename*2*={}",
                "%C3%BC".repeat(8),
                "%C3%BC".repeat(8),
                "%C3%BC".repeat(4)
            )
        );
    }

    proptest! {
        #[test]
        fn it_is_always_ascii(value in "[a-z;=\"()\\\\ ü\r\n\0]{0,60}") {
            let encoded = encode_structured(value.as_bytes(), "");
            prop_assert!(encoded.is_ascii());
            prop_assert!(fold("Content-Type", &encoded).is_ok());
        }
    }
}
