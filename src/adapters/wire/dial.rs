//! Finds a server's addresses and connects to the first one that answers (RFC 8305 in small).

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::adapters::wire::{left, plain};
use crate::words::SafeText;
use crate::world::WireFault;

/// How long an attempt has before the next address is tried beside it (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);

type Resolved = io::Result<Vec<SocketAddr>>;

/// A name being resolved. getaddrinfo knows no deadline, so it runs in a thread of its own.
pub(super) struct Resolving {
    host: String,
    outcome: Receiver<Resolved>,
}

impl Resolving {
    pub(super) fn start(host: &str, port: u16) -> Self {
        let (sender, outcome) = mpsc::channel();
        let host = bare(host).to_owned();
        let name = host.clone();
        let resolve = move || {
            // Nobody listens any more once the deadline has passed.
            let _ = sender.send((name.as_str(), port).to_socket_addrs().map(Iterator::collect));
        };
        // Without a thread (a limit on processes) the sender is dropped, and `finish` says so.
        let _ = thread::Builder::new().name("resolver".into()).spawn(resolve);
        Self { host, outcome }
    }

    /// The addresses, IPv6 and IPv4 alternating, starting with the family the system prefers.
    pub(super) fn finish(self, deadline: Instant) -> Result<Vec<SocketAddr>, WireFault> {
        let unresolved = |why: &str| WireFault::Unresolved(SafeText::from(format!("{}: {why}", self.host)));
        match self.outcome.recv_timeout(left(deadline).unwrap_or_default()) {
            Ok(Ok(addresses)) if addresses.is_empty() => Err(unresolved("no address")),
            Ok(Ok(addresses)) => Ok(interleave(addresses)),
            Ok(Err(error)) => Err(unresolved(&plain(&error))),
            Err(RecvTimeoutError::Timeout) => Err(unresolved("the name server did not answer in time")),
            Err(RecvTimeoutError::Disconnected) => Err(unresolved("no thread to resolve it in")),
        }
    }
}

/// An IPv6 address may be written in brackets, a name with a dot at its end.
pub(super) fn bare(host: &str) -> &str {
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host)
}

fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let prefers_six = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut preferred, mut other) =
        addresses.into_iter().partition::<Vec<_>, _>(|address| address.is_ipv6() == prefers_six);
    let rounds = preferred.len().max(other.len());
    let (mut preferred, mut other) = (preferred.drain(..), other.drain(..));
    let mut mixed: Vec<SocketAddr> = Vec::new();
    for address in (0..rounds).flat_map(|_| [preferred.next(), other.next()]).flatten() {
        if !mixed.contains(&address) {
            mixed.push(address);
        }
    }
    mixed
}

/// Connects. The next address is tried when one fails, or beside one that is slow; the first connection is taken.
pub(super) fn dial(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, WireFault> {
    dial_with(addresses, deadline, |address, patience| TcpStream::connect_timeout(&address, patience))
}

fn dial_with(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: fn(SocketAddr, Duration) -> io::Result<TcpStream>,
) -> Result<TcpStream, WireFault> {
    let (sender, outcomes) = mpsc::channel();
    let mut waiting = addresses.iter().copied();
    let mut under_way: Vec<SocketAddr> = Vec::new();
    let mut faults: Vec<String> = Vec::new();
    loop {
        let started = waiting.next();
        if let (Some(address), Some(left)) = (started, left(deadline)) {
            under_way.push(address);
            let sender = sender.clone();
            let attempt = move || {
                // A connection that comes second is closed here: nobody receives it.
                let _ = sender.send((address, connect(address, left)));
            };
            if thread::Builder::new().name("connect".into()).spawn(attempt).is_err() {
                under_way.retain(|other| *other != address);
                faults.push(format!("{}: no thread to connect in", address.ip()));
                continue;
            }
        } else if under_way.is_empty() {
            break;
        }
        let patience = left(deadline).unwrap_or_default();
        let patience = if waiting.len() > 0 { patience.min(STAGGER) } else { patience };
        match outcomes.recv_timeout(patience) {
            Ok((_, Ok(socket))) => return Ok(socket),
            Ok((address, Err(error))) => {
                under_way.retain(|other| *other != address);
                faults.push(format!("{}: {}", address.ip(), plain(&error)));
            }
            Err(_) if left(deadline).is_none() => break,
            Err(_) => {}
        }
    }
    faults.extend(under_way.iter().map(|address| format!("{}: no answer", address.ip())));
    let port = addresses.first().map_or(0, SocketAddr::port);
    Err(WireFault::Unreachable(SafeText::from(format!("port {port}: {}", faults.join(", ")))))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn soon(milliseconds: u64) -> Instant {
        Instant::now() + Duration::from_millis(milliseconds)
    }

    /// An address of loopback where nobody listens.
    fn closed(ip: &str) -> SocketAddr {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        listener.local_addr().unwrap()
    }

    /// Connects, but 127.0.0.9 never answers, as behind a firewall that drops.
    fn connect_or_hang(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
        if address.ip().to_string() == "127.0.0.9" {
            thread::sleep(patience);
            return Err(io::ErrorKind::TimedOut.into());
        }
        TcpStream::connect_timeout(&address, patience)
    }

    #[test]
    fn families_alternate_beginning_with_the_preferred_one() {
        let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let six_first = list(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1", "1.1.1.1:1"]);
        assert_eq!(interleave(six_first), list(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]));
        let four_first = list(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]);
        assert_eq!(interleave(four_first), list(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]));
        assert_eq!(interleave(Vec::new()), []);
    }

    #[test]
    fn names_and_literals_resolve() {
        for host in ["127.0.0.1", "localhost", "localhost.", "::1", "[::1]"] {
            let addresses = Resolving::start(host, 587).finish(soon(5000)).unwrap();
            assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 587), "{host}");
        }
    }

    #[test]
    fn a_name_without_address_is_named() {
        let Err(WireFault::Unresolved(words)) = Resolving::start("no-such-host.invalid", 587).finish(soon(10_000))
        else {
            panic!()
        };
        assert!(words.whole().starts_with("no-such-host.invalid: "), "{words:?}");
    }

    #[test]
    fn a_resolver_that_hangs_is_left_behind() {
        let (_sender, outcome) = mpsc::channel();
        let started = Instant::now();
        let fault = Resolving { host: "slow.example".into(), outcome }.finish(soon(100)).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!(
            fault,
            WireFault::Unresolved(SafeText::from("slow.example: the name server did not answer in time"))
        );
    }

    #[test]
    fn the_next_address_is_tried_at_once_when_one_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let addresses = [closed("127.0.0.2"), closed("127.0.0.3"), closed("127.0.0.4"), good];
        let started = Instant::now();
        assert_eq!(dial(&addresses, soon(5000)).unwrap().peer_addr().unwrap(), good);
        assert!(started.elapsed() < STAGGER);
    }

    #[test]
    fn every_refusal_is_named() {
        let addresses = [closed("127.0.0.2"), closed("127.0.0.3")];
        let Err(WireFault::Unreachable(words)) = dial(&addresses, soon(5000)) else { panic!() };
        assert!(words.whole().contains("127.0.0.2: Connection refused, 127.0.0.3: Connection refused"), "{words:?}");
        assert!(!words.whole().contains("os error"));
    }

    #[test]
    fn a_slow_address_does_not_hold_up_the_next_and_the_deadline_holds() {
        let slow: SocketAddr = "127.0.0.9:587".parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let started = Instant::now();
        let socket = dial_with(&[slow, good], soon(60_000), connect_or_hang).unwrap();
        assert_eq!(socket.peer_addr().unwrap(), good);
        assert!(started.elapsed() >= STAGGER && started.elapsed() < Duration::from_secs(5));

        let started = Instant::now();
        let Err(WireFault::Unreachable(words)) = dial_with(&[slow, slow], soon(300), connect_or_hang) else { panic!() };
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(words.whole().starts_with("port 587: 127.0.0.9: "), "{words:?}");

        assert!(dial(&[good], Instant::now()).is_err());
    }
}
