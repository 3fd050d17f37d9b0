//! Signing in with a browser (RFC 6749 section 4.1, RFC 7636, RFC 8252), without a word printed.

use std::fmt::Write as _;
use std::time::Duration;

use super::pkce::{ProofKey, same, unguessable};
use super::sign_in_errors::{cause_of, wording_of};
use super::signed_in::{SignedIn, signed_in};
use super::token_endpoint::{self, in_words};
use super::{Secret, failure};
use crate::account::Account;
use crate::failure::{Cause, Failure};
use crate::world::World;

/// How long the exchange of the code may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One sign-in under way.
pub struct Request {
    /// The page to open. It holds no secret.
    pub url: String,
    redirect_uri: String,
    client_id: String,
    state: String,
    proof_key: ProofKey,
}

/// What the browser brought back.
pub enum Redirect {
    /// What tokens can be had for.
    Code(Secret),
    /// The sign-in is over.
    Ended(Failure),
    /// An answer to another sign-in, or one made up by somebody else: the state is not ours.
    Foreign,
    /// Nothing of a sign-in.
    Unrelated,
}

impl Request {
    /// A sign-in whose browser comes back to `port` on this machine; `login_hint` is the address the person named.
    pub fn new(world: &World, account: &Account, client_id: &str, port: u16, login_hint: Option<&str>) -> Self {
        let proof_key = ProofKey::new(&*world.random);
        let state = unguessable(&*world.random);
        // Entra takes any port behind this name and none behind 127.0.0.1.
        let redirect_uri = format!("http://localhost:{port}");
        let mut url = format!("{}?response_type=code", account.oauth_url(|paths| paths.authorize));
        let scope = account.scope();
        let fields = [
            ("client_id", client_id),
            ("redirect_uri", &redirect_uri),
            ("response_mode", "query"),
            ("scope", &scope),
            ("state", &state),
            ("code_challenge", &proof_key.challenge),
            ("code_challenge_method", "S256"),
            ("prompt", "select_account"),
        ];
        for (name, value) in fields.into_iter().chain(login_hint.map(|hint| ("login_hint", hint))) {
            let _ = write!(url, "&{name}={}", percent_encoded(value));
        }
        Self { url, redirect_uri, client_id: client_id.to_owned(), state, proof_key }
    }

    /// How an address of ours that the browser was sent to begins.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Reads the request target of the browser's visit, or the address of its last page.
    pub fn read(&self, target: &Secret) -> Redirect {
        let target = target.reveal_text().unwrap_or_default().trim();
        let query = target.split_once('?').map_or(target, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let fields: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let field = |name: &str| fields.iter().find(|(key, _)| *key == name).and_then(|(_, value)| decoded(value));
        let (code, error) = (field("code"), field("error"));
        if code.is_none() && error.is_none() {
            return Redirect::Unrelated;
        }
        let state = field("state").unwrap_or_default();
        if !same(state.reveal_text().unwrap_or_default(), &self.state) {
            return Redirect::Foreign;
        }
        match (code, error) {
            (Some(code), None) => Redirect::Code(code),
            (_, error) => {
                let description = field("error_description").unwrap_or_default();
                let (error, description) = (error.unwrap_or_default(), description);
                Redirect::Ended(refused(
                    error.reveal_text().unwrap_or_default(),
                    description.reveal_text().unwrap_or_default(),
                ))
            }
        }
    }

    /// Redeems the code.
    ///
    /// # Errors
    ///
    /// [`Cause::SignInDeclined`] for a code that is no good, and what else the endpoint's answers mean.
    pub fn redeem(&self, world: &World, account: &Account, code: &Secret) -> Result<SignedIn, Failure> {
        let form = [
            ("grant_type", &Secret::from("authorization_code")),
            ("client_id", &Secret::from(self.client_id.as_str())),
            ("code", code),
            ("redirect_uri", &Secret::from(self.redirect_uri.as_str())),
            ("code_verifier", &self.proof_key.verifier),
            ("scope", &Secret::from(account.scope().as_str())),
        ];
        let tokens = token_endpoint::tokens(world, account, &form, world.clock.instant() + PATIENCE);
        let tokens = tokens.map_err(|refusal| while_signing_in(refusal.into()))?;
        signed_in(world, account, &self.client_id, &tokens)
    }
}

/// An error the authorization endpoint sent the browser back with (RFC 6749 section 4.1.2.1).
fn refused(error: &str, description: &str) -> Failure {
    let failure = failure(cause_of(error), in_words(error, description, &[]));
    while_signing_in(failure.worded(wording_of(description)))
}

/// "Sign in again" is no advice to somebody who just did.
fn while_signing_in(failure: Failure) -> Failure {
    if failure.cause == Cause::GrantRejected { Failure { cause: Cause::SignInDeclined, ..failure } } else { failure }
}

/// RFC 3986 section 2.1: everything but unreserved characters.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            let _ = write!(encoded, "%{octet:02X}");
        }
    }
    encoded
}

/// A field's value; `None` when it is not well encoded.
fn decoded(value: &str) -> Option<Secret> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'+' => octets.push(b' '),
            b'%' => {
                let (digits, behind) = rest.split_at_checked(2)?;
                octets.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = behind;
            }
            octet => octets.push(*octet),
        }
    }
    Some(Secret::new(octets))
}
