//! Signing in with a code typed on any device (RFC 8628), without a word printed.

use std::time::{Duration, Instant};

use lettre::Address;
use serde::Deserialize;

use super::token_endpoint::{self, Refusal, Seconds, Tokens};
use super::{AccessToken, Grant, Secret, client_id, failure, grant, id_token};
use crate::account::Account;
use crate::failure::{Cause, Failure};
use crate::words::Words;
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

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the person has to do, in the server's words.
pub struct Invitation {
    /// The page to open.
    pub verification_uri: Words,
    /// The code to type there.
    pub user_code: Words,
    /// How long the code works.
    pub life: Duration,
    device_code: Secret,
    client_id: String,
    interval: Duration,
    expires_at: Instant,
}

/// What a completed sign-in gave.
pub struct SignedIn {
    /// The mailbox's primary address, if the server said which.
    pub address: Option<Address>,
    /// What is stored; its `address` is empty when the server did not say.
    pub grant: Grant,
    /// What the first message is sent with.
    pub token: AccessToken,
}

/// Asks for a code; `previous` is the grant it will replace, whose registration serves when none is configured.
///
/// # Errors
///
/// [`Cause::NoClientId`], and what the endpoint's answers mean.
pub fn invite(world: &World, account: &Account, previous: Option<&Grant>) -> Result<Invitation, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        device_code: Secret,
        user_code: String,
        verification_uri: String,
        #[serde(default)]
        expires_in: Option<Seconds>,
        #[serde(default)]
        interval: Option<Seconds>,
    }
    let client_id = client_id(account, previous)?;
    let form = [("client_id", &Secret::from(client_id.as_str())), ("scope", &Secret::from(account.scope().as_str()))];
    let now = world.clock.instant();
    let answer: Answer = token_endpoint::ask(world, account, "devicecode", &form, now + PATIENCE)?;
    let seconds = |field: Option<Seconds>, usual| field.as_ref().and_then(Seconds::get).unwrap_or(usual);
    let life = Duration::from_secs(seconds(answer.expires_in, USUAL_LIFE).min(LONGEST_LIFE));
    Ok(Invitation {
        verification_uri: answer.verification_uri.into(),
        user_code: answer.user_code.into(),
        life,
        device_code: answer.device_code,
        client_id,
        interval: Duration::from_secs(seconds(answer.interval, USUAL_INTERVAL).max(1)).min(LONGEST_INTERVAL),
        expires_at: now + life,
    })
}

/// Waits until the person is done. `waiting` hears before every pause how long the code still works.
///
/// # Errors
///
/// [`Cause::SignInDeclined`] when the person declined or the code ran out, and what the endpoint's answers mean. A
/// network that fails in between does not end it.
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
        let left = invitation.expires_at.saturating_duration_since(world.clock.instant());
        if left.is_zero() {
            return Err(failure(Cause::SignInDeclined, "the code ran out"));
        }
        waiting(left);
        world.clock.sleep(interval.min(left));
        let deadline = world.clock.instant() + PATIENCE;
        interval = match token_endpoint::tokens(world, account, &form, deadline) {
            Ok(tokens) => return signed_in(world, account, invitation, &tokens),
            Err(Refusal::Error { code, .. }) if code == "authorization_pending" => interval,
            Err(Refusal::Error { code, .. }) if code == "slow_down" => (interval + SLOW_DOWN).min(LONGEST_INTERVAL),
            Err(Refusal::Away { retry_after, .. }) => {
                interval.max(Duration::from_secs(retry_after.unwrap_or_default())).min(LONGEST_INTERVAL)
            }
            Err(refusal) => return Err(refusal.into()),
        };
    }
}

fn signed_in(world: &World, account: &Account, invitation: &Invitation, tokens: &Tokens) -> Result<SignedIn, Failure> {
    let refresh_token = tokens.refresh_token.clone().filter(|token| !token.reveal().is_empty());
    let refresh_token =
        refresh_token.ok_or_else(|| failure(Cause::TokenNonsense, "no refresh token, although asked for"))?;
    let now = world.clock.now();
    let address = tokens.id_token.as_ref().and_then(id_token::email);
    let grant = Grant {
        refresh_token,
        client_id: invitation.client_id.clone(),
        authority: account.authority.clone(),
        tenant: account.tenant.clone(),
        scope: account.scope(),
        address: address.as_ref().map(Address::to_string).unwrap_or_default(),
        signed_in_at: grant::unix_seconds(now),
        renewed_at: grant::unix_seconds(now),
    };
    Ok(SignedIn { address, grant, token: tokens.access_token(now) })
}
