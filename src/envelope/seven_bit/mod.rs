//! Content made fit for the wire: 8-bit text, NUL, bare CR and long lines are encoded (decision 5 of DECISIONS.md).
//!
//! The body is read twice and never held: the first pass walks the MIME tree, decides for every entity and
//! remembers a few octets for each of at most 10,000; [`Conversion::write`] walks it again and does it.
//!
//! | what | when it is dirty |
//! | --- | --- |
//! | text, or no type | quoted-printable, or base64 where that is clearly shorter |
//! | any other leaf, and text in UTF-16 or UTF-32 | base64 of the octets as they came |
//! | such a leaf in "binary" whose lines do not all end CRLF | the same, clean or not |
//! | already quoted-printable or base64 | repaired so that a lenient decoder reads the same |
//! | labelled base64, and plainly none; in an encoding nobody knows | as if it had no label: see [`entity::Encoding`] |
//! | multipart/signed, multipart/encrypted | kept octet for octet |
//! | message/rfc822, message/news | converted inside (RFC 2046 section 5.2.1 forbids encoding it) |
//! | message/global and its relatives | an ordinary leaf (RFC 6532 section 3.7 allows any encoding) |
//! | message/delivery-status, message/disposition-notification | in UTF-8: its relative of RFC 6533; else kept |
//! | message/partial | refused: may only be 7bit (RFC 2046 section 5.2.2), and a fragment is not ours to judge |
//! | other lists of fields, message/external-body, a multipart without boundary | kept |
//! | preamble, epilogue | kept; over-long lines are broken |
//! | parts nested over 100 deep, or beyond the 10,000th, or with a header over 2 MiB | kept |
//!
//! What is kept and holds 8-bit octets needs 8BITMIME; with NUL, bare CR or long lines it is refused.

use std::io::{self, Write};

use crate::envelope::{ChangeLog, Transfer};
use crate::message::{Body, Field, LineEnds, Stuffing};
use crate::words::SafeText;

mod coding;
mod content_charset;
mod decision;
mod entity;
mod escapes;
mod field;
mod note;
mod octets;
mod padding;
mod plan;
mod repair;
mod scan;
mod survey;
mod visitor;
mod walk;
mod write;

#[cfg(test)]
mod tests;

pub use note::{Change, Note};

use entity::{Encoding, EntityKind, Facts};
use plan::{Decision, Plan, Planner};
use survey::charsets;
use visitor::Charsets;
use walk::walk;
use write::{Sink, Writer};

/// The longest line on the wire, without its end (RFC 5321 section 4.5.3.1.6).
const LINE: usize = 998;

/// How a body is to be written.
pub struct Conversion {
    transfer: Transfer,
    /// What the top-level fields say of the body; `None` when the body goes as it is.
    root: Option<Facts>,
    charsets: Charsets,
    decisions: Vec<Decision>,
    notes: Vec<Note>,
    changed: bool,
}

impl Conversion {
    #[cfg(test)]
    fn plan(fields: &mut Vec<Field>, body: &mut Body) -> Result<Self, PlanFault> {
        Self::plan_noting(fields, body, &ChangeLog::unwanted())
    }

    /// Reads `body` once, finds what has to be encoded, puts the MIME fields of `fields` right, and notes in `changes`
    /// what happens to them.
    ///
    /// # Errors
    /// Words that say which part can neither go as it is nor be changed; or the spool's error.
    pub fn plan_noting(fields: &mut Vec<Field>, body: &mut Body, changes: &ChangeLog) -> Result<Self, PlanFault> {
        let facts = Facts::of_message(fields);
        let charsets = if body.content.eight_bit && !body.content.utf8 && facts.is_composite() {
            charsets(&facts, body)?
        } else {
            Charsets::new()
        };
        let is_clean = body.content.is_seven_bit();
        let may_change = !is_clean || may_hold_raw_headers(&facts, body) || may_hold_octets(&facts, body);
        let plan = if may_change { Some(plan(&facts, &charsets, body)?) } else { None };
        let Some(plan) = plan.filter(|plan| !is_clean || plan.body_changes) else {
            let mut untouched = Self::untouched();
            // Without BINARYMIME nobody takes "binary", and lines like these are not (RFC 2045 section 2.7).
            if facts.encoding == Some(Encoding::Binary) {
                field::set_encoding(fields, Encoding::SevenBit, changes);
                untouched.changed = true;
                untouched.notes.push(Note::whole(Change::Labelled("7bit")));
            }
            return Ok(untouched);
        };
        let root = plan.decisions.first().cloned().unwrap_or_default();
        field::apply(fields, &root, &facts, changes);
        Ok(Self {
            transfer: if plan.eight_bit_remains { Transfer::EightBitMime } else { Transfer::SevenBit },
            root: plan.body_changes.then_some(facts),
            charsets,
            decisions: plan.decisions,
            notes: plan.notes,
            changed: root.changed,
        })
    }

    fn untouched() -> Self {
        Self {
            transfer: Transfer::SevenBit,
            root: None,
            charsets: Charsets::new(),
            decisions: Vec::new(),
            notes: Vec::new(),
            changed: false,
        }
    }

    /// What the written content needs of the server.
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// Whether body or MIME fields differ from what came in: a DKIM-Signature over them no longer holds.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// What was changed and where, for people: the first 50 changes.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// How many octets [`Self::write`] will write. Immediate when nothing is converted, else a run that only counts,
    /// and encodes lines only where their length cannot be told otherwise.
    ///
    /// # Errors
    /// Those of the spool.
    pub fn length(&self, body: &mut Body) -> io::Result<u64> {
        if self.root.is_none() && body.stuffing == Stuffing::Plain {
            return Ok(body.length);
        }
        let mut sink = Sink::Count(0);
        self.pass(body, &mut sink)?;
        Ok(match sink {
            Sink::Count(total) => total,
            Sink::Out(_) => 0,
        })
    }

    /// Writes the body as planned.
    ///
    /// # Errors
    /// Those of `sink` and of the spool.
    pub fn write(&self, body: &mut Body, sink: &mut dyn Write) -> io::Result<()> {
        self.pass(body, &mut Sink::Out(sink))
    }

    fn pass(&self, body: &mut Body, sink: &mut Sink<'_>) -> io::Result<()> {
        let mut lines = body.lines()?;
        if let Some(root) = &self.root {
            return walk(root, &self.charsets, &mut lines, &mut Writer::new(&self.decisions, sink));
        }
        while let Some(piece) = lines.next_piece()? {
            sink.write_all(piece.octets)?;
        }
        Ok(())
    }
}

fn plan(facts: &Facts, charsets: &Charsets, body: &mut Body) -> Result<Plan, PlanFault> {
    let mut planner = Planner::new(&body.content, body.line_ends);
    walk(facts, charsets, &mut body.lines()?, &mut planner)?;
    Ok(planner.finish())
}

/// Whether content that could go as it is may hold headers with text in another alphabet (ISO-2022).
fn may_hold_raw_headers(facts: &Facts, body: &Body) -> bool {
    body.content.escapes && facts.is_composite()
}

/// Whether content that could go as it is may hold octets whose line ends are their own.
fn may_hold_octets(facts: &Facts, body: &Body) -> bool {
    let may_hold_some = match facts.kind(false) {
        EntityKind::Multipart { .. } | EntityKind::Message => true,
        EntityKind::Binary => facts.encoding == Some(Encoding::Binary),
        EntityKind::Text
        | EntityKind::Unencodable
        | EntityKind::Status(_)
        | EntityKind::Protected
        | EntityKind::Fragment
        | EntityKind::Beyond => false,
    };
    may_hold_some && body.line_ends != LineEnds::Crlf
}

/// The charset raw text of the message's own header is in, as far as the content declares it; else empty.
///
/// # Errors
/// Those of the spool.
pub fn declared_charset(fields: &[Field], body: &mut Body) -> io::Result<String> {
    let facts = Facts::of_message(fields);
    let is_asked_for = fields.iter().any(|field| std::str::from_utf8(&field.value).is_err());
    match &facts.charset {
        Some(own) => Ok(own.clone()),
        None if is_asked_for && facts.is_composite() => Ok(charsets(&facts, body)?.remove(&0).unwrap_or_default()),
        None => Ok(String::new()),
    }
}

/// Why content cannot be made fit.
#[derive(Debug)]
pub enum PlanFault {
    /// A signed, encrypted or otherwise untouchable part would have to be changed.
    Protected(SafeText),
    /// The spool failed.
    Spool(io::Error),
}

impl From<io::Error> for PlanFault {
    fn from(error: io::Error) -> Self {
        Self::Spool(error)
    }
}
