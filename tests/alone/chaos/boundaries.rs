//! The real program killed at its first, second, third ... step until it survives, and each step failing once.

use std::fs;
use std::path::Path;
use std::process::Command;

use stand_in::Dialogue;

use super::ledger::{Ledger, Tally, Told};
use super::strace::{self, CALLS, FURTHER_CALLS, Fate, strace};
use super::{by_hand, say};
use harness::{ACCOUNT, Machine, SOON, run};

const TRIED_LATER: &str = "on banner times 1: 421 4.3.2 later";

/// What is killed, and what Outlook says meanwhile.
struct Case {
    name: &'static str,
    /// For the message before, which is kept; `None` when there is none.
    before: Option<&'static str>,
    dialogue: &'static str,
}

const CASES: [Case; 8] = [
    Case { name: "first", before: None, dialogue: "" },
    Case { name: "first-kept", before: None, dialogue: TRIED_LATER },
    Case { name: "first-kept-late", before: None, dialogue: "on content times 1: 451 4.3.2 later" },
    Case { name: "first-refused", before: None, dialogue: "on content times 1: 554 5.6.0 no" },
    Case { name: "first-lost", before: None, dialogue: "on content times 1: drop" },
    Case { name: "again", before: Some(TRIED_LATER), dialogue: "" },
    Case { name: "again-kept", before: Some(TRIED_LATER), dialogue: "on content times 1: 451 4.3.2 later" },
    Case { name: "again-deferred", before: Some(TRIED_LATER), dialogue: "on data times 1: 451 4.3.2 later" },
];

/// What is in a folder goes.
pub fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

/// What a mailbox allows in a minute is none of these tests' business.
pub fn forget_pace(state: &Path) {
    for entry in fs::read_dir(state.join("records")).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().contains("pace") {
            let _ = fs::remove_file(path);
        }
    }
}

fn sweep(fate: Fate, calls: &[&str]) {
    if !strace::is_there() {
        return;
    }
    let keep = [("on_failure".to_owned(), "\"keep\"".to_owned())];
    let machine = Machine::with(|_| {}, &keep);
    for case in CASES {
        let mut ledger = Ledger::default();
        for call in calls {
            let most = if fate == Fate::Killed { usize::MAX } else { most_calls(call) };
            let mut number = 1;
            while one(&machine, &case, fate, call, number, &mut ledger) == Outcome::Struck && number < most {
                number += 1;
            }
        }
        let tally = ledger.judge(&machine.outlook);
        say(&format!("{fate:?}, {}: {} steps; {tally}", case.name, ledger.len()));
        assert!(ledger.len() > 15, "{} was hardly struck at all", case.name);
        if fate == Fate::Killed && ["first", "again"].contains(&case.name) {
            assert_window(&tally);
        }
        machine.outlook.smtp.forget();
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Struck,
    Survived,
}

/// One message whose sending is struck at this call, and all that follows until nothing waits any more.
fn one(machine: &Machine, case: &Case, fate: Fate, call: &str, number: usize, ledger: &mut Ledger) -> Outcome {
    let says = |dialogue: &str| machine.outlook.smtp.set_dialogue(&Dialogue::parse(dialogue).unwrap());
    let state = machine.state().join("outlook-sendmail");
    forget_pace(&state);
    let recipient = format!("{}-{call}-{number}@example.org", case.name);
    let message = format!("Subject: {recipient}\n\nThe text.\n");
    if let Some(before) = case.before {
        says(before);
        machine.sendmail([&recipient], message.as_bytes()).assert_silent_success();
        ledger.note(&recipient, Told::Taken);
    }
    says(case.dialogue);
    let words = strace(call, fate, number);
    let mut command = machine.command(&words[0]);
    command.args(&words[1..]).arg(machine.program("sendmail"));
    command.arg(if case.before.is_some() { "-q" } else { &recipient });
    let ended = run(&mut command, message.as_bytes());
    if case.before.is_none() {
        let told = match (Told::by(ended.status), fate) {
            (Told::PerhapsSent, Fate::Fails(_)) => Told::PerhapsSentUnkept,
            (told, Fate::Killed | Fate::Fails(_)) => told,
        };
        ledger.note(&recipient, told);
    }
    assert!(fate == Fate::Killed || ended.status >= 0, "{recipient}: {}", ended.stderr);
    // Restarted, with everything as it should be.
    says("");
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    machine.sendmail(["-q"], b"").assert_all_sent_or_uncertain();
    ledger.read_list(&machine.run_as("mailq", [""; 0], b"").stdout);
    empty(&state.join("outbox"));
    if fate == Fate::Killed && ended.status >= 0 { Outcome::Survived } else { Outcome::Struck }
}

/// More than any run makes; one that fails leaves no other trace than what follows.
fn most_calls(call: &str) -> usize {
    match call {
        "openat" | "read" => 45,
        "fsync" | "rename" | "unlink" | "connect" | "sendto" => 8,
        _ => 12,
    }
}

/// The window in which nobody knows is small, and there is one.
fn assert_window(tally: &Tally) {
    let perhaps = tally.taken_and_perhaps_sent + tally.untold_and_perhaps_sent;
    let others = tally.taken_and_arrived + tally.untold_and_arrived + tally.untold_and_gone;
    assert!(perhaps > 0 && perhaps < others, "{tally}");
}

#[test]
fn killed_before_any_step_nothing_is_lost_and_nothing_sent_twice() {
    let further: &[&str] = if by_hand().is_some() { &FURTHER_CALLS } else { &[] };
    // Five kinds of calls write and change names; the sixth sends.
    let calls = if by_hand().is_some() { &CALLS[..] } else { &CALLS[..6] };
    sweep(Fate::Killed, &[calls, further].concat());
}

#[test]
fn whichever_step_fails_nothing_is_lost_and_nothing_sent_twice() {
    sweep(Fate::Fails("ENOSPC"), &["write", "fsync", "rename"]);
    if by_hand().is_some() {
        sweep(Fate::Fails("ENOSPC"), &["mkdir", "openat"]);
        sweep(Fate::Fails("EIO"), &CALLS);
        sweep(Fate::Fails("ENOMEM"), &FURTHER_CALLS);
    }
}

#[test]
fn a_sign_in_killed_before_any_step_leaves_the_old_one_or_the_new() {
    if !strace::is_there() {
        return;
    }
    let machine = Machine::with(|_| {}, &[("store".to_owned(), "\"sealed\"".to_owned())]);
    let before = fs::read_to_string(machine.config()).unwrap();
    let (state, copy) = (machine.state(), machine.folder.path().join("copy"));
    let copied = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    copied(&state, &copy);
    let changed = |text: &str| text.contains("store = \"file\"");
    let (mut steps, mut old, mut new) = (0, 0, 0);
    for call in if by_hand().is_some() { &CALLS[..] } else { &CALLS[..5] } {
        for number in 1.. {
            let step = format!("{call} {number}");
            steps += 1;
            fs::write(machine.config(), &before).unwrap();
            copied(&copy, &state);
            forget_pace(&machine.state().join("outlook-sendmail"));
            let words = strace(call, Fate::Killed, number);
            let mut command = machine.command(&words[0]);
            command.args(&words[1..]).arg(machine.program("outlook-sendmail")).args(["login", "--store", "file"]);
            let ended = run(&mut command, b"");
            assert!(machine.outlook.smtp.wait_until_idle(SOON));
            let after = fs::read_to_string(machine.config()).unwrap();
            assert!(after == before || changed(&after), "{step}: {after}");
            if changed(&after) {
                new += 1
            } else {
                old += 1
            }
            // Whichever it is, the sign-in that goes with it works.
            let sent = machine.sendmail([format!("signed-in-{steps}@example.org")], b"Subject: a\n\nb\n");
            assert_eq!((sent.status, sent.stderr.as_str()), (0, ""), "{step}");
            let status = machine.run_as("outlook-sendmail", ["status"], b"");
            assert_eq!(status.status, 0, "{step}: {}{}", status.stdout, status.stderr);
            if ended.status >= 0 {
                assert_eq!(ended.status, 0, "{}", ended.stderr);
                break;
            }
        }
    }
    assert!(old > 5 && new > 1, "{old} {new}");
    say(&format!("login as {ACCOUNT}: {steps} steps, {old} with the old configuration, {new} with the new"));
}
