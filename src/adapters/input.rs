//! Standard input.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::makedev;
use nix::unistd;

use crate::world::Input;

/// Descriptor 0 of this process.
#[derive(Clone, Copy, Debug)]
pub struct StandardInput;

impl Input for StandardInput {
    fn reader(&self) -> Box<dyn Read + '_> {
        if is_closed() {
            return Box::new(Closed);
        }
        Box::new(Patient(io::stdin()))
    }

    fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }
}

/// Whether the caller closed it. Rust's start-up code has opened /dev/null in its place by now, for reading and writing;
/// who redirects from /dev/null opens it for reading. Where a daemon or a library has opened it both ways there is no
/// message either.
fn is_closed() -> bool {
    let input = io::stdin();
    let flags = fcntl(input.as_fd(), FcntlArg::F_GETFL).map(OFlag::from_bits_truncate);
    let is_for_both = flags.is_ok_and(|flags| flags & OFlag::O_ACCMODE == OFlag::O_RDWR);
    let metadata = || File::from(input.as_fd().try_clone_to_owned().ok()?).metadata().ok();
    is_for_both && metadata().is_some_and(|file| file.file_type().is_char_device() && file.rdev() == makedev(1, 3))
}

/// Nothing can be read, and that is no empty message.
struct Closed;

impl Read for Closed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(ErrorKind::NotConnected, "it is closed"))
    }
}

/// Waits where a caller left standard input non-blocking (sockets of node, terminals behind ssh).
///
/// Past the standard library, which takes a descriptor that is not open for reading for an empty one.
struct Patient(io::Stdin);

impl Read for Patient {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match unistd::read(self.0.as_fd(), room) {
                Err(Errno::EWOULDBLOCK) => self.wait()?,
                Err(Errno::EBADF) => return Err(io::Error::new(ErrorKind::NotConnected, "it is not open for reading")),
                outcome => return outcome.map_err(io::Error::from),
            }
        }
    }
}

impl Patient {
    fn wait(&self) -> io::Result<()> {
        let mut watched = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
