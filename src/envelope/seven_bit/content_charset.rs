//! The charset a text itself declares: `<meta charset>` in HTML, `encoding` in XML.

use memchr::memmem;

use crate::header_text::is_charset;

/// What the beginning of a text of this type says, in lower case.
pub(super) fn declared_in(head: &[u8], media: &str) -> Option<String> {
    let head = head.to_ascii_lowercase();
    let named = match media {
        _ if head.trim_ascii_start().starts_with(b"<?xml") => attribute(tag(&head)?, b"encoding"),
        "text/html" => metas(&head).find_map(|meta| attribute(meta, b"charset")),
        _ => None,
    }?;
    // As the HTML standard has it: who could read this far did not read UTF-16.
    if named.starts_with("utf-16") { Some("utf-8".to_owned()) } else { Some(named) }
}

fn metas(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    memmem::find_iter(head, b"<meta").filter_map(|at| tag(head.get(at..)?))
}

fn tag(text: &[u8]) -> Option<&[u8]> {
    text.get(..memchr::memchr(b'>', text)?)
}

fn attribute(tag: &[u8], name: &[u8]) -> Option<String> {
    let value = memmem::find_iter(tag, name).find_map(|at| {
        let after = tag.get(at + name.len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        Some(after.strip_prefix(b"\"").or(after.strip_prefix(b"'")).unwrap_or(after))
    })?;
    let end = value.iter().position(|octet| octet.is_ascii_whitespace() || b"\"';/?>".contains(octet));
    let value = std::str::from_utf8(value.get(..end.unwrap_or(value.len()))?).ok()?;
    is_charset(value).then(|| value.to_owned())
}

#[test]
fn what_pages_say() {
    for (head, media, charset) in [
        ("<html><META charset='Windows-1251'>", "text/html", Some("windows-1251")),
        ("<meta name=x><meta http-equiv=Content-Type content=\"text/html; charset=Big5\">", "text/html", Some("big5")),
        ("<meta charset=\"utf-16\">", "text/html", Some("utf-8")),
        ("<?xml version='1.0' encoding='koi8-r'?>", "text/xml", Some("koi8-r")),
        ("<p>charset=x</p>", "text/html", None),
        ("<meta charset=utf-8>", "text/plain", None),
        ("<meta charset", "text/html", None),
    ] {
        assert_eq!(declared_in(head.as_bytes(), media).as_deref(), charset, "{head}");
    }
}
