//! Standard output and standard error, whatever state the caller left them in.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;

use crate::world::Terminal;

/// How long a reader that does not read is waited for, in milliseconds.
const PATIENCE: u16 = 2000;

/// Descriptors 1 and 2 of this process.
#[derive(Clone, Copy, Debug)]
pub struct StandardStreams;

impl Terminal for StandardStreams {
    fn out(&self, text: &str) {
        write_all(io::stdout().as_fd(), text.as_bytes(), PATIENCE.into());
    }

    fn err(&self, text: &str) {
        write_all(io::stderr().as_fd(), text.as_bytes(), PATIENCE.into());
    }

    fn reply(&self, text: &str) -> bool {
        write_all(io::stdout().as_fd(), text.as_bytes(), PollTimeout::NONE)
    }

    fn is_attended(&self) -> bool {
        // It opens exactly when this process has one.
        File::open("/dev/tty").is_ok()
    }
}

/// The whole text in one write where the system takes it so, or lines of parallel processes mix. A stream that is
/// closed or full takes what it takes. Says whether that was all.
fn write_all(stream: BorrowedFd<'_>, mut octets: &[u8], patience: PollTimeout) -> bool {
    while !octets.is_empty() {
        match write(stream, octets) {
            Ok(written) => octets = octets.get(written..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let mut watched = [PollFd::new(stream, PollFlags::POLLOUT)];
                match poll(&mut watched, patience) {
                    Ok(1) | Err(Errno::EINTR) => {}
                    Ok(_) | Err(_) => return false,
                }
            }
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_reader_gone_is_no_error() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        assert!(!write_all(writer.as_fd(), b"lost\n", PATIENCE.into()));
    }

    #[test]
    fn everything_arrives() {
        let (mut reader, writer) = io::pipe().unwrap();
        let text = vec![b'x'; 200_000];
        let sent = text.clone();
        let thread = std::thread::spawn(move || write_all(writer.as_fd(), &sent, PATIENCE.into()));
        let mut received = Vec::new();
        reader.read_to_end(&mut received).unwrap();
        assert!(thread.join().unwrap());
        assert!(received == text);
    }
}
