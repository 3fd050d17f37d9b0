//! The authorization endpoint: the page a browser is sent to, the code it comes back with, and what redeems that.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use super::{Answer, Shared, TokenRequest, oauth};

/// How a sign-in with a browser goes: what the person does on the page.
#[derive(Clone, Debug, Default)]
pub struct BrowserFlow {
    /// What comes of it.
    pub outcome: BrowserOutcome,
    /// The `email` claim; `None` means the account, an empty text leaves the claim out.
    pub email: Option<String>,
}

/// What comes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BrowserOutcome {
    /// A code.
    #[default]
    SignedIn,
    /// `access_denied`: the person pressed Cancel.
    Denied,
    /// Another error code (RFC 6749 section 4.1.2.1) with this description.
    Error(&'static str, &'static str),
}

/// A code that was given out.
pub(super) struct Code {
    code: String,
    redirect_uri: String,
    challenge: String,
    scope: String,
    email: Option<String>,
    redeemed: bool,
}

/// `GET .../authorize`: what is wrong with the request itself is shown, all else is told to the client.
pub(super) fn authorize(shared: &Shared, request: &TokenRequest) -> Answer {
    let field = |name: &str| request.field(name).unwrap_or_default();
    if field("client_id") != shared.client_id {
        return shown(700_016, "Application with identifier was not found in the directory.");
    }
    if !is_registered(field("redirect_uri")) {
        return shown(50_011, "The redirect URI specified in the request does not match the ones configured.");
    }
    let wrong = [
        (field("response_type") != "code", "response_type"),
        (field("response_mode") != "query", "response_mode"),
        (field("scope").is_empty(), "scope"),
        (field("state").len() < 20, "state"),
        (field("code_challenge_method") != "S256", "code_challenge_method"),
        (field("code_challenge").len() != 43, "code_challenge"),
        (field("prompt") != "select_account", "prompt"),
    ];
    if let Some((_, name)) = wrong.iter().find(|(wrong, _)| *wrong) {
        let why = format!("The request body must contain the following parameter: '{name}'.");
        return back(request, &[("error", "invalid_request"), ("error_description", &why)]);
    }
    let flow = shared.state().browser_flow.clone();
    match flow.outcome {
        BrowserOutcome::SignedIn => {
            let code = shared.tokens.opaque("M.C5", 60);
            shared.state().codes.push(Code {
                code: code.clone(),
                redirect_uri: field("redirect_uri").to_owned(),
                challenge: field("code_challenge").to_owned(),
                scope: field("scope").to_owned(),
                email: flow.email,
                redeemed: false,
            });
            back(request, &[("code", &code)])
        }
        BrowserOutcome::Denied => {
            let why = "The user has denied access to the scope requested by the client application.";
            back(request, &[("error", "access_denied"), ("error_description", why)])
        }
        BrowserOutcome::Error(error, why) => back(request, &[("error", error), ("error_description", why)]),
    }
}

/// The grant of a code: once, where it was sent, by whoever asked for it.
pub(super) fn redeem(shared: &Shared, request: &TokenRequest) -> Answer {
    let field = |name: &str| request.field(name).unwrap_or_default();
    let granted = {
        let mut state = shared.state();
        let Some(code) = state.codes.iter_mut().find(|code| code.code == field("code")) else {
            let why = "The provided value for the 'code' parameter is not valid.";
            return Answer::oauth_error(400, "invalid_grant", 70_000, why);
        };
        if code.redeemed {
            let why = "OAuth2 Authorization code was already redeemed, please retry with a new valid code.";
            return Answer::oauth_error(400, "invalid_grant", 54_005, why);
        }
        if code.redirect_uri != field("redirect_uri") {
            let why = "The reply address does not match the one the code was requested with.";
            return Answer::oauth_error(400, "invalid_grant", 500_112, why);
        }
        if URL_SAFE_NO_PAD.encode(digest(&SHA256, field("code_verifier").as_bytes())) != code.challenge {
            let why = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
            return Answer::oauth_error(400, "invalid_grant", 501_481, why);
        }
        code.redeemed = true;
        (code.scope.clone(), code.email.clone())
    };
    oauth::grant(shared, &granted.0, &granted.0, granted.1.as_deref())
}

/// Registered is `http://localhost`, and Entra ignores the port behind that.
fn is_registered(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("http://localhost") else { return false };
    let port = rest.trim_end_matches('/');
    port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

/// An error for the person, for there is nowhere to send it.
fn shown(code: u32, why: &str) -> Answer {
    let headers = vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())];
    let body = format!("<!DOCTYPE html><title>Sign in to your account</title><p>AADSTS{code}: {why}");
    Answer::Http { status: 400, headers, body: body.into_bytes() }
}

/// Sends the browser back to the client.
fn back(request: &TokenRequest, fields: &[(&str, &str)]) -> Answer {
    let mut location = request.field("redirect_uri").unwrap_or_default().to_owned();
    if !location.ends_with('/') {
        location.push('/');
    }
    let state = ("state", request.field("state").unwrap_or_default());
    for (number, (name, value)) in fields.iter().chain([&state]).enumerate() {
        location.push(if number == 0 { '?' } else { '&' });
        let _ = write!(location, "{name}={}", encoded(value));
    }
    Answer::redirect(&location)
}

/// As Microsoft does it: a blank is a plus.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for octet in text.bytes() {
        match octet {
            b' ' => encoded.push('+'),
            octet if octet.is_ascii_alphanumeric() || b"-._".contains(&octet) => encoded.push(char::from(octet)),
            octet => {
                let _ = write!(encoded, "%{octet:02x}");
            }
        }
    }
    encoded
}
