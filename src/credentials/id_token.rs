//! The one thing we read in an id_token: whose mailbox it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD_INDIFFERENT;
use lettre::Address;
use serde::Deserialize;

use super::Secret;
use crate::words::SafeText;

/// The `email` claim, the mailbox's primary address. The signature needs no check: the token came over TLS from the
/// endpoint itself (OpenID Connect Core section 3.1.3.7, item 6).
pub(super) fn email(id_token: &Secret) -> Option<Address> {
    #[derive(Deserialize)]
    struct Claims {
        email: Option<String>,
    }
    let payload = id_token.reveal_text()?.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD_INDIFFERENT.decode(payload).ok()?).ok()?;
    // It is shown and written down: what SafeText would change is no address of anybody's.
    claims.email.filter(|email| SafeText::from(email.as_str()).whole() == email)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret {
        Secret::from(format!("e30.{}.sig", URL_SAFE_NO_PAD_INDIFFERENT.encode(claims)).as_str())
    }

    #[test]
    fn the_email_claim_is_the_address() {
        let address = email(&token(r#"{"aud":"x","email":"Some.One@outlook.com","preferred_username":"other@x.y"}"#));
        assert_eq!(address.unwrap().to_string(), "Some.One@outlook.com");
    }

    #[test]
    fn anything_else_is_no_address() {
        assert!(email(&token("{}")).is_none());
        assert!(email(&token(r#"{"email":"no address\r\n"}"#)).is_none());
        assert!(email(&token(r#"{"email":7}"#)).is_none());
        for hidden in ['\u{202e}', '\u{200b}', '\u{9b}', '\u{1b}'] {
            let claims = format!(r#"{{"email":"a{hidden}b@outlook.com"}}"#);
            assert!(email(&token(&claims)).is_none(), "{hidden:?}");
        }
        assert!(email(&Secret::from("opaque")).is_none());
        assert!(email(&Secret::from("a.!.c")).is_none());
    }
}
