//! How much of a text is UTF-8: a single cut-off character makes nothing else of it.

/// What was counted in text that may come in pieces.
#[derive(Clone, Default, Debug)]
pub(crate) struct Utf8Tally {
    /// Whole characters above U+007F.
    valid: u64,
    /// Octets, or beginnings of characters, that belong to none.
    invalid: u64,
    /// The start of a character a piece ended in: at most three octets.
    begun: Vec<u8>,
}

impl Utf8Tally {
    /// Of a text at hand.
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut tally = Self::default();
        tally.see(text);
        tally.end();
        tally
    }

    /// Takes the next octets.
    pub(crate) fn see(&mut self, octets: &[u8]) {
        let joined;
        let mut rest = if self.begun.is_empty() {
            octets
        } else {
            self.begun.extend_from_slice(octets);
            joined = std::mem::take(&mut self.begun);
            &joined
        };
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, b""));
            self.valid += characters(valid);
            let Some(wrong) = error.error_len() else {
                self.begun = after.to_vec();
                return;
            };
            self.invalid += 1;
            rest = after.get(wrong..).unwrap_or_default();
        }
        self.valid += characters(rest);
    }

    /// What comes next is US-ASCII, or nothing.
    pub(crate) fn end(&mut self) {
        if !self.begun.is_empty() {
            self.begun.clear();
            self.invalid += 1;
        }
    }

    /// Nothing in it is anything else.
    pub(crate) fn is_utf8(&self) -> bool {
        self.invalid == 0 && self.begun.is_empty()
    }

    /// It is UTF-8, or was before a few characters were cut. In another charset characters above U+007F hardly ever
    /// look like UTF-8, so there the others prevail.
    pub(crate) fn is_nearly_utf8(&self) -> bool {
        self.is_utf8() || (self.valid > 0 && (self.invalid == 1 || self.invalid.saturating_mul(2) <= self.valid))
    }
}

fn characters(valid: &[u8]) -> u64 {
    valid.iter().filter(|&&octet| octet >= 0xc0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_characters_and_other_charsets() {
        let cases: &[(&[u8], bool, bool)] = &[
            (b"", true, true),
            (b"plain", true, true),
            ("Größe".as_bytes(), true, true),
            (b"Gr\xc3\xb6\xc3\x9fe in K\xc3", false, true),
            (b"\xb6\xc3\x9fe", false, true),
            (b"Gr\xf6\xdfe", false, false),
            (b"K\xc3", false, false),
            (b"\x83\x5c\x82\xa0\x8a\xbf\x8e\x9a", false, false),
        ];
        for (text, whole, nearly) in cases {
            let tally = Utf8Tally::of(text);
            assert_eq!((tally.is_utf8(), tally.is_nearly_utf8()), (*whole, *nearly), "{}", text.escape_ascii());
            let mut pieces = Utf8Tally::default();
            text.chunks(1).for_each(|piece| pieces.see(piece));
            pieces.end();
            assert_eq!((pieces.valid, pieces.invalid), (tally.valid, tally.invalid), "{}", text.escape_ascii());
        }
    }
}
