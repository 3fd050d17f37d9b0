//! What a header says of the content below it: media type, boundary, transfer encoding (RFC 2045).

use std::ops::Range;

use crate::message::Field;

/// The longest boundary we believe; RFC 2046 allows 70, some programs write more.
const BOUNDARY: usize = 256;

/// The MIME fields of one entity; of repeated fields the first counts.
#[derive(Clone, Default, Debug)]
pub(super) struct Facts {
    /// Whether this is a message's own header, not that of a body part.
    pub(super) message: bool,
    /// A MIME-Version field is there.
    pub(super) mime_version: bool,
    /// A Content-Type field is there, readable or not.
    pub(super) has_type: bool,
    /// `type/subtype` in lower case, where it is readable.
    pub(super) media: Option<String>,
    /// The charset parameter is there.
    pub(super) has_charset: bool,
    /// It names a charset of 16 or 32 bits.
    pub(super) is_wide: bool,
    /// A boundary that can be one.
    pub(super) boundary: Option<Vec<u8>>,
    /// Content-Transfer-Encoding.
    pub(super) encoding: Option<Encoding>,
    /// Its value when we do not know it.
    pub(super) foreign: Vec<u8>,
}

/// A Content-Transfer-Encoding (RFC 2045 section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    SevenBit,
    EightBit,
    Binary,
    QuotedPrintable,
    Base64,
    /// No encoding at all, called by a name that is none: "utf-8", "none".
    Misnamed,
    /// Something we cannot decode: x-uuencode.
    Foreign,
}

/// How an entity's content is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// text/*, or no readable type.
    Text,
    /// Any other leaf.
    Binary,
    /// Parts between boundaries; without a Content-Type of their own they are messages when `digest`.
    Multipart { digest: bool },
    /// Not a leaf, and yet not divisible: only 7bit, 8bit and binary are allowed, so `?` is all there is.
    Unencodable,
    /// A header and a body.
    Message,
    /// Signed or encrypted.
    Protected,
    /// message/partial.
    Fragment,
    /// Nested too deep, or too many.
    Beyond,
}

impl Facts {
    /// Those of a whole message.
    pub(super) fn of_message(fields: &[Field]) -> Self {
        let mut facts = Self { message: true, ..Self::default() };
        for field in fields {
            facts.note(field.name.as_bytes(), &field.value);
        }
        facts
    }

    /// Takes one more field into account.
    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"Content-Type") && !self.has_type {
            self.has_type = true;
            let (media, parameters) = parse(value);
            self.media = media;
            self.has_charset = parameters.iter().any(|parameter| parameter.is("charset"));
            self.is_wide = parameters.iter().any(|parameter| parameter.is("charset") && is_wide(&parameter.value));
            self.boundary = parameters.into_iter().find(|parameter| parameter.is("boundary")).and_then(boundary);
        } else if name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") && self.encoding.is_none() {
            let encoding = Encoding::parse(value);
            self.encoding = Some(encoding);
            if encoding == Encoding::Foreign {
                self.foreign = value.trim_ascii().iter().copied().take(60).collect();
            }
        } else if name.eq_ignore_ascii_case(b"MIME-Version") {
            self.mime_version = true;
        }
    }

    /// How to read the content, for a part of a multipart/digest or not.
    pub(super) fn kind(&self, in_digest: bool) -> Kind {
        let default = if in_digest && !self.has_type { "message/rfc822" } else { "text/plain" };
        let media = self.media.as_deref().unwrap_or(default);
        let (major, minor) = media.split_once('/').unwrap_or((media, ""));
        let encoded = match self.encoding {
            Some(Encoding::QuotedPrintable | Encoding::Base64 | Encoding::Foreign) => true,
            Some(Encoding::SevenBit | Encoding::EightBit | Encoding::Binary | Encoding::Misnamed) | None => false,
        };
        match (major, minor) {
            ("text", _) => Kind::Text,
            ("multipart", "signed" | "encrypted") => Kind::Protected,
            // An encoding label on a multipart is forbidden and, where it occurs, a mistake: boundaries decide.
            ("multipart", _) if self.boundary.is_some() => Kind::Multipart { digest: minor == "digest" },
            ("message", "global" | "global-headers" | "global-delivery-status" | "global-disposition-notification") => {
                Kind::Text
            }
            // Exchange and Gmail do encode attached messages, against the RFC: then they are leaves.
            ("multipart" | "message", _) if encoded => Kind::Binary,
            ("multipart", _) => Kind::Unencodable,
            ("message", "rfc822" | "news") => Kind::Message,
            ("message", "partial") => Kind::Fragment,
            (
                "message",
                "delivery-status"
                | "disposition-notification"
                | "tracking-status"
                | "feedback-report"
                | "external-body",
            ) => Kind::Unencodable,
            _ => Kind::Binary,
        }
    }
}

impl Encoding {
    /// The name to write.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SevenBit | Self::Misnamed | Self::Foreign => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    fn parse(value: &[u8]) -> Self {
        let (head, _) = split_head(value);
        let name: String = head.chars().filter(char::is_ascii_alphanumeric).collect();
        match name.as_str() {
            "7bit" | "7bits" => Self::SevenBit,
            "8bit" | "8bits" => Self::EightBit,
            "binary" => Self::Binary,
            "quotedprintable" => Self::QuotedPrintable,
            "base64" => Self::Base64,
            "" | "none" | "identity" | "plain" | "text" | "utf8" | "ascii" | "usascii" => Self::Misnamed,
            other if other.starts_with("iso8859") || other.starts_with("windows125") => Self::Misnamed,
            _ => Self::Foreign,
        }
    }
}

/// A parameter of a structured MIME field.
pub(super) struct Parameter {
    /// In lower case.
    pub(super) name: String,
    /// Without quotes.
    pub(super) value: Vec<u8>,
    /// Where name, equals sign and value lie.
    pub(super) span: Range<usize>,
}

impl Parameter {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

/// UTF-16, UTF-32, and what they were called before.
fn is_wide(charset: &[u8]) -> bool {
    let name: String = charset
        .to_ascii_lowercase()
        .iter()
        .filter(|octet| octet.is_ascii_alphanumeric())
        .map(|&octet| char::from(octet))
        .collect();
    ["utf16", "utf32", "ucs2", "ucs4", "iso10646ucs", "unicode"].iter().any(|start| name.starts_with(start))
        && !name.ends_with("utf7")
}

fn boundary(parameter: Parameter) -> Option<Vec<u8>> {
    let boundary = parameter.value.trim_ascii_end();
    let printable = boundary.iter().all(|octet| matches!(octet, b' '..=b'~'));
    (printable && !boundary.is_empty() && boundary.len() <= BOUNDARY).then(|| boundary.to_vec())
}

/// Reads `type/subtype; name=value; name="value"`, comments and folds included.
pub(super) fn parse(value: &[u8]) -> (Option<String>, Vec<Parameter>) {
    let (head, rest) = split_head(value);
    let media = match head.split_once('/') {
        Some((major, minor)) if !major.is_empty() && !minor.is_empty() => Some(head),
        Some(_) | None => None,
    };
    let mut parameters = Vec::new();
    let mut scan = Scan { octets: value, at: rest };
    while let Some(parameter) = scan.parameter() {
        parameters.push(parameter);
    }
    (media, parameters)
}

/// What comes before the first semicolon, in lower case, without space and comments; and where that semicolon is.
fn split_head(value: &[u8]) -> (String, usize) {
    let mut scan = Scan { octets: value, at: 0 };
    let mut head = String::new();
    loop {
        scan.skip_space();
        match scan.peek() {
            None | Some(b';') => return (head, scan.at),
            Some(octet) => {
                head.push(char::from(octet).to_ascii_lowercase());
                scan.at += 1;
            }
        }
    }
}

struct Scan<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let octet = self.peek()?;
        self.at += 1;
        Some(octet)
    }

    /// White space, folds and comments (RFC 5322 section 3.2.2).
    fn skip_space(&mut self) {
        let mut depth = 0_usize;
        while let Some(octet) = self.peek() {
            match octet {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.at += 1,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if depth > 0 => {}
                _ => return,
            }
            self.at += 1;
        }
    }

    fn parameter(&mut self) -> Option<Parameter> {
        loop {
            self.skip_space();
            while self.peek() == Some(b';') {
                self.at += 1;
                self.skip_space();
            }
            let start = self.at;
            self.peek()?;
            let mut name = String::new();
            while let Some(octet) = self.peek().filter(|&octet| octet != b'=' && octet != b';') {
                name.push(char::from(octet).to_ascii_lowercase());
                self.at += 1;
            }
            if self.next() == Some(b'=') {
                let value = self.value();
                return Some(Parameter { name: name.trim().to_owned(), value, span: start..self.at });
            }
        }
    }

    fn value(&mut self) -> Vec<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        let quoted = self.peek() == Some(b'"');
        let mut value = Vec::new();
        if quoted {
            self.at += 1;
        }
        while let Some(octet) = self.peek() {
            match octet {
                b'"' if quoted => {
                    self.at += 1;
                    break;
                }
                b'\\' if quoted => {
                    self.at += 1;
                    value.extend(self.peek());
                }
                b'\r' | b'\n' if quoted => {}
                // Unquoted specials like `=` and `/` are forbidden and everywhere.
                b';' | b' ' | b'\t' | b'\r' | b'\n' if !quoted => break,
                _ => value.push(octet),
            }
            self.at += 1;
        }
        self.at = self.at.min(self.octets.len());
        value
    }
}
