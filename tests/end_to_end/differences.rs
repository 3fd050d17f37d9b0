//! Differences from Sendmail and Postfix (src/manual/differences.rs) that no other test tries.

use std::fs;

use harness::mime::Arrived;
use harness::{ACCOUNT, Machine, SOON};
use stand_in::Dialogue;

const MESSAGE: &[u8] = b"From: me@outlook.com\nTo: root\nSubject: x\n\nText\n";

/// A machine with these aliases.
fn with_aliases(text: &str) -> Machine {
    let machine = Machine::new();
    fs::write(machine.folder.path().join("aliases"), text).unwrap();
    machine
}

/// Sends, silently, and gives who got the one message, and it.
fn sent(machine: &Machine, arguments: &[&str], input: &[u8]) -> (Vec<String>, Arrived) {
    machine.outlook.smtp.forget();
    machine.sendmail(arguments, input).assert_silent_success();
    let received = machine.outlook.smtp.received_whole();
    assert_eq!(received.len(), 1, "{arguments:?}");
    assert!(received[0].mail_from.starts_with(&format!("MAIL FROM:<{ACCOUNT}>")), "{}", received[0].mail_from);
    (received[0].recipients(), Arrived::parse(&received[0].data))
}

#[test]
fn a_foreign_or_null_sender_is_the_account() {
    let machine = Machine::new();
    for sender in ["", "<>", "bounce@example.org", "root", "root@", ACCOUNT] {
        assert_eq!(sent(&machine, &["-i", "-f", sender, "bob@example.com"], MESSAGE).0, ["bob@example.com"]);
    }
}

#[test]
fn a_quoted_from_line_is_dropped() {
    let (_, arrived) = sent(&Machine::new(), &["bob@example.com"], b">From y\nSubject: x\n\nText\n");
    assert_eq!((arrived.field("Subject"), arrived.body_text()), (Some("x"), "Text\n"));
}

/// The octets of the one part that arrived as base64.
fn base64_part(machine: &Machine, input: &[u8]) -> Vec<u8> {
    machine.outlook.smtp.forget();
    machine.sendmail(["-i", "b@example.com"], input).assert_silent_success();
    let data = String::from_utf8(machine.outlook.smtp.received_whole()[0].data.clone()).unwrap();
    let (_, behind) = data.split_once("Content-Transfer-Encoding: base64\r\n").unwrap();
    let content = behind.strip_prefix("\r\n").or_else(|| behind.split_once("\r\n\r\n").map(|parts| parts.1)).unwrap();
    let lines: String = content.split("\r\n").take_while(|line| !line.starts_with("--")).collect();
    harness::mime::base64(lines.as_bytes())
}

#[test]
fn what_is_no_text_keeps_every_octet() {
    let machine = Machine::new();
    let picture = b"\x89PNG\r\n\x1a\n\0a\rb\r\r\n\n\r\n\xffend\r";
    let plain = b"only\nascii\r\n";
    let header = "From: me@outlook.com\nSubject: x\nMIME-Version: 1.0\n";
    for (media, content) in [
        ("image/png\nContent-Transfer-Encoding: binary", &picture[..]),
        ("image/png", picture),
        ("text/plain; charset=utf-16le", picture),
        ("application/octet-stream\nContent-Transfer-Encoding: binary", plain),
    ] {
        let whole = [header.as_bytes(), b"Content-Type: ", media.as_bytes(), b"\n\n", content].concat();
        assert_eq!(base64_part(&machine, &whole), content, "{media}");
        for line_end in ["\n", "\r\n"] {
            let start = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n";
            let start = format!("{header}{start}Content-Type: {media}\n\n").replace('\n', line_end);
            let end = "\n--b--\n".replace('\n', line_end);
            let whole = [start.as_bytes(), content, end.as_bytes()].concat();
            assert_eq!(base64_part(&machine, &whole), content, "{media} {line_end:?}");
        }
    }
}

#[test]
fn octets_nobody_can_be_sure_of_are_refused() {
    let machine = Machine::new();
    let message = |line_end: &str, content: &str, last: &str| {
        let text = "From: me@outlook.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\
                    Content-Type: image/png\nContent-Transfer-Encoding: binary\n\n";
        format!("{}{content}{last}", text.replace('\n', line_end)).into_bytes()
    };
    for input in [message("\r", "a\rb", "\r--b--\r"), message("\n", "a", "\r\n--b--\r\n")] {
        let ended = machine.sendmail(["-i", "b@example.com"], &input);
        assert_eq!(ended.status, 65, "{}", ended.stderr);
        assert!(ended.stderr.contains("cannot be known"), "{}", ended.stderr);
    }
    assert!(machine.outlook.smtp.connections().is_empty());
}

#[test]
fn an_alias_is_never_a_command_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("written");
    let written = written.display();
    let machine =
        with_aliases(&format!("run: \"|touch {written}\"\nfile: {written}\nboth: |touch {written}, b@example.org\n"));
    assert_eq!(sent(&machine, &["run"], MESSAGE).0, [ACCOUNT]);
    assert_eq!(sent(&machine, &["file"], MESSAGE).0, [ACCOUNT]);
    assert_eq!(sent(&machine, &["both"], MESSAGE).0, ["b@example.org"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_alias_of_several_is_shown_as_a_group() {
    let (to, arrived) = sent(&with_aliases("root: a@example.org, b@example.org\n"), &["-t"], MESSAGE);
    assert_eq!((to.len(), arrived.field("To")), (2, Some("root:;")));
    let (to, arrived) = sent(&with_aliases("root: a@example.org\n"), &["-t"], MESSAGE);
    assert_eq!((to.len(), arrived.field("To")), (1, Some("a@example.org")));
}

#[test]
fn aliases_count_always() {
    let machine = with_aliases("root: a@example.org\n");
    assert_eq!(sent(&machine, &["-n", "root"], MESSAGE).0, ["a@example.org"]);
}

#[test]
fn the_caller_waits_whatever_he_says() {
    let machine = Machine::with_dialogue(&Dialogue::parse("on content: 554 5.0.0 Not today\n").unwrap());
    for mode in ["-odb", "-odq", "-odd", "-ODeliveryMode=background"] {
        machine.sendmail([mode, "bob@example.com"], MESSAGE).assert_failure(69, "Not today");
    }
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    assert_eq!(machine.outlook.smtp.received().len(), 0);
}

#[test]
fn help_is_asked_for_first() {
    let machine = Machine::new();
    for (word, says) in [("--help", "usage: sendmail "), ("--version", "outlook-sendmail 0.")] {
        let run = machine.sendmail([word], b"");
        assert!(run.status == 0 && run.stdout.contains(says) && run.stderr.is_empty(), "{}", run.stdout);
        machine.sendmail(["-i", word], MESSAGE).assert_failure(64, "unknown option: --");
        machine.sendmail(["-f", word, "bob@example.com"], MESSAGE).assert_silent_success();
    }
}

#[test]
fn a_transcript_goes_to_standard_error() {
    let run = Machine::new().sendmail(["-v", "bob@example.com"], MESSAGE);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains(">>> MAIL FROM:<me@outlook.com>"), "{}", run.stderr);
    harness::assert_no_secret(&run.stderr);
}

#[test]
fn arguments_choose_no_configuration_and_no_file() {
    let machine = Machine::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let file = file.to_str().unwrap();
    let settings = [format!("QueueDirectory={}", folder.path().display()), format!("DeadLetterDrop={file}")];
    let arguments =
        ["-C", file, "-X", file, "-D", file, "-O", &settings[0], "-O", &settings[1], "-oQ/", "bob@example.com"];
    assert_eq!(sent(&machine, &arguments, MESSAGE).0, ["bob@example.com"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn where_a_name_leads_is_printed() {
    let machine = with_aliases("root: a@example.org, b@example.org\n");
    let connections = machine.outlook.smtp.connections().len();
    let run = machine.sendmail(["-bv", "root", "x@example.org"], b"");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(
        run.stdout,
        "root... deliverable: mailer outlook, user a@example.org, b@example.org\n\
         x@example.org... deliverable: mailer outlook, user x@example.org\n"
    );
    assert_eq!(machine.outlook.smtp.connections().len(), connections);
}
