//! Standard input.

use std::io::{self, ErrorKind, IsTerminal as _, Read};
use std::os::fd::AsFd as _;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::world::Input;

/// Descriptor 0 of this process. A closed one is an empty one: Rust's start-up code opens it on /dev/null.
#[derive(Clone, Copy, Debug)]
pub struct StandardInput;

impl Input for StandardInput {
    fn reader(&self) -> Box<dyn Read + '_> {
        Box::new(Patient(io::stdin().lock()))
    }

    fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }
}

/// Waits where a caller left standard input non-blocking (sockets of node, terminals behind ssh).
struct Patient(io::StdinLock<'static>);

impl Read for Patient {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(room) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait()?,
                outcome => return outcome,
            }
        }
    }
}

impl Patient {
    fn wait(&self) -> io::Result<()> {
        let mut watched = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
