//! Why an address or list was refused, in words that quote it.

use super::AddressFault;
use crate::words::Words;

/// How many octets of an item its fault quotes.
const QUOTED: usize = 120;

/// What is wrong with an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    OpenQuote,
    OpenComment,
    OpenAngle,
    StrayParenthesis,
    EmptyAngle,
    Route,
    NestedGroup,
    GroupName,
    NoLocal,
    NoDomain,
    LocalCharacter,
    LocalLength,
    LocalNotUtf8,
    EncodedWord,
    QuotedAddress,
    Domain,
    Literal,
    Missing,
    TwoAddresses,
    OneExpected,
    Control,
    LineEnd,
}

impl Reason {
    fn sentence(self) -> &'static str {
        match self {
            Self::OpenQuote => "the closing \" is missing",
            Self::OpenComment => "the closing ) is missing",
            Self::OpenAngle => "the closing > is missing",
            Self::StrayParenthesis => "a ) without its (",
            Self::EmptyAngle => "nobody between < and >",
            Self::Route => "a route without an address",
            Self::NestedGroup => "a group inside a group",
            Self::GroupName => "a group needs a name before the colon",
            Self::NoLocal => "no name where an address should be",
            Self::NoDomain => "no domain after the @",
            Self::LocalCharacter => "a character that has to be quoted",
            Self::LocalLength => "more than 64 octets before the @",
            Self::LocalNotUtf8 => "text before the @ that is not UTF-8",
            Self::EncodedWord => "an encoded word where an address should be",
            Self::QuotedAddress => "an address between quotation marks",
            Self::Domain => "not a domain name",
            Self::Literal => "not an address literal",
            Self::Missing => "a comma is missing, or the < and > around the address",
            Self::TwoAddresses => "two addresses where one should be",
            Self::OneExpected => "one address expected",
            Self::Control => "a control character",
            Self::LineEnd => "a line end or NUL",
        }
    }

    /// The fault that quotes `item`.
    pub(super) fn about(self, item: &[u8]) -> AddressFault {
        let shown = item.get(..QUOTED).unwrap_or(item);
        let more = if shown.len() < item.len() { "…" } else { "" };
        let text = Words::from_octets(shown);
        let words = Words::from(format!("\"{}{more}\": {}", text.whole(), self.sentence()));
        if matches!(self, Self::Control | Self::LineEnd) {
            AddressFault::Control(words)
        } else {
            AddressFault::Syntax(words)
        }
    }
}
