//! Whether every reader takes a list for the same addresses: RFC 5322 section 3.4 without the obsolete forms of section 4,
//! encoded words only where RFC 2047 section 5 has them.

use super::domain;
use super::tokenizer::{Token, TokenKind, is_atext};
use crate::header_text::{holds_encoded_word, is_phrase_word};

/// Whether these are the tokens of such a list, one that names somebody.
pub(super) fn is_strict(tokens: &[Token<'_>]) -> bool {
    let tokens: Vec<_> = tokens.iter().filter(|token| !matches!(token.kind, TokenKind::Comment(_))).collect();
    let mut rest = tokens.as_slice();
    loop {
        let Some(after) = address(rest) else { return false };
        match after {
            [] => return true,
            [comma, tail @ ..] if matches!(comma.kind, TokenKind::Comma) => rest = tail,
            [..] => return false,
        }
    }
}

type Tokens<'t, 'a> = &'t [&'t Token<'a>];

/// A mailbox or a group from the front; what follows it.
fn address<'t, 'a>(tokens: Tokens<'t, 'a>) -> Option<Tokens<'t, 'a>> {
    match phrase(tokens) {
        Some([colon, tail @ ..]) if matches!(colon.kind, TokenKind::Colon) => group(tail),
        Some(_) | None => mailbox(tokens),
    }
}

/// What follows the colon of a group.
fn group<'t, 'a>(tokens: Tokens<'t, 'a>) -> Option<Tokens<'t, 'a>> {
    let mut rest = tokens;
    let mut first = true;
    loop {
        match rest {
            [end, tail @ ..] if first && matches!(end.kind, TokenKind::Semicolon) => return Some(tail),
            [..] => rest = mailbox(rest)?,
        }
        first = false;
        match rest {
            [comma, tail @ ..] if matches!(comma.kind, TokenKind::Comma) => rest = tail,
            [end, tail @ ..] if matches!(end.kind, TokenKind::Semicolon) => return Some(tail),
            [..] => return None,
        }
    }
}

fn mailbox<'t, 'a>(tokens: Tokens<'t, 'a>) -> Option<Tokens<'t, 'a>> {
    match phrase(tokens).unwrap_or(tokens) {
        [open, inside @ ..] if matches!(open.kind, TokenKind::Open) => match addr_spec(inside)? {
            [close, tail @ ..] if matches!(close.kind, TokenKind::Close) => Some(tail),
            [..] => None,
        },
        [..] => addr_spec(tokens),
    }
}

/// One word or more. An encoded word has white space around it.
fn phrase<'t, 'a>(tokens: Tokens<'t, 'a>) -> Option<Tokens<'t, 'a>> {
    let mut rest = tokens;
    let mut after_encoded = false;
    while let [token, tail @ ..] = rest {
        let is_word = match &token.kind {
            TokenKind::Atom(text) => {
                text.iter().all(|&octet| octet.is_ascii() && is_atext(octet)) && !text.starts_with(b"=?")
            }
            TokenKind::Quoted(text) => {
                !holds_encoded_word(text) && text.iter().all(|octet| (0x20..0x7f).contains(octet))
            }
            TokenKind::EncodedWord(text) => is_phrase_word(text) && (token.spaced || rest.len() == tokens.len()),
            TokenKind::Literal(_)
            | TokenKind::Comment(_)
            | TokenKind::Invisible(_)
            | TokenKind::Dot
            | TokenKind::At
            | TokenKind::Comma => false,
            TokenKind::Semicolon | TokenKind::Colon | TokenKind::Open | TokenKind::Close => false,
        };
        if !is_word {
            break;
        }
        if after_encoded && !token.spaced {
            return None;
        }
        after_encoded = matches!(token.kind, TokenKind::EncodedWord(_));
        rest = tail;
    }
    (rest.len() < tokens.len()).then_some(rest)
}

fn addr_spec<'t, 'a>(tokens: Tokens<'t, 'a>) -> Option<Tokens<'t, 'a>> {
    let (first, tail) = tokens.split_first()?;
    let rest = if let TokenKind::Quoted(text) = &first.kind {
        text.iter().all(|octet| (0x20..0x7f).contains(octet)).then_some(tail)?
    } else {
        dot_atom(tokens, |octet| octet.is_ascii() && is_atext(octet))?
    };
    let (at, domain) = rest.split_first()?;
    let (first, tail) = domain.split_first()?;
    if !matches!(at.kind, TokenKind::At) || at.spaced || first.spaced {
        return None;
    }
    if let TokenKind::Literal(text) = first.kind {
        let written = domain::literal(text).ok()?;
        return (written.as_bytes() == [b"[", text, b"]"].concat()).then_some(tail);
    }
    dot_atom(domain, |octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

/// Atoms with single dots between them and no white space.
fn dot_atom<'t, 'a>(tokens: Tokens<'t, 'a>, fits: impl Fn(u8) -> bool) -> Option<Tokens<'t, 'a>> {
    let mut rest = tokens;
    loop {
        let [atom, tail @ ..] = rest else { return None };
        let TokenKind::Atom(text) = atom.kind else { return None };
        if !text.iter().all(|&octet| fits(octet))
            || text.starts_with(b"=?")
            || (atom.spaced && rest.len() < tokens.len())
        {
            return None;
        }
        match tail {
            [dot, more @ ..] if matches!(dot.kind, TokenKind::Dot) && !dot.spaced => rest = more,
            [..] => return Some(tail),
        }
    }
}
