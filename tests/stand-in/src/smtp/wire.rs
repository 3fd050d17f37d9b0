//! One connection's octets: lines in, replies out in one write per wait, TLS when it is time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection};

use super::content;

/// A client that sends a longer line than this is not worth listening to.
const LONGEST_LINE: usize = 1 << 20;

/// The connection.
pub(super) struct Wire {
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    input: Vec<u8>,
    output: Vec<u8>,
    latency: Duration,
    slow: Option<(usize, Duration)>,
    /// Whether the client was waited for since the last write.
    waited: bool,
    /// How often it was.
    pub(super) waits: usize,
    /// See `Connection::round_trips`.
    pub(super) round_trips: usize,
}

impl Wire {
    pub(super) fn new(socket: TcpStream, latency: Duration) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        // TCP's own round trip.
        thread::sleep(latency);
        let (input, output) = (Vec::new(), Vec::new());
        Ok(Self { socket, tls: None, input, output, latency, slow: None, waited: true, waits: 0, round_trips: 1 })
    }

    /// The next line, without its CRLF; `None` at the end.
    pub(super) fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let from = searched.min(self.input.len());
            if let Some(found) = self.input[from..].windows(2).position(|pair| pair == b"\r\n") {
                let mut line: Vec<u8> = self.input.drain(..from + found + 2).collect();
                line.truncate(from + found);
                return Ok(Some(line));
            }
            searched = self.input.len().saturating_sub(1);
            if self.input.len() > LONGEST_LINE || !self.more()? {
                return Ok(None);
            }
        }
    }

    /// The content up to its final dot, still stuffed; `None` when the client goes, or `limit` octets were read.
    pub(super) fn content(&mut self, limit: Option<usize>) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            if limit.is_some_and(|limit| self.input.len() >= limit) {
                return Ok(None);
            }
            if let Some((end, terminator)) = content::end(&self.input, searched) {
                let behind = self.input.split_off(end + terminator);
                let mut octets = std::mem::replace(&mut self.input, behind);
                octets.truncate(end);
                return Ok(Some(octets));
            }
            searched = self.input.len();
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Puts octets behind what is to be written at the next wait.
    pub(super) fn queue(&mut self, octets: &[u8]) {
        self.output.extend_from_slice(octets);
    }

    /// Reads more: what is there already, else flushes and waits. False at the end.
    fn more(&mut self) -> io::Result<bool> {
        if !self.output.is_empty() {
            self.socket.set_nonblocking(true)?;
            let at_once = self.receive();
            self.socket.set_nonblocking(false)?;
            match at_once {
                Ok(octets) if octets > 0 => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            self.flush()?;
        }
        self.waited = true;
        self.waits += 1;
        Ok(self.receive()? > 0)
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 32 * 1024];
        let limit = self.slow.map_or(buffer.len(), |(octets, pause)| {
            thread::sleep(pause);
            octets.min(buffer.len())
        });
        let Some(tls) = &mut self.tls else {
            let octets = self.socket.read(&mut buffer[..limit])?;
            self.input.extend_from_slice(&buffer[..octets]);
            return Ok(octets);
        };
        loop {
            match tls.reader().read(&mut buffer) {
                Ok(octets) => {
                    self.input.extend_from_slice(&buffer[..octets]);
                    return Ok(octets);
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            tls.read_tls(&mut (&self.socket).take(limit as u64))?;
            let processed = tls.process_new_packets();
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
            processed.map_err(io::Error::other)?;
        }
    }

    /// Writes what is queued; one round trip when the client was waited for.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        if self.waited {
            self.waited = false;
            self.round_trips += 1;
            thread::sleep(self.latency);
        }
        let output = std::mem::take(&mut self.output);
        let Some(tls) = &mut self.tls else {
            return self.socket.write_all(&output);
        };
        for record in output.chunks(16 * 1024) {
            tls.writer().write_all(record)?;
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
        }
        Ok(())
    }

    /// Forgets what came in the clear behind STARTTLS; says how much it was.
    pub(super) fn discard_input(&mut self) -> usize {
        std::mem::take(&mut self.input).len()
    }

    /// Waits until the client begins its handshake.
    pub(super) fn wait_for_handshake(&mut self) -> io::Result<()> {
        self.waits += 1;
        self.socket.peek(&mut [0]).map(drop)
    }

    /// Does the handshake.
    pub(super) fn start_tls(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        thread::sleep(self.latency);
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut self.socket)?;
        }
        self.tls = Some(Box::new(tls));
        self.round_trips += 1;
        self.waited = true;
        Ok(())
    }

    /// `TLSv1_3`; empty in the clear.
    pub(super) fn tls_version(&self) -> String {
        let version = self.tls.as_ref().and_then(|tls| tls.protocol_version());
        version.and_then(|version| version.as_str()).unwrap_or_default().to_owned()
    }

    /// The name the client asked for.
    pub(super) fn server_name(&self) -> Option<String> {
        self.tls.as_ref().and_then(|tls| tls.server_name()).map(str::to_owned)
    }

    /// From now on at most `octets` a read, with a pause before each.
    pub(super) fn slow_down(&mut self, octets: usize, pause: Duration) {
        self.slow = Some((octets, pause));
    }

    /// Ends politely: the client gets everything written, and its last words do not cause a reset.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.flush()?;
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
        }
        self.socket.shutdown(Shutdown::Write)?;
        self.socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until && self.socket.read(&mut [0; 4096])? > 0 {}
        Ok(())
    }

    /// Ends at once.
    pub(super) fn abort(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Listens without ever answering, until the client goes.
    pub(super) fn stall(&mut self) -> io::Result<()> {
        self.flush()?;
        while self.socket.read(&mut [0; 4096])? > 0 {}
        Ok(())
    }
}
