//! ISO-2022 in headers: seven-bit text in which escape sequences switch the alphabet (RFC 1468, 1554, 1557, 1922).

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// Whether a charset is one of this family.
pub(super) fn is_name(charset: &str) -> bool {
    charset.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("iso-2022-"))
}

/// The charset of a text with escape sequences in it: the `declared` one where it can be, else what they say.
pub(super) fn evident<'a>(text: &[u8], declared: &'a str) -> Option<&'a str> {
    let mut designations =
        memchr::memchr_iter(ESCAPE, text).filter_map(|at| designation(text.get(at..)?)).map(|(_, named)| named);
    let first = designations.next()?;
    if is_name(declared) {
        return Some(declared);
    }
    // The first that is in one charset only decides.
    Some(if first == JAPANESE { designations.find(|named| *named != JAPANESE).unwrap_or(first) } else { first })
}

/// Whether a text switches to an alphabet of this family.
pub(crate) fn has_iso_2022(text: &[u8]) -> bool {
    evident(text, "").is_some()
}

const JAPANESE: &str = "iso-2022-jp";

/// The escape sequence a text starts with: its length, and the charset it belongs to.
fn designation(text: &[u8]) -> Option<(usize, &'static str)> {
    Some(match text {
        [ESCAPE, b'(', b'B' | b'J' | b'I', ..] => (3, JAPANESE),
        [ESCAPE, b'$', b'@' | b'B', ..] => (3, JAPANESE),
        [ESCAPE, b'$', b'A', ..] | [ESCAPE, b'.', b'A' | b'F', ..] => (3, "iso-2022-jp-2"),
        [ESCAPE, b'$', b'(', b'C' | b'D', ..] => (4, "iso-2022-jp-2"),
        [ESCAPE, b'$', b'(', b'@' | b'B', ..] => (4, JAPANESE),
        [ESCAPE, b'$', b'(', b'O' | b'P' | b'Q', ..] => (4, "iso-2022-jp-3"),
        [ESCAPE, b'$', b')', b'C', ..] => (4, "iso-2022-kr"),
        [ESCAPE, b'$', b')', b'A' | b'E' | b'G', ..] | [ESCAPE, b'$', b'*', b'H', ..] => (4, "iso-2022-cn"),
        _ => return None,
    })
}

/// A stretch of text.
pub(super) enum Run<'a> {
    /// US-ASCII, as it looks.
    Ascii(&'a [u8]),
    /// From where the text leaves US-ASCII to where it returns, with all it takes to be read alone.
    Shifted(Vec<u8>),
}

/// Cuts a text where it leaves US-ASCII and comes back.
pub(super) fn runs(text: &[u8]) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut reader = Reader::new(text);
    let mut start = 0;
    let mut shifted: Option<Vec<u8>> = None;
    let mut state = State::default();
    while let Some(step) = reader.step() {
        if step.is_plain() {
            runs.extend(shifted.take().map(Run::Shifted));
            continue;
        }
        if shifted.is_none() {
            runs.extend(text.get(start..step.start).filter(|plain| !plain.is_empty()).map(Run::Ascii));
        }
        if step.kind == Kind::Character {
            let run = shifted.get_or_insert_default();
            run.extend(state.way_to(&reader.state));
            run.extend_from_slice(text.get(step.start..reader.at).unwrap_or_default());
            state = reader.state.clone();
        } else if reader.state.is_ascii()
            && let Some(mut run) = shifted.take()
        {
            run.extend(state.way_to(&State::default()));
            state = State::default();
            runs.push(Run::Shifted(run));
        }
        start = reader.at;
    }
    match shifted {
        Some(mut run) => {
            run.extend(state.way_to(&State::default()));
            runs.push(Run::Shifted(run));
        }
        None => runs.extend(text.get(start..).filter(|plain| !plain.is_empty()).map(Run::Ascii)),
    }
    runs
}

/// Text cut so that each piece starts and ends in US-ASCII, as an encoded word must (RFC 1468), and is at most `room`
/// octets long where a character fits at all.
pub(super) fn chunks(text: &[u8], room: usize) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut chunk: Vec<u8> = Vec::new();
    // What the chunk itself has switched to.
    let mut within = State::default();
    let mut reader = Reader::new(text);
    while let Some(step) = reader.step() {
        if step.kind == Kind::Switch {
            continue;
        }
        let wanted = &reader.state;
        let character = text.get(step.start..reader.at).unwrap_or_default();
        let longest = within.way_to(wanted).len() + character.len() + wanted.way_to(&State::default()).len();
        if !chunk.is_empty() && chunk.len() + longest > room {
            chunk.extend(within.way_to(&State::default()));
            chunks.push(std::mem::take(&mut chunk));
            within = State::default();
        }
        chunk.extend(within.way_to(wanted));
        chunk.extend_from_slice(character);
        within = wanted.clone();
    }
    if !chunk.is_empty() {
        chunk.extend(within.way_to(&State::default()));
        chunks.push(chunk);
    }
    chunks
}

/// Which alphabets are in use.
#[derive(Clone, PartialEq, Eq, Default)]
struct State {
    /// The escape sequence of the alphabet in use; empty for US-ASCII.
    first: Vec<u8>,
    /// That of the one behind SHIFT OUT.
    second: Vec<u8>,
    /// That of the one behind `ESC N`.
    third: Vec<u8>,
    shifted: bool,
}

impl State {
    fn is_ascii(&self) -> bool {
        self.first.is_empty() && !self.shifted
    }

    fn octets_per_character(&self) -> usize {
        let in_use = if self.shifted { &self.second } else { &self.first };
        if in_use.get(1) == Some(&b'$') { 2 } else { 1 }
    }

    /// What switches from here to there. What is behind SHIFT OUT and `ESC N` need not be undone.
    fn way_to(&self, other: &Self) -> Vec<u8> {
        let mut way = Vec::new();
        if self.shifted && !other.shifted {
            way.push(SHIFT_IN);
        }
        for (ours, theirs) in [(&self.second, &other.second), (&self.third, &other.third)] {
            if ours != theirs {
                way.extend_from_slice(theirs);
            }
        }
        if self.first != other.first {
            way.extend_from_slice(if other.first.is_empty() { b"\x1b(B" } else { &other.first });
        }
        if other.shifted && !self.shifted {
            way.push(SHIFT_OUT);
        }
        way
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Character,
    Switch,
}

/// One character, or one escape sequence or shift.
struct Step {
    start: usize,
    kind: Kind,
    was_ascii: bool,
}

impl Step {
    fn is_plain(&self) -> bool {
        self.was_ascii && self.kind == Kind::Character
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    state: State,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, state: State::default() }
    }

    fn step(&mut self) -> Option<Step> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let was_ascii = self.state.is_ascii();
        if let Some((length, _)) = designation(rest) {
            self.designate(rest.get(..length).unwrap_or_default());
            self.at += length;
            return Some(Step { start, kind: Kind::Switch, was_ascii });
        }
        let kind = match rest {
            [SHIFT_OUT, ..] if !self.state.second.is_empty() => {
                self.state.shifted = true;
                Kind::Switch
            }
            [SHIFT_IN, ..] if self.state.shifted => {
                self.state.shifted = false;
                Kind::Switch
            }
            _ => Kind::Character,
        };
        self.at += match (kind, rest) {
            (Kind::Switch, _) => 1,
            (Kind::Character, [ESCAPE, b'N', _, ..]) if !self.state.third.is_empty() => {
                2 + usize::from(self.state.third.get(1) == Some(&b'$')) + 1
            }
            (Kind::Character, [b'!'..=b'~', b'!'..=b'~', ..]) => self.state.octets_per_character(),
            (Kind::Character, _) => 1,
        };
        self.at = self.at.min(self.text.len());
        let was_ascii = was_ascii && !rest.starts_with(b"\x1bN");
        Some(Step { start, kind, was_ascii })
    }

    fn designate(&mut self, sequence: &[u8]) {
        let slot = match sequence {
            [_, b'$', b')', ..] => &mut self.state.second,
            [_, b'$', b'*', ..] | [_, b'.', ..] => &mut self.state.third,
            _ => &mut self.state.first,
        };
        *slot = if sequence == b"\x1b(B" { Vec::new() } else { sequence.to_vec() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases: &[(&[u8], &str, Option<&str>)] = &[
            (b"\x1b$B4A;z\x1b(B", "", Some("iso-2022-jp")),
            (b"\x1b$B4A;z\x1b(B", "utf-8", Some("iso-2022-jp")),
            (b"\x1b$B4A;z\x1b(B", "ISO-2022-JP-3", Some("ISO-2022-JP-3")),
            (b"\x1b$(C0!\x1b(B", "", Some("iso-2022-jp-2")),
            (b"\x1b$)C\x0e0!\x0f", "", Some("iso-2022-kr")),
            (b"\x1b[31mred", "", None),
            (b"plain", "iso-2022-jp", None),
        ];
        for (text, declared, name) in cases {
            assert_eq!(evident(text, declared), *name);
        }
    }

    #[test]
    fn every_chunk_stands_for_itself() {
        let text = b"Re: \x1b$B4A;z4A;z4A;z\x1b(B and \x1b(I123\x1b(B";
        let chunks = chunks(text, 16);
        assert!(chunks.len() > 2 && chunks.iter().all(|chunk| chunk.len() <= 16));
        for chunk in &chunks {
            let mut reader = Reader::new(chunk);
            while reader.step().is_some() {}
            assert!(reader.state.is_ascii(), "{}", chunk.escape_ascii());
        }
        assert_eq!(chunks.concat().iter().filter(|octet| **octet == b';').count(), 3);
        let korean = super::chunks(b"\x1b$)Ca\x0e0!0!0!\x0fb", 12);
        assert!(korean.iter().skip(1).all(|chunk| chunk.starts_with(b"\x1b$)C") && !chunk.ends_with(b"\x0e")));
    }
}
