//! Room for a body: memory while small, an unnamed file when large.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;

use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::world::{Spool, Spools};

/// More than this, in octets, goes into a file.
const MEMORY: u64 = 256 * 1024;

/// Folders for unnamed files, the roomier first: /tmp is often memory.
const FOLDERS: [&str; 2] = ["/var/tmp", "/tmp"];

/// Makes spools that leave nothing behind, even when the machine fails.
#[derive(Clone, Copy, Debug)]
pub struct UnnamedSpools;

impl Spools for UnnamedSpools {
    fn spool(&self) -> Box<dyn Spool> {
        Box::new(Growing::Memory(Cursor::new(Vec::new())))
    }
}

enum Growing {
    Memory(Cursor<Vec<u8>>),
    File(File),
}

impl Growing {
    /// Moves on to a file when `more` octets would be too many for memory.
    fn make_room(&mut self, more: usize) -> io::Result<()> {
        if let Self::Memory(memory) = self
            && memory.position().saturating_add(more as u64) > MEMORY
        {
            let mut file = unnamed_file()?;
            file.write_all(memory.get_ref())?;
            file.seek(SeekFrom::Start(memory.position()))?;
            *self = Self::File(file);
        }
        Ok(())
    }
}

impl Read for Growing {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(memory) => memory.read(room),
            Self::File(file) => file.read(room),
        }
    }
}

impl Write for Growing {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.make_room(octets.len())?;
        match self {
            Self::Memory(memory) => memory.write(octets),
            Self::File(file) => file.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Growing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Memory(memory) => memory.seek(to),
            Self::File(file) => file.seek(to),
        }
    }
}

/// A file without a name, readable by this process only, or pages of memory where there is no such folder.
fn unnamed_file() -> io::Result<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_EXCL;
    for folder in FOLDERS {
        let opened = OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(flags.bits()).open(folder);
        if let Ok(file) = opened {
            return Ok(file);
        }
    }
    let memory = memfd_create(c"message", MFdFlags::MFD_CLOEXEC)?;
    Ok(File::from(memory))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_was_written_is_read_back_in_both_states() {
        for length in [0, 1, 256 * 1024, 256 * 1024 + 1, 3_000_000] {
            let octets: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
            let mut spool = UnnamedSpools.spool();
            for piece in octets.chunks(60_000) {
                spool.write_all(piece).unwrap();
            }
            for _ in 0..2 {
                let mut back = Vec::new();
                spool.seek(SeekFrom::Start(0)).unwrap();
                spool.read_to_end(&mut back).unwrap();
                assert!(back == octets, "{length}");
            }
        }
    }

    #[test]
    fn a_position_inside_survives_the_move_to_a_file() {
        let mut spool = UnnamedSpools.spool();
        spool.write_all(&[b'a'; 1000]).unwrap();
        spool.seek(SeekFrom::Start(10)).unwrap();
        spool.write_all(&[b'b'; 300_000]).unwrap();
        let mut back = Vec::new();
        spool.seek(SeekFrom::Start(0)).unwrap();
        spool.read_to_end(&mut back).unwrap();
        assert_eq!(back.len(), 300_010);
        assert_eq!(&back[8..12], b"aabb");
    }

    #[test]
    fn the_file_has_no_name_and_is_ours() {
        let file = unnamed_file().unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o077, 0);
        assert_eq!(std::os::unix::fs::MetadataExt::nlink(&metadata), 0);
    }
}
