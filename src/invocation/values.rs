//! The values that flags gave, each under what it is for.

use std::collections::BTreeMap;

use super::flags::{FlagValue, kept_by, letter_of};

/// Every value given, read by the rule in its flag's row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FlagValues(BTreeMap<FlagValue, Vec<u8>>);

impl FlagValues {
    /// With this one as well, which its flag would have let through.
    #[must_use]
    pub fn with(mut self, of: FlagValue, value: impl Into<Vec<u8>>) -> Self {
        self.keep(of, value.into());
        self
    }

    /// What was given.
    pub fn get(&self, of: FlagValue) -> Option<&[u8]> {
        self.0.get(&of).map(Vec::as_slice)
    }

    /// Each with the letter of its flag, for a message that is handed over.
    pub fn letters(&self) -> impl Iterator<Item = (char, &[u8])> {
        self.0.iter().filter_map(|(&of, value)| Some((letter_of(of)?, value.as_slice())))
    }

    /// Reads what [`Self::letters`] gave, as the flag would.
    #[must_use]
    pub fn read(&mut self, letter: char, value: &[u8]) -> Option<()> {
        let (of, read) = kept_by(letter)?;
        self.keep(of, read(value)?);
        Some(())
    }

    /// The last one counts: programs append their own to a configured one.
    pub(super) fn keep(&mut self, of: FlagValue, value: Vec<u8>) {
        self.0.insert(of, value);
    }
}
