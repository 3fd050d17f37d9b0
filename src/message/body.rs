//! Writes a body to its spool: line ends made CRLF, dots and content watched on the way.

use std::io;

use memchr::{memchr, memchr_iter, memchr2, memmem};

use super::source::{Part, Stretch, without_line_end};
use super::utf8::Utf8;
use super::{Body, Content, Cut, Dots, Ending, Stuffing};
use crate::world::Spool;

/// A body being written.
pub(super) struct BodyWriter {
    spool: Box<dyn Spool>,
    out: Vec<u8>,
    length: u64,
    content: Content,
    utf8: Utf8,
    /// The length of the line being written in parts.
    line: u64,
    dots: DotWatch,
}

/// Whether the body goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// More may come.
    More,
    /// A lone dot typed at a terminal: nothing more is read.
    Ended,
}

/// What is known about lines that start with a dot.
struct DotWatch {
    dots: Dots,
    terminal: bool,
    /// A lone dot that has been read and not written: the terminator, unless something follows.
    held: bool,
    /// Where the first lone dot that something followed lies, and the body up to it.
    first_lone: Option<Cut>,
    /// Lines that start with two dots.
    doubled: bool,
    /// Lines that start with one.
    single: bool,
}

impl BodyWriter {
    pub(super) fn new(spool: Box<dyn Spool>, dots: Dots, terminal: bool) -> Self {
        let dots = DotWatch { dots, terminal, held: false, first_lone: None, doubled: false, single: false };
        Self { spool, out: Vec::new(), length: 0, content: Content::default(), utf8: Utf8::new(), line: 0, dots }
    }

    /// Takes the next stretch of input.
    pub(super) fn take(&mut self, stretch: &Stretch<'_>) -> io::Result<Progress> {
        let progress = match stretch {
            Stretch::Lines(lines) => self.lines(lines),
            Stretch::Part(part) => self.part(*part),
        };
        self.spool.write_all(&self.out)?;
        self.out.clear();
        Ok(progress)
    }

    /// The same where a lone dot at the end is content as well.
    pub(super) fn finish_with_every_dot(mut self) -> io::Result<Body> {
        self.write_held_dot();
        self.spool.write_all(&self.out)?;
        self.out.clear();
        self.finish()
    }

    /// The body, complete.
    pub(super) fn finish(mut self) -> io::Result<Body> {
        self.spool.flush()?;
        let content = self.content_so_far();
        let whole = Cut { length: self.length, content };
        let stuffed = self.dots.dots == Dots::MayBeStuffed && self.dots.doubled && !self.dots.single;
        Ok(Body {
            spool: self.spool,
            length: self.length,
            content,
            first_lone_dot: self.dots.first_lone.map(|cut| cut.length),
            stuffing: if stuffed { Stuffing::Stuffed } else { Stuffing::Plain },
            ending: if self.dots.held { Ending::LoneDot } else { Ending::EndOfInput },
            as_sendmail: (self.dots.dots != Dots::Content).then(|| self.dots.first_lone.unwrap_or(whole)),
        })
    }

    fn content_so_far(&self) -> Content {
        Content { utf8: self.utf8.is_valid(), ..self.content }
    }

    fn lines(&mut self, mut lines: &[u8]) -> Progress {
        while let Some(dot) = self.next_lone_dot(lines) {
            let (before, from) = lines.split_at_checked(dot).unwrap_or((lines, b""));
            self.write_lines(before);
            if self.lone_dot() == Progress::Ended {
                return Progress::Ended;
            }
            lines = memchr(b'\n', from).and_then(|end| from.get(end + 1..)).unwrap_or_default();
        }
        self.write_lines(lines);
        Progress::More
    }

    /// Where the next line starts that consists of a dot, watching the other lines that start with one.
    fn next_lone_dot(&mut self, lines: &[u8]) -> Option<usize> {
        if self.dots.dots == Dots::Content {
            return None;
        }
        let first = lines.starts_with(b".").then_some(0);
        for start in first.into_iter().chain(memmem::find_iter(lines, b"\n.").map(|end| end + 1)) {
            match lines.get(start + 1..) {
                Some([b'.', ..]) => self.dots.doubled = true,
                Some([b'\n', ..]) => return Some(start),
                Some(rest @ [b'\r', ..]) if is_line_end(rest) => return Some(start),
                Some(_) | None => self.dots.single = true,
            }
        }
        None
    }

    fn part(&mut self, part: Part<'_>) -> Progress {
        if part.starts_line && part.octets.first() == Some(&b'.') && self.dots.dots != Dots::Content {
            match part.octets.get(1) {
                None if part.ends_line => return self.lone_dot(),
                Some(b'.') => self.dots.doubled = true,
                Some(_) | None => self.dots.single = true,
            }
        }
        self.write_held_dot();
        self.note(part.octets);
        self.content.control |= memchr2(0, b'\r', part.octets).is_some();
        self.line += part.octets.len() as u64;
        self.put(part.octets);
        if part.ends_line {
            self.end_line();
        }
        Progress::More
    }

    fn lone_dot(&mut self) -> Progress {
        if self.dots.terminal {
            self.dots.held = true;
            return Progress::Ended;
        }
        self.write_held_dot();
        self.dots.held = true;
        Progress::More
    }

    /// Something follows the lone dot: it was content.
    fn write_held_dot(&mut self) {
        if self.dots.held {
            self.dots.held = false;
            self.dots.single = true;
            if self.dots.first_lone.is_none() {
                self.dots.first_lone = Some(Cut { length: self.length, content: self.content_so_far() });
            }
            self.line = 1;
            self.put(b".");
            self.end_line();
        }
    }

    /// Whole lines whose dots mean nothing any more: the fast path.
    fn write_lines(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        self.write_held_dot();
        self.note(lines);
        self.content.control |= memchr(0, lines).is_some();
        self.out.reserve(lines.len() * 2);
        match memchr_iter(b'\r', lines).count() {
            0 => self.write_lf_lines(lines),
            returns => self.write_crlf_lines(lines, returns),
        }
    }

    fn write_lf_lines(&mut self, lines: &[u8]) {
        let before = self.out.len();
        let mut start = 0;
        let mut longest = 0;
        let mut count = 0;
        for end in memchr_iter(b'\n', lines) {
            self.out.extend_from_slice(lines.get(start..end).unwrap_or_default());
            self.out.extend_from_slice(b"\r\n");
            longest = longest.max(end - start);
            count += 1;
            start = end + 1;
        }
        self.content.longest_line = self.content.longest_line.max(longest as u64);
        self.content.lines += count;
        self.length += (self.out.len() - before) as u64;
    }

    fn write_crlf_lines(&mut self, lines: &[u8], returns: usize) {
        let mut start = 0;
        let mut longest = 0;
        let mut count = 0;
        let mut are_clean = true;
        for end in memchr_iter(b'\n', lines) {
            let line = lines.get(start..end).unwrap_or_default();
            are_clean &= line.last() == Some(&b'\r');
            longest = longest.max(line.len());
            count += 1;
            start = end + 1;
        }
        if are_clean && returns == count {
            self.content.longest_line = self.content.longest_line.max(longest as u64 - 1);
            self.content.lines += count as u64;
            return self.put(lines);
        }
        for line in lines.split_inclusive(|&octet| octet == b'\n') {
            let text = without_line_end(line);
            self.content.control |= memchr(b'\r', text).is_some();
            self.line = text.len() as u64;
            self.put(text);
            self.end_line();
        }
    }

    fn note(&mut self, octets: &[u8]) {
        self.content.eight_bit |= !octets.is_ascii();
        self.content.escapes = self.content.escapes || memchr(0x1b, octets).is_some();
        self.utf8.push(octets);
    }

    fn end_line(&mut self) {
        self.utf8.push(b"\n");
        self.content.longest_line = self.content.longest_line.max(self.line);
        self.content.lines += 1;
        self.line = 0;
        self.put(b"\r\n");
    }

    fn put(&mut self, octets: &[u8]) {
        self.length += octets.len() as u64;
        self.out.extend_from_slice(octets);
    }
}

/// Whether a line end starts here: CRs, then LF.
fn is_line_end(octets: &[u8]) -> bool {
    octets.iter().find(|&&octet| octet != b'\r') == Some(&b'\n')
}
