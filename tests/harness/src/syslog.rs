//! A system log of the test's own on /dev/log, where the machine has none.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

const SOCKET: &str = "/dev/log";

/// Process ids come round again: older records could be somebody else's.
const NEWEST: usize = 1000;

/// The newest records of this machine.
pub struct Syslog {
    records: Arc<Mutex<VecDeque<String>>>,
}

/// The log; `None` when /dev/log is somebody else's or we may not make one. Under CI=true it has to be ours.
pub fn syslog() -> Option<&'static Syslog> {
    static LOG: LazyLock<Option<Syslog>> = LazyLock::new(|| match listen() {
        Ok(log) => Some(log),
        Err(error) => {
            super::skipped(&format!("log records are not looked at, {SOCKET}: {error}"));
            None
        }
    });
    LOG.as_ref()
}

fn listen() -> io::Result<Syslog> {
    // A socket nobody listens on was left by a test that ended.
    if let Err(error) = UnixDatagram::unbound()?.connect(SOCKET)
        && error.kind() == ErrorKind::ConnectionRefused
        && fs::symlink_metadata(SOCKET).is_ok_and(|metadata| !metadata.is_symlink())
    {
        fs::remove_file(Path::new(SOCKET))?;
    }
    let socket = UnixDatagram::bind(SOCKET)?;
    // Every user logs.
    fs::set_permissions(SOCKET, fs::Permissions::from_mode(0o666))?;
    let records = Arc::new(Mutex::new(VecDeque::new()));
    let log = Syslog { records: Arc::clone(&records) };
    thread::spawn(move || {
        let mut datagram = vec![0; 64 * 1024];
        while let Ok(length) = socket.recv(&mut datagram) {
            let mut records = records.lock().unwrap();
            if records.len() == NEWEST {
                records.pop_front();
            }
            records.push_back(String::from_utf8_lossy(&datagram[..length]).into_owned());
        }
    });
    Ok(log)
}

impl Syslog {
    /// Every record of this process. A process that ended has written them all; they may still be on their way here.
    pub fn records_of(&self, pid: u32) -> Vec<String> {
        self.records_with(&[&format!("sendmail[{pid}]: ")])
    }

    /// Every record with all these words in it, whichever test it is of; at least one is waited for.
    pub fn records_with(&self, words: &[&str]) -> Vec<String> {
        let patience = Instant::now() + Duration::from_secs(5);
        loop {
            let records = self.records.lock().unwrap();
            let has_all = |record: &&String| words.iter().all(|word| record.contains(word));
            let found: Vec<String> = records.iter().filter(has_all).cloned().collect();
            drop(records);
            if !found.is_empty() || Instant::now() > patience {
                return found;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The one record of this process.
    pub fn record_of(&self, pid: u32) -> String {
        let records = self.records_of(pid);
        assert_eq!(records.len(), 1, "one record a message: {records:?}");
        records.into_iter().next().unwrap()
    }
}
