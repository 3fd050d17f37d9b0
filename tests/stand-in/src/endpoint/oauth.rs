//! What Microsoft would answer: refresh tokens that rotate, and signing in with a device code.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Answer, Shared, TokenRequest, browser};
use crate::dates;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How a sign-in with a device code goes.
#[derive(Clone, Debug)]
pub struct DeviceFlow {
    /// So many polls are answered `authorization_pending`.
    pub pending: usize,
    /// So many polls after those are answered `slow_down`.
    pub slow_down: usize,
    /// What comes then.
    pub outcome: DeviceOutcome,
    /// Seconds between polls the client is told (Microsoft says 5).
    pub interval: u64,
    /// Seconds the code is valid the client is told.
    pub expires_in: u64,
    /// Where the person is sent.
    pub verification_uri: String,
    /// The `email` claim; `None` means the account, an empty text leaves the claim out.
    pub email: Option<String>,
}

impl Default for DeviceFlow {
    fn default() -> Self {
        Self {
            pending: 1,
            slow_down: 0,
            outcome: DeviceOutcome::SignedIn,
            interval: 1,
            expires_in: 900,
            verification_uri: "https://www.microsoft.com/link".to_owned(),
            email: None,
        }
    }
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceOutcome {
    /// Tokens.
    SignedIn,
    /// `authorization_declined`.
    Declined,
    /// `expired_token`.
    Expired,
    /// `invalid_grant`: a policy of the organisation's does not allow codes.
    Blocked,
}

/// A device sign-in under way.
pub(super) struct SignIn {
    device_code: String,
    scope: String,
    flow: DeviceFlow,
    polls: usize,
}

pub(super) fn usual(shared: &Shared, request: &TokenRequest) -> Answer {
    let Some((tenant, what)) = request.path.trim_start_matches('/').split_once("/oauth2/v2.0/") else {
        return Answer::Http { status: 404, headers: Vec::new(), body: Vec::new() };
    };
    if tenant != shared.tenant {
        let why = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        return Answer::oauth_error(400, "invalid_request", 90_002, &why);
    }
    match (request.method.as_str(), what) {
        ("GET", "authorize") => return browser::authorize(shared, request),
        ("POST", _) => {}
        _ => return Answer::Http { status: 405, headers: Vec::new(), body: Vec::new() },
    }
    if request.field("client_id") != Some(shared.client_id.as_str()) {
        return Answer::client_unknown();
    }
    if request.field("client_secret").is_some() {
        let why = "Public clients can't send a client secret.";
        return Answer::oauth_error(400, "invalid_request", 700_025, why);
    }
    match (what, request.field("grant_type")) {
        ("devicecode", None) => device_code(shared, request),
        ("token", Some("refresh_token")) => refresh(shared, request),
        ("token", Some(DEVICE_GRANT)) => poll(shared, request),
        ("token", Some("authorization_code")) => browser::redeem(shared, request),
        ("token", _) => {
            Answer::oauth_error(400, "unsupported_grant_type", 70_003, "The app requested an unsupported grant type.")
        }
        _ => Answer::Http { status: 404, headers: Vec::new(), body: Vec::new() },
    }
}

fn refresh(shared: &Shared, request: &TokenRequest) -> Answer {
    let Some(scope) = request.field("scope").filter(|scope| !scope.is_empty()) else { return Answer::scope_invalid() };
    let presented = request.field("refresh_token").unwrap_or_default();
    let Some(granted) = shared.tokens.granted_scope(presented) else { return Answer::grant_revoked() };
    let mut resources = scope.split(' ').filter(|one| one.starts_with("https://"));
    if !resources.all(|one| granted.split(' ').any(|other| other == one)) {
        let why = "The user or administrator has not consented to use the application.";
        return Answer::oauth_error(400, "invalid_grant", 65_001, why);
    }
    if shared.revoke_on_reuse {
        shared.tokens.revoke(presented);
    }
    grant(shared, scope, &granted, None)
}

fn device_code(shared: &Shared, request: &TokenRequest) -> Answer {
    let Some(scope) = request.field("scope").filter(|scope| !scope.is_empty()) else { return Answer::scope_invalid() };
    let device_code = shared.tokens.opaque("GAB", 200);
    let user_code = shared.tokens.opaque("", 9).to_ascii_uppercase().replace(['-', '_'], "X");
    let flow = shared.state().device_flow.clone();
    let uri = flow.verification_uri.clone();
    let answer = json!({
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": uri,
        "expires_in": flow.expires_in,
        "interval": flow.interval,
        "message": format!(
            "To sign in, use a web browser to open the page {uri} and enter the code {user_code} to authenticate."
        ),
    });
    shared.state().sign_ins.push(SignIn { device_code, scope: scope.to_owned(), flow, polls: 0 });
    Answer::json(200, &answer)
}

fn poll(shared: &Shared, request: &TokenRequest) -> Answer {
    let presented = request.field("device_code").unwrap_or_default();
    let (scope, flow, polls) = {
        let mut state = shared.state();
        let Some(sign_in) = state.sign_ins.iter_mut().find(|sign_in| sign_in.device_code == presented) else {
            let why = "The device code is not valid.";
            return Answer::oauth_error(400, "bad_verification_code", 70_018, why);
        };
        sign_in.polls += 1;
        (sign_in.scope.clone(), sign_in.flow.clone(), sign_in.polls)
    };
    if polls <= flow.pending {
        let why = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
        return Answer::oauth_error(400, "authorization_pending", 70_016, why);
    }
    if polls <= flow.pending + flow.slow_down {
        return Answer::json(400, &json!({ "error": "slow_down", "error_description": "Polling too fast." }));
    }
    match flow.outcome {
        DeviceOutcome::SignedIn => {
            shared.state().sign_ins.retain(|sign_in| sign_in.device_code != presented);
            grant(shared, &scope, &scope, flow.email.as_deref())
        }
        DeviceOutcome::Declined => {
            let why = "The end user declined the authorization request.";
            Answer::oauth_error(400, "authorization_declined", 70_017, why)
        }
        DeviceOutcome::Blocked => {
            let why = "Access has been blocked by Conditional Access policies. The access policy does not allow token \
                       issuance.";
            Answer::oauth_error(400, "invalid_grant", 53_003, why)
        }
        DeviceOutcome::Expired => Answer::oauth_error(400, "expired_token", 70_019, "Verification code expired."),
    }
}

/// Tokens for `scope`; a refresh token good for `granted` when that has offline_access.
pub(super) fn grant(shared: &Shared, scope: &str, granted: &str, email: Option<&str>) -> Answer {
    let asked = |word: &str| granted.split(' ').any(|one| one == word);
    let resource: Vec<&str> = scope.split(' ').filter(|one| one.starts_with("https://")).collect();
    let mut answer = json!({
        "token_type": "Bearer",
        "scope": resource.join(" "),
        "expires_in": shared.lifetime.as_secs(),
        "ext_expires_in": shared.lifetime.as_secs(),
        "access_token": shared.tokens.issue_access(scope, shared.lifetime),
    });
    if asked("offline_access") {
        let refresh_token = shared.tokens.issue_refresh(granted);
        answer["refresh_token"] = Value::from(refresh_token.clone());
        shared.state().newest_refresh_token = Some(refresh_token);
    }
    if asked("openid") {
        answer["id_token"] = Value::from(id_token(shared, email.unwrap_or(&shared.account)));
    }
    Answer::json(200, &answer)
}

/// A JWT with a signature nobody will check.
fn id_token(shared: &Shared, email: &str) -> String {
    let now = dates::unix_now();
    let mut claims = json!({
        "ver": "2.0",
        "iss": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "tid": "9188040d-6c67-4c5b-b112-36a304b66dad",
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "aud": shared.client_id,
        "iat": now,
        "nbf": now,
        "exp": now + 86_400,
        "name": "Some One",
        "preferred_username": shared.account,
    });
    if !email.is_empty() {
        claims["email"] = Value::from(email);
    }
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "stand-in" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode("not a signature"))
}
