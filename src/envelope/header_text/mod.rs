//! Text in header fields: encoded words for what is not US-ASCII (RFC 2047), folding (RFC 5322 section 2.2.3).

mod characters;
mod encoded_words;
mod fold;
mod lines;
mod parameters;
mod phrase;
mod structured;
mod unstructured;

#[cfg(test)]
mod properties;

pub(crate) use encoded_words::{encoded_word_length, holds_encoded_word, is_phrase_word};
pub use fold::{FoldFault, fold, fold_utf8};
pub(crate) use lines::{Piece, wrap};
pub use parameters::encode_structured;
pub use phrase::encode_phrase;
pub(crate) use phrase::{phrase_words, quoted_string};
pub use structured::is_structured;
pub use unstructured::encode_unstructured;
