//! What a header says of the content below it: media type, boundary, transfer encoding (RFC 2045).

use crate::header_text::Parameters;
use crate::message::Field;

/// The longest boundary we believe: with its hyphens the line has to fit (RFC 2046 allows 70, some programs write more).
const BOUNDARY: usize = 990;

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
    /// What it says, in lower case, where it is readable.
    pub(super) charset: Option<String>,
    /// A boundary that can be one.
    pub(super) boundary: Option<Boundary>,
    /// Content-Transfer-Encoding.
    pub(super) encoding: Option<Encoding>,
    /// The header is too long to be held.
    pub(super) unread: bool,
}

/// A Content-Transfer-Encoding (RFC 2045 section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    SevenBit,
    EightBit,
    Binary,
    QuotedPrintable,
    Base64,
    /// A name nobody knows: "utf-8", "none", "x-uuencode". Whether it is one of an encoding, the content shows: octets
    /// above 127, control characters and long lines are what encodings are made to avoid.
    Unknown,
}

/// How an entity's content is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EntityKind {
    /// text/*, or no readable type.
    Text,
    /// Any other leaf.
    Binary,
    /// Parts between boundaries; without a Content-Type of their own they are messages when `digest`.
    Multipart { digest: bool },
    /// Not a leaf, and yet not divisible: only 7bit, 8bit and binary are allowed.
    Unencodable,
    /// A list of fields with another type for UTF-8, which may be encoded (RFC 6533).
    Status(&'static str),
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
            let parameters = Parameters::read(value);
            self.has_charset = parameters.named("charset").is_some();
            self.charset = parameters.charset();
            self.is_wide = self.charset.as_deref().is_some_and(is_wide);
            self.boundary = Boundary::of(&parameters);
            self.media = match parameters.head.split_once('/') {
                Some((major, minor)) if !major.is_empty() && !minor.is_empty() => Some(parameters.head),
                Some(_) | None => None,
            };
        } else if name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") && self.encoding.is_none() {
            self.encoding = Some(Encoding::parse(value));
        } else if name.eq_ignore_ascii_case(b"MIME-Version") {
            self.mime_version = true;
        }
    }

    /// Whether there are headers in the content.
    pub(super) fn is_composite(&self) -> bool {
        self.media.as_deref().is_some_and(|media| media.starts_with("multipart/") || media.starts_with("message/"))
    }

    /// How to read the content, for a part of a multipart/digest or not.
    pub(super) fn kind(&self, in_digest: bool) -> EntityKind {
        let default = if in_digest && !self.has_type { "message/rfc822" } else { "text/plain" };
        let media = self.media.as_deref().unwrap_or(default);
        let (major, minor) = media.split_once('/').unwrap_or((media, ""));
        let encoded = match self.encoding {
            Some(Encoding::QuotedPrintable | Encoding::Base64) => true,
            Some(Encoding::SevenBit | Encoding::EightBit | Encoding::Binary | Encoding::Unknown) | None => false,
        };
        match (major, minor) {
            _ if self.unread => EntityKind::Beyond,
            ("text", _) => EntityKind::Text,
            ("multipart", "signed" | "encrypted") => EntityKind::Protected,
            // An encoding label on a multipart is forbidden and, where it occurs, a mistake: boundaries decide.
            ("multipart", _) if self.boundary.is_some() => EntityKind::Multipart { digest: minor == "digest" },
            ("message", "global" | "global-headers" | "global-delivery-status" | "global-disposition-notification") => {
                EntityKind::Text
            }
            // Exchange and Gmail do encode attached messages, against the RFC: then they are leaves.
            ("multipart" | "message", _) if encoded => EntityKind::Binary,
            ("multipart", _) => EntityKind::Unencodable,
            ("message", "rfc822" | "news") => EntityKind::Message,
            ("message", "partial") => EntityKind::Fragment,
            ("message", "delivery-status") => EntityKind::Status("message/global-delivery-status"),
            ("message", "disposition-notification") => EntityKind::Status("message/global-disposition-notification"),
            ("message", "tracking-status" | "feedback-report" | "external-body") => EntityKind::Unencodable,
            _ => EntityKind::Binary,
        }
    }
}

impl Encoding {
    /// The name to write.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SevenBit | Self::Unknown => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    fn parse(value: &[u8]) -> Self {
        let head = Parameters::read(value).head;
        let name: String = head.chars().filter(char::is_ascii_alphanumeric).collect();
        match name.as_str() {
            "7bit" | "7bits" => Self::SevenBit,
            "8bit" | "8bits" => Self::EightBit,
            "binary" => Self::Binary,
            "quotedprintable" => Self::QuotedPrintable,
            "base64" => Self::Base64,
            _ => Self::Unknown,
        }
    }
}

/// What lines between parts start with, behind two hyphens.
#[derive(Clone, Debug)]
pub(super) struct Boundary {
    /// What it may be, the likeliest first: where an unquoted one ends is a matter of opinion.
    candidates: Vec<Vec<u8>>,
    /// A line has shown which it is. Until then upper and lower case may differ.
    is_settled: bool,
}

/// What a line between parts says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Division {
    /// No part follows.
    pub(super) is_last: bool,
    /// How long the boundary in it is.
    length: usize,
}

impl Boundary {
    fn of(parameters: &Parameters) -> Option<Self> {
        let parameter = parameters.named("boundary")?;
        let whole = parameter.value.trim_ascii_end();
        let word = whole.split(|octet| octet.is_ascii_whitespace()).next().filter(|_| parameter.is_bare);
        let can_be_one =
            |text: &&[u8]| !text.is_empty() && text.len() <= BOUNDARY && !text.iter().any(u8::is_ascii_control);
        let candidates: Vec<_> = std::iter::once(whole)
            .chain(word.filter(|word| *word != whole))
            .filter(can_be_one)
            .map(<[u8]>::to_vec)
            .collect();
        (!candidates.is_empty()).then_some(Self { candidates, is_settled: false })
    }

    /// Reads a line without its hyphens, end and padding.
    pub(super) fn divides(&self, line: &[u8]) -> Option<Division> {
        let exact = self.candidates.iter().find_map(|boundary| division(line, boundary, <[u8]>::eq));
        if exact.is_some() || self.is_settled {
            return exact;
        }
        self.candidates.iter().find_map(|boundary| division(line, boundary, <[u8]>::eq_ignore_ascii_case))
    }

    /// From now on it is what this line has.
    pub(super) fn settle(&mut self, line: &[u8], division: Division) {
        if !self.is_settled {
            self.candidates = line.get(..division.length).map(<[u8]>::to_vec).into_iter().collect();
            self.is_settled = true;
        }
    }
}

/// UTF-16, UTF-32, and what they were called before.
fn is_wide(charset: &str) -> bool {
    let name: String = charset.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect();
    ["utf16", "utf32", "ucs2", "ucs4", "iso10646ucs", "unicode"].iter().any(|start| name.starts_with(start))
        && !name.ends_with("utf7")
}

fn division(line: &[u8], boundary: &[u8], is_same: fn(&[u8], &[u8]) -> bool) -> Option<Division> {
    let (start, rest) = line.split_at_checked(boundary.len())?;
    let is_last = match rest {
        b"" => false,
        b"--" => true,
        _ => return None,
    };
    is_same(start, boundary).then_some(Division { is_last, length: boundary.len() })
}
