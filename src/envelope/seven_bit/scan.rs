//! What a stretch of content holds that cannot go as it is, found without looking at clean octets one by one.

use memchr::memchr_iter;

use super::{LINE, escapes};
use crate::header_text::Utf8Tally;
use crate::message::{Content, Piece};

/// What occurs that cannot go as it is.
#[derive(Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) eight_bit: bool,
    pub(super) control: bool,
    pub(super) long: bool,
}

impl Found {
    pub(super) fn any(self) -> bool {
        self.eight_bit || self.control || self.long
    }

    pub(super) fn add(&mut self, other: Self) {
        self.eight_bit |= other.eight_bit;
        self.control |= other.control;
        self.long |= other.long;
    }

    /// The worst of it, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self { control: true, .. } => "a NUL or a bare CR",
            Self { long: true, .. } => "a line over 998 octets",
            Self { eight_bit: true, .. } => "8-bit text",
            Self { .. } => "",
        }
    }

    /// The same, with the reason why it cannot go (RFC 5321 sections 2.3.8 and 4.5.3.1.6).
    pub(super) fn why(self) -> &'static str {
        match self {
            Self { control: true, .. } => "a NUL or a bare CR, which SMTP does not allow",
            Self { long: true, .. } => "a line over 998 octets, which SMTP does not allow",
            Self { eight_bit: true, .. } => "8-bit text, which Outlook damages",
            Self { .. } => "",
        }
    }
}

/// Looks at lines for what cannot go as it is; only for what the body as a whole is known to hold.
pub(super) struct Scan {
    wanted: Found,
    /// All lines of the whole body are UTF-8, so any part of them is.
    is_all_utf8: bool,
    pub(super) found: Found,
    line: usize,
    octets: u64,
    escapes: u64,
    utf8: Utf8Tally,
    /// The beginning, where HTML says its charset.
    head: Vec<u8>,
}

/// How much of the beginning is looked at.
const HEAD: usize = 4096;

impl Scan {
    pub(super) fn new(content: &Content) -> Self {
        let wanted =
            Found { eight_bit: content.eight_bit, control: content.control, long: content.longest_line > LINE as u64 };
        Self {
            wanted,
            is_all_utf8: content.utf8,
            found: Found::default(),
            line: 0,
            octets: 0,
            escapes: 0,
            utf8: Utf8Tally::default(),
            head: Vec::new(),
        }
    }

    pub(super) fn restart(&mut self) {
        self.found = Found::default();
        (self.line, self.octets, self.escapes) = (0, 0, 0);
        self.utf8 = Utf8Tally::default();
        self.head.clear();
    }

    pub(super) fn see(&mut self, piece: Piece<'_>) {
        let text = piece.text();
        self.octets += piece.octets.len() as u64;
        if self.head.len() < HEAD {
            let room = HEAD - self.head.len();
            self.head.extend_from_slice(piece.octets.get(..room).unwrap_or(piece.octets));
        }
        if self.wanted.long {
            self.line = if piece.starts_line { text.len() } else { self.line.saturating_add(text.len()) };
            self.found.long |= self.line > LINE;
        }
        if self.wanted.eight_bit {
            let eight_bit = escapes::eight_bit(text);
            self.found.eight_bit |= eight_bit > 0;
            self.escapes += eight_bit as u64;
            if !self.is_all_utf8 {
                if eight_bit > 0 {
                    self.utf8.see(text);
                } else if !text.is_empty() {
                    self.utf8.end();
                }
                if piece.ends_line {
                    self.utf8.end();
                }
            }
        }
        if self.wanted.control {
            let found = memchr_iter(0, text).count() + memchr_iter(b'\r', text).count();
            self.found.control |= found > 0;
            self.escapes += found as u64;
        }
    }

    /// Whether all of it is valid UTF-8.
    pub(super) fn is_utf8(&self) -> bool {
        self.is_all_utf8 || self.utf8.is_utf8()
    }

    /// Whether it is UTF-8 but for a few characters that were cut.
    pub(super) fn is_nearly_utf8(&self) -> bool {
        self.is_all_utf8 || self.utf8.is_nearly_utf8()
    }

    /// How it begins.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether base64 is clearly shorter than quoted-printable: by a quarter or more.
    pub(super) fn is_mostly_escapes(&self) -> bool {
        let quoted = self.octets.saturating_add(self.escapes.saturating_mul(2));
        let grouped = self.octets / 3 * 4;
        quoted / 5 * 4 > grouped
    }
}
