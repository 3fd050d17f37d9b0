//! One address: how it is written, compared, and handed to SMTP.

use std::fmt;

use lettre::Address;

use super::fault::SyntaxReason;
use super::tokenizer::is_atext;
use super::{AddrSpec, AddressFault, domain};
use crate::header_text::quoted_string;
use crate::words::is_hidden;

/// How many octets a local part may have, without quoting: what a line of a header takes. RFC 5321 section 4.5.3.1.1 asks
/// for 64, and reply addresses of GitHub, Mailman and Mailgun have more: that is for the server to say.
pub(super) const LOCAL: usize = 900;

impl AddrSpec {
    /// As RFC 5321 section 4.1.2 writes it, in the envelope and in header fields alike: the local part is quoted when
    /// it is no dot-string.
    pub fn to_wire(&self) -> String {
        match &self.domain {
            Some(domain) => format!("{}@{domain}", wire_local(&self.local)),
            None => wire_local(&self.local),
        }
    }

    /// Whether it can only go to a server that offers SMTPUTF8 (RFC 6531).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }

    /// The address for the envelope.
    ///
    /// `lettre::Address::new` refuses legal addresses (a local part of 64 octets that has to be quoted) and takes ones
    /// that must not reach a command line (`a@[b>c]`). What this returns has passed our own check instead: no control
    /// character anywhere, nothing special outside quotes, an ASCII domain.
    ///
    /// # Errors
    /// [`AddressFault::Syntax`] for a local name (no domain) and for parts no parser of ours returns;
    /// [`AddressFault::Control`] for control characters.
    pub fn to_lettre(&self) -> Result<Address, AddressFault> {
        let fault = |reason: SyntaxReason| reason.about(self.to_wire().as_bytes());
        let domain = self.domain.as_deref().ok_or_else(|| fault(SyntaxReason::NoDomain))?;
        if let Some(character) = self.local.chars().chain(domain.chars()).find(|character| character.is_control()) {
            return Err(fault(SyntaxReason::Control(character)));
        }
        if let Some(character) = self.local.chars().find(|character| is_hidden(*character)) {
            return Err(fault(SyntaxReason::Invisible(character)));
        }
        if self.local.is_empty() {
            return Err(fault(SyntaxReason::NoLocal));
        }
        if self.local.len() > LOCAL {
            return Err(fault(SyntaxReason::LocalLength));
        }
        if !domain::is_final(domain) {
            return Err(fault(SyntaxReason::Domain));
        }
        Ok(Address::new_dangerous(wire_local(&self.local), domain))
    }

    /// Whether both name one mailbox of ours: Outlook.com's local parts are case-insensitive.
    pub fn same_own(&self, other: &Self) -> bool {
        self.local.to_lowercase() == other.local.to_lowercase() && same_domain(self, other)
    }
}

impl fmt::Display for AddrSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_wire())
    }
}

fn same_domain(one: &AddrSpec, other: &AddrSpec) -> bool {
    match (&one.domain, &other.domain) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn wire_local(local: &str) -> String {
    let is_dot_string = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext));
    // A reader that decodes too eagerly must not take a local part for an encoded word.
    if is_dot_string && !local.starts_with("=?") {
        return local.to_owned();
    }
    quoted_string(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(local: &str, domain: &str) -> AddrSpec {
        AddrSpec { local: local.to_owned(), domain: Some(domain.to_owned()) }
    }

    #[test]
    fn the_local_part_is_quoted_when_it_must_be() {
        let cases = [
            ("a.b", "a.b@x.org"),
            ("a..b", "\"a..b\"@x.org"),
            (".a", "\".a\"@x.org"),
            ("a.", "\"a.\"@x.org"),
            ("quoted local", "\"quoted local\"@x.org"),
            ("a\"b\\c", "\"a\\\"b\\\\c\"@x.org"),
            ("a> <b", "\"a> <b\"@x.org"),
            ("jörg", "jörg@x.org"),
            ("=?utf-8?q?a?=", "\"=?utf-8?q?a?=\"@x.org"),
        ];
        for (local, wire) in cases {
            assert_eq!(address(local, "x.org").to_wire(), wire);
            assert_eq!(address(local, "x.org").to_lettre().unwrap().to_string(), wire);
        }
    }

    #[test]
    fn lettre_gets_nothing_unchecked() {
        let refused = [
            address("", "x.org"),
            address("a\r\nDATA", "x.org"),
            address("a\0", "x.org"),
            address("a", "x.org>\r\nDATA"),
            address("a", "x org"),
            address("a", "bücher.example"),
            address("a", "x.org."),
            address("a", "[1.2.3]"),
            address(&"a".repeat(901), "x.org"),
            address("a\u{200b}b", "x.org"),
            AddrSpec { local: "root".to_owned(), domain: None },
        ];
        for one in refused {
            assert!(one.to_lettre().is_err(), "{one}");
        }
    }

    #[test]
    fn why_lettre_is_not_asked() {
        let long = format!("\"{} \"", "a".repeat(63));
        for (local, domain) in [("a..b", "docomo.ne.jp"), (long.as_str(), "x.org"), ("a", "x_.org")] {
            assert!(Address::new(local, domain).is_err(), "{local} {domain}");
        }
        for (local, domain) in [("a", "[a>b]"), ("a", "[::1]"), ("a", "bücher.example")] {
            assert!(Address::new(local, domain).is_ok(), "{local} {domain}");
        }
    }

    #[test]
    fn comparison() {
        let one = address("Me", "Outlook.com");
        assert!(one.same_own(&address("mE", "outlook.com")));
        assert!(!one.same_own(&AddrSpec { local: "me".to_owned(), domain: None }));
    }
}
