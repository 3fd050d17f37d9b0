//! Input without any LF: its lines end with CR, which is known only when all of it has been read.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use super::body::BodyWriter;
use super::source::{BUFFER, Source};
use super::{Body, LineEnds};
use crate::world::Spool;

/// The same body with LF where it had CR, which takes the same room.
pub(super) fn made_line_feeds(body: Body) -> io::Result<Body> {
    let Body { mut spool, stored, dots, .. } = body;
    replace(&mut *spool, stored)?;
    spool.seek(SeekFrom::Start(0))?;
    let mut again = (&mut spool).take(stored);
    let mut source = Source::new(&mut again, BUFFER);
    let mut writer = BodyWriter::new(Box::new(Nowhere), dots, false);
    while let Some(stretch) = source.stretch()? {
        writer.take(&stretch)?;
    }
    let seen = writer.finish()?;
    Ok(Body { spool, line_ends: LineEnds::Returns, ..seen })
}

fn replace(spool: &mut dyn Spool, length: u64) -> io::Result<()> {
    let mut room = vec![0; BUFFER];
    let mut at = 0;
    while at < length {
        let wanted = usize::try_from(length - at).unwrap_or(usize::MAX).min(BUFFER);
        let chunk = room.get_mut(..wanted).unwrap_or_default();
        spool.seek(SeekFrom::Start(at))?;
        spool.read_exact(chunk)?;
        chunk.iter_mut().filter(|octet| **octet == b'\r').for_each(|octet| *octet = b'\n');
        spool.seek(SeekFrom::Start(at))?;
        spool.write_all(chunk)?;
        at += wanted as u64;
    }
    spool.flush()
}

/// Takes what is there already, to be looked at again.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Nowhere {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl Seek for Nowhere {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(ErrorKind::Unsupported.into())
    }
}
