//! Whom a foreign From claims to be, its list readable or not.

use crate::address::{Entry, Mailbox, only_address};
use crate::message::Field;

/// The name of whoever is named first, the address readable or not.
pub(super) fn first_name(entries: &[Entry], value: &[u8]) -> Vec<u8> {
    match entries.iter().flat_map(Entry::mailboxes).next() {
        Some(mailbox) => mailbox.display.clone(),
        None => name_before_bracket(value),
    }
}

/// The one address in a From that is no list, such as `Dr. Who who@example.org`, with the name before it.
pub(super) fn salvaged(original: &Field) -> Vec<Entry> {
    let text = original.unfolded();
    let mailbox = |address| Entry::Mailbox(Mailbox { display: name_before_bracket(&text), address });
    only_address(&text).map(mailbox).into_iter().collect()
}

/// The name in a From whose address cannot be read, such as `systemd <root@>`.
fn name_before_bracket(value: &[u8]) -> Vec<u8> {
    let bracket = value.iter().position(|&octet| octet == b'<');
    let word = value.iter().position(|&octet| octet == b'@').map(|at| {
        let before = value.get(..at).unwrap_or_default();
        before.iter().rposition(u8::is_ascii_whitespace).unwrap_or_default()
    });
    let Some(end) = bracket.into_iter().chain(word).min() else { return Vec::new() };
    let name = value.get(..end).unwrap_or_default().trim_ascii();
    let unquoted = name.strip_prefix(b"\"").map(|name| name.strip_suffix(b"\"").unwrap_or(name));
    unquoted.unwrap_or(name).to_vec()
}
