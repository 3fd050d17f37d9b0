//! One message as its caller handed it over, before anything was decided: what the broker's socket carries and what
//! the outbox keeps on disk.
//!
//! | file | holds |
//! | --- | --- |
//! | `tags` | every kind of frame, how long it may be and how often it may come |
//! | `frames` | a tag, a length, that many octets |
//! | `fields` | caller, arguments and stamp as frames |
//! | `content` | the message in chunks, up to an explicit end |
//! | `errand` | everything else that can be asked of the broker |
//! | `answer` | what the broker says to it |
//!
//! The message travels as text (RFC 5322) and is read back by the same intake that reads standard input, so whoever
//! wrote the frames, nothing reaches the rest of the program that could not have come through a pipe.

use std::io::{self, Read, Write};

use crate::envelope::Stamp;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Submit;
use crate::message::{IntakeFault, Message};
use crate::words::SafeText;
use crate::world::{Caller, Spools};

mod answer;
mod choice;
mod content;
mod errand;
mod fields;
mod frames;
mod tags;
#[cfg(test)]
mod tests;

pub use answer::{ACKNOWLEDGED, Answer, Answers, Greeting};
pub use choice::{Choice, account_for, choose_account};
pub use errand::{Duplicate, EntryId, Errand, Kind, SignIn};
use frames::Frames;

/// How every request begins: four letters, the version of this format, and what is asked.
const MAGIC: [u8; 4] = *b"OLSM";
const VERSION: u8 = 1;

/// One message to send.
pub struct Request {
    /// Who called. The outbox keeps it; the broker believes the kernel instead.
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
    Unreadable(SafeText),
    /// It is no request of this program's.
    Foreign,
    /// It was written by a version this one does not know.
    Version(u8),
    /// A frame this version does not know, or not in this place, or too often; the octet is its tag.
    Unexpected(u8),
    /// A frame longer than its kind may be; the octet is its tag.
    TooLong(u8),
    /// A frame whose content makes no sense, or that is missing.
    Malformed(&'static str),
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
            RequestFault::Malformed(what) => nonsense(what.to_owned()),
        }
    }
}

impl Request {
    /// Writes it down, to be read by [`Self::read`].
    ///
    /// # Errors
    /// Those of `sink` and of the spool; [`io::ErrorKind::InvalidInput`] when something is larger than a request holds.
    pub fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        write_preamble(sink, Kind::Submit)?;
        self.write_frames(sink)
    }

    /// Reads it back. What stands behind it is not touched.
    ///
    /// # Errors
    /// Each [`RequestFault`]. Memory is taken for what has arrived, never for what is announced.
    pub fn read(source: &mut dyn Read, spools: &dyn Spools) -> Result<Self, RequestFault> {
        expect_submit(source)?;
        Self::read_frames(&mut Frames::new(source), spools)
    }

    /// Reads what stands before the message, for a list of many.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_head(source: &mut dyn Read) -> Result<Head, RequestFault> {
        expect_submit(source)?;
        fields::read(&mut Frames::new(source))
    }

    fn write_frames(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        fields::write(sink, &self.caller, &self.submit, &self.stamp)?;
        content::write(sink, &mut self.message)
    }

    fn read_frames(frames: &mut Frames<'_>, spools: &dyn Spools) -> Result<Self, RequestFault> {
        let Head { caller, submit, stamp } = fields::read(frames)?;
        let message = content::read(frames, submit.dots, spools.spool())?;
        Ok(Self { caller, submit, stamp, message })
    }
}

fn write_preamble(sink: &mut dyn Write, kind: Kind) -> io::Result<()> {
    let [a, b, c, d] = MAGIC;
    sink.write_all(&[a, b, c, d, VERSION, kind as u8])
}

fn expect_submit(source: &mut dyn Read) -> Result<(), RequestFault> {
    let kind = read_preamble(source)?;
    if kind == Kind::Submit { Ok(()) } else { Err(RequestFault::Unexpected(kind as u8)) }
}

fn read_preamble(source: &mut dyn Read) -> Result<Kind, RequestFault> {
    let mut magic = [0; 4];
    let mut rest = [0; 2];
    frames::fill(source, &mut magic)?;
    if magic != MAGIC {
        return Err(RequestFault::Foreign);
    }
    frames::fill(source, &mut rest)?;
    let [version, kind] = rest;
    if version != VERSION {
        return Err(RequestFault::Version(version));
    }
    Kind::of(kind).ok_or(RequestFault::Unexpected(kind))
}
