//! A whole field, made fit for the wire: 7-bit, no line over 998 octets, nothing that could pass for another field.

use super::lines::{LIMIT, PREFERRED, SpacedWord, Text, flattened, is_folded_well, is_space, pieces, wrap};
use super::structured::{Syntax, is_broken_anywhere, syntax_of};
use super::unstructured::encoded_pieces;
use crate::words::SafeText;

/// Why a field cannot be written. The words name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FoldFault {
    /// The name is empty, longer than a line, or not printable US-ASCII without a colon (RFC 5322 section 2.2).
    Name(SafeText),
    /// A word of a structured field is longer than a line.
    LongWord(SafeText),
}

/// The field `Name: value`, every line ending CRLF.
///
/// Folding that is good stays as it is, octet for octet. Otherwise the value is folded anew at white space, at 76
/// columns where possible, control characters become spaces, and in unstructured fields 8-bit text and words too long
/// for a line become encoded words (8-bit text that is not UTF-8 as `unknown-8bit`; call
/// [`super::encode_unstructured`] first where the charset is known). 8-bit text of a structured field stays: what of it
/// can be encoded, [`super::encode_structured`] and [`crate::address::render_list`] have encoded. No input makes a line
/// that is empty, that holds only white space, or that starts without white space.
///
/// # Errors
/// [`FoldFault`], for a name that is none and for a word that fits no line.
pub(crate) fn fold(name: &str, value: &[u8]) -> Result<Vec<u8>, FoldFault> {
    let syntax = syntax_of(name);
    let allowed = if syntax == Syntax::Text { Text::SevenBit } else { Text::EightBit };
    field(name, value, allowed)
}

fn field(name: &str, value: &[u8], allowed: Text) -> Result<Vec<u8>, FoldFault> {
    let name_fits = (1..=LIMIT - 20).contains(&name.len());
    if !name_fits || !name.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':') {
        return Err(FoldFault::Name(SafeText::from(name)));
    }
    let column = name.len() + 1;
    let starts_spaced =
        value.is_empty() || value.first().is_some_and(|octet| is_space(*octet)) || value.starts_with(b"\r\n");
    let space = usize::from(!starts_spaced);
    let mut field = Vec::with_capacity(column + value.len() + 3);
    field.extend_from_slice(name.as_bytes());
    field.push(b':');
    if is_folded_well(column + space, value, allowed) {
        field.extend_from_slice(if starts_spaced { b"" } else { b" " });
        field.extend_from_slice(value);
    } else {
        let mut pieces = match allowed {
            Text::EightBit => structured_pieces(name, value)?,
            Text::SevenBit => encoded_pieces(value, ""),
        };
        if let Some(first) = pieces.first_mut()
            && first.gap.is_empty()
        {
            first.gap.push(b' ');
        }
        field.extend_from_slice(&wrap(&pieces, column));
    }
    field.extend_from_slice(b"\r\n");
    Ok(field)
}

fn structured_pieces(name: &str, value: &[u8]) -> Result<Vec<SpacedWord>, FoldFault> {
    let line = flattened(value);
    let mut done = Vec::new();
    let mut quoted = false;
    for piece in pieces(&line) {
        if piece.word.len() < LIMIT {
            quoted ^= piece.word.iter().filter(|&&octet| octet == b'"').count() % 2 == 1;
            done.push(piece);
        } else {
            break_word(name, piece, &mut quoted, &mut done);
        }
    }
    // A space stands before it.
    if done.iter().any(|piece| piece.word.len() >= LIMIT) {
        return Err(FoldFault::LongWord(SafeText::from(name)));
    }
    Ok(done)
}

/// Cuts a word no line can take where white space means nothing: behind `>`, `,` and `;` outside quotes, and inside
/// keys, signatures and the addresses of web pages anywhere.
fn break_word(name: &str, SpacedWord { mut gap, word }: SpacedWord, quoted: &mut bool, done: &mut Vec<SpacedWord>) {
    let parts = word.split_inclusive(|octet| {
        *quoted ^= *octet == b'"';
        !*quoted && matches!(octet, b'>' | b',' | b';')
    });
    for part in parts {
        let longest = if part.len() >= LIMIT && is_broken_anywhere(name) { PREFERRED - 4 } else { part.len() };
        for word in part.chunks(longest.max(1)) {
            done.push(SpacedWord { gap: std::mem::replace(&mut gap, b" ".to_vec()), word: word.to_vec() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(name: &str, value: &[u8]) -> String {
        String::from_utf8(fold(name, value).unwrap()).unwrap()
    }

    #[test]
    fn good_folding_stays() {
        assert_eq!(folded("To", b" a@x,\r\n\tb@x"), "To: a@x,\r\n\tb@x\r\n");
        assert_eq!(folded("Subject", b"\r\n text"), "Subject:\r\n text\r\n");
        assert_eq!(folded("X", b"text"), "X: text\r\n");
        assert_eq!(folded("X", b""), "X:\r\n");
        let line = format!("X: {}\r\n", "a".repeat(995));
        assert_eq!(folded("X", "a".repeat(995).as_bytes()), line);
    }

    #[test]
    fn nothing_passes_for_another_field() {
        assert_eq!(folded("Subject", b"a\r\nBcc: x"), "Subject: a Bcc: x\r\n");
        assert_eq!(folded("Subject", b"a\r\n \r\n b"), "Subject: a  b\r\n");
        assert_eq!(folded("Subject", b"a\r\n \r\n"), "Subject: a\r\n");
        assert_eq!(folded("Subject", b"a\rb\nc\0"), "Subject: a b c\r\n");
        assert!(matches!(fold("X\r\nBcc", b"x"), Err(FoldFault::Name(_))));
        assert!(matches!(fold("X:", b"x"), Err(FoldFault::Name(_))));
        assert!(matches!(fold("", b"x"), Err(FoldFault::Name(_))));
    }

    #[test]
    fn what_a_structured_field_cannot_hold() {
        assert!(matches!(fold("Message-ID", "a".repeat(1000).as_bytes()), Err(FoldFault::LongWord(_))));
        let references = "<0123456789@example.org> ".repeat(100);
        assert!(folded("References", references.as_bytes()).lines().all(|line| line.len() <= 76));
    }

    #[test]
    fn a_word_too_long_for_a_line_is_cut_where_space_means_nothing() {
        let references = folded("References", "<0123456789@example.org>".repeat(100).as_bytes());
        assert!(references.starts_with("References: <0123456789@example.org> <0123456789@example.org>"));
        assert!(references.lines().all(|line| line.len() <= 76));
        let signature = folded("DKIM-Signature", format!("v=1;b={}", "A".repeat(2000)).as_bytes());
        assert!(signature.starts_with("DKIM-Signature: v=1;\r\n b=AAA"));
        assert_eq!(signature.matches('A').count(), 2000);
        let page = folded("List-Unsubscribe", format!("<https://x.org/{}>", "a".repeat(2000)).as_bytes());
        assert!(page.lines().skip(1).all(|line| line.len() <= 76));
        let quoted = format!("text/plain; x=\"{}\"", "a;".repeat(600));
        assert!(matches!(fold("Content-Type", quoted.as_bytes()), Err(FoldFault::LongWord(_))));
    }

    #[test]
    fn raw_text_of_structured_fields_stays() {
        assert_eq!(fold("To", "jörg@x".as_bytes()).unwrap(), "To: jörg@x\r\n".as_bytes());
        assert_eq!(fold("To", "jörg@x\r\nb".as_bytes()).unwrap(), "To: jörg@x b\r\n".as_bytes());
        assert_eq!(fold("References", b"<\xf6@x>").unwrap(), b"References: <\xf6@x>\r\n");
    }

    #[test]
    fn a_huge_subject() {
        for text in ["word ".repeat(40_000), "x".repeat(200_000), "ü".repeat(100_000)] {
            assert!(folded("Subject", text.as_bytes()).lines().all(|line| line.len() <= 76));
        }
    }
}
