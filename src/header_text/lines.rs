//! Words and the white space before them, put on lines: the only place that writes a line end into a field.

/// How long a line is to be, without its line end (RFC 5322 section 2.1.1; RFC 2047 asks for 76 where a word is encoded).
pub(crate) const PREFERRED: usize = 76;

/// How long it may be.
pub(super) const LIMIT: usize = 998;

/// White space longer than this becomes one space.
const GAP: usize = 60;

/// A word without white space (or a quoted string that is to stay whole), and the white space before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SpacedWord {
    /// Spaces and tabs.
    pub(crate) gap: Vec<u8>,
    /// Neither empty nor with CR or LF in it.
    pub(crate) word: Vec<u8>,
}

impl SpacedWord {
    /// A word after one space.
    pub(crate) fn spaced(word: impl Into<Vec<u8>>) -> Self {
        Self { gap: b" ".to_vec(), word: word.into() }
    }
}

/// The value on one line, every control character but the tab a space. Folding disappears as RFC 5322 section 2.2.3
/// says; a line end that is not folding becomes a space.
pub(super) fn flattened(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [octet, tail @ ..] = rest {
        rest = match rest {
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] if matches!(after, [b' ' | b'\t', ..] | []) => after,
            [b'\r', b'\n', after @ ..] => {
                text.push(b' ');
                after
            }
            _ => {
                text.push(if octet.is_ascii_control() && *octet != b'\t' { b' ' } else { *octet });
                tail
            }
        };
    }
    text
}

/// The pieces of one line; white space at the end is dropped.
pub(super) fn pieces(line: &[u8]) -> Vec<SpacedWord> {
    let mut pieces = Vec::new();
    let mut rest = line;
    loop {
        let gap_length = rest.iter().position(|octet| !is_space(*octet)).unwrap_or(rest.len());
        let (gap, tail) = rest.split_at_checked(gap_length).unwrap_or((rest, &[]));
        if tail.is_empty() {
            return pieces;
        }
        let length = tail.iter().position(|octet| is_space(*octet)).unwrap_or(tail.len());
        let (word, after) = tail.split_at_checked(length).unwrap_or((tail, &[]));
        pieces.push(SpacedWord { gap: gap.to_vec(), word: word.to_vec() });
        rest = after;
    }
}

/// Pieces on lines, folded before a piece that would reach past [`PREFERRED`]. `column` is where the first line
/// starts: the length of the name and colon.
pub(crate) fn wrap(pieces: &[SpacedWord], mut column: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        let too_wide = piece.gap.len() > GAP || piece.gap.len() + piece.word.len() > LIMIT;
        let gap: &[u8] = if too_wide { b" " } else { &piece.gap };
        let width = gap.len() + piece.word.len();
        let first = text.is_empty();
        // Some readers lose a first line that is empty: before the first word only if it would not fit otherwise.
        let wanted = if first { LIMIT } else { PREFERRED };
        if !gap.is_empty() && column + width > wanted {
            text.extend_from_slice(b"\r\n");
            column = 0;
        }
        text.extend_from_slice(gap);
        text.extend_from_slice(&piece.word);
        column += width;
    }
    text
}

pub(super) fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// What may stand in a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    SevenBit,
    EightBit,
}

impl Text {
    /// Printable, or a tab.
    fn allows(self, text: &[u8]) -> bool {
        text.iter()
            .all(|&octet| octet == b'\t' || (0x20..0x7f).contains(&octet) || (self == Self::EightBit && octet > 0x7f))
    }
}

/// Whether `value`, its first line starting at `column`, can go out as it is.
pub(super) fn is_folded_well(column: usize, value: &[u8], allowed: Text) -> bool {
    let mut start = column;
    let mut lines = value.split(|&octet| octet == b'\n').peekable();
    let mut first = true;
    while let Some(line) = lines.next() {
        let last = lines.peek().is_none();
        let Some(text) = (if last { Some(line) } else { line.strip_suffix(b"\r") }) else {
            return false;
        };
        let indented = first || text.first().is_some_and(|octet| is_space(*octet));
        // The field's name stands on the first line.
        let blank = !first && text.iter().all(|octet| is_space(*octet));
        if !allowed.allows(text) || !indented || blank {
            return false;
        }
        if start + text.len() > LIMIT {
            return false;
        }
        start = 0;
        first = false;
    }
    true
}
