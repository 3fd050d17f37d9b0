//! What a conversion changed, for people.

use std::fmt;

/// One change and where it was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// The part's number as IMAP counts (RFC 3501 section 6.4.5), empty for the body as a whole.
    pub part: Vec<u32>,
    /// What happened to it.
    pub change: Change,
    /// What it held that cannot go as it is, and why not; empty when that is not what changed it.
    pub why: &'static str,
}

impl Note {
    /// A note about the body as a whole.
    pub(super) fn whole(change: Change) -> Self {
        Self { part: Vec::new(), change, why: "" }
    }
}

/// What happened to a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Its content is now encoded so.
    Encoded(&'static str),
    /// It was in this encoding, with octets or lines the encoding does not allow.
    Repaired(&'static str),
    /// Octets that can be neither sent nor encoded became question marks.
    Replaced,
    /// Its Content-Transfer-Encoding now says this.
    Labelled(&'static str),
    /// Raw 8-bit text or over-long lines in its header were put right.
    Header,
    /// It is signed or encrypted and holds 8-bit text: kept as it is.
    Kept,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(&self.part))?;
        match self.change {
            Change::Encoded(encoding) => write!(f, " is sent as {encoding}"),
            Change::Repaired(encoding) => write!(f, " held octets or lines that {encoding} does not allow: repaired"),
            Change::Replaced => write!(f, " held octets that cannot be encoded there: sent as question marks"),
            Change::Labelled(encoding) => write!(f, " is labelled {encoding}"),
            Change::Header => write!(f, " had raw 8-bit text or over-long lines in its header: encoded"),
            Change::Kept => write!(f, " is signed or encrypted and is sent as it is, 8-bit"),
        }
    }
}

/// SafeText for a part number.
pub(super) fn place(part: &[u32]) -> String {
    if part.is_empty() {
        return "the body".to_owned();
    }
    let numbers: Vec<String> = part.iter().map(u32::to_string).collect();
    format!("part {}", numbers.join("."))
}
