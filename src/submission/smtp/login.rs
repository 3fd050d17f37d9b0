//! LOGIN: user and password, each in answer to a prompt (never standardised; draft-murchison-sasl-login).

use crate::secret::Secret;
use crate::submission::smtp::sasl::Response;

/// The word in AUTH.
pub(super) const NAME: &str = "LOGIN";

/// What the prompts get, whatever they say.
pub(super) fn responses(user: &str, password: &Secret) -> [Response; 2] {
    [Response::of(&[user.as_bytes()]), Response::of(&[password.reveal()])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_then_password() {
        let [user, password] = responses("tim", &Secret::from("tanstaaf"));
        assert_eq!((user.reveal(), password.reveal()), (b"dGlt".as_slice(), b"dGFuc3RhYWY=".as_slice()));
    }
}
