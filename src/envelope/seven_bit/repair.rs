//! What is wrong inside an encoding, or where no encoding is allowed, put right in place.

use std::io::{self, Write};

use memchr::memchr;

use super::LINE;
use super::coding::{Quoted, needs_start_escaped};
use super::padding::without_padding;
use crate::message::Piece;

/// Whether a piece cannot go as it is. Nothing is known of the line before a piece that does not start one.
fn is_dirty(piece: &Piece<'_>, text: &[u8]) -> bool {
    !piece.starts_line
        || !piece.ends_line
        || text.len() > LINE
        || !text.is_ascii()
        || memchr(0, text).is_some()
        || memchr(b'\r', text).is_some()
}

/// Quoted-printable that holds what it must not: what a lenient decoder takes literally is escaped.
#[derive(Default)]
pub(super) struct QuotedRepair {
    quoted: Quoted,
    /// An equals sign at a piece's end and what followed it.
    carried: Vec<u8>,
}

impl QuotedRepair {
    pub(super) fn repair(&mut self, piece: Piece<'_>, sink: &mut dyn Write) -> io::Result<()> {
        let text = piece.text();
        if !is_dirty(&piece, text) {
            return sink.write_all(piece.octets);
        }
        let joined;
        let mut rest = if self.carried.is_empty() {
            text
        } else {
            self.carried.extend_from_slice(text);
            joined = std::mem::take(&mut self.carried);
            &joined
        };
        if piece.ends_line {
            // Decoders must drop it (RFC 2045 section 6.7, rule 3); a soft break behind it would make it count.
            rest = without_padding(rest);
        }
        if piece.starts_line
            && needs_start_escaped(rest)
            && let Some((&first, after)) = rest.split_first()
        {
            self.quoted.escape(first, sink)?;
            rest = after;
        }
        while let Some((&octet, after)) = rest.split_first() {
            if octet != b'=' {
                match octet {
                    b' '..=b'~' | b'\t' => self.quoted.literal(octet, sink)?,
                    _ => self.quoted.escape(octet, sink)?,
                }
                rest = after;
            } else if let Some(escape) = rest.get(..3).filter(|escape| is_escape(escape)) {
                self.quoted.together(escape, sink)?;
                rest = rest.get(3..).unwrap_or_default();
            } else if piece.ends_line && after.is_empty() {
                // A soft line break.
                self.quoted.together(b"=", sink)?;
                rest = b"";
            } else if !piece.ends_line && after.len() < 2 {
                self.carried.extend_from_slice(rest);
                rest = b"";
            } else {
                self.quoted.escape(octet, sink)?;
                rest = after;
            }
        }
        if piece.ends_line {
            self.quoted.end_line(sink)?;
        }
        Ok(())
    }
}

fn is_escape(octets: &[u8]) -> bool {
    matches!(octets, [b'=', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Base64 that holds what it must not: on such lines only its alphabet is kept, in lines of 76.
#[derive(Default)]
pub(super) struct GroupedRepair {
    column: usize,
}

impl GroupedRepair {
    pub(super) fn repair(&mut self, piece: Piece<'_>, sink: &mut dyn Write) -> io::Result<()> {
        let text = piece.text();
        if !is_dirty(&piece, text) {
            return sink.write_all(piece.octets);
        }
        if piece.starts_line {
            self.column = 0;
        }
        let mut kept = Vec::with_capacity(piece.octets.len() + piece.octets.len() / 32);
        for &octet in text {
            if matches!(octet, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'/' | b'=') {
                if self.column == 76 {
                    kept.extend_from_slice(b"\r\n");
                    self.column = 0;
                }
                kept.push(octet);
                self.column += 1;
            }
        }
        if piece.ends_line {
            kept.extend_from_slice(b"\r\n");
        }
        sink.write_all(&kept)
    }
}

/// Between parts, where nothing may be encoded and nobody reads: long lines are broken before a space of our own.
#[derive(Default)]
pub(super) struct LineBreaks {
    column: usize,
}

impl LineBreaks {
    pub(super) fn write(&mut self, piece: Piece<'_>, sink: &mut dyn Write) -> io::Result<()> {
        if piece.starts_line {
            self.column = 0;
        }
        let mut rest = piece.text();
        while self.column + rest.len() > LINE {
            let (line, after) = rest.split_at_checked(LINE - self.column).unwrap_or((rest, b""));
            sink.write_all(line)?;
            sink.write_all(b"\r\n ")?;
            (self.column, rest) = (1, after);
        }
        self.column += rest.len();
        sink.write_all(rest)?;
        if piece.ends_line { sink.write_all(b"\r\n") } else { Ok(()) }
    }
}

/// Whether a text that is labelled base64 plainly is none: in a real one marks and blanks are rare.
pub(super) fn is_plainly_not_base64(head: &[u8]) -> bool {
    let is_of_it = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
    let lines = head.split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (mut all, mut others) = (0, 0);
    for line in lines {
        all += line.len();
        others += line.iter().filter(|octet| !is_of_it(octet)).count();
    }
    others * 16 > all
}
