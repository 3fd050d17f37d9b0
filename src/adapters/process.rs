//! This process: how it starts, who called it, where its user's files are, which signals it heeds.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{fs, panic, process};

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, User, getegid, geteuid, getgid, gethostname, getppid, getuid};

use super::interrupt;
use super::syslog::SystemLog;
use super::terminal::StandardStreams;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Configuration;
use crate::words::Words;
use crate::world::{Caller, Log as _, Places, Priority, Route, SYSTEM_CONFIG, Signals, Terminal as _};

/// Where the system account's broker listens.
pub(super) const SOCKET: &str = "/run/outlook-sendmail/submit.sock";

/// The system account's state, where systemd does not say.
pub(super) const STATE: &str = "/var/lib/outlook-sendmail";

/// Names another configuration file.
const CONFIG_VARIABLE: &str = "OUTLOOK_SENDMAIL_CONFIG";

/// The folder under $XDG_CONFIG_HOME and $XDG_STATE_HOME.
const FOLDER: &str = "outlook-sendmail";

/// Makes a panic, which is a bug of ours, end as the table of failures says: one line, one record, status 70. Where it
/// happened is told and not what: that could quote the message or a token.
pub fn on_panic() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let failure = Failure::new(Stage::Invocation, Cause::Bug, place);
        StandardStreams.err(&format!("sendmail: {}\n", failure.line()));
        SystemLog::open().record(Priority::Error, &format!("failed: {}", failure.record()));
        process::exit(failure.exit_status() as i32);
    }));
}

/// Puts right what callers leave behind, before anything else: the file mode mask (logwatch's 0177 would make folders
/// unusable) and the signal mask (mutt blocks some). A token in memory must not end up in a core dump, nor be read
/// by another process of the same user.
pub fn start() {
    on_panic();
    umask(Mode::from_bits_truncate(0o077));
    // None of these can fail for a process on itself; one that does is no reason not to send mail.
    let _ = own_mask().thread_set_mask();
    let _ = prctl::set_dumpable(false);
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// No signal is blocked but the one that would end us in silence at a limit on file sizes: the write fails instead, as
/// on a full disk.
fn own_mask() -> SigSet {
    SigSet::from_iter([Signal::SIGXFSZ])
}

/// Signals sent to this process.
#[derive(Clone, Copy, Debug)]
pub struct ProcessSignals;

impl Signals for ProcessSignals {
    fn hold_back(&self) {
        // Threads started later inherit it.
        let _ = ending().thread_block();
    }

    fn release(&self) {
        // Threads started meanwhile keep it: one that comes now is this thread's.
        let _ = ending().thread_unblock();
    }

    fn allow_interrupt(&self) {
        interrupt::allow();
    }

    fn heed_interrupt(&self, line: &str, record: &str) {
        interrupt::heed(line, record);
    }

    fn hold_back_interrupt(&self) {
        interrupt::hold_back();
    }
}

/// Signals that ask us to end.
fn ending() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

/// Who called us.
pub fn caller() -> Caller {
    caller_named(getuid(), short_file(Path::new(&format!("/proc/{}/comm", getppid()))))
}

/// This user on this machine; `parent` is what started it.
pub(super) fn caller_named(uid: Uid, parent: String) -> Caller {
    let user = User::from_uid(uid).ok().flatten();
    let login = user.as_ref().map_or_else(|| uid.to_string(), |user| user.name.clone());
    let gecos = user.as_ref().map(|user| user.gecos.to_string_lossy().into_owned()).unwrap_or_default();
    let host_name = gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Caller {
        uid: uid.as_raw(),
        gid: getgid().as_raw(),
        full_name: full_name(&gecos, &login),
        login,
        parent: Words::from(parent).whole().to_owned(),
        local_domains: local_domains(
            &host_name,
            &short_file(Path::new("/etc/hosts")),
            &short_file(Path::new("/etc/mailname")),
        ),
        host_name,
    }
}

/// GECOS up to the first comma; `&` stands for the login name with a capital (passwd(5)).
fn full_name(gecos: &str, login: &str) -> String {
    let name = gecos.split(',').next().unwrap_or_default();
    let mut letters = login.chars();
    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    name.replace('&', &capital).trim().to_owned()
}

fn local_domains(host_name: &str, hosts: &str, mailname: &str) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if !name.is_empty() && !domains.contains(&name) {
            domains.push(name);
        }
    };
    add("localhost");
    add("localhost.localdomain");
    add(host_name);
    for line in hosts.lines() {
        let names = || line.split('#').next().unwrap_or_default().split_ascii_whitespace().skip(1);
        if names().any(|name| name.eq_ignore_ascii_case(host_name)) {
            names().for_each(&mut add);
        }
    }
    // The mail name may be a domain whose mail is kept elsewhere; it is ours when it names this very host.
    let mail_name = mailname.lines().next().unwrap_or_default().trim();
    let host_part = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    if host_part(mail_name) == host_part(host_name) {
        add(mail_name);
    }
    domains
}

/// A small file of the system, empty when it cannot be read.
fn short_file(path: &Path) -> String {
    let mut content = Vec::new();
    match File::open(path).and_then(|file| file.take(1024 * 1024).read_to_end(&mut content)) {
        Ok(_) => String::from_utf8_lossy(&content).into_owned(),
        Err(_) => String::new(),
    }
}

/// Where this user's files are. An empty path is one that was not to be found out: no home, no configuration.
pub fn places(configuration: Configuration<'_>) -> Places {
    let named = match configuration {
        Configuration::Usual => None,
        Configuration::File(file) => Some(file),
        Configuration::System => {
            let config = PathBuf::from(SYSTEM_CONFIG);
            return Places { config, route: Route::Broker, ..own_places(None) };
        }
    };
    let places = own_places(named);
    let is_named = named.is_some() || (has_own_environment() && variable().is_some());
    Places { route: route(is_named, &places.config), ..places }
}

/// Otherwise the environment is the caller's, and we act for somebody else.
pub(super) fn has_own_environment() -> bool {
    getuid() == geteuid() && getgid() == getegid()
}

fn variable() -> Option<OsString> {
    env::var_os(CONFIG_VARIABLE).filter(|value| !value.is_empty())
}

fn own_places(named: Option<&Path>) -> Places {
    if has_own_environment() {
        decide(named, variable().as_deref(), config_home(), absolute(dirs::state_dir(), ".local/state"))
    } else {
        let home = home_in_database();
        let inside = |folder: &str| home.as_ref().map(|home| home.join(folder));
        decide(named, None, inside(".config"), inside(".local/state"))
    }
}

/// Where this user's programs keep their configuration.
pub(super) fn config_home() -> Option<PathBuf> {
    absolute(dirs::config_dir(), ".config")
}

/// A folder of the XDG Base Directory Specification. A relative HOME would mean another one wherever we are started: the
/// home that the user database knows takes its place.
pub(super) fn absolute(folder: Option<PathBuf>, in_home: &str) -> Option<PathBuf> {
    folder.filter(|path| path.is_absolute()).or_else(|| Some(home_in_database()?.join(in_home)))
}

fn home_in_database() -> Option<PathBuf> {
    User::from_uid(geteuid()).ok().flatten().map(|user| user.dir).filter(|home| home.is_absolute())
}

fn decide(
    named: Option<&Path>,
    variable: Option<&OsStr>,
    config_home: Option<PathBuf>,
    state_home: Option<PathBuf>,
) -> Places {
    let usual = || config_home.map(|home| home.join(FOLDER).join("config.toml"));
    let variable = variable.filter(|value| !value.is_empty()).map(OsString::from).map(PathBuf::from);
    let config = named.map(PathBuf::from).or(variable).or_else(usual);
    let state = state_home.map(|home| home.join(FOLDER));
    Places { config: config.unwrap_or_default(), state: state.unwrap_or_default(), route: Route::Here }
}

/// Who carries messages out: this process where its user has an account or named one, else the machine's broker.
fn route(is_named: bool, config: &Path) -> Route {
    // A folder we may not look into is not this user's: some tools keep HOME when they change who they are.
    if is_named || fs::symlink_metadata(config).is_ok() {
        return Route::Here;
    }
    if broker_may_be_there() {
        return Route::Broker;
    }
    // There is an account: the machine is starting, or shutting down.
    let has_account = Path::new(STATE).is_dir() || fs::symlink_metadata(SYSTEM_CONFIG).is_ok();
    match has_account {
        true if geteuid().is_root() => Route::Incoming,
        true => Route::Broker,
        false => Route::Here,
    }
}

/// Whether there is a socket of the broker's, or something that keeps us from seeing whether there is.
pub(super) fn broker_may_be_there() -> bool {
    match fs::symlink_metadata(SOCKET) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_who_the_kernel_says() {
        let caller = caller();
        assert_eq!(caller.uid, getuid().as_raw());
        assert!(!caller.login.is_empty() && !caller.host_name.is_empty() && !caller.parent.contains('\n'));
        assert!(caller.local_domains.contains(&caller.host_name.to_ascii_lowercase()));
    }

    #[test]
    fn a_full_name_ends_at_the_comma() {
        assert_eq!(full_name("Alice Example,Room 1,,", "alice"), "Alice Example");
        assert_eq!(full_name("& Example", "alice"), "Alice Example");
        assert_eq!(full_name("", "alice"), "");
    }

    #[test]
    fn names_in_hosts_that_stand_with_ours_are_local() {
        let hosts = "127.0.0.1 localhost\n\
                     127.0.1.1\tWeb1.example.org web1 # web1 old.example.org\n\
                     ::1 localhost ip6-localhost\n\
                     192.0.2.1 other web10\n";
        assert_eq!(
            local_domains("web1", hosts, "web1.example.net\nignored\n"),
            ["localhost", "localhost.localdomain", "web1", "web1.example.org", "web1.example.net"]
        );
        assert!(!local_domains("web1", hosts, "example.org\n").contains(&"example.org".to_owned()));
        assert_eq!(local_domains("", "", ""), ["localhost", "localhost.localdomain"]);
    }

    #[test]
    fn a_home_is_an_absolute_path() {
        let config = |folder: &str| absolute(Some(folder.into()), ".config");
        assert_eq!(config("/home/a/.config"), Some(PathBuf::from("/home/a/.config")));
        for relative in ["", "x/.config", "./x", "~/.config"] {
            assert_eq!(config(relative), home_in_database().map(|home| home.join(".config")), "{relative}");
        }
    }

    #[test]
    fn a_named_configuration_goes_before_the_variable_and_that_before_the_usual_place() {
        let usual = || Some(PathBuf::from("/home/a/.config"));
        let config = |named: Option<&str>, variable: Option<&str>| {
            decide(named.map(Path::new), variable.map(OsStr::new), usual(), None).config
        };
        assert_eq!(config(Some("/n"), Some("/v")), Path::new("/n"));
        assert_eq!(config(None, Some("/v")), Path::new("/v"));
        assert_eq!(config(None, Some("")), Path::new("/home/a/.config/outlook-sendmail/config.toml"));
        let places = decide(None, None, None, Some(PathBuf::from("/s")));
        assert_eq!((places.config, places.state), (PathBuf::new(), PathBuf::from("/s/outlook-sendmail")));
    }
}
