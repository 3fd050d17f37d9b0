//! Domains: names as A-labels (RFC 5891), address literals (RFC 5321 section 4.1.3).

use core::net::{Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::fault::SyntaxReason;

/// RFC 5321 section 4.5.3.1.2.
const DOMAIN: usize = 255;

/// RFC 1035 section 2.3.4.
const LABEL: usize = 63;

/// A domain name in ASCII, case as written, without the dot of the DNS root.
pub(super) fn name(octets: &[u8]) -> Result<String, SyntaxReason> {
    let text = std::str::from_utf8(octets).map_err(|_| SyntaxReason::Domain)?;
    let ascii = if text.is_ascii() {
        text.to_owned()
    } else {
        Uts46::new()
            .to_ascii(octets, AsciiDenyList::URL, Hyphens::CheckFirstLast, DnsLength::Ignore)
            .map_err(|_| SyntaxReason::Domain)?
            .into_owned()
    };
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    if is_name(ascii) { Ok(ascii.to_owned()) } else { Err(SyntaxReason::Domain) }
}

/// Letters, digits, hyphens; also the underscore, which host names of private networks have.
fn is_name(name: &str) -> bool {
    name.len() <= DOMAIN
        && name.split('.').all(|label| {
            (1..=LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
        })
}

/// An address literal with its brackets. White space in it means nothing (RFC 5322 section 3.4.1); an IPv6 address
/// without its tag gets it.
pub(super) fn literal(content: &[u8]) -> Result<String, SyntaxReason> {
    let text: String = content
        .iter()
        .filter(|octet| !octet.is_ascii_whitespace())
        .map(|&octet| if octet.is_ascii() { char::from(octet) } else { '\u{fffd}' })
        .collect();
    let address = match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => text.get(5..).unwrap_or_default(),
        _ if text.parse::<Ipv4Addr>().is_ok() => return Ok(format!("[{text}]")),
        _ => &text,
    };
    if address.parse::<Ipv6Addr>().is_ok() { Ok(format!("[IPv6:{address}]")) } else { Err(SyntaxReason::Literal) }
}

/// Whether `domain` is what [`name`] or [`literal`] would return for it.
pub(super) fn is_final(domain: &str) -> bool {
    match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(content) => literal(content.as_bytes()).is_ok_and(|text| text == domain),
        None => domain.is_ascii() && is_name(domain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases: &[(&str, Option<&str>)] = &[
            ("Example.COM", Some("Example.COM")),
            ("example.com.", Some("example.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("例え。テスト", Some("xn--r8jz45g.xn--zckzah")),
            ("my_host.lan", Some("my_host.lan")),
            ("faß.example", Some("xn--fa-hia.example")),
            ("", None),
            (".", None),
            ("a..b", None),
            (".a", None),
            ("a..", None),
            ("-a.b", None),
            ("a-.b", None),
            ("a b", None),
            ("a\u{ff20}b.example", None),
            ("a\u{2028}b.example", None),
            ("ü<x>.example", None),
        ];
        for (input, expected) in cases {
            assert_eq!(name(input.as_bytes()).ok().as_deref(), *expected, "{input}");
        }
        assert!(name(format!("{}.org", "a".repeat(63)).as_bytes()).is_ok());
        assert!(name(format!("{}.org", "a".repeat(64)).as_bytes()).is_err());
        assert!(name("a.".repeat(128).as_bytes()).is_ok());
        assert!(name("a.".repeat(129).as_bytes()).is_err());
        assert!(name(b"b\xfccher.example").is_err());
    }

    #[test]
    fn literals() {
        let cases: &[(&str, Option<&str>)] = &[
            ("192.0.2.1", Some("[192.0.2.1]")),
            (" 192.0.2.1 ", Some("[192.0.2.1]")),
            ("IPv6:::1", Some("[IPv6:::1]")),
            ("ipv6:2001:db8::1", Some("[IPv6:2001:db8::1]")),
            ("::1", Some("[IPv6:::1]")),
            ("300.1.1.1", None),
            ("IPv6:192.0.2.1", None),
            ("x", None),
            ("", None),
        ];
        for (input, expected) in cases {
            assert_eq!(literal(input.as_bytes()).ok().as_deref(), *expected, "{input}");
        }
    }
}
