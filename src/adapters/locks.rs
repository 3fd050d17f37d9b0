//! Advisory locks: one file per lock in `<state>/locks`, released by the kernel however we end.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

use super::private_folder;
use crate::world::{LockGuard, Locks};

/// How long we sleep before looking again: a renewal takes some 300 ms.
const PAUSE: Duration = Duration::from_millis(25);

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
        loop {
            match file.try_lock() {
                Ok(()) => return Some(Box::new(Held { _file: file })),
                Err(TryLockError::Error(_)) => return None,
                Err(TryLockError::WouldBlock) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    thread::sleep(PAUSE.min(left));
                }
            }
        }
    }
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
        let (taken, ready) = std::sync::mpsc::channel();
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
