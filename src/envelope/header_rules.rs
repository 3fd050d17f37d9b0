//! What becomes of each header field, one row a rule.

use crate::envelope::date::can_be_date;

/// What a field's addresses mean for the envelope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// With -t its addresses are recipients, unless the message is resent.
    Recipient,
    /// With -t its addresses are recipients of a resent message.
    ResentRecipient,
    /// It says who wrote, sent or resent the message.
    Author,
    /// Addresses that are only shown.
    Shown,
    /// No addresses.
    None,
}

/// What happens to the field itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It never goes out.
    Drop,
    /// RFC 5322 section 3.6 allows one: several become one list.
    Merge,
    /// RFC 5322 section 3.6 allows one: several become one, each identifier once.
    Join,
    /// RFC 5322 section 3.6 allows one: the first that says something stays, or else the first; X-Original- and its
    /// name show what the others said.
    KeepOne,
    /// RFC 5322 section 3.6 allows one, and none is better than one that says nothing: the first that says something
    /// stays.
    KeepOneThatSays,
    /// It stays, however often.
    Keep,
}

/// What a field has to hold to say anything. One that does not goes, and is added anew where a message needs one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Substance {
    /// It says something, whatever it holds.
    Anything,
    /// Text.
    Text,
    /// A date that a calendar has.
    Date,
    /// An identifier in angle brackets (RFC 5322 section 3.6.4).
    Identifier,
    /// Identifiers, or the words that stood there once (RFC 5322 section 4.5.4): more than brackets.
    Identifiers,
    /// An address, or the name of a group.
    Addresses,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Field name, matched without case.
    pub name: &'static str,
    /// What its addresses mean.
    pub role: Role,
    /// What happens to it.
    pub fate: Fate,
    /// What it must hold.
    pub substance: Substance,
    /// Why.
    pub reason: &'static str,
}

const fn rule(name: &'static str, role: Role, fate: Fate, substance: Substance, reason: &'static str) -> Rule {
    Rule { name, role, fate, substance, reason }
}

/// Fields without a row are kept as they are.
pub const RULES: &[Rule] = &[
    rule("To", Role::Recipient, Fate::Merge, Substance::Addresses, "one list"),
    rule("Cc", Role::Recipient, Fate::Merge, Substance::Addresses, "one list"),
    rule("Bcc", Role::Recipient, Fate::Drop, Substance::Addresses, "blind copies stay blind, with and without -t"),
    rule("Resent-To", Role::ResentRecipient, Fate::Keep, Substance::Addresses, "each resending has its own block"),
    rule("Resent-Cc", Role::ResentRecipient, Fate::Keep, Substance::Addresses, "each resending has its own block"),
    rule("Resent-Bcc", Role::ResentRecipient, Fate::Drop, Substance::Addresses, "blind copies stay blind"),
    rule("From", Role::Author, Fate::KeepOneThatSays, Substance::Text, "From policy"),
    rule("Sender", Role::Author, Fate::KeepOneThatSays, Substance::Addresses, "Outlook refuses a foreign one"),
    rule("Resent-From", Role::Author, Fate::Keep, Substance::Anything, "From policy"),
    rule("Resent-Sender", Role::Author, Fate::Keep, Substance::Addresses, "Outlook refuses a foreign one"),
    rule("Resent-Date", Role::None, Fate::Keep, Substance::Date, "each resending has its own block"),
    rule("Resent-Message-ID", Role::None, Fate::Keep, Substance::Identifier, "each resending has its own block"),
    rule("Reply-To", Role::Shown, Fate::Merge, Substance::Addresses, "one list"),
    rule("Resent-Reply-To", Role::Shown, Fate::Keep, Substance::Addresses, "each resending has its own block"),
    rule("Mail-Reply-To", Role::Shown, Fate::Keep, Substance::Addresses, "where replies go"),
    rule("Mail-Followup-To", Role::Shown, Fate::Keep, Substance::Addresses, "where replies go"),
    rule("Disposition-Notification-To", Role::Shown, Fate::Keep, Substance::Addresses, "where receipts go (RFC 8098)"),
    rule("Return-Receipt-To", Role::Shown, Fate::Keep, Substance::Addresses, "where receipts go"),
    rule("Errors-To", Role::Shown, Fate::Keep, Substance::Addresses, "where some send bounces"),
    rule("Date", Role::None, Fate::KeepOneThatSays, Substance::Date, "one"),
    rule("Message-ID", Role::None, Fate::KeepOneThatSays, Substance::Identifier, "one"),
    rule("Subject", Role::None, Fate::KeepOne, Substance::Text, "one"),
    rule("In-Reply-To", Role::None, Fate::Join, Substance::Identifiers, "one"),
    rule("References", Role::None, Fate::Join, Substance::Identifiers, "one"),
    rule("MIME-Version", Role::None, Fate::KeepOneThatSays, Substance::Text, "one"),
    rule("Content-Type", Role::None, Fate::KeepOneThatSays, Substance::Text, "one"),
    rule("Content-Transfer-Encoding", Role::None, Fate::KeepOneThatSays, Substance::Text, "one"),
    rule("Return-Path", Role::None, Fate::Drop, Substance::Anything, "the delivering system writes it"),
    rule("Content-Length", Role::None, Fate::Drop, Substance::Anything, "wrong as soon as anything is encoded"),
];

/// The row of a field name, if it has one.
pub fn rule_of(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name.eq_ignore_ascii_case(name))
}

impl Substance {
    /// Whether a value has it.
    pub fn is_in(self, value: &[u8]) -> bool {
        match self {
            Self::Anything => true,
            Self::Text => !value.trim_ascii().is_empty(),
            Self::Date => can_be_date(value),
            Self::Identifier => holds_identifier(value),
            Self::Identifiers => value.iter().any(|octet| !octet.is_ascii_whitespace() && !b"<>".contains(octet)),
            Self::Addresses => names_somebody(value),
        }
    }
}

/// Something between angle brackets.
fn holds_identifier(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(open) = memchr::memchr(b'<', rest) {
        rest = rest.get(open + 1..).unwrap_or_default();
        let end = memchr::memchr2(b'<', b'>', rest).unwrap_or(rest.len());
        let is_closed = rest.get(end) == Some(&b'>');
        if is_closed && !rest.get(..end).unwrap_or_default().trim_ascii().is_empty() {
            return true;
        }
    }
    false
}

/// Anything but names in front of empty brackets, comments and commas. What cannot be read says something.
fn names_somebody(value: &[u8]) -> bool {
    let (mut text, mut bracket) = (false, Bracket::None);
    let (mut quoted, mut depth) = (false, 0_usize);
    let mut octets = value.iter().copied();
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' if quoted || depth > 0 => drop(octets.next()),
            b'"' if depth == 0 => {
                quoted = !quoted;
                text = true;
            }
            _ if quoted => {}
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth > 0 || octet.is_ascii_whitespace() => {}
            b':' => return true,
            b',' | b';' if bracket != Bracket::Open => {
                if text && bracket == Bracket::None {
                    return true;
                }
                (text, bracket) = (false, Bracket::None);
            }
            b'<' => bracket = Bracket::Open,
            b'>' if bracket == Bracket::Open => bracket = Bracket::Empty,
            _ if bracket == Bracket::Open => return true,
            _ => text = true,
        }
    }
    match bracket {
        Bracket::None => text,
        Bracket::Open => true,
        Bracket::Empty => false,
    }
}

/// What is known of the angle brackets of one address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    None,
    Open,
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_row() {
        for (index, row) in RULES.iter().enumerate() {
            assert!(RULES[index + 1..].iter().all(|other| !other.name.eq_ignore_ascii_case(row.name)), "{}", row.name);
            assert!(!row.reason.is_empty());
        }
    }

    #[test]
    fn a_field_that_says_nothing_is_told_from_one_that_does() {
        use Substance::{Addresses, Identifier};
        for nothing in ["", " ", "<>", "< >", "Name <>", "\"A, B\" <>, <>", "(c)", ",", ";,", "X <(c)>", "\r\n <>"] {
            assert!(!Addresses.is_in(nothing.as_bytes()), "{nothing:?}");
        }
        for something in [
            "a",
            "a@x.org",
            "Name <a@x.org>",
            "<>, a",
            "g:;",
            "undisclosed-recipients:;",
            "\"\"",
            "a <",
            "\"<>\"",
            "a@x (<>)",
        ] {
            assert!(Addresses.is_in(something.as_bytes()), "{something:?}");
        }
        for nothing in ["", "<>", "< >", "1@x.org", "<1@x.org", "1@x.org>", "<<>>"] {
            assert!(!Identifier.is_in(nothing.as_bytes()), "{nothing:?}");
        }
        for something in ["<1@x.org>", " <1> ", "<> <1@x.org>", "<<1@x.org>>", "(c) <1@x.org>"] {
            assert!(Identifier.is_in(something.as_bytes()), "{something:?}");
        }
    }
}
