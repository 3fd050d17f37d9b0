//! One item of an address list, read from its words and marks (RFC 5322 section 3.4, obsolete forms of 4.4).

use super::addr_spec::LOCAL;
use super::fault::Reason;
use super::tokenizer::{Kind, Token};
use super::{AddrSpec, Mailbox, domain};

/// What stands before the colon of a group.
pub(super) fn group_name(item: &[Token<'_>]) -> Result<Vec<u8>, Reason> {
    if peek(item).is_none() || count_at(item) > 0 {
        return Err(Reason::GroupName);
    }
    phrase(item)
}

/// `Name <a@b>`, `a@b`, `name`, or several addresses without a comma.
pub(super) fn mailboxes(item: &[Token<'_>]) -> Result<Vec<Mailbox>, Reason> {
    let mut found = Vec::new();
    let mut rest = item;
    while let Some((before, inside, after)) = angle(rest)? {
        // `a@b <c@d>` is c@d with a name; with more than that, an address might be lost as somebody's name.
        if count_at(before) > usize::from(found.is_empty()) {
            return Err(Reason::Missing);
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
            return Err(Reason::Missing);
        }
        let (address, tail) = addr_spec(rest)?;
        rest = tail;
        found.push(Mailbox { display: take_comments(&mut rest), address });
    }
    // Bare words beside an address are a name without its brackets, or several local names without commas.
    let nameless = |mailbox: &Mailbox| mailbox.address.domain.is_none();
    if found.len() > 1 && found.iter().skip(in_brackets).any(nameless) {
        return Err(Reason::Missing);
    }
    Ok(found)
}

type Split<'t, 'a> = (&'t [Token<'a>], &'t [Token<'a>], &'t [Token<'a>]);

/// What lies before, inside and after the first pair of angle brackets.
fn angle<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<Option<Split<'t, 'a>>, Reason> {
    let Some(open) = tokens.iter().position(|token| matches!(token.kind, Kind::Open)) else {
        return Ok(None);
    };
    let (before, rest) = tokens.split_at_checked(open).unwrap_or((tokens, &[]));
    let inner = rest.get(1..).unwrap_or_default();
    let close = inner.iter().position(|token| matches!(token.kind, Kind::Close | Kind::Open));
    let (inside, rest) = close.and_then(|at| inner.split_at_checked(at)).ok_or(Reason::OpenAngle)?;
    match rest.split_first() {
        Some((Token { kind: Kind::Close, .. }, after)) => Ok(Some((before, inside, after))),
        _ => Err(Reason::OpenAngle),
    }
}

/// What stands between angle brackets. A source route is read and dropped (RFC 5321 section 4.1.2, appendix C).
fn path(mut tokens: &[Token<'_>]) -> Result<AddrSpec, Reason> {
    if let Some((Token { kind: Kind::At, .. }, _)) = peek(tokens) {
        let colon = tokens.iter().position(|token| matches!(token.kind, Kind::Colon)).ok_or(Reason::Route)?;
        tokens = tokens.get(colon + 1..).unwrap_or_default();
    }
    if peek(tokens).is_none() {
        return Err(Reason::EmptyAngle);
    }
    let (address, rest) = addr_spec(tokens)?;
    match peek(rest) {
        Some(_) => Err(Reason::TwoAddresses),
        None => Ok(address),
    }
}

/// One address from the front, white space around dots and `@` allowed (RFC 5322 section 4.4).
fn addr_spec<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<(AddrSpec, &'t [Token<'a>]), Reason> {
    let mut local = Vec::new();
    let (mut word_may_follow, mut words, mut quoted, mut gaps) = (true, 0_usize, false, false);
    let mut rest = tokens;
    while let Some((token, tail)) = peek(rest) {
        let gap = token.spaced && !local.is_empty();
        match &token.kind {
            Kind::Dot => local.push(b'.'),
            Kind::Atom(text) if word_may_follow => {
                if !text.iter().all(|&octet| is_atext(octet)) {
                    return Err(misplaced(text));
                }
                local.extend_from_slice(text);
                words += 1;
            }
            Kind::Quoted(text) if word_may_follow => {
                local.extend_from_slice(text);
                words += 1;
                quoted = true;
            }
            Kind::Atom(_) | Kind::Quoted(_) | Kind::Literal(_) | Kind::Comment(_) | Kind::At | Kind::Comma => break,
            Kind::Semicolon | Kind::Colon | Kind::Open | Kind::Close => break,
        }
        word_may_follow = matches!(token.kind, Kind::Dot);
        gaps |= gap;
        rest = tail;
    }
    if words == 0 || local.is_empty() {
        return Err(Reason::NoLocal);
    }
    let local = String::from_utf8(local).map_err(|_| Reason::LocalNotUtf8)?;
    if local.chars().any(char::is_control) {
        return Err(Reason::Control);
    }
    if local.len() > LOCAL {
        return Err(Reason::LocalLength);
    }
    let domain = match peek(rest) {
        Some((Token { kind: Kind::At, .. }, tail)) => {
            let (domain, tail) = domain_of(tail)?;
            rest = tail;
            Some(domain)
        }
        _ if quoted && local.contains('@') => return Err(Reason::QuotedAddress),
        // `Dr. Who` is a name, not the local part `Dr.Who`.
        _ if gaps => return Err(Reason::Missing),
        _ => None,
    };
    if !quoted && local.starts_with("=?") && (domain.is_none() || local.ends_with("?=")) {
        return Err(Reason::EncodedWord);
    }
    Ok((AddrSpec { local, domain }, rest))
}

fn domain_of<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<(String, &'t [Token<'a>]), Reason> {
    if let Some((Token { kind: Kind::Literal(content), .. }, tail)) = peek(tokens) {
        return Ok((domain::literal(content)?, tail));
    }
    let mut name = Vec::new();
    let mut word_may_follow = true;
    let mut rest = tokens;
    while let Some((token, tail)) = peek(rest) {
        match &token.kind {
            Kind::Dot => name.push(b'.'),
            Kind::Atom(text) if word_may_follow => name.extend_from_slice(text),
            Kind::Atom(_) | Kind::Quoted(_) | Kind::Literal(_) | Kind::Comment(_) | Kind::At | Kind::Comma => break,
            Kind::Semicolon | Kind::Colon | Kind::Open | Kind::Close => break,
        }
        word_may_follow = matches!(token.kind, Kind::Dot);
        rest = tail;
    }
    match name.as_slice() {
        [] => Err(Reason::NoDomain),
        octets if octets.iter().any(u8::is_ascii_control) => Err(Reason::Control),
        octets => Ok((domain::name(octets)?, rest)),
    }
}

/// A display name: its words, one space where there was white space. Names are written with dots, brackets and `@`
/// unquoted.
fn phrase(tokens: &[Token<'_>]) -> Result<Vec<u8>, Reason> {
    let mut text = Vec::new();
    for token in tokens {
        let word: &[u8] = match &token.kind {
            Kind::Comment(_) => continue,
            Kind::Atom(word) | Kind::Literal(word) => word,
            Kind::Quoted(word) => word,
            Kind::Dot => b".",
            Kind::At => b"@",
            Kind::Comma | Kind::Semicolon | Kind::Colon | Kind::Open | Kind::Close => return Err(Reason::Missing),
        };
        if token.spaced && !text.is_empty() {
            text.push(b' ');
        }
        if matches!(token.kind, Kind::Literal(_)) {
            text.push(b'[');
            text.extend_from_slice(word);
            text.push(b']');
        } else {
            text.extend_from_slice(word);
        }
    }
    Ok(text.trim_ascii().to_vec())
}

/// The first token that is no comment, and what follows it.
fn peek<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(&'t Token<'a>, &'t [Token<'a>])> {
    let at = tokens.iter().position(|token| !matches!(token.kind, Kind::Comment(_)))?;
    tokens.get(at..)?.split_first()
}

/// The comments right behind an address: how a name was written before there were angle brackets.
fn take_comments(rest: &mut &[Token<'_>]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    while let Some((Token { kind: Kind::Comment(content), .. }, tail)) = rest.split_first() {
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(content.trim_ascii());
        *rest = tail;
    }
    text
}

fn count_at(tokens: &[Token<'_>]) -> usize {
    tokens.iter().filter(|token| matches!(token.kind, Kind::At)).count()
}

/// RFC 5322 section 3.2.3, with UTF-8 (RFC 6532 section 3.2).
pub(super) fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || !octet.is_ascii() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

fn misplaced(text: &[u8]) -> Reason {
    if text.iter().any(u8::is_ascii_control) { Reason::Control } else { Reason::LocalCharacter }
}
