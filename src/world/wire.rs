//! The submission server: a connection to it, and what may go wrong on the way.

use std::path::Path;
use std::time::Instant;

use crate::reply::Reply;
use crate::words::SafeText;

/// Why the wire failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WireFault {
    /// The name has no address.
    Unresolved(SafeText),
    /// No address could be connected to.
    Unreachable(SafeText),
    /// The deadline passed.
    TimedOut,
    /// The other side closed, or the connection broke.
    Lost(SafeText),
    /// What came is not an SMTP reply.
    NotAReply(SafeText),
    /// Octets were already there when TLS was about to begin.
    Injected,
    /// The certificate is not to be trusted.
    Certificate(SafeText),
    /// TLS failed otherwise.
    Tls(SafeText),
    /// A trust anchor file cannot be used.
    TrustAnchors(SafeText),
}

/// A submission server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Server<'a> {
    /// Its name, or an address literal without brackets.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// A PEM file with more trust anchors.
    pub ca_file: Option<&'a Path>,
}

/// Reaches the submission server.
pub trait Network {
    /// Connects to a server: every address of the name, IPv6 and IPv4 alternating, the next one
    /// tried when one fails or is slow. Nothing is read yet.
    fn connect(&self, server: Server<'_>, deadline: Instant) -> Result<Box<dyn Wire>, WireFault>;
}

/// One connection to the server: octets out, whole replies in.
pub trait Wire {
    /// Writes `octets` out to the network; returns when the system has them.
    fn send(&mut self, octets: &[u8], deadline: Instant) -> Result<(), WireFault>;
    /// Whether octets lie here that nobody has read, in our buffers or the system's; waits for none. The end of the
    /// connection is a fault.
    fn has_unread(&mut self) -> Result<bool, WireFault>;
    /// Reads one whole reply, all its lines.
    fn reply(&mut self, deadline: Instant) -> Result<Reply, WireFault>;
    /// Starts TLS after the server's 220. Any octet already received is an attack ([`WireFault::Injected`]). The
    /// certificate is verified against the host name that was connected to.
    fn start_tls(&mut self, deadline: Instant) -> Result<(), WireFault>;
    /// The other end, as `[192.0.2.1]:587`; empty when it is not known.
    fn peer(&self) -> String {
        String::new()
    }
    /// `TLS 1.3`, or what else was agreed on; `TLS` when that is not known.
    fn tls_version(&self) -> &'static str {
        "TLS"
    }
    /// This end's IP address as an RFC 5321 address literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    fn address_literal(&self) -> String;
}
