//! Files that steer us: read only when nobody else could have written them, judged by the open descriptor.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use crate::adapters::private_folder;
use crate::world::{FileFault, Files, Readers};

/// The longest configuration or alias file, in octets.
const FILE: u64 = 1024 * 1024;
/// The longest `:include:` file.
const INCLUDE: u64 = 64 * 1024;

/// The file system as the effective user sees it.
#[derive(Clone, Copy, Debug)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileFault> {
        match open(path, OFlag::empty()) {
            Ok(file) => read_ours(path, file).map(Some),
            // A service account's home may be /dev/null.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(in_the_systems_words(error)),
        }
    }

    fn read_alias_include(&self, path: &Path) -> Result<Vec<u8>, FileFault> {
        let file = open(path, OFlag::O_NOFOLLOW).map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ELOOP) => FileFault::NotRegular,
            Some(_) | None => in_the_systems_words(error),
        })?;
        let content = read_owned(file, &[0], INCLUDE)?;
        judge_folders(path)?;
        Ok(content)
    }

    fn write(&self, path: &Path, content: &[u8], readers: Readers) -> Result<(), FileFault> {
        make_folder(private_folder::parent(path), readers).map_err(in_the_systems_words)?;
        judge_folders(path)?;
        replace(path, content, readers).map_err(in_the_systems_words)
    }
}

/// A file that must be there, by the same rules.
pub(super) fn read_existing(path: &Path) -> Result<Vec<u8>, FileFault> {
    read_ours(path, open(path, OFlag::empty()).map_err(in_the_systems_words)?)
}

fn read_ours(path: &Path, file: File) -> Result<Vec<u8>, FileFault> {
    let content = read_owned(file, &[0, geteuid().as_raw()], FILE)?;
    judge_folders(path)?;
    Ok(content)
}

/// Past our own mask: others are meant to read there.
fn make_folder(folder: &Path, readers: Readers) -> io::Result<()> {
    let was_there = folder.exists();
    private_folder::make(folder)?;
    match readers {
        Readers::Everybody if !was_there => fs::set_permissions(folder, Permissions::from_mode(0o755)),
        Readers::Everybody | Readers::Owner => Ok(()),
    }
}

/// Whoever can write a folder chooses among all files of root's and ours what a name in it means.
fn judge_folders(path: &Path) -> Result<(), FileFault> {
    match private_folder::first_of_others(path).map_err(in_the_systems_words)? {
        None => Ok(()),
        Some(place) => Err(FileFault::ByWayOfOthers(place)),
    }
}

/// Opens without ever waiting: a FIFO has no writer, a device may block.
fn open(path: &Path, flags: OFlag) -> io::Result<File> {
    let flags = flags | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

fn read_owned(file: File, owners: &[u32], limit: u64) -> Result<Vec<u8>, FileFault> {
    judge(&file.metadata().map_err(in_the_systems_words)?, owners, limit)?;
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content).map_err(in_the_systems_words)?;
    // It may have grown meanwhile.
    if content.len() as u64 > limit { Err(FileFault::TooLarge) } else { Ok(content) }
}

fn judge(file: &Metadata, owners: &[u32], limit: u64) -> Result<(), FileFault> {
    if !file.is_file() {
        return Err(FileFault::NotRegular);
    }
    if !owners.contains(&file.uid()) || file.mode() & 0o022 != 0 {
        return Err(FileFault::WritableByOthers);
    }
    if file.len() > limit { Err(FileFault::TooLarge) } else { Ok(()) }
}

/// Whole or not at all: a new file beside the old one, on the disk before it takes its name.
fn replace(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    // A configuration kept elsewhere and linked to stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = private_folder::parent(&path);
    let beside = name_beside(&path, folder)?;
    let written = write_new(&beside, content, readers).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn name_beside(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or(ErrorKind::InvalidInput)?);
    name.push(format!(".{}.new", std::process::id()));
    let beside = folder.join(name);
    // Left by a process of this number that died.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(beside),
    }
}

fn write_new(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    match readers {
        Readers::Owner => {}
        Readers::Everybody => file.set_permissions(Permissions::from_mode(0o644))?,
    }
    file.write_all(content)?;
    file.sync_all()
}

fn in_the_systems_words(error: io::Error) -> FileFault {
    FileFault::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use nix::sys::stat::Mode;

    use super::*;

    fn put(folder: &tempfile::TempDir, name: &str, mode: u32) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, "content").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn only_files_nobody_else_can_write_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, wanted) in [
            (0o600, Ok(Some(b"content".to_vec()))),
            (0o644, Ok(Some(b"content".to_vec()))),
            (0o664, Err(FileFault::WritableByOthers)),
            (0o606, Err(FileFault::WritableByOthers)),
        ] {
            assert_eq!(SystemFiles.read(&put(&folder, "file", mode)), wanted, "{mode:o}");
        }
        assert_eq!(SystemFiles.read(folder.path()), Err(FileFault::NotRegular));
        assert_eq!(SystemFiles.read(&folder.path().join("missing")), Ok(None));
        assert_eq!(SystemFiles.read(Path::new("/dev/null/.config/x")), Ok(None));
        assert_eq!(SystemFiles.read(Path::new("")), Ok(None));
        assert_eq!(SystemFiles.read(Path::new("/dev/zero")), Err(FileFault::NotRegular));
    }

    #[test]
    fn a_fifo_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
        assert_eq!(SystemFiles.read(&path), Err(FileFault::NotRegular));
        assert_eq!(SystemFiles.read_alias_include(&path), Err(FileFault::NotRegular));
    }

    #[test]
    fn size_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(&folder, "file", 0o600);
        fs::write(&path, vec![b'x'; 1024 * 1024]).unwrap();
        assert!(SystemFiles.read(&path).is_ok());
        fs::write(&path, vec![b'x'; 1024 * 1024 + 1]).unwrap();
        assert_eq!(SystemFiles.read(&path), Err(FileFault::TooLarge));
    }

    #[test]
    fn another_users_file_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(&folder, "file", 0o600);
        // Only root can give a file away; elsewhere the owner rule is judged on our own file.
        if geteuid().is_root() {
            chown(&path, Some(65534), None).unwrap();
            assert_eq!(SystemFiles.read(&path), Err(FileFault::WritableByOthers));
            assert_eq!(SystemFiles.read_alias_include(&path), Err(FileFault::WritableByOthers));
        }
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(judge(&metadata, &[metadata.uid()], FILE), Ok(()));
        assert_eq!(judge(&metadata, &[metadata.uid() + 1], FILE), Err(FileFault::WritableByOthers));
    }

    #[test]
    fn a_file_in_a_folder_others_can_write_is_neither_used_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(&folder, "file", 0o600);
        for mode in [0o770, 0o707] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            let fault = FileFault::ByWayOfOthers(folder.path().to_owned());
            assert_eq!(SystemFiles.read(&path), Err(fault.clone()), "{mode:o}");
            assert_eq!(SystemFiles.write(&path, b"new", Readers::Owner), Err(fault), "{mode:o}");
        }
        if geteuid().is_root() {
            // sudo kept the HOME of a user who planted a link.
            fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
            chown(folder.path(), Some(33), None).unwrap();
            let target = tempfile::tempdir().unwrap();
            let victim = put(&target, "victim", 0o600);
            let link = folder.path().join("link");
            symlink(&victim, &link).unwrap();
            assert!(SystemFiles.write(&link, b"new", Readers::Owner).is_err());
            assert!(SystemFiles.write(&folder.path().join("new/config.toml"), b"new", Readers::Owner).is_err());
            assert_eq!(fs::read(&victim).unwrap(), b"content");
        }
    }

    #[test]
    fn an_include_is_never_reached_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(&folder, "file", 0o644);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(SystemFiles.read_alias_include(&link), Err(FileFault::NotRegular));
        assert_eq!(SystemFiles.read(&link), Ok(Some(b"content".to_vec())));
        assert!(matches!(SystemFiles.read_alias_include(&folder.path().join("no")), Err(FileFault::Unreadable(_))));
        if geteuid().is_root() {
            assert_eq!(SystemFiles.read_alias_include(&path), Ok(b"content".to_vec()));
            fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
            let fault = FileFault::ByWayOfOthers(folder.path().to_owned());
            assert_eq!(SystemFiles.read_alias_include(&path), Err(fault));
        }
    }

    #[test]
    fn a_file_is_written_whole_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/config.toml");
        for content in [&b"first"[..], b"second"] {
            SystemFiles.write(&path, content, Readers::Owner).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o077, 0);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_written_through_and_a_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(&folder, "file", 0o600);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        SystemFiles.write(&link, b"new", Readers::Owner).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(SystemFiles.write(&taken, b"x", Readers::Owner).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
