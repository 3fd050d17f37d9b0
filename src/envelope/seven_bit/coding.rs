//! Quoted-printable and base64, written line by line as the content comes in (RFC 2045 sections 6.7 and 6.8).

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::escapes;
use crate::message::Piece;

/// The longest line of either encoding.
const LINE: usize = 76;

/// Octets in one line of base64.
const GROUP: usize = 57;

/// Lines of base64 encoded at a time.
const LINES: usize = 64;

/// A line of quoted-printable under construction.
pub(super) struct Quoted {
    /// Room for a line, its end, and what a whole word leaves behind it.
    line: [u8; LINE + 12],
    column: usize,
    soft: bool,
}

impl Default for Quoted {
    fn default() -> Self {
        Self { line: [0; LINE + 12], column: 0, soft: false }
    }
}

impl Quoted {
    /// Adds one octet as it is, or escaped where the line's start asks for it.
    ///
    /// A line that follows a soft break must be no boundary, no lone dot and no mbox `From `.
    pub(super) fn literal(&mut self, octet: u8, sink: &mut dyn Write) -> io::Result<()> {
        self.make_room(1, sink)?;
        if self.soft && self.column == 0 && matches!(octet, b'-' | b'.' | b'F') {
            return self.escape(octet, sink);
        }
        self.put([octet], 1);
        Ok(())
    }

    /// Adds an escape that was there already, which must stay together, or its beginning.
    pub(super) fn together(&mut self, octets: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        self.make_room(octets.len(), sink)?;
        for &octet in octets {
            self.put([octet], 1);
        }
        Ok(())
    }

    /// Adds one octet as `=XX`.
    pub(super) fn escape(&mut self, octet: u8, sink: &mut dyn Write) -> io::Result<()> {
        self.make_room(3, sink)?;
        self.put(escape(octet), 3);
        Ok(())
    }

    /// Ends the line where the text's line ends.
    pub(super) fn end_line(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        self.put(*b"\r\n", 2);
        self.soft = false;
        self.flush(sink)
    }

    fn make_room(&mut self, octets: usize, sink: &mut dyn Write) -> io::Result<()> {
        if self.column + octets >= LINE {
            self.put(*b"=\r\n", 3);
            self.soft = true;
            self.flush(sink)?;
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        let line = self.line.get(..self.column).unwrap_or_default();
        self.column = 0;
        sink.write_all(line)
    }

    /// Writes the first `count` octets; those behind them are written over later. A copy of known size is one move.
    fn put<const SIZE: usize>(&mut self, octets: [u8; SIZE], count: usize) {
        if let Some(room) = self.line.get_mut(self.column..).and_then(<[u8]>::first_chunk_mut) {
            *room = octets;
            self.column += count;
        }
    }

    /// Encodes a piece of text.
    pub(super) fn encode(&mut self, piece: Piece<'_>, sink: &mut dyn Write) -> io::Result<()> {
        let text = piece.text();
        if piece.starts_line && piece.ends_line && is_plain(text) {
            return sink.write_all(piece.octets);
        }
        // White space at a piece's end may turn out to be at the line's end.
        let (mut rest, space) = match text {
            [before @ .., last] if is_space(*last) => (before, Some(*last)),
            _ => (text, None),
        };
        if piece.starts_line
            && needs_start_escaped(text)
            && let Some((&first, behind)) = rest.split_first()
        {
            self.escape(first, sink)?;
            rest = behind;
        }
        let (words, tail) = escapes::words(rest);
        for word in words {
            self.encode_word(u64::from_le_bytes(*word), word.len(), sink)?;
        }
        self.encode_word(tail, rest.len() % 8, sink)?;
        if let Some(space) = space {
            self.escape(space, sink)?;
        }
        if piece.ends_line {
            self.end_line(sink)?;
        }
        Ok(())
    }

    /// Encodes the first `count` octets of a word: at once when they fit into the line, else one by one.
    fn encode_word(&mut self, mut word: u64, count: usize, sink: &mut dyn Write) -> io::Result<()> {
        let mut marks = escapes::marks(word);
        let starts_soft_line = self.soft && self.column == 0;
        if starts_soft_line || self.column + count + 2 * escapes::marked(marks) >= LINE {
            return word.to_le_bytes().iter().take(count).try_for_each(|&octet| {
                if stands_for_itself(octet) { self.literal(octet, sink) } else { self.escape(octet, sink) }
            });
        }
        let mut left = count;
        while marks != 0 {
            let plain = marks.trailing_zeros() / 8;
            self.put(word.to_le_bytes(), plain as usize);
            word >>= 8 * plain;
            self.put(escape(word as u8), 3);
            word >>= 8;
            marks = (marks >> (8 * plain)) >> 8;
            left -= plain as usize + 1;
        }
        self.put(word.to_le_bytes(), left);
        Ok(())
    }
}

/// The length of a line encoded, its end included, when it is whole and stays one line: counted, not encoded.
pub(super) fn quoted_length(piece: Piece<'_>) -> Option<u64> {
    if !piece.starts_line || !piece.ends_line {
        return None;
    }
    let text = piece.text();
    let inside = escapes::escapes(text);
    if inside == 0 && text.len() <= LINE && keeps_its_ends(text) {
        return Some(piece.octets.len() as u64);
    }
    let at_the_ends = usize::from(needs_start_escaped(text)) + usize::from(ends_in_space(text));
    let length = text.len() + 2 * (inside + at_the_ends);
    (length < LINE).then_some(length as u64 + 2)
}

/// Whether a line needs no encoding.
fn is_plain(text: &[u8]) -> bool {
    text.len() <= LINE && keeps_its_ends(text) && escapes::none(text)
}

/// Whether nothing on the way eats, or takes for something else, how a line starts and ends.
fn keeps_its_ends(text: &[u8]) -> bool {
    !ends_in_space(text) && !matches!(text, b"." | [b'F', b'r', b'o', b'm', b' ', ..])
}

/// A dot that would be alone, mbox's mark, and what might become a boundary when its end is encoded.
pub(super) fn needs_start_escaped(text: &[u8]) -> bool {
    matches!(text, b"." | [b'F', b'r', b'o', b'm', b' ', ..] | [b'-', b'-', ..])
}

fn ends_in_space(text: &[u8]) -> bool {
    text.last().is_some_and(|&last| is_space(last))
}

/// Inside a line.
fn stands_for_itself(octet: u8) -> bool {
    matches!(octet, b' '..=b'<' | b'>'..=b'~' | b'\t')
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn escape(octet: u8) -> [u8; 3] {
    [b'=', hexadecimal(octet >> 4), hexadecimal(octet & 15)]
}

fn hexadecimal(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }
}

/// Base64 in lines of 76.
#[derive(Default)]
pub(super) struct Grouped {
    waiting: Vec<u8>,
    /// The last line's end, which a following boundary may claim.
    line_end: bool,
}

impl Grouped {
    pub(super) fn encode(&mut self, piece: Piece<'_>, sink: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.line_end) {
            self.add(b"\r\n", sink)?;
        }
        self.line_end = piece.text().len() < piece.octets.len();
        self.add(piece.text(), sink)
    }

    /// Writes what is left; `with_line_end` when no boundary claims the last line end.
    pub(super) fn finish(&mut self, with_line_end: bool, sink: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.line_end) && with_line_end {
            self.add(b"\r\n", sink)?;
        }
        self.flush(sink)
    }

    pub(super) fn add(&mut self, octets: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        let mut rest = octets;
        while !rest.is_empty() {
            let room = (GROUP * LINES).saturating_sub(self.waiting.len());
            let (taken, after) = rest.split_at_checked(room).unwrap_or((rest, b""));
            self.waiting.extend_from_slice(taken);
            rest = after;
            if self.waiting.len() >= GROUP * LINES {
                self.flush(sink)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        let mut lines = String::with_capacity((LINE + 2) * LINES);
        for group in self.waiting.chunks(GROUP) {
            STANDARD.encode_string(group, &mut lines);
            lines.push_str("\r\n");
        }
        self.waiting.clear();
        sink.write_all(lines.as_bytes())
    }
}

/// How long [`Grouped`] would make the same pieces.
#[derive(Default)]
pub(super) struct GroupedLength {
    octets: u64,
    /// How many of them the last line's end is.
    line_end: u64,
}

impl GroupedLength {
    pub(super) fn see(&mut self, piece: Piece<'_>) {
        self.octets += piece.octets.len() as u64;
        self.line_end = (piece.octets.len() - piece.text().len()) as u64;
    }

    pub(super) fn finish(&self, with_line_end: bool) -> u64 {
        let octets = self.octets - if with_line_end { 0 } else { self.line_end };
        let (whole, rest) = (octets / GROUP as u64, octets % GROUP as u64);
        let last = if rest == 0 { 0 } else { rest.div_ceil(3) * 4 + 2 };
        whole * (LINE as u64 + 2) + last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Octet by octet, as RFC 2045 section 6.7 tells it.
    fn slowly(text: &[u8]) -> Vec<u8> {
        let (mut quoted, mut sink) = (Quoted::default(), Vec::new());
        for (at, &octet) in text.iter().enumerate() {
            let ends = at + 1 == text.len() && is_space(octet);
            let literal = stands_for_itself(octet) && !ends && !(at == 0 && needs_start_escaped(text));
            let added = if literal { quoted.literal(octet, &mut sink) } else { quoted.escape(octet, &mut sink) };
            added.unwrap();
        }
        quoted.end_line(&mut sink).unwrap();
        sink
    }

    proptest! {
        #[test]
        fn many_octets_at_once_are_written_as_one_by_one(
            start in "(|[.]|From |--|=)",
            runs in proptest::collection::vec("([a-zA-Z.\\-= ]{0,90}|ä{1,3}|\t| )", 0..8),
        ) {
            let text = start + &runs.concat();
            let line = text.clone() + "\r\n";
            let mut sink = Vec::new();
            let piece = Piece { octets: line.as_bytes(), end: b"\r\n", starts_line: true, ends_line: true };
            Quoted::default().encode(piece, &mut sink).unwrap();
            match quoted_length(piece) {
                Some(length) => prop_assert_eq!(length, sink.len() as u64),
                None => prop_assert!(sink.len() > LINE),
            }
            if is_plain(text.as_bytes()) {
                prop_assert_eq!(sink, line.as_bytes());
            } else {
                prop_assert_eq!(String::from_utf8(sink).unwrap(), String::from_utf8(slowly(text.as_bytes())).unwrap());
            }
        }

        #[test]
        fn base64_is_as_long_as_counted(lengths in proptest::collection::vec(0usize..200, 0..5), with_line_end: bool) {
            let (mut coder, mut length, mut sink) = (Grouped::default(), GroupedLength::default(), Vec::new());
            for line in lengths {
                let line = [vec![b'x'; line], b"\r\n".to_vec()].concat();
                let piece = Piece { octets: &line, end: b"\r\n", starts_line: true, ends_line: true };
                coder.encode(piece, &mut sink).unwrap();
                length.see(piece);
            }
            coder.finish(with_line_end, &mut sink).unwrap();
            prop_assert_eq!(length.finish(with_line_end), sink.len() as u64);
        }
    }
}
