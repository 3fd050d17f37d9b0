//! Proof key for code exchange (RFC 7636): whoever redeems the code is whoever asked for it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use super::Secret;
use crate::world::Random;

/// Octets of randomness in a verifier (section 7.1) and in a state.
const RANDOM_OCTETS: usize = 32;

/// A verifier nobody else knows; its S256 challenge may be seen by anybody.
pub(super) struct ProofKey {
    /// Shown to the token endpoint alone.
    pub(super) verifier: Secret,
    /// Shown to the authorization endpoint.
    pub(super) challenge: String,
}

impl ProofKey {
    pub(super) fn new(random: &dyn Random) -> Self {
        Self::of(&unguessable(random))
    }

    fn of(verifier: &str) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        Self { verifier: Secret::from(verifier), challenge }
    }
}

/// 43 characters that stay as they are in a URL.
pub(super) fn unguessable(random: &dyn Random) -> String {
    let mut octets = [0; RANDOM_OCTETS];
    random.fill(&mut octets);
    URL_SAFE_NO_PAD.encode(octets)
}

/// Whether two texts are the same, without telling by the time it takes how much of them is.
pub(super) fn same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |found, (one, other)| found | (one ^ other));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        let key = ProofKey::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(key.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn same_is_the_same_and_nothing_else() {
        assert!(same("abc", "abc") && same("", ""));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a") && !same("Abc", "abc"));
    }
}
