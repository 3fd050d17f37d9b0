//! What becomes of each header field, one row a rule.

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
    /// RFC 5322 section 3.6 allows one: several become one list; an empty one goes.
    Merge,
    /// RFC 5322 section 3.6 allows one: the first stays.
    KeepFirst,
    /// The same for fields that say nothing when they are empty: the first with a value stays.
    KeepFirstFilled,
    /// It stays, however often.
    Keep,
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
    /// Why.
    pub reason: &'static str,
}

const fn rule(name: &'static str, role: Role, fate: Fate, reason: &'static str) -> Rule {
    Rule { name, role, fate, reason }
}

/// Fields without a row are kept as they are.
pub const RULES: &[Rule] = &[
    rule("To", Role::Recipient, Fate::Merge, "one list"),
    rule("Cc", Role::Recipient, Fate::Merge, "one list"),
    rule("Bcc", Role::Recipient, Fate::Drop, "blind copies stay blind, with and without -t"),
    rule("Apparently-To", Role::Recipient, Fate::Drop, "old mailers put blind recipients there: they stay blind"),
    rule("Resent-To", Role::ResentRecipient, Fate::Keep, "each resending has its own block"),
    rule("Resent-Cc", Role::ResentRecipient, Fate::Keep, "each resending has its own block"),
    rule("Resent-Bcc", Role::ResentRecipient, Fate::Drop, "blind copies stay blind"),
    rule("From", Role::Author, Fate::KeepFirstFilled, "From policy"),
    rule("Sender", Role::Author, Fate::KeepFirstFilled, "Outlook refuses a foreign one"),
    rule("Resent-From", Role::Author, Fate::Keep, "From policy"),
    rule("Resent-Sender", Role::Author, Fate::Keep, "Outlook refuses a foreign one"),
    rule("Reply-To", Role::Shown, Fate::Merge, "one list"),
    rule("Resent-Reply-To", Role::Shown, Fate::Keep, "each resending has its own block"),
    rule("Mail-Reply-To", Role::Shown, Fate::Keep, "where replies go"),
    rule("Mail-Followup-To", Role::Shown, Fate::Keep, "where replies go"),
    rule("Disposition-Notification-To", Role::Shown, Fate::Keep, "where receipts go (RFC 8098)"),
    rule("Return-Receipt-To", Role::Shown, Fate::Keep, "where receipts go"),
    rule("Errors-To", Role::Shown, Fate::Keep, "where some send bounces"),
    rule("Date", Role::None, Fate::KeepFirstFilled, "one"),
    rule("Message-ID", Role::None, Fate::KeepFirstFilled, "one"),
    rule("Subject", Role::None, Fate::KeepFirst, "one"),
    rule("In-Reply-To", Role::None, Fate::KeepFirstFilled, "one"),
    rule("References", Role::None, Fate::KeepFirstFilled, "one"),
    rule("MIME-Version", Role::None, Fate::KeepFirstFilled, "one"),
    rule("Return-Path", Role::None, Fate::Drop, "the delivering system writes it"),
    rule("Content-Length", Role::None, Fate::Drop, "wrong as soon as anything is encoded"),
];

/// The row of a field name, if it has one.
pub fn rule_of(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name.eq_ignore_ascii_case(name))
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
}
