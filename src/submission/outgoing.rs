//! What a transport needs to know of a message: a letter, or octets in memory.

use std::borrow::Cow;
use std::io::{self, Write};

use lettre::address::Envelope;

use crate::envelope::{Alphabet, Letter, Transfer};
use crate::invocation::Dsn;

/// A message that may go out.
pub trait Outgoing {
    /// Reverse path and recipients.
    fn envelope(&self) -> &Envelope;
    /// Octets on the wire before dot-stuffing, for SIZE= (RFC 1870 section 3).
    fn size(&self) -> u64;
    /// What the content needs of the server.
    fn transfer(&self) -> Transfer;
    /// What the header is written in.
    fn alphabet(&self) -> Alphabet;
    /// Delivery status notification wishes.
    fn dsn(&self) -> &Dsn;
    /// The header as it goes out, without the blank line.
    fn header(&self) -> &[u8];
    /// Writes the message, every line ending CRLF, dots not stuffed.
    ///
    /// # Errors
    /// Those of `sink`, and those of the spool.
    fn write(&mut self, sink: &mut dyn Write) -> io::Result<()>;
}

impl Outgoing for Letter {
    fn envelope(&self) -> &Envelope {
        self.envelope()
    }

    fn size(&self) -> u64 {
        self.size()
    }

    fn transfer(&self) -> Transfer {
        self.transfer()
    }

    fn alphabet(&self) -> Alphabet {
        self.alphabet()
    }

    fn dsn(&self) -> &Dsn {
        self.dsn()
    }

    fn header(&self) -> &[u8] {
        self.header()
    }

    fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        self.write(sink)
    }
}

/// A message in memory, such as the test message of a sign-in.
pub(super) struct InMemory<'a> {
    envelope: &'a Envelope,
    octets: Cow<'a, [u8]>,
    dsn: Dsn,
}

impl<'a> InMemory<'a> {
    /// Takes octets as they are, but for line ends: all become CRLF.
    pub(super) fn new(envelope: &'a Envelope, octets: &'a [u8], dsn: Dsn) -> Self {
        Self { envelope, octets: with_crlf(octets), dsn }
    }
}

impl Outgoing for InMemory<'_> {
    fn envelope(&self) -> &Envelope {
        self.envelope
    }

    fn size(&self) -> u64 {
        self.octets.len() as u64
    }

    fn transfer(&self) -> Transfer {
        if self.octets.is_ascii() { Transfer::SevenBit } else { Transfer::EightBitMime }
    }

    /// Octets as they are: what is above 127 in them is content.
    fn alphabet(&self) -> Alphabet {
        Alphabet::Ascii
    }

    fn dsn(&self) -> &Dsn {
        &self.dsn
    }

    fn header(&self) -> &[u8] {
        let end = self.octets.windows(4).position(|four| four == b"\r\n\r\n");
        end.and_then(|end| self.octets.get(..end + 2)).unwrap_or(&self.octets)
    }

    fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        sink.write_all(&self.octets)
    }
}

/// Bare CR and bare LF become CRLF, and the last line gets one.
fn with_crlf(octets: &[u8]) -> Cow<'_, [u8]> {
    let mut clean = Vec::with_capacity(octets.len() + 2);
    let mut rest = octets.iter().copied().peekable();
    while let Some(octet) = rest.next() {
        match octet {
            b'\r' => {
                rest.next_if_eq(&b'\n');
                clean.extend_from_slice(b"\r\n");
            }
            b'\n' => clean.extend_from_slice(b"\r\n"),
            other => clean.push(other),
        }
    }
    if !clean.is_empty() && !clean.ends_with(b"\r\n") {
        clean.extend_from_slice(b"\r\n");
    }
    if clean == octets { Cow::Borrowed(octets) } else { Cow::Owned(clean) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_becomes_crlf() {
        for (octets, clean) in [
            ("", ""),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\nb", "a\r\nb\r\n"),
            ("a\rb\r\r\n\n", "a\r\nb\r\n\r\n\r\n"),
            ("\n.\n", "\r\n.\r\n"),
        ] {
            assert_eq!(with_crlf(octets.as_bytes()).as_ref(), clean.as_bytes(), "{octets:?}");
        }
    }
}
