//! The broker's Unix socket: reaching it, and being it.

use std::cell::LazyCell;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockType, getsockname, getsockopt, sockopt};
use nix::sys::socket::{SockaddrLike as _, SockaddrStorage};
use nix::unistd::{Gid, Group, Uid, User};

use super::process;
use crate::failure::Failure;
use crate::service::Answer;
use crate::words::SafeText;
use crate::world::{
    Accepted, Brokers, ConnectFault, Connection, ListeningSocket, OnStandardInput, Peer, Places, Route, SYSTEM_CONFIG,
    Terminal, Waiting, World,
};

mod listener;
mod supervisor;

/// Where the system account's broker listens.
pub(super) const SOCKET: &str = "/run/outlook-sendmail/submit.sock";

/// The system account's state, where systemd does not say.
pub(super) const STATE: &str = "/var/lib/outlook-sendmail";

/// How long a client that does not read is waited for: what it is told it can do without.
const DEAF: Duration = Duration::from_secs(5);

/// The longest one request may take to arrive, however steadily its octets trickle.
const REQUEST: Duration = Duration::from_secs(600);

/// The broker on this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemBroker;

impl Brokers for SystemBroker {
    fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault> {
        let stream = UnixStream::connect(SOCKET).map_err(connect_fault)?;
        Ok(Box::new(Line { stream: Rc::new(stream), until: None }))
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
        may_be_there()
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
        _ => ConnectFault::Other(SafeText::from(error.to_string())),
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
    let uid = Uid::from_raw(credentials.uid());
    stream.set_write_timeout(Some(DEAF)).ok()?;
    let state = std::env::var_os("STATE_DIRECTORY").filter(|state| !state.is_empty());
    let places = Places {
        config: PathBuf::from(SYSTEM_CONFIG),
        state: state.map_or_else(|| PathBuf::from(STATE), PathBuf::from),
        route: Route::Here,
    };
    let stream = Rc::new(stream);
    let world = World {
        caller: LazyCell::new(Box::new(move || process::caller_named(uid, String::new()))),
        terminal: Box::new(ToClient { stream: Rc::clone(&stream) }),
        waiting: Box::new(ToClient { stream: Rc::clone(&stream) }),
        ..super::world_at(places)
    };
    let peer = Box::new(UserDatabase { uid, gid: Gid::from_raw(credentials.gid()) });
    let connection = Box::new(Line { stream, until: Some(Instant::now() + REQUEST) });
    Some(Accepted { world, connection, peer })
}

/// One end of a connection.
struct Line {
    stream: Rc<UnixStream>,
    /// When everything has to have been read.
    until: Option<Instant>,
}

impl Read for Line {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return Err(ErrorKind::TimedOut.into());
        }
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
        // It fails for a length of zero only.
        let _ = self.stream.set_read_timeout(patience);
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

impl Waiting for ToClient {
    fn in_custody(&self) {
        self.say(&Answer::InCustody);
    }

    fn sending(&self) {
        self.say(&Answer::Sending);
    }
}

/// Nobody waits for more than the verdict.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Waiting for Nobody {
    fn in_custody(&self) {}
    fn sending(&self) {}
}

/// A client and its groups.
struct UserDatabase {
    uid: Uid,
    gid: Gid,
}

impl Peer for UserDatabase {
    fn belongs_to(&self, group: &str) -> bool {
        let Ok(Some(group)) = Group::from_name(group) else { return false };
        let user = User::from_uid(self.uid).ok().flatten();
        let listed = user.is_some_and(|user| user.gid == group.gid || group.mem.contains(&user.name));
        listed || self.gid == group.gid
    }
}

/// Whether there is a socket of the broker's, or something that keeps us from seeing whether there is.
pub(super) fn may_be_there() -> bool {
    match std::fs::symlink_metadata(Path::new(SOCKET)) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}
