//! Encoded words (RFC 2047): made from octets, recognised where they stand already.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::characters::character_length;
use super::disguise::{is_disguised, revealed};
use super::iso_2022;
use super::utf8::Utf8Tally;

/// How long ours are. RFC 2047 allows 75; with 60 the first one still fits behind `Subject: ` on a line of 76.
const LENGTH: usize = 60;

/// How long a charset's name may be, so that four octets fit into a word however they are encoded.
const CHARSET: usize = 40;

/// How long the text of somebody else's word may be.
const LONGEST: usize = 1_000;

/// Says honestly that nobody knows (RFC 1428).
const UNKNOWN: &str = "unknown-8bit";

/// Where a word is to stand; it decides what may go unencoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In an unstructured field.
    Text,
    /// In a display name (RFC 2047 section 5 (3)).
    Phrase,
}

/// The charset `octets` are to be labelled with: UTF-8 when they are UTF-8, else what was `declared` where that can be
/// true. Text in which a few characters were cut is still UTF-8 when nothing else was declared.
pub(super) fn label<'a>(octets: &[u8], declared: &'a str) -> &'a str {
    if is_disguised(octets, declared) {
        return declared;
    }
    let tally = Utf8Tally::of(octets);
    let can_be_true = is_charset(declared) && !is_unicode_or_ascii(declared);
    if tally.is_utf8() || (!can_be_true && tally.is_nearly_utf8()) {
        "utf-8"
    } else if can_be_true {
        declared
    } else {
        UNKNOWN
    }
}

/// Whether this can be the name of a charset.
pub(crate) fn is_charset(name: &str) -> bool {
    !name.is_empty() && name.len() <= CHARSET && name.bytes().all(is_token_octet)
}

fn is_unicode_or_ascii(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|name| name.eq_ignore_ascii_case(charset))
}

/// Encoded words that decode to `octets` when a reader joins them. `charset` comes from [`label`].
pub(super) fn encode(octets: &[u8], charset: &str, place: Place) -> Vec<String> {
    let octets = &*revealed(octets, charset);
    let room = LENGTH.saturating_sub(charset.len() + "=??Q??=".len());
    if iso_2022::is_name(charset) {
        let chunks = iso_2022::chunks(octets, room / 4 * 3);
        return chunks.iter().map(|chunk| format!("=?{charset}?B?{}?=", STANDARD.encode(chunk))).collect();
    }
    let q_length: usize = octets.iter().map(|&octet| q_width(octet, place)).sum();
    let use_q = q_length <= octets.len().div_ceil(3) * 4;
    let mut words = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let taken = taken(rest, charset, place, use_q, room);
        let (text, after) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
        words.push(if use_q {
            format!("=?{charset}?Q?{}?=", q_encoded(text, place))
        } else {
            format!("=?{charset}?B?{}?=", STANDARD.encode(text))
        });
        rest = after;
    }
    words
}

/// How much of `text` goes into one word: whole characters, one at least.
fn taken(text: &[u8], charset: &str, place: Place, use_q: bool, room: usize) -> usize {
    let (mut taken, mut width) = (0, 0);
    loop {
        let tail = text.get(taken..).unwrap_or_default();
        let length = character_length(tail, charset);
        let character = tail.get(..length).unwrap_or_default();
        width += character.iter().map(|&octet| q_width(octet, place)).sum::<usize>();
        let fits = if use_q { width <= room } else { (taken + length).div_ceil(3) * 4 <= room };
        if length == 0 || (taken > 0 && !fits) {
            return taken;
        }
        taken += length;
    }
}

/// The line with encoded words made right that hold raw octets, as in `=?utf-8?Q?Größe?=`: such an octet stands for
/// itself.
pub(super) fn repaired(line: &[u8]) -> Cow<'_, [u8]> {
    if line.is_ascii() {
        return Cow::Borrowed(line);
    }
    let mut whole = Vec::new();
    let mut done = 0;
    for start in memchr::memmem::find_iter(line, b"=?") {
        if start < done {
            continue;
        }
        let Some(broken) = Broken::at(line, start) else { continue };
        whole.extend_from_slice(line.get(done..start).unwrap_or_default());
        whole.extend_from_slice(broken.words().join(" ").as_bytes());
        done = broken.end;
    }
    if done == 0 {
        return Cow::Borrowed(line);
    }
    whole.extend_from_slice(line.get(done..).unwrap_or_default());
    Cow::Owned(whole)
}

/// An encoded word with raw octets in it.
struct Broken<'a> {
    charset: &'a str,
    text: &'a [u8],
    end: usize,
}

impl<'a> Broken<'a> {
    fn at(line: &'a [u8], start: usize) -> Option<Self> {
        let before = start.checked_sub(1).and_then(|at| line.get(at));
        let charset_at = start + 2;
        let charset = until_question(line, charset_at)?;
        let encoding_at = charset_at + charset.len() + 1;
        let text_at = encoding_at + 2;
        let text = until_question(line, text_at)?;
        let end = text_at + text.len() + 2;
        let is_word =
            matches!(line.get(encoding_at..text_at)?, [b'Q' | b'q', b'?']) && line.get(end - 1) == Some(&b'=');
        let charset = std::str::from_utf8(charset).ok().filter(|name| is_charset(name))?;
        let stands_alone = before.is_none_or(|octet| b" \t\"(".contains(octet))
            && line.get(end).is_none_or(|octet| b" \t\")<,;:".contains(octet));
        (is_word && stands_alone && !text.is_ascii()).then_some(Self { charset, text, end })
    }

    fn words(&self) -> Vec<String> {
        let octets = unquoted(self.text);
        encode(&octets, label(&octets, self.charset), Place::Phrase)
    }
}

fn until_question(line: &[u8], from: usize) -> Option<&[u8]> {
    let rest = line.get(from..)?;
    rest.get(..memchr::memchr(b'?', rest)?)
}

/// What a Q text stands for.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match rest {
            [b'=', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        octets.push(escaped.unwrap_or(if first == b'_' { b' ' } else { first }));
        rest = if escaped.is_some() { rest.get(3..).unwrap_or_default() } else { after };
    }
    octets
}

/// The value of a hexadecimal digit.
pub(super) fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Whether `word` is an encoded word that can stay as it is. Ours are short; those of others are taken up to the
/// length of a line.
pub(super) fn is_encoded_word(word: &[u8], place: Place) -> bool {
    let Some(inside) = word.strip_prefix(b"=?").and_then(|rest| rest.strip_suffix(b"?=")) else {
        return false;
    };
    let parts: Vec<&[u8]> = inside.splitn(4, |&octet| octet == b'?').collect();
    let [charset, encoding, text] = parts.as_slice() else {
        return false;
    };
    let text_fits = |octet: &u8| match (place, *encoding) {
        (_, b"B" | b"b") => octet.is_ascii_alphanumeric() || b"+/=".contains(octet),
        (Place::Text, b"Q" | b"q") => octet.is_ascii_graphic(),
        (Place::Phrase, b"Q" | b"q") => is_plain(*octet, Place::Phrase) || b"=_".contains(octet),
        _ => false,
    };
    word.len() <= 900
        && !charset.is_empty()
        && charset.iter().all(|&octet| is_token_octet(octet) || octet == b'*')
        && text.iter().all(text_fits)
}

/// Whether `word` may stand in a phrase as it is.
pub(crate) fn is_phrase_word(word: &[u8]) -> bool {
    is_encoded_word(word, Place::Phrase)
}

/// How long what starts here is, if it has the form of an encoded word: `=?charset?B?text?=`, no white space in it,
/// whatever else may not be in one.
pub(crate) fn encoded_word_length(text: &[u8]) -> Option<usize> {
    Word::at(text).map(|word| word.length).filter(|&length| !text.iter().take(length).any(u8::is_ascii_whitespace))
}

/// Whether there is one anywhere.
pub(crate) fn holds_encoded_word(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"=?").any(|at| Word::at(text.get(at..).unwrap_or_default()).is_some())
}

/// What has the form of an encoded word, although it may hold what none may: specials, spaces, raw 8-bit octets.
pub(super) struct Word<'a> {
    /// All of it, in octets.
    pub(super) length: usize,
    /// Without the language of RFC 2231 section 5.
    pub(super) charset: &'a str,
    base64: bool,
    text: &'a [u8],
}

impl<'a> Word<'a> {
    /// The one that starts here.
    pub(super) fn at(text: &'a [u8]) -> Option<Self> {
        let inside = text.strip_prefix(b"=?")?;
        let end = inside.iter().take(CHARSET).position(|&octet| octet == b'?')?;
        let (charset, rest) = inside.split_at_checked(end)?;
        let is_name = !charset.is_empty() && charset.iter().all(|&octet| is_token_octet(octet) || octet == b'*');
        let [b'?', encoding @ (b'B' | b'b' | b'Q' | b'q'), b'?', rest @ ..] = rest else { return None };
        let end = memchr::memmem::find(rest.get(..LONGEST).unwrap_or(rest), b"?=")?;
        let charset = str::from_utf8(charset).ok()?.split('*').next()?;
        is_name.then_some(Self {
            length: text.len() - rest.len() + end + 2,
            charset,
            base64: encoding.eq_ignore_ascii_case(&b'B'),
            text: rest.get(..end)?,
        })
    }

    /// What it says, in its charset; `None` for what is not base64.
    pub(super) fn decoded(&self) -> Option<Vec<u8>> {
        if !self.base64 {
            return Some(unquoted(self.text));
        }
        let text: Vec<u8> =
            self.text.iter().copied().filter(|octet| !octet.is_ascii_whitespace() && *octet != b'=').collect();
        STANDARD_NO_PAD.decode(text).ok()
    }
}

fn q_width(octet: u8, place: Place) -> usize {
    if octet == b' ' || is_plain(octet, place) { 1 } else { 3 }
}

fn q_encoded(octets: &[u8], place: Place) -> String {
    let mut text = String::new();
    for &octet in octets {
        if octet == b' ' {
            text.push('_');
        } else if is_plain(octet, place) {
            text.push(char::from(octet));
        } else {
            text.push_str(&format!("={octet:02X}"));
        }
    }
    text
}

/// What stands for itself under Q.
fn is_plain(octet: u8, place: Place) -> bool {
    match place {
        Place::Text => octet.is_ascii_graphic() && !b"=?_".contains(&octet),
        Place::Phrase => octet.is_ascii_alphanumeric() || b"!*+-/".contains(&octet),
    }
}

/// RFC 2047 section 2, `token`.
fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"()<>@,;:\"/[]?.=*\\".contains(&octet)
}
