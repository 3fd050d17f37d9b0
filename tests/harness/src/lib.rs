//! Runs the real binary against a stand-in for Outlook, in folders of its own.

pub mod alice;
pub mod bounded;
pub mod fixture;
pub mod mime;
pub mod stdio_client;
pub mod syslog;
pub mod system;
pub mod typist;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use std::{fs, thread};

use bounded::Bounded as _;
use stand_in::{DeviceFlow, Dialogue, Options, Outlook};
use tempfile::TempDir;

/// The program under test, which Cargo has built before it runs a test.
///
/// Cargo says where it is; an older one (before 1.94) does not, and has it beside the folder of the tests.
pub fn built() -> PathBuf {
    let said = std::env::var_os("CARGO_BIN_EXE_outlook-sendmail").map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("outlook-sendmail"));
    said.or_else(beside).filter(|program| program.exists()).expect("cargo test builds the program")
}

/// A copy of the program at this place, as everybody may run it: the one in target/ may lie where others must not look.
///
/// Another process makes it. While this one has a program open to write it, a child that a test starts meanwhile has it
/// open too, and nobody can run it ("Text file busy").
pub fn copy_program(place: &Path) {
    let _ = fs::remove_file(place);
    assert!(Command::new("cp").arg(built()).arg(place).status().unwrap().success());
}

/// The account of every test.
pub const ACCOUNT: &str = "me@outlook.com";

/// A machine with our program on it, an Outlook beside it, and somebody signed in.
pub struct Machine {
    pub outlook: Outlook,
    pub folder: TempDir,
}

/// What a run left behind.
pub struct Run {
    /// The process it was, which its log records name; 0 when not known.
    pub pid: u32,
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Default for Machine {
    fn default() -> Self {
        Self::with(|_| {}, &[])
    }
}

impl Machine {
    /// With the default Outlook, signed in.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this dialogue and its `# config` lines, signed in.
    pub fn with_dialogue(dialogue: &Dialogue) -> Self {
        let config = dialogue.expectations().config.clone();
        Self::with(|options| options.dialogue = Some(dialogue.clone()), &config)
    }

    /// With changed options and more configuration, signed in.
    pub fn with(change: impl FnOnce(&mut Options), config: &[(String, String)]) -> Self {
        let mut dialogue = None;
        let as_usual = |options: &mut Options| {
            change(options);
            dialogue = options.dialogue.take();
        };
        let machine = Self::signed_out(as_usual, config);
        machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
        let login = machine.run_as("outlook-sendmail", ["login"], b"");
        assert_eq!(login.status, 0, "login: {}{}", login.stdout, login.stderr);
        // What login tried is none of the test's business.
        assert!(machine.outlook.smtp.wait_until_idle(SOON), "login hung up");
        machine.outlook.smtp.forget();
        if let Some(dialogue) = &dialogue {
            machine.outlook.smtp.set_dialogue(dialogue);
        }
        machine
    }

    /// The same, nobody signed in.
    pub fn signed_out(change: impl FnOnce(&mut Options), config: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path().join("ca.pem"));
        options.account = ACCOUNT.to_owned();
        change(&mut options);
        let outlook = Outlook::start(options).unwrap();
        let machine = Self { outlook, folder };
        for name in ["sendmail", "mailq", "newaliases", "outlook-sendmail"] {
            std::os::unix::fs::symlink(built(), machine.program(name)).unwrap();
        }
        let mut config = config.to_vec();
        if !config.iter().any(|(key, _)| key == "aliases") {
            // The machine's own alias file is none of the test's business.
            let aliases = machine.folder.path().join("aliases");
            fs::write(&aliases, "").unwrap();
            config.push(("aliases".to_owned(), format!("{:?}", aliases.to_str().unwrap())));
        }
        if !config.iter().any(|(key, _)| key == "on_failure") {
            // A test has no controlling terminal: by itself everything would be kept.
            config.push(("on_failure".to_owned(), "\"report\"".to_owned()));
        }
        fs::write(machine.config(), machine.outlook.config_toml_with(&config)).unwrap();
        machine
    }

    /// Where the program lies under this name.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Where grants, locks and the like are kept.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The file that holds the grant (`store = "file"`).
    pub fn secrets(&self) -> Vec<PathBuf> {
        let folder = self.state().join("outlook-sendmail/secrets");
        fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }

    /// Lets `sendmail` be run by this user, its configuration and grant his, when there is more than one we may be.
    pub fn hand_to(&self, user: &str) {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let user = nix::unistd::User::from_name(user).unwrap().expect("a user of Debian's");
        copy_program(&self.program("sendmail"));
        give(self.folder.path(), user.uid.as_raw(), user.gid.as_raw());
    }

    /// A minute later, as far as the mailbox's pace goes: it is full again.
    pub fn rest(&self) {
        let _ = fs::remove_file(self.state().join("outlook-sendmail/records").join(format!("pace:{ACCOUNT}")));
    }

    /// A command with the environment of this machine.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.equip(&mut command);
        command
    }

    /// Sets the environment the program needs to find this machine's files, and nothing of the real user's.
    fn equip(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.state())
            .env("OUTLOOK_SENDMAIL_CONFIG", self.config());
    }

    /// Runs `sendmail` with these arguments and standard input.
    pub fn sendmail<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Run {
        self.run_as("sendmail", arguments, input)
    }

    /// Runs the program under a name.
    pub fn run_as<A: AsRef<OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Run {
        let mut command = self.command(self.program(name));
        command.args(arguments);
        run(&mut command, input)
    }
}

/// Gives a file, or a folder with all that is in it, to a user and a group.
fn give(path: &Path, uid: u32, gid: u32) {
    std::os::unix::fs::lchown(path, Some(uid), Some(gid)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), uid, gid));
    }
}

/// Runs a command with this standard input, all of which it has to read.
pub fn feed(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let pid = child.id();
    let written = child.stdin.take().unwrap().write_all(input);
    let run = Run { pid, ..Run::from(child.ended_with_output()) };
    assert!(written.is_ok(), "the caller would have died of SIGPIPE: {written:?}");
    run
}

/// Runs a command with this standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        let _ = pipe.write_all(&input);
    });
    let pid = child.id();
    let output = child.ended_with_output();
    writer.join().unwrap();
    Run { pid, ..Run::from(output) }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            pid: 0,
            // A signal is no exit status anybody may rely on.
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

impl Run {
    /// A run of the queue that sent what it could, silent but for messages that were perhaps sent before.
    pub fn assert_all_sent_or_uncertain(&self) {
        if self.status == 0 {
            return self.assert_silent_success();
        }
        self.assert_failure(69, ": perhaps sent: ");
        assert!(self.stderr.starts_with("sendmail: could not send what waited: "), "{}", self.stderr);
        assert_eq!(self.stdout, "");
    }

    /// Exit 0 and not a byte on either stream (decision 7 of DECISIONS.md).
    pub fn assert_silent_success(&self) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (0, "", ""));
    }

    /// This status, nothing on standard output, exactly one line on standard error, and this in it.
    pub fn assert_failure(&self, status: i32, words: &str) {
        assert_eq!(self.status, status, "{}", self.stderr);
        assert_eq!(self.stdout, "");
        assert!(self.stderr.ends_with('\n') && self.stderr.matches('\n').count() == 1, "one line: {:?}", self.stderr);
        assert!(self.stderr.contains(words), "{words:?} in {:?}", self.stderr);
    }
}

/// What no output may hold: how the stand-in's tokens begin, and the XOAUTH2 response of [`ACCOUNT`].
const SECRETS: [&str; 4] = ["EwB", "M.C5", "GAB", "dXNlcj1tZUBvdXRsb29rLmNvbQ"];

/// No token, and nothing made of one.
pub fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// Says that something is not tested here; under CI=true that is a failure.
pub fn skipped(reason: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "cannot be skipped: {reason}");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

/// Whether a program the test needs is here; under CI=true it has to be.
pub fn installed(program: &str) -> bool {
    let found =
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].iter().any(|folder| Path::new(folder).join(program).exists());
    if !found {
        skipped(&format!("{program} is not installed; run tests/install-test-packages"));
    }
    found
}

/// Long enough for anything on loopback.
pub const SOON: Duration = Duration::from_secs(20);
