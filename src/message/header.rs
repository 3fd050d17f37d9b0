//! Collects the header's fields, line by line, and says where it ends.

use super::source::{NAME, Part};
use super::{Field, IntakeFault, Replaced};
use crate::words::without_byte_order_marks;

/// All fields together, in octets.
const HEADER: usize = 2 * 1024 * 1024;
/// How many fields there may be.
const FIELDS: usize = 10_000;

/// The header so far.
pub(super) struct Header {
    pub(super) fields: Vec<Field>,
    octets: usize,
    line: Line,
}

/// What the line is that a part continues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// Part of the last field.
    Field,
    /// A mailbox's `From ` line: dropped.
    Mailbox,
}

/// What a line means for the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It belongs to the header, or is dropped.
    Header,
    /// The empty line: the body comes next.
    Separator,
    /// Neither field nor continuation: the body starts with it.
    Body,
}

impl Header {
    pub(super) fn new() -> Self {
        Self { fields: Vec::new(), octets: 0, line: Line::Mailbox }
    }

    /// Takes one part of a line. The first of a line holds all of it, or more than a name and its colon may have.
    pub(super) fn take(&mut self, part: Part<'_>) -> Result<Verdict, IntakeFault> {
        let verdict = if part.starts_line { self.take_start(part) } else { self.continue_line(part.octets) }?;
        match verdict {
            Verdict::Header if memchr::memchr(b'\r', part.octets).is_some() => Err(self.bare_return()),
            Verdict::Header | Verdict::Separator | Verdict::Body => Ok(verdict),
        }
    }

    fn bare_return(&self) -> IntakeFault {
        let names = ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"];
        let field = self.fields.last().filter(|_| self.line == Line::Field);
        match field.is_some_and(|field| names.iter().any(|name| field.is(name))) {
            true => IntakeFault::ReturnInRecipients,
            false => IntakeFault::BareReturn,
        }
    }

    fn take_start(&mut self, part: Part<'_>) -> Result<Verdict, IntakeFault> {
        if let (Some(b' ' | b'\t'), false) = (part.octets.first(), self.fields.is_empty()) {
            self.line = Line::Field;
            self.fold();
            return self.append(part.octets);
        }
        // Files are joined that begin with a mark.
        let line = without_byte_order_marks(part.octets);
        if line.is_empty() && part.ends_line {
            return Ok(Verdict::Separator);
        }
        if let Some((name, value)) = split_field(line) {
            self.line = Line::Field;
            self.octets += name.len();
            if self.fields.len() == FIELDS {
                return Err(IntakeFault::HeaderTooLarge);
            }
            self.fields.push(Field::new(&name, Vec::new()));
            return self.append(value);
        }
        // Postfix drops the quoted form too.
        let is_mailbox_line = line.starts_with(b"From ") || line.starts_with(b">From ");
        if is_mailbox_line && self.fields.is_empty() {
            self.line = Line::Mailbox;
            return Ok(Verdict::Header);
        }
        // It would show what it hides, a Bcc perhaps, as text.
        let returns = line.iter().take_while(|&&octet| octet == b'\r').count();
        match line.get(returns..).and_then(split_field) {
            Some(_) if returns > 0 => Err(IntakeFault::BareReturn),
            Some(_) | None => Ok(Verdict::Body),
        }
    }

    fn continue_line(&mut self, octets: &[u8]) -> Result<Verdict, IntakeFault> {
        match self.line {
            Line::Field => self.append(octets),
            Line::Mailbox => Ok(Verdict::Header),
        }
    }

    fn fold(&mut self) {
        self.octets += 2;
        if let Some(field) = self.fields.last_mut() {
            field.value.extend_from_slice(b"\r\n");
        }
    }

    /// Adds to the last field's value. Control characters stay: an address with one of them is refused (decision 10 of
    /// DECISIONS.md), and in some charsets they are part of a name. Elsewhere they are spaces when the field is written.
    fn append(&mut self, octets: &[u8]) -> Result<Verdict, IntakeFault> {
        self.octets += octets.len();
        if self.octets > HEADER {
            return Err(IntakeFault::HeaderTooLarge);
        }
        if let Some(field) = self.fields.last_mut() {
            if memchr::memchr(0, octets).is_some() {
                field.replaced = Replaced::LineEnd;
            }
            field.value.extend_from_slice(octets);
        }
        Ok(Verdict::Header)
    }
}

/// Name and value of a field's first line. Space before the colon is obsolete (RFC 5322 section 4.5.1) but in use.
fn split_field(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = memchr::memchr(b':', line.get(..NAME).unwrap_or(line))?;
    let (before, rest) = line.split_at_checked(colon)?;
    let name = before.trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    Some((String::from_utf8(name.to_vec()).ok()?, rest.get(1..)?))
}
