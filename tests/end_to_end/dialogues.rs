//! The real program against everything a submission server may say: one file of `tests/dialogues` each.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, panic, thread};

use harness::syslog::syslog;
use harness::{Machine, Run, SOON, assert_no_secret};
use stand_in::{Dialogue, Expectations};

const MESSAGE: &[u8] = b"Subject: A dialogue\nTo: a@example.org\n\nThe text.\n.\nMore text.\n";

/// At a time; most of them wait most of the time.
const THREADS: usize = 8;

#[test]
fn every_dialogue_ends_as_it_says() {
    // Before the first message, or its record is missed.
    syslog();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 90, "the dialogues have moved");
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
                    let outcome = panic::catch_unwind(|| one(file));
                    outcomes.lock().unwrap().push((name, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap();
    outcomes.sort_by(|one, other| one.0.cmp(&other.0));
    let (mut page, mut failed) = (String::new(), Vec::new());
    for (name, outcome) in outcomes {
        match outcome {
            Ok(said) => writeln!(page, "{name}\n    {said}").unwrap(),
            Err(_) => failed.push(name),
        }
    }
    // For people: what a user reads in each case.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages"), page).unwrap();
    assert!(failed.is_empty(), "not as expected, see above: {failed:?}");
}

/// Plays one dialogue; gives status and message.
fn one(file: &Path) -> String {
    let dialogue = Dialogue::parse(&fs::read_to_string(file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let expected = dialogue.expectations();
    let machine = Machine::with_dialogue(&dialogue);
    let mut arguments = vec!["-i".to_owned()];
    match expected.arguments.as_slice() {
        [] => arguments.push("a@example.org".to_owned()),
        given => arguments.extend_from_slice(given),
    }
    let run = machine.sendmail(&arguments, MESSAGE);
    let faults = panic::catch_unwind(panic::AssertUnwindSafe(|| judge(expected, &run, &machine)));
    assert!(
        faults.is_ok(),
        "{}: status {}, stderr {:?}\n{}",
        file.display(),
        run.status,
        run.stderr,
        machine.outlook.smtp.transcript()
    );
    format!("{} {}", run.status, run.stderr.trim_end())
}

fn judge(expected: &Expectations, run: &Run, machine: &Machine) {
    match expected.status.expect("# expect status") {
        0 => run.assert_silent_success(),
        status => run.assert_failure(i32::from(status), "sendmail: "),
    }
    for words in &expected.stderr {
        assert!(run.stderr.contains(words), "{words:?} in {:?}", run.stderr);
    }
    let smtp = &machine.outlook.smtp;
    assert_eq!(smtp.received().len(), expected.received.expect("# expect received"));
    if let Some(connections) = expected.connections {
        assert_eq!(smtp.connections().len(), connections, "connections");
    }
    if expected.received == Some(1) {
        assert!(smtp.received()[0].text().ends_with("The text.\r\n.\r\nMore text.\r\n"), "content");
    }
    assert_no_secret(&run.stderr);
    if let Some(log) = syslog() {
        let record = log.record_of(run.pid);
        assert_no_secret(&record);
        let outcome = match (expected.status, &expected.dsn) {
            (Some(0), _) => " sent: ".to_owned(),
            (Some(status), Some(dsn)) => format!(" failed: status={status} dsn={dsn} "),
            (Some(status), None) => format!(" failed: status={status} dsn="),
            (None, _) => unreachable!(),
        };
        assert!(record.contains(&outcome), "{outcome:?} in {record}");
        for words in &expected.log {
            assert!(record.contains(words), "{words:?} in {record}");
        }
        assert!(record.contains("subject=\"A dialogue\""), "{record}");
    }
    // A peer that hung up must not keep the stand-in's threads.
    let _ = smtp.wait_until_idle(SOON);
}
