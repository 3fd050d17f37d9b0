//! Secrets as files of mode 0600 in `<state>/secrets`, for users without a desktop.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use crate::adapters::private_folder;
use crate::secret::Secret;
use crate::words::SafeText;
use crate::world::{SecretStore, StoreFault};

/// More than any grant; a larger file is not ours.
const SIZE_LIMIT: u64 = 1024 * 1024;

/// Nobody takes longer to write a secret: it is milliseconds, or a disk that fails.
const LONGEST_WRITE: Duration = Duration::from_secs(60);

/// Files below a state folder.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// Secrets in `<state>/secrets`.
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("secrets") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(private_folder::file_name(name))
    }

    /// Whether the folder is there; an error when others could put files into it.
    fn folder_exists(&self) -> Result<bool, StoreFault> {
        match private_folder::is_ours(&self.folder) {
            Ok(true) => Ok(true),
            Ok(false) => Err(StoreFault::Exposed(about(
                &self.folder,
                "it or the folder above it belongs to others, or they can write it",
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreFault::Unreadable(about(&self.folder, error))),
        }
    }

    /// Keeps `secret` under `name` unless there is one already: of several who do so at once, one wins.
    ///
    /// # Errors
    /// Those of [`SecretStore::save`].
    pub(super) fn save_first(&self, name: &str, secret: &Secret) -> Result<(), StoreFault> {
        let unwritable = |error| StoreFault::Unwritable(about(&self.path(name), error));
        private_folder::make(&self.folder).map_err(unwritable)?;
        self.folder_exists()?;
        let (mut file, temporary) = self.temporary(name).map_err(unwritable)?;
        let written = file.write_all(secret.reveal()).and_then(|()| file.sync_all());
        // A rename would take the place of somebody else's.
        let linked = written.and_then(|()| match fs::hard_link(&temporary, self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
        let _ = fs::remove_file(&temporary);
        linked.and_then(|()| File::open(&self.folder)?.sync_all()).map_err(unwritable)
    }

    /// The names of everything kept that begin so, without that beginning.
    pub(super) fn names_behind(&self, beginning: &str) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| private_folder::name_of(entry.file_name().to_str()?));
        names.filter_map(|name| Some(name.strip_prefix(beginning)?.to_owned())).collect()
    }

    /// Writes a file beside the final one and moves it into place, so a crash leaves the old secret or the new one.
    fn replace(&self, name: &str, secret: &Secret) -> io::Result<()> {
        let (mut file, temporary) = self.temporary(name)?;
        let written = file
            .write_all(secret.reveal())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&temporary, self.path(name)));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.and_then(|()| File::open(&self.folder)?.sync_all())
    }

    /// Removes what processes left that were killed while they wrote: a secret too, which logging out must not miss.
    /// Who writes now is left alone.
    fn sweep(&self, name: &str) {
        let beginning = format!(".{}.", private_folder::file_name(name));
        let is_old = |entry: &fs::DirEntry| {
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age >= LONGEST_WRITE))
        };
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().as_bytes().starts_with(beginning.as_bytes())) {
            if is_old(&entry) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// A new, empty file that no secret's name can be: those never start with a dot.
    fn temporary(&self, name: &str) -> io::Result<(File, PathBuf)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let file_name = format!(".{}.{}.{number}", private_folder::file_name(name), process::id());
        let path = self.folder.join(file_name);
        // Left behind by a process of the same number that was killed.
        let _ = fs::remove_file(&path);
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(FLAGS.bits()).open(&path)?;
        Ok((file, path))
    }
}

/// Never through a symbolic link, never inherited, never waiting for a pipe's other end.
const FLAGS: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK);

impl SecretStore for FileStore {
    fn load(&self, name: &str) -> Result<Option<Secret>, StoreFault> {
        if !self.folder_exists()? {
            return Ok(None);
        }
        let path = self.path(name);
        let file = match OpenOptions::new().read(true).custom_flags(FLAGS.bits()).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                return Err(StoreFault::Unreadable(about(&path, "is a symbolic link")));
            }
            Err(error) => return Err(StoreFault::Unreadable(about(&path, error))),
        };
        judge(&file, &path)?;
        let unreadable = |error| StoreFault::Unreadable(about(&path, error));
        let size = file.metadata().map_err(unreadable)?.len().min(SIZE_LIMIT);
        let mut octets = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        let read = file.take(SIZE_LIMIT).read_to_end(&mut octets);
        let secret = Secret::new(octets);
        read.map_err(unreadable)?;
        Ok(Some(secret))
    }

    fn save(&self, name: &str, secret: &Secret) -> Result<(), StoreFault> {
        let unwritable = |error| StoreFault::Unwritable(about(&self.path(name), error));
        private_folder::make(&self.folder).map_err(unwritable)?;
        self.folder_exists()?;
        self.sweep(name);
        self.replace(name, secret).map_err(unwritable)
    }

    fn delete(&self, name: &str) -> Result<(), StoreFault> {
        if !self.folder_exists()? {
            return Ok(());
        }
        self.sweep(name);
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreFault::Unwritable(about(&path, error))),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Judges the open file, not its name, which could mean another one by now.
fn judge(file: &File, path: &Path) -> Result<(), StoreFault> {
    let metadata = file.metadata().map_err(|error| StoreFault::Unreadable(about(path, error)))?;
    if !metadata.is_file() {
        return Err(StoreFault::Unreadable(about(path, "is not a regular file")));
    }
    if metadata.uid() != geteuid().as_raw() {
        return Err(StoreFault::Exposed(about(path, format!("belongs to user {}", metadata.uid()))));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(StoreFault::Exposed(about(path, format!("has mode {:04o}", metadata.mode() & 0o7777))));
    }
    Ok(())
}

fn about(path: &Path, what: impl std::fmt::Display) -> SafeText {
    SafeText::from(format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn store() -> (tempfile::TempDir, FileStore, PathBuf) {
        let state = tempfile::tempdir().unwrap();
        let store = FileStore::new(state.path());
        store.save("grant:me", &Secret::from("s3cret")).unwrap();
        let file = state.path().join("secrets/grant:me");
        (state, store, file)
    }

    #[test]
    fn keeps_replaces_and_forgets() {
        let (state, store, file) = store();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(state.path().join("secrets")).unwrap().mode() & 0o777, 0o700);
        store.save("grant:me", &Secret::from("newer")).unwrap();
        assert!(store.load("grant:me").unwrap() == Some(Secret::from("newer")));
        assert_eq!(fs::read_dir(state.path().join("secrets")).unwrap().count(), 1, "no temporary file stays");
        store.delete("grant:me").unwrap();
        store.delete("grant:me").unwrap();
        assert!(store.load("grant:me").unwrap().is_none());
    }

    #[test]
    fn an_empty_state_folder_holds_nothing() {
        let state = tempfile::tempdir().unwrap();
        let store = FileStore::new(state.path());
        assert!(store.load("x").unwrap().is_none());
        store.delete("x").unwrap();
    }

    #[test]
    fn a_file_open_to_others_is_refused() {
        let (_state, store, file) = store();
        for mode in [0o640, 0o604, 0o620, 0o602] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(store.load("grant:me"), Err(StoreFault::Exposed(_))), "{mode:o}");
        }
        store.save("grant:me", &Secret::from("s3cret")).unwrap();
        assert!(store.load("grant:me").is_ok(), "saving mends the mode");
    }

    #[test]
    fn somebody_elses_file_is_refused() {
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can give files away");
            return;
        }
        let (_state, store, file) = store();
        std::os::unix::fs::chown(&file, Some(33), None).unwrap();
        assert!(matches!(store.load("grant:me"), Err(StoreFault::Exposed(_))));
    }

    #[test]
    fn a_folder_others_can_write_is_refused() {
        let (state, store, _) = store();
        fs::set_permissions(state.path().join("secrets"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(store.load("grant:me"), Err(StoreFault::Exposed(_))));
        assert!(matches!(store.save("grant:me", &Secret::from("x")), Err(StoreFault::Exposed(_))));
    }

    #[test]
    fn links_and_pipes_are_not_followed() {
        let (_state, store, file) = store();
        symlink(&file, file.with_file_name("link")).unwrap();
        assert!(matches!(store.load("link"), Err(StoreFault::Unreadable(_))));
        nix::unistd::mkfifo(&file.with_file_name("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(store.load("pipe"), Err(StoreFault::Unreadable(_))));
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_who_writes_now_is_not() {
        let (state, store, file) = store();
        let (old, new) = (file.with_file_name(".grant:me.1.0"), file.with_file_name(".grant:me.2.0"));
        for path in [&old, &new] {
            fs::write(path, "s3cret").unwrap();
        }
        let long_ago = std::time::SystemTime::now() - 2 * LONGEST_WRITE;
        File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
        store.delete("grant:me").unwrap();
        assert!(!old.exists() && new.exists());
        assert_eq!(fs::read_dir(state.path().join("secrets")).unwrap().count(), 1);
    }

    #[test]
    fn names_may_be_anything() {
        let (state, store, _) = store();
        for name in ["../../escape", "..", ".", "a/b", "ü x", "new\nline"] {
            store.save(name, &Secret::from(name)).unwrap();
            assert!(store.load(name).unwrap() == Some(Secret::from(name)), "{name:?}");
        }
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1);
        assert!(matches!(store.save(&"x".repeat(300), &Secret::from("x")), Err(StoreFault::Unwritable(_))));
    }

    #[test]
    fn a_failed_write_leaves_the_old_secret_and_no_temporary_file() {
        let (state, store, file) = store();
        fs::create_dir(file.with_file_name("taken")).unwrap();
        assert!(matches!(store.save("taken", &Secret::from("x")), Err(StoreFault::Unwritable(_))));
        assert_eq!(fs::read_dir(state.path().join("secrets")).unwrap().count(), 2);
        assert!(store.load("grant:me").unwrap() == Some(Secret::from("s3cret")));
    }
}
