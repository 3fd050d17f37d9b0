//! The outbox's folder: plain files of our own, never through a link, on the disk when that is promised.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use super::private_folder;
use crate::world::{Locked, Lying, Odd, OutboxFile, OutboxFolder};

/// Where root leaves messages for the broker while its socket is not there. The package makes it: root's, of the
/// broker's group, with its set-group-id bit, so that what root leaves the broker may read and take away.
const INCOMING: &str = "/var/spool/outlook-sendmail";

/// A folder of messages.
#[derive(Clone, Debug)]
pub struct FolderOnDisk {
    folder: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Made when missing, mode 0700, everything in it ours.
    Own,
    /// Made by the package, everything in it root's and readable by the folder's group.
    Incoming,
}

impl FolderOnDisk {
    /// `<state>/outbox`.
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("outbox"), kind: Kind::Own }
    }

    /// Root's drop for the broker.
    pub fn incoming() -> Self {
        Self { folder: PathBuf::from(INCOMING), kind: Kind::Incoming }
    }

    /// Makes the folder where it is ours to make, and judges it.
    fn ready(&self) -> io::Result<()> {
        if !self.folder.is_absolute() {
            return Err(io::Error::new(ErrorKind::NotFound, "there is no home to keep it in"));
        }
        let safe = match self.kind {
            Kind::Own => {
                let was_there = self.folder.exists();
                private_folder::make(&self.folder).map_err(|error| named(&self.folder, error))?;
                if !was_there {
                    // A new folder's name has to last as long as what is in it.
                    File::open(private_folder::parent(&self.folder))?.sync_all()?;
                }
                private_folder::is_ours(&self.folder)?
            }
            Kind::Incoming => {
                let metadata = fs::symlink_metadata(&self.folder)?;
                metadata.is_dir() && metadata.uid() == 0 && metadata.mode() & 0o002 == 0
            }
        };
        if safe {
            return Ok(());
        }
        let words = format!("{} could be written by somebody else", self.folder.display());
        Err(io::Error::new(ErrorKind::PermissionDenied, words))
    }

    fn judge(&self, metadata: &Metadata) -> Option<Odd> {
        if metadata.is_symlink() {
            Some(Odd::Link)
        } else if !metadata.is_file() {
            Some(Odd::NotRegular)
        } else if metadata.uid() != self.owner() || metadata.mode() & 0o022 != 0 {
            Some(Odd::NotOurs)
        } else if metadata.nlink() > 1 {
            Some(Odd::HardLink)
        } else {
            None
        }
    }
}

impl OutboxFolder for FolderOnDisk {
    fn owner(&self) -> u32 {
        match self.kind {
            Kind::Own => geteuid().as_raw(),
            Kind::Incoming => 0,
        }
    }

    fn list(&self) -> io::Result<Vec<Lying>> {
        if !self.folder.is_absolute() {
            return Ok(Vec::new());
        }
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            // Gone between its name and its size.
            let Ok(metadata) = fs::symlink_metadata(entry.path()) else { continue };
            found.push(Lying {
                name: entry.file_name().to_string_lossy().into_owned(),
                size: metadata.len(),
                modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                odd: self.judge(&metadata),
            });
        }
        Ok(found)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn OutboxFile>> {
        self.ready()?;
        let mode = match self.kind {
            Kind::Own => 0o600,
            Kind::Incoming => 0o640,
        };
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
        let path = self.folder.join(name);
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create_new(true).mode(mode).custom_flags(flags).open(path);
        let file = opened.map_err(|error| named(&self.folder, error))?;
        if self.kind == Kind::Incoming {
            // Past the mask: the folder's group is meant to read it.
            nix::sys::stat::fchmod(&file, nix::sys::stat::Mode::from_bits_truncate(mode))?;
        }
        Ok(Box::new(FileOnDisk { file, folder: self.folder.clone() }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn OutboxFile>> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(self.folder.join(name))?;
        match self.judge(&file.metadata()?) {
            None => Ok(Box::new(FileOnDisk { file, folder: self.folder.clone() })),
            Some(odd) => Err(io::Error::new(ErrorKind::PermissionDenied, format!("{name} is {}", odd.words()))),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// Says which folder it is about; a file in its place is one that is not ours to replace.
fn named(folder: &Path, error: io::Error) -> io::Error {
    let is_taken = error.kind() == ErrorKind::AlreadyExists && !folder.is_dir();
    let kind = if is_taken { ErrorKind::NotADirectory } else { error.kind() };
    io::Error::new(kind, format!("{}: {error}", folder.display()))
}

/// An open file.
struct FileOnDisk {
    file: File,
    /// Whose disk may be full.
    folder: PathBuf,
}

impl Read for FileOnDisk {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.file.read(room)
    }
}

impl Write for FileOnDisk {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets).map_err(|error| named(&self.folder, error))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for FileOnDisk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl OutboxFile for FileOnDisk {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all().map_err(|error| named(&self.folder, error))
    }

    fn lock(&self) -> Locked {
        match self.file.try_lock() {
            // Whoever held it may have removed it meanwhile.
            Ok(()) if self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0) => Locked::Yes,
            Ok(()) => Locked::Gone,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Locked::Busy,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    fn outbox() -> (tempfile::TempDir, FolderOnDisk, PathBuf) {
        let state = tempfile::tempdir().unwrap();
        let folder = FolderOnDisk::new(state.path());
        let path = state.path().join("outbox");
        (state, folder, path)
    }

    #[test]
    fn a_folder_that_is_missing_is_empty_and_made_private() {
        let (_state, folder, path) = outbox();
        assert_eq!(folder.list().unwrap(), []);
        folder.create("a").unwrap().write_all(b"text").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(path.join("a")).unwrap().mode() & 0o777, 0o600);
        assert!(folder.create("a").is_err(), "nothing is written over");
        let mut text = String::new();
        folder.open("a").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), folder.list().unwrap()[0].size), ("text", 4));
    }

    #[test]
    fn what_is_odd_is_named_and_never_opened() {
        let (state, folder, path) = outbox();
        for name in ["plain", "open", "twice"] {
            folder.create(name).unwrap();
        }
        symlink(path.join("plain"), path.join("link")).unwrap();
        nix::unistd::mkfifo(&path.join("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        fs::hard_link(path.join("twice"), state.path().join("elsewhere")).unwrap();
        fs::set_permissions(path.join("open"), fs::Permissions::from_mode(0o620)).unwrap();
        let mut wanted = vec![
            ("fifo", Some(Odd::NotRegular)),
            ("link", Some(Odd::Link)),
            ("open", Some(Odd::NotOurs)),
            ("plain", None),
            ("twice", Some(Odd::HardLink)),
        ];
        if geteuid().is_root() {
            folder.create("theirs").unwrap();
            chown(path.join("theirs"), Some(33), None).unwrap();
            wanted.insert(4, ("theirs", Some(Odd::NotOurs)));
        }
        let mut found = folder.list().unwrap();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        let found: Vec<_> = found.iter().map(|lying| (lying.name.as_str(), lying.odd)).collect();
        assert_eq!(found, wanted);
        for (name, odd) in wanted {
            assert_eq!(folder.open(name).is_err(), odd.is_some(), "{name}");
        }
    }

    #[test]
    fn without_a_home_nothing_is_written_where_we_happen_to_be() {
        let folder = FolderOnDisk::new(Path::new(""));
        assert_eq!(folder.list().unwrap(), []);
        assert!(folder.create("a").is_err());
    }

    #[test]
    fn a_folder_others_can_write_takes_nothing() {
        let (_state, folder, path) = outbox();
        folder.create("a").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(folder.create("b").is_err());
        assert!(FolderOnDisk { folder: path, kind: Kind::Incoming }.create("c").is_ok() == geteuid().is_root());
    }

    #[test]
    fn a_lock_says_when_the_file_is_gone() {
        let (_state, folder, _) = outbox();
        let held = folder.create("a").unwrap();
        assert_eq!(held.lock(), Locked::Yes);
        let other = folder.open("a").unwrap();
        assert_eq!(other.lock(), Locked::Busy);
        folder.remove("a").unwrap();
        drop(held);
        assert_eq!(other.lock(), Locked::Gone);
        folder.remove("a").unwrap();
    }
}
