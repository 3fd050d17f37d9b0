//! One item of an address list, read from its words and marks (RFC 5322 section 3.4, obsolete forms of 4.4).

use super::addr_spec::LOCAL;
use super::fault::Reason;
use super::tokenizer::{Kind, Token, is_atext};
use crate::words::is_hidden;
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

/// What stands between angle brackets. A source route is read and dropped (RFC 5321 section 4.1.2, appendix C), as is
/// what makes a link of an address.
fn path(mut tokens: &[Token<'_>]) -> Result<AddrSpec, Reason> {
    let mut link = false;
    if let Some((Token { kind: Kind::Atom(scheme), .. }, [Token { kind: Kind::Colon, .. }, tail @ ..])) = peek(tokens)
        && scheme.eq_ignore_ascii_case(b"mailto")
    {
        tokens = tail;
        link = true;
    }
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
        None if link && address.local.contains('%') => Err(Reason::Link),
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
        if let Some(character) = hidden_in_address(rest, token, word_may_follow).filter(|_| !local.is_empty()) {
            return Err(Reason::Invisible(character));
        }
        match &token.kind {
            Kind::Dot => local.push(b'.'),
            Kind::EncodedWord(_) if word_may_follow => return Err(Reason::EncodedWord),
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
            Kind::Atom(_) | Kind::EncodedWord(_) | Kind::Quoted(_) | Kind::Literal(_) | Kind::Comment(_) => break,
            Kind::Invisible(_) | Kind::At | Kind::Comma | Kind::Semicolon | Kind::Colon | Kind::Open => break,
            Kind::Close => break,
        }
        word_may_follow = matches!(token.kind, Kind::Dot);
        gaps |= gap;
        rest = tail;
    }
    if words == 0 || local.is_empty() {
        return Err(Reason::NoLocal);
    }
    let mut local = String::from_utf8(local).map_err(|_| Reason::LocalNotUtf8)?;
    if let Some(character) = local.chars().find(|character| character.is_control()) {
        return Err(Reason::Control(character));
    }
    if let Some(character) = local.chars().find(|character| is_hidden(*character)) {
        return Err(Reason::Invisible(character));
    }
    if local.len() > LOCAL {
        return Err(Reason::LocalLength);
    }
    let domain = match peek(rest) {
        Some((Token { kind: Kind::At, .. }, tail)) => {
            let opened = !quoted && local.starts_with('\'');
            let (domain, closed, tail) = domain_of(tail, opened)?;
            local = local.get(usize::from(closed)..).unwrap_or_default().to_owned();
            rest = tail;
            Some(domain)
        }
        _ if quoted && local.contains('@') => return Err(Reason::QuotedAddress),
        // `Dr. Who` is a name, not the local part `Dr.Who`.
        _ if gaps => return Err(Reason::Missing),
        _ => None,
    };
    if local.is_empty() {
        return Err(Reason::NoLocal);
    }
    if !quoted && local.starts_with("=?") && (domain.is_none() || local.ends_with("?=")) {
        return Err(Reason::EncodedWord);
    }
    Ok((AddrSpec { local, domain }, rest))
}

/// A domain from the front, and whether it ends in the mark that closes `'user@example.org'`.
fn domain_of<'t, 'a>(tokens: &'t [Token<'a>], opened: bool) -> Result<(String, bool, &'t [Token<'a>]), Reason> {
    if let Some((token @ Token { kind: Kind::Literal(content), .. }, tail)) = peek(tokens) {
        return match hidden_in_address(tokens, token, true) {
            Some(character) => Err(Reason::Invisible(character)),
            None => Ok((domain::literal(content)?, false, tail)),
        };
    }
    let mut name = Vec::new();
    let mut word_may_follow = true;
    let mut rest = tokens;
    while let Some((token, tail)) = peek(rest) {
        if let Some(character) = hidden_in_address(rest, token, word_may_follow) {
            return Err(Reason::Invisible(character));
        }
        match &token.kind {
            Kind::Dot => name.push(b'.'),
            Kind::Atom(text) if word_may_follow => name.extend_from_slice(text),
            Kind::Atom(_) | Kind::EncodedWord(_) | Kind::Quoted(_) | Kind::Literal(_) | Kind::Comment(_) => break,
            Kind::Invisible(_) | Kind::At | Kind::Comma | Kind::Semicolon | Kind::Colon | Kind::Open => break,
            Kind::Close => break,
        }
        word_may_follow = matches!(token.kind, Kind::Dot);
        rest = tail;
    }
    match name.as_slice() {
        [] => Err(Reason::NoDomain),
        octets => match octets.iter().find(|octet| octet.is_ascii_control()) {
            Some(&control) => Err(Reason::Control(char::from(control))),
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
        Kind::Dot | Kind::At => true,
        Kind::Atom(_) | Kind::EncodedWord(_) | Kind::Quoted(_) | Kind::Literal(_) => word_may_follow || !token.spaced,
        Kind::Comment(_) | Kind::Invisible(_) | Kind::Comma | Kind::Semicolon | Kind::Colon => false,
        Kind::Open | Kind::Close => false,
    };
    let before = rest.iter().take_while(|token| matches!(token.kind, Kind::Comment(_) | Kind::Invisible(_)));
    let mut hidden = before.filter_map(|token| match token.kind {
        Kind::Invisible(text) => text.chars().next(),
        Kind::Comment(_) | Kind::Atom(_) | Kind::EncodedWord(_) | Kind::Quoted(_) | Kind::Literal(_) => None,
        Kind::Dot | Kind::At | Kind::Comma | Kind::Semicolon | Kind::Colon | Kind::Open | Kind::Close => None,
    });
    hidden.next().filter(|_| is_inside)
}

/// A display name: its words, one space where there was white space. Names are written with dots, brackets and `@`
/// unquoted.
fn phrase(tokens: &[Token<'_>]) -> Result<Vec<u8>, Reason> {
    let mut text = Vec::new();
    let mut hidden_until = 0;
    for token in tokens {
        let word: &[u8] = match &token.kind {
            Kind::Comment(_) => continue,
            Kind::Invisible(_) if text.is_empty() => continue,
            Kind::Invisible(hidden) => hidden.as_bytes(),
            Kind::Atom(word) | Kind::EncodedWord(word) | Kind::Literal(word) => word,
            Kind::Quoted(word) => word,
            Kind::Dot => b".",
            Kind::At => b"@",
            Kind::Comma | Kind::Semicolon | Kind::Colon | Kind::Open | Kind::Close => return Err(Reason::Missing),
        };
        if token.spaced && !text.is_empty() && token.start != hidden_until {
            text.push(b' ');
        }
        if matches!(token.kind, Kind::Invisible(_)) {
            hidden_until = token.end;
        }
        if matches!(token.kind, Kind::Literal(_)) {
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
    let at = tokens.iter().position(|token| !matches!(token.kind, Kind::Comment(_) | Kind::Invisible(_)))?;
    tokens.get(at..)?.split_first()
}

/// The comments right behind an address: how a name was written before there were angle brackets.
fn take_comments(rest: &mut &[Token<'_>]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    while let Some((Token { kind: kind @ (Kind::Comment(_) | Kind::Invisible(_)), .. }, tail)) = rest.split_first() {
        if let Kind::Comment(content) = kind {
            text.extend(Some(b' ').filter(|_| !text.is_empty()));
            text.extend_from_slice(content.trim_ascii());
        }
        *rest = tail;
    }
    text
}

fn count_at(tokens: &[Token<'_>]) -> usize {
    tokens.iter().filter(|token| matches!(token.kind, Kind::At)).count()
}

fn misplaced(text: &[u8]) -> Reason {
    let control = text.iter().find(|octet| octet.is_ascii_control());
    control.map_or(Reason::LocalCharacter, |&control| Reason::Control(char::from(control)))
}
