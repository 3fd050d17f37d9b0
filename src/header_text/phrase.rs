//! Display names: atoms, a quoted string, or encoded words (RFC 5322 section 3.2.5, RFC 2047 section 5).

use super::disguise::revealed;
use super::encoded_words::{Place, Word, encode, is_phrase_word, label};
use super::raw::Raw;

/// A longer quoted string becomes encoded words, so that it can be folded.
const LONGEST: usize = 200;

/// The display name `octets` (unquoted, as in [`crate::address::Mailbox::display`]) for use before `<` or `:`. Empty
/// for an empty name. Encoded words in it are kept where they may stand in a phrase; where one may not, or stands beside
/// what has to be quoted, all of them and what is between them are written anew: no reader decodes what is quoted.
pub fn encode_phrase(octets: &[u8], charset: &str) -> String {
    phrase_words(octets, charset).join(" ")
}

/// The same as words that are to stay whole, with a space between any two.
pub(crate) fn phrase_words(octets: &[u8], charset: &str) -> Vec<String> {
    let Raw { mut line, charset } = Raw::read(octets, charset);
    line.iter_mut().filter(|octet| **octet == b'\t').for_each(|octet| *octet = b' ');
    let parts = parts(line.trim_ascii());
    let mut words = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => {
                let neighbours = Neighbours { before: at > 0, after: at + 1 < parts.len() };
                // All of the name decides about UTF-8 in which characters were cut.
                let charset = if charset == "utf-8" { charset } else { label(text, charset) };
                write_text(&mut words, text, neighbours, charset);
            }
            Part::Encoded { source, charset: own, octets } => match is_phrase_word(source) {
                true => words.push(String::from_utf8_lossy(source).into_owned()),
                false => words.extend(encode(&revealed(octets, charset), own, Place::Phrase)),
            },
        }
    }
    words
}

/// What a name consists of.
enum Part<'a> {
    /// Plain text, with the white space around it.
    Text(&'a [u8]),
    /// Encoded words of one charset: one that may stay, or one that may not and those behind it.
    Encoded { source: &'a [u8], charset: &'a str, octets: Vec<u8> },
}

/// White space between two encoded words is none.
fn parts(line: &[u8]) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(found) = memchr::memmem::find(line.get(at..).unwrap_or_default(), b"=?") {
        let from = at + found;
        let rest = line.get(from..).unwrap_or_default();
        let Some((word, decoded)) = Word::at(rest).and_then(|word| word.decoded().map(|octets| (word, octets))) else {
            at = from + 1;
            continue;
        };
        push_text(&mut parts, line.get(start..from).unwrap_or_default());
        push_word(&mut parts, rest.get(..word.length).unwrap_or_default(), word.charset, decoded);
        at = from + word.length;
        start = at;
    }
    let tail = line.get(start..).unwrap_or_default();
    if !tail.trim_ascii().is_empty() {
        parts.push(Part::Text(tail));
    }
    parts
}

fn push_text<'a>(parts: &mut Vec<Part<'a>>, text: &'a [u8]) {
    if !text.trim_ascii().is_empty() {
        parts.push(Part::Text(text));
    }
}

/// A character may be spread over two words: what is written anew is joined with what it continues.
fn push_word<'a>(parts: &mut Vec<Part<'a>>, source: &'a [u8], charset: &'a str, decoded: Vec<u8>) {
    match parts.last_mut() {
        Some(Part::Encoded { source: before, charset: same, octets })
            if same.eq_ignore_ascii_case(charset)
                && !(is_whole(before, charset, octets) && is_whole(source, charset, &decoded)) =>
        {
            *before = b"";
            octets.extend(decoded);
        }
        Some(_) | None => {
            let source = if is_whole(source, charset, &decoded) { source } else { b"" };
            parts.push(Part::Encoded { source, charset, octets: decoded });
        }
    }
}

/// Whether a word may stay as it is.
fn is_whole(source: &[u8], charset: &str, decoded: &[u8]) -> bool {
    is_phrase_word(source) && (!charset.eq_ignore_ascii_case("utf-8") || str::from_utf8(decoded).is_ok())
}

/// Which sides of a text have an encoded word. The space between two of them is dropped by whoever decodes: it has to
/// be inside one.
struct Neighbours {
    before: bool,
    after: bool,
}

fn write_text(words: &mut Vec<String>, text: &[u8], neighbours: Neighbours, charset: &str) {
    let is_alone = !neighbours.before && !neighbours.after;
    let is_apart = (!neighbours.before || text.starts_with(b" ")) && (!neighbours.after || text.ends_with(b" "));
    let inside = text.trim_ascii();
    let quoted = quoted_string(&String::from_utf8_lossy(inside));
    if is_apart && inside.is_ascii() && inside.split(|&octet| octet == b' ').all(is_atom) && quoted.len() <= LONGEST {
        words.extend(inside.split(|&octet| octet == b' ').map(|atom| String::from_utf8_lossy(atom).into_owned()));
    } else if is_alone && inside.is_ascii() && quoted.len() <= LONGEST {
        words.push(quoted);
    } else {
        let text = if neighbours.before { text } else { text.trim_ascii_start() };
        let text = if neighbours.after { text } else { text.trim_ascii_end() };
        words.extend(encode(text, charset, Place::Phrase));
    }
}

/// An atom no reader can take for part of an encoded word.
fn is_atom(word: &[u8]) -> bool {
    let is_atext = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(octet);
    !word.is_empty() && word.iter().all(is_atext) && !word.windows(2).any(|pair| pair == b"=?" || pair == b"?=")
}

/// Text as a quoted-string (RFC 5322 section 3.2.4).
pub(crate) fn quoted_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases: &[(&[u8], &str)] = &[
            (b"", ""),
            (b"  ", ""),
            (b"John Smith", "John Smith"),
            (b"John Q. Public", "\"John Q. Public\""),
            (b"Doe, J", "\"Doe, J\""),
            (b"(Cron Daemon)", "\"(Cron Daemon)\""),
            (b"a  b", "\"a  b\""),
            (b"say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\""),
            (b"x\r\nBcc: y@z", "\"x Bcc: y@z\""),
            ("Jörg Schmidt".as_bytes(), "=?utf-8?Q?J=C3=B6rg_Schmidt?="),
            (b"a\tb", "a b"),
            (b"J\xf6rgen", "=?iso-8859-1?Q?J=F6rgen?="),
            ("Müllersen, J".as_bytes(), "=?utf-8?Q?M=C3=BCllersen=2C_J?="),
            (b"=?utf-8?Q?J=C3=B6rg?= Doe", "=?utf-8?Q?J=C3=B6rg?= Doe"),
            (b"=?utf-8?Q?J=C3=B6rg?= Doe, X", "=?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?_Doe=2C_X?="),
            (b"J. =?utf-8?Q?M=C3=BCller?=", "=?utf-8?B?Si4g?= =?utf-8?Q?M=C3=BCller?="),
            (b"=?utf-8?Q?J=C3=B6rg?=, root on vm", "=?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?=2C_root_on_vm?="),
            (b"Dr =?utf-8?Q?J=C3=B6rg?=", "Dr =?utf-8?Q?J=C3=B6rg?="),
            ("Jörg =?utf-8?Q?x?=".as_bytes(), "=?utf-8?B?SsO2cmcg?= =?utf-8?Q?x?="),
            (b"=?utf-8?Q?J=C3?= =?utf-8?Q?=B6rg?=", "=?utf-8?B?SsO2cmc=?="),
            (b"=?utf-8?Q?Smith,_J?=", "=?utf-8?Q?Smith=2C_J?="),
            (b"=?ISO-8859-1?Q?J=F6rg (x)?=", "=?ISO-8859-1?B?SvZyZyAoeCk=?="),
            (b"=?utf-8?B?not base64!?=", "\"=?utf-8?B?not base64!?=\""),
            ("=?utf-8?Q?x?= ö".as_bytes(), "=?utf-8?Q?x?= =?utf-8?B?IMO2?="),
            (b"=?utf-8?Q?a,b@c?=", "=?utf-8?B?YSxiQGM=?="),
            (b"=?x", "\"=?x\""),
            ("=?utf-8?Q?Jörg?= Doe".as_bytes(), "=?utf-8?B?SsO2cmc=?= Doe"),
            (b"\x1b$B4A;z\x1b(B, X", "=?iso-2022-jp?B?GyRCNEE7ehsoQiwgWA==?="),
        ];
        for (input, expected) in cases {
            assert_eq!(encode_phrase(input, "iso-8859-1"), *expected);
        }
    }
}
