//! Standard input as a client's command lines, in bounded memory.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// The longest command line, its line end included. RFC 5321 section 4.5.3.1.4 asks for 512; parameters add to it.
const COMMAND_LINE: usize = 4096;

/// Octets asked for at a time.
const BUFFER: usize = 64 * 1024;

/// What the client has said and we have not looked at yet.
pub(super) struct Incoming<'a> {
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    last_line_end: LineEnd,
}

/// How a client ends lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LineEnd {
    /// As SMTP has it.
    Crlf,
    /// As Unix has it.
    Lf,
}

/// The next line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// A command without its line end, CRLF or bare LF.
    Command(Vec<u8>),
    /// A line over the limit, read to its end and forgotten.
    TooLong,
    /// There are no more. A line without line end is no command: the client died writing it.
    End,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(input: Box<dyn Read + 'a>) -> Self {
        Self { input, buffer: vec![0; BUFFER], start: 0, end: 0, last_line_end: LineEnd::Lf }
    }

    /// The next command line.
    pub(super) fn line(&mut self) -> io::Result<Line> {
        let mut line = Vec::new();
        let mut length = 0_usize;
        loop {
            let unread = self.peek(1)?;
            if unread.is_empty() {
                return Ok(Line::End);
            }
            let line_end = memchr(b'\n', unread);
            let part = unread.get(..line_end.map_or(unread.len(), |at| at + 1)).unwrap_or(unread);
            let taken = part.len();
            length = length.saturating_add(taken);
            if length <= COMMAND_LINE {
                line.extend_from_slice(part);
            }
            self.consume(taken);
            if line_end.is_some() {
                self.last_line_end = if line.ends_with(b"\r\n") { LineEnd::Crlf } else { LineEnd::Lf };
                return Ok(if length > COMMAND_LINE { Line::TooLong } else { Line::Command(without_line_end(line)) });
            }
        }
    }

    /// How the last command ended.
    pub(super) fn last_line_end(&self) -> LineEnd {
        self.last_line_end
    }

    /// What has been read and not consumed: at least `wanted` octets unless the input ends before. Waits for those
    /// only, never for more.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.end - self.start < wanted.min(BUFFER) {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            match self.input.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    /// Forgets the first octets of what [`Self::peek`] gave.
    pub(super) fn consume(&mut self, octets: usize) {
        self.start = self.end.min(self.start + octets);
    }
}

fn without_line_end(mut line: Vec<u8>) -> Vec<u8> {
    line.pop_if(|last| *last == b'\n');
    line.pop_if(|last| *last == b'\r');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Line> {
        let mut incoming = Incoming::new(Box::new(input));
        std::iter::from_fn(|| Some(incoming.line().unwrap()).filter(|line| *line != Line::End)).collect()
    }

    fn command(text: &str) -> Line {
        Line::Command(text.as_bytes().to_vec())
    }

    #[test]
    fn crlf_and_lf_end_a_line_alike() {
        assert_eq!(lines(b"EHLO x\r\nNOOP\nQUIT\r\n"), [command("EHLO x"), command("NOOP"), command("QUIT")]);
        assert_eq!(lines(b"\n\r\nA\r\r\n"), [command(""), command(""), command("A\r")]);
    }

    #[test]
    fn a_line_without_end_is_no_command() {
        assert_eq!(lines(b"NOOP\r\nQUI"), [command("NOOP")]);
    }

    #[test]
    fn an_over_long_line_is_forgotten_and_the_next_one_read() {
        let longest = "x".repeat(COMMAND_LINE - 2);
        assert_eq!(lines(format!("{longest}\r\n").as_bytes()), [command(&longest)]);
        for length in [COMMAND_LINE, 1_000_000] {
            let input = format!("{}\r\nNOOP\r\n", "x".repeat(length));
            assert_eq!(lines(input.as_bytes()), [Line::TooLong, command("NOOP")]);
        }
    }
}
