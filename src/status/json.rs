//! `status --json`: where every account stands, for monitoring. A key is never left out and never means anything else;
//! what is not known is null.

use serde::{Deserialize, Serialize};

use super::{GrantTimes, Pace, SignIn, Standing, worst};
use crate::account::AuthKind;
use crate::failure::{Failure, Whose};
use crate::memory::history::PastFailure;
use crate::memory::send_as::Said;
use crate::moments::{DAY, rfc3339};
use crate::queue::Viewer;
use crate::world::KeyPlace;

/// Changes when a key changes its meaning; more keys do not.
const VERSION: u8 = 1;

/// The document.
#[derive(Serialize, Deserialize)]
pub struct Report {
    version: u8,
    at: Option<String>,
    status: u8,
    problem: Option<String>,
    accounts: Vec<OneAccount>,
}

#[derive(Serialize, Deserialize)]
struct OneAccount {
    name: String,
    address: String,
    system: bool,
    default: bool,
    state: String,
    status: u8,
    problem: Option<String>,
    signed_in_at: Option<String>,
    renewed_at: Option<String>,
    lapses_at: Option<String>,
    days_left: Option<u64>,
    store: String,
    key: Option<String>,
    auth: String,
    transport: String,
    host: String,
    port: u16,
    from: Vec<String>,
    #[serde(default)]
    send_as: Vec<OneSender>,
    sent_at: Option<String>,
    failure: Option<OneFailure>,
    renewal_failure: Option<OneFailure>,
    queue: Option<usize>,
    queue_failed: Option<usize>,
    queue_perhaps_sent: Option<usize>,
    #[serde(default)]
    queue_oldest_at: Option<String>,
    #[serde(default)]
    queue_next_at: Option<String>,
    #[serde(default)]
    queue_runner: Option<String>,
    pace: Option<OnePace>,
}

#[derive(Serialize, Deserialize)]
struct OneSender {
    address: String,
    accepted_at: Option<String>,
    refused_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OneFailure {
    at: Option<String>,
    status: u8,
    dsn: String,
    line: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OnePace {
    used: u64,
    limit: u64,
}

impl Report {
    /// What is to be told of these accounts. `failure` is why there are none.
    pub fn new(standings: &[Standing<'_>], whose: Whose, failure: Option<&Failure>, now: u64) -> Self {
        let mut report = Self {
            version: VERSION,
            at: rfc3339(now),
            status: 0,
            problem: failure.map(Failure::line),
            accounts: standings.iter().map(|standing| one_account(standing, whose)).collect(),
        };
        report.status = worst(report.statuses().chain(failure.map(|failure| failure.exit_status() as u8)));
        report
    }

    /// Reads one back; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The same with another's accounts.
    pub fn with(mut self, other: Self) -> Self {
        self.status = worst([self.status, worst(other.statuses())]);
        self.accounts.extend(other.accounts);
        self
    }

    /// The exit status that tells the worst of it.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// What keeps mail from going, if anything.
    pub fn problem(&self) -> Option<&str> {
        let of_accounts = self.accounts.iter().find_map(|account| account.problem.as_deref());
        self.problem.as_deref().or(of_accounts)
    }

    /// How many messages wait, failed, or were perhaps sent, as far as is told.
    pub fn outbox(&self) -> [usize; 3] {
        let sum = |of: fn(&OneAccount) -> Option<usize>| self.accounts.iter().filter_map(of).sum();
        [sum(|it| it.queue), sum(|it| it.queue_failed), sum(|it| it.queue_perhaps_sent)]
    }

    /// The document, with a line end.
    pub fn text(&self) -> String {
        // Strings and numbers: there is nothing that JSON could not say.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn statuses(&self) -> impl Iterator<Item = u8> {
        self.accounts.iter().map(|account| account.status)
    }
}

fn one_account(standing: &Standing<'_>, whose: Whose) -> OneAccount {
    let Standing { account, history, viewer, now, .. } = standing;
    let times = match &standing.sign_in {
        Some(SignIn::Grant(times)) => Some(times),
        Some(SignIn::Password) | None => None,
    };
    let lapses_at = times.and_then(|times| times.lapses_at);
    let told = |at: fn(&GrantTimes) -> u64| times.map(at).filter(|at| *at > 0).and_then(rfc3339);
    let key = standing.key.map(|key| match key {
        KeyPlace::Credential => "credential",
        KeyPlace::Beside => "beside",
    });
    let Pace { used, limit } = standing.pace;
    OneAccount {
        name: account.name.clone(),
        address: account.address.to_string(),
        system: whose == Whose::System,
        default: standing.preferred,
        state: standing.state.word().to_owned(),
        status: standing.status(),
        problem: standing.problem.as_ref().map(Failure::line),
        signed_in_at: told(|times| times.signed_in_at),
        renewed_at: history.renewed.and_then(rfc3339).or_else(|| told(|times| times.renewed_at)),
        lapses_at: lapses_at.and_then(rfc3339),
        days_left: lapses_at.map(|lapses_at| lapses_at.saturating_sub(*now).div_ceil(DAY)),
        store: account.store.word().to_owned(),
        key: key.map(str::to_owned),
        auth: match account.auth {
            AuthKind::OAuth2 => "oauth2",
            AuthKind::Password => "password",
        }
        .to_owned(),
        transport: account.transport.word().to_owned(),
        host: account.host.clone(),
        port: account.port,
        from: std::iter::once(&account.address).chain(&account.send_as).map(ToString::to_string).collect(),
        send_as: standing.send_as.iter().map(one_sender).collect(),
        sent_at: history.sent.and_then(rfc3339),
        failure: history.failed.as_ref().map(|failed| one_failure(failed, *viewer == Viewer::Everybody)),
        renewal_failure: history.unrenewed.as_ref().map(|failed| one_failure(failed, true)),
        queue: standing.outbox.map(|tally| tally.waiting),
        queue_failed: standing.outbox.map(|tally| tally.failed),
        queue_perhaps_sent: standing.outbox.map(|tally| tally.perhaps_sent),
        queue_oldest_at: standing.outbox.and_then(|tally| tally.oldest).and_then(rfc3339),
        queue_next_at: standing.outbox.and_then(|tally| tally.next).and_then(rfc3339),
        queue_runner: standing.outbox.and_then(|tally| tally.runner).map(|runner| runner.word().to_owned()),
        pace: Some(OnePace { used, limit }),
    }
}

fn one_sender((address, said): &(String, Option<Said>)) -> OneSender {
    let (accepted_at, refused_at) = match said {
        None => (None, None),
        Some(Said::Accepted(at)) => (rfc3339(*at), None),
        Some(Said::Refused(at)) => (None, rfc3339(*at)),
    };
    OneSender { address: address.clone(), accepted_at, refused_at }
}

fn one_failure(PastFailure { at, failure }: &PastFailure, with_words: bool) -> OneFailure {
    let row = failure.cause.row();
    let line = with_words.then(|| failure.line());
    OneFailure { at: rfc3339(*at), status: row.status as u8, dsn: row.enhanced.to_owned(), line }
}
