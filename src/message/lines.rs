//! The body's lines, read back from the spool in bounded memory.

use std::io;

use memchr::memchr;

use super::line_end::{returns_at_end, split};
use crate::message::{LineEnds, Stuffing};
use crate::world::Spool;

/// Octets read from the spool at a time; a longer line comes in pieces.
const BUFFER: usize = 64 * 1024;

/// Walks a body. A piece is a whole line with CRLF for its end, or part of a line longer than the buffer.
pub struct Lines<'a> {
    spool: &'a mut dyn Spool,
    left: u64,
    line_ends: LineEnds,
    stuffing: Stuffing,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// A line whose end did not come as CRLF.
    line: Vec<u8>,
    at_line_start: bool,
}

/// Part of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// The octets; a line's last piece ends CRLF.
    pub octets: &'a [u8],
    /// How the line ended when it came, where it ends here: LF with or without CRs before it, or nothing.
    pub end: &'a [u8],
    /// Whether a line starts here.
    pub starts_line: bool,
    /// Whether the line ends here.
    pub ends_line: bool,
}

impl<'a> Piece<'a> {
    /// The octets without the line's end.
    pub fn text(&self) -> &'a [u8] {
        match self.octets {
            [text @ .., b'\r', b'\n'] if self.ends_line => text,
            _ => self.octets,
        }
    }
}

impl<'a> Lines<'a> {
    pub(super) fn new(spool: &'a mut dyn Spool, stored: u64, line_ends: LineEnds, stuffing: Stuffing) -> Self {
        Self {
            spool,
            left: stored,
            line_ends,
            stuffing,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            line: Vec::new(),
            at_line_start: true,
        }
    }

    /// The next piece, or `None` at the end of the body.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        let line_end = self.find_line_end()?;
        let is_last = line_end.is_none() && self.left == 0;
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        let is_exact = self.line_ends == LineEnds::Crlf;
        if is_last && unread.is_empty() && (self.at_line_start || is_exact) {
            return Ok(None);
        }
        // A piece never ends between CR and LF: the next one would look like a bare CR.
        let held = if line_end.is_none() && !is_last { returns_at_end(unread) } else { 0 };
        let stop = line_end.unwrap_or(self.end - held);
        let raw = self.buffer.get(self.start..stop).unwrap_or_default();
        let (starts_line, ends_line) = (self.at_line_start, line_end.is_some() || is_last && !is_exact);
        self.start = stop;
        self.at_line_start = ends_line;
        let (text, end) = match self.line_ends {
            LineEnds::AsWritten | LineEnds::Returns if ends_line => split(raw),
            LineEnds::Crlf if ends_line => (raw, &b"\r\n"[..]),
            LineEnds::Crlf | LineEnds::AsWritten | LineEnds::Returns => (raw, &b""[..]),
        };
        let dots = usize::from(starts_line && self.stuffing == Stuffing::Stuffed && raw.starts_with(b".."));
        let octets = if !ends_line || end == b"\r\n" {
            raw
        } else {
            self.line.clear();
            self.line.extend_from_slice(text);
            self.line.extend_from_slice(b"\r\n");
            &self.line
        };
        Ok(Some(Piece { octets: octets.get(dots..).unwrap_or_default(), end, starts_line, ends_line }))
    }

    /// Where the line ends that starts at the unread octets, its LF included; `None` when the buffer or the body ends
    /// before it.
    fn find_line_end(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(found) = memchr(b'\n', unread.get(searched..).unwrap_or_default()) {
                return Ok(Some(self.start + searched + found + 1));
            }
            searched = unread.len();
            if searched == self.buffer.len() || self.left == 0 {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let wanted = room.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let room = room.get_mut(..wanted).unwrap_or_default();
        let read = self.spool.read(room)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += read;
        self.left -= read as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::message::{Body, Stuffing};

    fn pieces(mut body: Body) -> Vec<(Vec<u8>, bool, bool)> {
        let mut lines = body.lines().unwrap();
        let mut all = Vec::new();
        while let Some(piece) = lines.next_piece().unwrap() {
            all.push((piece.octets.to_vec(), piece.starts_line, piece.ends_line));
        }
        all
    }

    #[test]
    fn lines_come_whole() {
        let body = Body::from_memory(b"one\r\n\r\nthree\r\n".to_vec());
        assert_eq!(
            pieces(body),
            [(b"one\r\n".to_vec(), true, true), (b"\r\n".to_vec(), true, true), (b"three\r\n".to_vec(), true, true),]
        );
    }

    #[test]
    fn a_long_line_comes_in_pieces_that_never_split_crlf() {
        for length in [65_534, 65_535, 65_536, 200_000] {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"\r\nend\r\n");
            let all = pieces(Body::from_memory(text.clone()));
            assert_eq!(all.iter().flat_map(|piece| piece.0.clone()).collect::<Vec<_>>(), text);
            assert!(all.iter().all(|piece| !piece.0.ends_with(b"\r")), "{length}");
            assert_eq!(all.iter().filter(|piece| piece.2).count(), 2);
            assert_eq!(all.iter().filter(|piece| piece.1).count(), 2);
        }
    }

    #[test]
    fn stuffed_lines_lose_one_dot() {
        let mut body = Body::from_memory(b"..\r\n...a\r\n.c\r\nb.\r\n".to_vec());
        body.stuffing = Stuffing::Stuffed;
        let all: Vec<u8> = pieces(body).into_iter().flat_map(|piece| piece.0).collect();
        assert_eq!(all, b".\r\n..a\r\n.c\r\nb.\r\n");
    }
}
