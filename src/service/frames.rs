//! Frames: a tag, a length, that many octets. What is announced is never believed before it has arrived.

use std::io::{self, ErrorKind, Read, Write};

use super::RequestFault;
use super::tags::Tag;
use crate::words::SafeText;

/// Everything before the message, in octets: the kernel hands a program no more arguments than 6 MiB (execve(2)).
const FIELDS: u64 = 8 * 1024 * 1024;

/// Writes one frame.
///
/// # Errors
/// Those of `sink`; [`ErrorKind::InvalidInput`] when it is longer than its kind may be.
pub(super) fn write(sink: &mut dyn Write, tag: impl Tag, octets: &[u8]) -> io::Result<()> {
    let length = u32::try_from(octets.len()).ok().filter(|&length| length <= tag.longest());
    let length = length
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("too long for a request: {}", octets.len())))?;
    let [a, b, c, d] = length.to_be_bytes();
    sink.write_all(&[tag.octet(), a, b, c, d])?;
    sink.write_all(octets)
}

/// Reads frames.
pub(super) struct Frames<'a> {
    source: &'a mut dyn Read,
    /// How often each tag has come.
    seen: [u32; 128],
    /// What fields may still take.
    room: u64,
}

impl<'a> Frames<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Self { source, seen: [0; 128], room: FIELDS }
    }

    /// The next frame's kind and length; its octets are next.
    pub(super) fn head<T: Tag>(&mut self) -> Result<(T, u32), RequestFault> {
        let mut head = [0; 5];
        fill(self.source, &mut head)?;
        let [octet, a, b, c, d] = head;
        let tag = T::of(octet).ok_or(RequestFault::Unexpected(octet))?;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > tag.longest() {
            return Err(RequestFault::TooLong(octet));
        }
        let seen = self.seen.get_mut(usize::from(octet)).ok_or(RequestFault::Unexpected(octet))?;
        if *seen == tag.times() {
            return Err(RequestFault::Unexpected(octet));
        }
        *seen = seen.saturating_add(1);
        Ok((tag, length))
    }

    /// The octets of a frame whose head was read.
    pub(super) fn octets(&mut self, length: u32) -> Result<Vec<u8>, RequestFault> {
        self.room = self.room.checked_sub(u64::from(length) + 5).ok_or(RequestFault::Malformed("too many fields"))?;
        self.octets_of_many(length)
    }

    /// The same of a frame whose kind comes any number of times.
    pub(super) fn octets_of_many(&mut self, length: u32) -> Result<Vec<u8>, RequestFault> {
        let mut octets = Vec::new();
        (&mut *self.source).take(length.into()).read_to_end(&mut octets).map_err(unreadable)?;
        if octets.len() as u64 == u64::from(length) { Ok(octets) } else { Err(RequestFault::Incomplete) }
    }

    /// The same of a secret, in memory that does not move and leave copies behind.
    pub(super) fn secret_octets(&mut self, length: u32) -> Result<Vec<u8>, RequestFault> {
        let mut octets = vec![0; usize::try_from(length).unwrap_or_default()];
        fill(self.source, &mut octets)?;
        Ok(octets)
    }

    /// Some octets of a frame, as many as there are.
    pub(super) fn some(&mut self, room: &mut [u8]) -> Result<usize, RequestFault> {
        loop {
            match self.source.read(room) {
                Ok(0) => return Err(RequestFault::Incomplete),
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
    }
}

/// Reads exactly so many octets.
pub(super) fn fill(source: &mut dyn Read, room: &mut [u8]) -> Result<(), RequestFault> {
    source.read_exact(room).map_err(unreadable)
}

/// A client that was killed has reset the connection, and one that is silent for too long is as good as gone.
fn unreadable(error: io::Error) -> RequestFault {
    let gone = [
        ErrorKind::UnexpectedEof,
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
        ErrorKind::WouldBlock,
        ErrorKind::TimedOut,
    ];
    if gone.contains(&error.kind()) {
        return RequestFault::Incomplete;
    }
    RequestFault::Unreadable(SafeText::from(error.to_string()))
}
