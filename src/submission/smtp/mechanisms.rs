//! The ways of signing in (SASL mechanisms), in one table, the best first.

use crate::credentials::Credential;
use crate::secret::Secret;
use crate::submission::smtp::sasl::Response;
use crate::submission::smtp::{login, plain, xoauth2};

/// One way of signing in.
#[derive(Debug)]
pub(super) struct Mechanism {
    /// The word in AUTH.
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) start: Start,
    /// What is said in answer to one challenge each, for a user and a secret; the secret is in the last one.
    pub(super) responses: fn(&str, &Secret) -> Vec<Response>,
}

/// What a mechanism shows the server. A token never goes as a password, nor a password where a token is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    Token,
    Password,
}

/// How a mechanism begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// With its first response on the line of AUTH.
    Response,
    /// With a challenge of the server's.
    Challenge,
}

static MECHANISMS: [Mechanism; 3] = [
    Mechanism {
        name: xoauth2::NAME,
        takes: Takes::Token,
        start: Start::Response,
        responses: |user, token| vec![xoauth2::response(user, token)],
    },
    Mechanism {
        name: plain::NAME,
        takes: Takes::Password,
        start: Start::Response,
        responses: |user, password| vec![plain::response(user, password)],
    },
    Mechanism {
        name: login::NAME,
        takes: Takes::Password,
        start: Start::Challenge,
        responses: |user, password| login::responses(user, password).into(),
    },
];

/// What a credential is, and its secret.
pub(super) fn secret_of(credential: &Credential) -> (Takes, &Secret) {
    match credential {
        Credential::Bearer(token) => (Takes::Token, &token.token),
        Credential::Password(password) => (Takes::Password, password),
    }
}

/// Those that take it, the best first.
pub(super) fn taking(takes: Takes) -> impl Iterator<Item = &'static Mechanism> {
    MECHANISMS.iter().filter(move |mechanism| mechanism.takes == takes)
}

/// The one a server calls so, if we know it; `word` is in capitals.
pub(super) fn named(word: &str) -> Option<&'static str> {
    MECHANISMS.iter().map(|mechanism| mechanism.name).find(|name| *name == word)
}
