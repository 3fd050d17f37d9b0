//! `status --json`: where every account stands, for monitoring. A key is never left out and never means anything else;
//! what is not known is null.

use serde::Serialize;

use super::history::PastFailure;
use super::times::{DAY, rfc3339};
use super::{GrantTimes, Pace, SignIn, Standing, worst};
use crate::account::TransportKind;
use crate::failure::Failure;

/// Changes when a key changes its meaning; more keys do not.
const VERSION: u8 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u8,
    at: Option<String>,
    status: u8,
    problem: Option<String>,
    accounts: Vec<OneAccount<'a>>,
}

#[derive(Serialize)]
struct OneAccount<'a> {
    name: &'a str,
    address: &'a str,
    system: bool,
    default: bool,
    state: &'static str,
    status: u8,
    problem: Option<&'a str>,
    signed_in_at: Option<String>,
    renewed_at: Option<String>,
    lapses_at: Option<String>,
    days_left: Option<u64>,
    store: &'static str,
    auth: &'static str,
    transport: &'static str,
    host: &'a str,
    port: u16,
    from: Vec<String>,
    sent_at: Option<String>,
    failure: Option<OneFailure<'a>>,
    renewal_failure: Option<OneFailure<'a>>,
    outbox: Option<u64>,
    pace: Option<OnePace>,
}

#[derive(Serialize)]
struct OneFailure<'a> {
    at: Option<String>,
    status: u8,
    dsn: &'a str,
    line: &'a str,
}

#[derive(Serialize)]
struct OnePace {
    used: u32,
    limit: u32,
}

/// The document, with a line end. `failure` is why there are no accounts to tell of.
pub fn json(standings: &[Standing<'_>], failure: Option<&Failure>, now: u64) -> String {
    let report = Report {
        version: VERSION,
        at: rfc3339(now),
        status: worst(standings.iter().map(Standing::status).chain(failure.map(|failure| failure.exit_status() as u8))),
        problem: failure.map(Failure::line),
        accounts: standings.iter().map(one_account).collect(),
    };
    // Strings and numbers: there is nothing that JSON could not say.
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

fn one_account<'a>(standing: &'a Standing<'_>) -> OneAccount<'a> {
    let Standing { account, history, now, .. } = standing;
    let (auth, times) = match &standing.sign_in {
        Some(SignIn::Grant(times)) => ("oauth2", Some(times)),
        Some(SignIn::Password) => ("password", None),
        None => ("oauth2", None),
    };
    let lapses_at = times.and_then(|times| times.lapses_at);
    let told = |at: fn(&GrantTimes) -> u64| times.map(at).filter(|at| *at > 0).and_then(rfc3339);
    OneAccount {
        name: &account.name,
        address: account.address.as_ref(),
        system: false,
        default: standing.preferred,
        state: standing.state.word(),
        status: standing.status(),
        problem: standing.problem.as_ref().map(|problem| problem.line.as_str()),
        signed_in_at: told(|times| times.signed_in_at),
        renewed_at: history.renewed.and_then(rfc3339).or_else(|| told(|times| times.renewed_at)),
        lapses_at: lapses_at.and_then(rfc3339),
        days_left: lapses_at.map(|lapses_at| lapses_at.saturating_sub(*now) / DAY),
        store: account.store.word(),
        auth,
        transport: match account.transport {
            TransportKind::Smtp => "smtp",
            TransportKind::Graph => "graph",
        },
        host: &account.host,
        port: account.port,
        from: std::iter::once(&account.address).chain(&account.send_as).map(ToString::to_string).collect(),
        sent_at: history.sent.and_then(rfc3339),
        failure: history.failed.as_ref().map(one_failure),
        renewal_failure: history.unrenewed.as_ref().map(one_failure),
        outbox: standing.outbox,
        pace: standing.pace.map(|Pace { used, limit }| OnePace { used, limit }),
    }
}

fn one_failure(failure: &PastFailure) -> OneFailure<'_> {
    OneFailure { at: rfc3339(failure.at), status: failure.status, dsn: &failure.dsn, line: &failure.line }
}
