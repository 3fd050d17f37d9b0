//! Display names: atoms, a quoted string, or encoded words (RFC 5322 section 3.2.5, RFC 2047 section 5).

use super::encoded_words::{Place, encode, is_encoded_word};
use super::lines::{Piece, pieces};
use super::raw::Raw;

/// A longer quoted string becomes encoded words, so that it can be folded.
const LONGEST: usize = 200;

/// The display name `octets` (unquoted, as in [`crate::address::Mailbox::display`]) for use before `<` or `:`. Empty
/// for an empty name. Encoded words in it are kept where they may stand in a phrase.
pub fn encode_phrase(octets: &[u8], charset: &str) -> String {
    phrase_words(octets, charset).join(" ")
}

/// The same as words that are to stay whole, with a space between any two.
pub(crate) fn phrase_words(octets: &[u8], charset: &str) -> Vec<String> {
    let Raw { mut line, charset } = Raw::read(octets, charset);
    line.iter_mut().filter(|octet| **octet == b'\t').for_each(|octet| *octet = b' ');
    let mut words = Vec::new();
    let mut run: Vec<u8> = Vec::new();
    let mut after_encoded = false;
    for Piece { gap, word } in pieces(line.trim_ascii()) {
        if is_encoded_word(&word, Place::Phrase) {
            flush(&mut words, &mut run, Neighbours { before: after_encoded, after: true }, charset);
            words.push(String::from_utf8_lossy(&word).into_owned());
            after_encoded = true;
            continue;
        }
        if !run.is_empty() {
            run.extend_from_slice(&gap);
        }
        run.extend_from_slice(&word);
    }
    flush(&mut words, &mut run, Neighbours { before: after_encoded, after: false }, charset);
    words
}

/// Which sides of a run have an encoded word. The space between two of them is dropped by whoever decodes: it has to
/// be inside one.
struct Neighbours {
    before: bool,
    after: bool,
}

fn flush(words: &mut Vec<String>, run: &mut Vec<u8>, neighbours: Neighbours, charset: &str) {
    let text = std::mem::take(run);
    if text.is_empty() {
        return;
    }
    let quoted = quoted_string(&String::from_utf8_lossy(&text));
    if !text.is_ascii() || quoted.len() > LONGEST {
        let mut spaced = Vec::with_capacity(text.len() + 2);
        spaced.extend(neighbours.before.then_some(b' '));
        spaced.extend_from_slice(&text);
        spaced.extend(neighbours.after.then_some(b' '));
        words.extend(encode(&spaced, charset, Place::Phrase));
    } else if text.split(|&octet| octet == b' ').all(is_atom) {
        words.extend(text.split(|&octet| octet == b' ').map(|atom| String::from_utf8_lossy(atom).into_owned()));
    } else {
        words.push(quoted);
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
            (b"=?utf-8?Q?J=C3=B6rg?= Doe, X", "=?utf-8?Q?J=C3=B6rg?= \"Doe, X\""),
            ("=?utf-8?Q?x?= ö".as_bytes(), "=?utf-8?Q?x?= =?utf-8?B?IMO2?="),
            (b"=?utf-8?Q?a,b@c?=", "\"=?utf-8?Q?a,b@c?=\""),
            (b"=?x", "\"=?x\""),
            ("=?utf-8?Q?Jörg?= Doe".as_bytes(), "=?utf-8?B?SsO2cmc=?= Doe"),
            (b"\x1b$B4A;z\x1b(B, X", "=?iso-2022-jp?B?GyRCNEE7ehsoQiwgWA==?="),
        ];
        for (input, expected) in cases {
            assert_eq!(encode_phrase(input, "iso-8859-1"), *expected);
        }
    }
}
