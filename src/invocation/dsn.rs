//! The wishes about notifications (RFC 3461), as arguments and SMTP's parameters say them.

/// The longest envelope id, xtext-encoded (RFC 3461 section 4.4).
const ENVELOPE_ID: usize = 100;

/// `never`, or a list of `success`, `failure`, `delay` (RFC 3461 section 4.1).
pub(crate) fn notify(value: &[u8]) -> Option<Vec<u8>> {
    let value = str::from_utf8(value).ok()?.to_ascii_uppercase();
    let mut words: Vec<&str> = Vec::new();
    for word in value.split(',').map(str::trim) {
        if !matches!(word, "NEVER" | "SUCCESS" | "FAILURE" | "DELAY") {
            return None;
        }
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.contains(&"NEVER") && words.len() > 1 {
        return None;
    }
    Some(words.join(",").into_bytes())
}

/// `full` or `hdrs` (RFC 3461 section 4.3).
pub(crate) fn return_what(value: &[u8]) -> Option<Vec<u8>> {
    let value = value.to_ascii_uppercase();
    matches!(value.as_slice(), b"FULL" | b"HDRS").then_some(value)
}

/// Printable US-ASCII, at most 100 octets as xtext (RFC 3461 section 4.4).
pub(crate) fn envelope_id(value: &[u8]) -> Option<Vec<u8>> {
    let printable = value.iter().all(|octet| matches!(octet, b' '..=b'~'));
    let encoded: usize = value.iter().map(|octet| if matches!(octet, b' ' | b'+' | b'=') { 3 } else { 1 }).sum();
    (printable && !value.is_empty() && encoded <= ENVELOPE_ID).then(|| value.to_vec())
}
