//! What ends a line: LF with the CRs before it.

/// How many CRs before an LF belong to the line end; more are text. One is the rule, two are what a program makes of
/// CRLF that takes every LF for a line end of its own.
pub(super) const RETURNS: usize = 16;

/// A line without its end, and that end: LF and the CRs before it, or CRs alone at the end of all.
pub(super) fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let before = line.strip_suffix(b"\n").unwrap_or(line);
    line.split_at_checked(before.len() - returns_at_end(before)).unwrap_or((line, b""))
}

/// How many CRs at the end may belong to a line end whose LF is to come.
pub(super) fn returns_at_end(octets: &[u8]) -> usize {
    octets.iter().rev().take(RETURNS).take_while(|&&octet| octet == b'\r').count()
}
