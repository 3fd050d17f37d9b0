//! Answers a token endpoint may give, the bad ones included, in Microsoft's words.

use std::time::Duration;

use serde_json::{Value, json};

use crate::dates;

/// What to answer to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// As Microsoft would.
    Usual,
    /// An HTTP answer.
    Http {
        /// Status.
        status: u16,
        /// Header fields beyond Content-Length and Connection.
        headers: Vec<(String, String)>,
        /// Body.
        body: Vec<u8>,
    },
    /// Closes without an answer.
    Drop,
    /// Never answers, until the client goes.
    Stall,
    /// Waits first.
    Delayed(Duration, Box<Self>),
    /// Octets as they are, then the end.
    Raw(Vec<u8>),
}

impl Answer {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![
            ("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned()),
            ("Cache-Control".to_owned(), "no-store, no-cache".to_owned()),
        ];
        Self::Http { status, headers, body: body.to_string().into_bytes() }
    }

    /// An OAuth error with Microsoft's extra fields; `code` is the number of its AADSTS.
    pub fn oauth_error(status: u16, error: &str, code: u32, description: &str) -> Self {
        let now = dates::iso_now();
        let trace = "7c4b2d3e-0000-4000-8000-5f0e6a1b2c00";
        Self::json(
            status,
            &json!({
                "error": error,
                "error_description": format!(
                    "AADSTS{code}: {description} Trace ID: {trace} Correlation ID: {trace} Timestamp: {now}"
                ),
                "error_codes": [code],
                "timestamp": now,
                "trace_id": trace,
                "correlation_id": trace,
                "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
            }),
        )
    }

    /// The grant was not used for 90 days.
    pub fn grant_expired() -> Self {
        let why = "The refresh token has expired due to inactivity. The token was issued on \
                   2026-01-02T03:04:05.6789Z and was inactive for 90.00:00:00.";
        Self::oauth_error(400, "invalid_grant", 700_082, why)
    }

    /// The grant was revoked, or is nonsense.
    pub fn grant_revoked() -> Self {
        let why = "The provided value for the input parameter 'refresh_token' or 'assertion' is not valid.";
        Self::oauth_error(400, "invalid_grant", 70_000, why)
    }

    /// A policy wants a second factor.
    pub fn interaction_required() -> Self {
        let why = "Due to a configuration change made by your administrator, or because you moved to a new location, \
                   you must use multi-factor authentication to access the resource.";
        Self::oauth_error(400, "interaction_required", 50_076, why)
    }

    /// The client id is not registered.
    pub fn client_unknown() -> Self {
        let why = "Application with identifier was not found in the directory.";
        Self::oauth_error(400, "unauthorized_client", 700_016, why)
    }

    /// The registration does not allow public client flows.
    pub fn client_not_public() -> Self {
        let why = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        Self::oauth_error(401, "invalid_client", 7_000_218, why)
    }

    /// The scope is not one.
    pub fn scope_invalid() -> Self {
        Self::oauth_error(
            400,
            "invalid_scope",
            70_011,
            "The provided value for the input parameter 'scope' is not valid.",
        )
    }

    /// 429 with Retry-After.
    pub fn too_many_requests(retry_after: u64) -> Self {
        Self::retry_later(429, "Too Many Requests", retry_after)
    }

    /// 503 with Retry-After.
    pub fn unavailable(retry_after: u64) -> Self {
        Self::retry_later(503, "Service Unavailable", retry_after)
    }

    fn retry_later(status: u16, words: &str, retry_after: u64) -> Self {
        let headers = vec![("Retry-After".to_owned(), retry_after.to_string())];
        Self::Http { status, headers, body: words.into() }
    }

    /// 200 with something that is no JSON.
    pub fn garbage() -> Self {
        Self::Http { status: 200, headers: Vec::new(), body: b"\x00\xFF{\"access_token\": not json".to_vec() }
    }

    /// 200 with a page, as from a hotel's network.
    pub fn html() -> Self {
        let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
        let body = b"<!DOCTYPE html><title>Welcome to the hotel</title><p>Accept our terms".to_vec();
        Self::Http { status: 200, headers, body }
    }

    /// 200 with so many octets of JSON string.
    pub fn huge(octets: usize) -> Self {
        let body = [&b"{\"access_token\":\""[..], &vec![b'x'; octets], b"\"}"].concat();
        Self::Http { status: 200, headers: Vec::new(), body }
    }

    /// Somewhere else.
    pub fn redirect(location: &str) -> Self {
        Self::Http { status: 302, headers: vec![("Location".to_owned(), location.to_owned())], body: Vec::new() }
    }
}
