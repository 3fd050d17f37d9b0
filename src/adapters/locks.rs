//! Advisory locks: one file per lock in `<state>/locks`, released by the kernel however we end.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io, thread};

use nix::fcntl::OFlag;

use super::private_folder;
use crate::world::{LockGuard, Locks};

/// Locks below a state folder.
#[derive(Clone, Debug)]
pub struct FileLocks {
    folder: PathBuf,
}

impl FileLocks {
    /// Locks in `<state>/locks`.
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("locks") }
    }

    fn open(&self, name: &str) -> Option<File> {
        private_folder::make(&self.folder).ok()?;
        if !private_folder::is_ours(&self.folder).ok()? {
            return None;
        }
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).bits())
            .open(self.folder.join(private_folder::file_name(name)))
            .ok()
    }
}

impl Locks for FileLocks {
    fn acquire(&self, name: &str, deadline: Instant) -> Option<Box<dyn LockGuard>> {
        let file = self.open(name)?;
        let file = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::Error(_)) => return None,
            Err(TryLockError::WouldBlock) => wait(file, deadline.saturating_duration_since(Instant::now()))?,
        };
        // For `disown`.
        let _ = file.set_modified(SystemTime::now());
        Some(Box::new(Held { _file: file }))
    }

    fn disown(&self, name: &str, limit: Duration) {
        if !private_folder::is_ours(&self.folder).unwrap_or(false) {
            return;
        }
        let path = self.folder.join(private_folder::file_name(name));
        let since = fs::symlink_metadata(&path).and_then(|metadata| metadata.modified());
        // A clock that was set back makes nobody old.
        if since.is_ok_and(|since| since.elapsed().is_ok_and(|held| held > limit)) {
            // Who holds it holds a file without a name; the next one makes a new one.
            let _ = fs::remove_file(&path);
        }
    }
}

/// The kernel keeps those who wait in order, but knows no time limit: a thread waits, and lets go of a lock nobody wants any
/// more.
fn wait(file: File, patience: Duration) -> Option<File> {
    if patience.is_zero() {
        return None;
    }
    let (locked, arrives) = mpsc::channel();
    let waiter = move || {
        let verdict = loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                verdict => break verdict,
            }
        };
        let _ = locked.send(verdict.ok().map(|()| file));
    };
    thread::Builder::new().spawn(waiter).ok()?;
    arrives.recv_timeout(patience).ok().flatten()
}

/// An open, locked file; closing it unlocks.
struct Held {
    _file: File,
}

impl LockGuard for Held {}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn one_at_a_time_and_free_again_on_drop() {
        let state = tempfile::tempdir().unwrap();
        let locks = FileLocks::new(state.path());
        let now = Instant::now();
        let held = locks.acquire("token:me", now).unwrap();
        assert!(locks.acquire("token:me", now + Duration::from_millis(60)).is_none());
        assert!(now.elapsed() >= Duration::from_millis(60));
        assert!(locks.acquire("token:you", now).is_some());
        drop(held);
        assert!(locks.acquire("token:me", now).is_some());
    }

    #[test]
    fn waits_for_the_other_one() {
        let state = tempfile::tempdir().unwrap();
        let locks = FileLocks::new(state.path());
        let (taken, ready) = mpsc::channel();
        let other = locks.clone();
        let thread = thread::spawn(move || {
            let _held = other.acquire("x", Instant::now()).unwrap();
            taken.send(()).unwrap();
            thread::sleep(Duration::from_millis(80));
        });
        ready.recv().unwrap();
        assert!(locks.acquire("x", Instant::now() + Duration::from_secs(10)).is_some());
        thread.join().unwrap();
    }

    #[test]
    fn who_stopped_waiting_gets_nothing_later() {
        let state = tempfile::tempdir().unwrap();
        let locks = FileLocks::new(state.path());
        let held = locks.acquire("x", Instant::now()).unwrap();
        assert!(locks.acquire("x", Instant::now() + Duration::from_millis(20)).is_none());
        drop(held);
        assert!(locks.acquire("x", Instant::now() + Duration::from_secs(10)).is_some());
    }

    #[test]
    fn what_was_held_for_too_long_is_free_again() {
        let state = tempfile::tempdir().unwrap();
        let locks = FileLocks::new(state.path());
        let held = locks.acquire("x", Instant::now()).unwrap();
        locks.disown("x", Duration::from_secs(60));
        assert!(locks.acquire("x", Instant::now()).is_none());
        let long_ago = SystemTime::now() - Duration::from_secs(61);
        File::open(state.path().join("locks/x")).unwrap().set_modified(long_ago).unwrap();
        assert!(locks.acquire("x", Instant::now()).is_none());
        locks.disown("x", Duration::from_secs(60));
        let other = locks.acquire("x", Instant::now()).unwrap();
        drop(held);
        assert!(locks.acquire("x", Instant::now()).is_none(), "the old one's end frees nothing of the new one's");
        drop(other);
        assert!(locks.acquire("x", Instant::now()).is_some());
        locks.disown("nobody's", Duration::ZERO);
    }

    #[test]
    fn the_folder_is_private_and_links_are_not_followed() {
        let state = tempfile::tempdir().unwrap();
        let locks = FileLocks::new(&state.path().join("not/yet"));
        assert!(locks.acquire("a/../b", Instant::now()).is_some());
        let folder = state.path().join("not/yet/locks");
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(folder.join("a%2F..%2Fb")).unwrap().mode() & 0o777, 0o600);
        symlink(state.path().join("victim"), folder.join("link")).unwrap();
        assert!(locks.acquire("link", Instant::now()).is_none());
        assert!(!state.path().join("victim").exists());
    }

    #[test]
    fn no_folder_no_lock() {
        assert!(FileLocks::new(Path::new("/proc/none")).acquire("x", Instant::now()).is_none());
    }
}
