//! A machine with a system account: a broker under a user of its own, in folders of the test's own.

use crate::bounded::Bounded as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stand_in::Options;

use super::{Machine, Run, copy_program, installed, run, skipped};

/// The user the broker runs as: one of Debian's that nothing else here uses.
pub const BROKER_ID: u32 = 8;

/// Folders of our own where the system account's are, on top of what the machine has.
const OWN_FOLDERS: &str = r#"
    set -e
    for place in etc run var/lib var/spool; do
        name=$(echo "$place" | tr / -)
        mkdir -p "$1/over/$name" "$1/work/$name" "$1/system/$name"
        mount -t overlay overlay -o "lowerdir=/$place,upperdir=$1/over/$name,workdir=$1/work/$name" "/$place"
        mkdir -p "/$place/outlook-sendmail"
        mount --bind "$1/system/$name" "/$place/outlook-sendmail"
    done
    echo ready
    exec cat"#;

/// The machine, and the namespace its folders are in.
pub struct System {
    pub machine: Machine,
    namespace: Child,
    broker: Option<Child>,
}

impl System {
    /// Signed in, the broker running; `None`, said visibly, where a test may not have folders of its own.
    pub fn start(config: &[(&str, &str)]) -> Option<Self> {
        Self::start_with(|_| {}, config)
    }

    pub fn start_with(change: impl FnOnce(&mut Options), config: &[(&str, &str)]) -> Option<Self> {
        let mut system = Self::without_broker(change, config)?;
        system.listen(&[]);
        Some(system)
    }

    /// The same, nobody listening.
    pub fn without_broker(change: impl FnOnce(&mut Options), config: &[(&str, &str)]) -> Option<Self> {
        let system = Self::signed_out(change, config)?;
        system.sign_in();
        Some(system)
    }

    /// Nobody has signed in, and nobody listens.
    pub fn signed_out(change: impl FnOnce(&mut Options), config: &[(&str, &str)]) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            skipped("only root can be several users");
            return None;
        }
        if !["unshare", "nsenter", "setpriv"].iter().all(|program| installed(program)) {
            return None;
        }
        let config: Vec<_> = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let machine = Machine::signed_out(change, &config);
        let folder = machine.folder.path().to_owned();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["sendmail", "outlook-sendmail"] {
            copy_program(&machine.program(name));
        }
        let mut namespace = Command::new("unshare")
            .args(["--mount", "/bin/sh", "-c", OWN_FOLDERS, "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 6];
        if namespace.stdout.as_mut().unwrap().read_exact(&mut said).is_err() {
            let _ = namespace.wait();
            skipped("no folders of a test's own: unshare --mount with an overlay does not work");
            return None;
        }
        let system = Self { machine, namespace, broker: None };
        fs::copy(system.machine.config(), system.folder("etc").join("config.toml")).unwrap();
        for name in ["etc", "run", "var-lib"] {
            fs::set_permissions(system.folder(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        chown(system.folder("run"), Some(BROKER_ID), Some(BROKER_ID)).unwrap();
        // As the package makes it: root's, for the broker's group.
        chown(system.folder("var-spool"), Some(0), Some(BROKER_ID)).unwrap();
        fs::set_permissions(system.folder("var-spool"), fs::Permissions::from_mode(0o2770)).unwrap();
        let state = system.folder("var-lib");
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        chown(&state, Some(BROKER_ID), Some(BROKER_ID)).unwrap();
        Some(system)
    }

    fn sign_in(&self) {
        let flow = stand_in::DeviceFlow { pending: 0, interval: 0, ..stand_in::DeviceFlow::default() };
        self.machine.outlook.endpoint.set_device_flow(flow);
        // In the broker's own name, so the grant lies where it looks.
        let mut command = self.as_user(BROKER_ID, "outlook-sendmail");
        command.args(["login", "--config", "/etc/outlook-sendmail/config.toml"]).env("XDG_STATE_HOME", "/var/lib");
        let login = run(&mut command, b"");
        assert_eq!(login.status, 0, "login: {}{}", login.stdout, login.stderr);
    }

    /// What lies at /etc/outlook-sendmail (`etc`), /run/outlook-sendmail (`run`), /var/lib/outlook-sendmail (`var-lib`),
    /// /var/spool/outlook-sendmail (`var-spool`).
    pub fn folder(&self, name: &str) -> PathBuf {
        self.machine.folder.path().join("system").join(name)
    }

    /// The broker's socket, seen from outside.
    pub fn socket(&self) -> PathBuf {
        self.folder("run").join("submit.sock")
    }

    /// Starts the broker with more environment.
    pub fn listen(&mut self, environment: &[(&str, &str)]) {
        let mut command = self.as_user(BROKER_ID, "outlook-sendmail");
        command.args(["broker", "--listen", "/run/outlook-sendmail/submit.sock"]);
        command.envs(environment.iter().copied());
        self.broker = Some(command.spawn().unwrap());
        self.await_socket();
    }

    /// Starts the broker as systemd does.
    pub fn listen_on_standard_input(&mut self) {
        let socket = std::os::unix::net::UnixListener::bind(self.socket()).unwrap();
        fs::set_permissions(self.socket(), fs::Permissions::from_mode(0o666)).unwrap();
        let mut command = self.as_user(BROKER_ID, "outlook-sendmail");
        command.arg("broker").stdin(Stdio::from(std::os::fd::OwnedFd::from(socket)));
        self.broker = Some(command.spawn().unwrap());
    }

    /// `outlook-sendmail` as this user.
    pub fn tool(&self, uid: u32, arguments: &[&str]) -> Run {
        run(self.as_user(uid, "outlook-sendmail").args(arguments), b"")
    }

    fn await_socket(&self) {
        let patience = Instant::now() + super::SOON;
        while UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < patience, "the broker does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn broker_pid(&self) -> u32 {
        self.broker.as_ref().unwrap().id()
    }

    /// Tells the broker to end, and waits until it has.
    pub fn stop(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            let _ = kill(Pid::from_raw(i32::try_from(broker.id()).unwrap()), Signal::SIGTERM);
            assert!(broker.ended().success());
        }
    }

    /// The same without telling it: its children live on.
    pub fn kill_broker(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            let _ = broker.kill();
            let _ = broker.wait();
        }
    }

    /// A command that runs a program of ours as this user, with nothing in its environment.
    pub fn as_user(&self, uid: u32, program: &str) -> Command {
        let mut command = self.as_user_anything(uid);
        command.arg(self.machine.program(program));
        command
    }

    /// The same for what the further arguments say.
    pub fn as_user_anything(&self, uid: u32) -> Command {
        let mut command = Command::new("nsenter");
        let id = uid.to_string();
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/nonexistent")
            .arg(format!("--mount=/proc/{}/ns/mnt", self.namespace.id()))
            .args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups", "--"]);
        command
    }

    /// `sendmail` as this user.
    pub fn sendmail(&self, uid: u32, arguments: &[&str], input: &[u8]) -> Run {
        run(self.as_user(uid, "sendmail").args(arguments), input)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            let _ = broker.kill();
            let _ = broker.wait();
        }
        // The namespace ends with the process that waits for its standard input to.
        drop(self.namespace.stdin.take());
        let _ = self.namespace.wait();
        let _ = std::io::stdout().flush();
    }
}
