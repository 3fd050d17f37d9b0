//! One item of an address list, read from its words and marks (RFC 5322 section 3.4, obsolete forms of 4.4).

use super::addr_spec::LOCAL;
use super::fault::SyntaxReason;
use super::tokenizer::{Token, TokenKind, is_atext};
use super::{AddrSpec, Mailbox, domain};
use crate::words::is_hidden;

/// What stands before the colon of a group.
pub(super) fn group_name(item: &[Token<'_>]) -> Result<Vec<u8>, SyntaxReason> {
    if peek(item).is_none() || count_at(item) > 0 {
        return Err(SyntaxReason::GroupName);
    }
    phrase(item)
}

/// `Name <a@b>`, `a@b`, `name`, or several addresses without a comma.
pub(super) fn mailboxes(item: &[Token<'_>]) -> Result<Vec<Mailbox>, SyntaxReason> {
    let mut found = Vec::new();
    let mut rest = item;
    while let Some((before, inside, after)) = angle(rest)? {
        // `a@b <c@d>` is c@d with a name; with more than that, an address might be lost as somebody's name.
        if count_at(before) > usize::from(found.is_empty()) {
            return Err(SyntaxReason::Missing);
        }
        rest = after;
        let comment = take_comments(&mut rest);
        let name = phrase(before)?;
        let display = if name.is_empty() { comment } else { name };
        found.push(Mailbox { display, address: path(inside)? });
    }
    let in_brackets = found.len();
    while let Some((token, _)) = peek(rest) {
        if !found.is_empty() && !token.spaced {
            return Err(SyntaxReason::Missing);
        }
        let (address, tail) = addr_spec(rest)?;
        rest = tail;
        found.push(Mailbox { display: take_comments(&mut rest), address });
    }
    // Bare words beside an address are a name without its brackets, or several local names without commas.
    let nameless = |mailbox: &Mailbox| mailbox.address.domain.is_none();
    if found.len() > 1 && found.iter().skip(in_brackets).any(nameless) {
        return Err(SyntaxReason::Missing);
    }
    Ok(found)
}

type Split<'t, 'a> = (&'t [Token<'a>], &'t [Token<'a>], &'t [Token<'a>]);

/// What lies before, inside and after the first pair of angle brackets.
fn angle<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<Option<Split<'t, 'a>>, SyntaxReason> {
    let Some(open) = tokens.iter().position(|token| matches!(token.kind, TokenKind::Open)) else {
        return Ok(None);
    };
    let (before, rest) = tokens.split_at_checked(open).unwrap_or((tokens, &[]));
    let inner = rest.get(1..).unwrap_or_default();
    let close = inner.iter().position(|token| matches!(token.kind, TokenKind::Close | TokenKind::Open));
    let (inside, rest) = close.and_then(|at| inner.split_at_checked(at)).ok_or(SyntaxReason::OpenAngle)?;
    match rest.split_first() {
        Some((Token { kind: TokenKind::Close, .. }, after)) => Ok(Some((before, inside, after))),
        _ => Err(SyntaxReason::OpenAngle),
    }
}

/// What stands between angle brackets. A source route is read and dropped (RFC 5321 section 4.1.2, appendix C), as is
/// what makes a link of an address.
fn path(mut tokens: &[Token<'_>]) -> Result<AddrSpec, SyntaxReason> {
    let mut link = false;
    if let Some((Token { kind: TokenKind::Atom(scheme), .. }, [Token { kind: TokenKind::Colon, .. }, tail @ ..])) =
        peek(tokens)
        && scheme.eq_ignore_ascii_case(b"mailto")
    {
        tokens = tail;
        link = true;
    }
    if let Some((Token { kind: TokenKind::At, .. }, _)) = peek(tokens) {
        let colon =
            tokens.iter().position(|token| matches!(token.kind, TokenKind::Colon)).ok_or(SyntaxReason::Route)?;
        tokens = tokens.get(colon + 1..).unwrap_or_default();
    }
    if peek(tokens).is_none() {
        return Err(SyntaxReason::EmptyAngle);
    }
    let (address, rest) = addr_spec(tokens)?;
    match peek(rest) {
        Some(_) => Err(SyntaxReason::TwoAddresses),
        None if link && address.local.contains('%') => Err(SyntaxReason::Link),
        None => Ok(address),
    }
}

/// One address from the front, white space around dots and `@` allowed (RFC 5322 section 4.4).
fn addr_spec<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<(AddrSpec, &'t [Token<'a>]), SyntaxReason> {
    let mut local = Vec::new();
    let (mut word_may_follow, mut words, mut quoted, mut gaps) = (true, 0_usize, false, false);
    let mut rest = tokens;
    while let Some((token, tail)) = peek(rest) {
        let gap = token.spaced && !local.is_empty();
        if let Some(character) = hidden_in_address(rest, token, word_may_follow).filter(|_| !local.is_empty()) {
            return Err(SyntaxReason::Invisible(character));
        }
        match &token.kind {
            TokenKind::Dot => local.push(b'.'),
            TokenKind::EncodedWord(_) if word_may_follow => return Err(SyntaxReason::EncodedWord),
            TokenKind::Atom(text) if word_may_follow => {
                if !text.iter().all(|&octet| is_atext(octet)) {
                    return Err(misplaced(text));
                }
                local.extend_from_slice(text);
                words += 1;
            }
            TokenKind::Quoted(text) if word_may_follow => {
                local.extend_from_slice(text);
                words += 1;
                quoted = true;
            }
            TokenKind::Atom(_)
            | TokenKind::EncodedWord(_)
            | TokenKind::Quoted(_)
            | TokenKind::Literal(_)
            | TokenKind::Comment(_) => break,
            TokenKind::Invisible(_)
            | TokenKind::At
            | TokenKind::Comma
            | TokenKind::Semicolon
            | TokenKind::Colon
            | TokenKind::Open => break,
            TokenKind::Close => break,
        }
        word_may_follow = matches!(token.kind, TokenKind::Dot);
        gaps |= gap;
        rest = tail;
    }
    if words == 0 || local.is_empty() {
        return Err(SyntaxReason::NoLocal);
    }
    let mut local = String::from_utf8(local).map_err(|_| SyntaxReason::LocalNotUtf8)?;
    if let Some(character) = local.chars().find(|character| character.is_control()) {
        return Err(SyntaxReason::Control(character));
    }
    if let Some(character) = local.chars().find(|character| is_hidden(*character)) {
        return Err(SyntaxReason::Invisible(character));
    }
    if local.len() > LOCAL {
        return Err(SyntaxReason::LocalLength);
    }
    let domain = match peek(rest) {
        Some((Token { kind: TokenKind::At, .. }, tail)) => {
            let opened = !quoted && local.starts_with('\'');
            let (domain, closed, tail) = domain_of(tail, opened)?;
            local = local.get(usize::from(closed)..).unwrap_or_default().to_owned();
            rest = tail;
            Some(domain)
        }
        _ if quoted && local.contains('@') => return Err(SyntaxReason::QuotedAddress),
        // `Dr. Who` is a name, not the local part `Dr.Who`.
        _ if gaps => return Err(SyntaxReason::Missing),
        _ => None,
    };
    if local.is_empty() {
        return Err(SyntaxReason::NoLocal);
    }
    if !quoted && local.starts_with("=?") && (domain.is_none() || local.ends_with("?=")) {
        return Err(SyntaxReason::EncodedWord);
    }
    Ok((AddrSpec { local, domain }, rest))
}

/// A domain from the front, and whether it ends in the mark that closes `'user@example.org'`.
fn domain_of<'t, 'a>(tokens: &'t [Token<'a>], opened: bool) -> Result<(String, bool, &'t [Token<'a>]), SyntaxReason> {
    if let Some((token @ Token { kind: TokenKind::Literal(content), .. }, tail)) = peek(tokens) {
        return match hidden_in_address(tokens, token, true) {
            Some(character) => Err(SyntaxReason::Invisible(character)),
            None => Ok((domain::literal(content)?, false, tail)),
        };
    }
    let mut name = Vec::new();
    let mut word_may_follow = true;
    let mut rest = tokens;
    while let Some((token, tail)) = peek(rest) {
        if let Some(character) = hidden_in_address(rest, token, word_may_follow) {
            return Err(SyntaxReason::Invisible(character));
        }
        match &token.kind {
            TokenKind::Dot => name.push(b'.'),
            TokenKind::Atom(text) if word_may_follow => name.extend_from_slice(text),
            TokenKind::Atom(_)
            | TokenKind::EncodedWord(_)
            | TokenKind::Quoted(_)
            | TokenKind::Literal(_)
            | TokenKind::Comment(_) => break,
            TokenKind::Invisible(_)
            | TokenKind::At
            | TokenKind::Comma
            | TokenKind::Semicolon
            | TokenKind::Colon
            | TokenKind::Open => break,
            TokenKind::Close => break,
        }
        word_may_follow = matches!(token.kind, TokenKind::Dot);
        rest = tail;
    }
    match name.as_slice() {
        [] => Err(SyntaxReason::NoDomain),
        octets => match octets.iter().find(|octet| octet.is_ascii_control()) {
            Some(&control) => Err(SyntaxReason::Control(char::from(control))),
            None => {
                let inside = octets.strip_suffix(b"'").filter(|_| opened);
                Ok((domain::name(inside.unwrap_or(octets))?, inside.is_some(), rest))
            }
        },
    }
}

/// A character that nobody sees before `token`, the first of `rest`, where it would be inside an address: between its
/// parts, or where it alone keeps a word from being more of it.
fn hidden_in_address(rest: &[Token<'_>], token: &Token<'_>, word_may_follow: bool) -> Option<char> {
    let is_inside = match token.kind {
        TokenKind::Dot | TokenKind::At => true,
        TokenKind::Atom(_) | TokenKind::EncodedWord(_) | TokenKind::Quoted(_) | TokenKind::Literal(_) => {
            word_may_follow || !token.spaced
        }
        TokenKind::Comment(_)
        | TokenKind::Invisible(_)
        | TokenKind::Comma
        | TokenKind::Semicolon
        | TokenKind::Colon => false,
        TokenKind::Open | TokenKind::Close => false,
    };
    let before = rest.iter().take_while(|token| matches!(token.kind, TokenKind::Comment(_) | TokenKind::Invisible(_)));
    let mut hidden = before.filter_map(|token| match token.kind {
        TokenKind::Invisible(text) => text.chars().next(),
        TokenKind::Comment(_)
        | TokenKind::Atom(_)
        | TokenKind::EncodedWord(_)
        | TokenKind::Quoted(_)
        | TokenKind::Literal(_) => None,
        TokenKind::Dot
        | TokenKind::At
        | TokenKind::Comma
        | TokenKind::Semicolon
        | TokenKind::Colon
        | TokenKind::Open
        | TokenKind::Close => None,
    });
    hidden.next().filter(|_| is_inside)
}

/// A display name: its words, one space where there was white space. Names are written with dots, brackets and `@`
/// unquoted.
fn phrase(tokens: &[Token<'_>]) -> Result<Vec<u8>, SyntaxReason> {
    let mut text = Vec::new();
    let mut hidden_until = 0;
    for token in tokens {
        let word: &[u8] = match &token.kind {
            TokenKind::Comment(_) => continue,
            TokenKind::Invisible(_) if text.is_empty() => continue,
            TokenKind::Invisible(hidden) => hidden.as_bytes(),
            TokenKind::Atom(word) | TokenKind::EncodedWord(word) | TokenKind::Literal(word) => word,
            TokenKind::Quoted(word) => word,
            TokenKind::Dot => b".",
            TokenKind::At => b"@",
            TokenKind::Comma | TokenKind::Semicolon | TokenKind::Colon | TokenKind::Open | TokenKind::Close => {
                return Err(SyntaxReason::Missing);
            }
        };
        if token.spaced && !text.is_empty() && token.start != hidden_until {
            text.push(b' ');
        }
        if matches!(token.kind, TokenKind::Invisible(_)) {
            hidden_until = token.end;
        }
        if matches!(token.kind, TokenKind::Literal(_)) {
            text.push(b'[');
            text.extend_from_slice(word);
            text.push(b']');
        } else {
            text.extend_from_slice(word);
        }
    }
    let trimmed = std::str::from_utf8(&text).map_or(text.trim_ascii(), |text| text.trim().as_bytes());
    Ok(trimmed.to_vec())
}

/// The first token that means something, and what follows it.
fn peek<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(&'t Token<'a>, &'t [Token<'a>])> {
    let at = tokens.iter().position(|token| !matches!(token.kind, TokenKind::Comment(_) | TokenKind::Invisible(_)))?;
    tokens.get(at..)?.split_first()
}

/// The comments right behind an address: how a name was written before there were angle brackets.
fn take_comments(rest: &mut &[Token<'_>]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    while let Some((Token { kind: kind @ (TokenKind::Comment(_) | TokenKind::Invisible(_)), .. }, tail)) =
        rest.split_first()
    {
        if let TokenKind::Comment(content) = kind {
            text.extend(Some(b' ').filter(|_| !text.is_empty()));
            text.extend_from_slice(content.trim_ascii());
        }
        *rest = tail;
    }
    text
}

fn count_at(tokens: &[Token<'_>]) -> usize {
    tokens.iter().filter(|token| matches!(token.kind, TokenKind::At)).count()
}

fn misplaced(text: &[u8]) -> SyntaxReason {
    let control = text.iter().find(|octet| octet.is_ascii_control());
    control.map_or(SyntaxReason::LocalCharacter, |&control| SyntaxReason::Control(char::from(control)))
}
