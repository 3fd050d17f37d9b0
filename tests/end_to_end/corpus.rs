//! Every captured call goes from its arguments to the letter, and is compared with what was written down for it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use harness::fixture::{Fixture, Sent, differences, fixtures};
use outlook_sendmail::account::Accounts;
use outlook_sendmail::envelope::{Desk, Letter, Stamp};
use outlook_sendmail::failure::Failure;
use outlook_sendmail::invocation::{self, Invocation};
use outlook_sendmail::memory::send_as::KnownSenders;
use outlook_sendmail::memory::threads::KnownIds;
use outlook_sendmail::message::Message;
use outlook_sendmail::world::{Caller, FileFault, Files, Log, Priority, Readers, memory_spool};

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> Result<Option<Vec<u8>>, FileFault> {
        Ok(None)
    }

    fn read_alias_include(&self, _: &Path) -> Result<Vec<u8>, FileFault> {
        Err(FileFault::NotRegular)
    }

    fn write(&self, _: &Path, _: &[u8], _: Readers) -> Result<(), FileFault> {
        Err(FileFault::NotRegular)
    }
}

struct NoLog;

impl Log for NoLog {
    fn record(&self, _: Priority, _: &str) {}
}

fn alice() -> Caller {
    Caller {
        uid: 1000,
        gid: 1000,
        login: "alice".into(),
        full_name: "Alice Example".into(),
        parent: "sh".into(),
        host_name: "host1".into(),
        local_domains: ["localhost", "host1", "host1.example.org"].map(str::to_owned).to_vec(),
    }
}

fn letter(fixture: &Fixture) -> Result<Letter, Failure> {
    let invocation = invocation::read("/usr/sbin/sendmail".into(), fixture.arguments.clone());
    let submit = match invocation {
        Ok(Invocation::Submit(submit)) => submit,
        Err(refusal) => return Err(refusal.failure),
        other => panic!("{}: {other:?}", fixture.name),
    };
    let message =
        Message::read(&mut fixture.input.as_slice(), fixture.expect.terminal, submit.dots, memory_spool(), 1 << 30)?;
    let accounts = Accounts::parse(Path::new("c"), b"[accounts.me]\naddress = \"me@outlook.com\"\n").unwrap();
    let caller = alice();
    let stamp =
        Stamp { now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_374_302), utc_offset: 0, unique: [7; 16] };
    let account = accounts.for_sender(&[]).unwrap();
    Letter::address(
        &submit,
        message,
        &Desk {
            account,
            caller: &caller,
            files: &NoFiles,
            log: &NoLog,
            stamp,
            known_ids: KnownIds::default(),
            known_senders: KnownSenders::default(),
        },
    )
}

fn check(fixture: &Fixture) -> Vec<String> {
    let expect = &fixture.expect;
    let mut letter = match letter(fixture) {
        Ok(letter) if expect.status == 0 => letter,
        Ok(_) => return vec![format!("expected status {}, got a letter", expect.status)],
        Err(failure) if expect.status == failure.exit_status() as u8 => return Vec::new(),
        Err(failure) => return vec![format!("expected status {}, got {failure:?}", expect.status)],
    };
    let mut octets = Vec::new();
    letter.write(&mut octets).unwrap();
    let mut found = differences(expect, &Sent::parse(&octets));
    let from = letter.envelope().from().map(ToString::to_string);
    if from != expect.from {
        found.push(format!("reverse path: expected {:?}, got {from:?}", expect.from));
    }
    let to: Vec<_> = letter.envelope().to().iter().map(ToString::to_string).collect();
    if to != expect.to {
        found.push(format!("recipients: expected {:?}, got {to:?}", expect.to));
    }
    if octets.len() as u64 != letter.size() {
        found.push(format!("size says {}, is {}", letter.size(), octets.len()));
    }
    found.extend(unfit_for_the_wire(&octets));
    found
}

/// RFC 5321 sections 2.3.8 and 4.5.3.1.6, and 7-bit content.
fn unfit_for_the_wire(octets: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    if !octets.ends_with(b"\r\n") {
        found.push("no line end at the end".to_owned());
    }
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\r\n").unwrap_or(b"bare LF \0");
        if text.len() > 998 || !text.is_ascii() || text.contains(&0) || text.contains(&b'\r') {
            found.push(format!("unfit line: {}", String::from_utf8_lossy(text)));
        }
    }
    found
}

fn check_folder(folder: &str, at_least: usize) {
    let all = fixtures(folder);
    assert!(all.len() >= at_least, "{} fixtures in {folder}", all.len());
    let mut report = String::new();
    for fixture in &all {
        for difference in check(fixture) {
            report += &format!("\n{folder}/{}: {difference}", fixture.name);
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn every_captured_caller_becomes_the_right_letter() {
    check_folder("callers", 70);
}

#[test]
fn every_awkward_input_becomes_the_right_letter_or_failure() {
    check_folder("edge", 33);
}
