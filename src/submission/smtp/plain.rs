//! PLAIN: user and password in one response (RFC 4616).

use crate::secret::Secret;
use crate::submission::smtp::sasl::Response;

/// The word in AUTH.
pub(super) const NAME: &str = "PLAIN";

/// No authorization identity: we act as whom we sign in as.
pub(super) fn response(user: &str, password: &Secret) -> Response {
    Response::of(&[b"\0", user.as_bytes(), b"\0", password.reveal()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_is_the_rfcs() {
        // RFC 4616 section 4: "tim" with "tanstaaftanstaaf".
        let response = response("tim", &Secret::from("tanstaaftanstaaf"));
        assert_eq!(response.reveal(), b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
    }
}
