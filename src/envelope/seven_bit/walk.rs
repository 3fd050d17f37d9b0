//! One walk over a body's MIME tree, line by line; planning and writing are its two visitors.

use std::io;
use std::mem;

use memchr::memchr;

use super::entity::{Encoding, Facts, Kind};
use super::field;
use super::octets::BoundaryEnd;
use super::padding::unpadded;
use crate::message::{Lines, Piece};

/// How deep entities may be nested.
const DEPTH: usize = 100;

/// How many entities get a decision of their own.
const ENTITIES: usize = 10_000;

/// How much of one header field is held; the rest of a longer one passes in fragments.
const FIELD: usize = 64 * 1024;

/// An entity that has begun and not ended.
pub(super) struct Open {
    /// Its place among all entities, in order of appearance; the message itself is 0.
    pub(super) ordinal: usize,
    /// Its number among its siblings, when it is part of a multipart.
    pub(super) number: Option<u32>,
    pub(super) kind: Kind,
    /// How the boundary line before it ends.
    pub(super) begun: Option<BoundaryEnd>,
    /// And the one behind it.
    pub(super) ended: Option<BoundaryEnd>,
    boundary: Option<Vec<u8>>,
    parts: u32,
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

    /// A header field of the entity about to open: as it stands with its line end, and as it may go out.
    fn field(&mut self, ordinal: usize, raw: &[u8], fixed: &[u8]) -> Result<(), Self::Fault>;

    /// More of a field too long to be held.
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

/// Walks a body below a header that says `root`.
pub(super) fn walk<V: Visitor>(root: &Facts, lines: &mut Lines<'_>, visitor: &mut V) -> Result<(), V::Fault> {
    let mut walk = Walk {
        visitor,
        open: Vec::new(),
        state: State::Header,
        ordinal: 0,
        number: None,
        next: 1,
        boundary_end: None,
        facts: root.clone(),
        field: Vec::new(),
        overflowing: false,
    };
    walk.enter()?;
    while let Some(piece) = lines.next_piece()? {
        walk.piece(piece)?;
    }
    walk.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Leaf,
    Margin,
    /// Beyond the last entity we count: boundaries mean nothing any more.
    Rest,
}

struct Walk<'v, V> {
    visitor: &'v mut V,
    open: Vec<Open>,
    state: State,
    /// The entity whose header is being read.
    ordinal: usize,
    number: Option<u32>,
    next: usize,
    /// How the last boundary line ended.
    boundary_end: Option<BoundaryEnd>,
    facts: Facts,
    field: Vec<u8>,
    /// The current field was too long to be held and has been passed on in part.
    overflowing: bool,
}

/// Where a boundary line belongs.
struct Delimiter {
    level: usize,
    closing: bool,
}

impl<V: Visitor> Walk<'_, V> {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), V::Fault> {
        if piece.starts_line
            && matches!(piece.octets, [b'-', b'-', ..])
            && self.state != State::Rest
            && let Some(delimiter) = self.delimiter(&piece)
        {
            return self.divide(&delimiter, &piece);
        }
        loop {
            match self.state {
                State::Leaf | State::Rest => return self.visitor.content(piece),
                State::Margin => return self.visitor.margin(piece),
                State::Header => {
                    if self.header(piece)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Innermost boundaries first; an outer one ends whatever is open inside.
    fn delimiter(&self, piece: &Piece<'_>) -> Option<Delimiter> {
        if !piece.ends_line {
            return None;
        }
        let line = unpadded(piece.octets).strip_prefix(b"--")?;
        self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let boundary = open.boundary.as_deref()?;
            match line.strip_prefix(boundary)? {
                b"" => Some(Delimiter { level, closing: false }),
                b"--" => Some(Delimiter { level, closing: true }),
                _ => None,
            }
        })
    }

    fn divide(&mut self, delimiter: &Delimiter, line: &Piece<'_>) -> Result<(), V::Fault> {
        // Ending a header may begin one more: an attached message without anything in it.
        while self.state == State::Header {
            self.end_header(false)?;
        }
        self.boundary_end = BoundaryEnd::of(line);
        while self.open.len() > delimiter.level + 1 {
            self.close(End::Boundary)?;
        }
        self.visitor.delimiter(line.octets)?;
        let Some(multipart) = self.open.last_mut() else { return Ok(()) };
        if delimiter.closing {
            multipart.boundary = None;
            self.state = State::Margin;
            return Ok(());
        }
        multipart.parts = multipart.parts.saturating_add(1);
        let number = multipart.parts;
        self.begin(Some(number), false)
    }

    /// Begins the header of a part, or of a message inside one.
    fn begin(&mut self, number: Option<u32>, message: bool) -> Result<(), V::Fault> {
        self.facts = Facts { message, ..Facts::default() };
        self.number = number;
        self.field.clear();
        self.overflowing = false;
        if self.next >= ENTITIES {
            self.state = State::Rest;
            let facts = mem::take(&mut self.facts);
            let begun = self.boundary_end;
            let kind = Kind::Beyond;
            self.open.push(Open { ordinal: usize::MAX, number, kind, begun, ended: None, boundary: None, parts: 0 });
            return self.visitor.opened(&self.open, &facts);
        }
        self.ordinal = self.next;
        self.next += 1;
        self.state = State::Header;
        Ok(())
    }

    /// Takes a piece of a header. `false` when it belongs to what follows the header, which is then open.
    fn header(&mut self, piece: Piece<'_>) -> Result<bool, V::Fault> {
        if !piece.starts_line {
            self.more_field(piece)?;
        } else if piece.octets == b"\r\n" {
            self.end_header(true)?;
        } else if piece.octets.starts_with(b" ") || piece.octets.starts_with(b"\t") {
            if self.field.is_empty() && !self.overflowing {
                self.end_header(false)?;
                return Ok(false);
            }
            self.more_field(piece)?;
        } else if field::starts(piece.octets, self.first_line_of_message()) {
            self.end_field()?;
            self.more_field(piece)?;
        } else {
            self.end_header(false)?;
            return Ok(false);
        }
        Ok(true)
    }

    fn first_line_of_message(&self) -> bool {
        self.facts.message && self.field.is_empty() && !self.overflowing
    }

    fn more_field(&mut self, piece: Piece<'_>) -> Result<(), V::Fault> {
        if !self.overflowing {
            self.field.extend_from_slice(piece.octets);
            if self.field.len() <= FIELD {
                return Ok(());
            }
            self.overflowing = true;
            let whole = mem::take(&mut self.field);
            self.note(&whole);
            if self.facts.encoding.is_some() && field::is(&whole, "Content-Transfer-Encoding") {
                // It passes unread, so it must not be relied on.
                self.facts.encoding = Some(Encoding::Foreign);
            }
            for line in whole.split_inclusive(|&octet| octet == b'\n') {
                self.visitor.field_fragment(Piece {
                    octets: line,
                    end: b"\r\n",
                    starts_line: true,
                    ends_line: line.ends_with(b"\n"),
                })?;
            }
            return Ok(());
        }
        self.visitor.field_fragment(piece)
    }

    fn end_field(&mut self) -> Result<(), V::Fault> {
        self.overflowing = false;
        if self.field.is_empty() {
            return Ok(());
        }
        let raw = mem::take(&mut self.field);
        let fixed = field::fixed(&raw);
        // What goes out is what counts: reading the result again must give the same tree.
        self.note(&fixed);
        self.visitor.field(self.ordinal, &raw, &fixed)
    }

    fn note(&mut self, field: &[u8]) {
        if let Some(colon) = memchr(b':', field) {
            let (name, value) = field.split_at(colon);
            self.facts.note(name.trim_ascii_end(), value.get(1..).unwrap_or_default());
        }
    }

    fn end_header(&mut self, empty_line: bool) -> Result<(), V::Fault> {
        self.end_field()?;
        self.visitor.header_end(self.ordinal, &self.facts, empty_line)?;
        self.enter()
    }

    /// Opens the entity whose header has been read.
    fn enter(&mut self) -> Result<(), V::Fault> {
        let mut facts = mem::take(&mut self.facts);
        let in_digest =
            !facts.message && self.open.last().is_some_and(|parent| parent.kind == Kind::Multipart { digest: true });
        let mut kind = facts.kind(in_digest);
        if self.open.len() >= DEPTH && matches!(kind, Kind::Multipart { .. } | Kind::Message) {
            kind = Kind::Beyond;
        }
        let boundary = if matches!(kind, Kind::Multipart { .. }) { facts.boundary.take() } else { None };
        let (ordinal, number, begun) = (self.ordinal, self.number, self.boundary_end);
        self.open.push(Open { ordinal, number, kind, begun, ended: None, boundary, parts: 0 });
        self.visitor.opened(&self.open, &facts)?;
        match kind {
            Kind::Multipart { .. } => self.state = State::Margin,
            Kind::Message => return self.begin(None, true),
            Kind::Text | Kind::Binary | Kind::Unencodable | Kind::Protected | Kind::Fragment | Kind::Beyond => {
                self.state = State::Leaf;
            }
        }
        Ok(())
    }

    fn close(&mut self, end: End) -> Result<(), V::Fault> {
        if let Some(last) = self.open.last_mut() {
            last.ended = self.boundary_end;
        }
        self.visitor.closed(&self.open, end)?;
        self.open.pop();
        Ok(())
    }

    fn finish(mut self) -> Result<(), V::Fault> {
        while self.state == State::Header {
            self.end_header(false)?;
        }
        while !self.open.is_empty() {
            self.close(End::Body)?;
        }
        Ok(())
    }
}
