//! Reads a message from standard input to its end, in memory that does not grow with it.

use std::io::{self, Read};

use super::body::{BodyWriter, Progress};
use super::header::{Header, Verdict};
use super::source::{BUFFER, Source};
use super::{Body, Dots, IntakeFault, Message, returns};
use crate::words::Words;
use crate::world::Spool;

impl Message {
    /// Reads `input` to its end, or up to a lone dot when it is a `terminal` and `dots` allow it. More than `limit`
    /// octets are read and counted, but not kept.
    pub fn read(
        input: &mut dyn Read,
        terminal: bool,
        dots: Dots,
        spool: Box<dyn Spool>,
        limit: u64,
    ) -> Result<Self, IntakeFault> {
        read_through(Source::new(input, BUFFER), terminal, dots, spool, limit)
    }

    /// Reads back what was written down after [`Self::read`]: fields, an empty line, the spool's octets. Which dots are
    /// content has been decided, so the last one is, too. The reader bounds the size.
    pub fn read_back(input: &mut dyn Read, dots: Dots, spool: Box<dyn Spool>) -> Result<Self, IntakeFault> {
        let mut source = Source::new(input, BUFFER);
        finish(
            collected(&mut source, false, BodyWriter::new(spool, dots, false), u64::MAX)?,
            BodyWriter::finish_with_every_dot,
        )
    }
}

/// The header, the body but for its end, and what ends the lines of both.
type Collected = (Header, BodyWriter, LineEnds);

/// What ends the lines of the whole input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LineEnds {
    /// LF, CRs before it or not.
    LineFeeds,
    /// There is no LF anywhere: CR alone.
    Returns,
}

fn read_through(
    mut source: Source<'_>,
    terminal: bool,
    dots: Dots,
    spool: Box<dyn Spool>,
    limit: u64,
) -> Result<Message, IntakeFault> {
    source.skip_byte_order_marks().map_err(unreadable)?;
    let collected = collected(&mut source, terminal, BodyWriter::new(spool, dots, terminal), limit)?;
    finish(collected, BodyWriter::finish)
}

fn finish(
    (header, body, line_ends): Collected,
    end: fn(BodyWriter) -> io::Result<Body>,
) -> Result<Message, IntakeFault> {
    let body = end(body).map_err(unwritable)?;
    let body = match line_ends {
        LineEnds::Returns if body.content.control => returns::made_line_feeds(body).map_err(unwritable)?,
        LineEnds::Returns | LineEnds::LineFeeds => body,
    };
    Ok(Message { fields: header.fields, body })
}

fn collected(source: &mut Source<'_>, terminal: bool, body: BodyWriter, limit: u64) -> Result<Collected, IntakeFault> {
    let outcome = collect(source, body, limit);
    match &outcome {
        Ok(_) | Err(IntakeFault::Unreadable(_)) => {}
        // A person would have to type the end.
        Err(_) if terminal => {}
        // What went wrong first is what is said.
        Err(_) => drop(source.drain()),
    }
    match outcome {
        Err(IntakeFault::TooLarge(_)) => Err(IntakeFault::TooLarge(source.octets_read())),
        Ok(_) | Err(_) => outcome,
    }
}

fn collect(source: &mut Source<'_>, mut body: BodyWriter, limit: u64) -> Result<Collected, IntakeFault> {
    let header = collect_header(source)?;
    let mut progress = Progress::More;
    while progress == Progress::More {
        if source.octets_read() > limit {
            return Err(IntakeFault::TooLarge(source.octets_read()));
        }
        if source.contradicts_itself() {
            return Err(IntakeFault::BareReturn);
        }
        match source.stretch().map_err(unreadable)? {
            Some(stretch) => progress = body.take(&stretch).map_err(unwritable)?,
            None => break,
        }
    }
    if source.octets_read() > limit {
        return Err(IntakeFault::TooLarge(source.octets_read()));
    }
    let line_ends = if source.has_line_feeds() { LineEnds::LineFeeds } else { LineEnds::Returns };
    Ok((header, body, line_ends))
}

fn collect_header(source: &mut Source<'_>) -> Result<Header, IntakeFault> {
    let mut header = Header::new();
    while let Some(part) = source.header_part().map_err(unreadable)? {
        match header.take(part)? {
            Verdict::Header => source.accept(),
            Verdict::Separator => {
                source.accept();
                break;
            }
            Verdict::Body => break,
        }
    }
    Ok(header)
}

fn unreadable(error: io::Error) -> IntakeFault {
    IntakeFault::Unreadable(Words::from(error.to_string()))
}

fn unwritable(error: io::Error) -> IntakeFault {
    IntakeFault::Spool(Words::from(error.to_string()))
}

#[cfg(test)]
mod tests;
