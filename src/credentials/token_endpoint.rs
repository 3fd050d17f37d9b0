//! The token endpoint (RFC 6749 section 5): what we ask of it, and what its answers mean.

use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::sign_in_errors::{cause_of, wording_of};
use super::{AccessToken, Grant, Origin, Secret, client_id, failure};
use crate::account::Account;
use crate::failure::{Cause, Failure, Wording};
use crate::words::SafeText;
use crate::world::{HttpsAnswer, HttpsFault, World};

/// By so many characters a secret is known.
const BEGINNING: usize = 16;

/// Form fields no message may repeat.
const SECRET_FIELDS: &[&str] = &["refresh_token", "device_code", "code", "code_verifier", "client_secret"];

/// What must be left for the submission when we wait for a busy endpoint.
const LEFT_FOR_SUBMISSION: Duration = Duration::from_secs(15);

/// A token's life when the endpoint does not say (Microsoft's are 3,599 seconds).
const USUAL_LIFE: u64 = 3599;

/// No token lives longer than a day; a larger number is somebody's mistake.
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// Tokens, as the endpoint gives them.
#[derive(Deserialize)]
pub(super) struct Tokens {
    access_token: Secret,
    #[serde(default)]
    pub(super) refresh_token: Option<Secret>,
    #[serde(default)]
    expires_in: Option<Seconds>,
    #[serde(default)]
    pub(super) id_token: Option<Secret>,
}

/// A number, which some endpoints write as a string. Nonsense counts as none: the tokens beside it are good, and a
/// refresh token is never thrown away.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    Number(u64),
    Text(String),
    Nonsense(IgnoredAny),
}

impl Seconds {
    pub(super) fn get(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Nonsense(_) => None,
        }
    }
}

impl Tokens {
    /// The access token, which was given at `now`.
    pub(super) fn access_token(&self, now: SystemTime) -> AccessToken {
        let life = self.expires_in.as_ref().and_then(Seconds::get).unwrap_or(USUAL_LIFE).min(LONGEST_LIFE);
        AccessToken {
            token: self.access_token.clone(),
            expires_at: now + Duration::from_secs(life),
            origin: Origin::Renewed,
        }
    }

    /// RFC 6750 section 2.1: visible ASCII. Anything else would break out of the SASL response.
    fn are_usable(&self) -> bool {
        let token = self.access_token.reveal();
        !token.is_empty() && token.iter().all(u8::is_ascii_graphic)
    }
}

/// Why the endpoint gave nothing.
pub(super) enum TokenRefusal {
    /// It is away or busy: the same request may work later.
    Away {
        /// Its words, or the network's.
        words: SafeText,
        /// Seconds it asks us to wait.
        retry_after: Option<u64>,
    },
    /// It said no, with an OAuth error code.
    Error {
        /// The code.
        code: String,
        /// Code and description, for people.
        words: SafeText,
        /// What they say in plain words, when the description has a number we know.
        wording: Option<&'static Wording>,
    },
    /// It does not speak OAuth, or is not to be trusted.
    Unusable(Failure),
}

impl From<TokenRefusal> for Failure {
    fn from(refusal: TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::Away { words, .. } => failure(Cause::TokenUnavailable, words),
            TokenRefusal::Error { code, words, wording } => failure(cause_of(&code), words).worded(wording),
            TokenRefusal::Unusable(failure) => failure,
        }
    }
}

/// Trades the refresh token for an access token and a newer refresh token.
pub(super) fn redeem(world: &World, account: &Account, grant: &Grant, deadline: Instant) -> Result<Tokens, Failure> {
    let client_id = Secret::from(client_id(account, Some(grant))?.as_str());
    let scope = if grant.scope.is_empty() { &account.scope() } else { &grant.scope };
    let form = [
        ("client_id", &client_id),
        ("grant_type", &Secret::from("refresh_token")),
        ("refresh_token", &grant.refresh_token),
        ("scope", &Secret::from(scope.as_str())),
    ];
    match tokens(world, account, &form, deadline) {
        Err(TokenRefusal::Away { retry_after: Some(seconds), .. }) if waits(world, seconds, deadline) => {
            Ok(tokens(world, account, &form, deadline)?)
        }
        outcome => Ok(outcome?),
    }
}

/// Waits as long as a busy endpoint asks, if that leaves time to submit.
fn waits(world: &World, seconds: u64, deadline: Instant) -> bool {
    let wait = Duration::from_secs(seconds);
    let left = deadline.saturating_duration_since(world.clock.instant());
    let worthwhile = wait.checked_add(LEFT_FOR_SUBMISSION).is_some_and(|needed| needed <= left);
    if worthwhile {
        world.clock.sleep(wait);
    }
    worthwhile
}

/// Asks the token endpoint for tokens.
pub(super) fn tokens(
    world: &World,
    account: &Account,
    form: &[(&str, &Secret)],
    deadline: Instant,
) -> Result<Tokens, TokenRefusal> {
    let tokens: Tokens = ask(world, account, &account.oauth_url(|paths| paths.token), form, deadline)?;
    if tokens.are_usable() { Ok(tokens) } else { Err(nonsense(200, "no usable access token")) }
}

/// Posts a form to one of the account's OAuth endpoints, at `url`, and reads what a success holds.
pub(super) fn ask<T: DeserializeOwned>(
    world: &World,
    account: &Account,
    url: &str,
    form: &[(&str, &Secret)],
    deadline: Instant,
) -> Result<T, TokenRefusal> {
    let answer = world.https.post_form(account.ca_file(), url, form, deadline).map_err(|fault| match fault {
        HttpsFault::Network(words) => TokenRefusal::Away { words, retry_after: None },
        HttpsFault::Certificate(words) => TokenRefusal::Unusable(failure(Cause::TokenCertificate, words)),
        HttpsFault::Nonsense(words) => TokenRefusal::Unusable(failure(Cause::TokenNonsense, words)),
    })?;
    if answer.status == 200 {
        return serde_json::from_slice(answer.body.reveal()).map_err(|_| nonsense(200, "not what OAuth answers"));
    }
    Err(refusal(&answer, form))
}

fn refusal(answer: &HttpsAnswer, form: &[(&str, &Secret)]) -> TokenRefusal {
    #[derive(Deserialize)]
    struct OAuthError {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let error: Option<OAuthError> = serde_json::from_slice(answer.body.reveal()).ok();
    let words = match &error {
        Some(error) => in_words(&error.error, &error.error_description, form),
        None => format!("HTTP status {}", answer.status).into(),
    };
    if matches!(answer.status, 408 | 429 | 500..=599) {
        return TokenRefusal::Away { words, retry_after: answer.retry_after };
    }
    match error {
        Some(error) if cause_of(&error.error) == Cause::TokenUnavailable => {
            TokenRefusal::Away { words, retry_after: answer.retry_after }
        }
        Some(error) => TokenRefusal::Error { wording: wording_of(&error.error_description), code: error.error, words },
        None => nonsense(answer.status, "not what OAuth answers"),
    }
}

fn nonsense(status: u16, what: &str) -> TokenRefusal {
    TokenRefusal::Unusable(failure(Cause::TokenNonsense, format!("HTTP status {status}, {what}")))
}

/// The code and the description without any secret we sent.
pub(super) fn in_words(code: &str, description: &str, form: &[(&str, &Secret)]) -> SafeText {
    let mut text = if description.is_empty() { code.to_owned() } else { format!("{code}: {description}") };
    let secrets = form.iter().filter(|(field, _)| SECRET_FIELDS.contains(field));
    for secret in secrets.filter_map(|(_, secret)| secret.reveal_text()).filter(|secret| !secret.is_empty()) {
        text = without(&text, secret);
    }
    text.into()
}

/// The text with every word from where the secret's beginning is redacted: an endpoint may cut it short or encode it.
fn without(text: &str, secret: &str) -> String {
    let beginning = secret.char_indices().nth(BEGINNING).and_then(|(end, _)| secret.get(..end)).unwrap_or(secret);
    let mut parts = text.split(beginning);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str("(redacted)");
        clean.push_str(
            part.trim_start_matches(|next: char| next.is_ascii_alphanumeric() || "-._~!*$+/=%".contains(next)),
        );
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_told_without_our_secrets_and_shown_without_its_ids() {
        let token = Secret::from("M.C5_secret");
        let words = in_words(
            "invalid_grant",
            "AADSTS70000: 'M.C5_secret' has expired.\r\nTrace ID: 1",
            &[("refresh_token", &token), ("client_id", &Secret::from("AADSTS70000"))],
        );
        assert_eq!(words.whole(), "invalid_grant: AADSTS70000: '(redacted)' has expired. Trace ID: 1");
        assert_eq!(words.short(), "invalid_grant: AADSTS70000: '(redacted)' has expired.");
        assert_eq!(in_words("x", "", &[]).whole(), "x");
        let token = Secret::from("M.C5_0123456789abcdef!ghij*klmn");
        for echo in ["M.C5_0123456789abcdef%21ghij%2Aklmn", "M.C5_0123456789abc", "M.C5_0123456789abcdef!ghij*klmn"] {
            let words = in_words("x", &format!("no: '{echo}', {echo} end"), &[("refresh_token", &token)]);
            assert_eq!(words.whole(), "x: no: '(redacted)', (redacted) end");
        }
    }

    #[test]
    fn a_life_may_be_a_number_or_text_and_is_bounded() {
        let life = |json: &str| {
            let tokens: Tokens = serde_json::from_str(json).unwrap();
            tokens.access_token(SystemTime::UNIX_EPOCH).expires_at.duration_since(SystemTime::UNIX_EPOCH).unwrap()
        };
        assert_eq!(life(r#"{"access_token":"a","expires_in":100}"#).as_secs(), 100);
        assert_eq!(life(r#"{"access_token":"a","expires_in":"100"}"#).as_secs(), 100);
        for nonsense in ["-1", "3599.5", "null", "[[]]", "{}", "true", "\"soon\"", "99999999999999999999999"] {
            let life = life(&format!(r#"{{"access_token":"a","expires_in":{nonsense}}}"#));
            assert_eq!(life.as_secs(), USUAL_LIFE, "{nonsense}");
        }
        assert_eq!(life(r#"{"access_token":"a"}"#).as_secs(), USUAL_LIFE);
        assert_eq!(life(r#"{"access_token":"a","expires_in":18446744073709551615}"#).as_secs(), LONGEST_LIFE);
    }
}
