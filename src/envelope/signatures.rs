//! Whether a DKIM signature still fits the header it came with (RFC 6376).

use std::collections::HashMap;

use crate::envelope::Signature;
use crate::envelope::changes::{ChangeLog, Reason};
use crate::envelope::field_writer::write_field;
use crate::header_text::FoldFault;
use crate::message::Field;

/// What a header was before anything was done to it, where somebody signed it.
pub struct Signed(Vec<Field>);

impl Signed {
    /// `None` when nobody did.
    pub fn of(fields: &[Field]) -> Option<Self> {
        fields.iter().any(is_signature).then(|| Self(fields.to_vec()))
    }

    /// Drops every signature over a field that is not as it was: a broken one is worse than none, and Outlook signs
    /// again. What earlier hops found out (ARC-*, Authentication-Results) stays: it speaks of the message as it came to
    /// them. `body_changed` breaks all.
    pub fn drop_broken(
        &self,
        fields: &mut Vec<Field>,
        body_changed: bool,
        charset: &str,
        changes: &ChangeLog,
    ) -> Signature {
        let before = fields.len();
        if body_changed {
            changes.retain(fields, &Reason::BrokenSignature, |field| !is_signature(field));
        } else {
            let simple = Comparison::of(&self.0, fields, charset, simple);
            let relaxed = Comparison::of(&self.0, fields, charset, relaxed);
            changes.retain(fields, &Reason::BrokenSignature, |field| {
                !is_signature(field) || holds(field, &simple, &relaxed, charset)
            });
        }
        if fields.len() < before { Signature::Dropped } else { Signature::AsItCame }
    }
}

fn is_signature(field: &Field) -> bool {
    field.is("DKIM-Signature")
}

/// How a field is made ready for signing (RFC 6376 section 3.4): its octets without the line end.
type Canonical = fn(&[u8]) -> Vec<u8>;

/// Whether what one signature covers is as it was, itself included.
fn holds(signature: &Field, as_is: &Comparison, folded_anew: &Comparison, charset: &str) -> bool {
    let text = signature.unfolded();
    let tag = |name: &str| {
        text.split(|&octet| octet == b';').find_map(|tag| {
            let mut parts = tag.splitn(2, |&octet| octet == b'=');
            let is_it = parts.next()?.trim_ascii() == name.as_bytes();
            parts.next().filter(|_| is_it).map(|value| value.trim_ascii().to_ascii_lowercase())
        })
    };
    let is_relaxed = tag("c").is_some_and(|canonical| canonical.starts_with(b"relaxed"));
    let (comparison, canonical): (_, Canonical) = if is_relaxed { (folded_anew, relaxed) } else { (as_is, simple) };
    let mut mentions: HashMap<Vec<u8>, usize> = HashMap::new();
    for name in tag("h").unwrap_or_else(|| b"from".to_vec()).split(|&octet| octet == b':') {
        *mentions.entry(name.trim_ascii().to_vec()).or_default() += 1;
    }
    let itself = written(signature, charset).is_ok_and(|octets| canonical(&octets) == canonical(&raw(signature)));
    itself && mentions.iter().all(|(name, count)| comparison.is_same(name, *count))
}

/// For each name how many fields there were, are, and agree, counted from below as a verifier does (RFC 6376 section
/// 5.4.2).
struct Comparison(HashMap<Vec<u8>, Count>);

#[derive(Clone, Copy)]
struct Count {
    were: usize,
    are: usize,
    agree: usize,
}

impl Comparison {
    fn of(before: &[Field], after: &[Field], charset: &str, canonical: Canonical) -> Self {
        let old = by_name(before.iter().map(|field| (field, canonical(&raw(field)))));
        let mut new =
            by_name(after.iter().map(|field| (field, written(field, charset).map_or(Vec::new(), |it| canonical(&it)))));
        let mut counts: HashMap<Vec<u8>, Count> = HashMap::new();
        for (name, old) in old {
            let new = new.remove(&name).unwrap_or_default();
            let agree = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
            counts.insert(name, Count { were: old.len(), are: new.len(), agree });
        }
        counts.extend(new.into_iter().map(|(name, new)| (name, Count { were: 0, are: new.len(), agree: 0 })));
        Self(counts)
    }

    /// Whether the last `signed` fields of a name are what they were; beyond the first there is none, and must be none.
    fn is_same(&self, name: &[u8], signed: usize) -> bool {
        self.0.get(name).is_none_or(|&Count { were, are, agree }| signed <= agree || agree == were && agree == are)
    }
}

fn by_name<'f>(fields: impl Iterator<Item = (&'f Field, Vec<u8>)>) -> HashMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut all: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
    for (field, octets) in fields {
        all.entry(field.name.to_ascii_lowercase().into_bytes()).or_default().push(octets);
    }
    all
}

/// A field as it goes out.
fn written(field: &Field, charset: &str) -> Result<Vec<u8>, FoldFault> {
    write_field(&field.name, &field.value, charset)
}

/// A field as it came.
fn raw(field: &Field) -> Vec<u8> {
    [field.name.as_bytes(), b":", &field.value, b"\r\n"].concat()
}

fn simple(octets: &[u8]) -> Vec<u8> {
    octets.to_vec()
}

/// Without its name, which is compared without case already, and with one space for each stretch of white space.
fn relaxed(octets: &[u8]) -> Vec<u8> {
    let value = memchr::memchr(b':', octets).and_then(|colon| octets.get(colon + 1..)).unwrap_or(octets);
    let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(signature: &str, was: &[(&str, &str)], is: &[(&str, &str)]) -> Signature {
        let fields = |rest: &[(&str, &str)]| {
            let rest = rest.iter().map(|(name, value)| Field::new(name, *value));
            std::iter::once(Field::new("DKIM-Signature", signature)).chain(rest).collect::<Vec<_>>()
        };
        let signed = Signed::of(&fields(was)).unwrap();
        signed.drop_broken(&mut fields(is), false, "iso-8859-1", &ChangeLog::unwanted())
    }

    #[test]
    fn a_signature_goes_with_any_field_it_signs() {
        use Signature::{AsItCame, Dropped};
        let was = [("From", " a@x.org"), ("To", " b@x.org"), ("Subject", " one"), ("Subject", " two")];
        let subject = [("From", " a@x.org"), ("To", " b@x.org"), ("Subject", " two")];
        let to = [("From", " a@x.org"), ("To", " root:;"), ("Subject", " one"), ("Subject", " two")];
        let added = [&was[..], &[("Reply-To", " c@x.org")]].concat();
        for (signature, is, wanted) in [
            (" v=1; h=from:to:subject", &was[..], AsItCame),
            // The last of a name is the one that is signed.
            (" v=1; h=from:to:subject", &subject, AsItCame),
            (" v=1; h=from:subject:subject", &subject, Dropped),
            (" v=1; h=from:subject:subject:subject", &was, AsItCame),
            (" v=1; h=From : To;c=relaxed/simple", &to, Dropped),
            (" v=1; h=from:subject", &to, AsItCame),
            (" v=1; h=from:reply-to", &added, Dropped),
            (" v=1; h=from", &added, AsItCame),
            (" v=1; h=from:reply-to:\r\n\tto; c=relaxed", &was, AsItCame),
        ] {
            assert_eq!(after(signature, &was, is), wanted, "{signature}");
        }
    }

    #[test]
    fn white_space_counts_where_the_signature_says_so() {
        let was = [("Subject", "a  b")];
        assert_eq!(after(" h=subject", &was, &was), Signature::Dropped, "a space behind the colon is added");
        assert_eq!(after(" h=subject; c=relaxed", &was, &[("subject", " a\r\n\tb ")]), Signature::AsItCame);
        assert_eq!(after(" h=subject; c=relaxed", &was, &[("Subject", " ab")]), Signature::Dropped);
    }
}
