//! Standard input, cut at line ends in bounded memory.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memrchr};

/// Octets asked for at a time, and the longest line that comes in one piece.
pub(super) const BUFFER: usize = 64 * 1024;

/// Cuts the input into lines: LF, CRLF and CR*LF are the same line end, and so are CRs at the very end.
pub(super) struct Source<'a> {
    input: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// How far from `start` on it is known that there is no line end.
    searched: usize,
    state: State,
    ended: bool,
    octets_read: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    LineStart,
    InsideLine,
}

/// Part of a line, or the whole of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part<'a> {
    /// Its octets without line end. Whatever is not the line's last part has the buffer's size, or one octet less.
    pub octets: &'a [u8],
    /// Whether the line starts here.
    pub starts_line: bool,
    /// Whether it ends here.
    pub ends_line: bool,
}

/// The next stretch of a body.
pub(super) enum Stretch<'a> {
    /// Whole lines, as they came, each with its LF.
    Lines(&'a [u8]),
    /// Part of a line longer than the buffer, or a line without end.
    Part(Part<'a>),
}

/// What [`Source::find`] found at the start of the unread octets.
enum Found {
    /// A line end: the line is that long, its LF included.
    Line(usize),
    /// A full buffer without one.
    Full,
    /// The last octets, without one.
    Rest,
    /// Nothing any more.
    End,
}

impl<'a> Source<'a> {
    pub(super) fn new(input: &'a mut dyn Read, buffer: usize) -> Self {
        Self {
            input,
            buffer: vec![0; buffer],
            start: 0,
            end: 0,
            searched: 0,
            state: State::LineStart,
            ended: false,
            octets_read: 0,
        }
    }

    /// How much has been read so far.
    pub(super) fn octets_read(&self) -> u64 {
        self.octets_read
    }

    /// The next part of a line, at most one line; `None` at the end.
    pub(super) fn part(&mut self) -> io::Result<Option<Part<'_>>> {
        let starts_line = self.state == State::LineStart;
        let (taken, ends_line) = match self.find()? {
            Found::Line(length) => (length, true),
            Found::Rest => (self.end - self.start, true),
            Found::Full => (self.without_trailing_returns(), false),
            Found::End if starts_line => return Ok(None),
            Found::End => (0, true),
        };
        let from = self.start;
        self.take(taken, if ends_line { State::LineStart } else { State::InsideLine });
        let octets = self.buffer.get(from..from + taken).unwrap_or_default();
        let octets = if ends_line { without_line_end(octets) } else { octets };
        Ok(Some(Part { octets, starts_line, ends_line }))
    }

    /// As many whole lines as are there, or else what [`Source::part`] gives.
    pub(super) fn stretch(&mut self) -> io::Result<Option<Stretch<'_>>> {
        if self.state == State::LineStart
            && let Found::Line(_) = self.find()?
        {
            let from = self.start;
            let unread = self.buffer.get(from..self.end).unwrap_or_default();
            let taken = memrchr(b'\n', unread).map_or(0, |last| last + 1);
            self.take(taken, State::LineStart);
            return Ok(self.buffer.get(from..from + taken).map(Stretch::Lines));
        }
        Ok(self.part()?.map(Stretch::Part))
    }

    /// Reads to the end and forgets it.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        self.take(self.end - self.start, State::LineStart);
        while self.fill()? > 0 {
            self.take(self.end - self.start, State::LineStart);
        }
        Ok(())
    }

    fn find(&mut self) -> io::Result<Found> {
        loop {
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(found) = memchr(b'\n', unread.get(self.searched..).unwrap_or_default()) {
                return Ok(Found::Line(self.searched + found + 1));
            }
            self.searched = unread.len();
            if unread.len() == self.buffer.len() {
                return Ok(Found::Full);
            }
            if self.fill()? == 0 {
                return Ok(if self.start == self.end { Found::End } else { Found::Rest });
            }
        }
    }

    /// CRs at the buffer's end wait for what follows them, unless there is nothing else.
    fn without_trailing_returns(&self) -> usize {
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        unread.iter().rposition(|&octet| octet != b'\r').map_or(unread.len(), |last| last + 1)
    }

    fn take(&mut self, octets: usize, state: State) {
        self.start += octets;
        self.searched = 0;
        self.state = state;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Reads once; 0 is the end, after which nothing is asked for again: at a terminal there could be more.
    fn fill(&mut self) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = loop {
            match self.input.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        self.ended = read == 0;
        self.end += read;
        self.octets_read += read as u64;
        Ok(read)
    }
}

/// The line without LF and the CRs before it.
pub(super) fn without_line_end(line: &[u8]) -> &[u8] {
    let mut text = line.strip_suffix(b"\n").unwrap_or(line);
    while let Some(shorter) = text.strip_suffix(b"\r") {
        text = shorter;
    }
    text
}
