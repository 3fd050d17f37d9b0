//! Secrets that a command of the user's keeps (pass, age, a cloud's vault): never in its arguments or environment.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use nix::unistd::{getegid, geteuid, getgid, getuid};
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::adapters::state::StateFolder;
use crate::secret::Secret;
use crate::words::SafeText;
use crate::world::SecretCommand;
use crate::world::{SecretStore, State as _, StoreFault};

mod child;

use child::{Ended, OUTPUT_LIMIT, run};

/// A person may have to type a passphrase.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long after a failure the command is asked again whether there is really nothing.
const SECOND_THOUGHT: Duration = Duration::from_millis(500);

/// With these /bin/sh says that it could not run the command at all (POSIX, "Exit Status for Commands").
const NOT_RUN: [i32; 2] = [126, 127];

/// EX_TEMPFAIL: the command's own way to say that it is locked.
const LOCKED: i32 = 75;

/// `get` prints and `set` reads one JSON object, secrets by name: a pair of commands keeps all that an account has.
#[derive(Clone, Debug)]
pub struct CommandStore {
    command: SecretCommand,
    patience: Duration,
    /// Whether `get` has given something to this process.
    has_given: Cell<bool>,
    /// What earlier processes know of that.
    state: Option<StateFolder>,
}

impl CommandStore {
    /// A store behind these command lines, each of which may take `timeout`, and 20 s at least.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Missing`] when real and effective ids differ: the command would run as somebody its writer is not.
    pub fn new(command: SecretCommand, timeout: Duration) -> Result<Self, StoreFault> {
        if getuid() != geteuid() || getgid() != getegid() {
            return Err(StoreFault::Missing("secret_command is not run for somebody else".into()));
        }
        Ok(Self { command, patience: timeout.max(PATIENCE), has_given: Cell::new(false), state: None })
    }

    /// The same, with a memory: where something was kept once, a `get` that fails never means that nothing is there.
    pub fn remembering(self, state: StateFolder) -> Self {
        Self { state: Some(state), ..self }
    }

    fn get(&self) -> Result<Kept, StoreFault> {
        self.printed().map_err(NotPrinted::fault)
    }

    fn printed(&self) -> Result<Kept, NotPrinted> {
        let Ended { status, output, complaint } =
            run(&self.command.get, None, self.patience).map_err(NotPrinted::Broken)?;
        if status.success() {
            let kept = Kept::read(output);
            if kept.is_something() {
                self.remember();
            }
            return Ok(kept);
        }
        let words = told("get", status, &complaint);
        Err(match status.code() {
            Some(LOCKED) => NotPrinted::Broken(StoreFault::Locked),
            Some(code) if !NOT_RUN.contains(&code) => NotPrinted::Failed(words),
            Some(_) | None => NotPrinted::Broken(StoreFault::Unreadable(words)),
        })
    }

    /// Under which name it is remembered that these commands keep something.
    fn memory(&self) -> String {
        let lines = format!("{}\0{}", self.command.get, self.command.set.as_deref().unwrap_or_default());
        let sum = digest(&SHA256, lines.as_bytes());
        let hexadecimal: Vec<_> = sum.as_ref().iter().take(16).map(|octet| format!("{octet:02x}")).collect();
        format!("secret-command:{}", hexadecimal.concat())
    }

    /// Nobody but a person can know that nothing is left to lose.
    fn way_out(&self, words: &SafeText) -> SafeText {
        let Some(state) = &self.state else { return words.clone() };
        let memory = state.path(&self.memory());
        format!("{}; if what it kept is gone for good, remove {}", words.whole(), memory.display()).into()
    }

    fn remember(&self) {
        if !self.has_given.replace(true)
            && let Some(state) = &self.state
            && state.read(&self.memory()).is_none()
        {
            let _ = state.replace(&self.memory(), b"has kept something\n");
        }
    }

    fn forget(&self) {
        self.has_given.set(false);
        if let Some(state) = &self.state {
            state.remove(&self.memory());
        }
    }

    fn has_kept_something(&self) -> bool {
        self.has_given.get() || self.state.as_ref().is_some_and(|state| state.read(&self.memory()).is_some())
    }

    fn set(&self, secrets: &BTreeMap<String, Secret>) -> Result<(), StoreFault> {
        let Some(command) = &self.command.set else {
            return Err(StoreFault::Unwritable("secret_command has no set".into()));
        };
        let Ended { status, complaint, .. } = run(command, Some(written(secrets)?), self.patience)?;
        match status.code() {
            Some(0) => {
                if secrets.is_empty() {
                    self.forget()
                } else {
                    self.remember()
                }
                Ok(())
            }
            Some(LOCKED) => Err(StoreFault::Locked),
            _ => Err(StoreFault::Unwritable(told("set", status, &complaint))),
        }
    }

    /// What is kept now, to be written again with a change; nothing when nothing is there yet. `set` replaces all of it, so
    /// a `get` that fails where something may be is the end.
    fn to_be_changed(&self) -> Result<BTreeMap<String, Secret>, StoreFault> {
        let mut printed = self.printed();
        if matches!(printed, Err(NotPrinted::Failed(_))) {
            thread::sleep(SECOND_THOUGHT);
            printed = self.printed();
        }
        match printed {
            Ok(Kept::Secrets(secrets)) => Ok(secrets),
            Ok(Kept::Text(text)) if text.reveal().is_empty() => Ok(BTreeMap::new()),
            Ok(Kept::Text(_)) => {
                Err(StoreFault::Unwritable("what get prints is not ours; set would overwrite it".into()))
            }
            Err(NotPrinted::Failed(words)) if self.has_kept_something() => {
                Err(StoreFault::Unreadable(self.way_out(&words)))
            }
            // pass says so of what was never stored.
            Err(NotPrinted::Failed(_)) => Ok(BTreeMap::new()),
            Err(NotPrinted::Broken(fault)) => Err(fault),
        }
    }
}

impl SecretStore for CommandStore {
    fn load(&self, name: &str) -> Result<Option<Secret>, StoreFault> {
        if is_fleeting(name) {
            return Ok(None);
        }
        match self.get()? {
            Kept::Secrets(mut secrets) => Ok(secrets.remove(name)),
            Kept::Text(text) if text.reveal().is_empty() => Ok(None),
            // A password somebody put there by hand.
            Kept::Text(text) if name.starts_with("password:") => Ok(Some(first_line(&text))),
            Kept::Text(_) => Err(StoreFault::Unreadable("get printed something that is not ours".into())),
        }
    }

    fn save(&self, name: &str, secret: &Secret) -> Result<(), StoreFault> {
        if is_fleeting(name) {
            return Ok(());
        }
        let mut secrets = self.to_be_changed()?;
        secrets.insert(name.to_owned(), secret.clone());
        self.set(&secrets)
    }

    fn delete(&self, name: &str) -> Result<(), StoreFault> {
        if is_fleeting(name) {
            return Ok(());
        }
        let mut secrets = self.to_be_changed()?;
        match secrets.remove(name) {
            Some(_) => self.set(&secrets),
            None => Ok(()),
        }
    }
}

/// An access token is not worth a run of the command, and perhaps a passphrase: it is renewed instead.
fn is_fleeting(name: &str) -> bool {
    name.starts_with("access:")
}

/// Why `get` printed nothing that counts.
enum NotPrinted {
    /// It ended with a status of its own: nothing may be there, or something may be wrong.
    Failed(SafeText),
    /// It says nothing about what is there.
    Broken(StoreFault),
}

impl NotPrinted {
    fn fault(self) -> StoreFault {
        match self {
            Self::Failed(words) => StoreFault::Unreadable(words),
            Self::Broken(fault) => fault,
        }
    }
}

/// What `get` printed.
enum Kept {
    Secrets(BTreeMap<String, Secret>),
    Text(Secret),
}

impl Kept {
    fn read(output: Secret) -> Self {
        match serde_json::from_slice(output.reveal()) {
            Ok(secrets) => Self::Secrets(secrets),
            Err(_) => Self::Text(output),
        }
    }

    fn is_something(&self) -> bool {
        match self {
            Self::Secrets(secrets) => !secrets.is_empty(),
            Self::Text(text) => !text.reveal().is_empty(),
        }
    }
}

fn first_line(text: &Secret) -> Secret {
    let line = text.reveal().split(|&octet| octet == b'\n').next().unwrap_or_default();
    Secret::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

fn written(secrets: &BTreeMap<String, Secret>) -> Result<Secret, StoreFault> {
    let not_text = || StoreFault::Unwritable("not text".into());
    let mut texts = BTreeMap::new();
    for (name, secret) in secrets {
        texts.insert(name, secret.reveal_text().ok_or_else(not_text)?);
    }
    // Room for all of it, or a growing buffer leaves copies behind.
    let mut json = Zeroizing::new(Vec::with_capacity(OUTPUT_LIMIT as usize));
    serde_json::to_writer(&mut *json, &texts).map_err(|_| not_text())?;
    json.push(b'\n');
    Ok(Secret::new(json.to_vec()))
}

fn told(which: &str, status: ExitStatus, complaint: &SafeText) -> SafeText {
    let ended = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit status".to_owned(),
    };
    match complaint.whole() {
        "" => format!("secret_command.{which}: {ended}").into(),
        words => format!("secret_command.{which}: {ended}: {words}").into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn store(get: &str, set: Option<&str>) -> CommandStore {
        let command = SecretCommand { get: get.into(), set: set.map(Into::into) };
        CommandStore { command, patience: Duration::from_secs(10), has_given: Cell::new(false), state: None }
    }

    fn on_file(path: &Path) -> CommandStore {
        store(&format!("cat {0}", path.display()), Some(&format!("cat > {0}", path.display())))
    }

    #[test]
    fn one_pair_of_commands_keeps_several_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let store = on_file(&folder.path().join("blob"));
        store.save("grant:me@outlook.com", &Secret::from("{\"refresh_token\":\"R1\"}")).unwrap();
        store.save("password:me@x.org", &Secret::from("pass word\n\"")).unwrap();
        store.save("access:me", &Secret::from("A1")).unwrap();
        assert!(store.load("grant:me@outlook.com").unwrap() == Some(Secret::from("{\"refresh_token\":\"R1\"}")));
        assert!(store.load("password:me@x.org").unwrap() == Some(Secret::from("pass word\n\"")));
        assert!(store.load("access:me").unwrap().is_none() && store.load("grant:you").unwrap().is_none());
        store.delete("grant:me@outlook.com").unwrap();
        store.delete("grant:me@outlook.com").unwrap();
        assert!(store.load("grant:me@outlook.com").unwrap().is_none());
        assert!(store.load("password:me@x.org").unwrap().is_some());
        assert!(!fs::read_to_string(folder.path().join("blob")).unwrap().contains("A1"));
    }

    /// `get` fails while the file `away` is there, as often as it says.
    fn on_unsteady_file(folder: &Path) -> CommandStore {
        let get = "cd FOLDER && if [ -s away ]; then sed -i 1d away; echo 'gpg: timeout' >&2; exit 2; fi; cat blob";
        let folder_name = folder.display().to_string();
        store(&get.replace("FOLDER", &folder_name), Some(&format!("cat > {folder_name}/blob")))
            .remembering(StateFolder::new(&folder.join("state")))
    }

    #[test]
    fn a_get_that_fails_is_no_empty_store() {
        let folder = tempfile::tempdir().unwrap();
        let (blob, away) = (folder.path().join("blob"), folder.path().join("away"));
        // Nothing is there yet: a failure is all that pass says then.
        on_unsteady_file(folder.path()).save("grant:me@outlook.com", &Secret::from("R1")).unwrap();
        // Once is no matter, and what keeps failing is told: another process knows that something was kept.
        fs::write(&away, "1\n").unwrap();
        on_unsteady_file(folder.path()).save("grant:you@outlook.com", &Secret::from("R2")).unwrap();
        fs::write(&away, "1\n2\n3\n4\n5\n6\n").unwrap();
        for outcome in [
            on_unsteady_file(folder.path()).save("grant:third@outlook.com", &Secret::from("R3")),
            on_unsteady_file(folder.path()).delete("grant:me@outlook.com"),
        ] {
            assert!(matches!(&outcome, Err(StoreFault::Unreadable(words)) if words.whole().contains("gpg: timeout")));
        }
        let failure = on_unsteady_file(folder.path()).delete("grant:me@outlook.com").unwrap_err();
        assert!(matches!(&failure, StoreFault::Unreadable(words) if words.whole().contains("remove /")), "{failure:?}");
        let kept = fs::read_to_string(&blob).unwrap();
        assert!(kept.contains("R1") && kept.contains("R2") && !kept.contains("R3"), "{kept}");
        // What was signed out of may be taken away by hand.
        let store = on_unsteady_file(folder.path());
        store.delete("grant:me@outlook.com").unwrap();
        store.delete("grant:you@outlook.com").unwrap();
        fs::remove_file(&blob).unwrap();
        store.save("grant:me@outlook.com", &Secret::from("R4")).unwrap();
    }

    #[test]
    fn a_command_that_cannot_be_run_says_nothing_about_what_is_kept() {
        for get in ["/nonexistent/command", "kill -KILL $$", "exit 75"] {
            let folder = tempfile::tempdir().unwrap();
            let blob = folder.path().join("blob");
            let store = store(get, Some(&format!("cat > {}", blob.display())));
            assert!(store.save("grant:me", &Secret::from("R1")).is_err(), "{get}");
            assert!(!blob.exists(), "{get}");
        }
    }

    #[test]
    fn a_password_put_there_by_hand_is_its_first_line() {
        let store = store("printf 'hunter2\\r\\nuser: me\\n'", Some("cat"));
        assert!(store.load("password:me@x.org").unwrap() == Some(Secret::from("hunter2")));
        assert!(matches!(store.load("grant:me@x.org"), Err(StoreFault::Unreadable(_))));
        assert!(matches!(store.save("grant:me@x.org", &Secret::from("x")), Err(StoreFault::Unwritable(_))));
    }

    #[test]
    fn how_a_command_ends_is_told() {
        let words = |store: &CommandStore| match store.load("grant:me") {
            Err(StoreFault::Unreadable(words)) => words.whole().to_owned(),
            other => panic!("{:?}", other.map(|_| ())),
        };
        assert_eq!(
            words(&store("echo 'gpg: no key' >&2; exit 2", None)),
            "secret_command.get: exit status 2: gpg: no key"
        );
        assert_eq!(words(&store("kill -TERM $$", None)), "secret_command.get: signal 15");
        assert!(words(&store("/nonexistent/command", None)).contains("exit status 127"));
        assert_eq!(store("exit 75", None).load("grant:me").err(), Some(StoreFault::Locked));
        assert!(store("true", None).load("grant:me").unwrap().is_none());
        assert!(matches!(store("true", None).save("grant:me", &Secret::from("x")), Err(StoreFault::Unwritable(_))));
        assert!(matches!(
            store("false", Some("cat > /dev/null; exit 3")).save("grant:me", &Secret::from("x")),
            Err(StoreFault::Unwritable(_))
        ));
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let hangs = store(&format!("sh -c 'echo $$ > {}; exec sleep 600' & wait", pid.display()), None);
        let hangs = CommandStore { patience: Duration::from_millis(500), ..hangs };
        assert_eq!(hangs.load("grant:me").err(), Some(StoreFault::Hung));
        let pid = fs::read_to_string(pid).unwrap();
        let state = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        for _ in 0..200 {
            if state().is_empty() || state().contains(") Z") {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("still there: {}", state());
    }

    #[test]
    fn output_without_end_and_input_nobody_reads_are_survived() {
        let endless = CommandStore { patience: Duration::from_millis(500), ..store("yes", None) };
        assert_eq!(endless.load("grant:me").err(), Some(StoreFault::Hung));
        let large = Secret::from("x".repeat(200_000).as_str());
        store("true", Some("true")).save("grant:me", &large).unwrap();
    }
}
