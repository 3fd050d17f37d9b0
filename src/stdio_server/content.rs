//! The message that follows DATA: up to its final dot, without the dots that made other lines transparent
//! (RFC 5321 section 4.5.2).

use std::io::{self, Read};

use memchr::memchr;

use super::incoming::{Incoming, LineEnd};

/// Reads one message off the incoming octets and not one octet more.
///
/// A bare LF ends a line for clients that write LF, the form of the first line telling. Where lines end CRLF, a dot
/// counts behind CRLF only: a client that writes CRLF doubles the dots there and nowhere else, and a body with
/// `LF . LF` in it must neither end the message nor smuggle in commands (CVE-2023-51764). A client whose DATA ended
/// CRLF and whose content does not copies a file as it is: its own final dot ends CRLF, one that ends LF is the file's.
pub(super) struct Content<'a, 'b> {
    incoming: &'a mut Incoming<'b>,
    form: Option<LineEnd>,
    at_line_start: bool,
    last: u8,
    end: Option<End>,
}

/// How the content ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// With its final dot: the message is whole.
    Dot,
    /// The client is gone in the middle.
    Input,
}

impl<'a, 'b> Content<'a, 'b> {
    pub(super) fn new(incoming: &'a mut Incoming<'b>) -> Self {
        Self { incoming, form: None, at_line_start: true, last: 0, end: None }
    }

    /// How it ended; `None` while it has not been read to its end.
    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    /// At the start of a line: drops its leading dot, or finds that it was the last.
    fn leading_dot(&mut self) -> io::Result<()> {
        if self.incoming.peek(1)?.first() != Some(&b'.') {
            return Ok(());
        }
        let commands = self.incoming.last_line_end();
        // No further ahead than the line goes: behind the final dot the client waits for us.
        let ends_at = match self.incoming.peek(2)? {
            [_, b'\n', ..] if self.form != Some(LineEnd::Crlf) && commands == LineEnd::Lf => Some(2),
            [_, b'\r', ..] => self.incoming.peek(3)?.starts_with(b".\r\n").then_some(3),
            _ => None,
        };
        self.end = ends_at.map(|_| End::Dot);
        self.incoming.consume(ends_at.unwrap_or(1));
        Ok(())
    }

    /// Copies the rest of a line, or as much as there is.
    fn copy(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let unread = self.incoming.peek(1)?;
        if unread.is_empty() {
            self.end = Some(End::Input);
            return Ok(0);
        }
        let most = unread.get(..room.len()).unwrap_or(unread);
        let part = memchr(b'\n', most).and_then(|at| most.get(..=at)).unwrap_or(most);
        if let Some(place) = room.get_mut(..part.len()) {
            place.copy_from_slice(part);
        }
        let taken = part.len();
        let ended = match part {
            [.., b'\r', b'\n'] => Some(LineEnd::Crlf),
            [b'\n'] if self.last == b'\r' => Some(LineEnd::Crlf),
            [.., b'\n'] => Some(LineEnd::Lf),
            _ => None,
        };
        self.last = part.last().copied().unwrap_or(self.last);
        self.incoming.consume(taken);
        self.at_line_start = ended.is_some_and(|ended| self.dot_counts_behind(ended));
        Ok(taken)
    }

    fn dot_counts_behind(&mut self, line_end: LineEnd) -> bool {
        *self.form.get_or_insert(line_end) == LineEnd::Lf || line_end == LineEnd::Crlf
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while let Some(left) = room.get_mut(written..).filter(|left| !left.is_empty()) {
            if self.at_line_start && self.end.is_none() {
                self.leading_dot()?;
                self.at_line_start = false;
            }
            if self.end.is_some() {
                break;
            }
            written += self.copy(left)?;
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives at most so many octets at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let most = room.len().min(self.1);
            self.0.read(&mut room[..most])
        }
    }

    /// The content, how it ended, and what is left.
    fn read(input: &[u8], at_a_time: usize) -> (Vec<u8>, Option<End>, Vec<u8>) {
        read_behind(b"DATA\n", input, at_a_time)
    }

    /// The same behind this command.
    fn read_behind(command: &[u8], input: &[u8], at_a_time: usize) -> (Vec<u8>, Option<End>, Vec<u8>) {
        let input = [command, input].concat();
        let mut incoming = Incoming::new(Box::new(Drops(&input, at_a_time)));
        incoming.line().unwrap();
        let mut content = Content::new(&mut incoming);
        let mut octets = Vec::new();
        content.read_to_end(&mut octets).unwrap();
        let end = content.end();
        let mut rest = Vec::new();
        while let Some(&octet) = incoming.peek(1).unwrap().first() {
            rest.push(octet);
            incoming.consume(1);
        }
        (octets, end, rest)
    }

    #[test]
    fn a_lone_dot_ends_it_and_other_dots_are_unstuffed() {
        let rows: &[(&str, &str, Option<End>, &str)] = &[
            ("a\r\n..\r\n...b\r\n.\r\nQUIT\r\n", "a\r\n.\r\n..b\r\n", Some(End::Dot), "QUIT\r\n"),
            ("a\n..\n.b\n.\nQUIT\n", "a\n.\nb\n", Some(End::Dot), "QUIT\n"),
            ("a\nb\n.\r\nQUIT\n", "a\nb\n", Some(End::Dot), "QUIT\n"),
            (".\r\nQUIT", "", Some(End::Dot), "QUIT"),
            (".\nQUIT", "", Some(End::Dot), "QUIT"),
            // Where lines end CRLF, a bare LF is text and the dot behind it too.
            ("a\r\nb\n.\nMAIL\n.\r\nMAIL\r\n.\r\n", "a\r\nb\n.\nMAIL\n.\r\nMAIL\r\n", Some(End::Dot), ""),
            ("a\r\n.\nMAIL\r\n.\r\n", "a\r\n\nMAIL\r\n", Some(End::Dot), ""),
            ("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", Some(End::Dot), ""),
            // Gone in the middle.
            ("", "", Some(End::Input), ""),
            ("a\r\n", "a\r\n", Some(End::Input), ""),
            ("a\r\n.", "a\r\n", Some(End::Input), ""),
            ("a\r\n.\r", "a\r\n\r", Some(End::Input), ""),
            ("a\r\nb.\r\n", "a\r\nb.\r\n", Some(End::Input), ""),
        ];
        for (input, octets, end, rest) in rows {
            for at_a_time in [1, 2, 3, 4096] {
                let expected = (octets.as_bytes().to_vec(), *end, rest.as_bytes().to_vec());
                assert_eq!(read(input.as_bytes(), at_a_time), expected, "{input:?} by {at_a_time}");
            }
        }
    }

    #[test]
    fn a_client_that_says_crlf_ends_with_it() {
        for (input, octets, rest) in [
            ("a\n.\nMAIL\n.\r\nQUIT\r\n", "a\n\nMAIL\n", "QUIT\r\n"),
            ("a\n\r\n.\r\n", "a\n\r\n", ""),
            (".\n.\r\n", "\n", ""),
        ] {
            for at_a_time in [1, 2, 3, 4096] {
                let expected = (octets.as_bytes().to_vec(), Some(End::Dot), rest.as_bytes().to_vec());
                assert_eq!(read_behind(b"DATA\r\n", input.as_bytes(), at_a_time), expected, "{input:?} by {at_a_time}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_stuffed_comes_out_as_it_was(
            lines in prop::collection::vec("[.a\\n\u{e9}]{0,4}", 0..20), at_a_time in 1..9usize,
        ) {
            let mut text = String::from("Subject: x\r\n");
            for line in &lines {
                text.push_str(&format!("{line}\r\n"));
            }
            let stuffed = text.replace("\r\n.", "\r\n..") + ".\r\nNOOP\r\n";
            let (octets, end, rest) = read(stuffed.as_bytes(), at_a_time);
            prop_assert_eq!(octets, text.into_bytes());
            prop_assert_eq!((end, rest.as_slice()), (Some(End::Dot), b"NOOP\r\n".as_slice()));
        }

        #[test]
        fn nothing_panics_and_nothing_is_added(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            let (content, end, rest) = read(&octets, 7);
            prop_assert!(content.len() + rest.len() <= octets.len());
            prop_assert!(end.is_some());
        }
    }
}
