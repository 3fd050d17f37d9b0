//! The submission server: accepts, remembers everything, and answers as Outlook or as a dialogue says.

mod answer;
mod auth;
pub(crate) mod content;
mod record;
mod session;
mod transaction;
mod wire;
mod words;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};

pub use content::Facts;
pub use record::{Connection, Entry, Received, Side};

use crate::certificates::{Authority, CertificateKind, LOOPBACK_NAMES};
use crate::dialogue::{Dialogue, Rules, TlsVersion};
use crate::listener::Listener;
use crate::outlook::Options;
use crate::tokens::Tokens;

/// A running submission server; it ends when dropped.
pub struct SmtpServer {
    shared: Arc<Shared>,
    listener: Listener,
}

impl SmtpServer {
    /// Starts one that honours `tokens` and shows certificates of `authority`.
    pub fn start(options: &Options, authority: &Authority, tokens: Arc<Tokens>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            account: options.account.clone(),
            aliases: options.aliases.clone(),
            password: options.password.clone(),
            keep_message_id: options.keep_message_id,
            latency: options.latency,
            tokens,
            tls: server_configs(authority).map_err(io::Error::other)?,
            rules: Mutex::new(Arc::new(options.dialogue.as_ref().map(Rules::of).unwrap_or_default())),
            records: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(options.ipv6, move |socket| session::serve(&serving, socket))?;
        Ok(Self { shared, listener })
    }

    /// From the next stage of any session on, this dialogue holds.
    pub fn set_dialogue(&self, dialogue: &Dialogue) {
        *lock(&self.shared.rules) = Arc::new(Rules::of(dialogue));
    }

    /// Where it listens (IPv4).
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The port, the same on every address.
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// The messages accepted so far.
    pub fn received(&self) -> Vec<Received> {
        self.received_whole().into_iter().filter(Received::is_accepted).collect()
    }

    /// Every message received up to its dot, refused and unanswered ones included.
    pub fn received_whole(&self) -> Vec<Received> {
        lock(&self.shared.records).received.clone()
    }

    /// Every connection so far, with its transcript.
    pub fn connections(&self) -> Vec<Connection> {
        lock(&self.shared.records).connections.clone()
    }

    /// All transcripts as one text, for a failing test's message.
    pub fn transcript(&self) -> String {
        let texts = self
            .connections()
            .iter()
            .enumerate()
            .map(|(at, one)| format!("connection {at}\n{one}"))
            .collect::<Vec<_>>();
        texts.join("\n")
    }

    /// Forgets messages and connections; only while no client is connected.
    pub fn forget(&self) {
        *lock(&self.shared.records) = Records::default();
    }

    /// Waits until every connection is over; false when `timeout` came first.
    pub fn wait_until_idle(&self, timeout: Duration) -> bool {
        self.wait(timeout, |records| records.connections.iter().all(|connection| connection.closed))
    }

    /// Waits until `count` messages were accepted; false when `timeout` came first.
    pub fn wait_for_received(&self, count: usize, timeout: Duration) -> bool {
        self.wait(timeout, |records| records.received.iter().filter(|one| one.is_accepted()).count() >= count)
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&Records) -> bool) -> bool {
        let until = Instant::now() + timeout;
        let mut records = lock(&self.shared.records);
        while !done(&records) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            records = self.shared.changed.wait_timeout(records, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// What all sessions of a server have in common.
struct Shared {
    account: String,
    aliases: Vec<String>,
    password: Option<String>,
    keep_message_id: bool,
    latency: Duration,
    tokens: Arc<Tokens>,
    tls: HashMap<(u8, u8), Arc<ServerConfig>>,
    rules: Mutex<Arc<Rules>>,
    records: Mutex<Records>,
    changed: Condvar,
}

#[derive(Default)]
struct Records {
    connections: Vec<Connection>,
    received: Vec<Received>,
}

impl Shared {
    /// Changes the records and wakes whoever waits for them.
    fn record<T>(&self, change: impl FnOnce(&mut Records) -> T) -> T {
        let result = change(&mut lock(&self.records));
        self.changed.notify_all();
        result
    }

    fn server_config(&self, kind: CertificateKind, version: Option<TlsVersion>) -> Arc<ServerConfig> {
        Arc::clone(&self.tls[&key(kind, version)])
    }

    fn may_send_as(&self, address: &str) -> bool {
        std::iter::once(&self.account).chain(&self.aliases).any(|own| own.eq_ignore_ascii_case(address))
    }
}

fn key(kind: CertificateKind, version: Option<TlsVersion>) -> (u8, u8) {
    (kind as u8, version.map_or(0, |version| version as u8 + 1))
}

/// One TLS configuration per kind of certificate and choice of version.
fn server_configs(authority: &Authority) -> Result<HashMap<(u8, u8), Arc<ServerConfig>>, rcgen::Error> {
    use CertificateKind::{Expired, Good, SelfSigned, WrongHost};
    let mut configs = HashMap::new();
    for kind in [Good, Expired, WrongHost, SelfSigned] {
        let identity = authority.identity(kind, &LOOPBACK_NAMES)?;
        configs.insert(key(kind, None), identity.server_config(&[&TLS13, &TLS12]));
        configs.insert(key(kind, Some(TlsVersion::V1_2)), identity.server_config(&[&TLS12]));
        configs.insert(key(kind, Some(TlsVersion::V1_3)), identity.server_config(&[&TLS13]));
    }
    Ok(configs)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
