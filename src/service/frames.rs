//! Frames: a kind, a length, that many octets. What is announced is never believed before it has arrived.
//!
//! | frame | its octets |
//! | --- | --- |
//! | `H` | what stands before a message, as JSON; the message follows |
//! | `C` | some octets of the message, at least one |
//! | `Z` | how many octets that were, as a number of eight octets: the message's end |
//! | `R` | any other request, as JSON |
//! | `A` | one answer, as JSON |

use std::io::{self, ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::fault::RequestFault;
use crate::words::Words;

/// How every request begins: four letters, and the version of this format.
pub(super) const MAGIC: [u8; 4] = *b"OLSM";
pub(super) const VERSION: u8 = 1;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frame {
    Head,
    Chunk,
    End,
    Request,
    Answer,
}

impl Frame {
    const ALL: [Self; 5] = [Self::Head, Self::Chunk, Self::End, Self::Request, Self::Answer];

    pub(super) const fn octet(self) -> u8 {
        match self {
            Self::Head => b'H',
            Self::Chunk => b'C',
            Self::End => b'Z',
            Self::Request => b'R',
            Self::Answer => b'A',
        }
    }

    /// The most octets of one.
    pub(super) const fn longest(self) -> u32 {
        match self {
            // The kernel hands a program no more arguments than 6 MiB (execve(2)).
            Self::Head => 8 * 1024 * 1024,
            Self::Chunk => 64 * 1024,
            Self::End => 8,
            // Two tokens; Microsoft's have a few thousand octets.
            Self::Request => 256 * 1024,
            // 256 KiB of text, however much of it has to be escaped.
            Self::Answer => 2 * 1024 * 1024,
        }
    }
}

/// Writes what every request begins with.
pub(super) fn write_preamble(sink: &mut dyn Write) -> io::Result<()> {
    let [a, b, c, d] = MAGIC;
    sink.write_all(&[a, b, c, d, VERSION])
}

/// Reads it.
pub(super) fn read_preamble(source: &mut dyn Read) -> Result<(), RequestFault> {
    let mut magic = [0; 4];
    let mut version = [0];
    fill(source, &mut magic)?;
    if magic != MAGIC {
        return Err(RequestFault::Foreign);
    }
    fill(source, &mut version)?;
    if version == [VERSION] { Ok(()) } else { Err(RequestFault::Version(version[0])) }
}

/// Writes one frame.
///
/// # Errors
/// Those of `sink`; [`ErrorKind::InvalidInput`] when it is longer than its kind may be.
pub(super) fn write(sink: &mut dyn Write, frame: Frame, octets: &[u8]) -> io::Result<()> {
    let length = u32::try_from(octets.len()).ok().filter(|&length| length <= frame.longest());
    let length = length
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("too long for a request: {}", octets.len())))?;
    let [a, b, c, d] = length.to_be_bytes();
    sink.write_all(&[frame.octet(), a, b, c, d])?;
    sink.write_all(octets)
}

/// Writes one frame of JSON.
///
/// # Errors
/// As [`write`].
pub(super) fn write_json(sink: &mut dyn Write, frame: Frame, content: &impl Serialize) -> io::Result<()> {
    write(sink, frame, &serde_json::to_vec(content)?)
}

/// The same for what may hold secrets: the one buffer is wiped, and large enough never to be moved.
///
/// # Errors
/// As [`write`].
pub(super) fn write_secret_json(sink: &mut dyn Write, frame: Frame, content: &impl Serialize) -> io::Result<()> {
    let mut octets = Zeroizing::new(Vec::with_capacity(in_memory(frame.longest())));
    serde_json::to_writer(&mut *octets, content)?;
    write(sink, frame, &octets)
}

/// Reads the next frame's kind and length; its octets are next.
pub(super) fn head(source: &mut dyn Read) -> Result<(Frame, u32), RequestFault> {
    let mut head = [0; 5];
    fill(source, &mut head)?;
    let [octet, a, b, c, d] = head;
    let frame = Frame::ALL.into_iter().find(|frame| frame.octet() == octet).ok_or(RequestFault::Unexpected(octet))?;
    let length = u32::from_be_bytes([a, b, c, d]);
    if length > frame.longest() { Err(RequestFault::TooLong(octet)) } else { Ok((frame, length)) }
}

/// Reads the JSON of a frame whose head was read.
pub(super) fn json<T: DeserializeOwned>(source: &mut dyn Read, length: u32) -> Result<T, RequestFault> {
    let mut octets = Vec::new();
    source.take(length.into()).read_to_end(&mut octets).map_err(unreadable)?;
    if octets.len() as u64 != u64::from(length) {
        return Err(RequestFault::Incomplete);
    }
    serde_json::from_slice(&octets).map_err(malformed)
}

/// The same for what may hold secrets: the one buffer does not move, and is wiped.
pub(super) fn secret_json<T: DeserializeOwned>(source: &mut dyn Read, length: u32) -> Result<T, RequestFault> {
    let mut octets = Zeroizing::new(vec![0; in_memory(length)]);
    fill(source, &mut octets)?;
    serde_json::from_slice(&octets).map_err(malformed)
}

/// Some octets of a frame, as many as there are.
pub(super) fn some(source: &mut dyn Read, room: &mut [u8]) -> Result<usize, RequestFault> {
    loop {
        match source.read(room) {
            Ok(0) => return Err(RequestFault::Incomplete),
            Ok(read) => return Ok(read),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

/// Reads exactly so many octets.
pub(super) fn fill(source: &mut dyn Read, room: &mut [u8]) -> Result<(), RequestFault> {
    source.read_exact(room).map_err(unreadable)
}

fn in_memory(length: u32) -> usize {
    usize::try_from(length).unwrap_or_default()
}

/// Where it makes no sense, and never what stands there: that may be a secret.
fn malformed(error: serde_json::Error) -> RequestFault {
    RequestFault::Malformed(format!("JSON that says something else, in column {}", error.column()))
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
    RequestFault::Unreadable(Words::from(error.to_string()))
}
