//! The pace of a mailbox, kept by processes that know nothing of each other, against limits as Outlook has them.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use harness::bounded::Bounded as _;
use harness::fixture::Sent;
use harness::stdio_client::StdioClient;
use harness::system::System;
use harness::{Machine, Run, SOON};
use stand_in::{Dialogue, Options};

/// Outlook's limits, with a minute this long.
fn limits(options: &mut Options, messages: usize, minute: Duration) {
    options.connection_limit = Some(3);
    options.minute_limit = Some(messages);
    options.minute = minute;
}

fn config(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Time enough, and a failure would show.
const LONG: &[(&str, &str)] = &[("on_failure", "\"report\""), ("deadline", "600")];

fn message(number: usize) -> Vec<u8> {
    format!("Subject: message {number}\nTo: bob@example.com\n\ntext\n").into_bytes()
}

/// A message handed over whole; its verdict is still to come.
fn begin(command: &mut Command, number: usize) -> Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&message(number)).unwrap();
    child
}

fn sendmail(machine: &Machine) -> Command {
    let mut command = machine.command(machine.program("sendmail"));
    command.arg("-t");
    command
}

fn end(child: Child) {
    Run::from(child.ended_with_output()).assert_silent_success();
}

/// All arrived, none twice, and none was too much.
fn assert_arrived(machine: &Machine, count: usize) {
    assert_each_once(machine, count);
    let smtp = &machine.outlook.smtp;
    assert_eq!((smtp.refused_for_load(), smtp.received_whole().len()), (0, count));
    assert!(smtp.most_at_a_time() <= 3, "{} at a time", smtp.most_at_a_time());
}

fn assert_each_once(machine: &Machine, count: usize) {
    let smtp = &machine.outlook.smtp;
    assert!(smtp.wait_until_idle(SOON), "a connection stays open");
    let mut subjects: Vec<_> = smtp.received().iter().map(subject).collect();
    let mut expected: Vec<_> = (0..count).map(|number| format!("message {number}")).collect();
    subjects.sort();
    expected.sort();
    assert_eq!(subjects, expected);
}

fn subject(received: &stand_in::Received) -> String {
    Sent::parse(&received.data).field("Subject").unwrap_or_default().to_owned()
}

#[test]
fn many_at_once_share_three_connections() {
    let machine = Machine::with(|options| limits(options, 6, Duration::from_secs(1)), &config(LONG));
    let children: Vec<_> = (0..12).map(|number| begin(&mut sendmail(&machine), number)).collect();
    children.into_iter().for_each(end);
    assert_arrived(&machine, 12);
    assert_eq!(machine.outlook.smtp.most_at_a_time(), 3, "all three are used");
}

#[test]
fn messages_of_a_dialogue_and_plain_ones_share_them_too() {
    let machine = Machine::with(|options| limits(options, 6, Duration::from_secs(1)), &config(LONG));
    let children: Vec<_> = (8..12).map(|number| begin(&mut sendmail(&machine), number)).collect();
    thread::scope(|scope| {
        for first in [0, 2, 4, 6] {
            let machine = &machine;
            scope.spawn(move || {
                let mut client = StdioClient::greeted(machine);
                for number in first..first + 2 {
                    client.ask("MAIL FROM:<me@outlook.com>", "250");
                    client.ask("RCPT TO:<bob@example.com>", "250");
                    client.ask("DATA", "354");
                    client.ask(&format!("Subject: message {number}\r\n\r\ntext\r\n."), "250");
                }
                client.ask("QUIT", "221");
            });
        }
    });
    children.into_iter().for_each(end);
    assert_arrived(&machine, 12);
}

#[test]
fn users_of_the_system_account_share_its_three() {
    let change = |options: &mut Options| limits(options, 6, Duration::from_secs(1));
    let Some(system) = System::start_with(change, LONG) else { return };
    system.machine.outlook.smtp.forget();
    let user = |number: usize| if number.is_multiple_of(2) { 33 } else { 65_534 };
    let children: Vec<_> =
        (0..12).map(|number| begin(system.as_user(user(number), "sendmail").arg("-t"), number)).collect();
    children.into_iter().for_each(end);
    assert_arrived(&system.machine, 12);
}

/// Others use the mailbox too, and their connections count.
#[test]
fn what_is_too_much_for_the_server_is_tried_again() {
    let refusal = "on content times 2: 432 4.3.2 Concurrent connections limit exceeded. [Hostname=X]\n";
    let machine = Machine::with_dialogue(&Dialogue::parse(refusal).unwrap());
    end(begin(&mut sendmail(&machine), 0));
    let smtp = &machine.outlook.smtp;
    assert!(smtp.wait_until_idle(SOON));
    assert_eq!((smtp.received().len(), smtp.received_whole().len()), (1, 3));
}

/// Another machine knows nothing of our locks.
#[test]
fn what_another_machine_has_under_way_is_waited_out() {
    let machine = Machine::with(|options| options.connection_limit = Some(1), &config(LONG));
    let smtp = &machine.outlook.smtp;
    let elsewhere = machine.folder.path().join("elsewhere");
    let copy = harness::run(machine.command("/bin/cp").arg("-a").arg(machine.state()).arg(&elsewhere), b"");
    assert_eq!(copy.status, 0, "{}", copy.stderr);
    smtp.set_dialogue(&Dialogue::parse("on content: stall\n").unwrap());
    let mut theirs = begin(sendmail(&machine).env("XDG_STATE_HOME", &elsewhere), 0);
    await_that(&machine, || smtp.received_whole().len() == 1);
    smtp.set_dialogue(&Dialogue::parse("").unwrap());
    let ours = begin(&mut sendmail(&machine), 1);
    await_that(&machine, || smtp.refused_for_load() > 0);
    theirs.kill().unwrap();
    theirs.ended();
    end(ours);
    assert!(smtp.wait_until_idle(SOON));
    assert_eq!(smtp.received().iter().map(subject).collect::<Vec<_>>(), ["message 1"]);
}

fn await_that(machine: &Machine, holds: impl Fn() -> bool) {
    let patience = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < patience, "{}", machine.outlook.smtp.transcript());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Three whose answer never comes hold up the next one until it has to go; who dies in line holds up nobody.
#[test]
fn who_hangs_or_dies_stops_nobody() {
    let stall = Dialogue::parse("on content: stall\n").unwrap();
    let machine = Machine::with(|_| {}, &config(&[("on_failure", "\"report\""), ("deadline", "10")]));
    let smtp = &machine.outlook.smtp;
    smtp.set_dialogue(&stall);
    let mut hung: Vec<_> = (0..3).map(|number| begin(&mut sendmail(&machine), number)).collect();
    await_that(&machine, || smtp.received_whole().len() == 3);
    smtp.set_dialogue(&Dialogue::parse("").unwrap());
    let mut first_in_line = begin(&mut sendmail(&machine), 4);
    await_that(&machine, || is_in_line(&machine, &first_in_line));
    let next = begin(&mut sendmail(&machine), 5);
    first_in_line.kill().unwrap();
    first_in_line.ended();
    end(next);
    for child in &mut hung {
        assert_eq!(child.try_wait().unwrap(), None, "they wait on");
        child.kill().unwrap();
        child.ended();
    }
    end(begin(&mut sendmail(&machine), 6));
    assert!(smtp.wait_until_idle(SOON));
    let subjects: Vec<_> = smtp.received().iter().map(subject).collect();
    assert_eq!(subjects, ["message 5", "message 6"]);
}

/// Whether this process has the file open that the first in line holds.
fn is_in_line(machine: &Machine, child: &Child) -> bool {
    let line = machine.state().join("outlook-sendmail/locks/line:me@outlook.com");
    let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == line))
}

/// One of the long ones at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// How long the limits alone make so many messages take.
fn allowed(count: usize) -> Duration {
    Duration::from_secs(60) * u32::try_from((count - 1) / 30).unwrap()
}

fn tell(what: &str, machine: &Machine, took: Duration, count: usize) {
    let (took, allowed) = (took.as_secs_f64(), allowed(count).as_secs_f64());
    let refused = machine.outlook.smtp.refused_for_load();
    say(&format!("{what}: {took:.1} s, the limits allow {allowed:.1} s, ratio {:.3}; 432: {refused}", took / allowed));
}

fn a_hundred(what: &str, config_lines: &[(&str, &str)]) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let machine = Machine::with(|options| limits(options, 30, Duration::from_secs(60)), &config(config_lines));
    let smtp = &machine.outlook.smtp;
    let start = Instant::now();
    let children: Vec<_> = (0..100).map(|number| begin(&mut sendmail(&machine), number)).collect();
    children.into_iter().for_each(end);
    say(&format!(
        "{what}: {} of 100 arrived when the last caller was told, {:.1} s",
        smtp.received().len(),
        seconds(start)
    ));
    while smtp.received().len() < 100 && start.elapsed() < Duration::from_secs(1200) {
        assert_eq!(machine.sendmail(["-q"], b"").status, 0);
        thread::sleep(Duration::from_secs(1));
    }
    tell(what, &machine, start.elapsed(), 100);
    // When the time is up the server decides, and what it refuses then is kept.
    assert_each_once(&machine, 100);
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

#[test]
#[ignore = "takes three minutes: tests/bench/pace"]
fn a_hundred_at_once_reported() {
    a_hundred("100 at once, report, deadline 600", &[("on_failure", "\"report\""), ("deadline", "600")]);
}

#[test]
#[ignore = "takes three minutes: tests/bench/pace"]
fn a_hundred_at_once_kept() {
    a_hundred("100 at once, keep, deadline 600", &[("on_failure", "\"keep\""), ("deadline", "600")]);
}

#[test]
#[ignore = "takes some minutes: tests/bench/pace"]
fn a_hundred_at_once_kept_with_the_usual_deadline() {
    a_hundred("100 at once, keep, deadline 45", &[("on_failure", "\"keep\"")]);
}

#[test]
#[ignore = "takes six minutes: tests/bench/pace"]
fn a_series_of_two_hundred() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let machine =
        Machine::with(|options| limits(options, 30, Duration::from_secs(60)), &config(&[("deadline", "600")]));
    let start = Instant::now();
    for number in 0..200 {
        end(begin(&mut sendmail(&machine), number));
    }
    tell("200 one after the other, report, deadline 600", &machine, start.elapsed(), 200);
    assert_arrived(&machine, 200);
}
