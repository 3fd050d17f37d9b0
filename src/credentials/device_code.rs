//! Signing in with a code typed on any device (RFC 8628), without a word printed.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::signed_in::{SignedIn, signed_in};
use super::token_endpoint::{self, Seconds, TokenRefusal};
use super::{Secret, failure};
use crate::account::Account;
use crate::failure::{Cause, Failure};
use crate::words::SafeText;
use crate::world::World;

/// RFC 8628 section 3.2: the interval when the server names none.
const USUAL_INTERVAL: u64 = 5;

/// Section 3.5: what `slow_down` adds, for good.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// The longest pause we let a server, or a broken network, ask for.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// A code's life when the server names none; Microsoft's live 15 minutes.
const USUAL_LIFE: u64 = 900;

/// No sign-in takes longer.
const LONGEST_LIFE: u64 = 3600;

/// Octets of an address that still make a QR code, and of a code that somebody types.
const LONGEST_URI: usize = 500;
const LONGEST_CODE: usize = 32;

/// How often a waiting person sees that time passes.
const TICK: Duration = Duration::from_secs(1);

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the person has to do, in the server's words.
pub struct Invitation {
    /// The page to open.
    pub verification_uri: SafeText,
    /// The same with the code in it, for a QR code; Microsoft gives none.
    pub verification_uri_complete: Option<SafeText>,
    /// The code to type there.
    pub user_code: SafeText,
    /// How long the code works.
    pub life: Duration,
    device_code: Secret,
    client_id: String,
    interval: Duration,
    expires_at: Instant,
}

/// Asks for a code under the registration `client_id`.
///
/// # Errors
///
/// What the endpoint's answers mean.
pub fn invite(world: &World, account: &Account, client_id: &str) -> Result<Invitation, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        device_code: Secret,
        user_code: String,
        verification_uri: String,
        #[serde(default)]
        verification_uri_complete: Option<String>,
        #[serde(default)]
        expires_in: Option<Seconds>,
        #[serde(default)]
        interval: Option<Seconds>,
    }
    let form = [("client_id", &Secret::from(client_id)), ("scope", &Secret::from(account.scope().as_str()))];
    let now = world.clock.instant();
    let url = account.oauth_url(|paths| paths.device_code);
    let answer: Answer = token_endpoint::ask(world, account, &url, &form, now + PATIENCE).map_err(ended)?;
    let verification_uri = Some(answer.verification_uri).filter(|uri| is_page(uri)).ok_or_else(|| nonsense("page"))?;
    let user_code = Some(answer.user_code).filter(|code| is_code(code)).ok_or_else(|| nonsense("code"))?;
    let seconds = |field: Option<Seconds>, usual| field.as_ref().and_then(Seconds::get).unwrap_or(usual);
    let life = Duration::from_secs(seconds(answer.expires_in, USUAL_LIFE).min(LONGEST_LIFE));
    Ok(Invitation {
        verification_uri: verification_uri.into(),
        verification_uri_complete: answer.verification_uri_complete.filter(|uri| is_page(uri)).map(SafeText::from),
        user_code: user_code.into(),
        life,
        device_code: answer.device_code,
        client_id: client_id.to_owned(),
        interval: Duration::from_secs(seconds(answer.interval, USUAL_INTERVAL).max(1)).min(LONGEST_INTERVAL),
        expires_at: now + life,
    })
}

/// A person is sent there, and a terminal makes a link of it.
fn is_page(uri: &str) -> bool {
    let host = uri.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty()) && uri.len() <= LONGEST_URI && uri.bytes().all(|it| it.is_ascii_graphic())
}

/// RFC 8628 section 6.1: something a person types.
fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
}

fn nonsense(what: &str) -> Failure {
    failure(Cause::TokenNonsense, format!("the {what} it names for signing in is none"))
}

/// Waits until the person is done. `waiting` hears every second how long the code still works.
///
/// # Errors
///
/// [`Cause::SignInDeclined`] when the person declined, [`Cause::CodeRanOut`], [`Cause::DeviceCodeBlocked`], and what
/// else the endpoint's answers mean. A network that fails in between does not end it.
pub fn wait(
    world: &World,
    account: &Account,
    invitation: &Invitation,
    waiting: &mut dyn FnMut(Duration),
) -> Result<SignedIn, Failure> {
    let form = [
        ("grant_type", &Secret::from("urn:ietf:params:oauth:grant-type:device_code")),
        ("client_id", &Secret::from(invitation.client_id.as_str())),
        ("device_code", &invitation.device_code),
    ];
    let mut interval = invitation.interval;
    loop {
        pause(world, invitation, interval, waiting)?;
        let deadline = world.clock.instant() + PATIENCE;
        interval = match token_endpoint::tokens(world, account, &form, deadline) {
            Ok(tokens) => return signed_in(world, account, &invitation.client_id, &tokens),
            Err(TokenRefusal::Error { code, .. }) if code == "authorization_pending" => interval,
            Err(TokenRefusal::Error { code, .. }) if code == "slow_down" => {
                (interval + SLOW_DOWN).min(LONGEST_INTERVAL)
            }
            Err(TokenRefusal::Away { retry_after, .. }) => {
                interval.max(Duration::from_secs(retry_after.unwrap_or_default())).min(LONGEST_INTERVAL)
            }
            Err(refusal) => return Err(ended(refusal)),
        };
    }
}

fn pause(
    world: &World,
    invitation: &Invitation,
    interval: Duration,
    waiting: &mut dyn FnMut(Duration),
) -> Result<(), Failure> {
    let left = || invitation.expires_at.saturating_duration_since(world.clock.instant());
    if left().is_zero() {
        return Err(failure(Cause::CodeRanOut, ""));
    }
    let mut pause = interval.min(left());
    while !pause.is_zero() {
        waiting(left());
        let step = pause.min(TICK);
        world.clock.sleep(step);
        pause -= step;
    }
    Ok(())
}

/// What a refusal means to somebody who signs in just now: policies that forbid codes (AADSTS50097, 53003 and others) are
/// told as a grant that is no good.
fn ended(refusal: TokenRefusal) -> Failure {
    let failure = Failure::from(refusal);
    if failure.cause == Cause::GrantRejected { Failure { cause: Cause::DeviceCodeBlocked, ..failure } } else { failure }
}
