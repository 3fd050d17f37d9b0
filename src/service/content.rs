//! The message in chunks, up to an explicit end that says how many octets it was.

use std::io::{self, ErrorKind, Read, SeekFrom, Write};

use super::fault::RequestFault;
use super::frames::{self, Frame};
use crate::message::{Dots, IntakeFault, Message, standard_input};
use crate::world::Spool;

/// Octets in one frame.
const CHUNK: usize = 64 * 1024;

/// What line ends and the header's own limit may add to the largest message there is.
const SLACK: u64 = 8 * 1024 * 1024;

pub(super) fn write(sink: &mut dyn Write, message: &mut Message) -> io::Result<()> {
    let mut chunks = ChunkWriter { sink, chunk: Vec::with_capacity(CHUNK), total: 0 };
    for field in &message.fields {
        chunks.write_all(field.name.as_bytes())?;
        chunks.write_all(b":")?;
        chunks.write_all(&field.value)?;
        chunks.write_all(b"\r\n")?;
    }
    chunks.write_all(b"\r\n")?;
    // Not by lines: those have lost the dots that intake found doubled.
    message.body.spool.seek(SeekFrom::Start(0))?;
    let mut body = (&mut message.body.spool).take(message.body.stored);
    if io::copy(&mut body, &mut chunks)? < message.body.stored {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    chunks.flush()?;
    let total = chunks.total;
    frames::write(sink, Frame::End, &total.to_be_bytes())
}

pub(super) fn read(source: &mut dyn Read, dots: Dots, spool: Box<dyn Spool>) -> Result<Message, RequestFault> {
    let mut chunks = ChunkReader { source, left: 0, total: 0, end: End::Ahead };
    let message = Message::read_back(&mut chunks, dots, spool);
    match (message, chunks.end) {
        (Err(IntakeFault::Unreadable(_)), End::Fault(fault)) => Err(fault),
        (Err(fault), _) => Err(RequestFault::Message(fault)),
        (Ok(message), End::Reached) => Ok(message),
        (Ok(_), End::Fault(fault)) => Err(fault),
        (Ok(_), End::Ahead) => Err(RequestFault::Incomplete),
    }
}

struct ChunkWriter<'a> {
    sink: &'a mut dyn Write,
    chunk: Vec<u8>,
    total: u64,
}

impl Write for ChunkWriter<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.flush()?;
        }
        let most = octets.get(..CHUNK - self.chunk.len()).unwrap_or(octets);
        self.chunk.extend_from_slice(most);
        self.total += most.len() as u64;
        Ok(most.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            frames::write(self.sink, Frame::Chunk, &self.chunk)?;
            self.chunk.clear();
        }
        Ok(())
    }
}

struct ChunkReader<'a> {
    source: &'a mut dyn Read,
    /// What is left of the chunk.
    left: u32,
    total: u64,
    end: End,
}

/// Where a message's reader stands.
enum End {
    /// Before its end.
    Ahead,
    /// There.
    Reached,
    /// At a fault, which an [`io::Error`] cannot carry.
    Fault(RequestFault),
}

impl ChunkReader<'_> {
    fn next(&mut self, room: &mut [u8]) -> Result<usize, RequestFault> {
        if self.left == 0 {
            match frames::head(self.source)? {
                // Whoever sends these for ever says nothing.
                (Frame::Chunk, 0) => return Err(RequestFault::Malformed("an empty chunk".to_owned())),
                (Frame::Chunk, length) => self.left = length,
                (Frame::End, 8) => return self.reach_end(),
                (other, _) => return Err(RequestFault::Unexpected(other.octet())),
            }
            if self.total + u64::from(self.left) > standard_input::size_limit() + SLACK {
                let size = self.total + u64::from(self.left);
                return Err(RequestFault::Message(IntakeFault::TooLarge(size)));
            }
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(room.len());
        let read = frames::some(self.source, room.get_mut(..most).unwrap_or_default())?;
        self.left = self.left.saturating_sub(u32::try_from(read).unwrap_or(u32::MAX));
        self.total += read as u64;
        Ok(read)
    }

    fn reach_end(&mut self) -> Result<usize, RequestFault> {
        let mut announced = [0; 8];
        frames::fill(self.source, &mut announced)?;
        if announced != self.total.to_be_bytes() {
            return Err(RequestFault::Malformed("the message is not as long as it should be".to_owned()));
        }
        self.end = End::Reached;
        Ok(0)
    }
}

impl Read for ChunkReader<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.end {
            End::Reached => return Ok(0),
            End::Fault(_) => return Err(ErrorKind::InvalidData.into()),
            End::Ahead => {}
        }
        self.next(room).map_err(|fault| {
            self.end = End::Fault(fault);
            ErrorKind::InvalidData.into()
        })
    }
}
