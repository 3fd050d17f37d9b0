//! systemd's user manager, through systemctl.

use std::env;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{getegid, geteuid, getgid, getuid};

use super::process;
use crate::words::Words;
use crate::world::{UnitFault, UserUnits};

/// The only program we start here; nobody's PATH decides which one that is.
const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// Enabling takes it some 100 ms.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often we look whether it is done.
const PAUSE: Duration = Duration::from_millis(20);

/// Where user units are installed, for everybody (systemd.unit(5), "User Unit Search Path").
const FOLDERS: [&str; 4] =
    ["/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"];

/// The manager of the user we run as.
#[derive(Clone, Debug)]
pub struct UserManager {
    systemctl: PathBuf,
    /// $XDG_RUNTIME_DIR; `None` when the environment is not this user's.
    runtime: Option<PathBuf>,
    /// Where units are looked for, in order.
    folders: Vec<PathBuf>,
    patience: Duration,
}

impl UserManager {
    /// As the environment says, where real and effective user are the same.
    pub fn of_this_user() -> Self {
        let ours = getuid() == geteuid() && getgid() == getegid();
        let inside = |home: Option<PathBuf>| home.filter(|_| ours).map(|home| home.join("systemd/user"));
        let own = [inside(process::config_home()), inside(process::absolute(dirs::data_dir(), ".local/share"))];
        Self {
            systemctl: PathBuf::from(SYSTEMCTL),
            runtime: env::var_os("XDG_RUNTIME_DIR").filter(|path| ours && !path.is_empty()).map(PathBuf::from),
            folders: own.into_iter().flatten().chain(FOLDERS.map(PathBuf::from)).collect(),
            patience: PATIENCE,
        }
    }

    /// systemd listens at the first, and is reached over the user's bus otherwise.
    fn runs(&self) -> bool {
        let socket = |name: &str| self.runtime.as_ref().is_some_and(|runtime| runtime.join(name).exists());
        socket("systemd/private") || socket("bus")
    }

    fn unit(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(name)).find(|path| fs::symlink_metadata(path).is_ok())
    }
}

impl UserUnits for UserManager {
    fn enable(&self, unit: &str) -> Result<(), UnitFault> {
        let file = self.unit(unit).ok_or(UnitFault::NotInstalled)?;
        if is_masked(&file) {
            return Ok(());
        }
        if !self.runs() {
            return Err(UnitFault::NoManager);
        }
        let mut command = Command::new(&self.systemctl);
        command.args(["--user", "--quiet", "--no-ask-password", "enable", "--now", unit]);
        let failed = |words: &str| UnitFault::Failed(Words::from(words));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&format!("{}: {error}", self.systemctl.display())))?;
        match ended(&mut child, self.patience) {
            Some(true) => Ok(()),
            Some(false) => Err(UnitFault::Failed(said(child))),
            None => Err(failed("systemctl did not end")),
        }
    }

    fn is_active(&self, unit: &str) -> bool {
        if !self.runs() {
            return false;
        }
        let mut command = Command::new(&self.systemctl);
        command.args(["--user", "--quiet", "--no-ask-password", "is-active", unit]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        child.is_ok_and(|mut child| ended(&mut child, self.patience) == Some(true))
    }
}

/// A link to /dev/null (systemd.unit(5)): the user wants none of it.
fn is_masked(file: &Path) -> bool {
    fs::read_link(file).is_ok_and(|target| target == Path::new("/dev/null"))
}

/// Whether the program ended well; `None` when it had to be killed, or was lost.
fn ended(child: &mut Child, patience: Duration) -> Option<bool> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < deadline => thread::sleep(PAUSE),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// What it complained of, as far as a pipe holds it without a reader.
fn said(child: Child) -> Words {
    let mut text = Vec::new();
    if let Some(stderr) = child.stderr {
        let _ = stderr.take(4096).read_to_end(&mut text);
    }
    Words::from_octets(&text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const UNIT: &str = "outlook-sendmail-renew.timer";

    /// A manager whose systemctl is this script.
    fn manager(folder: &Path, script: &str) -> UserManager {
        let systemctl = folder.join("systemctl");
        fs::write(&systemctl, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir_all(folder.join("run/systemd/private")).unwrap();
        fs::create_dir_all(folder.join("units")).unwrap();
        fs::write(folder.join("units").join(UNIT), "").unwrap();
        UserManager {
            systemctl,
            runtime: Some(folder.join("run")),
            folders: vec![folder.join("none"), folder.join("units")],
            patience: PATIENCE,
        }
    }

    #[test]
    fn systemctl_is_asked_for_this_user() {
        let folder = tempfile::tempdir().unwrap();
        let asked = folder.path().join("asked");
        let manager = manager(folder.path(), &format!("echo \"$@\" > {}; cat", asked.display()));
        assert_eq!(manager.enable(UNIT), Ok(()));
        let expected = format!("--user --quiet --no-ask-password enable --now {UNIT}\n");
        assert_eq!(fs::read_to_string(asked).unwrap(), expected);
    }

    #[test]
    fn what_runs_is_asked_of_systemctl() {
        let folder = tempfile::tempdir().unwrap();
        let manager =
            manager(folder.path(), "case \"$*\" in *'is-active outlook-sendmail-renew.timer') exit 0; esac; exit 3");
        assert!(manager.is_active(UNIT) && !manager.is_active("other.timer"));
        assert!(!UserManager { runtime: None, ..manager }.is_active(UNIT));
    }

    #[test]
    fn its_complaint_is_passed_on_and_a_silent_one_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let complaining = manager(folder.path(), "echo Failed to connect >&2; exit 1");
        assert_eq!(complaining.enable(UNIT), Err(UnitFault::Failed("Failed to connect".into())));
        let hung = UserManager { patience: Duration::from_millis(50), ..manager(folder.path(), "exec sleep 60") };
        assert_eq!(hung.enable(UNIT), Err(UnitFault::Failed("systemctl did not end".into())));
        let missing = UserManager { systemctl: folder.path().join("no"), ..complaining };
        assert!(matches!(missing.enable(UNIT), Err(UnitFault::Failed(_))));
    }

    #[test]
    fn nothing_is_started_where_there_is_nothing_to_enable_or_nobody_to_do_it() {
        let folder = tempfile::tempdir().unwrap();
        let never = manager(folder.path(), "exit 1");
        assert_eq!(never.enable("other.timer"), Err(UnitFault::NotInstalled));
        let alone = UserManager { runtime: None, ..never.clone() };
        assert_eq!(alone.enable(UNIT), Err(UnitFault::NoManager));
        let elsewhere = UserManager { runtime: Some(folder.path().join("units")), ..never.clone() };
        assert_eq!(elsewhere.enable(UNIT), Err(UnitFault::NoManager));
        fs::create_dir(folder.path().join("none")).unwrap();
        symlink("/dev/null", folder.path().join("none").join(UNIT)).unwrap();
        assert_eq!(never.enable(UNIT), Ok(()), "masked");
    }
}
