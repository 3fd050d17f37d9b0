//! Which fields have a syntax of their own: in all others a word may be encoded anywhere. The only such table.

/// What a field's value consists of, and so what can be encoded in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Syntax {
    /// Free text: any word of it.
    Text,
    /// A list of addresses: the names beside them, and comments.
    Addresses,
    /// Words beside identifiers: words, quoted strings, comments.
    Phrases,
    /// MIME parameters: their values, and comments.
    Parameters,
    /// Anything else: comments.
    Marks,
}

/// Lower case. RFC 5322, the MIME, DKIM, ARC and list standards, and fields that hold addresses or keys by custom.
const STRUCTURED: &[(&str, Syntax)] = &[
    ("apparently-to", Syntax::Addresses),
    ("arc-authentication-results", Syntax::Marks),
    ("arc-message-signature", Syntax::Marks),
    ("arc-seal", Syntax::Marks),
    ("archived-at", Syntax::Marks),
    ("authentication-results", Syntax::Marks),
    ("auto-submitted", Syntax::Marks),
    ("autocrypt", Syntax::Marks),
    ("bcc", Syntax::Addresses),
    ("cc", Syntax::Addresses),
    ("content-base", Syntax::Marks),
    ("content-disposition", Syntax::Parameters),
    ("content-features", Syntax::Marks),
    ("content-id", Syntax::Marks),
    ("content-language", Syntax::Marks),
    ("content-location", Syntax::Marks),
    ("content-transfer-encoding", Syntax::Marks),
    ("content-type", Syntax::Parameters),
    ("date", Syntax::Marks),
    ("deferred-delivery", Syntax::Marks),
    ("delivered-to", Syntax::Marks),
    ("delivery-date", Syntax::Marks),
    ("disposition-notification-options", Syntax::Marks),
    ("disposition-notification-to", Syntax::Addresses),
    ("dkim-signature", Syntax::Marks),
    ("domainkey-signature", Syntax::Marks),
    ("errors-to", Syntax::Addresses),
    ("expires", Syntax::Marks),
    ("expiry-date", Syntax::Marks),
    ("from", Syntax::Addresses),
    ("in-reply-to", Syntax::Phrases),
    ("list-archive", Syntax::Marks),
    ("list-help", Syntax::Marks),
    ("list-id", Syntax::Phrases),
    ("list-owner", Syntax::Marks),
    ("list-post", Syntax::Marks),
    ("list-subscribe", Syntax::Marks),
    ("list-unsubscribe", Syntax::Marks),
    ("list-unsubscribe-post", Syntax::Marks),
    ("mail-followup-to", Syntax::Addresses),
    ("mail-reply-to", Syntax::Addresses),
    ("message-id", Syntax::Marks),
    ("mime-version", Syntax::Marks),
    ("original-message-id", Syntax::Marks),
    ("original-recipient", Syntax::Marks),
    ("received", Syntax::Marks),
    ("received-spf", Syntax::Marks),
    ("references", Syntax::Phrases),
    ("reply-by", Syntax::Marks),
    ("reply-to", Syntax::Addresses),
    ("resent-bcc", Syntax::Addresses),
    ("resent-cc", Syntax::Addresses),
    ("resent-date", Syntax::Marks),
    ("resent-from", Syntax::Addresses),
    ("resent-message-id", Syntax::Marks),
    ("resent-reply-to", Syntax::Addresses),
    ("resent-sender", Syntax::Addresses),
    ("resent-to", Syntax::Addresses),
    ("return-path", Syntax::Marks),
    ("return-receipt-to", Syntax::Addresses),
    ("sender", Syntax::Addresses),
    ("solicitation", Syntax::Marks),
    ("supersedes", Syntax::Marks),
    ("to", Syntax::Addresses),
    ("x-original-from", Syntax::Marks),
    ("x-original-to", Syntax::Marks),
];

/// The syntax of the field `name` (RFC 5322 section 2.2.2).
pub(crate) fn syntax_of(name: &str) -> Syntax {
    let name = name.to_ascii_lowercase();
    let row = STRUCTURED.binary_search_by(|(row, _)| (*row).cmp(&name)).ok().and_then(|at| STRUCTURED.get(at));
    row.map_or(Syntax::Text, |(_, syntax)| *syntax)
}

/// Whether the field `name` holds identifiers and nothing else (RFC 5322 section 3.6.4).
pub(crate) fn is_identifier(name: &str) -> bool {
    ["message-id", "resent-message-id", "original-message-id", "content-id", "supersedes"]
        .iter()
        .any(|identifier| identifier.eq_ignore_ascii_case(name))
}

/// Lower case, sorted. White space means nothing anywhere in the long words of these: base64 in signatures and keys (RFC
/// 6376 section 3.5, RFC 8617 section 4.1), the addresses of web pages in angle brackets (RFC 2369 section 2).
const BROKEN_ANYWHERE: &[&str] = &[
    "arc-message-signature",
    "arc-seal",
    "archived-at",
    "autocrypt",
    "dkim-signature",
    "domainkey-signature",
    "list-archive",
    "list-help",
    "list-owner",
    "list-post",
    "list-subscribe",
    "list-unsubscribe",
];

/// Whether a long word of the field `name` may be cut; in any other a space would change it.
pub(super) fn is_broken_anywhere(name: &str) -> bool {
    BROKEN_ANYWHERE.binary_search(&name.to_ascii_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(STRUCTURED.is_sorted_by_key(|(name, _)| *name) && BROKEN_ANYWHERE.is_sorted());
        assert!(is_broken_anywhere("List-Post") && !is_broken_anywhere("List-Id"));
        assert!(is_broken_anywhere("ARC-Seal") && !is_broken_anywhere("ARC-Authentication-Results"));
        assert_eq!(syntax_of("Message-ID"), Syntax::Marks);
        assert_eq!(syntax_of("to"), Syntax::Addresses);
        assert_eq!(syntax_of("Keywords"), Syntax::Text);
    }
}
