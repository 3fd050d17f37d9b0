//! Free text such as a Subject: what is not US-ASCII becomes encoded words, the rest stays readable.

use super::encoded_words::{Place, encode, is_encoded_word};
use super::lines::{SpacedWord, Text, is_folded_well, pieces, wrap};
use super::raw::Raw;

/// The longest word that may stay as it is: with a space before it, it fits a line of 998.
const LONGEST: usize = 990;

/// Where the first line is taken to start: behind `Subject:`, or a name up to 15 octets long.
const COLUMN: usize = 15;

/// `value` with raw 8-bit text as encoded words, folded. A value that can go out as it is stays so.
///
/// Text that is UTF-8 is labelled so, any other with `charset`. Encoded words already there are kept.
pub fn encode_unstructured(value: &[u8], charset: &str) -> Vec<u8> {
    if is_folded_well(COLUMN, value, Text::SevenBit) {
        return value.to_vec();
    }
    wrap(&encoded_pieces(value, charset), COLUMN)
}

/// The pieces of `value`, all of them US-ASCII and none too long for a line.
pub(super) fn encoded_pieces(value: &[u8], charset: &str) -> Vec<SpacedWord> {
    let Raw { line, charset } = &Raw::read(value, charset);
    let mut done: Vec<SpacedWord> = Vec::new();
    let mut run: Vec<u8> = Vec::new();
    let mut run_gap: Vec<u8> = Vec::new();
    // White space between two encoded words is dropped by whoever decodes them: it has to be inside one.
    let mut after_encoded = false;
    for SpacedWord { gap, word } in pieces(line) {
        let is_encoded = is_encoded_word(&word, Place::Text);
        if !word.is_ascii() || (word.len() > LONGEST && !is_encoded) {
            if run.is_empty() && after_encoded {
                run_gap = b" ".to_vec();
                run.extend_from_slice(&gap);
            } else if run.is_empty() {
                run_gap.clone_from(&gap);
            } else {
                run.extend_from_slice(&gap);
            }
            run.extend_from_slice(&word);
            continue;
        }
        let closes_run = !run.is_empty();
        if closes_run && is_encoded {
            run.extend_from_slice(&gap);
        }
        flush(&mut done, &mut run, &run_gap, charset);
        after_encoded = is_encoded;
        done.push(SpacedWord { gap, word });
    }
    flush(&mut done, &mut run, &run_gap, charset);
    done
}

fn flush(done: &mut Vec<SpacedWord>, run: &mut Vec<u8>, gap: &[u8], charset: &str) {
    for (count, word) in encode(run, charset, Place::Text).into_iter().enumerate() {
        let gap = if count == 0 { gap.to_vec() } else { b" ".to_vec() };
        done.push(SpacedWord { gap, word: word.into_bytes() });
    }
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awkward_subjects() {
        let cases: &[(&str, &str)] = &[
            ("plain text", "plain text"),
            (" leading, \r\n folded", " leading, \r\n folded"),
            ("Grüße aus Kölleda", "=?utf-8?B?R3LDvMOfZQ==?= aus =?utf-8?Q?K=C3=B6lleda?="),
            ("é è", "=?utf-8?B?w6kgw6g=?="),
            ("=?utf-8?Q?x?= ü", "=?utf-8?Q?x?= =?utf-8?B?IMO8?="),
            ("ü =?utf-8?Q?x?=", "=?utf-8?B?w7wg?= =?utf-8?Q?x?="),
            ("a\0b\x07c", "a b c"),
            ("a\r\nBcc: x@y", "a Bcc: x@y"),
            ("ü\r\n\r\nBody", "=?utf-8?B?w7w=?=  Body"),
            ("a \r\n \r\n b", "a   b"),
            ("=?utf-8?Q?Größe?= x", "=?utf-8?B?R3LDtsOfZQ==?= x"),
            ("=?UTF-8?q?Größe aus_K=C3=B6ln?=", "=?utf-8?B?R3LDtsOfZSBhdXMgS8O2bG4=?="),
            ("=?utf-8?B?ü?=", "=?utf-8?B?PT91dGYtOD9CP8O8Pz0=?="),
            ("", ""),
        ];
        for (input, expected) in cases {
            let output = encode_unstructured(input.as_bytes(), "iso-8859-1");
            assert_eq!(String::from_utf8(output).unwrap(), *expected, "{input:?}");
        }
    }

    #[test]
    fn other_charsets_keep_their_octets() {
        assert_eq!(encode_unstructured(b"f\xfcrst", "iso-8859-1"), b"=?iso-8859-1?Q?f=FCrst?=");
        assert_eq!(encode_unstructured(b"f\xfcrst", "utf-8"), b"=?unknown-8bit?Q?f=FCrst?=");
        assert_eq!(encode_unstructured(b"f\xfcrst", "x?=\r\n"), b"=?unknown-8bit?Q?f=FCrst?=");
        assert_eq!(encode_unstructured(b"f\xfcrst", ""), b"=?unknown-8bit?Q?f=FCrst?=");
        assert_eq!(encode_unstructured(b"=?utf-8?Q?f\xfcrst?=", ""), b"=?unknown-8bit?Q?f=FCrst?=");
    }

    #[test]
    fn a_cut_character_makes_nothing_else_of_utf8() {
        let cut = b"Gr\xc3\xb6\xc3\x9fe K\xc3";
        assert!(encode_unstructured(cut, "").starts_with(b"=?utf-8?"));
        assert!(encode_unstructured(cut, "iso-8859-15").starts_with(b"=?iso-8859-15?"));
    }

    #[test]
    fn iso_2022_is_encoded_as_what_it_is() {
        let subject = encode_unstructured(b"Re: \x1b$B4A;z\x1b(B", "");
        assert_eq!(subject, b"Re: =?iso-2022-jp?B?GyRCNEE7ehsoQg==?=");
        assert_eq!(encode_unstructured(b"a \x1b[1mb", ""), b"a  [1mb");
    }
}
