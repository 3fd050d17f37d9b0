//! One connection: octets out, whole replies in, TLS from the middle on.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};

use crate::adapters::wire::dial::bare;
use crate::adapters::wire::replies::{Assembly, Progress};
use crate::adapters::wire::{left, plain, tls_words};
use crate::reply::Reply;
use crate::words::SafeText;
use crate::world::{Wire, WireFault};

/// Octets handed to TLS or the system at a time.
const SLICE: usize = 64 * 1024;
/// How long one write waits at most before it is tried again: the system wakes a writer only when a third of its buffer is
/// free, which on a slow line looks like a server that takes nothing.
const NAP: Duration = Duration::from_secs(1);
/// Octets read at a time: more than replies have, and not much to clear for each.
const BUFFER: usize = 4 * 1024;

/// A connection to the submission server.
pub(in crate::adapters) struct TlsConnection {
    socket: TcpStream,
    trust: Arc<ClientConfig>,
    host: String,
    tls: Option<Box<ClientConnection>>,
    /// Received, not yet part of a reply.
    buffer: Vec<u8>,
    reply: Assembly,
    /// A write or the handshake failed: nothing more may go out.
    broken: bool,
}

impl TlsConnection {
    pub(super) fn new(socket: TcpStream, trust: Arc<ClientConfig>, host: &str) -> Result<Self, WireFault> {
        // Flights are written whole; waiting for more would only cost the peer's delayed acknowledgement.
        socket.set_nodelay(true).map_err(|error| fault(&error))?;
        Ok(Self {
            socket,
            trust,
            host: bare(host).to_owned(),
            tls: None,
            buffer: Vec::new(),
            reply: Assembly::default(),
            broken: false,
        })
    }

    /// Whether octets wait in the system's buffer.
    fn has_arrived(&self) -> io::Result<bool> {
        self.socket.set_nonblocking(true)?;
        let peeked = self.socket.peek(&mut [0]);
        self.socket.set_nonblocking(false)?;
        Ok(matches!(peeked, Ok(1..)))
    }

    /// Reads what has arrived, if anything has.
    fn fill_at_once(&mut self) -> Result<(), WireFault> {
        let mut at_once = AtOnce { socket: &self.socket };
        match fill(&mut self.buffer, &mut at_once, &mut self.tls, &self.host, self.broken) {
            Err(WireFault::TimedOut) => Ok(()),
            outcome => outcome,
        }
    }

    fn handshake(&mut self, tls: &mut ClientConnection, deadline: Instant) -> Result<(), WireFault> {
        let mut timed = Timed { socket: &self.socket, deadline };
        loop {
            while tls.wants_write() {
                tls.write_tls(&mut timed).map_err(|error| fault(&error))?;
            }
            if !tls.is_handshaking() {
                return Ok(());
            }
            if tls.read_tls(&mut timed).map_err(|error| fault(&error))? == 0 {
                return Err(WireFault::Lost("the server closed the connection during the TLS handshake".into()));
            }
            if let Err(error) = tls.process_new_packets() {
                // The alert that tells the server why; whether it arrives does not matter.
                let _ = tls.write_tls(&mut timed);
                return Err(tls_words::fault(&error, &self.host));
            }
        }
    }

    fn write(&mut self, octets: &[u8], deadline: Instant) -> Result<(), WireFault> {
        let mut timed = Timed { socket: &self.socket, deadline };
        let Some(tls) = &mut self.tls else {
            return timed.write_all(octets).map_err(|error| fault(&error));
        };
        for slice in octets.chunks(SLICE) {
            tls.writer().write_all(slice).map_err(|error| fault(&error))?;
            while tls.wants_write() {
                tls.write_tls(&mut timed).map_err(|error| fault(&error))?;
            }
        }
        Ok(())
    }

    /// What has arrived, at least one octet: for protocols whose answers are no SMTP replies.
    pub(in crate::adapters) fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, WireFault> {
        self.fill(deadline)?;
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Reads what has arrived, at least one octet.
    fn fill(&mut self, deadline: Instant) -> Result<(), WireFault> {
        let mut timed = Timed { socket: &self.socket, deadline };
        fill(&mut self.buffer, &mut timed, &mut self.tls, &self.host, self.broken)
    }
}

/// Reads what has arrived into an empty buffer.
fn fill(
    buffer: &mut Vec<u8>,
    stream: &mut (impl Read + Write),
    tls: &mut Option<Box<ClientConnection>>,
    host: &str,
    broken: bool,
) -> Result<(), WireFault> {
    buffer.resize(BUFFER, 0);
    let read = match tls {
        None => stream.read(buffer).map_err(|error| fault(&error)),
        Some(tls) => read_tls(tls, stream, buffer, host, broken),
    };
    buffer.truncate(*read.as_ref().unwrap_or(&0));
    match read? {
        0 => Err(WireFault::Lost(SafeText::from("the server closed the connection"))),
        _ => Ok(()),
    }
}

/// Reads plain octets out of TLS; 0 at the end, whether or not the server said goodbye: every reply carries its own
/// end, so a truncated stream cannot pass for a whole one.
fn read_tls(
    tls: &mut ClientConnection,
    stream: &mut (impl Read + Write),
    buffer: &mut [u8],
    host: &str,
    broken: bool,
) -> Result<usize, WireFault> {
    loop {
        match tls.reader().read(buffer) {
            Ok(read) => return Ok(read),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(fault(&error)),
        }
        tls.read_tls(stream).map_err(|error| fault(&error))?;
        let processed = tls.process_new_packets();
        // A key update or an alert; if it cannot be written, the next read tells.
        if !broken && tls.wants_write() {
            let _ = tls.write_tls(stream);
        }
        processed.map_err(|error| tls_words::fault(&error, host))?;
    }
}

impl Wire for TlsConnection {
    fn send(&mut self, octets: &[u8], deadline: Instant) -> Result<(), WireFault> {
        if self.broken {
            return Err(WireFault::Lost(SafeText::from("the connection failed before")));
        }
        let written = self.write(octets, deadline);
        self.broken = written.is_err();
        written
    }

    fn has_unread(&mut self) -> Result<bool, WireFault> {
        if self.buffer.is_empty() && self.reply.is_empty() {
            self.fill_at_once()?;
        }
        Ok(!self.buffer.is_empty() || !self.reply.is_empty())
    }

    fn reply(&mut self, deadline: Instant) -> Result<Reply, WireFault> {
        loop {
            match self.reply.take(&self.buffer).map_err(WireFault::NotAReply)? {
                Progress::Whole(taken, reply) => {
                    self.buffer.drain(..taken);
                    return Ok(reply);
                }
                Progress::More => self.buffer.clear(),
            }
            self.fill(deadline)?;
        }
    }

    fn start_tls(&mut self, deadline: Instant) -> Result<(), WireFault> {
        // TLS begins with the client: whatever is here already was put there by somebody on the way.
        let is_injected = !self.buffer.is_empty() || !self.reply.is_empty();
        if is_injected || self.has_arrived().map_err(|error| fault(&error))? {
            self.broken = true;
            return Err(WireFault::Injected);
        }
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| WireFault::Tls(SafeText::from(format!("{} is not a host name", self.host))))?;
        let mut tls = ClientConnection::new(Arc::clone(&self.trust), name)
            .map_err(|error| tls_words::fault(&error, &self.host))?;
        // Writes are sliced and flushed by us; a limit would only cut them short.
        tls.set_buffer_limit(None);
        // Should it fail, nothing may follow in the clear.
        self.broken = true;
        self.handshake(&mut tls, deadline)?;
        self.broken = false;
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    fn peer(&self) -> String {
        let peer = self.socket.peer_addr();
        peer.map_or_else(|_| String::new(), |peer| format!("[{}]:{}", peer.ip().to_canonical(), peer.port()))
    }

    fn tls_version(&self) -> &'static str {
        match self.tls.as_ref().and_then(|tls| tls.protocol_version()) {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            Some(_) | None => "TLS",
        }
    }

    fn address_literal(&self) -> String {
        let client = match self.socket.local_addr().map(|address| address.ip().to_canonical()) {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) => ClientId::default(),
        };
        client.to_string()
    }
}

impl Drop for TlsConnection {
    /// Says goodbye if that takes no time.
    fn drop(&mut self) {
        if let Some(tls) = self.tls.as_mut().filter(|_| !self.broken)
            && self.socket.set_nonblocking(true).is_ok()
        {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut &self.socket);
        }
    }
}

/// A socket that keeps to a deadline, however slowly octets trickle.
struct Timed<'a> {
    socket: &'a TcpStream,
    deadline: Instant,
}

impl Timed<'_> {
    fn until_deadline<T>(&self, mut operation: impl FnMut(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        loop {
            let left = left(self.deadline).ok_or(ErrorKind::TimedOut)?;
            self.socket.set_read_timeout(Some(left))?;
            self.socket.set_write_timeout(Some(left.min(NAP)))?;
            match operation(self.socket) {
                // Linux calls an expired socket timeout "would block"; the deadline decides.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                other => return other,
            }
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.until_deadline(|mut socket| socket.read(buffer))
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.until_deadline(|mut socket| socket.write(octets))
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.until_deadline(|mut socket| socket.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket that waits for nothing.
struct AtOnce<'a> {
    socket: &'a TcpStream,
}

impl AtOnce<'_> {
    fn without_waiting<T>(&self, operation: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        self.socket.set_nonblocking(true)?;
        let outcome = operation(self.socket);
        self.socket.set_nonblocking(false)?;
        outcome
    }
}

impl Read for AtOnce<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.without_waiting(|mut socket| socket.read(buffer))
    }
}

impl Write for AtOnce<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.without_waiting(|mut socket| socket.write(octets))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Only a socket that waits for nothing says that it would have to wait.
fn fault(error: &io::Error) -> WireFault {
    if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) {
        return WireFault::TimedOut;
    }
    WireFault::Lost(SafeText::from(plain(error)))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    use rustls::RootCertStore;
    use rustls::crypto::ring;

    use super::*;

    fn soon(milliseconds: u64) -> Instant {
        Instant::now() + Duration::from_millis(milliseconds)
    }

    fn trust_nobody() -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }

    /// A connection whose other end does as `server` says.
    fn connected<T: Send + 'static>(
        server: impl FnOnce(TcpStream) -> T + Send + 'static,
    ) -> (TlsConnection, JoinHandle<T>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let far = listener.accept().unwrap().0;
        (TlsConnection::new(socket, trust_nobody(), "mail.example").unwrap(), thread::spawn(move || server(far)))
    }

    fn numbers(wire: &mut TlsConnection, count: usize) -> Vec<u16> {
        (0..count).map(|_| wire.reply(soon(5000)).unwrap().code).collect()
    }

    #[test]
    fn a_small_flight_arrives_in_one_piece() {
        let (mut wire, server) = connected(|mut far| {
            let mut buffer = [0; 1000];
            let read = far.read(&mut buffer).unwrap();
            buffer[..read].to_vec()
        });
        wire.send(b"MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n", soon(5000)).unwrap();
        assert_eq!(server.join().unwrap(), b"MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n");
    }

    #[test]
    fn replies_that_arrive_together_are_given_one_by_one() {
        let (mut wire, _server) = connected(|mut far| {
            far.write_all(b"250 a\r\n250-b\r\n250 c\r\n35").unwrap();
            thread::sleep(Duration::from_millis(50));
            far.write_all(b"4 go\r\n").unwrap();
            far
        });
        assert_eq!(numbers(&mut wire, 3), [250, 250, 354]);
    }

    #[test]
    fn the_end_of_the_connection_is_a_loss() {
        for octets in [&b""[..], b"250-half\r\n", b"250 no end"] {
            let (mut wire, _server) = connected(move |mut far| far.write_all(octets).unwrap());
            assert!(matches!(wire.reply(soon(5000)), Err(WireFault::Lost(_))), "{octets:?}");
        }
    }

    #[test]
    fn what_is_not_smtp_is_quoted() {
        let (mut wire, _server) = connected(|mut far| far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
        assert_eq!(wire.reply(soon(5000)), Err(WireFault::NotAReply(SafeText::from("HTTP/1.1 400 Bad Request"))));
    }

    #[test]
    fn a_reply_without_end_is_given_up() {
        let (mut wire, _server) = connected(|mut far| {
            // The other side hangs up at some point.
            while far.write_all(&[b'2'; 65_536]).is_ok() {}
        });
        assert!(matches!(wire.reply(soon(30_000)), Err(WireFault::NotAReply(_))));
    }

    #[test]
    fn silence_and_a_slow_drip_end_at_the_deadline() {
        for pause in [Duration::from_secs(3600), Duration::from_millis(20)] {
            let (mut wire, server) = connected(move |mut far| {
                if pause > Duration::from_secs(1) {
                    return Some(far);
                }
                while far.write_all(b"2").is_ok() {
                    thread::sleep(pause);
                }
                None
            });
            let started = Instant::now();
            assert_eq!(wire.reply(soon(300)), Err(WireFault::TimedOut));
            assert!(started.elapsed() >= Duration::from_millis(300) && started.elapsed() < Duration::from_secs(3));
            drop(wire);
            server.join().unwrap();
        }
    }

    #[test]
    fn a_server_that_does_not_read_ends_at_the_deadline_and_nothing_follows() {
        let (mut wire, server) = connected(|far| far);
        let started = Instant::now();
        assert_eq!(wire.send(&vec![b'x'; 64 * 1024 * 1024], soon(300)), Err(WireFault::TimedOut));
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(matches!(wire.send(b"QUIT\r\n", soon(300)), Err(WireFault::Lost(_))));
        drop(server.join().unwrap());
    }

    #[test]
    fn a_reply_can_be_read_after_a_failed_write() {
        let (mut wire, _server) = connected(|mut far| far.write_all(b"552 too large\r\n").unwrap());
        let mut sent = Ok(());
        while sent.is_ok() {
            sent = wire.send(&[b'x'; 65_536], soon(5000));
        }
        // The system may have thrown the reply away with the connection; it must not be misread in any case.
        match wire.reply(soon(5000)) {
            Ok(reply) => assert_eq!(reply.code, 552),
            Err(fault) => assert!(matches!(fault, WireFault::Lost(_))),
        }
    }

    /// Until something has come, or the connection is over.
    fn unread_at_last(wire: &mut TlsConnection) -> Result<bool, WireFault> {
        let until = soon(5000);
        loop {
            match wire.has_unread() {
                Ok(false) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
                outcome => return outcome,
            }
        }
    }

    #[test]
    fn what_nobody_has_read_is_noticed_without_waiting() {
        let (mut wire, _server) = connected(|far| far);
        assert_eq!(wire.has_unread(), Ok(false));
        // Behind another reply, in the system's buffer, as half a line.
        for octets in [&b"250 a\r\n550 b\r\n"[..], b"250 a\r\n5"] {
            let (mut wire, _server) = connected(move |mut far| {
                far.write_all(octets).unwrap();
                far
            });
            assert_eq!(numbers(&mut wire, 1), [250]);
            assert_eq!(unread_at_last(&mut wire), Ok(true), "{octets:?}");
        }
        let (mut wire, _server) = connected(|mut far| {
            far.write_all(b"250 a\r\n").unwrap();
            far
        });
        assert_eq!(unread_at_last(&mut wire), Ok(true));
        assert_eq!(numbers(&mut wire, 1), [250]);
        assert_eq!(wire.has_unread(), Ok(false));
    }

    #[test]
    fn an_ended_connection_is_noticed_without_waiting() {
        let (mut wire, _server) = connected(drop);
        assert!(matches!(unread_at_last(&mut wire), Err(WireFault::Lost(_))));
    }

    #[test]
    fn octets_behind_the_go_ahead_for_tls_are_an_attack() {
        let (mut wire, _server) = connected(|mut far| {
            far.write_all(b"220 go\r\n250 injected\r\n").unwrap();
            far
        });
        assert_eq!(numbers(&mut wire, 1), [220]);
        assert_eq!(wire.start_tls(soon(5000)), Err(WireFault::Injected));
        assert!(wire.send(b"AUTH", soon(5000)).is_err(), "nothing follows in the clear");
    }

    #[test]
    fn octets_that_come_a_moment_later_are_one_too() {
        let (mut wire, _server) = connected(|mut far| {
            far.write_all(b"220 go\r\n").unwrap();
            thread::sleep(Duration::from_millis(50));
            far.write_all(b"2").unwrap();
            far
        });
        assert_eq!(numbers(&mut wire, 1), [220]);
        thread::sleep(Duration::from_millis(200));
        assert_eq!(wire.start_tls(soon(5000)), Err(WireFault::Injected));
    }

    #[test]
    fn tls_keeps_to_the_deadline_and_to_tls() {
        let (mut wire, _server) = connected(|far| far);
        let started = Instant::now();
        assert_eq!(wire.start_tls(soon(300)), Err(WireFault::TimedOut));
        assert!(started.elapsed() < Duration::from_secs(3));
        assert!(wire.send(b"AUTH", soon(5000)).is_err(), "nothing follows in the clear");

        let (mut wire, _server) = connected(|mut far| {
            assert!(far.read(&mut [0; 4096]).unwrap() > 0);
            far.write_all(b"454 4.7.0 no TLS after all\r\n").unwrap();
            far
        });
        assert!(matches!(wire.start_tls(soon(5000)), Err(WireFault::Tls(_))));

        let (mut wire, _server) = connected(|mut far| far.read(&mut [0; 4096]).unwrap());
        assert!(matches!(wire.start_tls(soon(5000)), Err(WireFault::Lost(_))));
    }

    #[test]
    fn this_end_is_named_by_its_address() {
        let (wire, _server) = connected(|far| far);
        assert_eq!(wire.address_literal(), "[127.0.0.1]");
    }
}
