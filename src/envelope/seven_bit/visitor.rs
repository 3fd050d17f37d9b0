//! What a walk tells of a body: entities that open and close, their fields, their content.

use std::collections::HashMap;
use std::io;

use super::entity::{Boundary, EntityKind, Facts};
use crate::message::Piece;

/// The charset of the first text in each entity that has none of its own, by the entity's ordinal.
pub(super) type Charsets = HashMap<usize, String>;

/// How the line of a boundary ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BoundaryEnd {
    LineFeed,
    ReturnLineFeed,
}

impl BoundaryEnd {
    /// `None` for one that ends with the input.
    pub(super) fn of(piece: &Piece<'_>) -> Option<Self> {
        match piece.end {
            [.., b'\r', b'\n'] => Some(Self::ReturnLineFeed),
            [.., b'\n'] => Some(Self::LineFeed),
            _ => None,
        }
    }
}

/// An entity that has begun and not ended.
pub(super) struct Open {
    /// Its place among all entities, in order of appearance; the message itself is 0.
    pub(super) ordinal: usize,
    /// Its number among its siblings, when it is part of a multipart.
    pub(super) number: Option<u32>,
    pub(super) kind: EntityKind,
    /// What its header's raw text is in, and what of that below it which says nothing itself.
    pub(super) charset: Option<String>,
    /// How the boundary line before it ends.
    pub(super) begun: Option<BoundaryEnd>,
    /// And the one behind it.
    pub(super) ended: Option<BoundaryEnd>,
    pub(super) boundary: Option<Boundary>,
    pub(super) parts: u32,
}

/// What ended an entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// A boundary: the line end before it is not content (RFC 2046 section 5.1.1).
    Boundary,
    /// The end of the body.
    Body,
}

/// What is told about a body, in order.
pub(super) trait Visitor {
    type Fault: From<io::Error>;

    /// A header field of the entity about to open below `open`: as it stands with its line end, and as it may go out,
    /// if it can.
    fn field(&mut self, open: &[Open], ordinal: usize, raw: &[u8], fixed: Option<&[u8]>) -> Result<(), Self::Fault>;

    /// More of a header too long to be held.
    fn field_fragment(&mut self, piece: Piece<'_>) -> Result<(), Self::Fault>;

    /// The header's end: an empty line, or a line that cannot be a field, or a boundary.
    fn header_end(&mut self, ordinal: usize, facts: &Facts, empty_line: bool) -> Result<(), Self::Fault>;

    /// The last of `open` begins. For the message itself no field and no header's end came before.
    fn opened(&mut self, open: &[Open], facts: &Facts) -> Result<(), Self::Fault>;

    /// Content of the last opened entity, a leaf.
    fn content(&mut self, piece: Piece<'_>) -> Result<(), Self::Fault>;

    /// Preamble or epilogue.
    fn margin(&mut self, piece: Piece<'_>) -> Result<(), Self::Fault>;

    /// A boundary line.
    fn delimiter(&mut self, line: &[u8]) -> Result<(), Self::Fault>;

    /// The last of `open` ends.
    fn closed(&mut self, open: &[Open], end: End) -> Result<(), Self::Fault>;
}
