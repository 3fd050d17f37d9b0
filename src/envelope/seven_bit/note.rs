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
    /// Whether octets above 127 leave as they are.
    pub fn is_about_8bit(&self) -> bool {
        matches!(self.change, Change::Kept | Change::Raw)
    }

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
    /// Its type is now this one, which may hold UTF-8 (RFC 6533).
    Retyped(&'static str),
    /// Lines between its parts, where nothing can be encoded, were too long.
    Broken,
    /// It holds 8-bit octets where nothing can be encoded: kept as they are.
    Raw,
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
            Change::Retyped(media) => write!(f, " is sent as {media}, which may hold UTF-8"),
            Change::Broken => write!(f, " had over-long lines between its parts: broken"),
            Change::Raw => write!(f, " holds 8-bit octets that nothing may encode and is sent as it is, 8-bit"),
            Change::Labelled(encoding) => write!(f, " is labelled {encoding}"),
            Change::Header => write!(f, " had raw 8-bit text or over-long lines in its header: encoded"),
            Change::Kept => write!(f, " is signed or encrypted and is sent as it is, 8-bit"),
        }
    }
}

/// Words for a part number.
pub(super) fn place(part: &[u32]) -> String {
    if part.is_empty() {
        return "the body".to_owned();
    }
    let numbers: Vec<String> = part.iter().map(u32::to_string).collect();
    format!("part {}", numbers.join("."))
}
