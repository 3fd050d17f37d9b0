//! This machine as `doctor` sees it: names, trust, HTTPS, and the programs and settings that decide who gets mail.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::{https, programs, trust, wire};
use crate::words::SafeText;
use crate::world::{Anchors, HttpsFault, Machine, MailProgram, WireFault};

/// More than any settings file, or anything git says.
const LONGEST: u64 = 1024 * 1024;

/// Where Debian keeps PHP's settings: one folder a version, in it one for each way PHP runs.
const PHP: &str = "/etc/php";

/// The real one.
#[derive(Clone, Copy, Debug)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn resolve(&self, host: &str, deadline: Instant) -> Result<Vec<String>, WireFault> {
        wire::resolve(host, deadline)
    }

    fn anchors(&self, ca_file: Option<&Path>) -> Result<Anchors, SafeText> {
        let (place, count) = trust::census(ca_file)?;
        Ok(Anchors { place, count })
    }

    fn https_date(&self, ca_file: Option<&Path>, url: &str, deadline: Instant) -> Result<String, HttpsFault> {
        https::date(ca_file, url, deadline)
    }

    fn mail_program(&self, path: &Path) -> Option<MailProgram> {
        programs::mail_program(path)
    }

    fn program_in_path(&self, name: &str) -> Option<PathBuf> {
        let path = env::var_os("PATH")?;
        let is_program = |file: &PathBuf| {
            fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
        };
        env::split_paths(&path).map(|folder| folder.join(name)).find(is_program)
    }

    fn php_settings(&self) -> Vec<(PathBuf, String)> {
        let ways = entries(Path::new(PHP)).into_iter().flat_map(|version| entries(&version));
        let files = ways.flat_map(|way| {
            let further = entries(&way.join("conf.d"));
            std::iter::once(way.join("php.ini")).chain(further)
        });
        files
            .filter(|file| file.extension().is_some_and(|extension| extension == "ini"))
            .filter_map(|file| Some((text(File::open(&file).ok()?), file)))
            .map(|(text, file)| (file, text))
            .collect()
    }

    fn git_setting(&self, key: &str, deadline: Instant) -> Option<Vec<String>> {
        let git = self.program_in_path("git")?;
        let mut command = Command::new(git);
        command.args(["config", "--get-all", key]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let said = answer(command.spawn().ok()?, deadline)?;
        Some(said.lines().map(|line| SafeText::from(line).whole().to_owned()).collect())
    }
}

/// What a program writes until it ends; one that does not in time is ended.
fn answer(mut child: Child, deadline: Instant) -> Option<String> {
    let (sender, said) = mpsc::channel();
    let output = child.stdout.take();
    let reading = thread::Builder::new().name("answer".into()).spawn(move || {
        // Nobody listens any more once the deadline has passed.
        let _ = sender.send(output.map(text).unwrap_or_default());
    });
    let answer = reading.ok().and_then(|_| said.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok());
    // After its last word it has nothing left to do.
    let _ = child.kill();
    let _ = child.wait();
    answer
}

fn text(source: impl std::io::Read) -> String {
    let mut octets = Vec::new();
    let _ = source.take(LONGEST).read_to_end(&mut octets);
    String::from_utf8_lossy(&octets).into_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended() {
        let started = Instant::now();
        let child = Command::new("sleep").arg("60").stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(answer(child, started + Duration::from_millis(50)), None);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_a_program_says_is_read() {
        let child = Command::new("printf").arg("a\\nb\\n").stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(answer(child, Instant::now() + Duration::from_secs(20)).as_deref(), Some("a\nb\n"));
    }
}
