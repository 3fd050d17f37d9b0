//! Every captured call as a whole run: the real program, a real pipe, and what a server makes of it.
#![allow(missing_docs)]

mod harness;

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

fn check(machine: &Machine, fixture: &Fixture) -> Vec<String> {
    let Some(ended) = call(machine, fixture) else { return Vec::new() };
    let expect = &fixture.expect;
    let mut found = Vec::new();
    let mut unless = |holds: bool, text: String| {
        if !holds {
            found.push(text);
        }
    };
    unless(ended.status == i32::from(expect.status), format!("status {}, expected {}", ended.status, expect.status));
    unless(ended.stdout.is_empty(), format!("standard output: {:?}", ended.stdout));
    let transcript = fixture.arguments.iter().any(|argument| argument == "-v");
    let is_told = |line: &str| transcript && ["<<< ", ">>> ", "--- "].iter().any(|mark| line.starts_with(mark));
    let lines = ended.stderr.lines().filter(|line| !is_told(line)).count();
    unless(lines == usize::from(expect.status != 0), format!("standard error: {:?}", ended.stderr));

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
