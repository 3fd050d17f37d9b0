//! `test`, `explain` and `doctor`: the real program on machines where all is well, and where one thing is wrong.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::alice::{as_alice, may_be_alice};
use harness::fixture::{Fixture, fixtures};
use harness::{ACCOUNT, Machine, Run, SOON, assert_no_secret, built, copy_program, installed, run, skipped};
use stand_in::certificates::Authority;
use stand_in::{Answer, Dialogue};

// -- explain

/// What a page says, for comparing it with what arrives.
struct Page {
    sender: String,
    recipients: Vec<String>,
    /// Lines as they leave, each with its mark.
    header: Vec<(char, String)>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let part = |name: &str| -> Vec<&str> {
            let lines = text.lines().skip_while(|line| !line.starts_with(name)).skip(1);
            lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("  |")).collect()
        };
        let envelope = part("Envelope");
        let path = |line: &str, command: &str| {
            line.strip_prefix(command).map(|path| path.trim_start_matches('<').trim_end_matches('>').to_owned())
        };
        let header = part("Header").into_iter().map(|line| {
            let mut rest = line.chars().skip(2);
            let mark = rest.next().unwrap();
            (mark, rest.skip(1).collect::<String>())
        });
        // What is left out may take several lines.
        let mut kept: Vec<(char, String)> = Vec::new();
        let mut leaving = true;
        for (mark, line) in header {
            leaving = if mark == ' ' && line.starts_with([' ', '\t']) { leaving } else { mark != '-' };
            if leaving {
                kept.push((mark, line));
            }
        }
        Self {
            sender: envelope.iter().find_map(|line| path(line, "    MAIL FROM:")).unwrap(),
            recipients: envelope.iter().filter_map(|line| path(line, "    RCPT TO:")).collect(),
            header: kept,
        }
    }
}

/// Fields whose value no two runs share, when we write them.
fn is_stamped(line: &str) -> bool {
    ["Date:", "Message-ID:", "Resent-Date:", "Resent-Message-ID:"].iter().any(|name| line.starts_with(name))
}

fn explain(machine: &Machine, fixture: &Fixture) -> Run {
    let mut arguments = vec!["explain".into()];
    arguments.extend(fixture.arguments.clone());
    machine.run_as("outlook-sendmail", arguments, &fixture.input)
}

/// What differs between what is explained and what then arrives.
fn compare(machine: &Machine, fixture: &Fixture, compared: &mut usize) -> Vec<String> {
    let explained = explain(machine, fixture);
    if !machine.outlook.smtp.connections().is_empty() {
        return vec!["explaining connected to the server".to_owned()];
    }
    machine.rest();
    let sent = machine.sendmail(&fixture.arguments, &fixture.input);
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    let received = machine.outlook.smtp.received_whole();
    machine.outlook.smtp.forget();
    let mut found = Vec::new();
    if explained.status != sent.status {
        found.push(format!("explained with {}, sent with {}: {}", explained.status, sent.status, explained.stderr));
    }
    let [message] = received.as_slice() else {
        if explained.stderr != sent.stderr || !explained.stdout.is_empty() {
            found.push(format!("explained {:?}, sent {:?}", explained.stderr, sent.stderr));
        }
        return found;
    };
    if !explained.stderr.is_empty() {
        found.push(format!("standard error: {}", explained.stderr));
    }
    *compared += 1;
    let page = Page::parse(&explained.stdout);
    if page.recipients != message.recipients() || !message.mail_from.contains(&format!("<{}>", page.sender)) {
        found.push(format!("envelope: {} {:?}", page.sender, page.recipients));
    }
    let text = message.text();
    let header = text.split("\r\n\r\n").next().unwrap();
    let arrived: Vec<&str> = header.trim_end_matches("\r\n").split("\r\n").collect();
    if arrived.len() != page.header.len() {
        found.push(format!("{} lines arrived, explained were {:?}", arrived.len(), page.header));
    }
    for ((mark, explained), arrived) in page.header.iter().zip(arrived) {
        let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
        let same = match *mark == '+' && is_stamped(explained) {
            true => name(explained) == name(arrived),
            false => explained == arrived,
        };
        if !same {
            found.push(format!("explained {explained:?}, arrived {arrived:?}"));
        }
    }
    let size = format!("    {} octets", grouped(message.data.len()));
    if !explained.stdout.contains(&size) {
        found.push(format!("{size} arrived: {}", explained.stdout.lines().rev().nth(2).unwrap_or_default()));
    }
    found
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| std::str::from_utf8(group).unwrap()).collect::<Vec<_>>().join(",")
}

#[test]
fn what_is_explained_is_what_arrives() {
    let machine = Machine::new();
    let all: Vec<_> = ["callers", "edge"].into_iter().flat_map(fixtures).collect();
    assert!(all.len() > 100, "{}", all.len());
    let requests = machine.outlook.endpoint.requests().len();
    let mut compared = 0;
    let report: String = all
        .iter()
        .flat_map(|fixture| {
            compare(&machine, fixture, &mut compared).into_iter().map(|found| format!("\n{}: {found}", fixture.name))
        })
        .collect();
    assert!(report.is_empty(), "{report}");
    assert!(compared > 90, "{compared}");
    assert_eq!(machine.outlook.endpoint.requests().len(), requests, "the token of the sign-in serves all");
}

/// A page without what no two runs share.
fn without_stamps(page: &str) -> String {
    page.lines().fold(String::new(), |text, line| {
        let stamp = line.strip_prefix("  + ").filter(|field| is_stamped(field)).and_then(|field| field.split_once(':'));
        match stamp {
            Some((name, _)) => text + "  + " + name + ": (now)\n",
            None => text + line + "\n",
        }
    })
}

#[test]
fn pages_are_the_committed_ones() {
    let machine = Machine::new();
    if !installed("unshare") || !may_be_alice(&machine) {
        return;
    }
    let mut compared = 0;
    let mut differing = String::new();
    for folder in ["callers", "edge"] {
        for fixture in fixtures(folder) {
            let path: PathBuf =
                [env!("CARGO_MANIFEST_DIR"), "tests", folder, &fixture.name, "explain"].iter().collect();
            let Ok(expected) = fs::read_to_string(&path) else { continue };
            let mut command = as_alice(&machine);
            command.arg(machine.program("outlook-sendmail")).arg("explain").args(&fixture.arguments);
            let ended = run(&mut command, &fixture.input);
            assert_eq!(ended.status, 0, "{}: {}", fixture.name, ended.stderr);
            let page = without_stamps(&ended.stdout);
            compared += 1;
            if std::env::var_os("UPDATE_EXPLAIN").is_some() {
                fs::write(&path, &page).unwrap();
            } else if page != expected {
                differing += &format!("\n{}:\n{page}", path.display());
            }
        }
    }
    assert!(compared >= 15, "{compared}");
    assert!(differing.is_empty(), "UPDATE_EXPLAIN=1 rewrites them:{differing}");
}

#[test]
fn explaining_asks_no_store_and_no_network() {
    let machine = Machine::signed_out(|_| {}, &[("store".to_owned(), "\"secret-service\"".to_owned())]);
    let bus = machine.folder.path().join("bus");
    let listener = UnixListener::bind(&bus).unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut command = machine.command(machine.program("outlook-sendmail"));
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()));
    let ended = run(command.args(["explain", "-t"]), b"To: a@example.org\nSubject: x\n\ntext\n");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert!(listener.accept().is_err(), "the keyring was asked");
    assert!(machine.outlook.smtp.connections().is_empty() && machine.outlook.endpoint.requests().is_empty());
    assert!(!machine.state().exists(), "nothing is kept");
}

#[test]
fn the_account_and_what_chose_it_are_told() {
    let machine = Machine::signed_out(|_| {}, &[]);
    let more = "\n[accounts.work]\naddress = \"work@example.com\"\nhost = \"localhost\"\nclient_id = \"x\"\n";
    let config = fs::read_to_string(machine.config()).unwrap() + more;
    fs::write(machine.config(), config).unwrap();
    for (arguments, header, wanted) in [
        (&["explain", "-fwork@example.com", "a@x.org"][..], "", "work, work@example.com\n  |   -f is an address of it"),
        (&["explain", "a@x.org"], "From: W <work@example.com>\n", "work, work@example.com\n  |   From is an address"),
        (&["explain", "a@x.org"], "From: root\n", "me, me@outlook.com\n  |   neither -f nor From"),
    ] {
        let ended = machine.run_as("outlook-sendmail", arguments, format!("{header}\ntext\n").as_bytes());
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert!(ended.stdout.starts_with(&format!("Account\n    {wanted}")), "{}", ended.stdout);
    }
}

#[test]
fn a_call_that_cannot_be_explained_is_drained_and_says_why() {
    let machine = Machine::signed_out(|_| {}, &[]);
    let large = vec![b'x'; 1 << 20];
    for (arguments, status, words) in [
        (&["explain", "-bp"][..], 64, "only calls that send a message"),
        (&["explain", "-bs"], 64, "only calls that send a message"),
        (&["explain", "-Z"], 64, "unknown option: -Z"),
        (&["explain"], 64, "no recipients"),
        (&["explain", "a@@b"], 65, "cannot read this address"),
        (&["explain", "--config", "/nonexistent", "a@b.org"], 78, "no account is set up"),
        (&["--config", "/nonexistent", "explain", "a@b.org"], 78, "no account is set up"),
    ] {
        let mut command = machine.command(machine.program("outlook-sendmail"));
        harness::feed(command.args(arguments), &large).assert_failure(status, words);
    }
}

#[test]
fn what_outlook_renamed_is_explained() {
    let machine = Machine::new();
    machine.sendmail(["a@example.org"], b"Message-ID: <old@here>\nSubject: one\n\n").assert_silent_success();
    let new = machine.outlook.smtp.received()[0].new_message_id.clone();
    let answer = b"In-Reply-To: <old@here>\nReferences: <other@there> <old@here>\nSubject: Re: one\n\n";
    let ended = machine.run_as("outlook-sendmail", ["explain", "a@example.org"], answer);
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    let page: String = ended.stdout.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(&format!("~ In-Reply-To: {new}")), "{}", ended.stdout);
    assert!(page.contains("was: <old@here>") || page.contains("<old@here>"), "{}", ended.stdout);
    let reason = "Outlook gave the message it refers to another Message-ID";
    assert_eq!(page.matches(reason).count(), 2, "{}", ended.stdout);
}

// -- test

/// The steps without their times, wrapped lines joined.
fn steps(ended: &Run) -> Vec<String> {
    let page = ended.stdout.replace("\n           ", " ");
    page.lines().map(|line| line.split_once(" s  ").map_or(line, |(_, step)| step).to_owned()).collect()
}

#[test]
fn test_tells_every_step_and_sends() {
    let machine = Machine::new();
    let ended = machine.run_as("outlook-sendmail", ["test"], b"");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert_no_secret(&ended.stdout);
    let steps = steps(&ended);
    let beginnings = [
        "configuration ",
        "a message of ",
        "access token ",
        "connected to localhost [",
        "TLS 1.3, certificate verified",
        "signed in as me@outlook.com",
        "recipient me@outlook.com accepted",
        "",
        "Outlook took it: 2.0.0 OK <",
        "Sent. It should be in your inbox within a minute.",
    ];
    assert_eq!(steps.len(), beginnings.len(), "{steps:?}");
    for (step, beginning) in steps.iter().zip(beginnings) {
        assert!(step.starts_with(beginning), "{step:?}, not {beginning:?}");
    }
    let status = machine.run_as("outlook-sendmail", ["status"], b"").stdout;
    assert!(status.contains("Last sent"), "{status}");
    let received = machine.outlook.smtp.received();
    assert_eq!(received[0].recipients(), [ACCOUNT]);
    assert!(received[0].text().ends_with("This is a test message of outlook-sendmail.\r\n"));
}

#[test]
fn test_tells_every_step_over_graph() {
    let machine = Machine::with(|_| {}, &[config("transport", "\"graph\"")]);
    let ended = machine.run_as("outlook-sendmail", ["test"], b"");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert_no_secret(&ended.stdout);
    let steps = steps(&ended);
    let beginnings = [
        "configuration ",
        "a message of ",
        "access token ",
        "",
        "connected to localhost ",
        "TLS 1.3, certificate verified",
        "Outlook took it: 202 Accepted",
        "Sent. It should be in your inbox within a minute.",
    ];
    assert_eq!(steps.len(), beginnings.len(), "{steps:?}");
    for (step, beginning) in steps.iter().zip(beginnings) {
        assert!(step.starts_with(beginning), "{step:?}, not {beginning:?}");
    }
    assert_eq!(machine.outlook.graph.accepted().len(), 1);
}

#[test]
fn test_sends_to_others_and_through_the_account_named() {
    let machine = Machine::new();
    let ended = machine.run_as("outlook-sendmail", ["test", "a@example.org", "--account", "me"], b"");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stdout.ends_with("Sent. It should be in the inbox of a@example.org within a minute.\n"));
    assert_eq!(machine.outlook.smtp.received()[0].recipients(), ["a@example.org"]);
    for (arguments, status, words) in [
        (&["test", "--account", "other"][..], 78, "no such account"),
        (&["test", "a@@b"], 65, "cannot read this address"),
    ] {
        let ended = machine.run_as("outlook-sendmail", arguments, b"");
        assert_eq!(ended.status, status);
        assert!(ended.stderr.contains(words) && ended.stdout.contains(" s  failed: "), "{}", ended.stderr);
    }
}

#[test]
fn test_fails_as_sendmail_does_and_names_the_step() {
    for (name, last_step) in [
        ("banner-554", "connected to"),
        ("starttls-missing", "connected to"),
        ("starttls-injected", "connected to"),
        ("tls-expired", "connected to"),
        ("tls-wrong-host", "connected to"),
        ("ehlo2-without-xoauth2", "TLS 1.3"),
        ("auth-535-token", "the cached access token was refused"),
        ("auth-535-smtp-disabled-mailbox", "TLS 1.3"),
        ("auth-421", "TLS 1.3"),
        ("mail-550-send-as", "signed in as"),
        ("rcpt-550", "signed in as"),
        ("data-554", "signed in as"),
        ("content-554-suspend", "recipient "),
        ("content-drop", "recipient "),
        ("content-432-always", "recipient "),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/dialogues/{name}.dialogue"));
        let dialogue = Dialogue::parse(&fs::read_to_string(file).unwrap()).unwrap();
        let machine = Machine::with_dialogue(&dialogue);
        let ended = machine.run_as("outlook-sendmail", ["test", "a@example.org"], b"");
        let expected = dialogue.expectations();
        assert_eq!(ended.status, i32::from(expected.status.unwrap()), "{name}: {}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{name}: {}", ended.stderr);
        for words in &expected.stderr {
            assert!(ended.stderr.contains(words), "{name}: {words:?} in {}", ended.stderr);
        }
        let steps = steps(&ended);
        assert!(steps.iter().any(|step| step.starts_with(last_step)), "{name}: {steps:?}");
        assert!(steps.last().unwrap().starts_with("failed: "), "{name}: {steps:?}");
        assert_no_secret(&(ended.stdout.clone() + &ended.stderr));
    }
}

// -- doctor

fn doctor(machine: &Machine) -> Run {
    let ended = machine.run_as("outlook-sendmail", ["doctor"], b"");
    assert_no_secret(&ended.stdout);
    assert_eq!(ended.stderr, "");
    ended
}

/// The page with every wrapped line joined to the one before.
fn findings(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in page.lines() {
        match (line.strip_prefix("                      "), found.last_mut()) {
            (Some(rest), Some(last)) => *last += &format!(" {}", rest.trim_start()),
            (_, _) => found.push(line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }
    found
}

/// One finding begins so and holds these words.
fn assert_found(ended: &Run, beginning: &str, words: &str) {
    let found = findings(&ended.stdout);
    let holds = found.iter().any(|line| line.starts_with(beginning) && line.contains(words));
    assert!(holds, "{beginning:?} with {words:?} in {found:#?}");
}

fn config(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn doctor_finds_nothing_where_nothing_is_wrong() {
    let machine = Machine::new();
    let ended = doctor(&machine);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    for (beginning, words) in [
        ("ok configuration", "account me"),
        ("ok certificates", "to trust"),
        ("ok name", "localhost is 127.0.0.1"),
        ("ok port", "certificate verified"),
        ("ok clock", "agrees"),
        ("ok port", "connected to localhost ["),
        ("ok encryption", "TLS 1.3, certificate of localhost verified"),
        ("ok store", "file"),
        ("ok client id", "configuration"),
        ("ok sign-in", "days without use"),
        ("ok renewal", "just now"),
        ("ok root's mail", "goes to me@outlook.com"),
    ] {
        assert_found(&ended, beginning, words);
    }
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80 || line.contains('/')), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\x1b'), "colour only at a terminal");
    let said = machine.outlook.smtp.transcript();
    assert!(!said.contains("AUTH XOAUTH2 ") && !said.contains("MAIL FROM"), "{said}");
}

#[test]
fn doctor_says_when_git_writes_as_another() {
    if !installed("git") {
        return skipped("git is not installed");
    }
    let machine = Machine::new();
    let advice = format!("git config --global sendemail.from {ACCOUNT}");
    for (sender, is_told) in [("ada@example.org", true), (ACCOUNT, false)] {
        fs::write(machine.folder.path().join(".gitconfig"), format!("[sendemail]\nfrom = {sender}\n")).unwrap();
        let page = doctor(&machine).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(page.contains(&advice), is_told, "{page}");
    }
}

#[test]
fn doctor_names_what_is_wrong_with_the_way() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let elsewhere = tempfile::tempdir().unwrap();
    let other_ca = elsewhere.path().join("other.pem");
    fs::write(&other_ca, Authority::new().unwrap().pem()).unwrap();
    let other_ca = format!("{:?}", other_ca.to_str().unwrap());
    for (key, value, status, beginning, words) in [
        ("host", "\"no-such-host.invalid\"", 75, "FAIL name", "no-such-host.invalid"),
        ("port", &closed.to_string(), 75, &format!("FAIL port {closed}"), "is that port blocked here?"),
        ("tls_ca_file", &other_ca, 76, "FAIL encryption", "certificate was refused"),
        ("tls_ca_file", "\"/nonexistent\"", 78, "FAIL certificates", "No such file"),
        ("endpoints", &format!("{{ authority = \"https://localhost:{closed}\" }}"), 75, "FAIL port", "refused"),
    ] {
        let machine = Machine::signed_out(|_| {}, &[config(key, value)]);
        let ended = doctor(&machine);
        assert_found(&ended, beginning, words);
        if key != "tls_ca_file" || status == 78 {
            assert_eq!(ended.status, status, "{}", ended.stdout);
        }
    }
}

#[test]
fn doctor_reads_the_servers_refusals() {
    for (name, status, words) in [
        ("banner-554", 69, "554"),
        ("starttls-missing", 76, "offers no STARTTLS"),
        ("starttls-injected", 76, "tampered"),
        ("tls-expired", 76, "expired"),
        ("tls-wrong-host", 76, "not valid for the name"),
        ("tls-stall", 75, "ran out of time"),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/dialogues/{name}.dialogue"));
        let dialogue = Dialogue::parse(&fs::read_to_string(file).unwrap()).unwrap();
        let machine = Machine::with_dialogue(&dialogue);
        let ended = doctor(&machine);
        assert_found(&ended, "FAIL encryption", words);
        assert_eq!(ended.status, status, "{name}: {}", ended.stdout);
    }
}

#[test]
fn doctor_looks_at_the_way_the_account_takes() {
    let machine = Machine::with(|_| {}, &[config("transport", "\"graph\"")]);
    let before = machine.outlook.smtp.connections().len();
    let ended = doctor(&machine);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert_found(&ended, "-- port", "not needed: mail goes through Microsoft Graph");
    let graph = machine.outlook.graph.url();
    let port = graph.rsplit_once(':').unwrap().1;
    assert_found(&ended, &format!("ok port {port}"), "localhost answers, certificate verified");
    assert_eq!(machine.outlook.smtp.connections().len(), before);

    let by_password = [config("provider", "\"custom\""), config("auth", "\"password\"")];
    let machine = Machine::signed_out(|options| options.password = Some("horse".to_owned()), &by_password);
    let ended = doctor(&machine);
    assert_found(&ended, "FAIL sign-in", "no password is kept");
    assert_eq!(ended.status, 77, "{}", ended.stdout);
    assert_eq!(machine.run_as("outlook-sendmail", ["login"], b"horse\n").status, 0);
    let ended = doctor(&machine);
    assert_found(&ended, "ok sign-in", "with a password, kept for localhost");
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert!(machine.outlook.endpoint.requests().is_empty(), "there is no sign-in to renew");
}

#[test]
fn doctor_knows_a_sign_in_that_no_longer_works() {
    let ended = doctor(&Machine::signed_out(|_| {}, &[]));
    assert_found(&ended, "FAIL sign-in not signed in", "-> run: outlook-sendmail login");
    assert_eq!(ended.status, 77);

    let machine = Machine::new();
    machine.outlook.endpoint.answer_always(Some(Answer::oauth_error(400, "invalid_grant", 70_000, "revoked")));
    let ended = doctor(&machine);
    assert_found(&ended, "ok sign-in", "kept");
    assert_found(&ended, "FAIL renewal", "-> run: outlook-sendmail login");
    assert_eq!(ended.status, 77);
}

#[test]
fn doctor_compares_the_clock() {
    let machine = Machine::new();
    let headers = vec![("Date".to_owned(), "Sun, 06 Nov 1994 08:49:37 GMT".to_owned())];
    machine.outlook.endpoint.answer_next([Answer::Http { status: 404, headers, body: Vec::new() }]);
    let ended = doctor(&machine);
    assert_found(&ended, "warn clock", "minutes ahead");
    assert_eq!(ended.status, 0);
}

#[test]
fn doctor_looks_at_permissions() {
    let machine = Machine::new();
    fs::set_permissions(&machine.secrets()[0], fs::Permissions::from_mode(0o644)).unwrap();
    let ended = doctor(&machine);
    assert_found(&ended, "FAIL store", "chmod 600");
    assert_eq!(ended.status, 78);

    fs::set_permissions(machine.config(), fs::Permissions::from_mode(0o666)).unwrap();
    let ended = doctor(&machine);
    assert_found(&ended, "FAIL configuration", "chmod go-w");
    assert_eq!(ended.status, 78);

    fs::set_permissions(machine.config(), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(machine.config(), "[accounts.me]\nadress = \"x\"\n").unwrap();
    assert_found(&doctor(&machine), "FAIL configuration", "line 2");
}

#[test]
fn doctor_does_not_wait_for_a_hung_keyring() {
    let machine = Machine::signed_out(|_| {}, &[config("store", "\"secret-service\"")]);
    let bus = machine.folder.path().join("bus");
    // Somebody connects, and nobody answers.
    let _hung = UnixListener::bind(&bus).unwrap();
    let mut command = machine.command(machine.program("outlook-sendmail"));
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()));
    let ended = run(command.arg("doctor"), b"");
    assert_found(&ended, "FAIL store the keyring does not answer", "restart it");
    assert_eq!(ended.status, 75, "{}", ended.stdout);
}

#[test]
fn doctor_says_who_gets_roots_mail() {
    let machine = Machine::new();
    let aliases = machine.folder.path().join("aliases");
    fs::write(&aliases, "root: admin\nadmin: a@example.org, b@example.org\n").unwrap();
    assert_found(&doctor(&machine), "ok root's mail", "a@example.org (");
    fs::write(&aliases, "root: :include:/nonexistent\n").unwrap();
    let ended = doctor(&machine);
    assert_found(&ended, "FAIL root's mail", "/nonexistent");
    assert_eq!(ended.status, 78);
}

/// Runs doctor where `/usr/sbin/sendmail` and PHP's settings are files of the test's own.
fn elsewhere(machine: &Machine, sendmail: &Path, php: &str) -> Option<Run> {
    const BIND: &str = "mount --bind \"$1\" /usr/sbin/sendmail && mkdir -p /etc/php && mount --bind \"$2\" /etc/php \
                        || exit 125; shift 2; exec \"$@\"";
    if !nix::unistd::geteuid().is_root() || !installed("unshare") || !Path::new("/usr/sbin/sendmail").exists() {
        skipped("only root can have another /usr/sbin/sendmail");
        return None;
    }
    let settings = machine.folder.path().join("php/8.2/cli/conf.d");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.parent().unwrap().join("php.ini"), "; sendmail_path = \"x\"\n").unwrap();
    fs::write(settings.join("20-mail.ini"), php).unwrap();
    let mut command = machine.command("unshare");
    command.args(["--mount", "/bin/sh", "-c", BIND, "sh"]).arg(sendmail).arg(machine.folder.path().join("php"));
    command.env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", machine.folder.path().display()));
    Some(run(command.arg(machine.program("outlook-sendmail")).arg("doctor"), b""))
}

#[test]
fn doctor_knows_who_takes_this_machines_mail() {
    let machine = Machine::new();
    let ours = &built();
    let Some(ended) = elsewhere(&machine, ours, "") else { return };
    assert_found(&ended, "ok sendmail", "/usr/sbin/sendmail is this program");
    assert_found(&ended, "ok PHP", "as built");
    if git().is_some() {
        assert_found(&ended, "ok git", "send-email runs sendmail, this program");
    }

    let copy = machine.folder.path().join("copy");
    copy_program(&copy);
    let php = "sendmail_path = \"/usr/sbin/sendmail -t -i\"\n";
    let ended = elsewhere(&machine, &copy, php).unwrap();
    assert_found(&ended, "ok sendmail", "another copy of this program");
    assert_found(&ended, "ok PHP", "this program");

    let script = machine.folder.path().join("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(machine.program("sendmail")).unwrap();
    symlink(&script, machine.program("sendmail")).unwrap();
    let ended = elsewhere(&machine, &script, "").unwrap();
    assert_found(&ended, "warn sendmail", "/usr/sbin/sendmail is a script");
    assert_found(&ended, "warn PHP", "mail() runs /usr/sbin/sendmail, which is not this program");
    if git().is_some() {
        assert_found(&ended, "warn git", "send-email runs /usr/sbin/sendmail, which is not this program");
    }
    let pools = machine.folder.path().join("php/8.2/fpm/pool.d");
    fs::create_dir_all(&pools).unwrap();
    fs::write(pools.join("www.conf"), "[www]\nphp_admin_value[sendmail_path] = /usr/bin/msmtp -t\n").unwrap();
    assert_found(&elsewhere(&machine, ours, "").unwrap(), "warn PHP", "www.conf");
    fs::remove_dir_all(&pools).unwrap();
    let ended = elsewhere(&machine, ours, "sendmail_path = /usr/bin/msmtp -t\n").unwrap();
    assert_found(&ended, "warn sendmail", "first in PATH, is a script");
    assert_found(&ended, "warn PHP", "20-mail.ini");
    assert_eq!(ended.status, 0, "{}", ended.stdout);
}

#[test]
fn doctor_reads_gits_settings() {
    let Some(git) = git() else { return };
    let machine = Machine::new();
    let with = |settings: &str| {
        fs::write(machine.folder.path().join(".gitconfig"), settings).unwrap();
        let mut command = machine.command(machine.program("outlook-sendmail"));
        command.env("PATH", git.parent().unwrap()).current_dir(machine.folder.path());
        run(command.arg("doctor"), b"")
    };
    let told = with("[sendemail]\nsmtpServer = smtp.example.org\n");
    assert_found(&told, "warn git", "talks to smtp.example.org itself");
    let ours = machine.program("sendmail");
    let told = with(&format!("[sendemail]\nsmtpServer = {}\n", ours.display()));
    assert_found(&told, "ok git", "runs this program");
    assert_found(&with("[sendemail]\nsendmailCmd = /bin/false -t\n"), "warn git", "/bin/false -t");
}

fn git() -> Option<PathBuf> {
    let folders: BTreeSet<_> = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).into();
    let found = folders.into_iter().map(|folder| folder.join("git")).find(|git| git.exists());
    if found.is_none() {
        skipped("git is not installed");
    }
    found
}

#[test]
fn doctor_says_that_nobody_tries_kept_messages_again() {
    let machine = Machine::with(|_| {}, &[config("on_failure", "\"keep\"")]);
    let ended = doctor(&machine);
    assert_found(&ended, "warn queue", "nothing on this machine tries again");
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    let machine = Machine::with(|_| {}, &[config("on_failure", "\"report\"")]);
    assert!(!doctor(&machine).stdout.contains("queue"));
}

#[test]
fn doctor_is_of_use_before_there_is_an_account() {
    let mut command = Command::new(built());
    let folder = tempfile::tempdir().unwrap();
    command.env_clear().env("HOME", folder.path()).env("OUTLOOK_SENDMAIL_CONFIG", folder.path().join("none"));
    // Without a network the names fail, and fast.
    let ended = run(command.arg("doctor"), b"");
    assert_eq!(ended.status, 78, "{}", ended.stdout);
    assert_found(&ended, "FAIL configuration no account", "-> run: outlook-sendmail login");
    let found = findings(&ended.stdout);
    assert!(found.iter().any(|line| line.contains("smtp-mail.outlook.com")), "{found:#?}");
}
