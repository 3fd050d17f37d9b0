//! `sendmail -bs`, the real program: what its clients say, what they are answered, and what arrives.

use std::process::Command;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;
use std::{fs, path::Path};

use harness::mime::Arrived;
use harness::stdio_client::StdioClient;
use harness::syslog::syslog;
use harness::{ACCOUNT, Machine, SOON, installed};
use proptest::prelude::*;
use stand_in::Dialogue;

fn dialogue(text: &str) -> Machine {
    Machine::with_dialogue(&Dialogue::parse(text).unwrap())
}

/// The texts of what arrived, in order.
fn subjects(machine: &Machine) -> Vec<String> {
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    let received = machine.outlook.smtp.received();
    received.iter().map(|one| Arrived::parse(&one.data).text("Subject").unwrap_or_default()).collect()
}

// -- captured clients

/// One line of a captured dialogue.
enum Said {
    Client(Vec<u8>),
    Server(String),
}

fn captured(name: &str) -> (Vec<String>, Vec<Said>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/callers-bs").join(name);
    let arguments = fs::read_to_string(folder.join("argv")).unwrap().lines().map(str::to_owned).collect();
    let dialog = fs::read(folder.join("dialog")).unwrap();
    let lines = dialog.split(|&octet| octet == b'\n').filter(|line| !line.is_empty());
    let said = lines.map(|line| {
        let (mark, text) = (line[6], &line[9..]);
        let octets = || [text.strip_suffix(b"<CRLF>").expect("a whole line"), b"\r\n"].concat();
        match mark {
            b'S' => Said::Server(String::from_utf8(text.to_vec()).unwrap()),
            b'C' | b'D' => Said::Client(octets()),
            _ => panic!("{name}: {}", String::from_utf8_lossy(line)),
        }
    });
    (arguments, said.collect())
}

/// Says what the client said, each line only when the reply has come that it had waited for.
fn replay(name: &str, machine: &Machine) -> Vec<Arrived> {
    let (arguments, dialog) = captured(name);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut client = StdioClient::start_with(machine, &arguments);
    for said in dialog {
        match said {
            Said::Client(octets) => client.write(octets),
            Said::Server(reply) => drop(client.expect(name, &reply[..3])),
        }
    }
    client.leave();
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    let received = machine.outlook.smtp.received_whole();
    assert!(received.iter().all(|one| one.is_accepted() && one.facts.is_clean()));
    received.iter().map(|one| Arrived::parse(&one.data)).collect()
}

fn recipients(machine: &Machine) -> Vec<Vec<String>> {
    machine.outlook.smtp.received().iter().map(stand_in::Received::recipients).collect()
}

#[test]
fn alpine_says_its_lines() {
    let machine = Machine::new();
    let arrived = replay("alpine", &machine);
    assert_eq!(recipients(&machine), [["bob@example.com", ACCOUNT]]);
    assert_eq!(arrived[0].field("To"), Some("bob@example.com, me@outlook.com"));
    // The last letter was raw ISO-8859-15.
    let text = arrived[0].body_text();
    assert!(text.contains("\nline1\n=2E\n..two\nAfter =FC\n--8323329"), "{text}");
}

#[test]
fn nmh_says_its_lines() {
    let machine = Machine::new();
    let arrived = replay("nmh", &machine);
    let to = [vec![ACCOUNT, "bob@example.com", "carol@example.org", "hidden@example.com"], vec!["secret@example.net"]];
    assert_eq!(recipients(&machine), to);
    assert_eq!(arrived[0].body_text(), "line1\n.\n..two\nafter\n");
    for message in &arrived {
        assert_eq!((message.text("Subject").as_deref(), message.field("Bcc")), (Some("nmh"), None));
    }
    assert!(arrived[1].body_text().starts_with("------- Blind-Carbon-Copy\n\nFrom: alice@example.com\n"));
}

#[test]
fn symfony_says_its_lines() {
    let machine = Machine::new();
    let arrived = replay("symfony", &machine);
    let to = ["bob@example.com", ACCOUNT, "carol@example.org", "secret@example.net"];
    assert_eq!(recipients(&machine), [to, to]);
    for message in &arrived {
        assert_eq!(message.text("Subject").as_deref(), Some("Grüße aus Symfony"));
        assert_eq!(message.body_text(), "line1\n.\n..two dots\nafter dot\n");
    }
}

#[test]
fn swiftmailer_says_its_lines() {
    let machine = Machine::new();
    let arrived = replay("swiftmailer", &machine);
    assert_eq!(recipients(&machine), [["bob@example.com", ACCOUNT, "carol@example.org", "secret@example.net"]]);
    assert_eq!(arrived[0].body_text(), "line1\n.\n..two\nafter dot\n");
}

// -- the protocol

#[test]
fn what_is_offered() {
    let machine = Machine::new();
    let mut client = StdioClient::start(&machine);
    let banner = client.reply();
    assert!(banner.starts_with("220 ") && banner.ends_with(" ESMTP outlook-sendmail\r\n"), "{banner}");
    let host = banner.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(client.ask("HELO [127.0.0.1]", "250"), format!("250 {host}\r\n"));
    let offers = client.ask("ehlo", "250");
    let words: Vec<&str> = offers.lines().map(|line| &line[4..]).collect();
    let expected =
        ["PIPELINING", "SIZE 157286400", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "HELP"].as_slice();
    assert_eq!(words, [&[host.as_str()], expected].concat());
    for (line, start) in [
        ("RSET", "250 2.0.0"),
        ("NOOP", "250 2.0.0"),
        ("VRFY root", "252 2."),
        ("EXPN staff", "252 2."),
        ("HELP", "214-2.0.0"),
        ("STARTTLS", "502 5.5.1"),
        ("AUTH PLAIN AG1lAHB3", "502 5.5.1"),
        ("BDAT 5 LAST", "502 5.5.1"),
        ("XYZZY", "500 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("RCPT TO:<a@x.org>", "503 5.5.1"),
    ] {
        client.ask(line, start);
    }
    client.quit();
    assert!(machine.outlook.smtp.connections().is_empty());
}

#[test]
fn addresses_are_judged_as_they_come() {
    let machine = Machine::new();
    let mut client = StdioClient::start(&machine);
    client.reply();
    for (line, start) in [
        // Nobody has said HELO.
        ("MAIL FROM:<a@x.org", "501 5.5.4"),
        ("MAIL FROM:<a\u{1}@x.org>", "501 5.1.7"),
        ("MAIL FROM:<a@x.org> SIZE=157286401", "552 5.3.4"),
        ("MAIL FROM:<a@x.org> SIZE=99999999999999999999", "552 5.3.4"),
        ("MAIL FROM:<a@x.org> FOO=BAR", "555 5.5.4"),
        ("MAIL FROM:<> SIZE=157286400 BODY=8BITMIME AUTH=<>", "250 2.1.0"),
        ("MAIL FROM:<b@x.org>", "503 5.5.1"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<a@x.org", "501 5.5.4"),
        ("RCPT TO:<a@>", "501 5.1.3"),
        ("RCPT TO:<a@x.org, b@x.org>", "501 5.1.3"),
        ("RCPT TO:<a@x.org>, <b@x.org>", "501 5.5.4"),
        ("RCPT TO:<a@x.org\0>", "501 5.1.3"),
        ("RCPT TO:<a@x.org> SIZE=1", "555 5.5.4"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<root>", "250 2.1.5"),
        ("RCPT TO:<Postmaster@LOCALHOST>", "250 2.1.5"),
        ("rcpt to: <@relay.example,@other.example:carol@example.org>", "250 2.1.5"),
        ("RCPT TO:<\"a b> \\\"c\"@example.org>", "250 2.1.5"),
        ("RCPT TO:dave@example.org", "250 2.1.5"),
        ("DATA", "354 "),
    ] {
        client.ask(line, start);
    }
    client.write("Subject: judged\r\n\r\n.\r\n");
    client.expect("the dot", "250 2.0.0");
    client.quit();
    let expected = [ACCOUNT, "carol@example.org", "\"a b> \\\"c\"@example.org", "dave@example.org"];
    assert_eq!(recipients(&machine), [expected]);
    assert!(machine.outlook.smtp.received()[0].mail_from.starts_with("MAIL FROM:<me@outlook.com>"));
}

#[test]
fn wishes_for_notifications_go_on() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com> RET=HDRS ENVID=a+2Bb", "250");
    client.ask("RCPT TO:<a@x.org> NOTIFY=SUCCESS ORCPT=rfc822;q@x.org", "250");
    client.ask("RCPT TO:<b@x.org> NOTIFY=SUCCESS,DELAY", "250");
    client.ask("DATA", "354");
    client.write("Subject: dsn\r\n\r\n.\r\n");
    client.expect("the dot", "250");
    client.send("none of it");
    client.quit();
    let received = machine.outlook.smtp.received();
    assert!(received[0].mail_from.contains(" RET=HDRS ENVID=a+2Bb"), "{}", received[0].mail_from);
    assert!(received[0].rcpt_to.iter().all(|one| one.ends_with(" NOTIFY=SUCCESS,DELAY")), "{:?}", received[0].rcpt_to);
    assert!(!received[1].mail_from.contains("RET") && !received[1].rcpt_to[0].contains("NOTIFY"));
}

#[test]
fn an_address_beyond_ascii_goes_on_as_one() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com> SMTPUTF8", "250");
    client.ask("RCPT TO:<jörg@bücher.example>", "250");
    client.ask("DATA", "354");
    client.write("To: jörg@bücher.example\r\n\r\n.\r\n");
    client.expect("the dot", "250");
    client.quit();
    assert_eq!(recipients(&machine), [["jörg@xn--bcher-kva.example"]]);
    assert!(machine.outlook.smtp.received()[0].mail_from.contains(" SMTPUTF8"));
}

#[test]
fn everything_in_one_write() {
    let machine = Machine::new();
    let mut client = StdioClient::start(&machine);
    client.write(
        "EHLO x\r\nMAIL FROM:<me@outlook.com>\r\nRCPT TO:<bad@>\r\nRCPT TO:<a@x.org>\r\nDATA\r\n\
         Subject: one\r\n\r\n..\r\n.\r\nMAIL FROM:<me@outlook.com>\r\nRCPT TO:<b@x.org>\r\nDATA\r\nSubject: two\r\n\r\n.\r\nQUIT\r\n",
    );
    for start in ["220", "250-", "250", "501", "250", "354", "250 2.0.0", "250", "250", "354", "250 2.0.0", "221"] {
        client.expect("one of many", start);
    }
    client.leave();
    assert_eq!(subjects(&machine), ["one", "two"]);
    assert!(machine.outlook.smtp.received()[0].data.ends_with(b"\r\n\r\n.\r\n"));
}

#[test]
fn bare_line_feeds_end_lines_of_a_client_that_writes_them() {
    let machine = Machine::new();
    let mut client = StdioClient::start(&machine);
    client.write(
        "HELO x\nMAIL FROM:<me@outlook.com>\nRCPT TO:<a@x.org>\nDATA\nSubject: lf\n\n..one\ntwo\n.\nNOOP\nQUIT\n",
    );
    for start in ["220", "250", "250", "250", "354", "250 2.0.0", "250", "221"] {
        client.expect("a line", start);
    }
    client.leave();
    assert!(machine.outlook.smtp.received()[0].data.ends_with(b"\r\n\r\n.one\r\ntwo\r\n"));
}

#[test]
fn a_body_cannot_smuggle_in_commands() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<bob@example.com>", "250");
    client.ask("DATA", "354");
    // Symfony doubles dots behind CRLF only.
    client.write("Subject: outer\r\n\r\n\n.\nMAIL FROM:<x@x.org>\n.\r\nRCPT TO:<victim@x.org>\r\n.\r\n");
    client.expect("the dot", "250 2.0.0");
    client.quit();
    assert_eq!(recipients(&machine), [["bob@example.com"]]);
    assert_eq!(subjects(&machine), ["outer"]);
    let arrived = machine.outlook.smtp.received()[0].text();
    assert!(arrived.ends_with("\r\n\r\n.\r\nMAIL FROM:<x@x.org>\r\n.\r\nRCPT TO:<victim@x.org>\r\n"), "{arrived}");
}

#[test]
fn a_file_copied_behind_data_cannot_smuggle_in_commands() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<bob@example.com>", "250");
    client.ask("DATA", "354");
    client.write("Subject: copied\n\ntext\n.\nMAIL FROM:<me@outlook.com>\nRCPT TO:<victim@x.org>\nDATA\n\nspam\n.\n");
    client.write("\r\n.\r\n");
    client.expect("the dot", "250 2.0.0");
    client.quit();
    assert_eq!(recipients(&machine), [["bob@example.com"]]);
}

#[test]
fn garbage_is_answered_and_survived() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    for line in [&b""[..], b"\0\0\0", b"\xff\xfe\xfd", b"GET / HTTP/1.1", b"\x1b[31mRSET", b"{\"a\":1}"] {
        client.write([line, b"\r\n"].concat());
        client.expect("garbage", "500 5.5.1");
    }
    for length in [4097, 1_000_000] {
        client.write("x".repeat(length));
        client.write("\r\n");
        client.expect("a long line", "500 5.5.2");
    }
    // A line over the limit is not a command either, however it starts.
    client.ask(&format!("RSET {}", "x".repeat(5000)), "500 5.5.2");
    client.ask("NOOP", "250");
    assert!(client.send("after garbage").starts_with("250 2.0.0"));
    client.quit();
    assert_eq!(subjects(&machine), ["after garbage"]);
}

/// What a session of any lines answers, each reply well-formed; it ends with status 0.
fn survives(machine: &Machine, lines: &[Vec<u8>]) -> usize {
    let mut client = StdioClient::start(machine);
    client.write([lines.join(&b"\r\n"[..]), b"\r\n".to_vec()].concat());
    let mut replies = 0;
    client.close();
    while client.reply_within(SOON).is_some() {
        replies += 1;
    }
    client.leave();
    replies
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_lines_in_any_order_are_answered(picked in prop::collection::vec((0..12_usize, any::<Vec<u8>>()), 0..20)) {
        static MACHINE: LazyLock<Machine> = LazyLock::new(|| Machine::signed_out(|_| {}, &[]));
        let known = ["HELO x", "EHLO x", "MAIL FROM:<a@x>", "MAIL FROM:<", "RCPT TO:<b@x>", "RCPT TO:", "RSET", "DATA", "."];
        let lines: Vec<Vec<u8>> = picked
            .into_iter()
            .map(|(at, junk)| known.get(at).map_or(junk, |line| line.as_bytes().to_vec()))
            .collect();
        prop_assert!(survives(&MACHINE, &lines) > 0);
    }
}

#[test]
fn content_of_any_octets_is_taken() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<bob@example.com>", "250");
    client.ask("DATA", "354");
    client.write("Subject: octets\r\nBcc: hidden@example.com\r\n\r\n");
    client.write([&b"\0\xff\r.\r\r\n"[..], &[b'x'; 1_000_000], b"\r\n...\r\n.\r\n"].concat());
    client.expect("the dot", "250 2.0.0");
    client.quit();
    let received = machine.outlook.smtp.received();
    assert!(received[0].facts.is_clean(), "{:?}", received[0].facts);
    assert!(!received[0].text().contains("hidden@"));
}

#[test]
fn the_end_of_input_drops_what_is_open() {
    // Before the first record.
    syslog();
    let machine = Machine::new();
    StdioClient::greeted(&machine).leave();
    for rest in ["", "Subject: half\r\n\r\ntext", "Subject: half\r\n\r\ntext\r\n", "x: y\r\n\r\n\r\n.", "x: y\r\n.\r"] {
        let mut client = StdioClient::greeted(&machine);
        client.ask("MAIL FROM:<me@outlook.com>", "250");
        client.ask("RCPT TO:<bob@example.com>", "250");
        client.ask("DATA", "354");
        client.write(rest);
        let pid = client.pid();
        client.leave();
        if let Some(log) = syslog() {
            let record = log.record_of(pid);
            assert!(
                record.contains("to=<bob@example.com>") && record.contains("not sent: the client was gone"),
                "{record}"
            );
        }
    }
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.write("RCPT TO:<bob@exam");
    client.leave();
    assert!(machine.outlook.smtp.connections().is_empty());
}

#[test]
fn a_message_too_large_is_read_to_its_dot_and_refused() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<bob@example.com>", "250");
    client.ask("DATA", "354");
    client.write("Subject: large\r\n\r\n");
    let line = format!("{}\r\n", "x".repeat(998));
    let megabyte = line.repeat(1048);
    for _ in 0..151 {
        client.write(&megabyte);
    }
    client.write(".\r\n");
    client.expect("the dot", "552 5.3.4 message too large");
    // Too many fields, as another limit.
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<bob@example.com>", "250");
    client.ask("DATA", "354");
    client.write("X: y\r\n".repeat(10_001));
    client.write("\r\n.\r\n");
    client.expect("the dot", "552 5.3.4 header too large");
    assert!(client.send("small").starts_with("250"));
    client.quit();
    assert_eq!(subjects(&machine), ["small"]);
}

#[test]
fn more_recipients_than_any_mailbox_may_have_are_for_another_message() {
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    for number in 0..1000 {
        client.ask(&format!("RCPT TO:<a{number}@x.org>"), "250");
    }
    client.ask("RCPT TO:<b@x.org>", "452 4.5.3");
    client.quit();
}

// -- a session that lasts

#[test]
fn hours_may_pass_and_nothing_is_kept_from_one_message_to_the_next() {
    let machine = Machine::new();
    let mut client = StdioClient::start_with(&machine, &["-bs", "-i"]);
    client.reply();
    client.ask("HELO [127.0.0.1]", "250");
    assert!(client.reply_within(Duration::from_secs(2)).is_none());
    assert!(machine.outlook.smtp.connections().is_empty(), "nothing is opened before there is a message");
    assert!(client.send("one").starts_with("250"));
    assert!(machine.outlook.smtp.wait_until_idle(SOON), "nothing stays open behind it");

    // The configuration breaks, and is mended.
    let good = fs::read_to_string(machine.config()).unwrap();
    fs::write(machine.config(), good.replace("address =", "adress =")).unwrap();
    client.ask("NOOP", "250");
    let reply = client.ask("MAIL FROM:<me@outlook.com>", "451 4.3.5 configuration error");
    assert!(reply.contains("config.toml line"), "{reply}");
    client.ask("RSET", "250");
    fs::write(machine.config(), &good).unwrap();
    assert!(client.send("two").starts_with("250"));

    // It breaks while a message comes.
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<bob@example.com>", "250");
    client.ask("DATA", "354");
    fs::write(machine.config(), "").unwrap();
    client.write("Subject: lost?\r\n\r\n.\r\n");
    client.expect("the dot", "451 4.3.5 no account is set up");
    fs::write(machine.config(), &good).unwrap();

    // The alias file comes, changes and goes.
    let aliases = machine.folder.path().join("aliases");
    fs::write(&aliases, "root: alice@example.org\n").unwrap();
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<root>", "250");
    fs::write(&aliases, "root: :include:/nowhere\n").unwrap();
    let reply = client.ask("RCPT TO:<root>", "451 4.3.5 aliases error");
    assert!(reply.contains("line 1: /nowhere: "), "{reply}");
    client.ask("RCPT TO:<alice@example.org>", "250");
    fs::write(&aliases, "root: carol@example.org\n").unwrap();
    client.ask("DATA", "354");
    client.write("Subject: three\r\n\r\n.\r\n");
    client.expect("the dot", "250");
    client.quit();
    assert_eq!(subjects(&machine), ["one", "two", "three"]);
    assert_eq!(recipients(&machine)[2], ["carol@example.org", "alice@example.org"]);
    assert_eq!(machine.outlook.smtp.connections().len(), 3, "each its own connection");
}

#[test]
fn one_record_for_each_message() {
    // Before the first record.
    syslog();
    let Some(log) = syslog() else { return };
    let machine = dialogue("on rcpt containing \"bad@\": 550 5.1.1 User unknown\n");
    let mut client = StdioClient::greeted(&machine);
    client.send("first");
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RCPT TO:<bad@example.org>", "250");
    client.ask("DATA", "354");
    client.write("Subject: second\r\n\r\n.\r\n");
    client.expect("the dot", "554 5.1.1 recipient refused: bad@example.org: 550 5.1.1 User unknown");
    client.ask("MAIL FROM:<me@outlook.com>", "250");
    client.ask("RSET", "250");
    let pid = client.pid();
    client.quit();
    let records = log.records_of(pid);
    assert_eq!(records.len(), 2, "{records:?}");
    assert!(records[0].contains("subject=\"first\" sent: ") && records[0].contains("to=<bob@example.com>"));
    assert!(records[1].contains("subject=\"second\" failed: status=67 dsn=5.1.1"), "{records:?}");
}

#[test]
fn a_signal_ends_it_between_messages_and_not_before_a_verdict() {
    let terminate = |client: &StdioClient| {
        assert!(Command::new("kill").args(["-TERM", &client.pid().to_string()]).status().unwrap().success());
    };
    let machine = dialogue("on content:\n    delay 1500\n    default\n");
    let idle = StdioClient::greeted(&machine);
    terminate(&idle);
    assert_eq!(signal(&idle.end().0), Some(15));

    let mut busy = StdioClient::greeted(&machine);
    busy.ask("MAIL FROM:<me@outlook.com>", "250");
    busy.ask("RCPT TO:<bob@example.com>", "250");
    busy.ask("DATA", "354");
    terminate_later(busy.pid());
    busy.write("Subject: held\r\n\r\n.\r\n");
    busy.expect("the dot", "250 2.0.0");
    assert_eq!(signal(&busy.end().0), Some(15), "once the verdict is told");
    assert_eq!(subjects(&machine), ["held"]);

    let mut middle = StdioClient::greeted(&machine);
    middle.send("free again");
    middle.ask("MAIL FROM:<me@outlook.com>", "250");
    middle.ask("RCPT TO:<bob@example.com>", "250");
    middle.ask("DATA", "354");
    middle.write("Subject: half\r\n");
    terminate(&middle);
    assert_eq!(signal(&middle.end().0), Some(15));
    assert_eq!(subjects(&machine), ["held", "free again"]);
}

fn signal(status: &std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(status)
}

fn terminate_later(pid: u32) {
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(700));
        Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    });
}

// -- verdicts

/// The reply to the dot of one message, and how many arrived.
fn verdict(text: &str) -> (String, usize) {
    let machine = dialogue(text);
    let mut client = StdioClient::greeted(&machine);
    let reply = client.send("judged");
    // The session goes on, whatever it was; RSET says it again, once.
    let words = client.ask("RSET", "250 2.0.0 ok");
    assert_eq!(words == "250 2.0.0 ok\r\n", reply.starts_with("250"), "{words}");
    assert_eq!(client.ask("RSET", "250"), "250 2.0.0 ok\r\n");
    client.quit();
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    (reply, machine.outlook.smtp.received().len())
}

#[test]
fn the_reply_to_the_dot_is_outlooks_verdict() {
    for (dialogue, start, received) in [
        ("", "250 2.0.0 OK <", 1),
        ("on content: 250 2.6.0 <x@y> Queued mail\n", "250 2.6.0 <x@y> Queued mail\r\n", 1),
        ("on content: 451 4.3.0 Not now\n", "451 4.", 0),
        ("on content: 554 5.0.0 No\n", "554 5.0.0 Outlook refuses: 554 5.0.0 No -- nothing was sent", 0),
        ("on content: 554 5.2.252 SendAsDenied; x not allowed\n", "554 5.7.60 Outlook does not let", 0),
        ("on content: drop\n", "554 5.4.2 perhaps sent: ", 0),
        ("on rcpt: 550 5.1.1 No such user\n", "554 5.1.1 recipient refused: ", 0),
        ("on rcpt: 450 4.2.1 Later\n", "451 4.1.1 recipient refused for now", 0),
        ("on banner: 421 4.3.2 Service not available\n", "451 4.", 0),
        ("on ehlo: -STARTTLS\n", "451 4.7.10 the server offers no STARTTLS", 0),
        ("on mail:\n    554 5.0.0 {x*900}\n", "554 5.0.0 Outlook refuses", 0),
        // Ours are ASCII on one line whatever theirs are.
        ("on content:\n    554-5.0.0 N\\xc3\\xa4h\n    554 5.0.0 \\x1b[31mno\\xff\n", "554 5.0.0 Outlook refuses", 0),
    ] {
        let (reply, arrived) = verdict(dialogue);
        assert!(reply.starts_with(start), "{dialogue}: {reply:?}");
        assert_eq!((reply.lines().count(), arrived), (1, received), "{dialogue}: {reply:?}");
    }
}

#[test]
fn without_an_account_the_client_is_told_at_mail() {
    // Before the first record.
    syslog();
    let machine = Machine::new();
    fs::remove_file(machine.config()).unwrap();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<me@outlook.com>", "451 4.3.5 no account is set up");
    client.ask("RCPT TO:<bob@example.com>", "503");
    client.ask("DATA", "503");
    let pid = client.pid();
    client.quit();
    if let Some(log) = syslog() {
        assert!(log.record_of(pid).contains("from=<me@outlook.com>"));
    }
}

#[test]
fn without_a_sign_in_the_client_is_told_at_the_dot() {
    let machine = Machine::signed_out(|_| {}, &[]);
    let mut client = StdioClient::greeted(&machine);
    assert!(client.send("nobody").starts_with("451 4.7.8 not signed in -- run: outlook-sendmail login"));
    client.quit();
}

#[test]
fn a_refused_recipient_does_not_end_the_session() {
    // What Symfony and alpine do after one: RSET and QUIT. nmh: RSET, and it is gone.
    let machine = Machine::new();
    let mut client = StdioClient::greeted(&machine);
    client.ask("MAIL FROM:<web@example.com>", "250");
    client.ask("RCPT TO:<bad@>", "501 5.1.3");
    client.ask("RSET", "250");
    assert!(client.send("next").starts_with("250"));
    client.ask("MAIL FROM:<web@example.com>", "250");
    client.ask("RCPT TO:<bad@>", "501 5.1.3");
    client.write("RSET\r\n");
    let (status, said, errors) = client.end();
    assert_eq!((status.code(), said.as_str(), errors.as_str()), (Some(0), "250 2.0.0 ok\r\n", ""));
}

// -- streams

#[test]
fn standard_error_may_be_the_same_pipe() {
    let machine = dialogue("on content: 554 5.0.0 No\n");
    for arguments in ["-bs", "-bs -v", "-bs -odb -oem"] {
        let mut command = machine.command("/bin/sh");
        command.args(["-c", &format!("exec {} {arguments} 2>&1", machine.program("sendmail").display())]);
        let mut client = StdioClient::spawn(&mut command);
        client.expect("banner", "220");
        assert!(client.send("refused").starts_with("554 5.0.0"));
        client.quit();
    }
}

#[test]
fn a_wrong_call_is_a_greeting_that_refuses() {
    let machine = Machine::new();
    for arguments in [&["-ba"][..], &["-bs", "-Z"], &["-bs", "-bd"], &["-Z", "-bs"]] {
        let mut client = StdioClient::start_with(&machine, arguments);
        client.expect("greeting", "554 5.5.1 ");
        let (status, _, errors) = client.end();
        assert_eq!((status.code(), errors.as_str()), (Some(64), ""));
    }
}

#[test]
fn a_client_that_does_not_listen_any_more_gets_nothing_sent() {
    let machine = Machine::new();
    let script = "EHLO x\\r\\nMAIL FROM:<me@outlook.com>\\r\\nRCPT TO:<bob@example.com>\\r\\nDATA\\r\\nSubject: x\\r\\n\\r\\n.\\r\\n";
    let program = machine.program("sendmail");
    let shell = format!("(sleep 1; printf '{script}'; sleep 1) | {} -bs | head -n 1", program.display());
    let run = harness::run(machine.command("/bin/sh").args(["-c", &shell]), b"");
    assert!(run.stdout.starts_with("220 ") && run.stderr.is_empty(), "{}", run.stderr);
    assert!(machine.outlook.smtp.connections().is_empty());
}

// -- real clients

/// Runs a script of `tests/clients`; `None` when its program is not here.
fn real_client(name: &str, program: &str, machine: &Machine, to: &str) -> Option<harness::Run> {
    if !installed(program) {
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
    let run = harness::run(machine.command(script).arg(machine.program("sendmail")).env("CLIENT_TO", to), b"");
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    assert!(machine.outlook.smtp.received_whole().iter().all(|one| one.facts.is_clean()));
    Some(run)
}

/// What every client sends: `tests/clients/body`.
fn body() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/body")).unwrap()
}

#[test]
fn nmh_sends() {
    let machine = Machine::new();
    let Some(run) = real_client("nmh", "mh/send", &machine, "bob@example.com, root") else { return };
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", ""),
        "{}",
        machine.outlook.smtp.transcript()
    );
    // Local names come first.
    let to = [vec![ACCOUNT, "bob@example.com", "carol@example.org"], vec!["secret@example.net"]];
    assert_eq!(recipients(&machine), to);
    assert_eq!(subjects(&machine), ["nmh grüße", "nmh grüße"]);
    let received = machine.outlook.smtp.received();
    assert!(!received[0].text().contains("secret@"));
    assert_eq!(Arrived::parse(&received[0].data).body_text(), body());
}

#[test]
fn nmh_shows_a_refusal() {
    let machine = dialogue("on content: 554 5.0.0 Not today\n");
    let Some(run) = real_client("nmh", "mh/send", &machine, "bob@example.com") else { return };
    assert_ne!(run.status, 0);
    assert!(run.stderr.contains("Not today"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn symfony_sends_twice_in_a_session() {
    let machine = Machine::new();
    let Some(run) = real_client("symfony", "../share/php/Symfony/Component/Mailer", &machine, "bob@example.com") else {
        return;
    };
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", ""),
        "{}",
        machine.outlook.smtp.transcript()
    );
    let to = ["bob@example.com", "carol@example.org", "secret@example.net"];
    assert_eq!(recipients(&machine), [to, to]);
    assert_eq!(subjects(&machine), ["symfony grüße one", "symfony grüße two"]);
    for received in machine.outlook.smtp.received() {
        assert!(!received.text().contains("secret@"));
        // It always puts a line end in front of the final dot.
        assert_eq!(Arrived::parse(&received.data).body_text(), body() + "\n");
    }
}

#[test]
fn symfony_shows_a_refusal_and_goes_on() {
    let machine = dialogue("on rcpt containing \"bad@\" times 1: 550 5.1.1 No such user\n");
    let Some(run) = real_client("symfony", "../share/php/Symfony/Component/Mailer", &machine, "bad@example.com") else {
        return;
    };
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("550 5.1.1 No such user") && run.stderr.lines().count() == 1, "{}", run.stderr);
    assert_eq!(subjects(&machine), ["symfony grüße two"]);
}

#[test]
fn alpine_sends() {
    let machine = Machine::new();
    let Some(run) = real_client("alpine", "alpine", &machine, "bob@example.com, root@localhost") else { return };
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(recipients(&machine), [["bob@example.com", ACCOUNT, "carol@example.org"]]);
}

#[test]
fn alpine_shows_a_refusal() {
    let machine = dialogue("on content: 554 5.0.0 Not today\n");
    let Some(run) = real_client("alpine", "alpine", &machine, "bob@example.com") else { return };
    assert_eq!(run.status, 1);
    assert!(
        run.stderr.contains("Mail not sent. Sending error: 250 2.0.0 ok after: Outlook refuses: 554 5.0.0 "),
        "{}",
        run.stderr
    );
}
