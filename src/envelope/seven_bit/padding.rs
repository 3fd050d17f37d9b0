//! White space at the end of lines that say where parts begin.

/// A boundary line without its end and transport padding (RFC 2046 section 5.1.1).
pub(super) fn unpadded(line: &[u8]) -> &[u8] {
    without_padding(line.strip_suffix(b"\r\n").unwrap_or(line))
}

/// Text without white space at its end.
pub(super) fn without_padding(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|octet| !matches!(octet, b' ' | b'\t')).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or(text)
}
