//! Where an account stands: what is remembered of messages and renewals, and how somebody is told in time.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use harness::syslog::syslog;
use harness::{ACCOUNT, Machine, Run, assert_no_secret, installed, run};
use serde_json::{Value, json};
use stand_in::{Answer, DeviceFlow, DeviceOutcome, Dialogue};

const MESSAGE: &[u8] = b"Subject: hello\n\nhello\n";
/// A mailbox that SMTP is switched off for.
const DISABLED: &str = include_str!("../dialogues/auth-334-then-disabled.dialogue");

const DAY: u64 = 24 * 60 * 60;

/// `mail` and LOG_ERR (RFC 5424 section 6.2.1).
const MAIL_ERROR: &str = "<19>";

fn tool(machine: &Machine, arguments: &[&str]) -> Run {
    let run = machine.run_as("outlook-sendmail", arguments, b"");
    assert_no_secret(&run.stdout);
    assert_no_secret(&run.stderr);
    run
}

/// `status --json`, whose status is also in the document.
fn status(machine: &Machine) -> Value {
    let run = tool(machine, &["status", "--json"]);
    assert_eq!(run.stderr, "");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["status"], run.status);
    report
}

/// The only account's part of it.
fn me(machine: &Machine) -> Value {
    let mut report = status(machine);
    assert_eq!((report["accounts"].as_array().unwrap().len(), &report["problem"]), (1, &Value::Null));
    assert_eq!(report["status"], report["accounts"][0]["status"]);
    report["accounts"][0].take()
}

/// State and exit status.
fn state(machine: &Machine) -> (String, u64) {
    let me = me(machine);
    (me["state"].as_str().unwrap().to_owned(), me["status"].as_u64().unwrap())
}

fn is(state: &str, status: u64) -> (String, u64) {
    (state.to_owned(), status)
}

fn record(machine: &Machine, word: &str) -> PathBuf {
    machine.state().join("outlook-sendmail/records").join(format!("history:{ACCOUNT}:{word}"))
}

fn log_in(machine: &Machine) {
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    assert_eq!(tool(machine, &["login"]).status, 0);
}

/// Signed in and last used so many days ago, or ahead.
fn used(machine: &Machine, days_ago: i64) {
    let file = machine.state().join("outlook-sendmail/secrets").join(format!("grant:{ACCOUNT}"));
    let mut grant: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let at = now.checked_add_signed(-days_ago * DAY as i64).unwrap();
    grant["signed_in_at"] = json!(at);
    grant["renewed_at"] = json!(at);
    fs::write(file, grant.to_string()).unwrap();
}

/// Shows what a program writes to a terminal of this width, and ends as the program does.
const ON_A_TERMINAL: &str = "
import fcntl, os, pty, struct, subprocess, sys, termios
keyboard, screen = pty.openpty()
fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
program = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=screen, stderr=screen, close_fds=True)
os.close(screen)
try:
    while shown := os.read(keyboard, 65536):
        sys.stdout.buffer.write(shown)
except OSError:
    pass
sys.stdout.flush()
sys.exit(program.wait())
";

/// The tool at a terminal; without python3 there is none.
fn at_a_terminal(machine: &Machine, columns: u16, environment: &[(&str, &str)], arguments: &[&str]) -> Option<Run> {
    if !installed("python3") {
        return None;
    }
    let mut command: Command = machine.command("python3");
    command.args(["-c", ON_A_TERMINAL, &columns.to_string()]).arg(machine.program("outlook-sendmail")).args(arguments);
    command.envs(environment.iter().copied());
    let run = run(&mut command, b"");
    Some(Run { stdout: run.stdout.replace("\r\n", "\n"), ..run })
}

// -- what is remembered

#[test]
fn a_message_is_remembered_and_a_failure_does_not_take_it_away() {
    let machine = Machine::new();
    assert_eq!(me(&machine)["sent_at"], Value::Null);
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    let sent = me(&machine);
    assert!(sent["sent_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&sent["failure"], &sent["state"]), (&Value::Null, &json!("signed-in")));

    machine.sendmail(["a@example.org", "b\u{1}@c"], MESSAGE).assert_failure(65, "control character");
    let failed = me(&machine);
    assert_eq!(failed["sent_at"], sent["sent_at"]);
    assert_eq!((&failed["failure"]["status"], &failed["failure"]["dsn"]), (&json!(65), &json!("5.1.3")));
    assert!(failed["failure"]["line"].as_str().unwrap().starts_with("control character in an address"));
    assert_eq!(failed["status"], 0, "the next message goes");
    for word in ["sent", "failed"] {
        assert_eq!(fs::metadata(record(&machine, word)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_message_of_a_dialogue_is_remembered_too() {
    let machine = Machine::new();
    let dialogue =
        b"MAIL FROM:<me@outlook.com>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n";
    let run = machine.sendmail(["-bs"], dialogue);
    assert!(run.stdout.contains("\r\n221 "), "{}", run.stdout);
    assert_ne!(me(&machine)["sent_at"], Value::Null);
}

#[test]
fn what_outlook_says_about_the_mailbox_is_a_problem_until_a_message_goes() {
    let machine = Machine::with_dialogue(&Dialogue::parse(DISABLED).unwrap());
    // Signed in before the message failed, not in the same second.
    used(&machine, 1);
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(78, "SMTP is switched off for this mailbox");
    assert_eq!(state(&machine), is("blocked", 78));
    let run = tool(&machine, &["status"]);
    assert!(run.stdout.contains("refused by Outlook\n  Problem        SMTP is switched off"), "{}", run.stdout);
    let next = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 1;
    fs::write(record(&machine, "sent"), json!({ "at": next }).to_string()).unwrap();
    assert_eq!(state(&machine), is("signed-in", 0));
}

#[test]
fn spoiled_records_are_ignored_and_mended() {
    let machine = Machine::new();
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    for spoiled in [&b""[..], b"{", b"\0\xff", b"[]", &vec![b' '; 2 * 1024 * 1024]] {
        for word in ["sent", "failed", "renewed", "unrenewed", "untold"] {
            fs::write(record(&machine, word), spoiled).unwrap();
        }
        let me = me(&machine);
        assert_eq!((&me["status"], &me["sent_at"], &me["failure"]), (&json!(0), &Value::Null, &Value::Null));
        machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    }
    assert_ne!(me(&machine)["sent_at"], Value::Null);
}

#[test]
fn many_at_once_leave_whole_records() {
    let machine = Machine::new();
    thread::scope(|scope| {
        for turn in 0..10 {
            let machine = &machine;
            scope.spawn(move || match turn % 2 {
                0 => machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success(),
                _ => machine.sendmail(["b\u{1}@c"], MESSAGE).assert_failure(65, ""),
            });
        }
    });
    let me = me(&machine);
    assert!(me["sent_at"].is_string() && me["failure"]["status"] == 65, "{me}");
    let names = fs::read_dir(machine.state().join("outlook-sendmail/records")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let whole = |name: &String| ["history:", "message-ids:", "pace:"].iter().any(|kind| name.starts_with(kind));
    assert!(names.iter().all(whole), "{names:?}");
}

#[test]
fn where_nothing_can_be_remembered_mail_goes_out() {
    let machine = Machine::new();
    let records = machine.state().join("outlook-sendmail/records");
    fs::remove_dir_all(&records).unwrap();
    fs::write(&records, "no folder").unwrap();
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    assert_eq!(state(&machine), is("signed-in", 0));
}

// -- status

#[test]
fn status_tells_of_every_account_and_asks_nobody() {
    let machine = Machine::new();
    let more = "[accounts.work]\naddress = \"me@example.org\"\nprovider = \"microsoft365\"\nclient_id = \"x\"\n\
                store = \"file\"\nsend_as = [\"sales@example.org\"]\n\
                [accounts.desk]\naddress = \"desk@outlook.com\"\nclient_id = \"x\"\nstore = \"secret-service\"\n";
    let config = fs::read_to_string(machine.config()).unwrap();
    fs::write(machine.config(), format!("{config}{more}")).unwrap();
    let before = machine.outlook.endpoint.requests().len();
    let report = status(&machine);
    assert_eq!((&report["version"], &report["status"]), (&json!(1), &json!(78)));
    let accounts: Vec<_> = report["accounts"].as_array().unwrap().iter().collect();
    let told: Vec<_> =
        accounts.iter().map(|account| (&account["name"], &account["state"], &account["status"])).collect();
    let (desk, me, work) = (json!("desk"), json!("me"), json!("work"));
    let (away, in_, out) = (json!("store-away"), json!("signed-in"), json!("sign-in-needed"));
    let expected = [(&desk, &away, &json!(78)), (&me, &in_, &json!(0)), (&work, &out, &json!(77))];
    assert_eq!(told, expected);
    assert_eq!(accounts[2]["from"], json!(["me@example.org", "sales@example.org"]));
    assert_eq!((&accounts[1]["default"], &accounts[2]["default"]), (&json!(true), &json!(false)));
    assert_eq!(accounts[1]["days_left"], 90);

    let run = tool(&machine, &["status"]);
    assert_eq!((run.status, run.stderr.as_str()), (78, ""));
    assert!(run.stdout.contains("me <me@outlook.com>: ready to send\n"), "{}", run.stdout);
    assert!(run.stdout.contains("work <me@example.org>: sign-in needed\n"), "{}", run.stdout);
    assert!(run.stdout.contains("run: outlook-sendmail login"), "{}", run.stdout);
    assert!(run.stdout.contains("set store = \"file\""), "{}", run.stdout);
    assert_eq!(machine.outlook.endpoint.requests().len(), before);
    assert!(machine.outlook.smtp.connections().is_empty());
}

#[test]
fn every_key_is_always_there() {
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let (signed_in, signed_out) = (Machine::new(), Machine::signed_out(|_| {}, &[]));
    assert_eq!(keys(&me(&signed_in)), keys(&me(&signed_out)));
    fs::remove_file(signed_out.config()).unwrap();
    let report = status(&signed_out);
    assert_eq!(keys(&report), keys(&status(&signed_in)));
    assert_eq!((&report["status"], &report["accounts"]), (&json!(78), &json!([])));
    assert!(report["problem"].as_str().unwrap().ends_with("run: outlook-sendmail login"));
    tool(&signed_out, &["status"]).assert_failure(78, "no account is set up");
}

#[test]
fn a_sign_in_that_nobody_uses_is_missed_in_time() {
    let machine = Machine::new();
    for (days_ago, expected, days_left) in [
        (0, is("signed-in", 0), 90),
        (75, is("signed-in", 0), 15),
        (80, is("lapses-soon", 75), 10),
        (91, is("sign-in-needed", 77), 0),
        (-1000, is("signed-in", 0), 90),
    ] {
        used(&machine, days_ago);
        assert_eq!(state(&machine), expected, "{days_ago}");
        assert_eq!(me(&machine)["days_left"], days_left, "{days_ago}");
    }
    used(&machine, 80);
    assert_eq!(tool(&machine, &["renew"]).status, 0);
    assert_eq!(state(&machine), is("signed-in", 0));
}

#[test]
fn a_store_that_does_not_tell_has_its_advice() {
    let machine = Machine::new();
    let secret = &machine.secrets().into_iter().find(|path| path.ends_with(format!("grant:{ACCOUNT}"))).unwrap();
    fs::set_permissions(secret, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(state(&machine), is("store-away", 78));
    let run = tool(&machine, &["status"]);
    assert!(run.stdout.contains("run: chmod 600 FILE"), "{}", run.stdout);
    fs::set_permissions(secret, Permissions::from_mode(0o600)).unwrap();
    fs::write(secret, "{}").unwrap();
    assert_eq!(state(&machine), is("store-away", 78));
}

#[test]
fn a_block_fits_the_screen_and_colours_are_for_those_who_want_them() {
    let machine = Machine::new();
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    machine.outlook.tokens.revoke_all_refresh();
    tool(&machine, &["renew"]);
    // Its pace changes by itself.
    machine.rest();
    for columns in [80, 120] {
        let Some(plain) = at_a_terminal(&machine, columns, &[("TERM", "xterm"), ("NO_COLOR", "1")], &["status"]) else {
            return;
        };
        assert!(!plain.stdout.contains('\x1b'), "{}", plain.stdout);
        assert!(plain.stdout.lines().all(|line| line.len() <= columns.into()), "{}", plain.stdout);
        let coloured = at_a_terminal(&machine, columns, &[("TERM", "xterm")], &["status"]).unwrap().stdout;
        assert!(coloured.contains("\x1b[31msign-in needed\x1b[0m"), "{coloured}");
        let sequences = ["\x1b[0m", "\x1b[1m", "\x1b[31m"];
        let bare = sequences.iter().fold(coloured, |text, sequence| text.replace(sequence, ""));
        assert_eq!(bare, plain.stdout, "words tell all of it");
    }
    assert!(!tool(&machine, &["status"]).stdout.contains('\x1b'));
}

#[test]
fn what_was_sent_just_now_is_counted() {
    let machine = Machine::new();
    assert_eq!(me(&machine)["pace"], json!({ "used": 0, "limit": 30 }));
    assert!(!tool(&machine, &["status"]).stdout.contains("Pace"));
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    // They are forgotten one every two seconds.
    let used = me(&machine)["pace"]["used"].as_u64().unwrap();
    assert!((0..=2).contains(&used), "{used}");
}

#[test]
fn a_password_is_there_or_not_and_does_not_lapse() {
    let config = [("provider", "\"custom\""), ("auth", "\"password\"")];
    let config = config.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let machine = Machine::signed_out(|options| options.password = Some("horse".to_owned()), &config);
    assert_eq!(state(&machine), is("sign-in-needed", 77));
    assert_eq!((&me(&machine)["auth"], &me(&machine)["days_left"]), (&json!("password"), &Value::Null));
    let shown = tool(&machine, &["status"]).stdout;
    assert!(shown.contains("no password is kept") && shown.contains("run: outlook-sendmail login"), "{shown}");
    assert_eq!(machine.run_as("outlook-sendmail", ["login"], b"horse\n").status, 0);
    assert_eq!(state(&machine), is("signed-in", 0));
    let shown = tool(&machine, &["status"]).stdout;
    assert!(shown.contains("with a password, kept in a file") && !shown.contains("Lapses"), "{shown}");
    assert_eq!(me(&machine)["auth"], "password");
}

// -- renew

#[test]
fn the_other_transports_sign_in_is_renewed_too_and_its_end_keeps_no_mail_back() {
    let machine = Machine::new();
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    assert_eq!(tool(&machine, &["login", "--transport", "graph"]).status, 0);
    assert_eq!(state(&machine), is("signed-in", 0));
    let before = machine.outlook.endpoint.refreshes();
    assert_eq!(tool(&machine, &["renew"]).status, 0);
    assert_eq!(machine.outlook.endpoint.refreshes(), before + 2);
    let requests = machine.outlook.endpoint.requests();
    let scopes: Vec<_> = requests.iter().rev().take(2).map(|request| request.field("scope").unwrap()).collect();
    assert!(scopes[0].contains("SMTP.Send") && scopes[1].contains("Mail.Send"), "{scopes:?}");

    // The one for SMTP is dead: nobody sends with it.
    let refused = Answer::oauth_error(400, "invalid_grant", 70_000, "revoked");
    machine.outlook.endpoint.answer_next([Answer::Usual, refused]);
    let run = tool(&machine, &["renew"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(state(&machine), is("signed-in", 0));
}

#[test]
fn a_renewal_stores_the_rotated_grant_and_is_silent() {
    let machine = Machine::new();
    for _ in 0..2 {
        tool(&machine, &["renew"]).assert_silent_success();
    }
    let newest = machine.outlook.endpoint.newest_refresh_token().unwrap();
    assert!(machine.secrets().iter().any(|file| fs::read_to_string(file).unwrap().contains(&newest)));
    assert_eq!(machine.outlook.endpoint.refreshes(), 2);
    assert_ne!(me(&machine)["renewed_at"], Value::Null);
}

#[test]
fn a_grant_revoked_in_mid_life_is_noticed() {
    syslog();
    let machine = Machine::new();
    assert_eq!(state(&machine), is("signed-in", 0));
    machine.outlook.endpoint.answer_next([Answer::grant_revoked()]);

    let renewal = tool(&machine, &["renew"]);
    renewal.assert_failure(77, "sendmail: me: Microsoft wants you to sign in again: ");
    if let Some(log) = syslog() {
        let record = log.record_of(renewal.pid);
        assert!(record.starts_with(MAIL_ERROR) && record.contains(" not renewed: status=77 "), "{record}");
        assert_no_secret(&record);
    }
    let told = me(&machine);
    assert_eq!(
        (told["state"].as_str(), told["renewal_failure"]["status"].as_u64()),
        (Some("sign-in-needed"), Some(77))
    );
    let shown = tool(&machine, &["status"]);
    assert_eq!(shown.status, 77);
    assert!(shown.stdout.contains("Microsoft wants you to sign in again: "), "{}", shown.stdout);

    // Told once to whoever comes to a terminal, here to sign in, which he does not.
    let declined = DeviceFlow { pending: 0, interval: 0, outcome: DeviceOutcome::Declined, ..DeviceFlow::default() };
    machine.outlook.endpoint.set_device_flow(declined);
    let notice = "sendmail: the sign-in of me could not be renewed: Microsoft wants you to sign in again";
    if let Some(first) = at_a_terminal(&machine, 80, &[], &["login"]) {
        assert_eq!(first.stdout.matches(notice).count(), 1, "{}", first.stdout);
        let second = at_a_terminal(&machine, 80, &[], &["login"]).unwrap();
        assert!(!second.stdout.contains(notice), "{}", second.stdout);
        machine.outlook.endpoint.answer_next([Answer::grant_revoked()]);
        assert_eq!(tool(&machine, &["renew"]).status, 77);
        let again = at_a_terminal(&machine, 80, &[], &["login"]).unwrap();
        assert!(again.stdout.contains(notice), "{}", again.stdout);
    }
    assert_eq!(state(&machine), is("sign-in-needed", 77));

    log_in(&machine);
    assert_eq!(state(&machine), is("signed-in", 0));
    assert_eq!(me(&machine)["renewal_failure"], Value::Null);
    tool(&machine, &["renew"]).assert_silent_success();
}

#[test]
fn a_sign_in_that_cannot_enable_the_timer_says_what_to_do_at_a_terminal_only() {
    let machine = Machine::signed_out(|_| {}, &[]);
    log_in(&machine);
    let runtime = machine.folder.path().join("run");
    let units = machine.folder.path().join(".config/systemd/user");
    fs::create_dir_all(&units).unwrap();
    // A manager seems to run, and nobody answers.
    fs::create_dir_all(runtime.join("systemd/private")).unwrap();
    let log_in = || at_a_terminal(&machine, 80, &[("XDG_RUNTIME_DIR", runtime.to_str().unwrap())], &["login"]);
    let Some(without_unit) = log_in() else { return };
    assert_eq!(without_unit.status, 0, "{}", without_unit.stdout);
    if !Path::new("/usr/lib/systemd/user/outlook-sendmail-renew.timer").exists() {
        let said = without_unit.stdout.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        for advice in
            ["Let cron run outlook-sendmail renew once a week", "outlook-sendmail queue run every five minutes"]
        {
            assert!(said.contains(advice), "{said}");
        }
    }
    if !installed("systemctl") {
        return;
    }
    fs::write(units.join("outlook-sendmail-renew.timer"), "[Timer]\nOnCalendar=weekly\n").unwrap();
    let with_unit = log_in().unwrap();
    assert_eq!(with_unit.status, 0, "{}", with_unit.stdout);
    let advice = "Run:\n    systemctl --user enable --now outlook-sendmail-renew.timer\n";
    assert!(with_unit.stdout.contains(advice), "{}", with_unit.stdout);
}

#[test]
fn a_message_that_finds_the_grant_dead_makes_status_say_so() {
    let machine = Machine::new();
    machine.outlook.tokens.revoke_all_access();
    machine.outlook.tokens.revoke_all_refresh();
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(77, "sign in again");
    assert_eq!(state(&machine), is("sign-in-needed", 77));
    log_in(&machine);
    assert_eq!(state(&machine), is("signed-in", 0));
}
