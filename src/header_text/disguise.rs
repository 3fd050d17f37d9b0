//! Characters whose octets look like marks of the syntax, disguised while the syntax is read.
//!
//! In Shift_JIS, Big5, GBK and GB 18030 the second octet of a character may be `\` or `@`; in ISO-2022 every one may be
//! `"` or `(`, too, between an escape sequence and the next. Such characters become noncharacters of Unicode, two for
//! each octet, which no text for interchange holds (Unicode 23.7). Quotes, comments, addresses and parameters are then
//! found where they are, and what is between them gets its octets back before it is encoded.

use std::borrow::Cow;

use super::characters::{character_length, has_marks_in_characters};
use super::iso_2022;

/// U+FDD0 to U+FDDF stand for the upper half of an octet, U+FDE0 to U+FDEF for the lower. In UTF-8 each starts so.
const START: [u8; 2] = [0xef, 0xb7];
const UPPER: u8 = 0x90;
const LOWER: u8 = 0xa0;

/// Text with what a reader of US-ASCII would misread in disguise, and the charset it is in as far as that is known.
pub(crate) struct Disguised<'a> {
    /// The text.
    pub(crate) text: Cow<'a, [u8]>,
    /// What was declared, or what its escape sequences say.
    pub(crate) charset: &'a str,
}

impl Disguised<'_> {
    /// Whether there is anything to hide.
    pub(crate) fn is_needed(&self) -> bool {
        matches!(self.text, Cow::Owned(_))
    }
}

/// `text` with its characters in disguise, where its charset, `declared` or evident, makes that necessary.
pub(crate) fn disguised<'a>(text: &'a [u8], declared: &'a str) -> Disguised<'a> {
    if let Some(charset) = iso_2022::evident(text, declared) {
        return Disguised { text: Cow::Owned(disguised_runs(text)), charset };
    }
    if text.is_ascii() || !has_marks_in_characters(declared) || std::str::from_utf8(text).is_ok() {
        return Disguised { text: Cow::Borrowed(text), charset: declared };
    }
    let mut hidden = Vec::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let length = if first.is_ascii() { 1 } else { whole_character(rest, declared) };
        let (character, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
        if first.is_ascii() {
            hidden.push(first)
        } else {
            character.iter().for_each(|octet| hide(*octet, &mut hidden))
        }
        rest = after;
    }
    Disguised { text: Cow::Owned(hidden), charset: declared }
}

/// No octet of a character is below `0`: where one is, the character was cut before it.
fn whole_character(text: &[u8], charset: &str) -> usize {
    let length = character_length(text, charset);
    let character = text.get(..length).unwrap_or_default();
    if character.iter().any(|octet| *octet < b'0') { 1 } else { length.max(1) }
}

fn disguised_runs(text: &[u8]) -> Vec<u8> {
    let mut hidden = Vec::with_capacity(text.len() * 2);
    for run in iso_2022::runs(text) {
        match run {
            iso_2022::Run::Ascii(plain) => hidden.extend_from_slice(plain),
            iso_2022::Run::Shifted(octets) => {
                octets.iter().filter(|octet| may_hide(**octet)).for_each(|octet| hide(*octet, &mut hidden));
            }
        }
    }
    hidden
}

fn hide(octet: u8, hidden: &mut Vec<u8>) {
    let [first, second] = START;
    hidden.extend_from_slice(&[first, second, UPPER + (octet >> 4), first, second, LOWER + (octet & 15)]);
}

/// Whether there is something in disguise in a text of this charset.
pub(super) fn is_disguised(text: &[u8], charset: &str) -> bool {
    may_be_disguised(charset)
        && memchr::memmem::find_iter(text, &START).any(|at| hidden_octet(text.get(at..)).is_some())
}

fn may_be_disguised(charset: &str) -> bool {
    has_marks_in_characters(charset) || iso_2022::is_name(charset)
}

/// The octets as they were before [`disguised`].
pub(crate) fn revealed<'a>(text: &'a [u8], charset: &str) -> Cow<'a, [u8]> {
    if !is_disguised(text, charset) {
        return Cow::Borrowed(text);
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match hidden_octet(Some(rest)) {
            Some(octet) => {
                octets.push(octet);
                rest = rest.get(6..).unwrap_or_default();
            }
            None => {
                octets.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(octets)
}

/// The octet the first two characters stand for. Never a line end or NUL, whoever wrote them.
fn hidden_octet(text: Option<&[u8]>) -> Option<u8> {
    let [0xef, 0xb7, upper @ 0x90..=0x9f, 0xef, 0xb7, lower @ 0xa0..=0xaf, ..] = text? else { return None };
    Some((upper - UPPER) << 4 | (lower - LOWER)).filter(|octet| may_hide(*octet))
}

fn may_hide(octet: u8) -> bool {
    !matches!(octet, 0 | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_inside_characters_are_hidden() {
        for (text, charset) in [
            (&b"\"\x83\x5c\x83\x5c\" <a@b>"[..], "shift_jis"),
            (b"\xa5\x5c\xae\x69 (x)", "big5"),
            (b"\"\x81\x30\x81\x30\x83\" <\x81\x5c>", "gb18030"),
            (b"a \x1b$B$\"(\"\x1b(B \"b\"", ""),
        ] {
            let hidden = disguised(text, charset);
            let plain: Vec<u8> = hidden.text.iter().copied().filter(u8::is_ascii).collect();
            assert!(!plain.contains(&b'\\') && plain.iter().filter(|octet| **octet == b'"').count() % 2 == 0);
            assert_eq!(*revealed(&hidden.text, hidden.charset), *text);
        }
    }

    proptest! {
        #[test]
        fn what_is_hidden_comes_back(text in proptest::collection::vec(any::<u8>(), 0..60), charset in "big5|shift_jis|x") {
            let text: Vec<u8> = text.into_iter().filter(|octet| may_hide(*octet)).collect();
            let hidden = disguised(&text, &charset);
            prop_assert_eq!(&*revealed(&hidden.text, hidden.charset), &text[..]);
        }
    }
}
