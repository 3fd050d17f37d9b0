//! The network goes while six kinds of callers send, and comes back.

use std::process::Command;

use nix::unistd::geteuid;

use super::boundaries::forget_pace;
use super::ledger::{Ledger, Told};
use super::{by_hand, say};
use harness::system::System;
use harness::{Run, SOON, installed, run, skipped};

/// Set in the run of this test that has a network of its own.
const INSIDE: &str = "CHAOS_INSIDE";

/// What calls, as which user; `$1` is the program, `$2` the recipient.
const CALLERS: [(u32, &str); 6] = [
    (33, r#"php -n -d sendmail_path="$1 -t -i" -r 'exit(mail($argv[1], "php", "The text.") ? 0 : 75);' "$2""#),
    (
        0,
        r#"printf 'From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nThe text.\n' | "$1" -i -FCronDaemon -B8BITMIME -oem "$2""#,
    ),
    (
        65_534,
        r#"printf 'EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: -bs\r\n\r\nThe text.\r\n.\r\nQUIT\r\n' "$2" | "$1" -bs | grep -q '^250 2.0.0 kept'"#,
    ),
    (62_611, r#"printf 'To: %s\nSubject: -t\n\nThe text.\n' "$2" | "$1" -t"#),
    (
        2,
        r#"d=$(mktemp -d); printf 'set sendmail=%s\nset sendwait\nset nosave\n' "$1" > $d/rc; echo The text. | MAILRC=$d/rc bsd-mailx -n -s mailx "$2"; s=$?; rm -rf $d; exit $s"#,
    ),
    (
        38,
        r#"d=$(mktemp -d); printf 'From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <me@outlook.com>\nDate: Mon, 2 Jan 2026 03:04:05 +0000\nSubject: git\n\nThe text.\n' > $d/p; cd $d; HOME=$d GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=me@outlook.com GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=me@outlook.com git send-email --quiet --confirm=never --suppress-cc=all --from=me@outlook.com --smtp-server="$1" --to="$2" $d/p < /dev/null; s=$?; rm -rf $d; exit $s"#,
    ),
];

#[test]
fn messages_given_while_the_network_is_away_arrive_once_when_it_is_back() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    if !geteuid().is_root() {
        return skipped("only root can take a network away");
    }
    if !["unshare", "ip", "php", "bsd-mailx", "git"].iter().all(|program| installed(program)) {
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--"]).arg(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "chaos::cut::messages_given_while_the_network_is_away_arrive_once_when_it_is_back",
        "--nocapture",
    ]);
    let inside = run(command.env(INSIDE, "1"), b"");
    assert!(inside.status == 0 && inside.stdout.contains("1 passed"), "{}{}", inside.stdout, inside.stderr);
    inside.stderr.lines().filter(|line| line.contains("arrived once")).for_each(say);
}

fn ip(words: &[&str]) {
    assert!(Command::new("ip").args(words).status().unwrap().success());
}

/// The kernel gives it its address.
fn link_up() {
    ip(&["link", "set", "lo", "up"]);
}

/// While this is held, the network is away, its routes too, as with a cable that is pulled.
struct Away;

impl Away {
    fn begin() -> Self {
        ip(&["address", "flush", "dev", "lo"]);
        ip(&["link", "set", "lo", "down"]);
        Self
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        link_up();
    }
}

fn call(system: &System, (uid, script): (u32, &str), recipient: &str) -> Run {
    let mut command = system.as_user_anything(uid);
    command.args(["/bin/sh", "-c", script, "sh"]).arg(system.machine.program("sendmail")).arg(recipient);
    run(command.current_dir("/"), b"")
}

fn inside() {
    link_up();
    let system = System::start(&[("on_failure", "\"keep\""), ("lone_dot", "\"content\"")]).unwrap();
    let mut ledger = Ledger::default();
    let away = Away::begin();
    let messages = by_hand().map_or(12, |_| 60);
    for number in 0..messages {
        let recipient = format!("cut-{number}@example.org");
        let caller = CALLERS[number % CALLERS.len()];
        let called = call(&system, caller, &recipient);
        assert_eq!(called.status, 0, "{}: {}{}", caller.1, called.stdout, called.stderr);
        ledger.note(&recipient, Told::Taken);
    }
    assert_eq!(system.machine.outlook.smtp.received_whole().len(), 0);
    drop(away);
    for _ in 0..messages / 20 + 1 {
        forget_pace(&system.folder("var-lib"));
        system.sendmail(0, &["-q"], b"").assert_silent_success();
    }
    assert!(system.machine.outlook.smtp.wait_until_idle(SOON));
    let list = run(&mut system.as_user(0, "mailq"), b"").stdout;
    assert_eq!(list, "Mail queue is empty\n");
    let tally = ledger.judge(&system.machine.outlook);
    assert_eq!(tally.taken_and_arrived, messages);
    say(&format!("{messages} messages while the network was away: {tally}"));
}
