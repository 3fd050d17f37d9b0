//! One message as its caller handed it over, before anything was decided: what the broker's socket carries and what
//! the queue keeps on disk.
//!
//! | file | holds |
//! | --- | --- |
//! | `frames` | every kind of frame: its letter, how long it may be, and that many octets |
//! | `head` | caller, arguments and stamp as one frame of JSON |
//! | `content` | the message in chunks, up to an explicit end |
//! | `request` | everything else that can be asked |
//! | `answer` | what the broker says to it |
//!
//! The message travels as text (RFC 5322) and is read back by the same intake that reads standard input, so whoever
//! wrote the frames, nothing reaches the rest of the program that could not have come through a pipe.

use std::io::{self, Read, Write};

use crate::envelope::Stamp;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Submit;
use crate::message::{IntakeFault, Message};
use crate::words::Words;
use crate::world::{Caller, Spools};

mod answer;
mod choice;
mod content;
mod frames;
mod head;
mod request;
#[cfg(test)]
mod tests;

pub use answer::{ACKNOWLEDGED, Answer, Greeting};
pub use choice::{Choice, account_for, choose_account};
use frames::Frame;
pub use request::{ClientRequest, Duplicate, EntryId, Pace, ServiceRequest, SignIn};

/// How every request begins: four letters, and the version of this format.
const MAGIC: [u8; 4] = *b"OLSM";
const VERSION: u8 = 1;

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

/// A request without its message.
#[derive(Clone, Debug)]
pub struct Head {
    /// Who called.
    pub caller: Caller,
    /// The arguments.
    pub submit: Submit,
    /// What a message without Date or Message-ID gets.
    pub stamp: Stamp,
}

/// Why there is no request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestFault {
    /// It ended in the middle: whoever wrote it is gone.
    Incomplete,
    /// It could not be read, in the system's words.
    Unreadable(Words),
    /// It is no request of this program's.
    Foreign,
    /// It was written by a version this one does not know.
    Version(u8),
    /// A frame this version does not know, or not in this place; the octet is its letter.
    Unexpected(u8),
    /// A frame longer than its kind may be; the octet is its letter.
    TooLong(u8),
    /// A frame whose content makes no sense.
    Malformed(String),
    /// The message in it cannot be taken.
    Message(IntakeFault),
}

impl From<RequestFault> for Failure {
    fn from(fault: RequestFault) -> Self {
        let nonsense = |words: String| Self::new(Stage::Message, Cause::RequestNonsense, words);
        match fault {
            RequestFault::Message(fault) => fault.into(),
            RequestFault::Unreadable(words) => Self::new(Stage::Message, Cause::InputUnreadable, words),
            RequestFault::Incomplete => nonsense("it ends in the middle".to_owned()),
            RequestFault::Foreign => nonsense("it does not begin like one".to_owned()),
            RequestFault::Version(version) => nonsense(format!("it has version {version}")),
            RequestFault::Unexpected(tag) => nonsense(format!("frame {tag} is not expected")),
            RequestFault::TooLong(tag) => nonsense(format!("frame {tag} is too long")),
            RequestFault::Malformed(what) => nonsense(what),
        }
    }
}

impl Submission {
    /// Writes it down, to be read by [`Self::read`].
    ///
    /// # Errors
    /// Those of `sink` and of the spool; [`io::ErrorKind::InvalidInput`] when something is larger than a request holds.
    pub fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        write_preamble(sink)?;
        frames::write_json(sink, Frame::Head, &head::HeadRecord::of(self))?;
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
        read_preamble(source)?;
        match frames::head(source)? {
            (Frame::Head, length) => Self::read_rest(source, length),
            (other @ (Frame::Chunk | Frame::End | Frame::Request | Frame::Answer), _) => {
                Err(RequestFault::Unexpected(other.octet()))
            }
        }
    }

    fn read_rest(source: &mut dyn Read, length: u32) -> Result<Self, RequestFault> {
        frames::json::<head::HeadRecord>(source, length)?.checked()
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

fn write_preamble(sink: &mut dyn Write) -> io::Result<()> {
    let [a, b, c, d] = MAGIC;
    sink.write_all(&[a, b, c, d, VERSION])
}

fn read_preamble(source: &mut dyn Read) -> Result<(), RequestFault> {
    let mut magic = [0; 4];
    let mut version = [0];
    frames::fill(source, &mut magic)?;
    if magic != MAGIC {
        return Err(RequestFault::Foreign);
    }
    frames::fill(source, &mut version)?;
    if version == [VERSION] { Ok(()) } else { Err(RequestFault::Version(version[0])) }
}
