//! The rules of the header carried out: which fields are dropped, joined, or kept once.

use std::collections::{HashMap, HashSet};

use crate::envelope::changes::{ChangeLog, Reason};
use crate::envelope::header_rules::{Fate, Rule, rule_of};
use crate::message::Field;

/// Applies the table of rules: what is dropped, joined or kept once.
pub fn apply_fates(fields: &mut Vec<Field>, changes: &ChangeLog) {
    let staying = staying(fields);
    let mut joined = Joined::default();
    let mut kept: Vec<Field> = Vec::with_capacity(fields.len());
    for (at, mut field) in fields.drain(..).enumerate() {
        let Some(rule) = rule_of(&field.name) else {
            kept.push(field);
            continue;
        };
        let says = rule.substance.is_in(&field.value);
        match rule.fate {
            Fate::Drop => changes.removed(&field, Reason::Dropped(rule.reason)),
            Fate::KeepOne | Fate::KeepOneThatSays if staying.get(rule.name) == Some(&at) => kept.push(field),
            Fate::KeepOne if says => {
                let before = changes.copy(&field);
                field.name = format!("X-Original-{}", rule.name);
                changes.replaced(before, &field, Reason::RepeatedOriginal);
                kept.push(field);
            }
            Fate::KeepOne | Fate::KeepOneThatSays | Fate::Keep | Fate::Merge | Fate::Join if !says => {
                changes.removed(&field, nothing_said(rule, &field))
            }
            Fate::KeepOne | Fate::KeepOneThatSays => changes.removed(&field, Reason::Repeated),
            Fate::Keep => kept.push(field),
            Fate::Merge | Fate::Join => joined.take(rule, field, &mut kept, changes),
        }
    }
    joined.note(&kept, changes);
    *fields = kept;
}

fn nothing_said(rule: &Rule, field: &Field) -> Reason {
    if field.value.trim_ascii().is_empty() { Reason::Empty } else { Reason::Lacks(rule.substance) }
}

/// Of fields that may stand once, where the one is that stays.
fn staying(fields: &[Field]) -> HashMap<&'static str, usize> {
    let mut staying = HashMap::new();
    let mut first = HashMap::new();
    for (at, field) in fields.iter().enumerate() {
        let Some(rule) = rule_of(&field.name) else { continue };
        if rule.substance.is_in(&field.value) {
            staying.entry(rule.name).or_insert(at);
        }
        if rule.fate == Fate::KeepOne {
            first.entry(rule.name).or_insert(at);
        }
    }
    for (name, at) in first {
        staying.entry(name).or_insert(at);
    }
    staying
}

/// Fields that several have become.
#[derive(Default)]
struct Joined(HashMap<&'static str, JoinedField>);

struct JoinedField {
    place: usize,
    /// What it was before anything joined it.
    before: Option<Field>,
    /// Its words, from the second on.
    words: HashSet<Vec<u8>>,
}

impl Joined {
    fn take(&mut self, rule: &Rule, field: Field, kept: &mut Vec<Field>, changes: &ChangeLog) {
        let Some(joined) = self.0.get_mut(rule.name) else {
            self.0.insert(rule.name, JoinedField { place: kept.len(), before: None, words: HashSet::new() });
            kept.push(field);
            return;
        };
        let Some(earlier) = kept.get_mut(joined.place) else { return };
        if joined.before.is_none() {
            joined.before = changes.copy(earlier);
        }
        if rule.fate == Fate::Join {
            if joined.words.is_empty() {
                joined.words.extend(words(&earlier.value));
            }
            for word in words(&field.value) {
                if joined.words.insert(word.clone()) {
                    earlier.value.extend_from_slice(b"\r\n ");
                    earlier.value.extend_from_slice(&word);
                }
            }
        } else {
            // A list that ends in a comma goes on already.
            let ends = |octet: &u8| octet.is_ascii_whitespace() || *octet == b',';
            let end = earlier.value.iter().rposition(|octet| !ends(octet)).map_or(0, |last| last + 1);
            earlier.value.truncate(end);
            earlier.value.extend_from_slice(b",\r\n ");
            earlier.value.extend_from_slice(field.value.trim_ascii_start());
        }
        changes.removed(&field, Reason::Merged);
    }

    fn note(self, kept: &[Field], changes: &ChangeLog) {
        for joined in self.0.into_values() {
            if let (Some(before), Some(field)) = (joined.before, kept.get(joined.place)) {
                changes.replaced(Some(before), field, Reason::Merged);
            }
        }
    }
}

/// What stands between white space: of lists of identifiers, the identifiers.
fn words(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lists_become_one() {
        let mut fields = vec![
            Field::new("To", "a@x.org, "),
            Field::new("Subject", "one"),
            Field::new("to", " b@x.org"),
            Field::new("Cc", " "),
            Field::new("subject", "two"),
            Field::new("Subject", " "),
            Field::new("Date", " "),
            Field::new("From", ""),
            Field::new("From", "me@x.org"),
            Field::new("bcc", "c@x.org"),
            Field::new("Return-Path", "<r@x.org>"),
            Field::new("X-A", "1"),
            Field::new("X-A", "2"),
        ];
        apply_fates(&mut fields, &ChangeLog::unwanted());
        assert_eq!(
            fields,
            [
                Field::new("To", "a@x.org,\r\n b@x.org"),
                Field::new("Subject", "one"),
                Field::new("X-Original-Subject", "two"),
                Field::new("From", "me@x.org"),
                Field::new("X-A", "1"),
                Field::new("X-A", "2"),
            ]
        );
    }

    /// What becomes of fields, as `Name=value`, folds shown as `|`.
    fn after_fates(fields: &[(&str, &str)]) -> String {
        let mut fields: Vec<_> = fields.iter().map(|(name, value)| Field::new(name, *value)).collect();
        apply_fates(&mut fields, &ChangeLog::unwanted());
        let shown =
            |field: &Field| format!("{}={}", field.name, String::from_utf8_lossy(&field.value).replace("\r\n", "|"));
        fields.iter().map(shown).collect::<Vec<_>>().join(";")
    }

    #[test]
    fn of_fields_that_stand_twice_the_one_that_says_something_wins() {
        for (fields, wanted) in [
            (&[("Subject", " "), ("Subject", "two")][..], "Subject=two"),
            (&[("Subject", " "), ("Subject", "")], "Subject= "),
            (&[("Subject", "one"), ("Subject", "2"), ("subject", "")], "Subject=one;X-Original-Subject=2"),
            (&[("Date", "never"), ("Date", "22 Nov 2026 20:05 +0000")], "Date=22 Nov 2026 20:05 +0000"),
            (&[("Message-ID", "1@x"), ("Message-ID", "<2@x>"), ("Message-ID", "<3@x>")], "Message-ID=<2@x>"),
            (&[("Content-Type", ""), ("Content-Type", "text/html")], "Content-Type=text/html"),
            (&[("Sender", "<>"), ("Sender", "a@x")], "Sender=a@x"),
            (&[("References", "<1@x> <2@x>"), ("references", "<2@x>\r\n <3@x>")], "References=<1@x> <2@x>| <3@x>"),
            (&[("In-Reply-To", "<1@x>"), ("In-Reply-To", ""), ("In-Reply-To", "<2@x>")], "In-Reply-To=<1@x>| <2@x>"),
        ] {
            assert_eq!(after_fates(fields), wanted);
        }
    }

    #[test]
    fn fields_that_say_nothing_go() {
        for (name, value) in [
            ("To", "<>"),
            ("Cc", "Name <>"),
            ("Reply-To", "Name <>"),
            ("Sender", "<>"),
            ("Date", "today"),
            ("Message-ID", "1@x.org"),
            ("Message-ID", "<>"),
            ("Resent-Date", "now"),
            ("Resent-To", "(nobody)"),
            ("Resent-Message-ID", "x"),
            ("Errors-To", ""),
            ("Disposition-Notification-To", "<>"),
            ("From", " "),
            ("References", ""),
            ("In-Reply-To", "<>"),
            ("MIME-Version", " "),
        ] {
            assert_eq!(after_fates(&[(name, value)]), "", "{name}: {value}");
        }
        for (name, value) in [("Subject", ""), ("From", "Name <>"), ("Resent-From", ""), ("X-Empty", "")] {
            assert_eq!(after_fates(&[(name, value)]), format!("{name}={value}"));
        }
    }

    #[test]
    fn a_header_of_one_name_is_joined_in_linear_time() {
        for name in ["To", "References", "Subject"] {
            let mut fields: Vec<_> = (0..10_000).map(|at| Field::new(name, format!("<{at}@x.org>"))).collect();
            apply_fates(&mut fields, &ChangeLog::wanted());
            assert_eq!(fields.len(), if name == "Subject" { 10_000 } else { 1 });
        }
    }
}
