//! Address lists, cut into their items (RFC 5322 sections 3.4 and 4.4).

use super::fault::SyntaxReason;
use super::item::{group_name, mailboxes};
use super::strict::is_strict;
use super::tokenizer::{Token, TokenKind, tokens};
use super::{AddrSpec, AddressFault, Entry, Mailbox};

/// A list, and how it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List {
    /// What it names, in order.
    pub entries: Vec<Entry>,
    /// Whether others read it alike.
    pub form: Form,
}

/// Whether others read a list as we do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// As RFC 5322 section 3.4 has it: everybody does.
    Strict,
    /// In one of the forms that people and programs write: somebody may find other addresses in it, or fewer.
    Loose,
}

/// Reads a header field's value, folded or not: [`read_list`] without the form.
///
/// # Errors
/// Those of [`read_list`].
pub fn parse_list(octets: &[u8]) -> Result<Vec<Entry>, AddressFault> {
    read_list(octets).map(|list| list.entries)
}

/// Reads a header field's value, folded or not.
///
/// Also read, because people and programs write it: `;` between addresses, empty items, a group that is never closed,
/// `a@x b@x` and `<a@x> <b@x>` without a comma, `a..b@x`, `<mailto:a@x>`, `'a@x'`. What nobody sees is white space around
/// an address. Encoded words (RFC 2047) are never decoded: what is in them
/// is never an address.
///
/// # Errors
/// [`AddressFault::Control`] for CR, LF outside folding, NUL anywhere, and any control character inside an address;
/// [`AddressFault::Syntax`] for what cannot be read in one way only, and for a character nobody sees inside an address.
pub fn read_list(octets: &[u8]) -> Result<List, AddressFault> {
    let text = unfolded(octets).ok_or_else(|| SyntaxReason::LineEnd.about(octets))?;
    let tokens = tokens(&text).map_err(|(reason, start)| reason.about(text.get(start..).unwrap_or_default()))?;
    let mut entries = Vec::new();
    let mut open: Option<(Vec<u8>, Vec<Mailbox>)> = None;
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        let (item, mark, after) = cut(rest);
        let quote = |reason: SyntaxReason| reason.about(source(&text, item));
        if matches!(mark, Some(TokenKind::Colon)) {
            if open.is_some() {
                return Err(quote(SyntaxReason::NestedGroup));
            }
            open = Some((group_name(item).map_err(quote)?, Vec::new()));
        } else {
            let mailboxes = mailboxes(item).map_err(quote)?;
            match open.take() {
                None => entries.extend(mailboxes.into_iter().map(Entry::Mailbox)),
                Some((display, mut members)) => {
                    members.extend(mailboxes);
                    if matches!(mark, Some(TokenKind::Semicolon)) {
                        entries.push(Entry::Group { display, members });
                    } else {
                        open = Some((display, members));
                    }
                }
            }
        }
        rest = after;
    }
    entries.extend(open.map(|(display, members)| Entry::Group { display, members }));
    let form = if is_strict(&tokens) { Form::Strict } else { Form::Loose };
    Ok(List { entries, form })
}

/// The fault of a list that held a line end or NUL where it came from.
pub fn line_end_in(octets: &[u8]) -> AddressFault {
    SyntaxReason::LineEnd.about(octets)
}

/// Reads an operand of the command line: a list on one line. Quotation marks around all of it were meant for a shell.
///
/// # Errors
/// As [`read_list`]; any CR or LF is [`AddressFault::Control`].
pub fn parse_operand(octets: &[u8]) -> Result<Vec<Entry>, AddressFault> {
    if octets.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        return Err(SyntaxReason::LineEnd.about(octets));
    }
    parse_list(unwrapped(octets))
}

/// What lies between a pair of quotation marks, if that holds addresses and no other such mark; else the text.
fn unwrapped(octets: &[u8]) -> &[u8] {
    let text = octets.trim_ascii();
    let [mark @ (b'"' | b'\''), inside @ .., end] = text else { return octets };
    let is_pair = mark == end && inside.contains(&b'@') && !inside.contains(mark);
    if is_pair { unwrapped(inside) } else { octets }
}

/// The address in a text that is no list, if there is exactly one: it may be named twice.
pub fn only_address(octets: &[u8]) -> Option<AddrSpec> {
    let text = unfolded(octets)?;
    let parts = text.split(|octet| octet.is_ascii_whitespace() || b"<>()[],;:\"".contains(octet));
    let mut addresses = parts.filter(|part| part.contains(&b'@')).map(parse_sender);
    let only = addresses.next()?.ok()??;
    addresses.all(|other| matches!(other, Ok(Some(other)) if other.same_own(&only))).then_some(only)
}

/// Reads the sender given with `-f`: `None` is the null sender, given as nothing or as `<>`.
///
/// # Errors
/// As [`parse_operand`]; a group, or more or less than one address, is [`AddressFault::Syntax`].
pub fn parse_sender(octets: &[u8]) -> Result<Option<AddrSpec>, AddressFault> {
    let text = octets.trim_ascii();
    let inside = text.strip_prefix(b"<").and_then(|text| text.strip_suffix(b">")).unwrap_or(text);
    if inside.trim_ascii().is_empty() && !octets.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        return Ok(None);
    }
    match <[Entry; 1]>::try_from(parse_operand(octets)?) {
        Ok([Entry::Mailbox(mailbox)]) => Ok(Some(mailbox.address)),
        Ok([Entry::Group { .. }]) | Err(_) => Err(SyntaxReason::OneExpected.about(octets)),
    }
}

/// The text on one line; `None` when it holds NUL or a CR or LF that is not folding.
fn unfolded(octets: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(octets.len());
    let mut rest = octets;
    loop {
        rest = match rest {
            [] => return Some(text),
            [b'\r', b'\n', tail @ ..] | [b'\n', tail @ ..] if matches!(tail, [b' ' | b'\t', ..]) => tail,
            [b'\r' | b'\n' | 0, ..] => return None,
            [octet, tail @ ..] => {
                text.push(*octet);
                tail
            }
        };
    }
}

/// Everything up to the next comma, semicolon or colon outside angle brackets, that mark, and what follows it.
fn cut<'t, 'a>(tokens: &'t [Token<'a>]) -> (&'t [Token<'a>], Option<&'t TokenKind<'a>>, &'t [Token<'a>]) {
    let mut inside = false;
    let mark = tokens.iter().position(|token| match token.kind {
        TokenKind::Open => {
            inside = true;
            false
        }
        TokenKind::Close => {
            inside = false;
            false
        }
        TokenKind::Comma | TokenKind::Semicolon | TokenKind::Colon => !inside,
        TokenKind::Atom(_)
        | TokenKind::EncodedWord(_)
        | TokenKind::Quoted(_)
        | TokenKind::Literal(_)
        | TokenKind::Comment(_) => false,
        TokenKind::Invisible(_) | TokenKind::Dot | TokenKind::At => false,
    });
    let (item, rest) = mark.and_then(|at| tokens.split_at_checked(at)).unwrap_or((tokens, &[]));
    match rest.split_first() {
        Some((mark, after)) => (item, Some(&mark.kind), after),
        None => (item, None, &[]),
    }
}

fn source<'a>(text: &'a [u8], item: &[Token<'_>]) -> &'a [u8] {
    let start = item.first().map_or(0, |token| token.start);
    let end = item.last().map_or(text.len(), |token| token.end);
    text.get(start..end).unwrap_or_default()
}
