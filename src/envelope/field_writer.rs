//! The only writer of header fields: of the message's own header, of parts, and of attached messages.

use crate::address::{Entry, parse_list, render_list};
use crate::header_text::{
    Disguised, FoldFault, Syntax, disguised, encode_structured, encode_unstructured, fold, revealed, syntax_of,
};

/// The field `name: value` as it goes out, every line ending CRLF; raw text that is not UTF-8 is in `charset` (empty
/// where nobody says). What is above 127 in it no rule encodes: see [`raw_text`].
///
/// # Errors
/// [`FoldFault`], for a name that is none and for a word of a structured field that fits no line.
pub(super) fn write_field(name: &str, value: &[u8], charset: &str) -> Result<Vec<u8>, FoldFault> {
    // A field without the space behind its colon is legal, and nobody expects it.
    let value = value.trim_ascii_start();
    match syntax_of(name) {
        Syntax::Text => fold(name, &encode_unstructured(value, charset)),
        Syntax::Addresses => write_addresses(name, value, charset),
        syntax @ (Syntax::Phrases | Syntax::Parameters | Syntax::Marks) => {
            fold(name, &encode_structured(value, syntax, charset))
        }
    }
}

/// As they came where that is possible: names in raw text are encoded, a list without a space in it is set anew.
fn write_addresses(name: &str, value: &[u8], charset: &str) -> Result<Vec<u8>, FoldFault> {
    let hidden = disguised(value, charset);
    if hidden.text.is_ascii()
        && let Ok(as_it_came) = fold(name, value)
    {
        return Ok(as_it_came);
    }
    match readable(&hidden) {
        Some(entries) => fold(name, &render_list(&entries, hidden.charset)),
        None => fold(name, &encode_structured(value, Syntax::Addresses, charset)),
    }
}

/// The list, unless an address of it holds what only a name may.
fn readable(hidden: &Disguised<'_>) -> Option<Vec<Entry>> {
    let entries = parse_list(&hidden.text).ok()?;
    let is_plain = |address: String| revealed(address.as_bytes(), hidden.charset).len() == address.len();
    let are_plain = entries.iter().flat_map(Entry::mailboxes).all(|mailbox| is_plain(mailbox.address.to_wire()));
    are_plain.then_some(entries)
}

/// Whether a field whose characters have to be disguised can be read so: an address must not change by it.
pub(super) fn can_be_decoded(name: &str, value: &[u8], charset: &str) -> bool {
    let hidden = disguised(value, charset);
    hidden.is_needed() && (syntax_of(name) != Syntax::Addresses || readable(&hidden).is_some())
}

/// What raw text a written field still holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum RawText {
    /// None.
    None,
    /// An address or an identifier in UTF-8 (RFC 6532): SMTPUTF8.
    Utf8,
    /// Octets nobody may encode: BODY=8BITMIME.
    EightBit,
}

/// Looks for it.
pub(super) fn raw_text(name: &str, field: &[u8]) -> RawText {
    let is_utf8 = std::str::from_utf8(field).is_ok();
    match syntax_of(name) {
        _ if field.is_ascii() => RawText::None,
        Syntax::Addresses | Syntax::Phrases if is_utf8 => RawText::Utf8,
        Syntax::Marks if is_utf8 && crate::header_text::is_identifier(name) => RawText::Utf8,
        Syntax::Text | Syntax::Addresses | Syntax::Phrases | Syntax::Parameters | Syntax::Marks => RawText::EightBit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::header_rules::{RULES, Role};

    fn written(name: &str, value: &[u8], charset: &str) -> String {
        write_field(name, value, charset).unwrap().escape_ascii().to_string()
    }

    #[test]
    fn fields_whose_addresses_count_are_read_as_addresses() {
        for rule in RULES {
            assert_eq!(rule.role != Role::None, syntax_of(rule.name) == Syntax::Addresses, "{}", rule.name);
        }
    }

    #[test]
    fn characters_are_read_before_marks() {
        assert_eq!(
            written("To", b"\"\x83\x5c\x83\x5c\" <a@b.org>, x@y.org", "shift_jis"),
            "To: =?shift_jis?B?g1yDXA==?= <a@b.org>, x@y.org\\r\\n"
        );
        assert_eq!(
            written("From", b"\x1b$B4\"(A;z\x1b(B <a@b.org>", ""),
            "From: =?iso-2022-jp?B?GyRCNCIoQTt6GyhC?= <a@b.org>\\r\\n"
        );
        assert_eq!(written("Subject", b"\xa5\x5c\xaf\xe0", "big5"), "Subject: =?big5?B?pVyv4A==?=\\r\\n");
    }

    #[test]
    fn nothing_is_masked() {
        for (name, value, left) in [
            ("Message-ID", "<ü@x>".as_bytes(), RawText::Utf8),
            ("References", b"<\xfc@x>", RawText::EightBit),
            ("To", "ü@x.org".as_bytes(), RawText::Utf8),
            ("Received", "from \"ü\" by x".as_bytes(), RawText::EightBit),
            ("Content-Type", b"multipart/mixed; boundary=\"\xfc\"", RawText::EightBit),
            ("Keywords", "Größe".as_bytes(), RawText::None),
        ] {
            let field = write_field(name, value, "").unwrap();
            assert_eq!(raw_text(name, &field), left, "{name}");
            assert!(!field.contains(&b'?') || left == RawText::None);
        }
    }
}
