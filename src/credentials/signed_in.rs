//! What a completed sign-in gave, whichever way it went.

use lettre::Address;

use super::token_endpoint::Tokens;
use super::{AccessToken, Grant, failure, id_token};
use crate::account::Account;
use crate::failure::Wording;
use crate::failure::{Cause, Failure};
use crate::moments::unix_seconds;
use crate::world::World;

/// Without one the sign-in would be over in an hour.
const NO_REFRESH_TOKEN: Wording = Wording {
    sentence: "Microsoft gave no refresh token, although asked for one",
    advice: "the registration must allow offline_access; check client_id and tenant, then run outlook-sendmail login again",
};

/// What a completed sign-in gave.
pub struct SignedIn {
    /// The mailbox's primary address, if the server said which.
    pub address: Option<Address>,
    /// What is stored; its `address` is empty when the server did not say.
    pub grant: Grant,
    /// What the first message is sent with.
    pub token: AccessToken,
}

/// Takes the tokens of a sign-in under the registration `client_id`.
pub(super) fn signed_in(
    world: &World,
    account: &Account,
    client_id: &str,
    tokens: &Tokens,
) -> Result<SignedIn, Failure> {
    let refresh_token = tokens.refresh_token.clone().filter(|token| !token.reveal().is_empty());
    let refresh_token =
        refresh_token.ok_or_else(|| failure(Cause::TokenNonsense, "").worded(Some(&NO_REFRESH_TOKEN)))?;
    let now = world.clock.now();
    let address = tokens.id_token.as_ref().and_then(id_token::email);
    let grant = Grant {
        refresh_token,
        client_id: client_id.to_owned(),
        authority: account.authority.clone(),
        tenant: account.tenant.clone(),
        scope: account.scope(),
        address: address.as_ref().map(Address::to_string).unwrap_or_default(),
        signed_in_at: unix_seconds(now),
        renewed_at: unix_seconds(now),
    };
    Ok(SignedIn { address, grant, token: tokens.access_token(now) })
}
