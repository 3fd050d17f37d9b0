//! Collects the header's fields, line by line, and says where it ends.

use super::source::Part;
use super::{Field, Replaced, intake::IntakeFault};

/// All fields together, in octets.
const HEADER: usize = 2 * 1024 * 1024;
/// How many fields there may be.
const FIELDS: usize = 10_000;
/// Where the colon has to be found: no line may be longer (RFC 5322 section 2.1.1).
const NAME: usize = 998;

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
        if !part.starts_line {
            return self.continue_line(part.octets).map(|()| Verdict::Header);
        }
        if part.octets.is_empty() && part.ends_line {
            return Ok(Verdict::Separator);
        }
        if let (Some(b' ' | b'\t'), false) = (part.octets.first(), self.fields.is_empty()) {
            self.line = Line::Field;
            self.fold();
            return self.append(part.octets).map(|()| Verdict::Header);
        }
        if let Some((name, value)) = split_field(part.octets) {
            self.line = Line::Field;
            self.octets += name.len();
            if self.fields.len() == FIELDS {
                return Err(IntakeFault::HeaderTooLarge);
            }
            self.fields.push(Field::new(&name, Vec::new()));
            return self.append(value).map(|()| Verdict::Header);
        }
        // Postfix drops the quoted form too.
        let is_mailbox_line = part.octets.starts_with(b"From ") || part.octets.starts_with(b">From ");
        if is_mailbox_line && self.fields.is_empty() {
            self.line = Line::Mailbox;
            return Ok(Verdict::Header);
        }
        Ok(Verdict::Body)
    }

    fn continue_line(&mut self, octets: &[u8]) -> Result<(), IntakeFault> {
        match self.line {
            Line::Field => self.append(octets),
            Line::Mailbox => Ok(()),
        }
    }

    fn fold(&mut self) {
        self.octets += 2;
        if let Some(field) = self.fields.last_mut() {
            field.value.extend_from_slice(b"\r\n");
        }
    }

    /// Adds to the last field's value. What controls a terminal or a parser becomes a space; CR and NUL stay, so that
    /// an address with one of them is refused (decision 10 of DECISIONS.md).
    fn append(&mut self, octets: &[u8]) -> Result<(), IntakeFault> {
        self.octets += octets.len();
        if self.octets > HEADER {
            return Err(IntakeFault::HeaderTooLarge);
        }
        if let Some(field) = self.fields.last_mut() {
            if memchr::memchr2(0, b'\r', octets).is_some() {
                field.replaced = Replaced::LineEnd;
            }
            field.value.extend(octets.iter().map(|&octet| match octet {
                b'\t' | b'\r' | 0 => octet,
                // ESC, SHIFT OUT and SHIFT IN switch alphabets (ISO-2022).
                0x1b | 0x0e | 0x0f => octet,
                _ if octet.is_ascii_control() => b' ',
                _ => octet,
            }));
        }
        Ok(())
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
