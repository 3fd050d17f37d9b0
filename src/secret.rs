//! A secret: no Display, no Debug that tells, wiped on drop.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use zeroize::Zeroizing;

/// Octets nobody may see: tokens, passwords, token-endpoint answers.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the octets over.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The octets, for the wire and the store only.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text, when it is text.
    pub fn reveal_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

/// From JSON text, without a copy outside the secret unless the text has escapes. There is no `Serialize`: writing a
/// secret down takes a `reveal` one can search for.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::from(text))
            }
            fn visit_string<E>(self, text: String) -> Result<Secret, E> {
                Ok(Secret::new(text.into_bytes()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(redacted)");
    }

    #[test]
    fn json_gives_secrets_and_its_errors_do_not() {
        assert!(serde_json::from_str::<Secret>(r#""a\u0062c""#).unwrap() == Secret::from("abc"));
        assert!(serde_json::from_str::<Secret>("17").is_err());
    }
}
