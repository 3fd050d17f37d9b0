//! The words and marks of an address list (RFC 5322 section 3.2), read once from left to right.

use super::fault::SyntaxReason;
use crate::header_text::encoded_word_length;
use crate::words::is_hidden;

/// A word or mark, and where it lies in the text.
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    /// White space that can be seen or a comment lies before it.
    pub(super) spaced: bool,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) enum TokenKind<'a> {
    /// A run of octets without white space and specials. More than atext: names are written with anything.
    Atom(&'a [u8]),
    /// What has the form of an encoded word (RFC 2047 section 2), specials in it or not: a name or part of one.
    EncodedWord(&'a [u8]),
    /// The content of a quoted string, quoted pairs resolved.
    Quoted(Vec<u8>),
    /// What stands between `[` and `]`.
    Literal(&'a [u8]),
    /// The content of a comment, quoted pairs resolved, inner parentheses kept.
    Comment(Vec<u8>),
    /// Characters that nobody sees, and white space beyond ASCII's.
    Invisible(&'a str),
    Dot,
    At,
    Comma,
    Semicolon,
    Colon,
    /// `<`
    Open,
    /// `>`
    Close,
}

/// Reads unfolded text. An error says where the unfinished thing starts.
pub(super) fn tokens(text: &[u8]) -> Result<Vec<Token<'_>>, (SyntaxReason, usize)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut spaced = true;
    while let Some(&octet) = text.get(at) {
        let start = at;
        at += 1;
        let kind = match octet {
            b' ' | b'\t' => {
                spaced = true;
                continue;
            }
            b'"' => quoted(text, &mut at).map(TokenKind::Quoted).ok_or((SyntaxReason::OpenQuote, start))?,
            b'(' => comment(text, &mut at).map(TokenKind::Comment).ok_or((SyntaxReason::OpenComment, start))?,
            b'.' => TokenKind::Dot,
            b'@' => TokenKind::At,
            b',' => TokenKind::Comma,
            b';' => TokenKind::Semicolon,
            b':' => TokenKind::Colon,
            b'<' => TokenKind::Open,
            b'>' => TokenKind::Close,
            b')' => return Err((SyntaxReason::StrayParenthesis, start)),
            b'[' => literal(text, &mut at).map_or_else(|| atom(text, start, &mut at), TokenKind::Literal),
            _ => word(text, start, &mut at),
        };
        let parts = match &kind {
            TokenKind::Comment(_) => true,
            TokenKind::Invisible(hidden) => hidden.chars().any(char::is_whitespace),
            TokenKind::Atom(_)
            | TokenKind::EncodedWord(_)
            | TokenKind::Quoted(_)
            | TokenKind::Literal(_)
            | TokenKind::Dot
            | TokenKind::At => false,
            TokenKind::Comma | TokenKind::Semicolon | TokenKind::Colon | TokenKind::Open | TokenKind::Close => false,
        };
        tokens.push(Token { kind, spaced, start, end: at });
        spaced = parts;
    }
    Ok(tokens)
}

/// Anything but a mark.
fn word<'a>(text: &'a [u8], start: usize, at: &mut usize) -> TokenKind<'a> {
    let rest = text.get(start..).unwrap_or_default();
    if let Some(length) = encoded_word_length(rest) {
        *at = start + length;
        return TokenKind::EncodedWord(rest.get(..length).unwrap_or_default());
    }
    let mut hidden = 0;
    while let Some(character) = hidden_at(rest.get(hidden..).unwrap_or_default()) {
        hidden += character.len_utf8();
    }
    match rest.get(..hidden).map(std::str::from_utf8) {
        Some(Ok(invisible)) if !invisible.is_empty() => {
            *at = start + hidden;
            TokenKind::Invisible(invisible)
        }
        Some(_) | None => atom(text, start, at),
    }
}

fn atom<'a>(text: &'a [u8], start: usize, at: &mut usize) -> TokenKind<'a> {
    while let Some(rest) = text.get(*at..)
        && let Some(&next) = rest.first()
        && !ends_atom(next)
        && hidden_at(rest).is_none()
    {
        *at += 1;
    }
    TokenKind::Atom(text.get(start..*at).unwrap_or_default())
}

/// The character at the start, if it is one that nobody sees or white space.
fn hidden_at(text: &[u8]) -> Option<char> {
    let length = match text.first()? {
        0x0b | 0x0c => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let character = std::str::from_utf8(text.get(..length)?).ok()?.chars().next()?;
    is_hidden(character).then_some(character)
}

fn ends_atom(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'"' | b'(' | b')' | b'[' | b'.' | b'@' | b',' | b';' | b':' | b'<' | b'>')
}

/// After the opening quote; `at` ends behind the closing one.
fn quoted(text: &[u8], at: &mut usize) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        match next(text, at)? {
            b'"' => return Some(content),
            b'\\' => content.push(next(text, at)?),
            octet => content.push(octet),
        }
    }
}

/// Comments nest to any depth: they are counted, not recursed into.
fn comment(text: &[u8], at: &mut usize) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let mut depth = 0_usize;
    loop {
        let octet = next(text, at)?;
        match octet {
            b'(' => depth += 1,
            b')' if depth == 0 => return Some(content),
            b')' => depth -= 1,
            b'\\' => {
                content.push(next(text, at)?);
                continue;
            }
            _ => {}
        }
        content.push(octet);
    }
}

/// `None` when this is a bracket in somebody's name: what looks like a literal must not swallow an address.
fn literal<'a>(text: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let rest = text.get(*at..)?;
    let length = rest.iter().position(|octet| b"[]<>@,;\"()".contains(octet))?;
    let (content, tail) = rest.split_at_checked(length)?;
    if !tail.starts_with(b"]") {
        return None;
    }
    *at += length + 1;
    Some(content)
}

fn next(text: &[u8], at: &mut usize) -> Option<u8> {
    let octet = text.get(*at).copied();
    *at += 1;
    octet
}

/// RFC 5322 section 3.2.3, with UTF-8 (RFC 6532 section 3.2).
pub(super) fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || !octet.is_ascii() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}
