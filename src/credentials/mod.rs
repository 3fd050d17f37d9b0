//! From an account to an access token: cached, renewed, or asked of a person.

mod secret;

pub use secret::Secret;

use std::time::SystemTime;

/// Permission to submit as one account, for about an hour.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The bearer token.
    pub token: Secret,
    /// When it stops working.
    pub expires_at: SystemTime,
    /// Where it came from; a refused cached one is renewed once.
    pub origin: Origin,
}

/// Where an access token came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// From the cache.
    Cached,
    /// From the token endpoint, just now.
    Renewed,
}
