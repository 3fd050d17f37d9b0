//! One message to send, whole.

use std::io::{self, Read, Write};

use super::fault::RequestFault;
use super::frames::Frame;
use super::head::{Head, HeadRecord};
use super::{content, frames};
use crate::envelope::Stamp;
use crate::invocation::Submit;
use crate::message::Message;
use crate::world::{Caller, Spools};

/// One message to send.
pub struct Submission {
    /// Who called. The queue keeps it; the broker believes the kernel instead.
    pub caller: Caller,
    /// The arguments. `config` does not travel: nobody chooses another process's configuration.
    pub submit: Submit,
    /// What a message without Date or Message-ID gets, the same at every attempt.
    pub stamp: Stamp,
    /// The message.
    pub message: Message,
}

impl Submission {
    /// Writes it down, to be read by [`Self::read`].
    ///
    /// # Errors
    /// Those of `sink` and of the spool; [`io::ErrorKind::InvalidInput`] when something is larger than a request holds.
    pub fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        frames::write_preamble(sink)?;
        frames::write_json(sink, Frame::Head, &HeadRecord::of(&self.caller, &self.submit, &self.stamp))?;
        content::write(sink, &mut self.message)
    }

    /// Reads it back. What stands behind it is not touched.
    ///
    /// # Errors
    /// Each [`RequestFault`]. Memory is taken for what has arrived, never for what is announced.
    pub fn read(source: &mut dyn Read, spools: &dyn Spools) -> Result<Self, RequestFault> {
        Head::read(source)?.read_message(source, spools)
    }
}

impl Head {
    /// Reads what stands before the message, for a list of many.
    ///
    /// # Errors
    /// Each [`RequestFault`].
    pub fn read(source: &mut dyn Read) -> Result<Self, RequestFault> {
        frames::read_preamble(source)?;
        match frames::head(source)? {
            (Frame::Head, length) => Self::read_rest(source, length),
            (other @ (Frame::Chunk | Frame::End | Frame::Request | Frame::Answer), _) => {
                Err(RequestFault::Unexpected(other.octet()))
            }
        }
    }

    pub(super) fn read_rest(source: &mut dyn Read, length: u32) -> Result<Self, RequestFault> {
        frames::json::<HeadRecord>(source, length)?.checked()
    }

    /// Reads the message behind it.
    ///
    /// # Errors
    /// Each [`RequestFault`].
    pub fn read_message(self, source: &mut dyn Read, spools: &dyn Spools) -> Result<Submission, RequestFault> {
        let Self { caller, submit, stamp } = self;
        let message = content::read(source, submit.dots, spools.spool())?;
        Ok(Submission { caller, submit, stamp, message })
    }
}
