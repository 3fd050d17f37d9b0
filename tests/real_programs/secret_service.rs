//! The keyring adapter against a real GNOME Keyring on a bus of its own, in every mood a keyring can be in.
//!
//! Needs the Debian packages dbus, gnome-keyring and libsecret-tools, and pass for the store that is a command. Without

//! them the tests say SKIPPED, and fail where CI=true.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "the whole file is a test")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use harness::bounded::Bounded as _;
use harness::{Machine, Run, SOON, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use outlook_sendmail::adapters::secret_stores::{BusAddress, CommandStore, FileStore, SealedStore, SecretServiceStore};
use outlook_sendmail::secret::Secret;
use outlook_sendmail::world::SecretCommand;
use outlook_sendmail::world::{SecretStore, StoreFault};
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use stand_in::DeviceFlow;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(10);
const NOBODY: u32 = 65534;

/// A bus without service files: nothing starts by itself on it.
const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=BUS</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"#;

/// A bus, and perhaps a keyring on it; both end with the test.
struct Desktop {
    bus: Child,
    keyring: Option<Child>,
    socket: String,
    folder: TempDir,
}

impl Desktop {
    /// A bus that belongs to `uid`, and nothing on it.
    fn without_keyring(uid: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let socket = format!("unix:path={}", folder.path().join("bus").display());
        let config = folder.path().join("bus.conf");
        fs::write(&config, BUS_CONFIG.replace("BUS", folder.path().join("bus").to_str().unwrap())).unwrap();
        let mut command = Command::new("dbus-daemon");
        command.arg("--config-file").arg(config).args(["--nofork", "--print-address=1"]);
        if uid != geteuid().as_raw() {
            command.uid(uid).gid(uid);
        }
        let mut bus = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("unix:"), "dbus-daemon says {ready:?}");
        Self { bus, keyring: None, socket, folder }
    }

    /// A bus of ours with an unlocked keyring.
    fn unlocked() -> Self {
        let mut desktop = Self::without_keyring(geteuid().as_raw());
        let daemon = desktop.command("gnome-keyring-daemon");
        desktop.start(daemon);
        let patience = Instant::now() + PATIENCE;
        while desktop.store(PATIENCE).and_then(|store| store.save("probe", &Secret::from("x"))).is_err() {
            assert!(Instant::now() < patience, "gnome-keyring-daemon did not come up");
            sleep(Duration::from_millis(50));
        }
        desktop
    }

    /// Starts a keyring with the password of this desktop.
    fn start(&mut self, mut daemon: Command) {
        let mut keyring = daemon
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        keyring.stdin.take().unwrap().write_all(b"password").unwrap();
        self.keyring = Some(keyring);
    }

    /// The same keyring, started again where it cannot write its files.
    fn turn_read_only(&mut self) {
        let mut old = self.keyring.take().unwrap();
        old.kill().unwrap();
        old.ended();
        let mut daemon = self.command("unshare");
        let script = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && shift && exec \"$@\"";
        daemon
            .args(["-m", "sh", "-c", script, "sh"])
            .arg(self.folder.path().join("keyrings"))
            .arg("gnome-keyring-daemon");
        self.start(daemon);
        let patience = Instant::now() + PATIENCE;
        while self.store(PATIENCE).and_then(|store| store.load("probe")) != Ok(Some(Secret::from("x"))) {
            assert!(Instant::now() < patience, "gnome-keyring-daemon did not come up again");
            sleep(Duration::from_millis(50));
        }
    }

    /// A program of this desktop.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.socket).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
            command.env(variable, self.folder.path());
        }
        command
    }

    fn store(&self, timeout: Duration) -> Result<SecretServiceStore, StoreFault> {
        SecretServiceStore::connect(&BusAddress::first_socket(&self.socket)?, timeout)
    }

    fn signal_keyring(&self, signal: Signal) {
        let pid = i32::try_from(self.keyring.as_ref().unwrap().id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    fn lock(&self) {
        let bus = zbus::blocking::connection::Builder::address(self.socket.as_str()).unwrap().build().unwrap();
        let service = SecretService::connect_with_existing(EncryptionType::Plain, bus).unwrap();
        service.get_default_collection().unwrap().lock().unwrap();
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether the programs are there; where they must be (CI), their absence fails.
fn installed(programs: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| !env::split_paths(&path).any(|folder| Path::new(&folder).join(program).exists()))
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(env::var("CI").as_deref() != Ok("true"), "not installed: {missing:?}");
    eprintln!("SKIPPED: not installed: {missing:?}");
    false
}

/// What every store promises.
fn keeps_its_promises(store: &dyn SecretStore) {
    let secret = |text: &str| Some(Secret::from(text));
    assert!(store.load("grant:a").unwrap().is_none());
    store.delete("grant:a").unwrap();
    store.save("grant:a", &Secret::from("one")).unwrap();
    store.save("grant:b", &Secret::from("two")).unwrap();
    assert!(store.load("grant:a").unwrap() == secret("one"));
    store.save("grant:a", &Secret::from("newer")).unwrap();
    assert!(store.load("grant:a").unwrap() == secret("newer"));
    assert!(store.load("grant:b").unwrap() == secret("two"));
    let long = "x".repeat(12_000);
    store.save("odd / name: ü \"'", &Secret::from(long.as_str())).unwrap();
    assert!(store.load("odd / name: ü \"'").unwrap() == secret(&long));
    store.delete("grant:a").unwrap();
    assert!(store.load("grant:a").unwrap().is_none());
    assert!(store.load("grant:b").unwrap() == secret("two"));
}

const KEYRING: &[&str] = &["dbus-daemon", "gnome-keyring-daemon"];

#[test]
fn a_file_keeps_the_promises_of_a_store() {
    let state = tempfile::tempdir().unwrap();
    keeps_its_promises(&FileStore::new(state.path()));
}

#[test]
fn a_sealed_file_keeps_the_promises_of_a_store() {
    let state = tempfile::tempdir().unwrap();
    keeps_its_promises(&SealedStore::open(state.path()).unwrap());
}

#[test]
fn a_command_keeps_the_promises_of_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets");
    let command = SecretCommand {
        get: format!("test ! -e {0} || cat {0}", file.display()),
        set: Some(format!("cat > {0}.new && mv {0}.new {0}", file.display())),
    };
    keeps_its_promises(&CommandStore::new(command, PATIENCE).unwrap());
}

#[test]
fn a_keyring_keeps_the_promises_of_a_store() {
    if installed(KEYRING) {
        keeps_its_promises(&Desktop::unlocked().store(PATIENCE).unwrap());
    }
}

#[test]
fn people_find_our_secrets_with_their_own_tools() {
    if !installed(KEYRING) || !installed(&["secret-tool"]) {
        return;
    }
    let desktop = Desktop::unlocked();
    let store = desktop.store(PATIENCE).unwrap();
    store.save("grant:me", &Secret::from("old")).unwrap();
    store.save("grant:me", &Secret::from("secret one")).unwrap();
    let query = ["application", "outlook-sendmail", "name", "grant:me"];
    let found = desktop.command("secret-tool").arg("lookup").args(query).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "secret one");
    let all = desktop.command("secret-tool").args(["search", "--all"]).args(query).output().unwrap();
    let all = String::from_utf8_lossy(&all.stdout);
    assert_eq!(all.matches("label = Outlook sendmail (grant:me)").count(), 1, "{all}");
}

#[test]
fn a_locked_keyring_says_so_at_once_and_asks_nobody() {
    if !installed(KEYRING) {
        return;
    }
    let desktop = Desktop::unlocked();
    let store = desktop.store(PATIENCE).unwrap();
    store.save("grant:me", &Secret::from("x")).unwrap();
    desktop.lock();
    let start = Instant::now();
    for store in [store, desktop.store(PATIENCE).unwrap()] {
        assert_eq!(store.load("grant:me").unwrap_err(), StoreFault::Locked);
        assert_eq!(store.load("never saved").unwrap_err(), StoreFault::Locked);
        assert_eq!(store.save("grant:me", &Secret::from("y")).unwrap_err(), StoreFault::Locked);
        assert_eq!(store.delete("grant:me").unwrap_err(), StoreFault::Locked);
    }
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_hung_keyring_is_given_up_on_in_time() {
    if !installed(KEYRING) {
        return;
    }
    let desktop = Desktop::unlocked();
    let store = desktop.store(Duration::from_millis(500)).unwrap();
    desktop.signal_keyring(Signal::SIGSTOP);
    let start = Instant::now();
    assert_eq!(store.load("grant:me").unwrap_err(), StoreFault::Hung);
    assert_eq!(store.save("grant:me", &Secret::from("x")).unwrap_err(), StoreFault::Hung);
    assert_eq!(desktop.store(Duration::from_millis(500)).err(), Some(StoreFault::Hung));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    desktop.signal_keyring(Signal::SIGCONT);
    let patience = Instant::now() + PATIENCE;
    while desktop.store(PATIENCE).and_then(|store| store.load("probe")) != Ok(Some(Secret::from("x"))) {
        assert!(Instant::now() < patience, "it did not come back");
    }
}

#[test]
fn a_keyring_that_dies_is_missing() {
    if !installed(KEYRING) {
        return;
    }
    let desktop = Desktop::unlocked();
    let store = desktop.store(PATIENCE).unwrap();
    desktop.signal_keyring(Signal::SIGKILL);
    let patience = Instant::now() + PATIENCE;
    while !matches!(store.load("grant:me"), Err(StoreFault::Missing(_))) {
        assert!(Instant::now() < patience, "{:?}", store.load("grant:me"));
    }
}

#[test]
fn a_keyring_that_cannot_be_written_still_sends_mail() {
    if !installed(KEYRING) {
        return;
    }
    if !geteuid().is_root() {
        harness::skipped("only root can mount a folder read-only");
        return;
    }
    let mut desktop = Desktop::unlocked();
    let config = [("store".to_owned(), "\"secret-service\"".to_owned())];
    let machine = Machine::signed_out(|options| options.access_token_lifetime = Duration::from_secs(60), &config);
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    assert_eq!(call(&machine, &desktop, "outlook-sendmail", "login").status, 0);
    desktop.turn_read_only();
    // Every message renews the grant here, and the newer one cannot be kept.
    call(&machine, &desktop, "sendmail", "a@example.org").assert_silent_success();
    call(&machine, &desktop, "sendmail", "a@example.org").assert_silent_success();
    assert_eq!(machine.outlook.smtp.received().len(), 2);
    let login = call(&machine, &desktop, "outlook-sendmail", "login");
    assert_eq!(login.status, 73, "{}{}", login.stdout, login.stderr);
    assert!(login.stderr.contains("cannot store the secret"), "{}", login.stderr);
}

#[test]
fn without_the_variable_the_bus_is_in_run_user() {
    if !installed(KEYRING) {
        return;
    }
    if !geteuid().is_root() {
        harness::skipped("only root can mount another /run/user");
        return;
    }
    let desktop = Desktop::unlocked();
    let config = [("store".to_owned(), "\"secret-service\"".to_owned())];
    let machine = Machine::signed_out(|_| {}, &config);
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    assert_eq!(call(&machine, &desktop, "outlook-sendmail", "login").status, 0);
    let script = "mkdir -p /run/user && mount -t tmpfs tmpfs /run/user && mkdir /run/user/0 && \
                  ln -s \"$1\" /run/user/0/bus && shift && exec \"$@\"";
    let mut command = machine.command("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(desktop.folder.path().join("bus"));
    command.arg(machine.program("sendmail")).arg("a@example.org");
    run(&mut command, b"Subject: found\n\nText\n").assert_silent_success();
    assert_eq!(machine.outlook.smtp.received().len(), 1);
}

/// pass with a key of its own, without a passphrase.
fn pass(home: &Path) -> bool {
    let key = home.join("gnupg");
    fs::create_dir(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o700)).unwrap();
    let gpg =
        ["--batch", "--passphrase", "", "--quick-generate-key", "mail@example.org", "default", "default", "never"];
    let quiet = |command: &mut Command| {
        let command = command.env("GNUPGHOME", &key).env("PASSWORD_STORE_DIR", home.join("store"));
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    };
    quiet(Command::new("gpg").args(gpg)) && quiet(Command::new("pass").args(["init", "mail@example.org"]))
}

#[test]
fn the_program_keeps_its_grant_in_pass() {
    if !installed(&["pass", "gpg"]) {
        return;
    }
    // gpg-agent's socket needs a short path.
    let home = tempfile::Builder::new().prefix("pass").tempdir_in("/tmp").unwrap();
    assert!(pass(home.path()), "pass could not be set up");
    let commands = "{ get = \"pass show mail/me\", set = \"pass insert -fm mail/me\" }";
    let config = [("store".to_owned(), "\"command\"".to_owned()), ("secret_command".to_owned(), commands.to_owned())];
    let machine = Machine::signed_out(|options| options.access_token_lifetime = Duration::from_secs(60), &config);
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    let with_pass = |command: &mut Command| {
        command.env("GNUPGHOME", home.path().join("gnupg")).env("PASSWORD_STORE_DIR", home.path().join("store"));
        run(command, b"Subject: from pass\n\nText\n")
    };
    let sendmail = || with_pass(machine.command(machine.program("sendmail")).arg("a@example.org"));
    sendmail().assert_failure(78, "secret_command.get: exit status 1");
    let login = with_pass(machine.command(machine.program("outlook-sendmail")).arg("login"));
    assert_eq!(login.status, 0, "{}", login.stderr);
    // Each renews, and has pass keep the newer grant.
    sendmail().assert_silent_success();
    sendmail().assert_silent_success();
    assert!(home.path().join("store/mail/me.gpg").exists() && machine.secrets().is_empty());
    assert_eq!(machine.outlook.smtp.received().len(), 2);
    let _ = Command::new("gpgconf").args(["--kill", "gpg-agent"]).env("GNUPGHOME", home.path().join("gnupg")).status();
}

#[test]
fn a_bus_without_keyring_is_missing_one() {
    if installed(&["dbus-daemon"]) {
        let fault = Desktop::without_keyring(geteuid().as_raw()).store(PATIENCE).err().unwrap();
        assert!(matches!(fault, StoreFault::Missing(_)), "{fault:?}");
    }
}

#[test]
fn another_users_bus_is_not_ours() {
    if !installed(&["dbus-daemon"]) {
        return;
    }
    if !geteuid().is_root() {
        eprintln!("SKIPPED: only root can start another user's bus");
        return;
    }
    let fault = Desktop::without_keyring(NOBODY).store(PATIENCE).err().unwrap();
    assert!(matches!(fault, StoreFault::Missing(_)), "{fault:?}");
}

/// The real program on this desktop.
fn call(machine: &Machine, desktop: &Desktop, name: &str, argument: &str) -> Run {
    let mut command = machine.command(machine.program(name));
    run(command.arg(argument).env("DBUS_SESSION_BUS_ADDRESS", &desktop.socket), b"Subject: from the keyring\n\nText\n")
}

fn assert_stands(status: &Run, expected: i32, words: &str) {
    assert_eq!((status.status, status.stderr.as_str()), (expected, ""));
    assert!(status.stdout.contains(words), "{}", status.stdout);
}

#[test]
fn the_program_signs_in_to_a_keyring_sends_from_it_and_says_what_is_wrong_with_it() {
    if !installed(&["dbus-daemon", "gnome-keyring-daemon"]) {
        return;
    }
    let desktop = Desktop::unlocked();
    let config = [("store".to_owned(), "\"secret-service\"".to_owned())];
    // Access tokens too short-lived to be cached: every message asks the keyring.
    let machine = Machine::signed_out(|options| options.access_token_lifetime = Duration::from_secs(60), &config);
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    call(&machine, &desktop, "sendmail", "a@example.org").assert_failure(77, "outlook-sendmail login");
    let login = call(&machine, &desktop, "outlook-sendmail", "login");
    assert_eq!(login.status, 0, "{}", login.stderr);
    call(&machine, &desktop, "sendmail", "a@example.org").assert_silent_success();
    assert!(machine.secrets().is_empty(), "no secret in a file");

    desktop.signal_keyring(Signal::SIGSTOP);
    call(&machine, &desktop, "sendmail", "a@example.org").assert_failure(75, "the keyring does not answer");
    assert_stands(&call(&machine, &desktop, "outlook-sendmail", "status"), 75, "the keyring does not answer");
    desktop.signal_keyring(Signal::SIGCONT);
    call(&machine, &desktop, "sendmail", "a@example.org").assert_silent_success();
    assert_stands(&call(&machine, &desktop, "outlook-sendmail", "status"), 0, "kept in the keyring");
    desktop.lock();
    call(&machine, &desktop, "sendmail", "a@example.org").assert_failure(75, "the keyring is locked");
    assert_stands(&call(&machine, &desktop, "outlook-sendmail", "status"), 75, "unlock it");
    let bare = Desktop::without_keyring(geteuid().as_raw());
    call(&machine, &bare, "sendmail", "a@example.org").assert_failure(78, "no keyring can be reached");
    assert_stands(&call(&machine, &bare, "outlook-sendmail", "status"), 78, "set store = \"file\"");
    drop(bare);
    assert_eq!(machine.outlook.smtp.received().len(), 2);
}
