//! Structured fields with raw 8-bit text in them, which programs write where the standards have encodings: parameters
//! (RFC 2231), comments and phrases (RFC 2047 section 5). What has none stays as it is.

use std::ops::Range;

use super::characters::character_length;
use super::disguise::revealed;
use super::encoded_words::{Place, encode, label};
use super::iso_2022;
use super::lines::{SpacedWord, pieces};
use super::parameters::{Parameter, Parameters};
use super::phrase::encode_phrase;
use super::raw::Raw;
use super::structured::Syntax;

/// How much of a parameter's value goes into one section, so that it fits a line with its name.
const SECTION: usize = 50;

/// A longer value of a parameter is written in sections: it might fit no line.
const LONGEST: usize = 900;

/// `value` of a structured field with its raw text encoded where its syntax allows that. Raw text elsewhere stays; a
/// value in US-ASCII stays as it is. Lists of addresses are for [`crate::address::render_list`]; what comes here of them
/// could not be read.
pub(crate) fn encode_structured(value: &[u8], syntax: Syntax, charset: &str) -> Vec<u8> {
    let Raw { line, charset } = Raw::read(value, charset);
    let is_plain = line.is_ascii() && value.is_ascii();
    if syntax == Syntax::Parameters {
        let read = Parameters::read(&line);
        let stays = is_plain && !read.list.iter().any(is_to_be_encoded);
        return if stays { value.to_vec() } else { with_parameters(&line, &read, charset) };
    }
    if is_plain {
        return value.to_vec();
    }
    let is_phrase = matches!(syntax, Syntax::Addresses | Syntax::Phrases | Syntax::Text);
    let mut text = Vec::new();
    write_between(&mut text, &line, is_phrase, charset);
    revealed(&text, charset).into_owned()
}

/// What takes the place of something in a value.
struct Edit {
    span: Range<usize>,
    /// `None` when it goes, with the semicolon before it.
    text: Option<String>,
}

fn with_parameters(line: &[u8], read: &Parameters, charset: &str) -> Vec<u8> {
    let extended: std::collections::HashSet<&str> =
        read.list.iter().filter(|parameter| parameter.is_extended).map(|parameter| parameter.name.as_str()).collect();
    let mut edits: Vec<Edit> = Vec::new();
    for parameter in read.list.iter().filter(|parameter| is_to_be_encoded(parameter)) {
        // Whoever reads the extended form takes that one (RFC 6266 section 4.3).
        let is_said_twice = !parameter.is_extended && extended.contains(parameter.name.as_str());
        let mut text = (!is_said_twice).then(|| written(parameter, charset));
        edits.extend(parameter.spans.iter().map(|span| Edit { span: span.clone(), text: text.take() }));
    }
    edits.sort_by_key(|edit| edit.span.start);
    let mut text = Vec::new();
    let mut done = 0;
    for edit in edits {
        write_between(&mut text, line.get(done..edit.span.start).unwrap_or_default(), false, charset);
        match edit.text {
            Some(new) => {
                text.extend_from_slice(new.as_bytes());
                // Behind the quotation mark that goes, something may have stood without a semicolon.
                let rest = line.get(edit.span.end..).unwrap_or_default().trim_ascii_start();
                text.extend((!matches!(rest, [] | [b';', ..])).then_some(b';'));
            }
            None => {
                let kept = text.trim_ascii_end();
                let kept = kept.strip_suffix(b";").unwrap_or(kept).len();
                text.truncate(kept);
            }
        }
        done = edit.span.end;
    }
    write_between(&mut text, line.get(done..).unwrap_or_default(), false, charset);
    revealed(&text, charset).into_owned()
}

/// A boundary is compared octet for octet, and few read an encoded one.
fn is_to_be_encoded(parameter: &Parameter) -> bool {
    let is_name = !parameter.name.is_empty()
        && parameter.name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'));
    is_name && parameter.name != "boundary" && (parameter.is_raw || parameter.value.len() > LONGEST)
}

/// RFC 2231 sections 3 and 4: percent-encoded with its charset, in numbered sections when it is long.
fn written(parameter: &Parameter, charset: &str) -> String {
    let octets = revealed(&parameter.value, charset);
    let charset = match &parameter.charset {
        Some(own) => own.as_str(),
        None if octets.len() == parameter.value.len() => label(&octets, charset),
        None => charset,
    };
    let name = &parameter.name;
    let sections = sections(&octets, charset);
    if let [only] = sections.as_slice() {
        return format!("{name}*={charset}''{only}");
    }
    let numbered = sections.iter().enumerate().map(|(number, section)| match number {
        0 => format!("{name}*0*={charset}''{section}"),
        _ => format!("{name}*{number}*={section}"),
    });
    numbered.collect::<Vec<_>>().join("; ")
}

fn sections(octets: &[u8], charset: &str) -> Vec<String> {
    if iso_2022::is_name(charset) {
        let chunks = iso_2022::chunks(octets, SECTION / 3);
        return chunks.iter().map(|chunk| chunk.iter().map(percent_encoded).collect()).collect();
    }
    let mut sections = vec![String::new()];
    let mut rest = octets;
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
    sections
}

fn percent_encoded(octet: &u8) -> String {
    // RFC 2231 section 7, attribute-char.
    if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(octet) {
        char::from(*octet).to_string()
    } else {
        format!("%{octet:02X}")
    }
}

/// Writes text in which comments are encoded, and where it `is_phrase` words and quoted strings of their own.
fn write_between(text: &mut Vec<u8>, line: &[u8], is_phrase: bool, charset: &str) {
    if line.is_ascii() {
        return text.extend_from_slice(line);
    }
    for part in parts(line) {
        let octets = line.get(part.span.clone()).unwrap_or_default();
        match part.kind {
            _ if octets.is_ascii() => text.extend_from_slice(octets),
            Kind::Comment => write_comment(text, octets, charset),
            Kind::Quoted if is_phrase && line.get(part.span.end) != Some(&b'@') => {
                text.extend_from_slice(encode_phrase(&unquoted(octets), charset).as_bytes());
            }
            Kind::Other if is_phrase => write_words(text, octets, charset),
            Kind::Quoted | Kind::Other => text.extend_from_slice(octets),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Comment,
    Quoted,
    Other,
}

struct Part {
    kind: Kind,
    span: Range<usize>,
}

/// Cuts around each comment and each quoted string.
fn parts(line: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_usize, false, false);
    let mut cut = |end: usize, kind: Kind| {
        parts.push(Part { kind, span: start..end });
        start = end;
    };
    for (at, octet) in line.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => {
                if quoted {
                    cut(at + 1, Kind::Quoted)
                } else {
                    cut(at, Kind::Other)
                }
                quoted = !quoted;
            }
            b'(' if !quoted => {
                if depth == 0 {
                    cut(at, Kind::Other);
                }
                depth += 1;
            }
            b')' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    cut(at + 1, Kind::Comment);
                }
            }
            _ => {}
        }
    }
    // What is never closed is no comment and no quoted string.
    cut(line.len(), Kind::Other);
    parts
}

fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let inside = quoted.strip_prefix(b"\"").unwrap_or(quoted);
    let inside = inside.strip_suffix(b"\"").unwrap_or(inside);
    let mut content = Vec::with_capacity(inside.len());
    let mut octets = inside.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        let quoted = octets.next_if(|next| octet == b'\\' && matches!(next, b'"' | b'\\'));
        content.push(quoted.unwrap_or(octet));
    }
    content
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
    for SpacedWord { gap, word } in pieces(part) {
        let is_phrase = !word.is_ascii() && !word.iter().any(|octet| b"<>@,;:\"()[]\\=".contains(octet));
        text.extend_from_slice(&gap);
        if is_phrase {
            // The space between two encoded words is dropped by whoever decodes them.
            let spaced = if after_encoded { [b" ", word.as_slice()].concat() } else { word };
            text.extend_from_slice(encode(&spaced, charset, Place::Phrase).join(" ").as_bytes());
        } else {
            text.extend_from_slice(&word);
        }
        after_encoded = is_phrase;
    }
    text.extend(part.iter().rev().take_while(|octet| matches!(octet, b' ' | b'\t')));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fold;
    use super::*;

    #[test]
    fn what_programs_write() {
        use Syntax::{Addresses, Marks, Parameters, Phrases};
        let cases: &[(Syntax, &[u8], &[u8])] = &[
            (Parameters, b"text/plain;\r\n\tcharset=utf-8", b"text/plain;\r\n\tcharset=utf-8"),
            (
                Parameters,
                "attachment; filename=\"Größe; 1.pdf\"; size=3".as_bytes(),
                b"attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%3B%201.pdf; size=3",
            ),
            (Parameters, b"text/plain;\r\n name=\"a\\\"\xfc\"", b"text/plain; name*=iso-8859-1''a%22%FC"),
            (Parameters, "a; n=Größe 1.pdf".as_bytes(), b"a; n*=utf-8''Gr%C3%B6%C3%9Fe%201.pdf"),
            (Parameters, "a; filename=\"ü\" x".as_bytes(), b"a; filename*=utf-8''%C3%BC; x"),
            (Parameters, "a; n*=utf-8''ü%41; x".as_bytes(), b"a; n*=utf-8''%C3%BCA; x"),
            (Parameters, "a; n*0=ü; x=1; n*1=b".as_bytes(), b"a; n*=utf-8''%C3%BCb; x=1"),
            (Parameters, "a; n=\"ü\"; n*=utf-8''%C3%BC".as_bytes(), b"a; n*=utf-8''%C3%BC"),
            (Parameters, "a; n=\"=?utf-8?Q?ü?=\"".as_bytes(), b"a; n=\"=?utf-8?B?w7w=?=\""),
            (Parameters, "a; boundary=\"ü\" (ü)".as_bytes(), "a; boundary=\"ü\" (=?utf-8?B?w7w=?=)".as_bytes()),
            (Parameters, b"a; n=\x1b$B4A\x1b(B.x", b"a; n*=iso-2022-jp''%1B$B4A%1B%28B.x"),
            (Marks, "from x (Jörgenson) by y; Thu".as_bytes(), b"from x (=?utf-8?Q?J=C3=B6rgenson?=) by y; Thu"),
            (Addresses, "Größe <ü.example>".as_bytes(), "=?utf-8?B?R3LDtsOfZQ==?= <ü.example>".as_bytes()),
            (Phrases, "\"Größe x\" <a.b>".as_bytes(), b"=?utf-8?B?R3LDtsOfZSB4?= <a.b>"),
            (Phrases, "Jörg Müller".as_bytes(), b"=?utf-8?B?SsO2cmc=?= =?utf-8?Q?_M=C3=BCller?="),
        ];
        for (syntax, input, expected) in cases {
            let output = encode_structured(input, *syntax, "iso-8859-1");
            assert_eq!(output.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
        let long = format!("attachment; filename=\"{}\"", "ü".repeat(20));
        assert_eq!(
            String::from_utf8(encode_structured(long.as_bytes(), Parameters, "")).unwrap(),
            format!(
                "attachment; filename*0*=utf-8''{}; filename*1*={}; filename*2*={}",
                "%C3%BC".repeat(8),
                "%C3%BC".repeat(8),
                "%C3%BC".repeat(4)
            )
        );
    }

    #[test]
    fn characters_are_read_before_quotes() {
        let name = b"attachment; filename=\"\x83\x5c\x83\x7c.txt\"; size=1";
        let written = encode_structured(name, Syntax::Parameters, "shift_jis");
        assert_eq!(written.escape_ascii().to_string(), "attachment; filename*=shift_jis\\'\\'%83%5C%83|.txt; size=1");
    }

    #[test]
    fn many_parameters_take_one_pass() {
        let many: Vec<u8> = (0..60_000).flat_map(|number| format!("; a{number}=ü").into_bytes()).collect();
        assert!(encode_structured(&[b"a/b".as_slice(), &many].concat(), Syntax::Parameters, "").is_ascii());
        for text in ["a=x (", "a=x (x) ", "; a*1=ü", "(", "\"ü", "=?a?Q?ü"] {
            encode_structured(text.repeat(40_000).as_bytes(), Syntax::Parameters, "");
            encode_structured(text.repeat(40_000).as_bytes(), Syntax::Phrases, "");
        }
    }

    proptest! {
        #[test]
        fn parameters_read_the_same(value in "[a-z;=\"()\\\\ ü\r\n\0*'%0-9]{0,60}") {
            let value = format!("a/b{value}");
            let encoded = encode_structured(value.as_bytes(), Syntax::Parameters, "");
            let line = Raw::read(value.as_bytes(), "").line;
            let (before, after) = (Parameters::read(&line), Parameters::read(&Raw::read(&encoded, "").line));
            for parameter in &after.list {
                let old = before.named(&parameter.name).expect("no parameter is new");
                if parameter.is_extended && old.is_raw {
                    prop_assert_eq!(&old.value, &parameter.value);
                }
            }
            prop_assert!(fold("Content-Type", &encoded).is_ok());
        }
    }
}
