//! XOAUTH2: the response that carries the token, wiped on drop (Microsoft's page on OAuth for IMAP, POP and SMTP).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use zeroize::Zeroizing;

use crate::credentials::AccessToken;

const COMMAND: &[u8] = b"AUTH XOAUTH2";

/// The encoded response.
pub(super) struct Response(Zeroizing<Vec<u8>>);

impl Response {
    pub(super) fn new(user: &Address, token: &AccessToken) -> Self {
        let user: &str = user.as_ref();
        let plain = joined(&[b"user=", user.as_bytes(), b"\x01auth=Bearer ", token.token.reveal(), b"\x01\x01"]);
        // Room for all of it from the start: a vector that grows leaves a copy behind.
        let mut encoded = Zeroizing::new(vec![0; plain.len().div_ceil(3) * 4]);
        let length = STANDARD.encode_slice(plain.as_slice(), &mut encoded).unwrap_or_default();
        encoded.truncate(length);
        Self(encoded)
    }

    /// `AUTH XOAUTH2` with the response on the same line.
    pub(super) fn command_line(&self) -> Zeroizing<Vec<u8>> {
        joined(&[COMMAND, b" ", &self.0, b"\r\n"])
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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::credentials::{Origin, Secret};

    fn response() -> Response {
        let token = AccessToken {
            token: Secret::from("ya29.vF9dft4qmT"),
            expires_at: SystemTime::UNIX_EPOCH,
            origin: Origin::Renewed,
        };
        Response::new(&"someuser@outlook.com".parse().unwrap(), &token)
    }

    #[test]
    fn the_response_is_as_microsoft_describes_it() {
        let encoded = "dXNlcj1zb21ldXNlckBvdXRsb29rLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVQBAQ==";
        assert_eq!(response().line().as_slice(), format!("{encoded}\r\n").as_bytes());
        assert_eq!(response().command_line().as_slice(), format!("AUTH XOAUTH2 {encoded}\r\n").as_bytes());
    }
}
