//! Quoted-printable and base64, written line by line as the content comes in (RFC 2045 sections 6.7 and 6.8).

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::message::Piece;

/// The longest line of either encoding.
const LINE: usize = 76;

/// Octets in one line of base64.
const GROUP: usize = 57;

/// Lines of base64 encoded at a time.
const LINES: usize = 64;

/// A line of quoted-printable under construction: at most 76 octets and its end.
#[derive(Default)]
pub(super) struct Quoted {
    line: Vec<u8>,
    soft: bool,
}

impl Quoted {
    /// Adds one octet as it is, or escaped where the line's start asks for it.
    ///
    /// A line that follows a soft break must be no boundary, no lone dot and no mbox `From `.
    pub(super) fn literal(&mut self, octet: u8, sink: &mut dyn Write) -> io::Result<()> {
        self.make_room(1, sink)?;
        if self.soft && self.line.is_empty() && matches!(octet, b'-' | b'.' | b'F') {
            return self.escape(octet, sink);
        }
        self.line.push(octet);
        Ok(())
    }

    /// Adds octets of which each stands for itself, as many at once as fit into a line.
    fn literals(&mut self, octets: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        let mut rest = octets;
        while let Some((&first, behind)) = rest.split_first() {
            let room = (LINE - 1).saturating_sub(self.line.len());
            if room == 0 || self.line.is_empty() {
                self.literal(first, sink)?;
                rest = behind;
                continue;
            }
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, b""));
            self.line.extend_from_slice(now);
            rest = later;
        }
        Ok(())
    }

    /// Adds octets that must stay together: an escape that was there already.
    pub(super) fn together(&mut self, octets: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        self.make_room(octets.len(), sink)?;
        self.line.extend_from_slice(octets);
        Ok(())
    }

    /// Adds one octet as `=XX`.
    pub(super) fn escape(&mut self, octet: u8, sink: &mut dyn Write) -> io::Result<()> {
        self.make_room(3, sink)?;
        self.line.extend_from_slice(&[b'=', hexadecimal(octet >> 4), hexadecimal(octet & 15)]);
        Ok(())
    }

    /// Ends the line where the text's line ends.
    pub(super) fn end_line(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        self.line.extend_from_slice(b"\r\n");
        self.flush(sink)?;
        self.soft = false;
        Ok(())
    }

    fn make_room(&mut self, octets: usize, sink: &mut dyn Write) -> io::Result<()> {
        if self.line.len() + octets >= LINE {
            self.line.extend_from_slice(b"=\r\n");
            self.flush(sink)?;
            self.soft = true;
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        sink.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    /// Encodes a piece of text.
    pub(super) fn encode(&mut self, piece: Piece<'_>, sink: &mut dyn Write) -> io::Result<()> {
        let text = piece.octets.strip_suffix(b"\r\n").unwrap_or(piece.octets);
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
        while let Some(run) = rest.iter().position(|&octet| !stands_for_itself(octet)) {
            let (plain, from) = rest.split_at(run);
            self.literals(plain, sink)?;
            let Some((&octet, behind)) = from.split_first() else { break };
            self.escape(octet, sink)?;
            rest = behind;
        }
        self.literals(rest, sink)?;
        if let Some(space) = space {
            self.escape(space, sink)?;
        }
        if piece.ends_line {
            self.end_line(sink)?;
        }
        Ok(())
    }
}

/// Whether a line needs no encoding.
fn is_plain(text: &[u8]) -> bool {
    text.len() <= LINE
        && text.iter().all(|&octet| stands_for_itself(octet))
        && !text.last().is_some_and(|&octet| is_space(octet))
        && text != b"."
        && !text.starts_with(b"From ")
}

/// A dot that would be alone, mbox's mark, and what might become a boundary when its end is encoded.
pub(super) fn needs_start_escaped(text: &[u8]) -> bool {
    text == b"." || text.starts_with(b"From ") || text.starts_with(b"--")
}

/// Inside a line.
fn stands_for_itself(octet: u8) -> bool {
    matches!(octet, b' '..=b'<' | b'>'..=b'~' | b'\t')
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
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
        match piece.octets.strip_suffix(b"\r\n") {
            Some(text) if piece.ends_line => {
                self.line_end = true;
                self.add(text, sink)
            }
            Some(_) | None => self.add(piece.octets, sink),
        }
    }

    /// Writes what is left; `with_line_end` when no boundary claims the last line end.
    pub(super) fn finish(&mut self, with_line_end: bool, sink: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.line_end) && with_line_end {
            self.add(b"\r\n", sink)?;
        }
        self.flush(sink)
    }

    fn add(&mut self, octets: &[u8], sink: &mut dyn Write) -> io::Result<()> {
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
            let piece = Piece { octets: line.as_bytes(), starts_line: true, ends_line: true };
            Quoted::default().encode(piece, &mut sink).unwrap();
            if is_plain(text.as_bytes()) {
                prop_assert_eq!(sink, line.as_bytes());
            } else {
                prop_assert_eq!(String::from_utf8(sink).unwrap(), String::from_utf8(slowly(text.as_bytes())).unwrap());
            }
        }
    }
}
