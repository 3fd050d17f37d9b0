//! Dot-stuffing on the way out (RFC 5321 section 4.5.2), in slices, the last one kept back for the final dot.

use std::io::{self, Write};

use memchr::memmem::Finder;

/// Octets given out at a time, with room left for the final dot and QUIT in the last of them.
const SLICE: usize = 64 * 1024 - 16;

/// Stuffs what is written to it and gives it out in slices.
pub(super) struct DotStuffing<S> {
    give: S,
    slice: Vec<u8>,
    dot_after_line_end: Finder<'static>,
    last: [u8; 2],
    written: u64,
}

impl<S: FnMut(&[u8]) -> io::Result<()>> DotStuffing<S> {
    /// `give` gets every slice but the last.
    pub(super) fn new(give: S) -> Self {
        Self {
            give,
            slice: Vec::with_capacity(SLICE + 16),
            dot_after_line_end: Finder::new(b"\n."),
            last: *b"\r\n",
            written: 0,
        }
    }

    /// The last slice, the final dot and what follows it included, and the octets of content before stuffing.
    pub(super) fn finish(mut self, behind_the_dot: &[u8]) -> (Vec<u8>, u64) {
        if self.last != *b"\r\n" {
            self.slice.extend_from_slice(b"\r\n");
        }
        self.slice.extend_from_slice(b".\r\n");
        self.slice.extend_from_slice(behind_the_dot);
        (self.slice, self.written)
    }

    fn push(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            if self.slice.len() >= SLICE {
                (self.give)(&self.slice)?;
                self.slice.clear();
            }
            let room = (SLICE - self.slice.len()).min(octets.len());
            let (now, later) = octets.split_at(room);
            self.slice.extend_from_slice(now);
            octets = later;
        }
        Ok(())
    }
}

impl<S: FnMut(&[u8]) -> io::Result<()>> Write for DotStuffing<S> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.last.ends_with(b"\n") && octets.starts_with(b".") {
            self.push(b".")?;
        }
        let mut rest = octets;
        while let Some(found) = self.dot_after_line_end.find(rest) {
            let (line_end, dot) = rest.split_at(found + 1);
            self.push(line_end)?;
            self.push(b".")?;
            rest = dot;
        }
        self.push(rest)?;
        match octets {
            [.., before, last] => self.last = [*before, *last],
            [only] => self.last = [self.last[1], *only],
            [] => {}
        }
        self.written += octets.len() as u64;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What goes out for content written in such pieces, slice by slice.
    fn slices(content: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut given = Vec::new();
        let mut stuffing = DotStuffing::new(|slice: &[u8]| {
            given.push(slice.to_vec());
            Ok(())
        });
        for part in content.chunks(piece) {
            stuffing.write_all(part).unwrap();
        }
        let (last, written) = stuffing.finish(b"QUIT\r\n");
        assert_eq!(written, content.len() as u64);
        given.push(last);
        given
    }

    /// What a server makes of it, to the letter of RFC 5321 section 4.5.2.
    fn received(wire: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut content = Vec::new();
        let mut rest = wire;
        loop {
            let end = memchr::memmem::find(rest, b"\r\n").unwrap() + 2;
            let (line, after) = rest.split_at(end);
            rest = after;
            if line == b".\r\n" {
                return (content, rest.to_vec());
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
    }

    #[test]
    fn dots_at_line_starts_are_doubled() {
        for (content, wire) in [
            ("", ".\r\nQUIT\r\n"),
            ("a\r\n", "a\r\n.\r\nQUIT\r\n"),
            (".\r\n", "..\r\n.\r\nQUIT\r\n"),
            ("a\r\n.\r\n..b\r\nc.\r\n", "a\r\n..\r\n...b\r\nc.\r\n.\r\nQUIT\r\n"),
            ("\n.\n.\r\n", "\n..\n..\r\n.\r\nQUIT\r\n"),
            ("no end", "no end\r\n.\r\nQUIT\r\n"),
            ("\r\n\r\n", "\r\n\r\n.\r\nQUIT\r\n"),
        ] {
            for piece in 1..5 {
                assert_eq!(slices(content.as_bytes(), piece).concat(), wire.as_bytes(), "{content:?} by {piece}");
            }
        }
    }

    #[test]
    fn the_final_dot_rides_in_the_last_slice_with_content() {
        let line = b"0123456789abcdef\r\n";
        for lines in [1, 3639, 3640, 3641, 10_000] {
            let content = line.repeat(lines);
            let given = slices(&content, 8192);
            assert!(given.iter().all(|slice| slice.len() <= 64 * 1024));
            assert!(given.iter().rev().skip(1).all(|slice| slice.len() == SLICE));
            let last = given.last().unwrap();
            assert!(last.len() > b".\r\nQUIT\r\n".len() && last.ends_with(b"\r\n.\r\nQUIT\r\n"));
            assert_eq!(received(&given.concat()), (content, b"QUIT\r\n".to_vec()));
        }
    }

    #[test]
    fn an_error_of_the_wire_stops_the_content() {
        let mut stuffing = DotStuffing::new(|_: &[u8]| Err(io::ErrorKind::BrokenPipe.into()));
        assert!(stuffing.write_all(&vec![b'x'; SLICE]).is_ok());
        assert!(stuffing.write_all(b"x").is_err());
    }

    proptest! {
        #[test]
        fn a_server_receives_what_was_written(
            lines in proptest::collection::vec("[.a\u{e9}]{0,5}", 0..40),
            piece in 1usize..30,
        ) {
            let content: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let (seen, behind) = received(&slices(content.as_bytes(), piece).concat());
            prop_assert_eq!(seen, content.as_bytes());
            prop_assert_eq!(behind, b"QUIT\r\n");
        }

        #[test]
        fn no_content_can_end_itself(
            content in proptest::collection::vec(prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), Just(b'a')], 0..60),
            piece in 1usize..10,
        ) {
            let mut whole = slices(&content, piece).concat();
            whole.truncate(whole.len() - b"\r\n.\r\nQUIT\r\n".len().min(whole.len()));
            // However a server reads line ends, no line before the end is a lone dot.
            for end in [&b"\n.\n"[..], b"\n.\r", b"\r\n.\r\n"] {
                prop_assert!(memchr::memmem::find(&whole, end).is_none());
            }
        }
    }
}
