//! What is done to a leaf, once all of it has been seen.

use super::{Planner, path, refusal};
use crate::envelope::seven_bit::PlanFault;
use crate::envelope::seven_bit::content_charset::declared_in;
use crate::envelope::seven_bit::decision::{Coding, Decision};
use crate::envelope::seven_bit::entity::{Encoding, EntityKind, Facts};
use crate::envelope::seven_bit::note::{Change, place};
use crate::envelope::seven_bit::octets::are_no_lines;
use crate::envelope::seven_bit::repair::is_plainly_not_base64;
use crate::envelope::seven_bit::walk::{End, Open};
use crate::words::SafeText;

impl Planner {
    pub(super) fn close_leaf(
        &mut self,
        open: &[Open],
        end: End,
        kind: EntityKind,
        facts: &Facts,
    ) -> Result<Decision, PlanFault> {
        let found = self.content.found;
        let octets = self.octets(open, end, kind, facts)?;
        if !found.any() && !octets {
            return Ok(Decision::default());
        }
        let mut media = None;
        let coding = match (kind, facts.encoding) {
            _ if octets => Coding::Octets,
            (EntityKind::Fragment, _) => {
                return Err(refusal(open, facts, found, "which may only hold 7-bit text"));
            }
            (EntityKind::Status(global), _) if self.content.is_utf8() => {
                media = Some(global);
                self.coding_of_text()
            }
            (EntityKind::Protected | EntityKind::Beyond | EntityKind::Unencodable | EntityKind::Status(_), _) => {
                return self.keep_leaf(open, kind, facts);
            }
            (_, Some(Encoding::QuotedPrintable)) => Coding::RepairQuotedPrintable,
            (_, Some(Encoding::Base64)) if self.is_encoded(facts) => Coding::RepairBase64,
            (EntityKind::Text, _) => self.coding_of_text(),
            (EntityKind::Binary | EntityKind::Multipart { .. } | EntityKind::Message, _) => Coding::Base64,
        };
        let label = match coding {
            Coding::QuotedPrintable => Some(Encoding::QuotedPrintable),
            Coding::Base64 | Coding::Octets => Some(Encoding::Base64),
            Coding::RepairQuotedPrintable | Coding::RepairBase64 => None,
        };
        let change = match (coding, media) {
            (_, Some(media)) => Change::Retyped(media),
            (Coding::QuotedPrintable | Coding::Base64 | Coding::Octets, None) => {
                Change::Encoded(label.map_or("", Encoding::name))
            }
            (Coding::RepairQuotedPrintable, None) => Change::Repaired("quoted-printable"),
            (Coding::RepairBase64, None) => Change::Repaired("base64"),
        };
        self.tell(open, change, if found.any() { found.why() } else { "line ends that are octets of it" });
        let charset = if label.is_some() && kind == EntityKind::Text { self.charset(facts) } else { None };
        Ok(Decision { coding: Some(coding), label, charset, media, changed: true })
    }

    fn coding_of_text(&self) -> Coding {
        if self.content.is_mostly_escapes() { Coding::Base64 } else { Coding::QuotedPrintable }
    }

    /// Whether what the label says is true: an encoding nobody knows is none, and base64 is seen to be.
    fn is_encoded(&self, facts: &Facts) -> bool {
        match facts.encoding {
            Some(Encoding::QuotedPrintable) => true,
            Some(Encoding::Base64) => !is_plainly_not_base64(self.content.head()),
            Some(Encoding::SevenBit | Encoding::EightBit | Encoding::Binary | Encoding::Unknown) | None => false,
        }
    }

    /// Whether a leaf has to go octet for octet: what is no text, when it cannot go as it is, or when it is said to be
    /// binary and its line ends would become others. What is encoded already is not, whatever it decodes to.
    fn octets(&self, open: &[Open], end: End, kind: EntityKind, facts: &Facts) -> Result<bool, PlanFault> {
        let is_asked = are_no_lines(kind, facts) && !self.is_encoded(facts);
        let Some(leaf) = open.last().filter(|_| is_asked) else { return Ok(false) };
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

    /// A leaf that nothing may be done to goes as it is, if it can.
    fn keep_leaf(&mut self, open: &[Open], kind: EntityKind, facts: &Facts) -> Result<Decision, PlanFault> {
        let found = self.content.found;
        let is_protected = kind == EntityKind::Protected;
        if found.control || found.long {
            return Err(refusal(
                open,
                facts,
                found,
                match kind {
                    EntityKind::Protected => "which is signed or encrypted and must not be changed",
                    EntityKind::Beyond => {
                        "which is nested too deep, comes after 10,000 others or has a header over 2 MiB"
                    }
                    EntityKind::Unencodable
                    | EntityKind::Status(_)
                    | EntityKind::Fragment
                    | EntityKind::Text
                    | EntityKind::Binary
                    | EntityKind::Multipart { .. }
                    | EntityKind::Message => "where nothing may be encoded",
                },
            ));
        }
        self.tell(open, if is_protected { Change::Kept } else { Change::Raw }, found.why());
        if let Some(frame) = self.frames.last_mut() {
            frame.eight_bit_remains = true;
        }
        Ok(Decision::default())
    }

    /// The charset to add: text without one is US-ASCII, which it is not (RFC 2046 section 4.1.2). What nobody declares
    /// and nothing shows is `unknown-8bit` (RFC 1428): a wrong name would make it unreadable for good.
    fn charset(&self, facts: &Facts) -> Option<String> {
        let text = facts.media.as_deref().is_some_and(|media| media.starts_with("text/"));
        if facts.has_type && (facts.has_charset || !text) {
            return None;
        }
        if !self.content.found.eight_bit {
            return (!facts.has_type && facts.message).then(|| "us-ascii".to_owned());
        }
        let declared = declared_in(self.content.head(), facts.media.as_deref().unwrap_or("text/plain"));
        let seen = || if self.content.is_nearly_utf8() { "utf-8" } else { "unknown-8bit" };
        Some(declared.unwrap_or_else(|| seen().to_owned()))
    }
}
