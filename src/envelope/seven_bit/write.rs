//! The second pass: the body as planned, written or only measured.

use std::io::{self, Write};

use super::coding::{Grouped, GroupedLength, Quoted, quoted_length};
use super::entity::Facts;
use super::octets::Octets;
use super::padding::unpadded;
use super::plan::{Coding, Decision};
use super::repair::{GroupedRepair, LineBreaks, QuotedRepair};
use super::walk::{End, Open, Visitor};
use super::{LINE, field};
use crate::message::Piece;

/// Where the body goes.
pub(super) enum Sink<'a> {
    Out(&'a mut dyn Write),
    /// Nowhere: its octets are counted.
    Count(u64),
}

impl Write for Sink<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Out(out) => out.write(octets),
            Self::Count(total) => {
                *total += octets.len() as u64;
                Ok(octets.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Writer<'a, 's> {
    decisions: &'a [Decision],
    sink: &'a mut Sink<'s>,
    content: Coder,
    margin: LineBreaks,
    type_seen: bool,
    encoding_seen: bool,
}

/// How the open leaf's octets are written.
enum Coder {
    Plain,
    Quoted(Quoted),
    Grouped(Grouped),
    GroupedLength(GroupedLength),
    Octets(Octets),
    QuotedRepair(QuotedRepair),
    GroupedRepair(GroupedRepair),
}

impl<'a, 's> Writer<'a, 's> {
    pub(super) fn new(decisions: &'a [Decision], sink: &'a mut Sink<'s>) -> Self {
        Self {
            decisions,
            sink,
            content: Coder::Plain,
            margin: LineBreaks::default(),
            type_seen: false,
            encoding_seen: false,
        }
    }

    fn decision(&self, ordinal: usize) -> Decision {
        self.decisions.get(ordinal).cloned().unwrap_or_default()
    }
}

impl Visitor for Writer<'_, '_> {
    type Fault = io::Error;

    fn field(&mut self, _: &[Open], ordinal: usize, raw: &[u8], fixed: Option<&[u8]>) -> io::Result<()> {
        let fixed = fixed.unwrap_or(raw);
        let decision = self.decision(ordinal);
        if field::is(fixed, "Content-Transfer-Encoding")
            && let Some(label) = decision.label
        {
            if std::mem::replace(&mut self.encoding_seen, true) {
                return Ok(());
            }
            return write!(self.sink, "Content-Transfer-Encoding: {}\r\n", label.name());
        }
        if field::is(fixed, "Content-Type") && decision.coding.is_some() {
            if std::mem::replace(&mut self.type_seen, true) {
                return Ok(());
            }
            if let Some(charset) = decision.charset {
                return self.sink.write_all(&field::with_charset(fixed, &charset));
            }
            if let Some(media) = decision.media {
                return self.sink.write_all(&field::retyped(fixed, media));
            }
        }
        self.sink.write_all(fixed)
    }

    fn field_fragment(&mut self, piece: Piece<'_>) -> io::Result<()> {
        self.sink.write_all(piece.octets)
    }

    fn header_end(&mut self, ordinal: usize, facts: &Facts, empty_line: bool) -> io::Result<()> {
        let decision = self.decision(ordinal);
        (self.type_seen, self.encoding_seen) = (false, false);
        if decision.changed && facts.message && !facts.mime_version {
            self.sink.write_all(b"MIME-Version: 1.0\r\n")?;
        }
        if let Some(charset) = decision.charset.filter(|_| !facts.has_type) {
            write!(self.sink, "Content-Type: text/plain; charset={charset}\r\n")?;
        }
        if let Some(label) = decision.label.filter(|_| facts.encoding.is_none()) {
            write!(self.sink, "Content-Transfer-Encoding: {}\r\n", label.name())?;
        }
        // A body that began without an empty line might now begin with what looks like a field.
        if empty_line || decision.changed { self.sink.write_all(b"\r\n") } else { Ok(()) }
    }

    fn opened(&mut self, open: &[Open], _facts: &Facts) -> io::Result<()> {
        let decision = open.last().map(|entity| self.decision(entity.ordinal)).unwrap_or_default();
        self.content = match decision.coding {
            None => Coder::Plain,
            Some(Coding::QuotedPrintable) => Coder::Quoted(Quoted::default()),
            Some(Coding::Base64) if matches!(self.sink, Sink::Count(_)) => {
                Coder::GroupedLength(GroupedLength::default())
            }
            Some(Coding::Base64) => Coder::Grouped(Grouped::default()),
            Some(Coding::Octets) => Coder::Octets(Octets::default()),
            Some(Coding::RepairQuotedPrintable) => Coder::QuotedRepair(QuotedRepair::default()),
            Some(Coding::RepairBase64) => Coder::GroupedRepair(GroupedRepair::default()),
        };
        Ok(())
    }

    fn content(&mut self, piece: Piece<'_>) -> io::Result<()> {
        match &mut self.content {
            Coder::Plain => self.sink.write_all(piece.octets),
            Coder::Quoted(coder) => {
                if let Sink::Count(total) = self.sink
                    && let Some(length) = quoted_length(piece)
                {
                    *total += length;
                    return Ok(());
                }
                coder.encode(piece, self.sink)
            }
            Coder::GroupedLength(length) => {
                length.see(piece);
                Ok(())
            }
            Coder::Grouped(coder) => coder.encode(piece, self.sink),
            Coder::Octets(coder) => coder.encode(piece, self.sink),
            Coder::QuotedRepair(coder) => coder.repair(piece, self.sink),
            Coder::GroupedRepair(coder) => coder.repair(piece, self.sink),
        }
    }

    fn margin(&mut self, piece: Piece<'_>) -> io::Result<()> {
        self.margin.write(piece, self.sink)
    }

    fn delimiter(&mut self, line: &[u8]) -> io::Result<()> {
        // Padding is no reason for an over-long line.
        if line.len() > LINE + 2 {
            self.sink.write_all(unpadded(line))?;
            return self.sink.write_all(b"\r\n");
        }
        self.sink.write_all(line)
    }

    fn closed(&mut self, open: &[Open], end: End) -> io::Result<()> {
        match std::mem::replace(&mut self.content, Coder::Plain) {
            Coder::Grouped(mut coder) => coder.finish(end == End::Body, self.sink),
            Coder::Octets(coder) => open.last().map_or(Ok(()), |open| coder.finish(open, end, self.sink)),
            Coder::GroupedLength(length) => {
                if let Sink::Count(total) = self.sink {
                    *total += length.finish(end == End::Body);
                }
                Ok(())
            }
            Coder::Plain | Coder::Quoted(_) | Coder::QuotedRepair(_) | Coder::GroupedRepair(_) => Ok(()),
        }
    }
}
