//! systemd's timers and cron's tables, as far as they run a queue; and a run of our own behind a message.

use std::env;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{User, close, geteuid, setsid};

use super::process::has_own_environment;
use super::programs::mail_program;
use super::user_units::ended;
use crate::failure::Whose;
use crate::world::{Identity, QueueRunner, QueueRunners};

const TIMER: &str = "outlook-sendmail-queue.timer";

/// Prints the table of whoever calls it; only this program may read it.
const CRONTAB: &str = "/usr/bin/crontab";

/// The longest table that is read.
const LONGEST: u64 = 1024 * 1024;

/// What runs the queue that these accounts use, on this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemRunners(pub Whose);

/// Where this user's queue is looked after, or the machine's.
#[derive(Clone, Debug)]
struct Runners {
    /// There while the manager runs whose timer it is.
    manager: Vec<PathBuf>,
    /// Folders of units, each with its `timers.target.wants`.
    units: Vec<PathBuf>,
    /// The program that prints this user's table; `None` for the machine's queue.
    crontab: Option<PathBuf>,
    /// Tables whose lines name a user.
    tables: Vec<PathBuf>,
    user: String,
}

impl Runners {
    fn of(whose: Whose) -> Self {
        let tables = fs::read_dir("/etc/cron.d").into_iter().flatten().flatten().map(|entry| entry.path());
        let tables = std::iter::once(PathBuf::from("/etc/crontab")).chain(tables).collect();
        let user = User::from_uid(geteuid()).ok().flatten().map(|user| user.name).unwrap_or_default();
        match whose {
            Whose::System => Self {
                manager: vec![PathBuf::from("/run/systemd/system")],
                units: folders("system", None),
                crontab: None,
                tables,
                user,
            },
            Whose::User => Self {
                manager: user_manager(),
                units: folders("user", dirs::config_dir().filter(|_| has_own_environment())),
                crontab: Some(PathBuf::from(CRONTAB)),
                tables,
                user,
            },
        }
    }

    /// Enabled, not masked, and somebody there who starts it.
    fn has_timer(&self) -> bool {
        let is_there = |path: PathBuf| fs::symlink_metadata(path).is_ok();
        let is_masked =
            |folder: &PathBuf| fs::read_link(folder.join(TIMER)).is_ok_and(|to| to == Path::new("/dev/null"));
        self.manager.iter().any(|path| path.exists())
            && self.units.iter().any(|folder| is_there(folder.join("timers.target.wants").join(TIMER)))
            && !self.units.iter().any(is_masked)
    }

    fn has_cron_line(&self) -> bool {
        let of_machine = self.tables.iter().any(|table| {
            let text = text_of(table);
            // For the machine's queue whoever asks the broker will do.
            text.lines().any(|line| runs_queue(line) && (self.crontab.is_none() || user_of(line) == Some(&self.user)))
        });
        of_machine || self.crontab.as_ref().is_some_and(|crontab| printed(crontab).lines().any(runs_queue))
    }

    fn active(&self) -> Option<QueueRunner> {
        if self.has_timer() {
            Some(QueueRunner::Timer)
        } else if self.has_cron_line() {
            Some(QueueRunner::Cron)
        } else {
            None
        }
    }
}

impl QueueRunners for SystemRunners {
    fn active(&self) -> Option<QueueRunner> {
        Runners::of(self.0).active()
    }

    fn start(&self, config: &Path) -> bool {
        let (Ok(program), Ok(config)) = (env::current_exe(), std::path::absolute(config)) else { return false };
        let mut command = Command::new(program);
        command.arg0("outlook-sendmail").args(["queue", "run", "apart", "--config"]).arg(config);
        let command = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It is init's, once we are gone.
        command.spawn().is_ok()
    }
}

/// Leaves whoever called our parent: no signal to its terminal or group reaches us, and nobody who reads to the end of a
/// pipe of his, or waits for a lock, waits for us. Before anything of our own is open.
pub fn leave_caller() {
    // Fails where we lead a session already.
    let _ = setsid();
    let inherited: Vec<i32> = fs::read_dir("/proc/self/fd")
        .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
        .unwrap_or_default();
    for descriptor in inherited.into_iter().filter(|descriptor| *descriptor > 2) {
        let _ = close(descriptor);
    }
}

fn user_manager() -> Vec<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").filter(|path| has_own_environment() && !path.is_empty());
    // cron and web servers know nothing of it.
    let runtime = runtime.map_or_else(|| PathBuf::from(format!("/run/user/{}", geteuid())), PathBuf::from);
    vec![runtime.join("systemd/private")]
}

/// systemd.unit(5), "Unit File Load Path".
fn folders(kind: &str, config_home: Option<PathBuf>) -> Vec<PathBuf> {
    let all = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"].map(PathBuf::from);
    let own = config_home.map(|home| home.join("systemd"));
    own.into_iter().chain(all).map(|folder| folder.join(kind)).collect()
}

fn text_of(table: &Path) -> String {
    let mut octets = Vec::new();
    let read = fs::File::open(table).and_then(|file| file.take(LONGEST).read_to_end(&mut octets));
    read.map(|_| String::from_utf8_lossy(&octets).into_owned()).unwrap_or_default()
}

fn printed(crontab: &Path) -> String {
    let mut command = Command::new(crontab);
    let command = command.arg("-l").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return String::new() };
    // Longer than a pipe holds, it would never end: such a table counts as none.
    if ended(&mut child, std::time::Duration::from_secs(2)) != Some(true) {
        return String::new();
    }
    let mut octets = Vec::new();
    if let Some(stdout) = child.stdout {
        let _ = stdout.take(LONGEST).read_to_end(&mut octets);
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// Whether a line of crontab(5) has a queue of ours tried, again and again.
fn runs_queue(line: &str) -> bool {
    let line = line.trim_start();
    let is_repeated = !line.starts_with('#') && !line.starts_with("@reboot");
    is_repeated && line.split(['|', ';', '&', '(', ')']).filter_map(queue_program).any(is_ours)
}

/// What a shell's command has try its queue, if it does.
fn queue_program(command: &str) -> Option<&str> {
    let mut words = command.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let mut arguments = words.clone();
        match word.rsplit('/').next() {
            Some("sendmail") if arguments.any(|argument| argument.starts_with("-q")) => return Some(word),
            Some("outlook-sendmail") if arguments.next() == Some("queue") && arguments.next() == Some("run") => {
                return Some(word);
            }
            Some(_) | None => {}
        }
    }
    None
}

/// Another mailer's sendmail has another queue.
fn is_ours(program: &str) -> bool {
    let path = match program {
        "outlook-sendmail" => return true,
        "sendmail" => Path::new("/usr/sbin/sendmail"),
        path => Path::new(path),
    };
    let identity = mail_program(path).map(|program| program.identity);
    matches!(identity, Some(Identity::ThisOne | Identity::AnotherCopy))
}

/// Whose a line of /etc/crontab is.
fn user_of(line: &str) -> Option<&str> {
    let times = if line.trim_start().starts_with('@') { 1 } else { 5 };
    line.split_ascii_whitespace().nth(times)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn runners(folder: &Path) -> Runners {
        Runners {
            manager: vec![folder.join("private")],
            units: vec![folder.join("own"), folder.join("all")],
            crontab: Some(folder.join("crontab")),
            tables: vec![folder.join("table")],
            user: "ada".into(),
        }
    }

    #[test]
    fn a_timer_counts_when_it_is_enabled_and_somebody_starts_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let runners = runners(folder.path());
        fs::create_dir_all(at("all/timers.target.wants")).unwrap();
        fs::create_dir(at("own")).unwrap();
        symlink("../x.timer", at("all/timers.target.wants").join(TIMER)).unwrap();
        assert_eq!(runners.active(), None, "no manager");
        fs::write(at("private"), "").unwrap();
        assert_eq!(runners.active(), Some(QueueRunner::Timer));
        symlink("/dev/null", at("own").join(TIMER)).unwrap();
        assert_eq!(runners.active(), None, "masked");
    }

    #[test]
    fn a_line_of_crons_counts_when_it_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let runners = runners(folder.path());
        let (ours, theirs) = (at("ours/sendmail"), at("theirs/sendmail"));
        for program in [&ours, &theirs] {
            fs::create_dir(program.parent().unwrap()).unwrap();
        }
        symlink(env::current_exe().unwrap(), &ours).unwrap();
        fs::write(&theirs, "postdrop").unwrap();
        let active = |line: &str| {
            let [ours, theirs] = [&ours, &theirs].map(|path| path.display().to_string());
            fs::write(at("table"), line.replace("OURS", &ours).replace("THEIRS", &theirs)).unwrap();
            runners.active()
        };
        for other in [
            "*/5 * * * * bob OURS -q\n# */5 * * * * ada OURS -q\n",
            "*/5 * * * * ada THEIRS -q\n",
            "@reboot ada OURS -q\n",
            "0 5 * * * ada rsync -q a b && OURS root < log\n",
            "0 5 * * * ada report -q | OURS root\n",
            "0 5 * * * ada outlook-sendmail queue\n",
        ] {
            assert_eq!(active(other), None, "{other}");
        }
        for own in ["@hourly ada OURS -q15m\n", "*/5 * * * * ada cd / && outlook-sendmail queue run\n"] {
            assert_eq!(active(own), Some(QueueRunner::Cron), "{own}");
        }
        fs::remove_file(at("table")).unwrap();
        fs::write(at("crontab"), "#!/bin/sh\necho '*/5 * * * * outlook-sendmail queue run'\n").unwrap();
        fs::set_permissions(at("crontab"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(runners.active(), Some(QueueRunner::Cron));
    }
}
