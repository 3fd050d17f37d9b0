//! The only writer of header fields: of the message's own header, of parts, and of attached messages.

use crate::address::{AddressFault, Entry, Form, List, read_list, render_list};
use crate::header_text::{
    Disguised, FoldFault, Syntax, disguised, encode_structured, encode_unstructured, fold, revealed, syntax_of,
};

/// The field `name: value` as it goes out, every line ending CRLF; raw text that is not UTF-8 is in `charset` (empty
/// where nobody says). What is above 127 in it no rule encodes: see [`raw_text`]. A trace field that fits no lines goes
/// out under another name, as text: it stops no mail that is passed on.
///
/// # Errors
/// [`FoldFault`], for a name that is none and for a word of a structured field that fits no line.
pub(super) fn write_field(name: &str, value: &[u8], charset: &str) -> Result<Vec<u8>, FoldFault> {
    match write_under_its_name(name, value, charset) {
        Err(FoldFault::LongWord(_)) if is_trace(name) => {
            fold(&format!("X-Original-{name}"), &encode_unstructured(value.trim_ascii_start(), charset))
        }
        outcome => outcome,
    }
}

/// What servers on the way wrote (RFC 5321 section 4.4, RFC 8601, RFC 8617, RFC 6376): nothing here depends on it.
fn is_trace(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let plain = ["received", "received-spf", "authentication-results", "dkim-signature", "domainkey-signature"];
    plain.contains(&name.as_str())
        || name.starts_with("arc-")
        || ["delivered-to", "x-original-to", "original-recipient", "delivery-date"].contains(&name.as_str())
}

/// The same, whatever the name.
///
/// # Errors
/// Those of [`write_field`].
pub(super) fn write_under_its_name(name: &str, value: &[u8], charset: &str) -> Result<Vec<u8>, FoldFault> {
    // A field without the space behind its colon is legal, and nobody expects it.
    let value = value.trim_ascii_start();
    match syntax_of(name) {
        Syntax::Text => fold(name, &encode_unstructured(value, charset)),
        Syntax::Addresses => write_addresses(name, value, charset),
        syntax @ (Syntax::Phrases | Syntax::Parameters | Syntax::Marks) => {
            fold(name, &encode_structured(value, syntax, charset))
        }
    }
}

/// As they came where everybody reads them alike; else they are set anew, names in raw text encoded.
fn write_addresses(name: &str, value: &[u8], charset: &str) -> Result<Vec<u8>, FoldFault> {
    let hidden = disguised(value, charset);
    let list = read_list(&hidden.text);
    if hidden.text.is_ascii()
        && !is_set_anew(&list)
        && let Ok(as_it_came) = fold(name, value)
    {
        return Ok(as_it_came);
    }
    match readable(list, &hidden) {
        Some(entries) => fold(name, &render_list(&entries, hidden.charset)),
        None => fold(name, &encode_structured(value, Syntax::Addresses, charset)),
    }
}

/// Whether others could find other addresses in the list than we did.
fn is_set_anew(list: &Result<List, AddressFault>) -> bool {
    list.as_ref().is_ok_and(|list| list.form == Form::Loose && !list.entries.is_empty())
}

/// Whether a field is a list that others could read otherwise.
pub(super) fn is_read_otherwise(name: &str, value: &[u8]) -> bool {
    syntax_of(name) == Syntax::Addresses && is_set_anew(&read_list(value))
}

/// The list, unless an address of it holds what only a name may.
fn readable(list: Result<List, AddressFault>, hidden: &Disguised<'_>) -> Option<Vec<Entry>> {
    let entries = list.ok()?.entries;
    let is_plain = |address: String| revealed(address.as_bytes(), hidden.charset).len() == address.len();
    let are_plain = entries.iter().flat_map(Entry::mailboxes).all(|mailbox| is_plain(mailbox.address.to_wire()));
    are_plain.then_some(entries)
}

/// Whether a field whose characters have to be disguised can be read so: an address must not change by it.
pub(super) fn can_be_decoded(name: &str, value: &[u8], charset: &str) -> bool {
    let hidden = disguised(value, charset);
    let is_list = syntax_of(name) == Syntax::Addresses;
    hidden.is_needed() && (!is_list || readable(read_list(&hidden.text), &hidden).is_some())
}

/// What raw text a written field still holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum RawText {
    /// None.
    None,
    /// An address or an identifier in UTF-8 (RFC 6532): SMTPUTF8.
    Utf8,
    /// Octets nobody may encode: BODY=8BITMIME.
    EightBit,
}

/// Looks for it.
pub(super) fn raw_text(name: &str, field: &[u8]) -> RawText {
    let is_utf8 = std::str::from_utf8(field).is_ok();
    match syntax_of(name) {
        _ if field.is_ascii() => RawText::None,
        Syntax::Addresses | Syntax::Phrases if is_utf8 => RawText::Utf8,
        Syntax::Marks if is_utf8 && crate::header_text::is_identifier(name) => RawText::Utf8,
        Syntax::Text | Syntax::Addresses | Syntax::Phrases | Syntax::Parameters | Syntax::Marks => RawText::EightBit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::header_rules::{RULES, Role};
    use crate::envelope::{Alphabet, Desk, Letter, Stamp, Transfer};
    use crate::fake_world::{Fakes, account};
    use crate::invocation::{FlagValue, HeaderRecipients, Submit};
    use crate::message::{Dots, Message};
    use crate::world::memory_spool;

    fn written(name: &str, value: &[u8], charset: &str) -> String {
        write_field(name, value, charset).unwrap().escape_ascii().to_string()
    }

    #[test]
    fn fields_whose_addresses_count_are_read_as_addresses() {
        for rule in RULES {
            assert_eq!(rule.role != Role::None, syntax_of(rule.name) == Syntax::Addresses, "{}", rule.name);
        }
    }

    #[test]
    fn characters_are_read_before_marks() {
        assert_eq!(
            written("To", b"\"\x83\x5c\x83\x5c\" <a@b.org>, x@y.org", "shift_jis"),
            "To: =?shift_jis?B?g1yDXA==?= <a@b.org>, x@y.org\\r\\n"
        );
        assert_eq!(
            written("From", b"\x1b$B4\"(A;z\x1b(B <a@b.org>", ""),
            "From: =?iso-2022-jp?B?GyRCNCIoQTt6GyhC?= <a@b.org>\\r\\n"
        );
        assert_eq!(written("Subject", b"\xa5\x5c\xaf\xe0", "big5"), "Subject: =?big5?B?pVyv4A==?=\\r\\n");
    }

    #[test]
    fn nothing_is_masked() {
        for (name, value, left) in [
            ("Message-ID", "<ü@x>".as_bytes(), RawText::Utf8),
            ("References", b"<\xfc@x>", RawText::EightBit),
            ("To", "ü@x.org".as_bytes(), RawText::Utf8),
            ("Received", "from \"ü\" by x".as_bytes(), RawText::EightBit),
            ("Content-Type", b"multipart/mixed; boundary=\"\xfc\"", RawText::EightBit),
            ("Keywords", "Größe".as_bytes(), RawText::None),
        ] {
            let field = write_field(name, value, "").unwrap();
            assert_eq!(raw_text(name, &field), left, "{name}");
            assert!(!field.contains(&b'?') || left == RawText::None);
        }
    }

    /// What a message becomes: its letter and what the log says.
    fn sent(message: &[u8], from_header: bool) -> (Vec<u8>, Transfer, Alphabet, String) {
        let fakes = Fakes::default();
        let world = fakes.world();
        let account = account();
        let message = Message::read(&mut &*message, false, Dots::Content, memory_spool(), 1 << 20).unwrap();
        let mut submit = Submit { operands: vec![b"a@example.org".to_vec()], ..Submit::default() };
        submit.values = submit.values.with(FlagValue::FullName, *b"\x1b$B4A;z\x1b(B");
        if from_header {
            submit.operands.clear();
            submit.header_recipients = HeaderRecipients::Taken;
        }
        let desk = Desk::new(&world, &account, &world.caller, Stamp::now(&world));
        let mut letter = Letter::address(&submit, message, &desk).unwrap();
        let mut octets = Vec::new();
        letter.write(&mut octets).unwrap();
        let log = fakes.paper.log.borrow().clone();
        assert_eq!(letter.size(), octets.len() as u64);
        (octets, letter.transfer(), letter.alphabet(), log)
    }

    fn holds(octets: &[u8], wanted: &str) -> bool {
        memchr::memmem::find(octets, wanted.as_bytes()).is_some()
    }

    #[test]
    fn what_no_rule_encodes_is_sent_as_it_is_and_the_log_says_so() {
        let (octets, transfer, alphabet, log) = sent(b"Received: from \"\xfc\" by y\n\nx\n", false);
        assert!(octets.contains(&0xfc) && transfer == Transfer::EightBitMime && alphabet == Alphabet::Ascii);
        assert!(log.contains("the field Received holds 8-bit octets"), "{log}");
        let preamble = "Content-Type: multipart/mixed; boundary=b\n\nPrämbel\n--b\n\nx\n--b--\n";
        let (octets, transfer, _, log) = sent(preamble.as_bytes(), false);
        assert!(holds(&octets, "\r\nPrämbel\r\n") && transfer == Transfer::EightBitMime);
        assert!(log.contains("the body holds 8-bit octets"), "{log}");
        let (octets, transfer, alphabet, _) = sent("Message-ID: <ü@x.org>\n\nx\n".as_bytes(), false);
        assert!(holds(&octets, "Message-ID: <ü@x.org>\r\n"));
        assert_eq!((transfer, alphabet), (Transfer::SevenBit, Alphabet::Utf8));
    }

    #[test]
    fn iso_2022_is_read_before_anything_else() {
        let message = b"To: \x1b$B4\"(A;z\x1b(B <b@example.org>\nSubject: \x1b$B4A;z\x1b(B\n\nx\n";
        let (octets, transfer, _, _) = sent(message, true);
        assert!(octets.is_ascii() && transfer == Transfer::SevenBit);
        for field in [
            "To: =?iso-2022-jp?B?GyRCNCIoQTt6GyhC?= <b@example.org>\r\n",
            "Subject: =?iso-2022-jp?B?GyRCNEE7ehsoQg==?=\r\n",
            "From: =?iso-2022-jp?B?GyRCNEE7ehsoQg==?= <",
        ] {
            assert!(holds(&octets, field), "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn a_header_is_in_the_charset_of_the_first_text() {
        let message = b"Subject: \x83\x5c\x81\x5b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\
            Content-Type: text/plain; charset*=us-ascii''Shift_JIS\n\nx\n--b--\n";
        let (octets, ..) = sent(message, false);
        assert!(holds(&octets, "Subject: =?shift_jis?Q?=83\\=81[?=\r\n"), "{}", octets.escape_ascii());
        let (octets, ..) = sent(b"Subject: Gr\xfc\xdfe\n\nx\n", false);
        assert!(holds(&octets, "Subject: =?unknown-8bit?B?"), "{}", octets.escape_ascii());
    }
}
