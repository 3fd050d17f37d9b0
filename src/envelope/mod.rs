//! Who gets the message, from whom, and with which header: the letter that goes out.

use std::io::{self, Write};

use lettre::address::Envelope;

use crate::invocation::Dsn;
use crate::message::Body;

pub mod header_text;
pub mod seven_bit;

/// A message that may go out: recipients certain, header final, content fit for the wire.
pub struct Letter {
    envelope: Envelope,
    header: Vec<u8>,
    body: Body,
    conversion: seven_bit::Conversion,
    size: u64,
    dsn: Dsn,
}

impl Letter {
    /// Reverse path and recipients.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Octets on the wire before dot-stuffing, for SIZE= (RFC 1870 section 3).
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the content needs of the server.
    pub fn transfer(&self) -> Transfer {
        self.conversion.transfer()
    }

    /// Delivery status notification wishes.
    pub fn dsn(&self) -> &Dsn {
        &self.dsn
    }

    /// Writes the message, every line ending CRLF, dots not stuffed.
    ///
    /// # Errors
    /// Those of `sink`, and those of the spool.
    pub fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        sink.write_all(&self.header)?;
        sink.write_all(b"\r\n")?;
        self.conversion.write(&mut self.body, sink)
    }
}

/// What the content needs of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transfer {
    /// 7-bit lines of at most 998 octets.
    SevenBit,
    /// Signed or encrypted parts hold 8-bit text: BODY=8BITMIME, or it cannot go.
    EightBitMime,
}
