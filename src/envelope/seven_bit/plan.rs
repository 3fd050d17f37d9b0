//! The first pass: what each entity holds, and what is to be done about it.

pub(super) use super::decision::{Coding, Decision, Plan};
use super::entity::{Encoding, EntityKind, Facts};
use super::note::{Change, Note, place};
use super::octets::LineEndsSeen;
use super::scan::{Found, Scan};
use super::walk::{End, Open, Visitor};
use super::{LINE, PlanFault, field};
use crate::message::{Content, LineEnds, Piece};
use crate::words::SafeText;

mod leaf;

/// How many changes are told.
const NOTES: usize = 50;

pub(super) struct Planner {
    plan: Plan,
    frames: Vec<Frame>,
    content: Scan,
    margin: Scan,
    header: Scan,
    header_changed: bool,
    /// Something in the header must stay 8-bit.
    raw_header: bool,
    line_ends: LineEndsSeen,
    /// The octets as they came are not known any more.
    octets_lost: bool,
}

/// What is known of an open entity.
struct Frame {
    facts: Facts,
    changed: bool,
    eight_bit_remains: bool,
    /// What is between its parts.
    margin: Found,
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
            raw_header: false,
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

    fn margin_may_stay(&mut self, open: &[Open], frame: &mut Frame) -> Result<(), PlanFault> {
        let found = frame.margin;
        if found.control {
            return Err(refusal(open, &frame.facts, found, "between whose parts nothing may be encoded"));
        }
        if found.long {
            frame.changed = true;
            self.plan.body_changes = true;
            self.tell(open, Change::Broken, "");
        }
        if found.eight_bit {
            frame.eight_bit_remains = true;
            self.tell(open, Change::Raw, found.why());
        }
        Ok(())
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
            Encoding::EightBit | Encoding::Binary | Encoding::QuotedPrintable | Encoding::Base64 | Encoding::Unknown,
        ) => changed.then_some(Encoding::SevenBit),
    }
}

impl Planner {
    /// A part's header is content of what the part is in.
    fn raw_header(&mut self) {
        if let Some(parent) = self.frames.last_mut() {
            parent.eight_bit_remains = true;
        }
        self.raw_header = true;
    }
}

impl Visitor for Planner {
    type Fault = PlanFault;

    fn field(&mut self, open: &[Open], _: usize, raw: &[u8], fixed: Option<&[u8]>) -> Result<(), PlanFault> {
        let Some(fixed) = fixed else {
            let name = String::from_utf8_lossy(field::name(raw).unwrap_or_default()).into_owned();
            let words =
                format!("a word in {name}, a field below {}, does not fit a line of 998 octets", place(&path(open)));
            return Err(PlanFault::Protected(SafeText::from(words)));
        };
        self.header_changed |= raw != fixed;
        if !fixed.is_ascii() {
            self.raw_header();
        }
        Ok(())
    }

    fn field_fragment(&mut self, piece: Piece<'_>) -> Result<(), PlanFault> {
        self.header.see(piece);
        Ok(())
    }

    fn header_end(&mut self, _: usize, facts: &Facts, _: bool) -> Result<(), PlanFault> {
        let found = self.header.found;
        self.header.restart();
        if found.control || found.long {
            return Err(refusal(&[], facts, found, "with a header over 2 MiB in it"));
        }
        if found.eight_bit {
            self.raw_header();
        }
        Ok(())
    }

    fn opened(&mut self, open: &[Open], facts: &Facts) -> Result<(), PlanFault> {
        let changed = std::mem::take(&mut self.header_changed);
        if changed {
            self.plan.body_changes = true;
            self.tell(open, Change::Header, "");
        }
        if std::mem::take(&mut self.raw_header) {
            self.tell(open, Change::Raw, "");
        }
        self.frames.push(Frame { facts: facts.clone(), changed, eight_bit_remains: false, margin: Found::default() });
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
        if let Some(frame) = self.frames.last_mut() {
            frame.margin.add(self.margin.found);
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
        let Some(entity) = open.last() else { return Ok(()) };
        let facts = self.frames.last().map(|frame| frame.facts.clone()).unwrap_or_default();
        let mut decision = match entity.kind {
            EntityKind::Multipart { .. } | EntityKind::Message => Decision::default(),
            kind @ (EntityKind::Text
            | EntityKind::Binary
            | EntityKind::Unencodable
            | EntityKind::Status(_)
            | EntityKind::Protected
            | EntityKind::Fragment
            | EntityKind::Beyond) => self.close_leaf(open, end, kind, &facts)?,
        };
        let Some(mut frame) = self.frames.pop() else { return Ok(()) };
        self.margin_may_stay(open, &mut frame)?;
        decision.changed |= frame.changed;
        self.plan.body_changes |= decision.coding.is_some();
        let keeps_its_octets = decision.coding.is_none() && entity.kind != EntityKind::Beyond;
        if !matches!(entity.kind, EntityKind::Text | EntityKind::Binary | EntityKind::Fragment)
            && keeps_its_octets
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
