//! A command line run by the shell, in a process group of its own.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::secret::Secret;
use crate::words::SafeText;
use crate::world::StoreFault;

/// More than any account's secrets.
pub(super) const OUTPUT_LIMIT: u64 = 256 * 1024;
/// What a command says on standard error, and we repeat.
const COMPLAINT_LIMIT: u64 = 1024;
/// How often we look whether the command has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// A command that ended by itself.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) output: Secret,
    pub(super) complaint: SafeText,
}

/// Runs a command line in a process group of its own, which ends with our patience.
pub(super) fn run(command: &str, input: Option<Secret>, patience: Duration) -> Result<Ended, StoreFault> {
    let unusable = |error: io::Error| StoreFault::Unreadable(format!("/bin/sh: {error}").into());
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(unusable)?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        // A command that does not read it ends, and says why.
        thread::spawn(move || drop(pipe.write_all(input.reveal())));
    }
    let output = collect(child.stdout.take(), OUTPUT_LIMIT);
    let complaint = collect(child.stderr.take(), COMPLAINT_LIMIT);
    let until = Instant::now() + patience;
    let status = wait(&mut child, until).ok_or(StoreFault::Hung)?;
    // A daemon it started (gpg-agent) may hold the pipes open for ever.
    let left = || until.saturating_duration_since(Instant::now()).min(Duration::from_secs(1));
    let output = output.recv_timeout(left()).map_err(|_| StoreFault::Hung)?;
    let complaint = complaint.recv_timeout(left()).map(|text| SafeText::from_octets(text.reveal())).unwrap_or_default();
    Ok(Ended { status, output, complaint })
}

/// Reads up to `limit` octets; the rest is thrown away, so that the command does not die of it.
fn collect(stream: Option<impl Read + Send + 'static>, limit: u64) -> Receiver<Secret> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut octets = Vec::with_capacity(limit as usize);
        if let Some(mut stream) = stream {
            let _ = stream.by_ref().take(limit).read_to_end(&mut octets);
            let _ = sender.send(Secret::new(octets));
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
    receiver
}

fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => thread::sleep(PAUSE),
            Ok(None) | Err(_) => {
                let group = i32::try_from(child.id()).ok().map(Pid::from_raw);
                let _ = group.map(|group| killpg(group, Signal::SIGKILL));
                let _ = child.wait();
                return None;
            }
        }
    }
}
