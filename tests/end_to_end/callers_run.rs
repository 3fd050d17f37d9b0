//! Every captured call as a whole run: the real program, a real pipe, and what a server makes of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::alice::{as_alice, may_be_alice};
use harness::fixture::{Fixture, Sent, differences, fixtures};
use harness::{Machine, Run, SOON, installed, run};
use stand_in::Received;

/// Gives its standard input to a program through a terminal, and ends as the program ends.
const THROUGH_A_TERMINAL: &str = "
import os, pty, subprocess, sys
typed = sys.stdin.buffer.read()
keyboard, screen = pty.openpty()
program = subprocess.Popen(sys.argv[1:], stdin=screen, start_new_session=True)
while typed:
    typed = typed[os.write(keyboard, typed[:512]):]
sys.exit(program.wait(timeout=60))
";

fn call(machine: &Machine, fixture: &Fixture) -> Option<Run> {
    machine.rest();
    let mut command = as_alice(machine);
    if fixture.expect.terminal {
        if !installed("python3") {
            return None;
        }
        command.args(["python3", "-c", THROUGH_A_TERMINAL]);
    }
    command.arg(machine.program("sendmail")).args(&fixture.arguments);
    Some(run(&mut command, &fixture.input))
}

/// What happened to one call, apart from what arrived.
fn check_run(fixture: &Fixture, ended: &Run, status: i32) -> Vec<String> {
    let mut found = Vec::new();
    let mut unless = |holds: bool, text: String| {
        if !holds {
            found.push(text);
        }
    };
    unless(ended.status == status, format!("status {}, expected {status}: {}", ended.status, ended.stderr));
    unless(ended.stdout.is_empty(), format!("standard output: {:?}", ended.stdout));
    let transcript = fixture.arguments.iter().any(|argument| argument == "-v");
    let is_told = |line: &str| transcript && ["<<< ", ">>> ", "--- "].iter().any(|mark| line.starts_with(mark));
    let lines = ended.stderr.lines().filter(|line| !is_told(line)).count();
    unless(lines == usize::from(status != 0), format!("standard error: {:?}", ended.stderr));
    found
}

fn check(machine: &Machine, fixture: &Fixture) -> Vec<String> {
    let Some(ended) = call(machine, fixture) else { return Vec::new() };
    let expect = &fixture.expect;
    let mut found = check_run(fixture, &ended, i32::from(expect.status));
    let mut unless = |holds: bool, text: String| {
        if !holds {
            found.push(text);
        }
    };
    unless(machine.outlook.smtp.wait_until_idle(SOON), "the connection stays open".to_owned());
    let received = machine.outlook.smtp.received_whole();
    match (expect.status, received.as_slice()) {
        (0, [message]) => found.extend(check_message(fixture, message)),
        (0, messages) => found.push(format!("{} messages arrived", messages.len())),
        (_, _) => {
            let connections = machine.outlook.smtp.connections().len();
            unless(connections == 0, format!("{connections} connections for a call that is refused"));
        }
    }
    machine.outlook.smtp.forget();
    found
}

fn check_message(fixture: &Fixture, message: &Received) -> Vec<String> {
    let expect = &fixture.expect;
    let mut found = Vec::new();
    let mut unless = |holds: bool, text: String| {
        if !holds {
            found.push(text);
        }
    };
    let recipients = message.recipients();
    unless(recipients == expect.to, format!("recipients {recipients:?}, expected {:?}", expect.to));
    let from = message.mail_from.split(['<', '>']).nth(1).map(str::to_owned);
    unless(from == expect.from, format!("reverse path {from:?}, expected {:?}", expect.from));
    unless(message.is_accepted(), format!("refused with {:?}", message.code));
    unless(message.pipelined, "not pipelined".to_owned());
    unless(message.facts.is_clean(), format!("{:?}", message.facts));
    unless(message.data.ends_with(b"\r\n"), "no line end at the end".to_owned());
    let sent = Sent::parse(&message.data);
    for name in ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"] {
        unless(sent.field(name).is_none(), format!("{name}: {:?}", sent.field(name)));
    }
    found.extend(differences(expect, &sent));
    found
}

/// The same over Graph; `refused` is why it cannot take this one.
fn check_over_graph(machine: &Machine, fixture: &Fixture, refused: Option<&str>) -> Vec<String> {
    let Some(ended) = call(machine, fixture) else { return Vec::new() };
    let expect = &fixture.expect;
    let graph = &machine.outlook.graph;
    let status = refused.map_or(i32::from(expect.status), |_| 65);
    let mut found = check_run(fixture, &ended, status);
    let mut unless = |holds: bool, text: String| {
        if !holds {
            found.push(text);
        }
    };
    if let Some(reason) = refused {
        unless(ended.stderr.contains(reason), format!("{reason:?} is not the reason: {}", ended.stderr));
        unless(expect.status == 0, "SMTP refuses it too".to_owned());
    }
    match (status, graph.posts().as_slice()) {
        (0, [post]) => {
            unless(post.status == Some(202), format!("answered {:?}", post.status));
            let set = |addresses: &[String]| -> BTreeSet<String> {
                addresses.iter().map(|address| address.to_ascii_lowercase()).collect()
            };
            let recipients = (set(&post.recipients), set(&expect.to));
            unless(recipients.0 == recipients.1, format!("recipients {:?}, expected {:?}", recipients.0, recipients.1));
            unless(post.data.ends_with(b"\r\n"), "no line end at the end".to_owned());
            let sent = Sent::parse(&post.delivered());
            unless(sent.field("Bcc").is_none(), "two fields Bcc".to_owned());
            found.extend(differences(expect, &sent));
        }
        (0, posts) => found.push(format!("{} messages arrived", posts.len())),
        (_, _) => {
            let connections = graph.connections();
            unless(connections == 0, format!("{connections} connections for a call that is refused"));
        }
    }
    graph.forget();
    found
}

/// The lines of tests/graph-refused: a fixture, and words of the reason.
fn refused_by_graph() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graph-refused");
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").unwrap()).map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
}

#[test]
fn every_captured_call_goes_over_graph_or_is_refused_for_a_known_reason() {
    let machine = Machine::with(|_| {}, &[("transport".to_owned(), "\"graph\"".to_owned())]);
    if !installed("unshare") || !may_be_alice(&machine) {
        return;
    }
    let mut refused = refused_by_graph();
    let mut report = String::new();
    for folder in ["callers", "edge"] {
        for fixture in &fixtures(folder) {
            let name = format!("{folder}/{}", fixture.name);
            let listed = refused.iter().position(|(listed, _)| *listed == name).map(|place| refused.remove(place).1);
            for difference in check_over_graph(&machine, fixture, listed.as_deref()) {
                report.push_str(&format!("\n{name}: {difference}"));
            }
        }
    }
    assert!(report.is_empty(), "{report}");
    assert!(refused.is_empty(), "no such fixtures: {refused:?}");
    assert_eq!(machine.outlook.endpoint.refreshes(), 0, "the token of the sign-in serves all");
    assert!(machine.outlook.smtp.connections().is_empty());
}

fn check_folder(folder: &str, at_least: usize) {
    let machine = Machine::new();
    if !installed("unshare") || !may_be_alice(&machine) {
        return;
    }
    let all = fixtures(folder);
    assert!(all.len() >= at_least, "{} fixtures in {folder}", all.len());
    let report = |fixture: &Fixture| -> Vec<String> {
        let found = check(&machine, fixture);
        found.iter().map(|difference| format!("\n{folder}/{}: {difference}", fixture.name)).collect()
    };
    let report: String = all.iter().flat_map(report).collect();
    assert!(report.is_empty(), "{report}");
    assert_eq!(machine.outlook.endpoint.refreshes(), 0, "the token of the sign-in serves all");
}

#[test]
fn every_captured_caller_gets_its_mail_out() {
    check_folder("callers", 70);
}

#[test]
fn every_awkward_input_goes_out_clean_or_not_at_all() {
    check_folder("edge", 33);
}
