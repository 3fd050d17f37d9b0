//! Content made fit for the wire: 8-bit text, NUL, bare CR and long lines are encoded (decision 5 of DECISIONS.md).
//!
//! The body is read twice and never held: [`Conversion::plan`] walks the MIME tree, decides for every entity and
//! remembers a few octets for each of at most 10,000; [`Conversion::write`] walks it again and does it.
//!
//! | what | when it is dirty |
//! | --- | --- |
//! | text, or no type | quoted-printable, or base64 where that is clearly shorter |
//! | any other leaf, and text in UTF-16 or UTF-32 | base64 of the octets as they came |
//! | such a leaf in "binary" whose lines do not all end CRLF | the same, clean or not |
//! | already quoted-printable or base64 | repaired so that a lenient decoder reads the same |
//! | in another encoding | refused: its octets mean something we cannot read |
//! | multipart/signed, multipart/encrypted | kept octet for octet, needs 8BITMIME; NUL, bare CR, long lines: refused |
//! | message/rfc822, message/news | converted inside (RFC 2046 section 5.2.1 forbids encoding it) |
//! | message/global and its relatives | an ordinary leaf (RFC 6532 section 3.7 allows any encoding) |
//! | message/partial | refused: may only be 7bit (RFC 2046 section 5.2.2), and a fragment is not ours to judge |
//! | message/delivery-status and other lists of fields, message/external-body | `?` for each octet |
//! | preamble, epilogue, a multipart without usable boundary | `?` for each octet: no encoding is allowed there |
//! | parts nested over 100 deep, or beyond the 10,000th | refused |

use std::io::{self, Write};

use crate::envelope::{ChangeLog, Transfer};
use crate::message::{Body, Field, LineEnds, Stuffing};
use crate::words::SafeText;

mod coding;
mod entity;
mod escapes;
mod field;
mod note;
mod octets;
mod padding;
mod plan;
mod repair;
mod scan;
mod walk;
mod write;

#[cfg(test)]
mod tests;

pub use note::{Change, Note};

use entity::{Encoding, Facts, Kind};
use plan::{Coding, Decision, Plan, Planner};
use walk::walk;
use write::{Sink, Writer};

/// The longest line on the wire, without its end (RFC 5321 section 4.5.3.1.6).
const LINE: usize = 998;

/// How a body is to be written.
pub struct Conversion {
    transfer: Transfer,
    /// What the top-level fields say of the body; `None` when the body goes as it is.
    root: Option<Facts>,
    decisions: Vec<Decision>,
    notes: Vec<Note>,
    changed: bool,
}

impl Conversion {
    /// Reads `body` once, finds what has to be encoded, and puts the MIME fields of `fields` right.
    ///
    /// # Errors
    /// SafeText that say which part can neither go as it is nor be changed; or the spool's error.
    pub fn plan(fields: &mut Vec<Field>, body: &mut Body) -> Result<Self, PlanFault> {
        Self::plan_noting(fields, body, &ChangeLog::unwanted())
    }

    /// The same, noting in `changes` what happens to the fields.
    ///
    /// # Errors
    /// Those of [`Self::plan`].
    pub fn plan_noting(fields: &mut Vec<Field>, body: &mut Body, changes: &ChangeLog) -> Result<Self, PlanFault> {
        let facts = Facts::of_message(fields);
        let plan = if body.content.is_seven_bit() { octets_in(&facts, body)? } else { Some(plan(&facts, body)?) };
        let Some(plan) = plan else {
            let mut untouched = Self::untouched();
            // Without BINARYMIME nobody takes "binary", and lines like these are not (RFC 2045 section 2.7).
            if facts.encoding == Some(Encoding::Binary) {
                field::set_encoding(fields, Encoding::SevenBit, changes);
                untouched.changed = true;
                untouched.notes.push(Note::whole(Change::Labelled("7bit")));
            }
            return Ok(untouched);
        };
        let root = plan.decisions.first().copied().unwrap_or_default();
        field::apply(fields, &root, &facts, changes);
        Ok(Self {
            transfer: if plan.eight_bit_remains { Transfer::EightBitMime } else { Transfer::SevenBit },
            root: plan.body_changes.then_some(facts),
            decisions: plan.decisions,
            notes: plan.notes,
            changed: root.changed,
        })
    }

    fn untouched() -> Self {
        Self { transfer: Transfer::SevenBit, root: None, decisions: Vec::new(), notes: Vec::new(), changed: false }
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
            return walk(root, &mut lines, &mut Writer::new(&self.decisions, sink));
        }
        while let Some(piece) = lines.next_piece()? {
            sink.write_all(piece.octets)?;
        }
        Ok(())
    }
}

fn plan(facts: &Facts, body: &mut Body) -> Result<Plan, PlanFault> {
    let mut planner = Planner::new(&body.content, body.line_ends);
    walk(facts, &mut body.lines()?, &mut planner)?;
    Ok(planner.finish())
}

/// A plan for content that could go as it is, but for octets in it whose line ends are their own.
fn octets_in(facts: &Facts, body: &mut Body) -> Result<Option<Plan>, PlanFault> {
    let may_hold_some = match facts.kind(false) {
        Kind::Multipart { .. } | Kind::Message => true,
        Kind::Binary => facts.encoding == Some(Encoding::Binary),
        Kind::Text | Kind::Unencodable | Kind::Protected | Kind::Fragment | Kind::Beyond => false,
    };
    if body.line_ends == LineEnds::Crlf || !may_hold_some {
        return Ok(None);
    }
    let plan = plan(facts, body)?;
    let holds_some = plan.decisions.iter().any(|decision| decision.coding == Some(Coding::Octets));
    Ok(holds_some.then_some(plan))
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
