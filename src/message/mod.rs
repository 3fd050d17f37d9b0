//! The message as it came: fields in memory, the body spooled octet for octet, read back with every line ending CRLF.

use std::io::{self, SeekFrom};

use serde::{Deserialize, Serialize};

use crate::world::Spool;

/// A message read from standard input to its end.
pub struct Message {
    /// The header, in order.
    pub fields: Vec<Field>,
    /// Everything after it.
    pub body: Body,
}

/// One header field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// The name as written, without colon or space: printable US-ASCII.
    pub name: String,
    /// What follows the colon, without the final line end. Folded lines keep their CRLF and leading space. Any other
    /// octet may occur but a bare CR or LF.
    pub value: Vec<u8>,
    /// What became spaces.
    pub replaced: Replaced,
}

/// Whether a field held what could end a line or a text for another reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replaced {
    /// It did not.
    Nothing,
    /// NUL: no address may hold one (decision 10 of DECISIONS.md).
    LineEnd,
}

impl Field {
    /// A field of our own.
    pub fn new(name: &str, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), value: value.into(), replaced: Replaced::Nothing }
    }

    /// Field names are case-insensitive (RFC 5322 section 1.2.2).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it says that somebody passes the message on (RFC 5322 section 3.6.6).
    pub fn is_resent(&self) -> bool {
        self.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Resent-"))
    }

    /// The value on one line, without leading and trailing white space; a control character becomes a space.
    pub fn unfolded(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.value.len());
        let mut rest = self.value.as_slice();
        while let [octet, tail @ ..] = rest {
            rest = match rest {
                [b'\r', b'\n', after @ ..] => after,
                _ => {
                    line.push(if octet.is_ascii_control() && *octet != b'\t' { b' ' } else { *octet });
                    tail
                }
            };
        }
        line.trim_ascii().to_vec()
    }
}

/// How dots are to be read when the message does not come with -i (decision 11 of DECISIONS.md).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dots {
    /// -i: a dot is a dot.
    Content,
    /// No -i, and recipients come from the header (-t).
    LoneDotMayEnd,
    /// No -i, and recipients are operands: the form whose `..` may be stuffed.
    MayBeStuffed,
}

/// What the body consists of, seen while it was read. Lengths are in octets without the line end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Content {
    /// An octet above 127 occurs.
    pub eight_bit: bool,
    /// Every line is valid UTF-8.
    pub utf8: bool,
    /// A NUL or a CR without LF occurs.
    pub control: bool,
    /// An ESC occurs: it may switch to another alphabet (ISO-2022).
    pub escapes: bool,
    /// The longest line.
    pub longest_line: u64,
    /// Lines, the last one counted even without a line end.
    pub lines: u64,
}

impl Content {
    /// Whether it can leave as it is: 7-bit, no NUL or bare CR, no line over 998 octets (RFC 5321 section 4.5.3.1.6).
    pub fn is_seven_bit(&self) -> bool {
        !self.eight_bit && !self.control && self.longest_line <= 998
    }
}

/// A body in its spool.
pub struct Body {
    /// The octets as they came.
    pub spool: Box<dyn Spool>,
    /// How many octets of the spool are the body.
    pub stored: u64,
    /// How many they are when every line, the last included, ends CRLF.
    pub length: u64,
    /// What they consist of.
    pub content: Content,
    /// What its lines end with.
    pub line_ends: LineEnds,
    /// Where the first lone dot lies, if one was kept as content: for `lone_dot = "ends-message"`.
    pub first_lone_dot: Option<u64>,
    /// Whether leading dots have to lose one on the way out.
    pub stuffing: Stuffing,
    /// What ended it.
    pub ending: Ending,
    dots: Dots,
    /// The same body as Sendmail reads it; `None` where dots mean nothing.
    as_sendmail: Option<Cut>,
}

/// What ends the lines of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnds {
    /// CRLF, all of them: lines and octets say the same.
    Crlf,
    /// Whatever the caller wrote; what is no text is only the same with it.
    AsWritten,
    /// CR, which the spool now has as LF: what is no text is lost.
    Returns,
}

/// Where a body ends, and what it consists of up to there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cut {
    stored: u64,
    length: u64,
    content: Content,
}

/// Whether lines that start with two dots are to lose one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stuffing {
    /// The lines are as they should be.
    Plain,
    /// Lines that start with two dots lose one of them.
    Stuffed,
}

/// What ended a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The end of input.
    EndOfInput,
    /// A lone dot that nothing followed, which is not part of it.
    LoneDot,
}

impl Body {
    /// A body in memory, from octets whose lines all end CRLF.
    #[cfg(test)]
    pub(crate) fn from_memory(octets: Vec<u8>) -> Self {
        let mut content = Content { utf8: true, ..Content::default() };
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            let text = line.strip_suffix(b"\r\n").unwrap_or(line);
            content.eight_bit |= !text.is_ascii();
            content.utf8 &= std::str::from_utf8(text).is_ok();
            content.control |= text.iter().any(|&octet| octet == 0 || octet == b'\r');
            content.escapes |= text.contains(&0x1b);
            content.longest_line = content.longest_line.max(text.len() as u64);
            content.lines += 1;
        }
        Self::in_spool(octets.len() as u64, Box::new(io::Cursor::new(octets)), content)
    }

    /// A body of this length that lies in a spool, its lines ending CRLF, its dots as they should be.
    #[cfg(test)]
    pub(crate) fn in_spool(length: u64, spool: Box<dyn Spool>, content: Content) -> Self {
        Self {
            spool,
            stored: length,
            length,
            content,
            line_ends: LineEnds::Crlf,
            first_lone_dot: None,
            stuffing: Stuffing::Plain,
            ending: Ending::EndOfInput,
            dots: Dots::Content,
            as_sendmail: None,
        }
    }

    /// Reads dots as Sendmail does (`lone_dot = "ends-message"`): without -i the first lone dot ends the body, and
    /// lines that start with two dots lose one. With -i nothing happens.
    pub fn end_at_lone_dot(&mut self) {
        if let Some(cut) = self.as_sendmail {
            self.stored = cut.stored;
            self.length = cut.length;
            self.content = cut.content;
            self.stuffing = Stuffing::Stuffed;
            self.first_lone_dot = None;
        }
    }

    /// Reads the body from its start, line by line, each ending CRLF, dots put right.
    pub fn lines(&mut self) -> io::Result<Lines<'_>> {
        self.spool.seek(SeekFrom::Start(0))?;
        Ok(Lines::new(&mut *self.spool, self.stored, self.line_ends, self.stuffing))
    }
}

mod body;
mod fault;
mod header;
mod intake;
mod line_end;
mod lines;
pub mod ours;
mod returns;
mod source;
pub mod standard_input;
mod utf8;

pub use fault::IntakeFault;
pub use lines::{Lines, Piece};
