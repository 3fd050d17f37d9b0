//! One walk over a body's MIME tree, line by line; planning and writing are its two visitors.

use std::mem;

use super::entity::{Division, EntityKind, Facts};
use super::field;
use super::padding::unpadded;
use super::visitor::BoundaryEnd;
use super::visitor::Charsets;
pub(super) use super::visitor::{End, Open, Visitor};
use crate::header_text::Parameters;
use crate::message::{Lines, Piece};

/// How deep entities may be nested.
const DEPTH: usize = 100;

/// How many entities get a decision of their own.
const ENTITIES: usize = 10_000;

/// How much of a header is held, as of the message's own; the rest of a longer one passes in fragments.
const HEADER: usize = 2 * 1024 * 1024;

/// Walks a body below a header that says `root`.
///
/// # Errors
/// Those of the visitor.
pub(super) fn walk<V: Visitor>(
    root: &Facts,
    charsets: &Charsets,
    lines: &mut Lines<'_>,
    visitor: &mut V,
) -> Result<(), V::Fault> {
    let mut walk = Walk {
        visitor,
        charsets,
        open: Vec::new(),
        state: State::Header,
        ordinal: 0,
        number: None,
        next: 1,
        boundary_end: None,
        facts: root.clone(),
        fields: Vec::new(),
        held: 0,
        field: Vec::new(),
        overflowing: false,
    };
    let charset = root.charset.clone().or_else(|| charsets.get(&0).cloned());
    walk.enter(charset)?;
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
    charsets: &'v Charsets,
    open: Vec<Open>,
    state: State,
    /// The entity whose header is being read.
    ordinal: usize,
    number: Option<u32>,
    next: usize,
    /// How the last boundary line ended.
    boundary_end: Option<BoundaryEnd>,
    facts: Facts,
    /// The header's fields so far: what they are written in may be said by the last.
    fields: Vec<Vec<u8>>,
    /// How many octets they are.
    held: usize,
    field: Vec<u8>,
    /// The header is too long to be held and has been passed on in part.
    overflowing: bool,
}

/// Where a boundary line belongs.
struct Delimiter {
    level: usize,
    division: Division,
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
            let division = open.boundary.as_ref()?.divides(line)?;
            Some(Delimiter { level, division })
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
        if delimiter.division.is_last {
            multipart.boundary = None;
            self.state = State::Margin;
            return Ok(());
        }
        if let Some(boundary) = &mut multipart.boundary {
            boundary.settle(line.octets.strip_prefix(b"--").unwrap_or(line.octets), delimiter.division);
        }
        multipart.parts = multipart.parts.saturating_add(1);
        let number = multipart.parts;
        self.begin(Some(number), false)
    }

    /// Begins the header of a part, or of a message inside one.
    fn begin(&mut self, number: Option<u32>, message: bool) -> Result<(), V::Fault> {
        self.facts = Facts { message, ..Facts::default() };
        self.number = number;
        (self.field, self.fields, self.held) = (Vec::new(), Vec::new(), 0);
        self.overflowing = false;
        if self.next >= ENTITIES {
            self.state = State::Rest;
            let facts = mem::take(&mut self.facts);
            let begun = self.boundary_end;
            self.open.push(Open {
                ordinal: usize::MAX,
                number,
                kind: EntityKind::Beyond,
                charset: None,
                begun,
                ended: None,
                boundary: None,
                parts: 0,
            });
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
            self.end_field();
            self.more_field(piece)?;
        } else {
            self.end_header(false)?;
            return Ok(false);
        }
        Ok(true)
    }

    fn first_line_of_message(&self) -> bool {
        self.facts.message && self.field.is_empty() && self.fields.is_empty() && !self.overflowing
    }

    fn more_field(&mut self, piece: Piece<'_>) -> Result<(), V::Fault> {
        if self.overflowing {
            return self.visitor.field_fragment(piece);
        }
        self.field.extend_from_slice(piece.octets);
        if self.held + self.field.len() <= HEADER {
            return Ok(());
        }
        self.overflowing = true;
        self.facts.unread = true;
        self.end_field();
        for field in mem::take(&mut self.fields) {
            for line in field.split_inclusive(|&octet| octet == b'\n') {
                let ends_line = line.ends_with(b"\n");
                self.visitor.field_fragment(Piece { octets: line, end: b"\r\n", starts_line: true, ends_line })?;
            }
        }
        Ok(())
    }

    fn end_field(&mut self) {
        if !self.field.is_empty() {
            self.held += self.field.len();
            self.fields.push(mem::take(&mut self.field));
        }
    }

    /// What the fields at hand are written in: what they say themselves, or what is said below, or around them.
    fn charset(&self) -> Option<String> {
        let own = self.fields.iter().find(|raw| field::is(raw, "Content-Type")).and_then(|raw| field::value(raw));
        own.and_then(|value| Parameters::read(value).charset())
            .or_else(|| self.charsets.get(&self.ordinal).cloned())
            .or_else(|| self.open.last().filter(|_| !self.facts.message)?.charset.clone())
    }

    fn end_header(&mut self, empty_line: bool) -> Result<(), V::Fault> {
        self.end_field();
        let charset = self.charset();
        for raw in mem::take(&mut self.fields) {
            let fixed = field::fixed(&raw, charset.as_deref().unwrap_or_default());
            // What goes out is what counts: reading the result again must give the same tree.
            let leaves = fixed.as_deref().unwrap_or(&raw);
            if let (Some(name), Some(value)) = (field::name(leaves), field::value(leaves)) {
                self.facts.note(name, value);
            }
            self.visitor.field(&self.open, self.ordinal, &raw, fixed.as_deref())?;
        }
        self.visitor.header_end(self.ordinal, &self.facts, empty_line)?;
        self.enter(charset)
    }

    /// Opens the entity whose header has been read.
    fn enter(&mut self, charset: Option<String>) -> Result<(), V::Fault> {
        let mut facts = mem::take(&mut self.facts);
        let in_digest = !facts.message
            && self.open.last().is_some_and(|parent| parent.kind == EntityKind::Multipart { digest: true });
        let mut kind = facts.kind(in_digest);
        if self.open.len() >= DEPTH && matches!(kind, EntityKind::Multipart { .. } | EntityKind::Message) {
            kind = EntityKind::Beyond;
        }
        let boundary = if matches!(kind, EntityKind::Multipart { .. }) { facts.boundary.take() } else { None };
        let (ordinal, number, begun) = (self.ordinal, self.number, self.boundary_end);
        self.open.push(Open { ordinal, number, kind, charset, begun, ended: None, boundary, parts: 0 });
        self.visitor.opened(&self.open, &facts)?;
        match kind {
            EntityKind::Multipart { .. } => self.state = State::Margin,
            EntityKind::Message => return self.begin(None, true),
            EntityKind::Text
            | EntityKind::Binary
            | EntityKind::Unencodable
            | EntityKind::Status(_)
            | EntityKind::Protected
            | EntityKind::Fragment
            | EntityKind::Beyond => {
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
