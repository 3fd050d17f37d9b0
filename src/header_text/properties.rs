//! No value, whatever is in it, makes a line that passes for another field or for the end of the header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

fn value() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "a", "word", " ", "  ", "\t", "\r\n", "\r\n ", "\n", "\r", "\0", "\u{fc}", "\u{5b57}", "\u{85}", ":", "Bcc: x",
            "=?utf-8?Q?x=20y?=", "=?", "?=", "=?utf-8?B?w7w=?=", "\u{1f980}\u{fc}", "\u{7f}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..8),
        1 => (prop::sample::select(vec![b'x', b' ', 0xfc]), 900_usize..1100).prop_map(|(octet, count)| vec![octet; count]),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// What is wrong with the lines of a value behind a name.
fn flaw(field: &[u8]) -> Option<&'static str> {
    let Some(text) = field.strip_suffix(b"\r\n") else { return Some("no line end") };
    for (count, line) in text.split(|&octet| octet == b'\n').enumerate() {
        let last = line.strip_suffix(b"\r").unwrap_or(line);
        if last.iter().any(|&octet| octet != b'\t' && !(0x20..0x7f).contains(&octet)) {
            return Some("not 7-bit text");
        }
        if last.len() > 998 {
            return Some("too long");
        }
        if count > 0 && !last.starts_with(b" ") && !last.starts_with(b"\t") {
            return Some("starts a field");
        }
        if last.trim_ascii().is_empty() {
            return Some("blank");
        }
    }
    None
}

/// A reader of encoded words: their octets, and everything else as it stands.
fn decoded(line: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut after_encoded = false;
    for SpacedWord { gap, word } in lines::pieces(line) {
        let content = decoded_word(&word);
        if !(after_encoded && content.is_some()) {
            text.extend_from_slice(&gap);
        }
        after_encoded = content.is_some();
        text.extend(content.unwrap_or(word));
    }
    text
}

fn decoded_word(word: &[u8]) -> Option<Vec<u8>> {
    if !encoded_words::is_encoded_word(word, encoded_words::Place::Text) {
        return None;
    }
    let parts: Vec<&[u8]> = word.split(|&octet| octet == b'?').collect();
    if parts[2].eq_ignore_ascii_case(b"B") {
        return Some(STANDARD.decode(parts[3]).unwrap_or_default());
    }
    let mut text = Vec::new();
    let mut rest = parts[3];
    while let [octet, tail @ ..] = rest {
        rest = tail;
        match (octet, tail) {
            (b'_', _) => text.push(b' '),
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                text.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap_or("3f"), 16).unwrap_or(b'?'));
                rest = after;
            }
            _ => text.push(*octet),
        }
    }
    Some(text)
}

/// Text without its white space, which folding may change.
fn squeezed(text: &[u8]) -> Vec<u8> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(&b' ')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_unstructured_field_is_always_well_formed(value in value(), name in "[!-9;-~]{1,90}") {
        match fold(&name, &value) {
            Ok(field) => prop_assert_eq!(flaw(&field), None, "{:?}", String::from_utf8_lossy(&field)),
            Err(_) => prop_assert!(syntax_of(&name) != Syntax::Text),
        }
    }

    #[test]
    fn a_structured_field_is_well_formed_or_refused(value in value()) {
        if let Ok(field) = fold("References", &value) {
            let ascii: Vec<u8> = field.iter().map(|octet| if octet.is_ascii() { *octet } else { b'x' }).collect();
            prop_assert_eq!(flaw(&ascii), None, "{:?}", String::from_utf8_lossy(&field));
            let text = field.strip_prefix(b"References:").unwrap();
            // A word that fits no line is cut where white space means nothing.
            let visible = |text: &[u8]| -> Vec<u8> { squeezed(text).into_iter().filter(|octet| *octet != b' ').collect() };
            prop_assert_eq!(visible(&lines::flattened(text)), visible(&lines::flattened(&value)));
        }
    }

    #[test]
    fn encoding_loses_nothing(value in value()) {
        let encoded = encode_unstructured(&value, "iso-8859-1");
        let once = [b"Subject: ".as_slice(), &encoded, b"\r\n"].concat();
        let expected = squeezed(&decoded(&lines::flattened(&value)));
        prop_assert_eq!(squeezed(&decoded(&lines::flattened(&encoded))), expected.clone());
        let field = fold("Subject", &encoded).unwrap();
        prop_assert_eq!(flaw(&field), None);
        prop_assert!(once == field || encoded.len() + 9 > 998 || encoded.first().is_none_or(u8::is_ascii_whitespace));
        let text = field.strip_prefix(b"Subject:").unwrap();
        prop_assert_eq!(squeezed(&decoded(&lines::flattened(text))), expected);
    }

    #[test]
    fn words_are_whole_characters(text in "[a-z äöü字🦀]{0,200}") {
        for piece in lines::pieces(&lines::flattened(&encode_unstructured(text.as_bytes(), ""))) {
            prop_assert!(piece.word.len() <= 200 && !piece.word.starts_with(b"=?") || piece.word.len() <= 75);
            if let Some(content) = decoded_word(&piece.word) {
                prop_assert!(String::from_utf8(content).is_ok());
            }
        }
    }

    #[test]
    fn a_name_is_always_a_phrase(octets in value()) {
        let phrase = encode_phrase(&octets, "iso-8859-1");
        prop_assert!(phrase.bytes().all(|octet| (0x20..0x7f).contains(&octet)));
        prop_assert!(phrase_words(&octets, "iso-8859-1").iter().all(|word| word.len() <= 900));
    }
}
