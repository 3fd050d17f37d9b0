//! Encoded words (RFC 2047): made from octets, recognised where they stand already.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::characters::character_length;

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

/// The charset `octets` are to be labelled with: UTF-8 when they are UTF-8, else `fallback` where that can be true.
pub(super) fn label<'a>(octets: &[u8], fallback: &'a str) -> &'a str {
    let is_token = !fallback.is_empty() && fallback.len() <= CHARSET && fallback.bytes().all(is_token_octet);
    if std::str::from_utf8(octets).is_ok() {
        "utf-8"
    } else if !is_token || ["utf-8", "utf8", "us-ascii"].iter().any(|name| name.eq_ignore_ascii_case(fallback)) {
        UNKNOWN
    } else {
        fallback
    }
}

/// Encoded words that decode to `octets` when a reader joins them. `charset` comes from [`label`].
pub(super) fn encode(octets: &[u8], charset: &str, place: Place) -> Vec<String> {
    let q_length: usize = octets.iter().map(|&octet| q_width(octet, place)).sum();
    let use_q = q_length <= octets.len().div_ceil(3) * 4;
    let room = LENGTH.saturating_sub(charset.len() + "=??Q??=".len());
    let mut words = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let mut taken = 0;
        let mut width = 0;
        loop {
            let tail = rest.get(taken..).unwrap_or_default();
            let length = character_length(tail, charset);
            let character = tail.get(..length).unwrap_or_default();
            width += character.iter().map(|&octet| q_width(octet, place)).sum::<usize>();
            let fits = if use_q { width <= room } else { (taken + length).div_ceil(3) * 4 <= room };
            if length == 0 || (taken > 0 && !fits) {
                break;
            }
            taken += length;
        }
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
            return Some(q_decoded(self.text));
        }
        let text: Vec<u8> =
            self.text.iter().copied().filter(|octet| !octet.is_ascii_whitespace() && *octet != b'=').collect();
        STANDARD_NO_PAD.decode(text).ok()
    }
}

/// A `=` that starts no code stands for itself.
fn q_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [octet, tail @ ..] = rest {
        rest = tail;
        let code = |digits: &[u8; 2]| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
        match (octet, tail.first_chunk::<2>().filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)).and_then(code))
        {
            (b'=', Some(code)) => {
                decoded.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'_', _) => decoded.push(b' '),
            _ => decoded.push(*octet),
        }
    }
    decoded
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
