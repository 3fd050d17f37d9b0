//! Writes a body to its spool, octet for octet; dots and content are watched on the way.

use std::io;

use memchr::{memchr, memchr_iter, memchr2, memmem};

use super::line_end::{RETURNS, split};
use super::source::{Part, Stretch};
use super::utf8::Utf8;
use super::{Body, Content, Cut, Dots, Ending, LineEnds, Stuffing};
use crate::world::Spool;

/// A body being written.
pub(super) struct BodyWriter {
    spool: Box<dyn Spool>,
    out: Vec<u8>,
    /// How many octets are in the spool, or on their way.
    stored: u64,
    /// How many they are when every line ends CRLF.
    length: u64,
    /// Every line so far ends CRLF.
    all_crlf: bool,
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
    /// A lone dot that has been read and not written, with its line end: the terminator, unless something follows.
    held: Option<Vec<u8>>,
    /// Where the first lone dot that something followed lies, and the body up to it.
    first_lone: Option<Cut>,
    /// Lines that start with two dots.
    doubled: bool,
    /// Lines that are nothing but two.
    lone_double: bool,
    /// Lines that start with one.
    single: bool,
}

impl BodyWriter {
    pub(super) fn new(spool: Box<dyn Spool>, dots: Dots, terminal: bool) -> Self {
        let dots = DotWatch {
            dots,
            terminal,
            held: None,
            first_lone: None,
            doubled: false,
            lone_double: false,
            single: false,
        };
        Self {
            spool,
            out: Vec::new(),
            stored: 0,
            length: 0,
            all_crlf: true,
            content: Content::default(),
            utf8: Utf8::new(),
            line: 0,
            dots,
        }
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
        let whole = self.cut();
        let Cut { stored, length, content } = whole;
        Ok(Body {
            spool: self.spool,
            stored,
            length,
            content,
            line_ends: if self.all_crlf { LineEnds::Crlf } else { LineEnds::AsWritten },
            dots: self.dots.dots,
            first_lone_dot: self.dots.first_lone.map(|cut| cut.length),
            stuffing: self.dots.stuffing(),
            ending: if self.dots.held.is_some() { Ending::LoneDot } else { Ending::EndOfInput },
            as_sendmail: (self.dots.dots != Dots::Content).then(|| self.dots.first_lone.unwrap_or(whole)),
        })
    }

    fn cut(&self) -> Cut {
        Cut { stored: self.stored, length: self.length, content: self.content_so_far() }
    }

    fn content_so_far(&self) -> Content {
        Content { utf8: self.utf8.is_valid(), ..self.content }
    }

    fn lines(&mut self, mut lines: &[u8]) -> Progress {
        while let Some(dot) = self.next_lone_dot(lines) {
            let (before, from) = lines.split_at_checked(dot).unwrap_or((lines, b""));
            self.write_lines(before);
            let end = memchr(b'\n', from).map_or(from.len(), |end| end + 1);
            let (line, behind) = from.split_at_checked(end).unwrap_or((from, b""));
            if self.lone_dot(line) == Progress::Ended {
                return Progress::Ended;
            }
            lines = behind;
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
                Some([b'.', rest @ ..]) => self.dots.see_doubled(is_line_end(rest)),
                Some(rest) if is_line_end(rest) => return Some(start),
                Some(_) | None => self.dots.single = true,
            }
        }
        None
    }

    fn part(&mut self, part: Part<'_>) -> Progress {
        if part.starts_line && part.octets.first() == Some(&b'.') && self.dots.dots != Dots::Content {
            match part.octets.get(1..) {
                Some([]) if part.ends_line => return self.lone_dot(&[part.octets, part.end].concat()),
                Some([b'.', rest @ ..]) => self.dots.see_doubled(rest.is_empty() && part.ends_line),
                Some(_) | None => self.dots.single = true,
            }
        }
        self.write_held_dot();
        self.note(part.octets);
        self.content.control |= memchr2(0, b'\r', part.octets).is_some();
        self.line += part.octets.len() as u64;
        self.put(part.octets, 0);
        if part.ends_line {
            self.end_line(part.end);
        }
        Progress::More
    }

    fn lone_dot(&mut self, line: &[u8]) -> Progress {
        if !self.dots.terminal {
            self.write_held_dot();
        }
        self.dots.held = Some(line.to_vec());
        if self.dots.terminal { Progress::Ended } else { Progress::More }
    }

    /// Something follows the lone dot: it was content.
    fn write_held_dot(&mut self) {
        if let Some(line) = self.dots.held.take() {
            self.dots.single = true;
            if self.dots.first_lone.is_none() {
                self.dots.first_lone = Some(self.cut());
            }
            let (text, end) = split(&line);
            self.line = 1;
            self.put(text, 0);
            self.end_line(end);
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
        match memchr_iter(b'\r', lines).count() {
            0 => self.write_lf_lines(lines),
            returns => self.write_crlf_lines(lines, returns),
        }
    }

    fn write_lf_lines(&mut self, lines: &[u8]) {
        let (count, longest) = measured(lines);
        self.content.longest_line = self.content.longest_line.max(longest);
        self.content.lines += count;
        self.all_crlf = false;
        self.put(lines, count);
    }

    fn write_crlf_lines(&mut self, lines: &[u8], returns: usize) {
        let (count, longest) = measured(lines);
        let pairs = memmem::find_iter(lines, b"\r\n").count() as u64;
        if pairs == count && returns as u64 == count {
            self.content.longest_line = self.content.longest_line.max(longest - 1);
            self.content.lines += count;
            return self.put(lines, 0);
        }
        for line in lines.split_inclusive(|&octet| octet == b'\n') {
            let (text, end) = split(line);
            self.content.control |= memchr(b'\r', text).is_some();
            self.line = text.len() as u64;
            self.put(text, 0);
            self.end_line(end);
        }
    }

    fn note(&mut self, octets: &[u8]) {
        self.content.eight_bit |= !octets.is_ascii();
        self.content.escapes = self.content.escapes || memchr(0x1b, octets).is_some();
        self.utf8.push(octets);
    }

    fn end_line(&mut self, end: &[u8]) {
        self.utf8.push(b"\n");
        self.content.longest_line = self.content.longest_line.max(self.line);
        self.content.lines += 1;
        self.line = 0;
        self.all_crlf &= end == b"\r\n";
        self.length += 2;
        self.stored += end.len() as u64;
        self.out.extend_from_slice(end);
    }

    /// Puts octets that are so many more when their lines end CRLF.
    fn put(&mut self, octets: &[u8], more: u64) {
        self.stored += octets.len() as u64;
        self.length += octets.len() as u64 + more;
        self.out.extend_from_slice(octets);
    }
}

impl DotWatch {
    fn see_doubled(&mut self, nothing_else: bool) {
        self.doubled = true;
        self.lone_double |= nothing_else;
    }

    /// Two dots may be an ellipsis or a folder above; a line of nothing but two is what doubling makes of a lone dot,
    /// for whose sake dots are doubled.
    fn stuffing(&self) -> Stuffing {
        let stuffed = self.dots == Dots::MayBeStuffed && self.doubled && self.lone_double && !self.single;
        if stuffed { Stuffing::Stuffed } else { Stuffing::Plain }
    }
}

/// How many lines, and the longest, up to its LF.
fn measured(lines: &[u8]) -> (u64, u64) {
    let (mut start, mut longest, mut count) = (0, 0, 0);
    for end in memchr_iter(b'\n', lines) {
        longest = longest.max(end - start);
        count += 1;
        start = end + 1;
    }
    (count, longest as u64)
}

/// Whether a line end starts here: CRs, then LF.
fn is_line_end(octets: &[u8]) -> bool {
    let returns = octets.iter().take(RETURNS).take_while(|&&octet| octet == b'\r').count();
    octets.get(returns) == Some(&b'\n')
}
