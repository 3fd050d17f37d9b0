//! What the broker says to a client: a greeting, frames while it works, and a verdict.

use std::io::{self, ErrorKind, Read, Write};

use super::RequestFault;
use super::frames::{self, Frames};
use super::tags::{Said, Tag as _};
use crate::failure::Failure;
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::words::{SafeText, line_with_columns};

/// The first thing a client hears, sixteen octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greeting {
    /// Somebody will serve it: whatever happens to the connection before this is safe to repeat.
    Ready,
    /// This user has too much under way.
    Busy,
}

impl Greeting {
    const LENGTH: usize = 16;

    /// As it is said.
    pub const fn octets(self) -> &'static [u8; Self::LENGTH] {
        match self {
            Self::Ready => b"OLSM 1 ready....",
            Self::Busy => b"OLSM 1 busy.....",
        }
    }

    /// Hears it.
    ///
    /// # Errors
    /// Each [`RequestFault`]; [`RequestFault::Incomplete`] when nobody served the connection.
    pub fn read(source: &mut dyn Read) -> Result<Self, RequestFault> {
        let mut heard = [0; Self::LENGTH];
        frames::fill(source, &mut heard)?;
        let known = [Self::Ready, Self::Busy].into_iter().find(|greeting| *greeting.octets() == heard);
        known.ok_or(RequestFault::Foreign)
    }
}

/// One thing the broker says.
#[derive(Clone, PartialEq, Eq, Debug)]
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
    /// The exit status of any other errand; what there was to say has been said. Nothing follows.
    Done(u8),
}

impl Answer {
    /// Says it.
    ///
    /// # Errors
    /// Those of `sink`: the client is gone, which is no reason to stop.
    pub fn write(&self, sink: &mut dyn Write) -> io::Result<()> {
        // One write each: a client that was told half of it knows nothing.
        let mut octets = Vec::new();
        match self {
            Self::InCustody => frames::write(&mut octets, Said::Custody, b"")?,
            Self::Sending => frames::write(&mut octets, Said::Sending, b"")?,
            Self::Remark(text) => write_text(&mut octets, Said::Remark, text)?,
            Self::Output(text) => write_text(&mut octets, Said::Output, text)?,
            Self::Done(status) => frames::write(&mut octets, Said::Done, &[*status])?,
            Self::Verdict(verdict) => frames::write(&mut octets, Said::Verdict, &verdict_octets(verdict))?,
        }
        sink.write_all(&octets)
    }
}

fn write_text(sink: &mut Vec<u8>, tag: Said, text: &str) -> io::Result<()> {
    let most = usize::try_from(tag.longest()).unwrap_or(usize::MAX);
    text.as_bytes().chunks(most).try_for_each(|part| frames::write(sink, tag, part))
}

/// Hears what the broker says.
pub struct Answers<'a>(Frames<'a>);

impl<'a> Answers<'a> {
    /// What comes behind the greeting.
    pub fn new(source: &'a mut dyn Read) -> Self {
        Self(Frames::new(source))
    }

    /// The next answer. Somebody else's text has been made safe to print.
    ///
    /// # Errors
    /// Each [`RequestFault`]; [`RequestFault::Incomplete`] when the broker is gone.
    pub fn hear(&mut self) -> Result<Answer, RequestFault> {
        let (tag, length) = self.0.head()?;
        match tag {
            Said::Custody => Ok(Answer::InCustody),
            Said::Sending => Ok(Answer::Sending),
            Said::Remark => Ok(Answer::Remark(lines(&self.0.octets_of_many(length)?))),
            Said::Output => Ok(Answer::Output(lines(&self.0.octets_of_many(length)?))),
            Said::Done => match self.0.octets_of_many(length)?.as_slice() {
                [status] => Ok(Answer::Done(*status)),
                _ => Err(RequestFault::Malformed("status")),
            },
            Said::Verdict => read_verdict(&self.0.octets_of_many(length)?).map(Answer::Verdict),
        }
    }
}

/// Lines for a person: each is made safe as [`SafeText`] is.
fn lines(octets: &[u8]) -> String {
    let line = |line: &[u8]| match line.strip_suffix(b"\n") {
        Some(text) => line_with_columns(text) + "\n",
        None => line_with_columns(line),
    };
    octets.split_inclusive(|&octet| octet == b'\n').map(line).collect()
}

const SENT: u8 = 0;
const KEPT: u8 = 1;

/// What a client in custody writes when it has read that its message was refused.
pub const ACKNOWLEDGED: u8 = 6;

/// How it ended, then the server's words, or a failure; of a message that was kept its id before the failure.
fn verdict_octets(verdict: &Result<Taken, Failure>) -> Vec<u8> {
    match verdict {
        Ok(Taken::Sent(receipt)) => [&[SENT], kept(receipt.words.whole()).as_bytes()].concat(),
        Ok(Taken::Kept { id, why }) => [&[KEPT], id.as_bytes(), b"\n", &json(why)].concat(),
        Err(failure) => [vec![failure.cause.row().status as u8], json(failure)].concat(),
    }
}

/// Names and text: there is nothing that JSON could not say.
fn json(failure: &Failure) -> Vec<u8> {
    serde_json::to_vec(failure).unwrap_or_default()
}

/// The words go to the log whole; a person is shown 300 characters.
fn kept(words: &str) -> &str {
    const MOST: usize = 32 * 1024;
    words.get(..words.floor_char_boundary(MOST)).unwrap_or_default()
}

fn read_verdict(octets: &[u8]) -> Result<Result<Taken, Failure>, RequestFault> {
    let malformed = || RequestFault::Malformed("verdict");
    let failure =
        |octets: &[u8]| -> Result<Failure, RequestFault> { serde_json::from_slice(octets).map_err(|_| malformed()) };
    match octets.split_first() {
        None => Err(malformed()),
        Some((&SENT, words)) => Ok(Ok(Taken::Sent(Receipt::new(SafeText::from_octets(words))))),
        Some((&KEPT, rest)) => {
            let mut parts = rest.splitn(2, |&octet| octet == b'\n');
            let (Some(id), Some(why)) = (parts.next(), parts.next()) else { return Err(malformed()) };
            Ok(Ok(Taken::Kept { id: SafeText::from_octets(id).short(), why: failure(why)? }))
        }
        Some((_, rest)) => failure(rest).map(Err),
    }
}

impl From<RequestFault> for io::Error {
    fn from(fault: RequestFault) -> Self {
        Self::new(ErrorKind::InvalidData, Failure::from(fault).line())
    }
}
