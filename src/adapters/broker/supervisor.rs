//! One small process that accepts connections and starts another for each: it reads nothing, knows no secret, and is
//! gone when nobody has come for a while.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Pid;

use super::listener::Listener;
use crate::adapters::users::UserDatabase;
use crate::broker::{Full, Place, Slots};
use crate::failure::{Cause, Failure, Stage};
use crate::service::Greeting;
use crate::world::{ListeningSocket, Party, Users as _};

/// Under systemd we end after so long without a client.
const IDLE: Duration = Duration::from_secs(30);
/// How long a connection waits for others of its user to end.
const WAIT: Duration = Duration::from_secs(20);
/// Between two looks at what waits, and at what could be forgotten.
const TURN: Duration = Duration::from_millis(100);
/// How long a child takes at most until it holds back signals; usually milliseconds.
const STARTED: Duration = Duration::from_secs(5);
/// When there are no descriptors or processes to be had.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How long it is remembered who answers for a user id.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Connections accepted before children are looked after again.
const AT_A_TIME: usize = 64;

/// What a child is given of our environment: systemd's words on where its files are.
const PASSED_ON: [&str; 2] = ["STATE_DIRECTORY", "CREDENTIALS_DIRECTORY"];

pub(super) fn supervise(socket: ListeningSocket<'_>) -> Result<(), Failure> {
    let listener = Listener::open(socket)?;
    let signals = signals().map_err(|error| Failure::new(Stage::Invocation, Cause::CannotListen, error.to_string()))?;
    let mut supervisor = Supervisor {
        listener: Some(listener),
        signals,
        slots: Slots::default(),
        parties: Parties::default(),
        waiting: Vec::new(),
        served: Vec::new(),
        busy_at: Instant::now(),
    };
    supervisor.run();
    Ok(())
}

/// Signals that become readable instead of ending or interrupting us. Children have a mask of their own.
fn signals() -> io::Result<SignalFd> {
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD]);
    signals.thread_block()?;
    Ok(SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

struct Supervisor {
    /// `None` once we have been told to end.
    listener: Option<Listener>,
    signals: SignalFd,
    slots: Slots,
    parties: Parties,
    waiting: Vec<Arrival>,
    served: Vec<Served>,
    /// When there was last something to do.
    busy_at: Instant,
}

/// A process that serves a connection.
struct Served {
    child: Child,
    party: Party,
    since: Instant,
    told_to_end: bool,
}

impl Served {
    /// Tells it, once, that nobody follows: what it has under way it finishes. Not before it can hold that back.
    fn tell_to_end(&mut self) {
        if !self.told_to_end && self.since.elapsed() >= STARTED {
            self.told_to_end = true;
            let _ = i32::try_from(self.child.id()).map(|id| kill(Pid::from_raw(id), Signal::SIGTERM));
        }
    }
}

/// A connection nobody serves yet.
struct Arrival {
    stream: UnixStream,
    party: Party,
    since: Instant,
}

impl Supervisor {
    fn run(&mut self) {
        while !self.is_over() {
            self.rest();
            self.read_signals();
            self.reap();
            self.accept();
            self.serve_waiting();
            let now = Instant::now();
            self.slots.forget_rested(now);
            if !self.served.is_empty() || !self.waiting.is_empty() {
                self.busy_at = now;
            }
        }
    }

    /// Told to end and nobody left; or, where systemd starts us again, idle or of an older version than what is installed.
    fn is_over(&self) -> bool {
        let is_idle = self.served.is_empty() && self.waiting.is_empty();
        match &self.listener {
            None => is_idle,
            Some(listener) if !is_idle || !listener.is_activated() => false,
            Some(_) => self.busy_at.elapsed() >= IDLE || is_replaced(),
        }
    }

    /// Until a client comes, a child ends, or something that waits is due.
    fn rest(&self) {
        let mut watched = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if let Some(listener) = &self.listener {
            watched.push(PollFd::new(listener.socket.as_fd(), PollFlags::POLLIN));
        }
        let is_quiet = self.waiting.is_empty() && self.listener.is_some();
        let longest = if is_quiet { IDLE } else { TURN };
        let _ = poll(&mut watched, PollTimeout::try_from(longest).unwrap_or(PollTimeout::ZERO));
    }

    fn read_signals(&mut self) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if i32::try_from(signal.ssi_signo) != Ok(Signal::SIGCHLD as i32) {
                // Who waits has not been greeted: it tries again, and finds the broker that follows us.
                self.listener = None;
                while let Some(arrival) = self.waiting.pop() {
                    self.slots.give_back(arrival.party, Place::Waiting);
                }
            }
        }
    }

    fn reap(&mut self) {
        let slots = &mut self.slots;
        let is_over = self.listener.is_none();
        self.served.retain_mut(|served| {
            let is_running = matches!(served.child.try_wait(), Ok(None));
            if !is_running {
                slots.give_back(served.party, Place::Served);
            } else if is_over {
                served.tell_to_end();
            }
            is_running
        });
    }

    fn accept(&mut self) {
        for _ in 0..AT_A_TIME {
            let Some(listener) = &self.listener else { return };
            let stream = match listener.socket.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if [ErrorKind::Interrupted, ErrorKind::ConnectionAborted].contains(&error.kind()) => {
                    continue;
                }
                Err(_) => return thread::sleep(EXHAUSTED),
            };
            // The kernel noted it when the client connected.
            let Ok(peer) = getsockopt(&stream, sockopt::PeerCredentials) else { continue };
            let since = Instant::now();
            let party = self.parties.of(peer.uid(), since);
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            match self.slots.take(party, Place::Waiting, since) {
                Ok(()) => self.waiting.push(Arrival { stream, party, since }),
                Err(full) => say(&stream, busy(full)),
            }
        }
    }

    /// Whoever has least under way comes first, then whoever came first: a crowd does not keep a newcomer waiting.
    fn serve_waiting(&mut self) {
        let mut still = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|arrival| self.slots.served(arrival.party));
        for arrival in waiting {
            let now = Instant::now();
            match self.slots.take(arrival.party, Place::Served, now) {
                Ok(()) => {
                    self.slots.give_back(arrival.party, Place::Waiting);
                    self.serve(arrival);
                }
                Err(full) if now.saturating_duration_since(arrival.since) >= WAIT => {
                    self.slots.give_back(arrival.party, Place::Waiting);
                    say(&arrival.stream, busy(full));
                }
                Err(_) => still.push(arrival),
            }
        }
        self.waiting = still;
    }

    /// The greeting is said when there is somebody to serve: without one, the client may safely try again.
    fn serve(&mut self, Arrival { stream, party, .. }: Arrival) {
        match child(&stream) {
            Ok(child) => {
                say(&stream, Greeting::Ready);
                self.served.push(Served { child, party, since: Instant::now(), told_to_end: false });
            }
            Err(_) => {
                self.slots.give_back(party, Place::Served);
                thread::sleep(EXHAUSTED);
            }
        }
    }
}

const fn busy(full: Full) -> Greeting {
    match full {
        Full::OfYours => Greeting::BusyWithYours,
        Full::OfOthers => Greeting::BusyWithOthers,
    }
}

/// Who answers for which user id, as far as it was asked lately: the user database may be far away.
#[derive(Default)]
struct Parties(BTreeMap<u32, (Party, Instant)>);

impl Parties {
    fn of(&mut self, uid: u32, now: Instant) -> Party {
        match self.0.get(&uid) {
            Some((party, since)) if now.saturating_duration_since(*since) < REMEMBERED => *party,
            Some(_) | None => {
                self.0.retain(|_, (_, since)| now.saturating_duration_since(*since) < REMEMBERED);
                let party = UserDatabase.party(uid);
                self.0.insert(uid, (party, now));
                party
            }
        }
    }
}

/// Whether another program lies where this one was started from: an upgrade ends no broker, the old one leaves.
fn is_replaced() -> bool {
    fs::read_link("/proc/self/exe").is_ok_and(|path| path.as_os_str().as_bytes().ends_with(b" (deleted)"))
}

/// Fits a new connection's buffer, so it never waits.
fn say(mut stream: &UnixStream, greeting: Greeting) {
    let _ = stream.write_all(greeting.octets());
}

/// This program again, the connection being its standard input: nothing one client does is in another's memory.
fn child(stream: &UnixStream) -> io::Result<Child> {
    let connection = OwnedFd::from(stream.try_clone()?);
    stream.set_nonblocking(false)?;
    let passed_on = PASSED_ON.iter().filter_map(|name| Some((name, env::var_os(name)?)));
    // Also the one that is running, when a new one has been installed.
    Command::new("/proc/self/exe")
        .arg0("outlook-sendmail")
        .arg("broker")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(passed_on)
        .stdin(Stdio::from(connection))
        .stdout(Stdio::null())
        .spawn()
}
