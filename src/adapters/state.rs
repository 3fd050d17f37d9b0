//! Small records: one file each in `<state>/records`, replaced whole or added to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use super::private_folder;
use crate::world::State;

/// The longest record.
const LIMIT: u64 = 1024 * 1024;

/// Records below a state folder.
#[derive(Clone, Debug)]
pub struct StateFolder {
    folder: PathBuf,
}

impl StateFolder {
    /// Records in `<state>/records`.
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("records") }
    }

    /// Where a record lies.
    pub(in crate::adapters) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(private_folder::file_name(name))
    }

    fn try_read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if !private_folder::is_ours(&self.folder)? {
            return Ok(None);
        }
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).bits();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.path(name))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
            return Ok(None);
        }
        let mut content = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut content)?;
        Ok((content.len() as u64 <= LIMIT).then_some(content))
    }

    fn try_replace(&self, name: &str, content: &[u8]) -> io::Result<bool> {
        private_folder::make(&self.folder)?;
        if !private_folder::is_ours(&self.folder)? {
            return Ok(false);
        }
        // The process id keeps two writers apart; a leading dot keeps it out of the names of records.
        let draft = self.folder.join(format!(".{}.{}", private_folder::file_name(name), process::id()));
        let written = write_new(&draft, content).and_then(|()| fs::rename(&draft, self.path(name)));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written.map(|()| true)
    }

    fn try_append(&self, name: &str, content: &[u8]) -> io::Result<Option<u64>> {
        private_folder::make(&self.folder)?;
        if !private_folder::is_ours(&self.folder)? {
            return Ok(None);
        }
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).bits();
        let mut file =
            OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(self.path(name))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.uid() != geteuid().as_raw() {
            return Ok(None);
        }
        file.write_all(content)?;
        Ok(Some(metadata.len() + content.len() as u64))
    }
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).custom_flags(flags).open(path)?;
    file.write_all(content)
}

impl State for StateFolder {
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.try_read(name).ok().flatten()
    }

    fn replace(&self, name: &str, content: &[u8]) -> bool {
        self.try_replace(name, content).unwrap_or(false)
    }

    fn append(&self, name: &str, content: &[u8]) -> Option<u64> {
        self.try_append(name, content).ok().flatten()
    }

    fn remove(&self, name: &str) {
        if private_folder::is_ours(&self.folder).unwrap_or(false) {
            let _ = fs::remove_file(self.path(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_record_is_what_was_written_last() {
        let state = tempfile::tempdir().unwrap();
        let records = StateFolder::new(state.path());
        assert_eq!(records.read("history:me@outlook.com"), None);
        assert!(records.replace("history:me@outlook.com", b"one"));
        assert!(records.replace("history:me@outlook.com", b"two"));
        assert_eq!(records.read("history:me@outlook.com").as_deref(), Some(&b"two"[..]));
        assert_eq!(fs::read_dir(state.path().join("records")).unwrap().count(), 1);
        records.remove("history:me@outlook.com");
        assert_eq!(records.read("history:me@outlook.com"), None);
    }

    #[test]
    fn what_is_appended_stands_behind_what_was_there() {
        let state = tempfile::tempdir().unwrap();
        let records = StateFolder::new(state.path());
        assert_eq!(records.append("a", b"one"), Some(3));
        assert_eq!(records.append("a", b" two"), Some(7));
        assert_eq!(records.read("a").as_deref(), Some(&b"one two"[..]));
        let path = state.path().join("records/a");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        symlink(&path, state.path().join("records/b")).unwrap();
        assert_eq!(records.append("b", b"three"), None);
        assert_eq!(StateFolder::new(Path::new("/proc/none")).append("a", b"one"), None);
        assert_eq!(records.read("a").as_deref(), Some(&b"one two"[..]));
    }

    #[test]
    fn what_others_could_have_written_is_not_read() {
        let state = tempfile::tempdir().unwrap();
        let records = StateFolder::new(state.path());
        assert!(records.replace("a", b"one"));
        let path = state.path().join("records/a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert_eq!(records.read("a"), None);
        fs::write(state.path().join("elsewhere"), "two").unwrap();
        symlink(state.path().join("elsewhere"), state.path().join("records/b")).unwrap();
        assert_eq!(records.read("b"), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(records.read("a").is_some());
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(records.read("a"), None);
        records.remove("a");
        assert!(path.exists());
        assert!(!StateFolder::new(Path::new("/proc/none")).replace("a", b""));
    }
}
