//! The same for the machine's account: each process of the broker's killed at each of its steps.

use std::thread;
use std::time::{Duration, Instant};

use stand_in::Dialogue;

use super::boundaries::{empty, forget_pace};
use super::ledger::{Ledger, Told};
use super::strace::{self, Fate, Traced, strace};
use super::{by_hand, say};
use harness::system::{BROKER_ID, System};
use harness::{SOON, run};

const WWW_DATA: u32 = 33;

/// What the broker does while it is struck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Work {
    /// It is handed a message.
    Submission(&'static str),
    /// It takes over what root left, and sends it.
    Adoption,
}

const WORKS: [(&str, Work); 4] = [
    ("broker", Work::Submission("")),
    ("broker-kept", Work::Submission("on banner times 1: 421 4.3.2 later")),
    ("broker-refused", Work::Submission("on content times 1: 554 5.6.0 no")),
    ("adoption", Work::Adoption),
];

#[test]
fn a_broker_killed_before_any_step_loses_nothing_and_sends_nothing_twice() {
    let calls: &[&str] = match by_hand() {
        Some(_) => {
            &["fsync", "rename", "unlink", "write", "writev", "sendto", "flock", "openat", "recvfrom", "connect"]
        }
        None => &["fsync", "rename", "unlink", "writev"],
    };
    sweep(Fate::Killed, calls, if by_hand().is_some() { 4 * MOST } else { MOST });
}

#[test]
fn a_broker_whose_disk_is_full_at_any_step_loses_nothing_and_sends_nothing_twice() {
    let calls: &[&str] =
        if by_hand().is_some() { &["write", "fsync", "rename", "openat", "unlink"] } else { &["fsync"] };
    sweep(Fate::Fails("ENOSPC"), calls, MOST);
}

/// As many calls of one kind as any process of the broker's makes for a message.
const MOST: usize = 8;

fn sweep(fate: Fate, calls: &[&str], most: usize) {
    let Some(mut system) = System::without_broker(|_| {}, &[("on_failure", "\"keep\"")]) else { return };
    if !strace::is_there() {
        return;
    }
    for (name, work) in WORKS {
        let mut ledger = Ledger::default();
        for call in calls {
            for number in 1..=most {
                let recipient = format!("{name}-{call}-{number}@example.org");
                one(&mut system, work, &recipient, &strace(call, fate, number), &mut ledger);
            }
        }
        let tally = ledger.judge(&system.machine.outlook);
        say(&format!("{fate:?}, {name}: {} steps; {tally}", ledger.len()));
        system.machine.outlook.smtp.forget();
    }
}

/// One message whose way through the broker is struck, and all that follows until nothing waits any more.
fn one(system: &mut System, work: Work, recipient: &str, words: &[String], ledger: &mut Ledger) {
    forget_pace(&system.folder("var-lib"));
    let message = format!("Subject: {recipient}\n\nThe text.\n");
    let _ = std::fs::remove_file(system.socket());
    let dialogue = match work {
        Work::Submission(dialogue) => dialogue,
        Work::Adoption => {
            let left = system.sendmail(0, &[recipient], message.as_bytes());
            assert_eq!((left.status, left.stderr.as_str()), (0, ""));
            assert_eq!(std::fs::read_dir(system.folder("var-spool")).unwrap().count(), 1);
            ledger.note(recipient, Told::Taken);
            ""
        }
    };
    system.machine.outlook.smtp.set_dialogue(&Dialogue::parse(dialogue).unwrap());
    let mut command = system.as_user_anything(BROKER_ID);
    command.args(words).arg(system.machine.program("outlook-sendmail"));
    command.args(["broker", "--listen", "/run/outlook-sendmail/submit.sock"]);
    let mut broker = Traced::start(command);
    let patience = Instant::now() + SOON;
    while !system.socket().exists() && !broker.is_gone() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(5));
    }
    let arguments = if work == Work::Adoption { ["-q"] } else { [recipient] };
    let ended = if broker.is_gone() {
        // Killed before it listened; its follower serves.
        system.listen(&[]);
        run(system.as_user(caller(work), "sendmail").args(arguments), message.as_bytes())
    } else {
        run(system.as_user(caller(work), "sendmail").args(arguments), message.as_bytes())
    };
    if work != Work::Adoption {
        ledger.note(recipient, Told::by(ended.status));
    }
    broker.end();
    system.kill_broker();
    let _ = std::fs::remove_file(system.socket());
    // Restarted, with everything as it should be.
    system.machine.outlook.smtp.set_dialogue(&Dialogue::parse("").unwrap());
    assert!(system.machine.outlook.smtp.wait_until_idle(SOON));
    system.listen(&[]);
    system.sendmail(0, &["-q"], b"").assert_all_sent_or_uncertain();
    let list = run(&mut system.as_user(0, "mailq"), b"");
    assert_eq!((list.status, list.stderr.as_str()), (0, ""));
    ledger.read_list(&list.stdout);
    system.stop();
    let left: Vec<_> = std::fs::read_dir(system.folder("var-spool")).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(left.is_empty(), "{recipient}: {left:?}");
    empty(&system.folder("var-lib").join("outbox"));
}

fn caller(work: Work) -> u32 {
    if work == Work::Adoption { 0 } else { WWW_DATA }
}
