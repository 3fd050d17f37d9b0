//! Who a message is from (decision 14 of DECISIONS.md), against a server that refuses foreign senders as Outlook does: at
//! the end of DATA. What the policy makes of each kind of header is in `tests/callers` and `tests/edge`.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use harness::syslog::syslog;
use harness::{ACCOUNT, Machine, Run};
use serde_json::{Value, json};
use stand_in::DeviceFlow;

const ALIAS: &str = "alias@outlook.com";
const DAY: u64 = 24 * 60 * 60;

fn setting(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// A machine whose configuration has the alias; whether the mailbox has it is another matter.
fn with_alias(aliases: &[&str]) -> Machine {
    let aliases: Vec<_> = aliases.iter().map(|&alias| alias.to_owned()).collect();
    Machine::with(|options| options.aliases = aliases, &[setting("send_as", &format!("[{ALIAS:?}]"))])
}

fn message(from: &str) -> Vec<u8> {
    format!("From: {from}\nTo: a@example.org\nSubject: who\n\ntext\n").into_bytes()
}

fn send(machine: &Machine, arguments: &[&str], from: &str) -> Run {
    machine.sendmail(arguments.iter().copied().chain(["-i", "a@example.org"]), &message(from))
}

/// The fields of the last message that was taken.
fn arrived(machine: &Machine) -> Vec<(String, String)> {
    let received = machine.outlook.smtp.received();
    harness::fixture::Sent::parse(&received.last().expect("a message").data).fields
}

/// The reverse path of every message that was taken.
fn reverse_paths(machine: &Machine) -> Vec<String> {
    let path = |mail: &str| mail.split(['<', '>']).nth(1).expect("a path").to_owned();
    machine.outlook.smtp.received().iter().map(|received| path(&received.mail_from)).collect()
}

fn field(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|field| field.0 == name).map(|field| field.1.clone())
}

/// What `status --json` says of the account's other addresses.
fn send_as(machine: &Machine) -> Value {
    let run = machine.run_as("outlook-sendmail", ["status", "--json"], b"");
    let mut report: Value = serde_json::from_str(&run.stdout).unwrap();
    report["accounts"][0]["send_as"].take()
}

fn record(machine: &Machine) -> PathBuf {
    machine.state().join("outlook-sendmail/records").join(format!("send-as:{ACCOUNT}"))
}

/// As if that had been said so many days ago.
fn remembered(machine: &Machine, days_ago: u64, said: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let file = record(machine);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("[{ALIAS:?},{{{said:?}:{}}}]\n", now - days_ago * DAY)).unwrap();
}

// -- who is shown

/// What From becomes with these settings.
fn shown(settings: &[(&str, &str)], from: &str) -> String {
    let settings: Vec<_> = settings.iter().map(|(key, value)| setting(key, value)).collect();
    let machine = Machine::with(|_| {}, &settings);
    send(&machine, &[], from).assert_silent_success();
    field(&arrived(&machine), "From").unwrap()
}

#[test]
fn a_personal_account_says_nothing_of_its_caller_behind_a_name() {
    assert_eq!(shown(&[], "Ada Lovelace <ada@example.org>"), format!("Ada Lovelace <{ACCOUNT}>"));
    let called = shown(&[("caller", "\"show\"")], "Ada Lovelace <ada@example.org>");
    assert!(called.starts_with("\"Ada Lovelace, ") && called.ends_with(&format!("\" <{ACCOUNT}>")), "{called}");
    let nameless = shown(&[("caller", "\"hide\"")], "shop@example.org");
    assert!(!nameless.contains(" on "), "{nameless}");
}

#[test]
fn the_configured_name_stands_where_a_foreign_from_names_nobody() {
    for more in [None, Some(("caller", "\"show\"")), Some(("caller", "\"hide\""))] {
        let settings: Vec<_> = [("name", "\"My Shop\"")].into_iter().chain(more).collect();
        assert_eq!(shown(&settings, "shop@example.org"), format!("My Shop <{ACCOUNT}>"));
    }
    assert_eq!(shown(&[("name", "\"My Shop\"")], "Ann <ann@example.org>"), format!("Ann <{ACCOUNT}>"));
}

#[test]
fn an_encoded_name_is_one_phrase_with_the_caller_behind_it() {
    for from in ["\"Dr. X\" =?utf-8?Q?M=C3=BCller?= <a@example.org>", "X. =?utf-8?Q?M=C3=BCller?= <a@example.org>"] {
        let machine = Machine::with(|_| {}, &[setting("caller", "\"show\"")]);
        send(&machine, &[], from).assert_silent_success();
        let raw = String::from_utf8(machine.outlook.smtp.received().last().unwrap().data.clone()).unwrap();
        let line = raw.split("\r\nFrom: ").nth(1).unwrap_or(&raw).split(&format!("<{ACCOUNT}>")).next().unwrap();
        assert!(!line.contains('"') && line.contains("=?utf-8?Q?M=C3=BCller?="), "{line}");
    }
}

// -- what is learned of send_as

#[test]
fn an_alias_outlook_refuses_fails_once_and_is_rewritten_from_then_on() {
    syslog();
    let machine = with_alias(&[]);
    assert_eq!(send_as(&machine), json!([{ "address": ALIAS, "accepted_at": null, "refused_at": null }]));
    send(&machine, &[], &format!("Me <{ALIAS}>")).assert_failure(77, "SendAsDenied");
    let said = send_as(&machine);
    assert!(said[0]["refused_at"].is_string() && said[0]["accepted_at"].is_null(), "{said}");

    let again = send(&machine, &[], &format!("Me <{ALIAS}>"));
    again.assert_silent_success();
    let fields = arrived(&machine);
    assert!(field(&fields, "From").unwrap().ends_with(&format!(" <{ACCOUNT}>")), "{fields:?}");
    assert_eq!(field(&fields, "Reply-To").unwrap(), format!("Me <{ALIAS}>"));
    assert_eq!(field(&fields, "X-Original-From").unwrap(), format!("Me <{ALIAS}>"));
    assert_eq!(send_as(&machine), said, "nothing new was learned");
    if let Some(log) = syslog() {
        let records = log.records_of(again.pid);
        let warning =
            records.iter().find(|record| record.contains(&format!("{ALIAS} of send_as was refused by Outlook")));
        assert!(warning.is_some_and(|warning| warning.starts_with("<20>")), "mail.warning: {records:?}");
        let outcome = records.iter().find(|record| record.contains(" sent: ")).unwrap();
        assert!(outcome.contains(&format!(" was-from=<Me _{ALIAS}_> ")), "{outcome}");
        assert_eq!(records.len(), 2, "{records:?}");
    }
}

#[test]
fn the_reverse_path_is_the_accounts_too_while_an_alias_is_refused() {
    let machine = with_alias(&[]);
    send(&machine, &["-f", ALIAS], ACCOUNT).assert_failure(77, "SendAsDenied");
    send(&machine, &["-f", ALIAS], ACCOUNT).assert_silent_success();
    assert_eq!(reverse_paths(&machine), [ACCOUNT]);
}

#[test]
fn a_refusal_is_told_by_status_and_explain() {
    let machine = with_alias(&[]);
    remembered(&machine, 2, "refused");
    let status = machine.run_as("outlook-sendmail", ["status"], b"").stdout;
    assert!(status.contains(&format!("Also as        {ALIAS}: refused by Outlook 2 days ago, 20")), "{status}");
    let page = machine.run_as("outlook-sendmail", ["explain", "-f", ALIAS, "a@example.org"], &message(ALIAS)).stdout;
    let page = page.replace("\n  |   ", " ");
    assert!(page.contains(&format!("-f {ALIAS} is in send_as, but was refused on 20")), "{page}");
    assert!(page.contains("this address of send_as was refused on 20"), "{page}");
    assert!(page.contains(&format!("+ X-Original-From: {ALIAS}")), "{page}");
}

#[test]
fn after_a_week_the_alias_is_tried_again_and_accepted_clears_it() {
    let machine = with_alias(&[ALIAS]);
    remembered(&machine, 8, "refused");
    send(&machine, &["-f", ALIAS], &format!("Me <{ALIAS}>")).assert_silent_success();
    assert_eq!(field(&arrived(&machine), "From").unwrap(), format!("Me <{ALIAS}>"));
    assert_eq!(reverse_paths(&machine), [ALIAS]);
    let said = send_as(&machine);
    assert!(said[0]["accepted_at"].is_string() && said[0]["refused_at"].is_null(), "{said}");
    let status = machine.run_as("outlook-sendmail", ["status"], b"").stdout;
    assert!(status.contains(&format!("Also as        {ALIAS}: accepted just now\n")), "{status}");
}

#[test]
fn an_alias_still_refused_after_a_week_has_another_week() {
    let machine = with_alias(&[]);
    remembered(&machine, 8, "refused");
    send(&machine, &[], ALIAS).assert_failure(77, "SendAsDenied");
    send(&machine, &[], ALIAS).assert_silent_success();
}

#[test]
fn signing_in_again_has_it_tried_at_once() {
    let machine = with_alias(&[ALIAS]);
    remembered(&machine, 1, "refused");
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    assert_eq!(machine.run_as("outlook-sendmail", ["login"], b"").status, 0);
    assert_eq!(send_as(&machine)[0]["refused_at"], Value::Null);
    send(&machine, &[], ALIAS).assert_silent_success();
    assert_eq!(field(&arrived(&machine), "From").unwrap(), ALIAS);
}

// -- from = "refuse"

#[test]
fn refuse_ends_before_any_network() {
    let machine = Machine::with(|_| {}, &[setting("from", "\"refuse\""), setting("send_as", &format!("[{ALIAS:?}]"))]);
    let requests = machine.outlook.endpoint.requests().len();
    for from in ["Bob <bob@example.com>", "root", "systemd <root@>", "<>", "a@example.com, me@outlook.com", "G:;"] {
        send(&machine, &[], from).assert_failure(77, "From is not this account's address: ");
    }
    assert!(machine.outlook.smtp.connections().is_empty(), "{}", machine.outlook.smtp.transcript());
    assert_eq!(machine.outlook.endpoint.requests().len(), requests);
    let page = machine.run_as("outlook-sendmail", ["explain", "a@example.org"], &message("bob@example.com"));
    page.assert_failure(77, "From is not this account's address: bob@example.com");
}

#[test]
fn refuse_lets_the_accounts_own_go_and_completes_what_has_no_from() {
    let machine = Machine::with(
        |options| options.aliases = vec![ALIAS.to_owned()],
        &[setting("from", "\"refuse\""), setting("send_as", &format!("[{ALIAS:?}]"))],
    );
    // Nobody decides about an address that was refused but the server.
    remembered(&machine, 1, "refused");
    send(&machine, &["-f", "root@host1"], &format!("Me <{ALIAS}>")).assert_silent_success();
    assert_eq!(field(&arrived(&machine), "From").unwrap(), format!("Me <{ALIAS}>"));
    machine.sendmail(["-f", "root@host1", "a@example.org"], b"Subject: x\n\nx\n").assert_silent_success();
    assert!(field(&arrived(&machine), "From").unwrap().ends_with(&format!(" <{ACCOUNT}>")));
    assert_eq!(reverse_paths(&machine), [ACCOUNT; 2]);
}

// -- from = "pass"

#[test]
fn pass_leaves_everything_to_outlook_and_remembers_what_it_said() {
    let pass = [setting("from", "\"pass\"")];
    let machine = Machine::with(|options| options.aliases = vec!["shared@example.com".to_owned()], &pass);
    let header =
        "DKIM-Signature: v=1; h=from; b=A\nSender: Secretary <s@example.com>\nFrom: Shared <shared@example.com>\n";
    let octets = format!("{header}Subject: x\n\nx\n");
    let run = machine.sendmail(["-f", "shared@example.com", "a@example.org"], octets.as_bytes());
    run.assert_silent_success();
    let fields = arrived(&machine);
    assert_eq!(field(&fields, "From").unwrap(), "Shared <shared@example.com>");
    assert_eq!(field(&fields, "Sender").unwrap(), "Secretary <s@example.com>");
    assert_eq!(field(&fields, "DKIM-Signature").unwrap(), "v=1; h=from; b=A");
    assert_eq!((field(&fields, "Reply-To"), field(&fields, "X-Original-From")), (None, None));
    assert_eq!(reverse_paths(&machine), ["shared@example.com"]);

    for _ in 0..2 {
        send(&machine, &[], "Bob <bob@example.com>").assert_failure(77, "SendAsDenied");
    }
    let said = send_as(&machine);
    assert_eq!((&said[0]["address"], &said[1]["address"]), (&json!("shared@example.com"), &json!("bob@example.com")));
    assert!(said[0]["accepted_at"].is_string() && said[1]["refused_at"].is_string(), "{said}");
}

// -- what the log says

#[test]
fn a_signature_that_had_to_go_is_in_the_record() {
    let Some(log) = syslog() else { return };
    let machine = Machine::new();
    let signed = |from: &str| format!("DKIM-Signature: v=1; h=from; b=A\nFrom: {from}\nSubject: x\n\nx\n");
    let changed = machine.sendmail(["a@example.org"], signed("Bob <bob@example.com>").as_bytes());
    changed.assert_silent_success();
    let record = log.record_of(changed.pid);
    assert!(record.contains(" was-from=<Bob _bob@example.com_> dropped=DKIM-Signature sent: "), "{record}");
    assert_eq!(field(&arrived(&machine), "DKIM-Signature"), None);
    let unchanged = machine.sendmail(["a@example.org"], signed(ACCOUNT).as_bytes());
    unchanged.assert_silent_success();
    let record = log.record_of(unchanged.pid);
    assert!(!record.contains("was-from=") && !record.contains("dropped="), "{record}");
    assert_eq!(field(&arrived(&machine), "DKIM-Signature").unwrap(), "v=1; h=from; b=A");
}
