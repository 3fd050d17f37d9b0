//! Base64 of octets as they came: in what is no text a CR or an LF is an octet like any other.

use std::io::{self, Write};

use super::coding::Grouped;
use super::entity::{EntityKind, Facts};
use super::visitor::{BoundaryEnd, End, Open};
use crate::message::Piece;

/// Whether the octets below this header are no lines of text: pictures and programs, and text in a charset whose line
/// ends are not those of ASCII.
pub(super) fn are_no_lines(kind: EntityKind, facts: &Facts) -> bool {
    kind == EntityKind::Binary || kind == EntityKind::Text && facts.is_wide
}

/// What is seen of the line ends of a leaf.
#[derive(Default)]
pub(super) struct LineEndsSeen {
    last: Vec<u8>,
    others: bool,
}

impl LineEndsSeen {
    pub(super) fn see(&mut self, piece: Piece<'_>) {
        self.others |= !self.last.is_empty() && self.last != b"\r\n";
        self.last.clear();
        if piece.ends_line {
            // An empty one is that of a last line without any.
            self.last.extend_from_slice(if piece.end.is_empty() { b"?" } else { piece.end });
        }
    }

    /// Whether an end that is content is not CRLF.
    pub(super) fn are_others(&self, open: &Open, end: End) -> bool {
        let last = self.last.get(..self.last.len() - claimed(&self.last, open, end)).unwrap_or_default();
        self.others || !last.is_empty() && last != b"\r\n"
    }

    /// Whether nobody knows if the last CR is content or the boundary's.
    pub(super) fn is_unsure(&self, open: &Open, end: End) -> bool {
        let differ = open.begun.zip(open.ended).is_some_and(|(begun, ended)| begun != ended);
        end == End::Boundary && differ && self.last.len() > 1
    }
}

/// How much of a line end belongs to the boundary behind it: it ends lines as the one before did.
fn claimed(line_end: &[u8], open: &Open, end: End) -> usize {
    match (end, open.begun) {
        (End::Body, _) => 0,
        (End::Boundary, Some(BoundaryEnd::LineFeed)) => line_end.len().min(1),
        (End::Boundary, Some(BoundaryEnd::ReturnLineFeed) | None) => line_end.len().min(2),
    }
}

/// Writes them.
#[derive(Default)]
pub(super) struct Octets {
    grouped: Grouped,
    /// The last line's end, which a following boundary may claim.
    line_end: Vec<u8>,
}

impl Octets {
    pub(super) fn encode(&mut self, piece: Piece<'_>, sink: &mut dyn Write) -> io::Result<()> {
        self.grouped.add(&self.line_end, sink)?;
        self.line_end.clear();
        self.line_end.extend_from_slice(piece.end);
        self.grouped.add(piece.text(), sink)
    }

    pub(super) fn finish(mut self, open: &Open, end: End, sink: &mut dyn Write) -> io::Result<()> {
        let kept = self.line_end.len() - claimed(&self.line_end, open, end);
        self.grouped.add(self.line_end.get(..kept).unwrap_or_default(), sink)?;
        self.grouped.finish(false, sink)
    }
}
