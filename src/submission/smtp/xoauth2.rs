//! XOAUTH2: the response that carries the token (Microsoft's page on OAuth for IMAP, POP and SMTP).

use crate::secret::Secret;
use crate::submission::smtp::sasl::Response;

/// The word in AUTH.
pub(super) const NAME: &str = "XOAUTH2";

/// User and token.
pub(super) fn response(user: &str, token: &Secret) -> Response {
    Response::of(&[b"user=", user.as_bytes(), b"\x01auth=Bearer ", token.reveal(), b"\x01\x01"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_is_as_microsoft_describes_it() {
        let response = response("someuser@outlook.com", &Secret::from("ya29.vF9dft4qmT"));
        let encoded = "dXNlcj1zb21ldXNlckBvdXRsb29rLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVQBAQ==";
        assert_eq!(response.line().as_slice(), format!("{encoded}\r\n").as_bytes());
        assert_eq!(response.command_line(NAME).as_slice(), format!("AUTH XOAUTH2 {encoded}\r\n").as_bytes());
    }
}
