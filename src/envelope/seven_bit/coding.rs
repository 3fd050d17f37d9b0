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
        let last = text.len().saturating_sub(1);
        let from = if piece.starts_line && needs_start_escaped(text) { 0 } else { usize::MAX };
        for (at, &octet) in text.iter().enumerate() {
            // White space at a piece's end may turn out to be at the line's end.
            let literal = at != from && (is_literal(octet) || (is_space(octet) && at < last));
            if literal { self.literal(octet, sink)? } else { self.escape(octet, sink)? }
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
        && text.iter().all(|&octet| is_literal(octet) || is_space(octet))
        && !text.last().is_some_and(|&octet| is_space(octet))
        && text != b"."
        && !text.starts_with(b"From ")
}

/// A dot that would be alone, mbox's mark, and what might become a boundary when its end is encoded.
pub(super) fn needs_start_escaped(text: &[u8]) -> bool {
    text == b"." || text.starts_with(b"From ") || text.starts_with(b"--")
}

fn is_literal(octet: u8) -> bool {
    matches!(octet, b'!'..=b'<' | b'>'..=b'~')
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
