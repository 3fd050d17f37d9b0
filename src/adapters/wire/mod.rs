//! The network: a connection to the submission server, its TLS, and replies as they arrive.

mod connection;
mod dial;
mod replies;
mod tls_words;

pub(super) use connection::TlsConnection;
#[cfg(test)]
pub(crate) use replies::parse_reply;

use std::io;
use std::time::{Duration, Instant};

use crate::adapters::trust;
use crate::world::{Network, Server, Wire, WireFault};

/// TCP, and TLS on top of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Network for Tcp {
    fn connect(&self, server: Server<'_>, deadline: Instant) -> Result<Box<dyn Wire>, WireFault> {
        Ok(Box::new(connect(server, deadline)?))
    }
}

/// Connects to a host , TLS to follow.
pub(super) fn connect(server: Server<'_>, deadline: Instant) -> Result<TlsConnection, WireFault> {
    // The certificates are read while the resolver is waited for.
    let addresses = dial::Resolving::start(server.host, server.port);
    let trust = trust::client_config(server.ca_file).map_err(WireFault::TrustAnchors)?;
    let socket = dial::dial(&addresses.finish(deadline)?, deadline)?;
    TlsConnection::new(socket, trust, server.host)
}

/// Every address of a host, without a connection to any.
pub(super) fn resolve(host: &str, deadline: Instant) -> Result<Vec<String>, WireFault> {
    let addresses = dial::Resolving::start(host, 0).finish(deadline)?;
    Ok(addresses.iter().map(|address| address.ip().to_string()).collect())
}

/// Time left until the deadline, or none.
fn left(deadline: Instant) -> Option<Duration> {
    deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

/// The system's words without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
