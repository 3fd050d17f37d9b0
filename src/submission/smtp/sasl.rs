//! A SASL response: encoded in base64 (RFC 4954 section 4), wiped on drop.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One encoded response.
pub(super) struct Response(Zeroizing<Vec<u8>>);

impl Response {
    /// Encodes the parts, joined.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let plain = joined(parts);
        // Room for all of it from the start: a vector that grows leaves a copy behind.
        let mut encoded = Zeroizing::new(vec![0; plain.len().div_ceil(3) * 4]);
        let length = STANDARD.encode_slice(plain.as_slice(), &mut encoded).unwrap_or_default();
        encoded.truncate(length);
        Self(encoded)
    }

    /// `AUTH` with the response on the same line.
    pub(super) fn command_line(&self, mechanism: &str) -> Zeroizing<Vec<u8>> {
        joined(&[b"AUTH ", mechanism.as_bytes(), b" ", &self.0, b"\r\n"])
    }

    /// The response on its own line.
    pub(super) fn line(&self) -> Zeroizing<Vec<u8>> {
        joined(&[&self.0, b"\r\n"])
    }

    /// The response itself.
    pub(super) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

fn joined(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        whole.extend_from_slice(part);
    }
    whole
}
