//! No room: in the state folder, in the folder of spools; and somebody else's things lying there.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use nix::sys::stat::Mode;

use super::boundaries::forget_pace;
use super::ledger::{Ledger, Told};
use super::say;
use harness::assert_no_secret;
use harness::run;
use harness::system::{BROKER_ID, System};

const WWW_DATA: u32 = 33;

/// Mounts a small file system where only the test's namespace sees it.
fn mount(system: &System, size: &str, place: &str) {
    let options = format!("size={size},mode=0700,uid={BROKER_ID},gid={BROKER_ID}");
    let mut command = system.as_user_anything(0);
    command.args(["mount", "-t", "tmpfs", "-o", &options, "tmpfs", place]);
    let mounted = run(&mut command, b"");
    assert_eq!(mounted.status, 0, "{}", mounted.stderr);
}

fn shell(system: &System, script: &str) -> String {
    let mut command = system.as_user_anything(0);
    let done = run(command.args(["/bin/sh", "-c", script]), b"");
    assert_eq!(done.status, 0, "{script}: {}", done.stderr);
    done.stdout
}

#[test]
fn on_a_full_disk_what_cannot_be_kept_is_sent_all_the_same() {
    let Some(system) = System::start(&[("on_failure", "\"keep\"")]) else { return };
    let mut ledger = Ledger::default();
    let mut give = |name: &str, size: usize| {
        forget_pace(&system.folder("var-lib"));
        let recipient = format!("{name}@example.org");
        let message = format!("Subject: {name}\n\n{}", "The text.\n".repeat(size));
        let given = system.sendmail(WWW_DATA, &[&recipient], message.as_bytes());
        assert_no_secret(&given.stderr);
        ledger.note(&recipient, Told::by(given.status));
        given.status
    };
    let outbox = "/var/lib/outlook-sendmail/outbox";
    shell(&system, &format!("mkdir -p {outbox}"));
    mount(&system, "256k", outbox);
    assert_eq!(give("before", 10), 0);
    shell(&system, &format!("head -c 1M /dev/zero > {outbox}/filler 2> /dev/null; true"));
    assert_eq!(give("full", 10), 0, "nobody keeps it, and Outlook has it");
    assert_eq!(shell(&system, &format!("ls -A {outbox}")), "filler\n", "nothing is left half");
    shell(&system, &format!("rm {outbox}/filler"));
    assert_eq!(give("room", 10), 0);
    assert_eq!(give("too-large", 100_000), 0);
    assert_eq!(shell(&system, &format!("ls -A {outbox}")), "");
    // Where spools go: the namespace is this test's, the folder everybody's in it.
    mount(&system, "64k", "/var/tmp");
    shell(&system, "chmod 1777 /var/tmp");
    assert_eq!(give("no-spool-needed", 10), 0);
    assert_ne!(give("no-room-for-a-spool", 40_000), 0);
    // Records, caches and locks: what is remembered is lost, the message is not.
    for folder in ["records", "locks"] {
        mount(&system, "4k", &format!("/var/lib/outlook-sendmail/{folder}"));
        shell(&system, &format!("head -c 1M /dev/zero > /var/lib/outlook-sendmail/{folder}/filler 2> /dev/null; true"));
        assert_eq!(give(&format!("no-room-for-{folder}"), 10), 0);
    }
    let tally = ledger.judge(&system.machine.outlook);
    assert_eq!((tally.taken_and_arrived, tally.refused), (7, 1));
    say(&format!("full disk: {tally}"));
}

#[test]
fn whatever_lies_in_the_brokers_folders_is_left_alone_and_stops_nobody() {
    let Some(system) = System::start(&[("on_failure", "\"keep\"")]) else { return };
    system.sendmail(WWW_DATA, &["a@example.org"], b"Subject: a\n\nb\n").assert_silent_success();
    let (state, spool) = (system.folder("var-lib"), system.folder("var-spool"));
    let secret = system.machine.folder.path().join("secret");
    fs::write(&secret, "{}\nnot yours\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let name = |last: char| format!("0t7k5wxj{last}0.33.0.message");
    for folder in [state.join("outbox"), spool.clone()] {
        plant(&folder, &secret, name);
    }
    system.sendmail(0, &["-q"], b"").assert_silent_success();
    system.sendmail(WWW_DATA, &["b@example.org"], b"Subject: b\n\nb\n").assert_silent_success();
    let list = run(&mut system.as_user(0, "mailq"), b"");
    assert_eq!((list.status, list.stdout.matches("Left alone: ").count()), (0, 6), "{}", list.stdout);
    for user in [0, WWW_DATA] {
        for word in ["show", "retry", "drop"] {
            let mut command = system.as_user(user, "outlook-sendmail");
            let said = run(command.args(["queue", word, "0t7k5wxja0"]), b"");
            assert!(said.status != 0 && !said.stdout.contains("not yours"), "{}", said.stdout);
        }
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "{}\nnot yours\n");
    assert_eq!(fs::read_dir(&spool).unwrap().count(), 6, "root's drop is root's");
    assert_eq!(system.machine.outlook.smtp.received().len(), 2);
}

/// A link, a FIFO, a hard link, a file of somebody else's, a folder, and a stranger.
fn plant(folder: &Path, secret: &Path, name: impl Fn(char) -> String) {
    symlink(secret, folder.join(name('a'))).unwrap();
    nix::unistd::mkfifo(&folder.join(name('b')), Mode::S_IRWXU).unwrap();
    fs::hard_link(secret, folder.join(name('c'))).unwrap();
    fs::write(folder.join(name('d')), "{}\nx\n").unwrap();
    std::os::unix::fs::chown(folder.join(name('d')), Some(WWW_DATA), Some(WWW_DATA)).unwrap();
    fs::create_dir(folder.join(name('e'))).unwrap();
    fs::write(folder.join("README"), "hello").unwrap();
}
