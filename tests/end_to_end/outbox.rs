//! The real program keeping what it cannot send: cut off, refused, tried again, and killed in the middle.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use harness::bounded::Bounded as _;
use harness::syslog::syslog;
use harness::{Machine, Run, SOON, assert_no_secret, skipped};
use stand_in::{DeviceFlow, Dialogue, Options};

const MESSAGE: &[u8] = b"Subject: A kept one\nTo: a@example.org\n\nThe text.\n";

fn keeping(dialogue: &str) -> Machine {
    let dialogue = Dialogue::parse(dialogue).unwrap();
    Machine::with(|options| options.dialogue = Some(dialogue), &keep())
}

fn keep() -> [(String, String); 1] {
    [("on_failure".to_owned(), "\"keep\"".to_owned())]
}

fn outbox(machine: &Machine) -> PathBuf {
    machine.state().join("outlook-sendmail/outbox")
}

/// The names of what lies in the outbox.
fn files(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(outbox(machine)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn ids(machine: &Machine) -> Vec<String> {
    let mut ids: Vec<_> = files(machine)
        .iter()
        .filter(|name| name.ends_with(".message") && !name.starts_with('.'))
        .map(|name| name.split('.').next().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn mailq(machine: &Machine) -> String {
    let run = machine.run_as("mailq", [""; 0], b"");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_no_secret(&run.stdout);
    run.stdout
}

fn tool(machine: &Machine, arguments: &[&str]) -> Run {
    machine.run_as("outlook-sendmail", arguments, b"")
}

/// Sends what waits, whatever comes of it.
fn run_queue(machine: &Machine) {
    machine.sendmail(["-q"], b"");
}

/// Gives this machine's user a manager whose timer runs the queue, for a command.
fn with_timer(machine: &Machine, command: &mut Command) {
    let wants = machine.folder.path().join(".config/systemd/user/timers.target.wants");
    let manager = machine.folder.path().join("run/systemd");
    fs::create_dir_all(&wants).unwrap();
    fs::create_dir_all(&manager).unwrap();
    fs::write(wants.join("outlook-sendmail-queue.timer"), "").unwrap();
    fs::write(manager.join("private"), "").unwrap();
    command.env("XDG_RUNTIME_DIR", machine.folder.path().join("run"));
}

/// Has everything that waits be due.
fn make_due(machine: &Machine) {
    for name in files(machine).iter().filter(|name| name.ends_with(".progress")) {
        let path = outbox(machine).join(name);
        let mut progress: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        progress["next"] = 1.into();
        fs::write(&path, progress.to_string()).unwrap();
    }
}

fn subjects(machine: &Machine) -> Vec<String> {
    let received = machine.outlook.smtp.received();
    let subject = |text: String| text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned));
    received.iter().filter(|message| message.is_accepted()).filter_map(|message| subject(message.text())).collect()
}

fn start(machine: &Machine, arguments: &[&str], input: &[u8]) -> Child {
    let mut command = machine.command(machine.program("sendmail"));
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < patience, "{what}");
        sleep(Duration::from_millis(5));
    }
}

// -- what is kept, and what is not

#[test]
fn a_message_that_went_out_leaves_nothing() {
    let machine = keeping("");
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    assert_eq!(subjects(&machine), ["A kept one"]);
    assert_eq!(files(&machine), [""; 0]);
    assert_eq!(mailq(&machine), "Mail queue is empty\n");
    assert_eq!(fs::metadata(outbox(&machine)).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_message_refused_for_now_is_kept_and_arrives_once() {
    syslog();
    for dialogue in [
        "on banner times 1: 421 4.3.2 later",
        "on ehlo2 times 1: drop",
        "on mail times 1: 451 4.7.500 Server busy",
        "on rcpt times 1: 450 4.2.1 later",
        "on data times 1: 451 4.3.0 later",
        "on content times 1: 451 4.3.2 later",
        "on data times 1:\n    354 go\n    drop-after 70000",
    ] {
        let machine = keeping(dialogue);
        let large = [MESSAGE, &b"text\n".repeat(400_000)].concat();
        let run = machine.sendmail(["a@example.org"], if dialogue.contains("drop-after") { &large } else { MESSAGE });
        run.assert_silent_success();
        if let Some(log) = syslog() {
            let record = log.record_of(run.pid);
            assert!(record.contains(&format!("kept as {}: status=75 dsn=4.", ids(&machine)[0])), "{record}");
        }
        assert_eq!(subjects(&machine), [""; 0], "{dialogue}");
        let list = mailq(&machine);
        assert!(list.contains("(waiting, next try ") && list.contains("a@example.org"), "{list}");
        run_queue(&machine);
        run_queue(&machine);
        assert_eq!(subjects(&machine), ["A kept one"], "{dialogue}");
        assert_eq!(files(&machine), [""; 0], "{dialogue}");
    }
}

#[test]
fn every_attempt_carries_the_same_date_and_id() {
    let machine = keeping("on content times 1: 451 4.3.2 later");
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    sleep(Duration::from_millis(1100));
    run_queue(&machine);
    let received = machine.outlook.smtp.received_whole();
    let field = |index: usize, name: &str| {
        let text = received[index].text();
        text.lines().find(|line| line.starts_with(name)).unwrap().to_owned()
    };
    assert_eq!(received.len(), 2);
    for name in ["Date: ", "Message-ID: ", "From: "] {
        assert_eq!(field(0, name), field(1, name));
    }
}

#[test]
fn without_a_sign_in_it_waits_for_one() {
    let machine = Machine::signed_out(|_: &mut Options| {}, &keep());
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    let list = mailq(&machine);
    assert!(list.contains("not signed in") && list.contains("Total: 1,"), "{list}");
    run_queue(&machine);
    assert_eq!(ids(&machine).len(), 1);
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    assert_eq!(tool(&machine, &["login"]).status, 0);
    run_queue(&machine);
    assert_eq!(subjects(&machine), ["A kept one"]);
    assert_eq!(files(&machine), [""; 0]);
}

#[test]
fn a_message_refused_for_good_is_the_callers_and_nothing_is_kept() {
    for (dialogue, status) in [
        ("on rcpt: 550 5.1.1 nobody here", 67),
        ("on content: 554 5.6.0 no", 65),
        ("on content: 554 5.2.252 SendAsDenied", 77),
        ("on mail: 550 5.7.60 no", 77),
    ] {
        let machine = keeping(dialogue);
        machine.sendmail(["a@example.org"], MESSAGE).assert_failure(status, "");
        assert_eq!(files(&machine), [""; 0], "{dialogue}");
    }
    let machine = keeping("");
    machine.sendmail(["not an address"], MESSAGE).assert_failure(65, "cannot read this address");
    assert_eq!(files(&machine), [""; 0]);
}

#[test]
fn a_message_refused_for_good_later_is_failed_and_told_of_once() {
    syslog();
    let machine = keeping("on content 1 times 1: 451 4.3.2 later\non content times 1: 554 5.6.0 no");
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    let run = machine.sendmail(["-q"], b"");
    run.assert_failure(69, "could not send what waited: 1 message: Outlook refuses the message's content");
    if let Some(log) = syslog() {
        let records = log.records_of(run.pid);
        assert!(records.iter().any(|record| record.contains("failed: status=65 dsn=5.6.0 ")), "{records:?}");
    }
    let [id] = &ids(&machine)[..] else { panic!("{:?}", files(&machine)) };
    let told = subjects(&machine);
    assert!(told.len() == 1 && told[0].starts_with("1 message could not be sent from "), "{told:?}");
    let summary = machine.outlook.smtp.received().last().unwrap().clone();
    assert_eq!(summary.recipients(), [harness::ACCOUNT]);
    for words in [id.as_str(), "A kept one", "a@example.org", "Outlook refuses the message's content"] {
        assert!(summary.text().contains(words), "{words}: {}", summary.text());
    }
    assert!(mailq(&machine).contains("(failed: Outlook refuses the message's content"));
    let status = tool(&machine, &["status"]);
    assert!(status.status == 69 && status.stdout.contains("mail has failed"), "{}", status.stdout);
    run_queue(&machine);
    assert_eq!(subjects(&machine).len(), 1);
    // Its cause mended, a person tries again.
    tool(&machine, &["queue", "retry", id]).assert_silent_success();
    assert_eq!(subjects(&machine)[1], "A kept one");
    assert_eq!(files(&machine), [""; 0]);
}

#[test]
fn what_was_perhaps_sent_is_listed_and_never_sent_again_by_itself() {
    let machine = keeping("on content times 1: drop");
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(74, "perhaps sent");
    let [id] = &ids(&machine)[..] else { panic!("{:?}", files(&machine)) };
    assert!(mailq(&machine).contains("(perhaps sent: "), "{}", mailq(&machine));
    run_queue(&machine);
    let ours = || subjects(&machine).iter().filter(|subject| *subject == "A kept one").count();
    assert_eq!(ours(), 0);
    tool(&machine, &["queue", "retry", id]).assert_failure(64, "--duplicate-possible");
    assert_eq!(ours(), 0);
    tool(&machine, &["queue", "retry", "--duplicate-possible", id]).assert_silent_success();
    assert_eq!(ours(), 1);
    assert_eq!(files(&machine), [""; 0]);
}

#[test]
fn those_the_server_takes_get_it_and_the_others_are_listed() {
    syslog();
    for dialogue in
        ["on rcpt 2 times 1: 550 5.1.1 nobody here", "on ehlo2: -PIPELINING\non rcpt 2 times 1: 550 5.1.1 nobody here"]
    {
        let machine = keeping(dialogue);
        let run = machine.sendmail(["a@example.org", "b@example.org", "c@example.org"], MESSAGE);
        run.assert_silent_success();
        if let Some(log) = syslog() {
            let record = log.record_of(run.pid);
            // mail.err
            assert!(record.starts_with("<19>"), "{record}");
            assert!(record.contains("sent, but not to <b@example.org>: 550 5.1.1 nobody here"), "{record}");
        }
        let received = machine.outlook.smtp.received();
        assert_eq!(received[0].recipients(), ["a@example.org", "c@example.org"]);
        let list = mailq(&machine);
        // The sum is that of the column above it.
        let size = list.lines().nth(1).unwrap().split_ascii_whitespace().nth(1).unwrap();
        assert!(
            list.contains("(failed, sent to a@example.org, c@example.org, not to b@example.org: recipient refused")
                && list.ends_with(&format!("\nTotal: 1, {size} octets\n")),
            "{list}"
        );
        assert!(!list.contains("nobody got"), "{list}");
        let id = &ids(&machine)[0];
        let shown = tool(&machine, &["queue", "show", id]).stdout;
        assert!(
            shown.contains("sent to:   a@example.org, c@example.org\n") && !shown.contains("nobody got"),
            "{shown}"
        );
        run_queue(&machine);
        let summary = machine.outlook.smtp.received().last().unwrap().text().to_owned();
        assert!(summary.contains("did not reach everybody") && !summary.contains("nobody got"), "{summary}");
        assert!(summary.contains("sent to a@example.org, c@example.org, not to b@example.org"), "{summary}");
        tool(&machine, &["queue", "retry", id]).assert_silent_success();
        assert_eq!(machine.outlook.smtp.received().last().unwrap().recipients(), ["b@example.org"]);
        assert_eq!(files(&machine), [""; 0]);
    }
}

/// The alias file is the person's to change while a message waits.
#[test]
fn who_is_left_gets_it_whatever_the_alias_file_says_meanwhile() {
    let dialogue = "on rcpt 2 times 1: 451 4.7.1 later";
    for (before, after) in [
        ("team: a@example.org, b@example.org\n", "team: a@example.org, c@example.org\n"),
        ("team: a@example.org, b@example.org\n", "team: a@example.org\n"),
    ] {
        let machine = keeping(dialogue);
        let aliases = machine.folder.path().join("aliases");
        fs::write(&aliases, before).unwrap();
        machine.sendmail(["team"], MESSAGE).assert_silent_success();
        fs::write(&aliases, after).unwrap();
        run_queue(&machine);
        let received = machine.outlook.smtp.received();
        let recipients: Vec<_> = received.iter().map(|message| message.recipients()).collect();
        assert_eq!(recipients, [["a@example.org"], ["b@example.org"]]);
        assert_eq!(files(&machine), [""; 0]);
    }
}

/// What keeps it from those accepted decides, not that another one was refused.
#[test]
fn it_waits_when_those_accepted_could_not_get_it_for_now() {
    for dialogue in ["on data times 1: 451 4.3.0 later", "on data times 1: drop"] {
        for offer in ["", "on ehlo2: -PIPELINING\n"] {
            let dialogue = format!("{offer}on rcpt 2: 550 5.1.1 nobody here\n{dialogue}");
            let machine = keeping(&dialogue);
            machine.sendmail(["a@example.org", "b@example.org"], MESSAGE).assert_silent_success();
            assert!(mailq(&machine).contains("(waiting, "), "{dialogue}: {}", mailq(&machine));
            run_queue(&machine);
            let received = machine.outlook.smtp.received();
            assert_eq!(received[0].recipients(), ["a@example.org"], "{dialogue}");
        }
    }
}

#[test]
fn a_retry_forgets_nobody_who_was_refused() {
    let machine = keeping("on rcpt 2 times 1: 451 4.7.1 later\non rcpt 3 times 1: 550 5.1.1 nobody here");
    machine.sendmail(["a@example.org", "b@example.org", "c@example.org"], MESSAGE).assert_silent_success();
    let [id] = &ids(&machine)[..] else { panic!("{:?}", files(&machine)) };
    tool(&machine, &["queue", "retry", id]).assert_silent_success();
    let received = machine.outlook.smtp.received();
    assert_eq!(received[0].recipients(), ["a@example.org"]);
    assert_eq!(received[1].recipients(), ["b@example.org", "c@example.org"]);
    assert_eq!(files(&machine), [""; 0]);
}

#[test]
fn in_report_mode_one_refused_recipient_is_enough_and_nothing_is_written() {
    let dialogue = Dialogue::parse("on rcpt 2: 550 5.1.1 nobody here").unwrap();
    let machine = Machine::with(|options| options.dialogue = Some(dialogue), &[]);
    let run = machine.sendmail(["a@example.org", "b@example.org"], MESSAGE);
    run.assert_failure(67, "b@example.org");
    assert_eq!(subjects(&machine), [""; 0]);
    assert!(!outbox(&machine).exists());
}

#[test]
fn without_a_terminal_auto_keeps() {
    let dialogue = Dialogue::parse("on banner: 421 4.3.2 later").unwrap();
    let auto = [("on_failure".to_owned(), "\"auto\"".to_owned())];
    let machine = Machine::with(|options| options.dialogue = Some(dialogue), &auto);
    let unattended = || {
        let mut command = machine.command("/usr/bin/setsid");
        command.args(["--wait"]).arg(machine.program("sendmail")).arg("a@example.org");
        command
    };
    // Kept, it would lie there for ever.
    harness::feed(&mut unattended(), MESSAGE).assert_failure(75, "4.3.2 later");
    assert_eq!(ids(&machine), [""; 0]);
    let mut command = unattended();
    with_timer(&machine, &mut command);
    harness::feed(&mut command, MESSAGE).assert_silent_success();
    assert_eq!(ids(&machine).len(), 1);
    // With one, the caller is told: util-linux's script gives it one.
    if harness::installed("script") {
        fs::write(machine.folder.path().join("message"), MESSAGE).unwrap();
        let mut command = machine.command("/usr/bin/script");
        let sendmail = machine.program("sendmail");
        let message = machine.folder.path().join("message");
        let line = format!("{} a@example.org < {}", sendmail.display(), message.display());
        command.args(["-qec", &line, "/dev/null"]);
        let run = harness::run(&mut command, b"");
        assert_eq!(run.status, 75, "{}", run.stdout);
        assert_eq!(ids(&machine).len(), 1);
    }
}

#[test]
fn over_smtp_a_kept_message_is_taken() {
    let machine = keeping("on banner times 1: 421 4.3.2 later");
    let dialogue = b"HELO x\r\nMAIL FROM:<me@outlook.com>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nSubject: A kept one\r\n\r\nText\r\n.\r\nQUIT\r\n";
    let run = machine.sendmail(["-bs"], dialogue);
    assert!(run.stdout.contains("\r\n250 2.0.0 kept as "), "{}", run.stdout);
    run_queue(&machine);
    assert_eq!(subjects(&machine), ["A kept one"]);
}

#[test]
fn what_is_due_goes_out_behind_a_message_that_was_sent() {
    let machine = keeping("on banner times 1: 421 4.3.2 later");
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    // Not due yet.
    machine.sendmail(["a@example.org"], b"Subject: The second\n\nText\n").assert_silent_success();
    assert_eq!(subjects(&machine), ["The second"]);
    make_due(&machine);
    // Whoever reads to the end of our output does not wait for it either.
    machine.sendmail(["a@example.org"], b"Subject: The third\n\nText\n").assert_silent_success();
    until("the one that waited", || subjects(&machine).contains(&"A kept one".to_owned()));
    until("an empty queue", || files(&machine).is_empty());
    assert_eq!(subjects(&machine).len(), 3);
}

#[test]
fn a_run_that_sends_nothing_says_so_and_everybody_says_who_tries_next() {
    let machine = keeping("on banner: 421 4.3.2 later");
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    machine.sendmail(["-q"], b"").assert_failure(75, "could not send what waits: 1 message: ");
    make_due(&machine);
    tool(&machine, &["queue", "run"]).assert_failure(75, "could not send what waits: 1 message: ");
    let list = mailq(&machine);
    assert!(list.contains("\nNothing on this machine tries them again by itself"), "{list}");
    let status = tool(&machine, &["status"]);
    assert_eq!(status.status, 75, "{}", status.stdout);
    assert!(status.stdout.contains("mail waits") && status.stdout.contains("by nobody"), "{}", status.stdout);
    let with_timer_tool = |arguments: &[&str]| {
        let mut command = machine.command(machine.program("outlook-sendmail"));
        with_timer(&machine, command.args(arguments));
        harness::run(&mut command, b"")
    };
    let list = with_timer_tool(&["mailq"]).stdout;
    assert!(list.contains("\nTried again by outlook-sendmail-queue.timer"), "{list}");
    let status = with_timer_tool(&["status", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let account = &report["accounts"][0];
    assert_eq!((status.status, account["queue_runner"].as_str()), (0, Some("timer")), "{}", status.stdout);
    assert!(account["queue_oldest_at"].is_string() && account["queue_next_at"].is_string());
    // An hour is too long, whoever tries.
    for name in files(&machine).iter().filter(|name| name.ends_with(".progress")) {
        let path = outbox(&machine).join(name);
        let mut progress: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        progress["since"] = (progress["since"].as_u64().unwrap() - 7300).into();
        fs::write(&path, progress.to_string()).unwrap();
    }
    let status = with_timer_tool(&["status"]);
    assert_eq!(status.status, 75, "{}", status.stdout);
    assert!(status.stdout.contains("the oldest for 2 hours"), "{}", status.stdout);
}

// -- killed

#[test]
fn killed_anywhere_it_is_never_sent_twice() {
    for (stall, command, content_went_out) in [
        ("on banner times 1: stall", "", false),
        ("on ehlo2 times 1: stall", "EHLO", false),
        ("on auth times 1: stall", "AUTH", false),
        ("on data times 1: stall", "DATA", false),
        ("on content times 1: stall", ".", true),
    ] {
        let machine = keeping(stall);
        let mut child = start(&machine, &["a@example.org"], MESSAGE);
        until(stall, || {
            let connections = machine.outlook.smtp.connections();
            connections.first().is_some_and(|connection| {
                let lines = connection.client_lines();
                match command {
                    "" => true,
                    "." => !machine.outlook.smtp.received_whole().is_empty(),
                    _ => lines.last().is_some_and(|line| line.starts_with(command)),
                }
            })
        });
        child.kill().unwrap();
        child.ended();
        let list = mailq(&machine);
        if content_went_out {
            assert!(list.contains("(perhaps sent"), "{list}");
        } else {
            // No exit status was given: the caller knows that nobody took it.
            assert_eq!(list, "Mail queue is empty\n", "{stall}");
        }
        run_queue(&machine);
        assert!(!subjects(&machine).contains(&"A kept one".to_owned()), "{stall}");
        if content_went_out {
            assert!(mailq(&machine).contains("ended while it was being sent"), "{}", mailq(&machine));
        }
    }
}

#[test]
fn killed_while_it_is_tried_again_it_waits_or_was_perhaps_sent() {
    for (stall, state) in [("on auth 1 times 2: stall", "(waiting"), ("on content times 1: stall", "(perhaps sent")] {
        let machine = keeping(&format!("on banner times 1: 421 4.3.2 later\n{stall}"));
        machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
        let mut child = start(&machine, &["-q"], b"");
        until(stall, || {
            let connections = machine.outlook.smtp.connections();
            match state {
                "(waiting" => connections
                    .last()
                    .is_some_and(|connection| connection.client_lines().iter().any(|line| line.starts_with("AUTH"))),
                _ => !machine.outlook.smtp.received_whole().is_empty(),
            }
        });
        // Another run finds it busy, and does nothing.
        run_queue(&machine);
        child.kill().unwrap();
        child.ended();
        assert!(mailq(&machine).contains(state), "{stall}: {}", mailq(&machine));
    }
}

/// Fixed seeds; where exactly the kill strikes is up to the machine, and what must hold holds anywhere.
#[test]
fn killed_at_random_no_message_with_exit_0_is_lost_and_none_is_sent_twice() {
    let machine = keeping("on content 1 times 3: 451 4.3.2 later\non banner times 4: 421 4.3.2 later");
    let mut seed: u32 = 0x2545_f491;
    let mut promised = Vec::new();
    for number in 0..40 {
        let message = format!("Subject: Number {number}.\nTo: a@example.org\n\nText\n");
        // Two kills out of three are of a run of the queue.
        let mut child = match number % 3 {
            0 => start(&machine, &["a@example.org"], message.as_bytes()),
            _ => {
                machine.sendmail(["a@example.org"], message.as_bytes()).assert_silent_success();
                promised.push(number);
                start(&machine, &["-q"], b"")
            }
        };
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        sleep(Duration::from_micros(u64::from(seed % 60_000)));
        let _ = child.kill();
        if child.ended().success() && number % 3 == 0 {
            promised.push(number);
        }
    }
    for _ in 0..3 {
        run_queue(&machine);
    }
    let list = mailq(&machine);
    assert!(!list.contains("(waiting") && !list.contains("(sending"), "{list}");
    let sent = subjects(&machine);
    let shown: Vec<_> = ids(&machine).iter().map(|id| tool(&machine, &["queue", "show", id]).stdout).collect();
    for number in 0..40 {
        let subject = format!("Number {number}.");
        let times = sent.iter().filter(|sent| **sent == subject).count();
        let listed = shown.iter().any(|shown| shown.contains(&subject) && shown.contains("state:     perhaps sent"));
        assert!(times <= 1, "{subject} arrived {times} times");
        assert!(times == 1 || listed || !promised.contains(&number), "{subject} is lost");
    }
}

#[test]
fn leftovers_of_a_killed_process_are_swept_away_when_they_are_old() {
    let machine = keeping("on banner times 1: stall");
    let mut child = start(&machine, &["a@example.org"], MESSAGE);
    until("a connection", || !machine.outlook.smtp.connections().is_empty());
    child.kill().unwrap();
    child.ended();
    let [draft] = &files(&machine)[..] else { panic!("{:?}", files(&machine)) };
    assert!(draft.starts_with('.'), "{draft}");
    run_queue(&machine);
    assert_eq!(files(&machine).len(), 1, "it may still be written");
    let file = File::options().write(true).open(outbox(&machine).join(draft)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
    run_queue(&machine);
    assert_eq!(files(&machine), [""; 0]);
}

// -- several at once

#[test]
fn parallel_runs_deliver_everything_once_and_a_thread_in_order() {
    let machine = keeping("on banner times 6: 421 4.3.2 later");
    for number in 1..=6 {
        let thread = if number == 1 { String::new() } else { "In-Reply-To: <1@x>\n".to_owned() };
        let message = format!("Subject: Part {number}\nMessage-ID: <{number}@x>\n{thread}To: a@example.org\n\nText\n");
        machine.sendmail(["a@example.org"], message.as_bytes()).assert_silent_success();
    }
    // The first was tried, the others waited for it: five of the refusals are left.
    for _ in 0..5 {
        run_queue(&machine);
    }
    assert_eq!(subjects(&machine), [""; 0]);
    let children: Vec<_> = (0..8).map(|_| start(&machine, &["-q"], b"")).collect();
    for mut child in children {
        assert!(child.ended().success());
    }
    run_queue(&machine);
    let wanted: Vec<_> = (1..=6).map(|number| format!("Part {number}")).collect();
    assert_eq!(subjects(&machine), wanted);
    assert_eq!(files(&machine), [""; 0]);
}

// -- people

#[test]
fn one_message_is_shown_and_given_up_by_the_beginning_of_its_id() {
    let machine = keeping("on banner: 421 4.3.2 later");
    for _ in 0..2 {
        machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    }
    let ids = ids(&machine);
    let shown = tool(&machine, &["queue", "show", &ids[0]]);
    assert_eq!((shown.status, shown.stderr.as_str()), (0, ""));
    for words in ["state:     waiting, next try ", "attempts:  1\n", "\nSubject: A kept one\n", "4.3.2 later"] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
    assert!(!shown.stdout.contains("The text."));
    assert_no_secret(&shown.stdout);
    tool(&machine, &["queue", "show", &ids[0][..2]]).assert_failure(64, "is the beginning of 2 ids");
    tool(&machine, &["queue", "show", "zzz"]).assert_failure(64, "no such message in the queue: zzz");
    tool(&machine, &["queue", "show"]).assert_failure(64, "which message?");
    tool(&machine, &["queue", "burn", "x"]).assert_failure(64, "queue burn");
    tool(&machine, &["queue", "retry", &ids[1]]).assert_failure(75, "4.3.2 later");
    tool(&machine, &["queue", "drop", &ids[0]]).assert_silent_success();
    assert_eq!(tool(&machine, &["mailq"]).stdout.matches("(waiting").count(), 1);
    // By the clock nothing is due yet.
    let before = machine.outlook.smtp.connections().len();
    tool(&machine, &["queue", "run"]).assert_silent_success();
    assert_eq!(machine.outlook.smtp.connections().len(), before);
}

#[test]
fn odd_files_are_named_and_left_alone() {
    let machine = keeping("on banner times 1: 421 4.3.2 later");
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    let (folder, id) = (outbox(&machine), ids(&machine)[0].clone());
    let other = |last: char| format!("{}{last}.0.0.message", &id[..id.len() - 1]);
    let secret = machine.folder.path().join("secret");
    fs::write(&secret, "{}\nnot yours").unwrap();
    symlink(&secret, folder.join(other('!'))).unwrap();
    symlink(&secret, folder.join(format!("{id}0.0.0.message"))).unwrap();
    nix::unistd::mkfifo(&folder.join(format!("{id}1.0.0.message")), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(folder.join("README"), "hello").unwrap();
    let list = mailq(&machine);
    assert_eq!(list.matches("Left alone: ").count(), 4, "{list}");
    assert!(list.contains("Total: 1,") && list.contains("a symbolic link") && list.contains("not a regular file"));
    run_queue(&machine);
    assert_eq!(subjects(&machine), ["A kept one"]);
    assert_eq!(fs::read_to_string(secret).unwrap(), "{}\nnot yours");
    assert_eq!(files(&machine).len(), 4);
}

#[test]
fn a_message_that_cannot_be_read_back_is_failed_and_does_not_stop_the_others() {
    let machine = keeping("on banner times 2: 421 4.3.2 later");
    machine.sendmail(["a@example.org"], b"Subject: Broken\n\nText\n").assert_silent_success();
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    let name =
        files(&machine).into_iter().find(|name| name.ends_with(".message") && name.starts_with(&ids(&machine)[0]));
    let path = outbox(&machine).join(name.unwrap());
    let content = fs::read(&path).unwrap();
    fs::write(&path, &content[..content.len() - 5]).unwrap();
    run_queue(&machine);
    assert!(subjects(&machine).contains(&"A kept one".to_owned()));
    assert!(mailq(&machine).contains("(failed: "), "{}", mailq(&machine));
}

// -- no room

#[test]
fn without_room_it_is_sent_unkept_and_nothing_left_behind() {
    let machine = keeping("");
    let large = [b"Subject: large\n\n".as_slice(), &b"text\n".repeat(40_000)].concat();
    // A limit on file sizes, 64 KiB: the small one fits, the large one does not.
    let limited = |input: &[u8]| {
        let mut command = machine.command("/bin/sh");
        command.arg("-c").arg(format!("ulimit -f 128; exec {} a@example.org", machine.program("sendmail").display()));
        harness::feed(&mut command, input)
    };
    limited(&large).assert_silent_success();
    assert_eq!((files(&machine), subjects(&machine)), (Vec::new(), vec!["large".to_owned()]));
    limited(MESSAGE).assert_silent_success();
    assert_eq!(subjects(&machine), ["large", "A kept one"]);

    let full = outbox(&machine);
    if !nix::unistd::geteuid().is_root() {
        skipped("only root can mount a small file system");
        return;
    }
    let mount = |arguments: &[&str]| Command::new("/bin/mount").args(arguments).status().unwrap().success();
    if !mount(&["-t", "tmpfs", "-o", "size=128k,mode=0700", "tmpfs", full.to_str().unwrap()]) {
        skipped("no file system can be mounted here");
        return;
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        machine.sendmail(["a@example.org"], &large).assert_silent_success();
        assert_eq!(files(&machine), [""; 0]);
        machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
        assert_eq!(subjects(&machine).len(), 4);
    }));
    assert!(Command::new("/bin/umount").arg(&full).status().unwrap().success());
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_folder_others_can_write_takes_nothing_and_is_named_where_nothing_is_sent() {
    let machine = keeping("on banner times 1: 421 4.3.2 later");
    fs::create_dir_all(outbox(&machine)).unwrap();
    fs::set_permissions(outbox(&machine), fs::Permissions::from_mode(0o777)).unwrap();
    let run = machine.sendmail(["a@example.org"], MESSAGE);
    run.assert_failure(75, "could be written by somebody else");
    assert!(
        run.stderr.contains("could not be sent either") && run.stderr.contains("let that folder be yours"),
        "{}",
        run.stderr
    );
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    assert_eq!((subjects(&machine), files(&machine)), (vec!["A kept one".to_owned()], Vec::new()));
}
