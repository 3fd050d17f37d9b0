//! The envelope in the header: Graph reads recipients nowhere else.

use std::collections::HashSet;

use lettre::Address;
use lettre::address::Envelope;

use crate::address::{Entry, Form, Mailbox, parse_list, read_list, render_list};
use crate::failure::{Cause, Failure};
use crate::message::Field;
use crate::submission::smtp::faults::failure;

/// Fields Graph delivers to. What Exchange makes of the Resent- ones (RFC 5322 section 3.6.6) nobody says, so they must
/// not name anybody else either.
const NAMING: [&str; 6] = ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"];

/// Fields whose recipients are certain to get the message.
const SURE: [&str; 3] = ["To", "Cc", "Bcc"];

/// The Bcc field that names who is in the envelope and not in the header; empty when nobody is. Members of groups are
/// among them: nobody says that Graph reads groups, and a recipient named twice gets one copy.
///
/// # Errors
/// [`Cause::NotForGraph`] when the header names somebody who is not in the envelope, or cannot be read.
pub(super) fn blind_field(header: &[u8], envelope: &Envelope) -> Result<Vec<u8>, Failure> {
    let wanted: HashSet<String> = envelope.to().iter().map(key).collect();
    let mut sure = HashSet::new();
    for field in fields(header).filter(|field| NAMING.iter().any(|name| field.is(name))) {
        let name = &field.name;
        let list = read_list(&field.value)
            .map_err(|_| failure(Cause::NotForGraph, format!("{name} cannot be read, and Graph sends to it")))?;
        // What a strict reader does not find may get nothing.
        let is_sure = list.form == Form::Strict && SURE.iter().any(|name| field.is(name));
        for entry in &list.entries {
            for mailbox in entry.mailboxes() {
                let named = mailbox.address.to_wire();
                if !wanted.contains(&named.to_lowercase()) {
                    let words = format!("{name} names {named}, to whom this message is not addressed");
                    return Err(failure(Cause::NotForGraph, words));
                }
                if is_sure && matches!(entry, Entry::Mailbox(_)) {
                    sure.insert(named.to_lowercase());
                }
            }
        }
    }
    let missing = envelope.to().iter().filter(|address| !sure.contains(&key(address)));
    let missing = missing.map(entry).collect::<Result<Vec<_>, _>>()?;
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    Ok([b"Bcc: ".as_slice(), &render_list(&missing, "utf-8"), b"\r\n"].concat())
}

/// Exchange's local parts have no case.
fn key(address: &Address) -> String {
    address.to_string().to_lowercase()
}

fn entry(address: &Address) -> Result<Entry, Failure> {
    let written = address.to_string();
    let refused = |why: &str| failure(Cause::NotForGraph, format!("{written} {why}"));
    if !written.is_ascii() {
        return Err(refused("is not ASCII"));
    }
    match parse_list(written.as_bytes()).as_deref() {
        Ok([Entry::Mailbox(Mailbox { address, .. })]) => {
            Ok(Entry::Mailbox(Mailbox { display: Vec::new(), address: address.clone() }))
        }
        Ok(_) | Err(_) => Err(refused("cannot be written into a header")),
    }
}

/// The fields of a header whose lines end CRLF.
fn fields(header: &[u8]) -> impl Iterator<Item = Field> {
    let mut rest = header;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_end = |three: &[u8]| matches!(three, [b'\r', b'\n', next] if !matches!(next, b' ' | b'\t'));
        let end = rest.windows(3).position(is_end).map_or(rest.len(), |end| end + 2);
        let (field, behind) = rest.split_at(end);
        rest = behind;
        let colon = field.iter().position(|&octet| octet == b':').unwrap_or(field.len());
        let (name, value) = field.split_at(colon);
        let name = String::from_utf8_lossy(name).trim_end().to_owned();
        let value = value.strip_prefix(b":").unwrap_or_default();
        Some(Field::new(&name, value.strip_suffix(b"\r\n").unwrap_or(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blind(header: &str, recipients: &[&str]) -> Result<String, Failure> {
        let recipients = recipients.iter().map(|address| address.parse().unwrap()).collect();
        let envelope = Envelope::new(None, recipients).unwrap();
        blind_field(header.as_bytes(), &envelope).map(|field| String::from_utf8(field).unwrap())
    }

    #[test]
    fn who_is_named_needs_no_bcc() {
        for header in [
            "To: a@x.org, B <b@x.org>\r\n",
            "to: A@X.org\r\nSubject: c@x.org\r\nCC: \"b\" <B@x.ORG> (c@x.org)\r\n",
            "Subject: x\r\n folded\r\nTo: a@x.org,\r\n b@x.org\r\n",
            "To: undisclosed-recipients:;, a@x.org\r\nCc: root:;\r\nBcc: b@x.org",
        ] {
            assert_eq!(blind(header, &["a@x.org", "b@x.org"]).unwrap(), "", "{header:?}");
        }
    }

    #[test]
    fn who_is_not_named_is_named_in_bcc() {
        assert_eq!(blind("To: a@x.org\r\n", &["a@x.org", "b@x.org"]).unwrap(), "Bcc: b@x.org\r\n");
        assert_eq!(blind("Subject: x\r\n", &["a@x.org", "b@x.org"]).unwrap(), "Bcc: a@x.org, b@x.org\r\n");
        assert_eq!(blind("", &["a@x.org"]).unwrap(), "Bcc: a@x.org\r\n");
        assert_eq!(blind("To: g: a@x.org;\r\n", &["a@x.org"]).unwrap(), "Bcc: a@x.org\r\n");
        assert_eq!(blind("Resent-To: a@x.org\r\n", &["a@x.org"]).unwrap(), "Bcc: a@x.org\r\n");
    }

    #[test]
    fn what_a_strict_reader_does_not_find_is_named_in_bcc() {
        for list in [
            "a@x.org b@x.org",
            "a@x.org; b@x.org",
            "a@x.org, b@x.org.",
            "A [1] <a@x.org>, b@x.org",
            "c@x.org <a@x.org>, b@x.org",
            "G: a@x.org, b@x.org",
        ] {
            let field = blind(&format!("To: {list}\r\n"), &["a@x.org", "b@x.org"]).unwrap();
            assert_eq!(field, "Bcc: a@x.org, b@x.org\r\n", "{list}");
        }
    }

    #[test]
    fn a_long_field_is_folded_and_reads_back() {
        let recipients: Vec<String> =
            (0..300).map(|number| format!("somebody.{number}@department.example.org")).collect();
        let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let field = blind("", &recipients).unwrap();
        assert!(field.split("\r\n").all(|line| line.len() <= 78), "{field}");
        assert_eq!(blind(&field, &recipients).unwrap(), "");
    }

    #[test]
    fn nobody_else_is_sent_to() {
        for (header, words) in [
            ("To: b@x.org\r\n", "To names b@x.org"),
            ("To: a@x.org\r\nCc: g: a@x.org, c@x.org;\r\n", "Cc names c@x.org"),
            ("Resent-To: a@x.org\r\nTo: list@x.org\r\n", "To names list@x.org"),
            ("Resent-Cc: c@x.org\r\nTo: a@x.org\r\n", "Resent-Cc names c@x.org"),
            ("To: everybody here\r\n", "To cannot be read"),
            ("To: root\r\n", "To names root"),
        ] {
            let refused = blind(header, &["a@x.org"]).unwrap_err();
            assert_eq!(refused.cause, Cause::NotForGraph);
            assert!(refused.detail.whole().starts_with(words), "{header:?}: {:?}", refused.detail);
        }
    }

    #[test]
    fn an_address_beyond_ascii_is_refused() {
        let envelope = Envelope::new(None, vec![Address::new_dangerous("gr\u{fc}n", "x.org")]).unwrap();
        assert_eq!(blind_field(b"", &envelope).unwrap_err().cause, Cause::NotForGraph);
        let named = "To: gr\u{fc}n@x.org\r\n";
        assert_eq!(blind_field(named.as_bytes(), &envelope).unwrap_err().cause, Cause::NotForGraph);
    }
}
