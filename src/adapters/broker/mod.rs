//! The broker's Unix socket: reaching it, and being it.

use std::cell::{Cell, LazyCell};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockType, getsockname, getsockopt, sockopt};
use nix::sys::socket::{SockaddrLike as _, SockaddrStorage};
use nix::unistd::Uid;

use super::process;
use crate::failure::Failure;
use crate::service::Answer;
use crate::words::Words;
use crate::world::{
    Accepted, Brokers, Caller, ConnectFault, Connection, ListeningSocket, OnStandardInput, Places, Route,
    SYSTEM_CONFIG, Terminal, World,
};

mod listener;
mod supervisor;

/// How long a client that does not read is waited for: what it is told it can do without.
const DEAF: Duration = Duration::from_secs(5);

/// The broker on this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemBroker;

impl Brokers for SystemBroker {
    fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault> {
        let stream = UnixStream::connect(process::SOCKET).map_err(connect_fault)?;
        Ok(Box::new(Line::new(Rc::new(stream))))
    }

    fn on_standard_input(&self) -> OnStandardInput {
        let Ok(socket) = io::stdin().as_fd().try_clone_to_owned() else { return OnStandardInput::Nothing };
        if !is_unix_stream(&socket) {
            return OnStandardInput::Nothing;
        }
        if getsockopt(&socket, sockopt::AcceptConn).unwrap_or(false) {
            return OnStandardInput::Listener;
        }
        accepted(UnixStream::from(socket))
            .map_or(OnStandardInput::Nothing, |it| OnStandardInput::Connection(Box::new(it)))
    }

    fn may_be_there(&self) -> bool {
        process::broker_may_be_there()
    }

    fn supervise(&self, socket: ListeningSocket<'_>) -> Result<(), Failure> {
        supervisor::supervise(socket)
    }
}

fn connect_fault(error: io::Error) -> ConnectFault {
    let away = [ErrorKind::NotFound, ErrorKind::ConnectionRefused, ErrorKind::WouldBlock, ErrorKind::NotADirectory];
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAFNOSUPPORT) => ConnectFault::NoUnixSockets,
        _ if error.kind() == ErrorKind::PermissionDenied => ConnectFault::Forbidden,
        _ if away.contains(&error.kind()) => ConnectFault::Away,
        _ => ConnectFault::Other(Words::from(error.to_string())),
    }
}

fn is_unix_stream(socket: &OwnedFd) -> bool {
    use std::os::fd::AsRawFd as _;
    let family = getsockname::<SockaddrStorage>(socket.as_raw_fd()).ok().and_then(|address| address.family());
    family == Some(AddressFamily::Unix) && getsockopt(socket, sockopt::SockType) == Ok(SockType::Stream)
}

/// The client's world: nothing in it comes from the client but what it says.
fn accepted(stream: UnixStream) -> Option<Accepted> {
    let credentials = getsockopt(&stream, sockopt::PeerCredentials).ok()?;
    let (uid, gid) = (Uid::from_raw(credentials.uid()), credentials.gid());
    stream.set_write_timeout(Some(DEAF)).ok()?;
    let state = std::env::var_os("STATE_DIRECTORY").filter(|state| !state.is_empty());
    let places = Places {
        config: PathBuf::from(SYSTEM_CONFIG),
        state: state.map_or_else(|| PathBuf::from(process::STATE), PathBuf::from),
        route: Route::Here,
    };
    let stream = Rc::new(stream);
    let world = World {
        caller: LazyCell::new(Box::new(move || Caller { gid, ..process::caller_named(uid, String::new()) })),
        terminal: Box::new(ToClient { stream: Rc::clone(&stream) }),
        ..super::world_at(places)
    };
    Some(Accepted { world, connection: Box::new(Line::new(stream)) })
}

/// One end of a connection.
struct Line {
    stream: Rc<UnixStream>,
    patience: Cell<Option<Duration>>,
    /// When everything has to have been read.
    until: Cell<Option<Instant>>,
}

impl Line {
    fn new(stream: Rc<UnixStream>) -> Self {
        Self { stream, patience: Cell::new(None), until: Cell::new(None) }
    }

    /// Whichever ends first.
    fn patience(&self) -> Option<Duration> {
        let left = self.until.get().map(|until| until.saturating_duration_since(Instant::now()));
        [self.patience.get(), left].into_iter().flatten().min()
    }
}

impl Read for Line {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let patience = self.patience();
        if patience.is_some_and(|patience| patience.is_zero()) {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(patience)?;
        (&*self.stream).read(room)
    }
}

impl Write for Line {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        (&*self.stream).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Connection for Line {
    fn wait_at_most(&self, patience: Option<Duration>) {
        self.patience.set(patience);
    }

    fn finish_within(&self, time: Option<Duration>) {
        self.until.set(time.map(|time| Instant::now() + time));
    }
}

/// What is printed goes to the client, as answers. One that is gone or does not read misses it.
struct ToClient {
    stream: Rc<UnixStream>,
}

impl ToClient {
    fn say(&self, answer: &Answer) -> bool {
        answer.write(&mut &*self.stream).is_ok()
    }
}

impl Terminal for ToClient {
    fn out(&self, text: &str) {
        self.say(&Answer::Output(text.to_owned()));
    }

    fn err(&self, text: &str) {
        self.say(&Answer::Remark(text.to_owned()));
    }

    fn reply(&self, text: &str) -> bool {
        self.say(&Answer::Output(text.to_owned()))
    }

    fn is_attended(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_trickles_is_not_listened_to_for_ever() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let trickle = std::thread::spawn(move || {
            // It ends by itself, and then what is read ends too.
            for _ in 0..500 {
                if theirs.write_all(b"x").is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let mut line = Line::new(Rc::new(ours));
        line.wait_at_most(Some(Duration::from_secs(60)));
        line.finish_within(Some(Duration::from_millis(100)));
        let error = line.read_to_end(&mut Vec::new()).unwrap_err();
        assert!([ErrorKind::TimedOut, ErrorKind::WouldBlock].contains(&error.kind()), "{error}");
        drop(line);
        trickle.join().unwrap();
    }
}
