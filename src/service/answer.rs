//! What the broker says to a client: a greeting, frames while it works, and a verdict.

use std::io::{self, ErrorKind, Read, Write};

use super::RequestFault;
use super::frames::{self, Frames};
use super::tags::{Said, Tag as _};
use crate::credentials;
use crate::failure::{Cause, Failure, Stage, Wording};
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::submission::graph;
use crate::submission::smtp::outlook_replies;
use crate::words::{Words, line_with_columns};

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

/// Lines for a person: each is made safe as [`Words`] are.
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
        Ok(Taken::Kept { id, why }) => [&[KEPT], format!("{id}\n{}", failure_text(why)).as_bytes()].concat(),
        Err(failure) => [&[failure.cause.row().status as u8], failure_text(failure).as_bytes()].concat(),
    }
}

/// Cause, stage, wording where it is not the cause's own, and words, each on a line.
fn failure_text(failure: &Failure) -> String {
    let Failure { stage, cause, detail, wording, whose: _, account: _ } = failure;
    let wording = wording.map(said).unwrap_or_default();
    format!("{cause:?}\n{stage:?}\n{wording}\n{}", kept(detail.whole()))
}

/// The detail goes to the log whole; a person is shown 300 characters.
fn kept(detail: &str) -> &str {
    const MOST: usize = 32 * 1024;
    let end = (0..=MOST.min(detail.len())).rev().find(|&end| detail.is_char_boundary(end)).unwrap_or_default();
    detail.get(..end).unwrap_or_default()
}

fn read_verdict(octets: &[u8]) -> Result<Result<Taken, Failure>, RequestFault> {
    let malformed = || RequestFault::Malformed("verdict");
    match octets.split_first() {
        None => Err(malformed()),
        Some((&SENT, words)) => Ok(Ok(Taken::Sent(Receipt::new(Words::from_octets(words))))),
        Some((&KEPT, rest)) => {
            let text = String::from_utf8_lossy(rest);
            let (id, failure) = text.split_once('\n').ok_or_else(malformed)?;
            let why = read_failure(failure).ok_or_else(malformed)?;
            Ok(Ok(Taken::Kept { id: Words::from(id).short(), why }))
        }
        Some((_, rest)) => read_failure(&String::from_utf8_lossy(rest)).map(Err).ok_or_else(malformed),
    }
}

fn read_failure(text: &str) -> Option<Failure> {
    let mut parts = text.splitn(4, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let (cause, stage, wording, detail) = (part(), part(), part(), part());
    let cause = Cause::ALL.iter().find(|known| format!("{known:?}") == cause)?;
    let stage = Stage::ALL.iter().find(|known| format!("{known:?}") == stage)?;
    let wording = wordings().find(|known| said(known) == wording);
    Some(Failure::new(*stage, *cause, detail).worded(wording))
}

fn said(wording: &Wording) -> String {
    format!("{}\t{}", wording.sentence, wording.advice)
}

/// Broker and client are one program, so each knows the other's words.
fn wordings() -> impl Iterator<Item = &'static Wording> {
    let elsewhere = Cause::ALL.iter().filter_map(|cause| cause.row().elsewhere);
    credentials::wordings().chain(outlook_replies::wordings()).chain(graph::wordings()).chain(elsewhere)
}

impl From<RequestFault> for io::Error {
    fn from(fault: RequestFault) -> Self {
        Self::new(ErrorKind::InvalidData, Failure::from(fault).line())
    }
}
