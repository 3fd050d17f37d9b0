//! Fields such as Content-Type, read: `type/subtype; name=value` (RFC 2045 section 5.1), sections and charsets (RFC
//! 2231), comments, and what programs write instead. The only reader of parameters.

use std::collections::HashMap;
use std::ops::Range;

use super::encoded_words::{hexadecimal, is_charset};
use super::parameter_scan::{Scan, Section};

/// A value of such a field, read.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// What comes before the first semicolon, in lower case, without space and comments.
    pub(crate) head: String,
    /// Where that lies.
    pub(crate) head_span: Range<usize>,
    /// In the order they appear.
    pub(crate) list: Vec<Parameter>,
    /// Whether a parameter can be added at the end: no quotation and no comment is open there.
    pub(crate) is_closed: bool,
}

/// A parameter, put together from its sections.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// In lower case, without the marks of RFC 2231.
    pub(crate) name: String,
    /// Without quotes, percent signs resolved.
    pub(crate) value: Vec<u8>,
    /// The charset it names itself (RFC 2231 section 4).
    pub(crate) charset: Option<String>,
    /// Written as RFC 2231 has it.
    pub(crate) is_extended: bool,
    /// Neither quoted nor extended: where it ends is a matter of opinion.
    pub(crate) is_bare: bool,
    /// Whether its value stands there in anything but US-ASCII.
    pub(crate) is_raw: bool,
    /// Where its sections lie, names and equals signs included.
    pub(crate) spans: Vec<Range<usize>>,
}

impl Parameters {
    /// Reads a value, folded or not.
    pub(crate) fn read(value: &[u8]) -> Self {
        let mut scan = Scan::new(value);
        let (head, head_span) = scan.head();
        let mut sections = Vec::new();
        while let Some(section) = scan.section() {
            sections.push(section);
        }
        Self { head, head_span, list: joined(sections), is_closed: scan.is_closed() }
    }

    /// The parameter of this name; of several the one as RFC 2231 has it, else the first.
    pub(crate) fn named(&self, name: &str) -> Option<&Parameter> {
        let mut named = self.list.iter().filter(|parameter| parameter.name == name);
        let first = named.next()?;
        if first.is_extended { Some(first) } else { Some(named.find(|other| other.is_extended).unwrap_or(first)) }
    }

    /// The charset, in lower case, where it can be one.
    pub(crate) fn charset(&self) -> Option<String> {
        let value = std::str::from_utf8(&self.named("charset")?.value).ok()?;
        let name = value.trim_matches(|mark: char| mark.is_ascii_whitespace() || matches!(mark, '"' | '\''));
        let name = name.split(|mark: char| mark.is_ascii_whitespace() || mark == '(').next()?.to_ascii_lowercase();
        is_charset(&name).then_some(name)
    }
}

/// Sections of one name become one parameter; a second one of a name without sections is one of its own.
fn joined(sections: Vec<Section>) -> Vec<Parameter> {
    let mut groups: Vec<Vec<Section>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for section in sections {
        let place = places.get(&section.name).copied().filter(|_| section.is_extended);
        match place.and_then(|place| groups.get_mut(place)) {
            Some(group) => group.push(section),
            None => {
                if section.is_extended {
                    places.insert(section.name.clone(), groups.len());
                }
                groups.push(vec![section]);
            }
        }
    }
    groups.into_iter().filter_map(parameter).collect()
}

fn parameter(mut sections: Vec<Section>) -> Option<Parameter> {
    sections.sort_by_key(|section| section.number.unwrap_or_default());
    let (mut value, mut charset) = (Vec::new(), None);
    let mut start = true;
    for section in &sections {
        let mut text = section.value.as_slice();
        if section.has_percents && std::mem::take(&mut start) {
            (charset, text) = declared(text);
        }
        if section.has_percents { value.extend(resolved(text)) } else { value.extend_from_slice(text) }
    }
    let first = sections.first()?;
    Some(Parameter {
        name: first.name.clone(),
        value,
        charset,
        is_extended: first.is_extended,
        is_bare: !first.is_extended && !first.is_quoted,
        is_raw: sections.iter().any(|section| !section.value.is_ascii()),
        spans: sections.iter().map(|section| section.span.clone()).collect(),
    })
}

/// `charset'language'text`: the charset and the text.
fn declared(text: &[u8]) -> (Option<String>, &[u8]) {
    let mut parts = text.splitn(3, |&octet| octet == b'\'');
    let (Some(charset), Some(_), Some(text)) = (parts.next(), parts.next(), parts.next()) else { return (None, text) };
    (std::str::from_utf8(charset).ok().filter(|name| is_charset(name)).map(str::to_owned), text)
}

fn resolved(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        octets.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { rest.get(3..).unwrap_or_default() } else { after };
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(field: &str, name: &str) -> String {
        let read = Parameters::read(field.as_bytes());
        read.named(name).map_or_else(|| "-".to_owned(), |found| String::from_utf8_lossy(&found.value).into_owned())
    }

    #[test]
    fn charsets_as_programs_write_them() {
        for (field, charset) in [
            ("text/plain; charset=ISO-8859-15", Some("iso-8859-15")),
            ("text/plain; charset=\"koi8-r\"; format=flowed", Some("koi8-r")),
            ("text/plain; charset = \"x\"", Some("x")),
            ("text/plain; charset=x (comment; not more)", Some("x")),
            ("text/plain (a=b); charset=x(comment)", Some("x")),
            ("text/plain; charset*=us-ascii'en'big5", Some("big5")),
            ("text/plain; charset*0=shift; charset*1=\"_jis\"", Some("shift_jis")),
            ("text/plain;\r\n\tCharset='utf-8'", Some("utf-8")),
            ("text/plain; xcharset=a; format=\"charset=b\"", None),
            ("text/plain; charset=", None),
            ("text/plain; charset=\"x\r\n y\"", Some("x")),
        ] {
            assert_eq!(Parameters::read(field.as_bytes()).charset().as_deref(), charset, "{field}");
        }
    }

    #[test]
    fn sections_are_put_together() {
        let field = "multipart/mixed; boundary*1=\"b c\"; boundary*0*=utf-8''%61; x=1; boundary*2*=%64";
        assert_eq!(value(field, "boundary"), "ab cd");
        assert_eq!(value(field, "x"), "1");
        assert_eq!(value("a/b; n=1; n*=utf-8''2", "n"), "2");
        assert_eq!(value("a/b; boundary=my own one (so); y", "boundary"), "my own one");
        assert_eq!(value("a/b; name=foo (1).pdf", "name"), "foo (1).pdf");
        assert_eq!(value("a/b; name=\"x", "name"), "x");
        assert_eq!(value("a/b; name=x (((", "name"), "x (((");
        assert_eq!(value(r#"a/b; name="C:\x \"\\""#, "name"), r#"C:\x "\"#);
        let read = Parameters::read(b" Text / Plain (x) ; a=1 (y)");
        assert_eq!((read.head.as_str(), read.is_closed), ("text/plain", true));
        assert!(!Parameters::read(b"a/b; c=\"").is_closed && !Parameters::read(b"a/b (").is_closed);
    }
}
