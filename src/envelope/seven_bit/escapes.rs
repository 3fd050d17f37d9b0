//! Octets that quoted-printable cannot leave as they are, found eight at a time: a large body has many.

/// The top bit of each octet of a word.
const TOPS: u64 = 0x8080_8080_8080_8080;

/// The lowest bit of each octet of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Marks in the top bit of each octet whether it must be escaped inside a line (RFC 2045 section 6.7): all but
/// printable ASCII without `=`, space and tab.
#[inline(always)]
pub(super) fn marks(word: u64) -> u64 {
    // Seven bits each, so that no sum below carries into the next octet.
    let low = word & !TOPS;
    let is = |octet: u8| !((low ^ (ONES * u64::from(octet))) + !TOPS);
    let is_control = !(low + ONES * 0x60);
    (word | is(b'=') | is(0x7f) | (is_control & !is(b'\t'))) & TOPS
}

/// How many octets are marked.
#[inline(always)]
pub(super) fn marked(marks: u64) -> usize {
    (((marks & TOPS) >> 7).wrapping_mul(ONES) >> 56) as usize
}

/// How many octets of a text must be escaped.
pub(super) fn escapes(text: &[u8]) -> usize {
    let (words, tail) = words(text);
    words.iter().map(|word| marked(marks(u64::from_le_bytes(*word)))).sum::<usize>() + marked(marks(tail))
}

/// Whether no octet of a text must be escaped.
pub(super) fn none(text: &[u8]) -> bool {
    let (words, tail) = words(text);
    marks(tail) == 0 && words.iter().all(|word| marks(u64::from_le_bytes(*word)) == 0)
}

/// How many octets of a text are not ASCII.
pub(super) fn eight_bit(text: &[u8]) -> usize {
    let (words, tail) = words(text);
    words.iter().map(|word| marked(u64::from_le_bytes(*word))).sum::<usize>() + marked(tail)
}

/// A text in words, and what is left, filled up with spaces.
pub(super) fn words(text: &[u8]) -> (&[[u8; 8]], u64) {
    let (words, rest) = text.as_chunks();
    let spaces = ONES * u64::from(b' ');
    let bits = 8 * rest.len();
    let tail = match text.last_chunk() {
        _ if rest.is_empty() => spaces,
        // One load and two shifts, where a copy of the rest would be a loop.
        Some(last) => (u64::from_le_bytes(*last) >> (64 - bits)) | (spaces << bits),
        None => rest.iter().rev().fold(spaces, |word, octet| (word << 8) | u64::from(*octet)),
    };
    (words, tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_judged_at_every_place() {
        for octet in 0..=u8::MAX {
            let stands = matches!(octet, b' '..=b'<' | b'>'..=b'~' | b'\t');
            for place in 0..11 {
                let mut text = *b"\t ~<>aZ09_!";
                text[place] = octet;
                assert_eq!(escapes(&text), usize::from(!stands), "{octet} at {place}");
                assert_eq!(eight_bit(&text), usize::from(octet > 127), "{octet} at {place}");
            }
            for length in 0..20 {
                assert_eq!(none(&vec![octet; length]), stands || length == 0);
            }
            assert_eq!(escapes(&[octet; 19]), if stands { 0 } else { 19 });
        }
    }
}
