//! The endpoints of login.microsoftonline.com: HTTPS, refresh, device code and browser grants, and every way they fail.

mod answer;
mod browser;
mod http;
mod oauth;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

pub use answer::Answer;
pub use browser::{BrowserFlow, BrowserOutcome};
pub use oauth::{DeviceFlow, DeviceOutcome};
use rustls::version::{TLS12, TLS13};

use crate::certificates::{Authority, CertificateKind, LOOPBACK_NAMES};
use crate::listener::Listener;
use crate::outlook::Options;
use crate::tokens::Tokens;

/// A running token endpoint; it ends when dropped.
pub struct TokenEndpoint {
    shared: Arc<Shared>,
    listener: Listener,
}

/// One request it got.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// `POST`, or `GET` of a page.
    pub method: String,
    /// `/consumers/oauth2/v2.0/token`.
    pub path: String,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Fields of the form, or of a GET's query, decoded, in order.
    pub form: Vec<(String, String)>,
    /// The HTTP status answered; `None` when nothing was.
    pub status: Option<u16>,
    /// When it came.
    pub at: SystemTime,
}

impl TokenRequest {
    /// A form field's value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl TokenEndpoint {
    /// Starts one that issues `tokens` and shows a certificate of `authority`.
    pub fn start(options: &Options, authority: &Authority, tokens: Arc<Tokens>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            account: options.account.clone(),
            client_id: options.client_id.clone(),
            tenant: options.tenant.clone(),
            lifetime: options.access_token_lifetime,
            revoke_on_reuse: options.revoke_on_reuse,
            latency: options.latency,
            tokens,
            state: Mutex::default(),
        });
        let identity = authority.identity(CertificateKind::Good, &LOOPBACK_NAMES).map_err(io::Error::other)?;
        let config = identity.server_config(&[&TLS13, &TLS12]);
        let serving = Arc::clone(&shared);
        let listener = Listener::start(options.ipv6, move |socket| {
            // A client that breaks off is the test's business, not ours.
            let _ = http::serve(&serving, socket, Arc::clone(&config));
        })?;
        Ok(Self { shared, listener })
    }

    /// Where it listens (IPv4).
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The port, the same on every address.
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// The next requests get these answers, one each, before the usual behaviour is back.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.state().scripted.extend(answers);
    }

    /// From now on every request gets this answer; `None` brings the usual behaviour back.
    pub fn answer_always(&self, answer: Option<Answer>) {
        self.shared.state().always = answer;
    }

    /// How device sign-ins started from now on go.
    pub fn set_device_flow(&self, flow: DeviceFlow) {
        self.shared.state().device_flow = flow;
    }

    /// How sign-ins with a browser go from now on.
    pub fn set_browser_flow(&self, flow: BrowserFlow) {
        self.shared.state().browser_flow = flow;
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.shared.state().requests.clone()
    }

    /// How many requests had this grant type.
    pub fn grants(&self, grant_type: &str) -> usize {
        self.shared.state().requests.iter().filter(|request| request.field("grant_type") == Some(grant_type)).count()
    }

    /// How many times a token was renewed or asked to be.
    pub fn refreshes(&self) -> usize {
        self.grants("refresh_token")
    }

    /// The refresh token issued last.
    pub fn newest_refresh_token(&self) -> Option<String> {
        self.shared.state().newest_refresh_token.clone()
    }
}

struct Shared {
    account: String,
    client_id: String,
    tenant: String,
    lifetime: Duration,
    revoke_on_reuse: bool,
    latency: Duration,
    tokens: Arc<Tokens>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: Vec<TokenRequest>,
    scripted: VecDeque<Answer>,
    always: Option<Answer>,
    device_flow: DeviceFlow,
    sign_ins: Vec<oauth::SignIn>,
    browser_flow: BrowserFlow,
    codes: Vec<browser::Code>,
    newest_refresh_token: Option<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the request and decides the answer.
    fn answer(&self, request: &TokenRequest) -> (usize, Answer) {
        let (index, scripted) = {
            let mut state = self.state();
            state.requests.push(request.clone());
            let scripted = state.scripted.pop_front().or_else(|| state.always.clone());
            (state.requests.len() - 1, scripted)
        };
        (index, self.resolved(scripted.unwrap_or(Answer::Usual), request))
    }

    fn resolved(&self, answer: Answer, request: &TokenRequest) -> Answer {
        match answer {
            Answer::Usual => oauth::usual(self, request),
            Answer::Delayed(pause, inner) => Answer::Delayed(pause, Box::new(self.resolved(*inner, request))),
            answer => answer,
        }
    }

    fn answered(&self, index: usize, status: u16) {
        if let Some(request) = self.state().requests.get_mut(index) {
            request.status = Some(status);
        }
    }
}
