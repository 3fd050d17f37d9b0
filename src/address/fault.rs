//! Why an address or list was refused, in words that quote it.

use std::borrow::Cow;

use super::AddressFault;
use crate::words::SafeText;
use crate::words::is_hidden;

/// How many octets of an item its fault quotes.
const QUOTED: usize = 120;

/// What is wrong with an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SyntaxReason {
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
    /// A link that names its address in another spelling.
    Link,
    Control(char),
    Invisible(char),
    LineEnd,
}

impl SyntaxReason {
    fn sentence(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Control(character) => return Cow::Owned(format!("a control character, {}", code_point(character))),
            Self::Invisible(character) => {
                return Cow::Owned(format!("a character nobody sees, {}, inside an address", code_point(character)));
            }
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
            Self::LocalLength => "more than 900 octets before the @, which fit no line",
            Self::LocalNotUtf8 => "text before the @ that is not UTF-8",
            Self::EncodedWord => "an encoded word where an address should be",
            Self::QuotedAddress => "an address between quotation marks",
            Self::Domain => "not a domain name",
            Self::Literal => "not an address literal",
            Self::Missing => "a comma is missing, or the < and > around the address",
            Self::TwoAddresses => "two addresses where one should be",
            Self::OneExpected => "one address expected",
            Self::Link => "a link with % in its address: write the address itself",
            Self::LineEnd => "a line end or NUL",
        })
    }

    /// The fault that quotes `item`.
    pub(super) fn about(self, item: &[u8]) -> AddressFault {
        let shown = item.get(..QUOTED).unwrap_or(item);
        let more = if shown.len() < item.len() { "…" } else { "" };
        let text = SafeText::from(visible(shown));
        let words = SafeText::from(format!("\"{}{more}\": {}", text.whole(), self.sentence()));
        if matches!(self, Self::Control(_) | Self::LineEnd) {
            AddressFault::Control(words)
        } else {
            AddressFault::Syntax(words)
        }
    }
}

/// Text with what nobody sees in it as U+200B: an error that hides it would quote a good address.
fn visible(octets: &[u8]) -> String {
    let mut text = String::new();
    for character in String::from_utf8_lossy(octets).chars() {
        match character {
            '\t' | '\r' | '\n' => text.push(' '),
            _ if character.is_control() || is_hidden(character) => {
                text.push_str(&format!("<{}>", code_point(character)));
            }
            _ => text.push(character),
        }
    }
    text
}

fn code_point(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}
