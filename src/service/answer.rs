//! What the broker says to a client: a greeting, then one frame of JSON for each thing it has to say.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::fault::RequestFault;
use super::frames::{self, Frame};
use crate::failure::Failure;
use crate::outcome::Taken;
use crate::words::line_with_columns;

/// What a client in custody writes when it has read that its message was refused.
pub const ACKNOWLEDGED: u8 = 6;

/// The most text in one answer, in octets.
const TEXT: usize = 256 * 1024;

/// The first thing a client hears, sixteen octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greeting {
    /// Somebody will serve it: whatever happens to the connection before this is safe to repeat.
    Ready,
    /// This user has too much under way.
    BusyWithYours,
    /// All users together have.
    BusyWithOthers,
}

impl Greeting {
    const LENGTH: usize = 16;
    const ALL: [Self; 3] = [Self::Ready, Self::BusyWithYours, Self::BusyWithOthers];

    /// As it is said.
    pub const fn octets(self) -> &'static [u8; Self::LENGTH] {
        match self {
            Self::Ready => b"OLSM 1 ready....",
            Self::BusyWithYours => b"OLSM 1 busy: you",
            Self::BusyWithOthers => b"OLSM 1 busy.....",
        }
    }

    /// Hears it.
    ///
    /// # Errors
    /// Each [`RequestFault`]; [`RequestFault::Incomplete`] when nobody served the connection.
    pub fn read(source: &mut dyn Read) -> Result<Self, RequestFault> {
        let mut heard = [0; Self::LENGTH];
        frames::fill(source, &mut heard)?;
        Self::ALL.into_iter().find(|greeting| *greeting.octets() == heard).ok_or(RequestFault::Foreign)
    }
}

/// One thing the broker says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The message is on the disk: whatever happens now, it is not lost.
    InCustody,
    /// Content is about to go out, and nobody keeps the message: who hears nothing after this does not know its fate.
    Sending,
    /// Text for standard error: the conversation, for -v, and remarks. Its lines are kept.
    Remark(String),
    /// Text for standard output; its lines are kept.
    Output(String),
    /// What became of a message. Nothing follows.
    Verdict(Result<Taken, Failure>),
    /// The exit status of any other request; what there was to say has been said. Nothing follows.
    Done(u8),
}

impl Answer {
    /// Says it.
    ///
    /// # Errors
    /// Those of `sink`: the client is gone, which is no reason to stop.
    pub fn write(&self, sink: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Remark(text) => parts(text).try_for_each(|part| Self::Remark(part.to_owned()).say(sink)),
            Self::Output(text) => parts(text).try_for_each(|part| Self::Output(part.to_owned()).say(sink)),
            Self::InCustody | Self::Sending | Self::Verdict(_) | Self::Done(_) => self.say(sink),
        }
    }

    /// One write: a client that was told half of it knows nothing.
    fn say(&self, sink: &mut dyn Write) -> io::Result<()> {
        let mut octets = Vec::new();
        frames::write_json(&mut octets, Frame::Answer, self)?;
        sink.write_all(&octets)
    }

    /// Hears the next one, and reads nothing ahead. Somebody else's text has been made safe to print.
    ///
    /// # Errors
    /// Each [`RequestFault`]; [`RequestFault::Incomplete`] when the broker is gone.
    pub fn hear(source: &mut dyn Read) -> Result<Self, RequestFault> {
        let answer = match frames::head(source)? {
            (Frame::Answer, length) => frames::json(source, length)?,
            (other, _) => return Err(RequestFault::Unexpected(other.octet())),
        };
        Ok(match answer {
            Self::Remark(text) => Self::Remark(lines(&text)),
            Self::Output(text) => Self::Output(lines(&text)),
            Self::InCustody | Self::Sending | Self::Verdict(_) | Self::Done(_) => answer,
        })
    }
}

/// The text in parts that a frame holds, cut behind a line's end where there is one.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let most = (0..=TEXT.min(rest.len())).rev().find(|&end| rest.is_char_boundary(end)).unwrap_or_default();
        let most = rest.get(..most).unwrap_or_default();
        let end =
            if most.len() == rest.len() { most.len() } else { most.rfind('\n').map_or(most.len(), |end| end + 1) };
        let (part, behind) = rest.split_at(end);
        rest = behind;
        (!part.is_empty()).then_some(part)
    })
}

/// Lines for a person: each is made safe as [`crate::words::Words`] are.
fn lines(text: &str) -> String {
    let line = |line: &str| match line.strip_suffix('\n') {
        Some(text) => line_with_columns(text.as_bytes()) + "\n",
        None => line_with_columns(line.as_bytes()),
    };
    text.split_inclusive('\n').map(line).collect()
}
