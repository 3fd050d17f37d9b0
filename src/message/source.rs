//! Standard input, cut at line ends in bounded memory; every octet is handed on, line ends as they came.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memchr2, memrchr};

use super::line_end::{RETURNS, returns_at_end, split};
use crate::words::BYTE_ORDER_MARK;

/// Octets asked for at a time, and the longest line that comes in one piece.
pub(super) const BUFFER: usize = 64 * 1024;

/// How far a field name's colon may be from its start: no line may be longer (RFC 5322 section 2.1.1).
pub(super) const NAME: usize = 998;

/// Cuts the input into lines: LF, CRLF and CR*LF are the same line end, and so are CRs at the very end.
pub(super) struct Source<'a> {
    input: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// How far from `start` on it is known that there is no LF.
    searched: usize,
    state: State,
    ended: bool,
    octets_read: u64,
    /// An LF has been read, perhaps not yet handed on.
    line_feeds: bool,
    /// A line of the header ended where only input without any LF has a line end.
    returns_end_lines: bool,
    /// A line of the header has been taken.
    begun: bool,
    /// What [`Source::accept`] takes.
    shown: Shown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    LineStart,
    InsideLine,
}

/// The part of the header that was shown last.
#[derive(Clone, Copy, Debug)]
struct Shown {
    taken: usize,
    then: State,
    returns_end_lines: bool,
}

/// Part of a line, or the whole of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part<'a> {
    /// Its octets without line end. What is not the line's last part is at least as long as a field name may be.
    pub octets: &'a [u8],
    /// The line end as it came: empty where the line goes on, or ends with the input.
    pub end: &'a [u8],
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

/// What [`Source::find_in_header`] found at the start of the unread octets.
struct HeaderPart {
    /// The octets without line end.
    text: usize,
    /// The octets with it.
    taken: usize,
    ends_line: bool,
    /// Only input without any LF has a line end here.
    by_return: bool,
}

/// What follows a CR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Behind {
    /// A field name and its colon.
    Field,
    /// Something else.
    Other,
    /// What has been read does not tell.
    Unknown,
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
            line_feeds: false,
            returns_end_lines: false,
            begun: false,
            shown: Shown { taken: 0, then: State::LineStart, returns_end_lines: false },
        }
    }

    /// How much has been read so far.
    pub(super) fn octets_read(&self) -> u64 {
        self.octets_read
    }

    /// Whether an LF has been read so far.
    pub(super) fn has_line_feeds(&self) -> bool {
        self.line_feeds
    }

    /// Whether the header was read as input without any LF has to be, and then an LF came.
    pub(super) fn contradicts_itself(&self) -> bool {
        self.returns_end_lines && self.line_feeds
    }

    /// Passes over byte order marks at the very start: they are no text.
    pub(super) fn skip_byte_order_marks(&mut self) -> io::Result<()> {
        loop {
            let unread = self.unread();
            if unread.starts_with(BYTE_ORDER_MARK.as_bytes()) {
                self.take(BYTE_ORDER_MARK.len(), State::LineStart);
            } else if !BYTE_ORDER_MARK.as_bytes().starts_with(unread) || self.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// The next part of the header, at most one line; `None` at the end. It is shown again until it is accepted.
    ///
    /// A CR without LF ends the line when a field name follows, or when no LF has been read yet.
    pub(super) fn header_part(&mut self) -> io::Result<Option<Part<'_>>> {
        let starts_line = self.state == State::LineStart;
        let HeaderPart { text, taken, ends_line, by_return } = self.find_in_header()?;
        if taken == 0 && starts_line {
            return Ok(None);
        }
        let then = if ends_line { State::LineStart } else { State::InsideLine };
        self.shown = Shown { taken, then, returns_end_lines: by_return };
        let line = self.unread().get(..taken).unwrap_or_default();
        let (octets, end) = line.split_at_checked(text).unwrap_or((line, b""));
        Ok(Some(Part { octets, end, starts_line, ends_line }))
    }

    /// Takes what [`Source::header_part`] has shown.
    pub(super) fn accept(&mut self) {
        self.begun = true;
        self.returns_end_lines |= self.shown.returns_end_lines;
        self.take(self.shown.taken, self.shown.then);
    }

    /// The next part of a line, at most one line; `None` at the end.
    pub(super) fn part(&mut self) -> io::Result<Option<Part<'_>>> {
        let starts_line = self.state == State::LineStart;
        let (taken, ends_line) = match self.find()? {
            Found::Line(length) => (length, true),
            Found::Rest => (self.end - self.start, true),
            // CRs at the buffer's end wait for what follows them.
            Found::Full => (self.unread().len() - returns_at_end(self.unread()), false),
            Found::End if starts_line => return Ok(None),
            Found::End => (0, true),
        };
        let from = self.start;
        self.take(taken, if ends_line { State::LineStart } else { State::InsideLine });
        let octets = self.buffer.get(from..from + taken).unwrap_or_default();
        let (octets, end) = if ends_line { split(octets) } else { (octets, &b""[..]) };
        Ok(Some(Part { octets, end, starts_line, ends_line }))
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

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.end - self.start == self.buffer.len()
    }

    fn find(&mut self) -> io::Result<Found> {
        loop {
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(found) = memchr(b'\n', unread.get(self.searched..).unwrap_or_default()) {
                return Ok(Found::Line(self.searched + found + 1));
            }
            self.searched = unread.len();
            if self.is_full() {
                return Ok(Found::Full);
            }
            if self.fill()? == 0 {
                return Ok(if self.start == self.end { Found::End } else { Found::Rest });
            }
        }
    }

    fn find_in_header(&mut self) -> io::Result<HeaderPart> {
        let whole = |text, taken| HeaderPart { text, taken, ends_line: true, by_return: false };
        let some = |taken| HeaderPart { text: taken, taken, ends_line: false, by_return: false };
        let mut at = 0;
        loop {
            let unread = self.unread();
            let found = memchr2(b'\r', b'\n', unread.get(at..).unwrap_or_default()).map(|found| at + found);
            let Some(end) = found else {
                at = unread.len();
                if self.is_full() {
                    return Ok(some(at));
                }
                if self.fill()? == 0 {
                    return Ok(whole(at, at));
                }
                continue;
            };
            let returns = unread.iter().skip(end).take(RETURNS).take_while(|&&octet| octet == b'\r').count();
            let behind = match unread.get(end + returns) {
                Some(b'\n') => return Ok(whole(end, end + returns + 1)),
                None if self.ended => return Ok(whole(end, end + returns)),
                Some(_) if returns == 1 => behind_return(unread.get(end + 1..).unwrap_or_default()),
                Some(_) => Behind::Other,
                None => Behind::Unknown,
            };
            let begins = end == 0 && self.state == State::LineStart;
            at = end;
            match behind {
                // With nothing before it the buffer is full of what is no name.
                Behind::Unknown if self.is_full() && end > 0 => return Ok(some(end)),
                Behind::Unknown if !self.is_full() && !self.ended => drop(self.fill()?),
                Behind::Field if !begins => return Ok(whole(end, end + 1)),
                Behind::Field | Behind::Other | Behind::Unknown if self.line_feeds => at = end + returns,
                Behind::Other | Behind::Unknown if begins && !self.begun => at = end + returns,
                Behind::Field | Behind::Other | Behind::Unknown => {
                    return Ok(HeaderPart { by_return: true, ..whole(end, end + 1) });
                }
            }
        }
    }

    fn take(&mut self, octets: usize, state: State) {
        self.start += octets;
        self.searched = self.searched.saturating_sub(octets);
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
        let fresh = self.buffer.get(self.end..self.end + read).unwrap_or_default();
        self.line_feeds = self.line_feeds || memchr(b'\n', fresh).is_some();
        self.end += read;
        self.octets_read += read as u64;
        Ok(read)
    }
}

/// Whether a field name and its colon stand behind a CR.
fn behind_return(octets: &[u8]) -> Behind {
    let near = octets.get(..NAME).unwrap_or(octets);
    let name = near.iter().take_while(|&&octet| octet.is_ascii_graphic() && octet != b':').count();
    let space = near.iter().skip(name).take_while(|&&octet| octet == b' ' || octet == b'\t').count();
    match near.get(name + space) {
        Some(b':') if name > 0 => Behind::Field,
        None if octets.len() < NAME => Behind::Unknown,
        Some(_) | None => Behind::Other,
    }
}
