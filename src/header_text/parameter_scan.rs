//! The marks of a field with parameters: what is a name, a value, a comment (RFC 2045 section 5.1).

use std::ops::Range;

/// One `name=value`, as it stands.
pub(super) struct Section {
    pub(super) name: String,
    /// Its number; `None` where a parameter comes whole.
    pub(super) number: Option<u32>,
    pub(super) has_percents: bool,
    pub(super) is_extended: bool,
    pub(super) is_quoted: bool,
    pub(super) value: Vec<u8>,
    pub(super) span: Range<usize>,
}

/// Reads a value from left to right, once.
pub(super) struct Scan<'a> {
    octets: &'a [u8],
    at: usize,
    /// A comment was seen that nothing closes: no other one can be closed either.
    open_comment: bool,
    open_quote: bool,
    /// Up to here parentheses are known to be part of a bare value.
    text_until: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0, open_comment: false, open_quote: false, text_until: 0 }
    }

    /// Whether nothing was open at the end.
    pub(super) fn is_closed(&self) -> bool {
        !self.open_comment && !self.open_quote
    }

    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    /// White space, folds and comments (RFC 5322 section 3.2.2).
    fn skip_space(&mut self) {
        loop {
            while self.peek().is_some_and(is_space) {
                self.at += 1;
            }
            if self.peek() != Some(b'(') {
                return;
            }
            match self.comment_end() {
                Some(end) => self.at = end,
                None => {
                    self.at = self.octets.len();
                    return;
                }
            }
        }
    }

    /// Where the comment that starts here ends.
    fn comment_end(&mut self) -> Option<usize> {
        if self.open_comment {
            return None;
        }
        let mut depth = 0_usize;
        let mut at = self.at;
        while let Some(octet) = self.octets.get(at) {
            match octet {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b'\\' => at += 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
        self.open_comment = true;
        None
    }

    pub(super) fn head(&mut self) -> (String, Range<usize>) {
        self.skip_space();
        let mut head = String::new();
        let mut span = self.at..self.at;
        loop {
            match self.peek() {
                None | Some(b';') => return (head, span),
                Some(octet) => {
                    head.push(char::from(octet).to_ascii_lowercase());
                    self.at += 1;
                    span.end = self.at;
                }
            }
            self.skip_space();
        }
    }

    pub(super) fn section(&mut self) -> Option<Section> {
        loop {
            self.skip_space();
            while self.peek() == Some(b';') {
                self.at += 1;
                self.skip_space();
            }
            let start = self.at;
            self.peek()?;
            let name = self.name();
            if self.peek() == Some(b'=') {
                self.at += 1;
                let (value, is_quoted) = self.value();
                return Some(section(&name, value, is_quoted, start..self.at));
            }
        }
    }

    /// Up to an equals sign or semicolon, without comments.
    fn name(&mut self) -> Vec<u8> {
        let mut name = Vec::new();
        while let Some(octet) = self.peek().filter(|&octet| octet != b'=' && octet != b';') {
            match (octet == b'(').then(|| self.comment_end()).flatten() {
                Some(end) => self.at = end,
                None => {
                    name.push(octet);
                    self.at += 1;
                }
            }
        }
        name
    }

    fn value(&mut self) -> (Vec<u8>, bool) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        if self.peek() == Some(b'"') { (self.quoted(), true) } else { (self.bare(), false) }
    }

    fn quoted(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut value = Vec::new();
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                b'"' => return value,
                // Any other backslash is meant: programs quote nothing else, and file names have them.
                b'\\' if matches!(self.peek(), Some(b'"' | b'\\')) => {
                    value.extend(self.peek());
                    self.at += 1;
                }
                b'\r' | b'\n' => {}
                _ => value.push(octet),
            }
        }
        self.open_quote = true;
        value
    }

    /// Up to the semicolon. Unquoted specials and spaces are forbidden and everywhere; a comment behind a space is one.
    fn bare(&mut self) -> Vec<u8> {
        let mut value: Vec<u8> = Vec::new();
        let mut end = self.at;
        while let Some(octet) = self.peek() {
            let is_behind_space = value.last().is_none_or(|last| is_space(*last));
            match octet {
                b';' => break,
                b'(' if is_behind_space && self.is_comment_alone() => self.skip_space(),
                b'\r' | b'\n' => self.at += 1,
                _ => {
                    value.push(octet);
                    self.at += 1;
                    if !is_space(octet) {
                        end = self.at;
                    }
                }
            }
        }
        // A comment behind the value keeps its place.
        self.at = end;
        value.truncate(value.trim_ascii_end().len());
        value
    }

    /// Whether nothing but comments and white space is left of the value here.
    fn is_comment_alone(&mut self) -> bool {
        if self.at < self.text_until {
            return false;
        }
        let here = self.at;
        self.skip_space();
        let is_alone = matches!(self.peek(), None | Some(b';')) && !self.open_comment;
        if !is_alone {
            self.text_until = self.at;
        }
        self.at = here;
        is_alone
    }
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn section(name: &[u8], value: Vec<u8>, is_quoted: bool, span: Range<usize>) -> Section {
    let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
    let (base, marks) = name.split_once('*').unwrap_or((&name, ""));
    let number = marks.strip_suffix('*').unwrap_or(marks).parse().ok();
    let has_percents = name.ends_with('*');
    let is_extended = has_percents || number.is_some();
    let name = if is_extended { base.trim_end().to_owned() } else { name };
    Section { name, number, has_percents, is_extended, is_quoted, value, span }
}
