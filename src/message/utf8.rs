//! Whether octets that come in pieces are valid UTF-8.

/// Checks a stream. A line end inside a character makes the stream invalid, so a stream of lines is valid exactly
/// when every line is.
#[derive(Clone, Debug)]
pub(super) struct Utf8 {
    valid: bool,
    /// The beginning of a character whose rest is to come: at most three octets.
    begun: Vec<u8>,
}

impl Utf8 {
    pub(super) fn new() -> Self {
        Self { valid: true, begun: Vec::new() }
    }

    /// Takes the next octets.
    pub(super) fn push(&mut self, mut octets: &[u8]) {
        while let (true, false, Some((&next, rest))) = (self.valid, self.begun.is_empty(), octets.split_first()) {
            self.begun.push(next);
            octets = rest;
            match str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) => self.valid = error.error_len().is_none(),
            }
        }
        if !self.valid || octets.is_ascii() {
            return;
        }
        if let Err(error) = str::from_utf8(octets) {
            self.valid = error.error_len().is_none();
            self.begun.extend_from_slice(octets.get(error.valid_up_to()..).unwrap_or_default());
        }
    }

    /// Whether everything so far is valid and no character is left half.
    pub(super) fn is_valid(&self) -> bool {
        self.valid && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_are_judged_like_the_whole(text in "[aé€😀]{0,9}", junk in any::<(usize, u8)>(), size in 1..4usize) {
            let mut octets = text.into_bytes();
            if junk.0 % 3 == 0 {
                octets.insert(junk.0 % (octets.len() + 1), junk.1);
            }
            let mut utf8 = Utf8::new();
            octets.chunks(size).for_each(|piece| utf8.push(piece));
            prop_assert_eq!(utf8.is_valid(), str::from_utf8(&octets).is_ok());
        }
    }
}
