//! Several accounts in one configuration, each with a provider of its own, and which of them a message goes through.

use std::fs;
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use harness::bounded::Bounded as _;
use harness::{ACCOUNT, Machine, Run, SOON};
use serde_json::Value;
use stand_in::{DeviceFlow, Dialogue, Options, Outlook, Received};

const WORK: &str = "boss@contoso.example";
const TEAM: &str = "Team@Contoso.example";

/// `me` at the machine's Outlook, and `work` at one of its own.
struct Two {
    machine: Machine,
    work: Outlook,
}

impl Two {
    /// Both signed in; `me` is used when nothing else decides.
    fn new() -> Self {
        Self::with(|_| {}, &[])
    }

    /// The same with changes to the machine's own account.
    fn with(change: impl FnOnce(&mut Options), config: &[(String, String)]) -> Self {
        let machine = Machine::with(change, config);
        let mut options = Options::new(machine.folder.path().join("work-ca.pem"));
        options.account = WORK.to_owned();
        options.aliases = vec![TEAM.to_owned()];
        options.tenant = "organizations".to_owned();
        options.keep_message_id = true;
        let work = Outlook::start(options).unwrap();
        let more = [
            ("provider", "\"microsoft365\"".to_owned()),
            ("send_as", format!("[{TEAM:?}]")),
            ("on_failure", "\"report\"".to_owned()),
            // What waits for something shows.
            ("deadline", "600".to_owned()),
        ];
        let table = work.config_toml_with(&more.map(|(key, value)| (key.to_owned(), value)));
        let table = table.split_once("\n\n").unwrap().1.replace("[accounts.me]", "[accounts.work]");
        fs::write(machine.config(), fs::read_to_string(machine.config()).unwrap() + "\n" + &table).unwrap();
        work.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
        let login = machine.run_as("outlook-sendmail", ["login", "--account", "work"], b"");
        assert_eq!(login.status, 0, "login: {}{}", login.stdout, login.stderr);
        assert!(work.smtp.wait_until_idle(SOON), "login hung up");
        work.smtp.forget();
        Self { machine, work }
    }

    /// Nothing decides when neither -f nor From does.
    fn without_preference(self) -> Self {
        let config = fs::read_to_string(self.machine.config()).unwrap();
        fs::write(self.machine.config(), config.replacen("account = \"me\"\n", "", 1)).unwrap();
        self
    }

    fn send(&self, arguments: &[&str], from: &str) -> Run {
        let message = format!("{from}Subject: which\n\ntext\n");
        self.machine.sendmail(arguments.iter().copied().chain(["-i", "a@example.org"]), message.as_bytes())
    }

    /// How many messages went through each.
    fn sent(&self) -> (usize, usize) {
        (self.machine.outlook.smtp.received().len(), self.work.smtp.received().len())
    }

    fn tool(&self, arguments: &[&str]) -> Run {
        self.machine.run_as("outlook-sendmail", arguments, b"")
    }
}

fn header(received: &Received, name: &str) -> String {
    let fields = harness::fixture::Sent::parse(&received.data);
    fields.field(name).unwrap_or_default().to_owned()
}

// -- which one

#[test]
fn the_option_decides_before_from_and_from_before_the_configuration() {
    let two = Two::new();
    let work_from = format!("From: Boss <{WORK}>\n");
    for (arguments, from, through_work) in [
        (&[][..], "", false),
        (&["-f", "root"], "From: root\n", false),
        (&["-f", WORK], "", true),
        (&["-f", "BOSS@CONTOSO.EXAMPLE"], "", true),
        (&["-f", TEAM], "", true),
        (&[], &work_from, true),
        (&[], "From: team@contoso.example\n", true),
        (&["-f", "root@host1"], &work_from, true),
        // An address with a tag is nobody's.
        (&["-f", "boss+tag@contoso.example"], "", false),
        // The first of several authors who is anybody here.
        (&[], "From: x@example.org, Boss <boss@contoso.example>\n", true),
        (&["-f", ACCOUNT], &work_from, false),
    ] {
        let before = two.sent();
        two.send(arguments, from).assert_silent_success();
        let (me, work) = two.sent();
        let grown = (me - before.0, work - before.1);
        assert_eq!(grown, if through_work { (0, 1) } else { (1, 0) }, "{arguments:?} {from:?}");
    }
    // The last one: -f decided, so From is foreign there.
    let received = two.machine.outlook.smtp.received();
    let last = received.last().unwrap();
    assert!(header(last, "From").ends_with(&format!(" <{ACCOUNT}>")), "{}", header(last, "From"));
    assert_eq!(header(last, "X-Original-From"), format!("Boss <{WORK}>"));
    assert_eq!(last.auth_user, ACCOUNT);
    let received = two.work.smtp.received();
    assert!(received.iter().all(|received| received.auth_user == WORK));
    let team: Vec<_> = received.iter().filter(|received| header(received, "From").contains(TEAM)).collect();
    assert_eq!(team.len(), 1, "-f names whom a message without From is from");
}

#[test]
fn nothing_is_guessed_when_nothing_decides() {
    let two = Two::new().without_preference();
    let connections = two.machine.outlook.smtp.connections().len();
    for arguments in [&[][..], &["-f", "root@host1"]] {
        two.send(arguments, "From: root\n").assert_failure(78, "neither -f nor From nor account = \"...\" picks one");
    }
    two.send(&[], "From: root\n").assert_failure(78, "there are several (me and work), and neither -f nor");
    assert_eq!((two.sent(), two.machine.outlook.smtp.connections().len()), ((0, 0), connections));
    two.send(&["-f", WORK], "").assert_silent_success();
    assert_eq!(two.sent(), (0, 1));
    let verified = two.machine.sendmail(["-bv", "-f", WORK, "root"], b"");
    assert_eq!((verified.status, verified.stdout.contains(WORK)), (0, true), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn a_failure_names_its_account_and_the_option_that_picks_it() {
    let two = Two::new();
    assert_eq!(two.tool(&["logout", "--account", "work"]).status, 0);
    two.send(&["-f", WORK], "").assert_failure(77, "(account work) -- run: outlook-sendmail login --account work");
    let found = two.tool(&["doctor"]).stdout.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    assert!(found.contains("-> run: outlook-sendmail login --account work"), "{found}");
    let unknown = two.tool(&["logout", "--account", "nobody"]);
    assert!(unknown.stderr.contains("nobody; there is me and work"), "{}", unknown.stderr);
}

#[test]
fn in_a_dialogue_every_message_has_its_own() {
    let two = Two::new();
    let mail = |sender: &str, from: &str| {
        format!("MAIL FROM:<{sender}>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n{from}Subject: x\r\n\r\nx\r\n.\r\n")
    };
    let dialogue = [
        mail(WORK, ""),
        mail(ACCOUNT, ""),
        mail("", &format!("From: {TEAM}\r\n")),
        mail("", ""),
        mail("root@host1", &format!("From: {WORK}\r\n")),
        "QUIT\r\n".to_owned(),
    ];
    let run = two.machine.sendmail(["-bs"], dialogue.concat().as_bytes());
    assert_eq!(run.stdout.matches("\r\n250 2.0.0 ").count(), 5, "{}", run.stdout);
    assert_eq!(two.sent(), (2, 3), "{}", run.stdout);
}

#[test]
fn delivery_status_wishes_go_with_the_account_that_was_picked() {
    let two = Two::new();
    two.send(&["-f", WORK, "-N", "success", "-V", "id1"], "").assert_silent_success();
    let received = two.work.smtp.received();
    assert!(received[0].mail_from.contains("ENVID=id1"), "{}", received[0].mail_from);
    assert!(received[0].rcpt_to[0].contains("NOTIFY=SUCCESS"), "{:?}", received[0].rcpt_to);
}

// -- each on its own

#[test]
fn commands_are_told_which_one() {
    let two = Two::new();
    let tested = two.tool(&["test", "--account", "work"]);
    assert_eq!((tested.status, two.sent()), (0, (0, 1)), "{}{}", tested.stdout, tested.stderr);
    assert!(tested.stdout.contains("account work"), "{}", tested.stdout);
    assert_eq!((two.tool(&["test"]).status, two.sent()), (0, (1, 1)));
    let nobody = two.tool(&["test", "--account", "nobody"]);
    assert_eq!(nobody.status, 78);
    assert!(nobody.stderr.contains("no such account in the configuration: nobody"), "{}", nobody.stderr);

    let status: Value = serde_json::from_str(&two.tool(&["status", "--json"]).stdout).unwrap();
    let told: Vec<_> = status["accounts"].as_array().unwrap().iter().map(|it| (&it["name"], &it["default"])).collect();
    assert_eq!(told, [(&Value::from("me"), &Value::from(true)), (&Value::from("work"), &Value::from(false))]);
    let text = two.tool(&["status"]).stdout;
    assert!(
        text.contains(&format!("me <{ACCOUNT}>: ready")) && text.contains(&format!("work <{WORK}>: ready")),
        "{text}"
    );

    // What one forgets, the other keeps.
    assert_eq!(two.machine.secrets().iter().filter(|file| file.to_string_lossy().contains("/grant:")).count(), 2);
    assert_eq!(two.tool(&["logout", "--account", "work"]).status, 0);
    two.send(&["-f", WORK], "").assert_failure(77, "not signed in");
    two.send(&[], "").assert_silent_success();
}

#[test]
fn a_token_is_asked_for_where_its_account_signs_in() {
    let two = Two::new();
    two.machine.outlook.tokens.revoke_all_access();
    let before = (two.machine.outlook.endpoint.refreshes(), two.work.endpoint.refreshes());
    two.send(&["-f", WORK], "").assert_silent_success();
    two.send(&[], "").assert_silent_success();
    let after = (two.machine.outlook.endpoint.refreshes(), two.work.endpoint.refreshes());
    assert_eq!(after, (before.0 + 1, before.1), "the cached token of the other one stays good");
}

#[test]
fn an_alias_refused_by_one_server_is_no_concern_of_the_others() {
    let send_as = [("send_as".to_owned(), "[\"alias@outlook.com\"]".to_owned())];
    let two = Two::with(|_| {}, &send_as);
    two.send(&[], "From: alias@outlook.com\n").assert_failure(77, "SendAsDenied");
    two.send(&[], &format!("From: {TEAM}\n")).assert_silent_success();
    let status: Value = serde_json::from_str(&two.tool(&["status", "--json"]).stdout).unwrap();
    assert!(status["accounts"][0]["send_as"][0]["refused_at"].is_string(), "{status:#}");
    assert!(status["accounts"][1]["send_as"][0]["accepted_at"].is_string(), "{status:#}");
}

/// A message on its way whose verdict is not there yet.
fn under_way(two: &Two, sender: &str) -> Child {
    let mut command = two.machine.command(two.machine.program("sendmail"));
    let mut child = command
        .args(["-i", "-f", sender, "a@example.org"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"Subject: x\n\nx\n").unwrap();
    child
}

#[test]
fn one_mailbox_does_not_wait_for_the_other() {
    let two = Two::new();
    let smtp = &two.machine.outlook.smtp;
    smtp.set_dialogue(&Dialogue::parse("on content: stall").unwrap());
    // All three connections of the mailbox wait for a verdict, and a fourth message for a connection.
    let mut waiting: Vec<_> = (0..4).map(|_| under_way(&two, ACCOUNT)).collect();
    let patience = Instant::now() + SOON;
    while smtp.transcript().matches("C: [content, ").count() < 3 {
        assert!(Instant::now() < patience, "{}", smtp.transcript());
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut other = under_way(&two, WORK);
    let arrived = two.work.smtp.wait_for_received(1, SOON);
    for child in &mut waiting {
        assert!(child.try_wait().unwrap().is_none(), "they were to be waiting still");
        child.kill().unwrap();
        child.ended();
    }
    assert!(arrived, "the other mailbox's message waited for them");
    assert!(other.ended().success());
}

// -- a server that is not Outlook

#[test]
fn another_server_is_not_called_outlook() {
    for (dialogue, status, words) in [
        ("on content: 554 5.0.0 no", 69, "sendmail: the server refuses: 554 5.0.0 no"),
        ("on content: 451 4.0.0 later", 75, "the server cannot take the message now"),
        ("on content: 554 5.6.0 odd", 65, "the server refuses the message's content"),
        ("on content: 554 5.2.2 mailbox full", 69, "the mailbox is full, so the server will not send"),
        ("on auth: 535 5.7.139 the user credentials were incorrect", 77, "the server refuses the sign-in"),
        ("on auth: 535 5.7.139 SmtpClientAuthentication is disabled", 78, "over SMTP"),
        ("on mail: 550 5.7.60 SendAsDenied", 77, "the server does not let this account send as this sender"),
    ] {
        let custom = [("provider", "\"custom\""), ("auth", "\"password\"")];
        let custom = custom.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let machine = Machine::signed_out(|options| options.password = Some("secret horse".to_owned()), &custom);
        let login = machine.run_as("outlook-sendmail", ["login"], b"secret horse\n");
        assert_eq!(login.status, 0, "{}", login.stderr);
        machine.outlook.smtp.set_dialogue(&Dialogue::parse(dialogue).unwrap());
        let run = machine.sendmail(["-i", "a@example.org"], b"Subject: x\n\nx\n");
        let words =
            if dialogue.starts_with("on auth") && status == 77 { "the server refuses the password" } else { words };
        run.assert_failure(status, words);
        assert!(!run.stderr.contains("Outlook") && !run.stderr.contains("outlook.com"), "{}", run.stderr);
    }
}
