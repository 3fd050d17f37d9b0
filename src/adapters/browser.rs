//! The desktop's browser, and the loopback port it comes back to: as much HTTP/1.1 as a GET needs.

use std::env;
use std::io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};
use zeroize::Zeroizing;

use super::loopback_peer::is_somebody_elses;
use super::person::typed_line;
use super::process::has_own_environment;
use crate::secret::Secret;
use crate::words::SafeText;
use crate::world::{Arrival, Browser, Loopback, Status, Visit};

/// The longest request: Microsoft's redirects have 2 KB.
const LONGEST_REQUEST: usize = 8 * 1024;

/// So much is read at once.
const ROOM: usize = 1024;

/// How long a connection may take to ask. Browsers open some ahead and say nothing on them.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many connections are heard at once; when more come, the oldest goes.
const MOST_CONNECTIONS: usize = 16;

/// So often both address families are tried to give the same port.
const ATTEMPTS: usize = 10;

/// What a browser of another user's is told.
const FOREIGN: &str = "<!DOCTYPE html><title>Another user</title><p>Somebody else signs in here. If that is you, copy this \
                       page's address and paste it in the terminal.";

/// What we leave a browser's files with: our own mask is for secrets.
const USUAL_UMASK: Mode = Mode::from_bits_truncate(0o022);

/// The browser of the desktop this process belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Desktop;

impl Browser for Desktop {
    fn open(&self, url: &str) -> bool {
        // Which program that is, the environment says.
        if !has_own_environment() {
            return false;
        }
        if !["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty())) {
            return false;
        }
        let ours = umask(USUAL_UMASK);
        // A group of its own: Ctrl-C at our terminal must not close it. It may run for as long as it is open.
        let started = Command::new("xdg-open")
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        umask(ours);
        started.is_ok()
    }

    fn listen(&self) -> Result<Box<dyn Loopback>, SafeText> {
        let listeners = listeners().map_err(|error| SafeText::from(error.to_string()))?;
        let port = listeners.first().and_then(|one| one.local_addr().ok()).map(|address| address.port());
        let port = port.ok_or_else(|| SafeText::from("no address"))?;
        let keyboard = io::stdin().is_terminal();
        Ok(Box::new(LoopbackPort { port, listeners, connections: Vec::new(), keyboard }))
    }
}

/// One port for both families; whichever of them this machine has.
fn listeners() -> io::Result<Vec<TcpListener>> {
    let mut attempts = 0;
    loop {
        let found = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) {
            Ok(four) => match TcpListener::bind((Ipv6Addr::LOCALHOST, four.local_addr()?.port())) {
                Ok(six) => vec![four, six],
                // Somebody has it there, and would be given the code.
                Err(error) if error.kind() == ErrorKind::AddrInUse && attempts < ATTEMPTS => {
                    attempts += 1;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
                Err(_) => vec![four],
            },
            Err(error) => vec![TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).map_err(|_| error)?],
        };
        for listener in &found {
            listener.set_nonblocking(true)?;
        }
        return Ok(found);
    }
}

struct LoopbackPort {
    port: u16,
    listeners: Vec<TcpListener>,
    connections: Vec<Connection>,
    /// Whether lines may still come.
    keyboard: bool,
}

/// Somebody who has not said everything yet.
struct Connection {
    stream: TcpStream,
    heard: Zeroizing<Vec<u8>>,
    until: Instant,
}

impl Loopback for LoopbackPort {
    fn port(&self) -> u16 {
        self.port
    }

    fn next(&mut self, until: Instant) -> Arrival {
        loop {
            let now = Instant::now();
            self.connections.retain(|connection| connection.until > now);
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Arrival::Nothing;
            }
            if self.line_waits(left) {
                match typed_line() {
                    Some(line) => return Arrival::Line(line),
                    None => self.keyboard = false,
                }
            }
            self.accept();
            for place in (0..self.connections.len()).rev() {
                let heard = self.connections.get_mut(place).map_or(Heard::Gone, Connection::hear);
                if matches!(heard, Heard::Part) {
                    continue;
                }
                let stream = self.connections.swap_remove(place).stream;
                match heard {
                    Heard::Request(_) if is_somebody_elses(&stream) => answer(stream, Status::BadRequest, FOREIGN),
                    Heard::Request(target) => return Arrival::Visit(Box::new(Caller { stream, target })),
                    Heard::Nonsense => answer(stream, Status::BadRequest, ""),
                    Heard::Part | Heard::Gone => {}
                }
            }
        }
    }
}

impl LoopbackPort {
    /// Waits until something can be read, a connection has to be given up, or the time is over; says whether it is a line.
    fn line_waits(&self, left: Duration) -> bool {
        let now = Instant::now();
        let patience = self.connections.iter().map(|one| one.until.saturating_duration_since(now)).chain([left]).min();
        let patience = u16::try_from(patience.unwrap_or(left).as_millis() + 1).unwrap_or(u16::MAX);
        let stdin = io::stdin();
        let sockets = self.listeners.iter().map(|one| one.as_fd());
        let sockets = sockets.chain(self.connections.iter().map(|one| one.stream.as_fd()));
        let keyboard = self.keyboard.then(|| stdin.as_fd());
        let mut watched: Vec<_> =
            keyboard.into_iter().chain(sockets).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // What failed to be waited for is found out by reading.
        let _ = poll(&mut watched, PollTimeout::from(patience));
        self.keyboard && watched.first().and_then(PollFd::any).unwrap_or(false)
    }

    fn accept(&mut self) {
        for listener in &self.listeners {
            while let Ok((stream, _)) = listener.accept() {
                if stream.set_nonblocking(true).is_err() {
                    continue;
                }
                if self.connections.len() >= MOST_CONNECTIONS {
                    self.connections.remove(0);
                }
                let heard = Zeroizing::new(Vec::with_capacity(LONGEST_REQUEST + ROOM));
                self.connections.push(Connection { stream, heard, until: Instant::now() + PATIENCE });
            }
        }
    }
}

/// What came on a connection.
enum Heard {
    Part,
    Gone,
    Nonsense,
    Request(Secret),
}

impl Connection {
    fn hear(&mut self) -> Heard {
        let mut room = Zeroizing::new([0; ROOM]);
        loop {
            // Never more than the buffer has: it would move, and leave a copy behind.
            match self.stream.read(&mut *room) {
                Ok(0) => return Heard::Gone,
                Ok(read) => self.heard.extend_from_slice(room.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Part,
                Err(_) => return Heard::Gone,
            }
            if self.heard.windows(4).any(|octets| octets == b"\r\n\r\n") {
                return target(&self.heard).map_or(Heard::Nonsense, Heard::Request);
            }
            // Cookies of other programs on localhost may take all the room; the line is enough.
            if self.heard.len() >= LONGEST_REQUEST {
                return target(&self.heard).map_or(Heard::Nonsense, Heard::Request);
            }
        }
    }
}

/// The target of a GET (RFC 9112 section 3).
fn target(request: &[u8]) -> Option<Secret> {
    let line = request.split(|octet| *octet == b'\r').next()?;
    let target = line.strip_prefix(b"GET ")?.strip_suffix(b" HTTP/1.1").filter(|target| target.starts_with(b"/"))?;
    target.iter().all(u8::is_ascii_graphic).then(|| Secret::new(target.to_vec()))
}

struct Caller {
    stream: TcpStream,
    target: Secret,
}

impl Visit for Caller {
    fn target(&self) -> &Secret {
        &self.target
    }

    fn answer(self: Box<Self>, status: Status, page: &str) {
        answer(self.stream, status, page);
    }
}

/// Nobody is kept from signing in by a browser that does not read.
fn answer(mut stream: TcpStream, status: Status, page: &str) {
    let line = match status {
        Status::Ok => "200 OK",
        Status::BadRequest => "400 Bad Request",
        Status::NotFound => "404 Not Found",
    };
    let answer = format!(
        "HTTP/1.1 {line}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n{page}",
        page.len()
    );
    let sent = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
        .and_then(|()| stream.set_read_timeout(Some(Duration::from_millis(500))))
        .and_then(|()| stream.write_all(answer.as_bytes()))
        .and_then(|()| stream.shutdown(std::net::Shutdown::Write));
    if sent.is_ok() {
        // What was not read of a request would take the answer away with a reset.
        let mut rest = (&stream).take(64 * 1024);
        let _ = io::copy(&mut rest, &mut io::sink());
    }
    drop(stream);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(request: &str) -> Option<String> {
        target(request.as_bytes()).map(|target| target.reveal_text().unwrap().to_owned())
    }

    #[test]
    fn a_request_line_is_a_get_of_a_path() {
        assert_eq!(text("GET /?code=1 HTTP/1.1\r\nHost: localhost\r\n\r\n").as_deref(), Some("/?code=1"));
        for nonsense in [
            "POST / HTTP/1.1\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "",
            "GET /\r\n\r\n",
        ] {
            assert_eq!(text(nonsense), None, "{nonsense:?}");
        }
    }

    fn say(port: u16, octets: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.write_all(octets).unwrap();
        stream
    }

    fn heard(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn a_visit_is_heard_past_silence_and_nonsense() {
        let mut loopback = Desktop.listen().unwrap();
        let port = loopback.port();
        let silent: Vec<_> = (0..MOST_CONNECTIONS).map(|_| say(port, b"GET /sil")).collect();
        let flood = say(port, &vec![b'x'; LONGEST_REQUEST + 1]);
        let post = say(port, b"POST / HTTP/1.1\r\n\r\n");
        let visit = std::thread::spawn(move || heard(say(port, b"GET /?code=1 HTTP/1.1\r\n\r\n")));
        let Arrival::Visit(arrived) = loopback.next(Instant::now() + Duration::from_secs(20)) else {
            panic!("the visit was not heard")
        };
        assert_eq!(arrived.target().reveal_text(), Some("/?code=1"));
        arrived.answer(Status::Ok, "<p>done");
        let answer = visit.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n<p>done"), "{answer}");
        drop((silent, loopback));
        assert!(!heard(flood).contains("200") && !heard(post).contains("200"));
    }

    #[test]
    fn another_users_answer_is_not_taken() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: only root can be somebody else");
            return;
        }
        let mut loopback = Desktop.listen().unwrap();
        let script = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{}; printf 'GET /?code=his HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3",
            loopback.port()
        );
        let mut bash = Command::new("bash");
        let other = bash.args(["-c", &script]).uid(65534).gid(65534).stdout(Stdio::piped()).spawn().unwrap();
        let other = std::thread::spawn(move || other.wait_with_output().unwrap());
        while !other.is_finished() {
            assert!(matches!(loopback.next(Instant::now() + Duration::from_millis(50)), Arrival::Nothing));
        }
        let answer = String::from_utf8(other.join().unwrap().stdout).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Somebody else"), "{answer}");
        let port = loopback.port();
        let ours = say(port, b"GET /?code=ours HTTP/1.1\r\n\r\n");
        assert!(matches!(loopback.next(Instant::now() + Duration::from_secs(20)), Arrival::Visit(_)));
        drop(ours);
    }

    #[test]
    fn nothing_is_nothing() {
        let mut loopback = Desktop.listen().unwrap();
        assert!(matches!(loopback.next(Instant::now() + Duration::from_millis(20)), Arrival::Nothing));
    }
}
