//! The first pass: what each entity holds, and what is to be done about it.

use super::entity::{Encoding, Facts, Kind};
use super::note::{Change, Note, place};
use super::octets::{LineEndsSeen, are_no_lines};
use super::scan::{Found, Scan};
use super::walk::{End, Open, Visitor};
use super::{LINE, PlanFault};
use crate::message::{Content, LineEnds, Piece};
use crate::words::SafeText;

/// How many changes are told.
const NOTES: usize = 50;

/// What is done to a leaf's octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    QuotedPrintable,
    Base64,
    /// Base64 of the octets as they came.
    Octets,
    RepairQuotedPrintable,
    RepairBase64,
    Questions,
}

/// What is done to one entity.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Decision {
    /// To its content, when it is a leaf.
    pub(super) coding: Option<Coding>,
    /// What Content-Transfer-Encoding has to say from now on.
    pub(super) label: Option<Encoding>,
    /// The charset Content-Type has to name from now on.
    pub(super) charset: Option<&'static str>,
    /// Whether anything of it changes, in its header or below.
    pub(super) changed: bool,
}

/// The first pass's result.
pub(super) struct Plan {
    pub(super) decisions: Vec<Decision>,
    pub(super) notes: Vec<Note>,
    /// Protected parts hold 8-bit text.
    pub(super) eight_bit_remains: bool,
    /// The second pass has something to do; otherwise only the message's own fields change.
    pub(super) body_changes: bool,
}

pub(super) struct Planner {
    plan: Plan,
    frames: Vec<Frame>,
    content: Scan,
    margin: Scan,
    header: Scan,
    header_changed: bool,
    line_ends: LineEndsSeen,
    /// The octets as they came are not known any more.
    octets_lost: bool,
}

/// What is known of an open entity.
struct Frame {
    facts: Facts,
    changed: bool,
    eight_bit_remains: bool,
}

impl Planner {
    /// `content` is what is known of the whole body: what does not occur is not looked for.
    pub(super) fn new(content: &Content, line_ends: LineEnds) -> Self {
        Self {
            plan: Plan { decisions: Vec::new(), notes: Vec::new(), eight_bit_remains: false, body_changes: false },
            frames: Vec::new(),
            content: Scan::new(content),
            margin: Scan::new(content),
            header: Scan::new(content),
            header_changed: false,
            line_ends: LineEndsSeen::default(),
            octets_lost: line_ends == LineEnds::Returns,
        }
    }

    pub(super) fn finish(self) -> Plan {
        self.plan
    }

    fn tell(&mut self, open: &[Open], change: Change, why: &'static str) {
        if self.plan.notes.len() < NOTES {
            self.plan.notes.push(Note { part: path(open), change, why });
        }
    }

    fn close_leaf(&mut self, open: &[Open], end: End, kind: Kind, facts: &Facts) -> Result<Decision, PlanFault> {
        let found = self.content.found;
        let octets = self.octets(open, end, kind, facts)?;
        let coding = match (kind, facts.encoding) {
            _ if octets => Some(Coding::Octets),
            _ if !found.any() => None,
            (Kind::Protected, _) if found.control || found.long => {
                return Err(refusal(open, facts, found, "which is signed or encrypted and must not be changed"));
            }
            (Kind::Protected, _) => None,
            (Kind::Fragment, _) => {
                return Err(refusal(open, facts, found, "which may only hold 7-bit text"));
            }
            (Kind::Beyond, _) => {
                return Err(refusal(open, facts, found, "which is nested too deep or comes after 10,000 others"));
            }
            (Kind::Unencodable, _) => Some(Coding::Questions),
            (_, Some(Encoding::QuotedPrintable)) => Some(Coding::RepairQuotedPrintable),
            (_, Some(Encoding::Base64)) => Some(Coding::RepairBase64),
            (_, Some(Encoding::Foreign)) => {
                let name = String::from_utf8_lossy(&facts.foreign).into_owned();
                return Err(refusal(open, facts, found, &format!("whose encoding \"{name}\" must not be changed")));
            }
            (Kind::Text, _) if !self.content.is_mostly_escapes() => Some(Coding::QuotedPrintable),
            (Kind::Text | Kind::Binary | Kind::Multipart { .. } | Kind::Message, _) => Some(Coding::Base64),
        };
        let label = match coding {
            Some(Coding::QuotedPrintable) => Some(Encoding::QuotedPrintable),
            Some(Coding::Base64 | Coding::Octets) => Some(Encoding::Base64),
            Some(Coding::RepairQuotedPrintable | Coding::RepairBase64 | Coding::Questions) | None => None,
        };
        match coding {
            Some(Coding::QuotedPrintable | Coding::Base64 | Coding::Octets) => {
                let why = if found.any() { found.why() } else { "line ends that are octets of it" };
                self.tell(open, Change::Encoded(label.map_or("", Encoding::name)), why);
            }
            Some(Coding::RepairQuotedPrintable) => self.tell(open, Change::Repaired("quoted-printable"), found.why()),
            Some(Coding::RepairBase64) => self.tell(open, Change::Repaired("base64"), found.why()),
            Some(Coding::Questions) => self.tell(open, Change::Replaced, found.why()),
            None if found.any() => self.tell(open, Change::Kept, found.why()),
            None => {}
        }
        let charset = if label.is_some() && kind == Kind::Text { self.charset(facts) } else { None };
        Ok(Decision { coding, label, charset, changed: coding.is_some() })
    }

    /// Whether a leaf has to go octet for octet: what is no text, when it cannot go as it is, or when it is said to be
    /// binary and its line ends would become others.
    fn octets(&self, open: &[Open], end: End, kind: Kind, facts: &Facts) -> Result<bool, PlanFault> {
        let Some(leaf) = open.last().filter(|_| are_no_lines(kind, facts)) else { return Ok(false) };
        let is_binary = facts.encoding == Some(Encoding::Binary);
        if !self.content.found.any() && !(is_binary && (self.octets_lost || self.line_ends.are_others(leaf, end))) {
            return Ok(false);
        }
        let media = facts.media.as_deref().unwrap_or("no type");
        let fault =
            |why: &str| PlanFault::Protected(SafeText::from(format!("{} ({media}), {why}", place(&path(open)))));
        if self.octets_lost {
            return Err(fault(
                "in a message whose lines end with CR alone: which of its CRs are its own cannot be known",
            ));
        }
        if self.line_ends.is_unsure(leaf, end) {
            return Err(fault("between boundaries that end in CRLF and in LF: whether it ends in CR cannot be known"));
        }
        Ok(true)
    }

    /// The charset to add: text without one is US-ASCII, which it is not (RFC 2046 section 4.1.2).
    fn charset(&self, facts: &Facts) -> Option<&'static str> {
        let text = facts.media.as_deref().is_some_and(|media| media.starts_with("text/"));
        if facts.has_type && (facts.has_charset || !text) {
            return None;
        }
        if !self.content.found.eight_bit {
            return (!facts.has_type && facts.message).then_some("us-ascii");
        }
        Some(if self.content.is_utf8() { "utf-8" } else { "iso-8859-1" })
    }
}

fn refusal(open: &[Open], facts: &Facts, found: Found, why: &str) -> PlanFault {
    let held = found.words();
    let media = facts.media.as_deref().unwrap_or("no type");
    PlanFault::Protected(SafeText::from(format!("{} ({media}), {why}, holds {held}", place(&path(open)))))
}

fn path(open: &[Open]) -> Vec<u32> {
    open.iter().filter_map(|entity| entity.number).collect()
}

/// What a composite or untouched entity has to be labelled as.
fn label(frame: &Frame, changed: bool) -> Option<Encoding> {
    match frame.facts.encoding {
        Some(Encoding::EightBit) if frame.eight_bit_remains => None,
        _ if frame.eight_bit_remains => Some(Encoding::EightBit),
        None | Some(Encoding::SevenBit) => None,
        Some(
            Encoding::EightBit
            | Encoding::Binary
            | Encoding::QuotedPrintable
            | Encoding::Base64
            | Encoding::Misnamed
            | Encoding::Foreign,
        ) => changed.then_some(Encoding::SevenBit),
    }
}

impl Visitor for Planner {
    type Fault = PlanFault;

    fn field(&mut self, _ordinal: usize, raw: &[u8], fixed: &[u8]) -> Result<(), PlanFault> {
        self.header_changed |= raw != fixed;
        Ok(())
    }

    fn field_fragment(&mut self, piece: Piece<'_>) -> Result<(), PlanFault> {
        self.header.see(piece);
        Ok(())
    }

    fn header_end(&mut self, _ordinal: usize, _facts: &Facts, _empty_line: bool) -> Result<(), PlanFault> {
        self.header_changed |= self.header.found.any();
        self.header.restart();
        Ok(())
    }

    fn opened(&mut self, open: &[Open], facts: &Facts) -> Result<(), PlanFault> {
        let changed = std::mem::take(&mut self.header_changed);
        if changed {
            self.plan.body_changes = true;
            self.tell(open, Change::Header, "");
        }
        self.frames.push(Frame { facts: facts.clone(), changed, eight_bit_remains: false });
        self.content.restart();
        self.margin.restart();
        self.line_ends = LineEndsSeen::default();
        Ok(())
    }

    fn content(&mut self, piece: Piece<'_>) -> Result<(), PlanFault> {
        self.content.see(piece);
        self.line_ends.see(piece);
        Ok(())
    }

    fn margin(&mut self, piece: Piece<'_>) -> Result<(), PlanFault> {
        self.margin.see(piece);
        if self.margin.found.any()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.changed = true;
            self.plan.body_changes = true;
        }
        Ok(())
    }

    fn delimiter(&mut self, line: &[u8]) -> Result<(), PlanFault> {
        if line.len() > LINE + 2
            && let Some(frame) = self.frames.last_mut()
        {
            frame.changed = true;
            self.plan.body_changes = true;
        }
        self.margin.restart();
        Ok(())
    }

    fn closed(&mut self, open: &[Open], end: End) -> Result<(), PlanFault> {
        let (Some(entity), Some(mut frame)) = (open.last(), self.frames.pop()) else { return Ok(()) };
        let mut decision = match entity.kind {
            Kind::Multipart { .. } | Kind::Message => Decision::default(),
            Kind::Text | Kind::Binary | Kind::Unencodable | Kind::Protected | Kind::Fragment | Kind::Beyond => {
                self.close_leaf(open, end, entity.kind, &frame.facts)?
            }
        };
        frame.eight_bit_remains |= entity.kind == Kind::Protected && self.content.found.eight_bit;
        decision.changed |= frame.changed;
        self.plan.body_changes |= decision.coding.is_some();
        if matches!(entity.kind, Kind::Multipart { .. } | Kind::Message | Kind::Protected | Kind::Unencodable)
            && let Some(label) = label(&frame, decision.changed)
        {
            decision.label = Some(label);
            decision.changed = true;
            self.plan.body_changes |= entity.ordinal != 0;
            self.tell(open, Change::Labelled(label.name()), "");
        }
        match self.frames.last_mut() {
            Some(parent) => {
                parent.changed |= decision.changed;
                parent.eight_bit_remains |= frame.eight_bit_remains;
            }
            None => self.plan.eight_bit_remains = frame.eight_bit_remains,
        }
        // What nothing is done to needs no entry: the second pass takes a missing one for that.
        if decision.changed {
            if self.plan.decisions.len() <= entity.ordinal {
                self.plan.decisions.resize(entity.ordinal + 1, Decision::default());
            }
            if let Some(slot) = self.plan.decisions.get_mut(entity.ordinal) {
                *slot = decision;
            }
        }
        Ok(())
    }
}
