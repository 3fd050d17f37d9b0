//! Which fields have a syntax of their own: in all others a word may be encoded anywhere.

/// Lower case. RFC 5322, the MIME, DKIM, ARC and list standards, and fields that hold addresses or keys by custom.
const STRUCTURED: &[&str] = &[
    "arc-authentication-results",
    "arc-message-signature",
    "arc-seal",
    "archived-at",
    "authentication-results",
    "auto-submitted",
    "autocrypt",
    "bcc",
    "cc",
    "content-base",
    "content-disposition",
    "content-features",
    "content-id",
    "content-language",
    "content-location",
    "content-md5",
    "content-transfer-encoding",
    "content-type",
    "date",
    "deferred-delivery",
    "delivered-to",
    "delivery-date",
    "disposition-notification-options",
    "disposition-notification-to",
    "dkim-signature",
    "domainkey-signature",
    "errors-to",
    "expires",
    "expiry-date",
    "from",
    "in-reply-to",
    "list-archive",
    "list-help",
    "list-id",
    "list-owner",
    "list-post",
    "list-subscribe",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "mail-followup-to",
    "mail-reply-to",
    "message-id",
    "mime-version",
    "original-message-id",
    "original-recipient",
    "received",
    "received-spf",
    "references",
    "reply-by",
    "reply-to",
    "resent-bcc",
    "resent-cc",
    "resent-date",
    "resent-from",
    "resent-message-id",
    "resent-reply-to",
    "resent-sender",
    "resent-to",
    "return-path",
    "return-receipt-to",
    "sender",
    "solicitation",
    "supersedes",
    "to",
    "x-original-from",
    "x-original-to",
];

/// Whether the field `name` is structured (RFC 5322 section 2.2.2): words in it cannot be encoded at will.
pub fn is_structured(name: &str) -> bool {
    STRUCTURED.binary_search(&name.to_ascii_lowercase().as_str()).is_ok()
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
        assert!(STRUCTURED.is_sorted() && BROKEN_ANYWHERE.is_sorted());
        assert!(is_broken_anywhere("List-Post") && !is_broken_anywhere("List-Id"));
        assert!(is_broken_anywhere("ARC-Seal") && !is_broken_anywhere("ARC-Authentication-Results"));
        assert!(is_structured("Message-ID") && is_structured("to") && !is_structured("Subject"));
    }
}
