//! A value before anything is done to it: on one line, what cannot be read octet by octet in disguise, its charset known.

use super::disguise::disguised;
use super::encoded_words::{label, repaired};
use super::lines::flattened;

/// A value that can be cut into words, comments and parameters.
pub(crate) struct Raw<'a> {
    /// Without folding and control characters.
    pub(crate) line: Vec<u8>,
    /// What its raw text is to be labelled with.
    pub(crate) charset: &'a str,
}

impl<'a> Raw<'a> {
    /// Reads `value`, whose content is said to be in the charset `declared` (empty where nobody says).
    pub(crate) fn read(value: &'a [u8], declared: &'a str) -> Self {
        let hidden = disguised(value, declared);
        let line = flattened(&hidden.text);
        let charset = label(&line, hidden.charset);
        Self { line: repaired(&line).into_owned(), charset }
    }
}
