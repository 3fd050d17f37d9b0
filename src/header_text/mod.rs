//! Text in header fields, wherever they stand: encoded words for what is not US-ASCII (RFC 2047), parameters (RFC
//! 2231), folding (RFC 5322 section 2.2.3).

mod characters;
mod disguise;
mod encoded_words;
mod encoding;
mod fold;
mod iso_2022;
mod lines;
mod parameter_scan;
mod parameters;
mod phrase;
mod raw;
mod structured;
mod unstructured;
mod utf8;

#[cfg(test)]
mod properties;

pub(crate) use disguise::{Disguised, disguised, revealed};
pub(crate) use encoded_words::{encoded_word_length, holds_encoded_word, is_charset, is_phrase_word};
pub(crate) use encoding::encode_structured;
pub use fold::FoldFault;
pub(crate) use fold::fold;
pub(crate) use iso_2022::has_iso_2022;
pub(crate) use lines::{SpacedWord, wrap};
pub(crate) use parameters::Parameters;
pub use phrase::encode_phrase;
pub(crate) use phrase::{phrase_words, quoted_string};
pub(crate) use structured::{Syntax, is_identifier, syntax_of};
pub use unstructured::encode_unstructured;
pub(crate) use utf8::Utf8Tally;
