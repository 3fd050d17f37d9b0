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
use crate::words::Words;
use crate::world::{Anchors, HttpsFault, Machine, MailProgram, WireFault};

/// More than any settings file, or anything git says.
const LONGEST: u64 = 1024 * 1024;

/// Where Debian and the Sury packages keep PHP's settings: one folder a version, in it one for each way PHP runs.
const PHP_BY_VERSION: &str = "/etc/php";

/// Where others keep them: PHP's own build and the images made of it, and Red Hat's and SUSE's packages.
const PHP_AT_ONCE: &[&str] = &["/usr/local/etc/php", "/usr/local/lib", "/usr/local/etc", "/etc"];

/// What a folder of settings holds besides php.ini: further files, and the pools of PHP's process manager.
const PHP_FURTHER: &[&str] = &["conf.d", "php.d", "pool.d", "php-fpm.d"];

/// The real one.
#[derive(Clone, Copy, Debug)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn resolve(&self, host: &str, deadline: Instant) -> Result<Vec<String>, WireFault> {
        wire::resolve(host, deadline)
    }

    fn anchors(&self, ca_file: Option<&Path>) -> Result<Anchors, Words> {
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
        let ways = entries(Path::new(PHP_BY_VERSION)).into_iter().flat_map(|version| entries(&version));
        let folders = ways.chain(PHP_AT_ONCE.iter().map(PathBuf::from));
        folders
            .flat_map(|folder| php_files(&folder))
            .filter_map(|file| Some((file.clone(), regular_text(&file)?)))
            .collect()
    }

    fn git_setting(&self, key: &str, deadline: Instant) -> Option<Vec<String>> {
        let git = self.program_in_path("git")?;
        let mut command = Command::new(git);
        command.args(["config", "--get-all", key]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let said = answer(command.spawn().ok()?, deadline)?;
        Some(said.lines().map(|line| Words::from(line).whole().to_owned()).collect())
    }
}

/// The settings files that a folder may hold. In /etc and /usr/local/etc only those are with PHP in their names.
fn php_files(folder: &Path) -> Vec<PathBuf> {
    let named = ["php.ini", "php-fpm.conf"].map(|name| folder.join(name));
    let is_shared = folder.components().all(|part| part.as_os_str() != "php");
    let further = PHP_FURTHER.iter().filter(|name| !is_shared || name.starts_with("php"));
    let further = further.flat_map(|name| entries(&folder.join(name))).filter(|file| {
        file.extension().is_some_and(|extension| ["ini", "conf"].iter().any(|known| extension == *known))
    });
    named.into_iter().chain(further).collect()
}

/// A device or a pipe is no settings file, and may never end.
fn regular_text(file: &Path) -> Option<String> {
    fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    Some(text(File::open(file).ok()?))
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
    fn php_keeps_its_settings_in_many_places() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for file in [
            "etc/php/8.2/fpm/php.ini",
            "etc/php/8.2/fpm/conf.d/20-mail.ini",
            "etc/php/8.2/fpm/pool.d/www.conf",
            "etc/php/8.2/fpm/pool.d/www.conf.bak",
            "usr/local/etc/php/conf.d/mail.ini",
            "usr/local/etc/php-fpm.d/zz-docker.conf",
            "etc/php.d/mail.ini",
            "etc/conf.d/nothing-of-phps.conf",
        ] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let found = |at: &str| -> Vec<String> {
            let files = php_files(&root.join(at)).into_iter().filter(|file| regular_text(file).is_some());
            files.map(|file| file.strip_prefix(root.join(at)).unwrap().display().to_string()).collect()
        };
        assert_eq!(found("etc/php/8.2/fpm"), ["php.ini", "conf.d/20-mail.ini", "pool.d/www.conf"]);
        assert_eq!(found("usr/local/etc/php"), ["conf.d/mail.ini"]);
        assert_eq!(found("usr/local/etc"), ["php-fpm.d/zz-docker.conf"]);
        assert_eq!(found("etc"), ["php.d/mail.ini"]);
    }

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
