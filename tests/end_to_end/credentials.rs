//! Signing in and staying signed in: the real program against a token endpoint over real HTTPS.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use harness::mime::Arrived;
use harness::syslog::syslog;
use harness::typist::Typist;
use harness::{ACCOUNT, Machine, Run, assert_no_secret, installed, run};
use nix::unistd::geteuid;
use stand_in::{Answer, DeviceFlow, DeviceOutcome, Dialogue, Options};

const MESSAGE: &[u8] = b"Subject: A sign-in\nTo: a@example.org\n\nThe text.\n";

/// Nothing may hang longer: a guard, not a measure.
const HANG: Duration = Duration::from_secs(30);

fn send(machine: &Machine) -> Run {
    let run = machine.sendmail(["-i", "a@example.org"], MESSAGE);
    assert_no_secret(&run.stderr);
    run
}

/// A machine whose access tokens are too short-lived to be cached, so that every message renews.
fn without_cache(config: &[(&str, &str)]) -> Machine {
    let config: Vec<_> = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Machine::with(|options| options.access_token_lifetime = Duration::from_secs(60), &config)
}

/// The grant as stored.
fn grant(machine: &Machine) -> String {
    fs::read_to_string(grant_file(machine)).unwrap()
}

/// Where it is: under the mailbox's address.
fn grant_file(machine: &Machine) -> PathBuf {
    machine.state().join("outlook-sendmail/secrets").join(format!("grant:{ACCOUNT}"))
}

/// Lets the access token in the cache be forgotten: it is cached for one state folder. Gives the new one.
fn forget_access_token(machine: &Machine) -> PathBuf {
    let moved = machine.folder.path().join("moved");
    fs::rename(machine.state(), &moved).unwrap();
    // Without a kernel keyring it is cached here.
    let _ = fs::remove_file(moved.join("outlook-sendmail/secrets/access:me"));
    moved
}

fn auths(machine: &Machine) -> usize {
    let connections = machine.outlook.smtp.connections();
    connections.iter().flat_map(|one| one.client_lines()).filter(|line| line.starts_with("AUTH ")).count()
}

// -- renewal

#[test]
fn a_rotated_refresh_token_is_kept_and_used_next() {
    let machine = without_cache(&[]);
    let endpoint = &machine.outlook.endpoint;
    let mut newest = endpoint.newest_refresh_token().unwrap();
    for round in 1..4 {
        send(&machine).assert_silent_success();
        assert_eq!(endpoint.refreshes(), round);
        assert_eq!(endpoint.requests().last().unwrap().field("refresh_token"), Some(newest.as_str()));
        let rotated = endpoint.newest_refresh_token().unwrap();
        assert_ne!(rotated, newest);
        assert!(grant(&machine).contains(&rotated));
        newest = rotated;
    }
}

#[test]
fn a_cached_access_token_costs_no_request() {
    let machine = Machine::new();
    let before = machine.outlook.endpoint.requests().len();
    send(&machine).assert_silent_success();
    send(&machine).assert_silent_success();
    assert_eq!(machine.outlook.endpoint.requests().len(), before);
    assert_eq!(machine.outlook.smtp.received().len(), 2);
}

/// Twenty messages at once, none of which has a token that still works; a second use of a refresh token would cost the
/// sign-in.
fn twenty_at_once_renew_once(access_token_length: usize) -> bool {
    let change = |options: &mut Options| {
        options.revoke_on_reuse = true;
        options.access_token_length = access_token_length;
    };
    let machine = Machine::with(change, &[]);
    let state = forget_access_token(&machine);
    let send = || {
        let mut command = machine.command(machine.program("sendmail"));
        command.env("XDG_STATE_HOME", &state).arg("a@example.org");
        run(&mut command, MESSAGE).assert_silent_success();
    };
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(send);
        }
    });
    assert_eq!(machine.outlook.smtp.received().len(), 20);
    assert_eq!(machine.outlook.endpoint.refreshes(), 1);
    // What was kept of that one renewal is good for the next.
    machine.outlook.tokens.revoke_all_access();
    send();
    assert_eq!((machine.outlook.smtp.received().len(), machine.outlook.endpoint.refreshes()), (21, 2));
    cached_in_store(&state)
}

/// Where an access token lies that is not in the kernel's keyring.
fn cached_in_store(state: &Path) -> bool {
    state.join("outlook-sendmail/secrets/access:me").exists()
}

#[test]
fn twenty_at_once_renew_once_by_the_usual_cache() {
    twenty_at_once_renew_once(1500);
}

#[test]
fn twenty_at_once_renew_once_by_the_store() {
    // More than a key of the kernel's holds: the same as where there is no keyring.
    assert!(twenty_at_once_renew_once(40_000), "the token is in the store");
}

#[test]
fn a_revoked_access_token_is_renewed_once_and_the_message_goes() {
    let machine = Machine::new();
    machine.outlook.tokens.revoke_all_access();
    send(&machine).assert_silent_success();
    assert_eq!((machine.outlook.endpoint.refreshes(), auths(&machine)), (1, 2));
    assert_eq!(machine.outlook.smtp.received().len(), 1);
    // The new one took its place in the cache.
    send(&machine).assert_silent_success();
    assert_eq!((machine.outlook.endpoint.refreshes(), auths(&machine)), (1, 3));
}

/// The first message's content is answered with a request to wait.
fn busy(options: &mut Options) {
    let rules = "on content times 1: 432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded";
    options.dialogue = Some(Dialogue::parse(rules).unwrap());
}

#[test]
fn a_revoked_access_token_is_not_shown_again_when_the_server_asks_to_wait() {
    for (program, arguments) in [("sendmail", &["-i", "a@example.org"][..]), ("outlook-sendmail", &["test"])] {
        let machine = Machine::with(busy, &[]);
        machine.outlook.tokens.revoke_all_access();
        let run = machine.run_as(program, arguments, MESSAGE);
        assert_eq!(run.status, 0, "{program}: {}{}", run.stdout, run.stderr);
        assert_eq!((machine.outlook.endpoint.refreshes(), auths(&machine)), (1, 3), "{program}");
        assert_eq!(machine.outlook.smtp.received().len(), 1, "{program}");
    }
}

#[test]
fn the_message_a_sign_in_offers_is_renewed_for_paced_and_logged_like_any() {
    if !installed("script") {
        return;
    }
    let log = syslog();
    let machine = Machine::signed_out(busy, &[]);
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    let program = machine.program("outlook-sendmail");
    let mut person = Typist::at_terminal(&machine, program.to_str().unwrap(), &["login"]);
    person.sees("Send a test message");
    let before = auths(&machine);
    machine.outlook.tokens.revoke_all_access();
    person.types("y\n");
    person.sees("It should be in your inbox");
    let run = person.ends();
    assert_eq!(run.status, 0, "{}", run.stdout);
    // The old token once, then the new one only: to be asked to wait, and to be served.
    assert_eq!((machine.outlook.endpoint.refreshes(), auths(&machine) - before), (1, 3));
    let received = machine.outlook.smtp.received();
    assert_eq!(received.len(), 1);
    if let Some(log) = log {
        let sent = Arrived::parse(&received[0].data);
        let records = log.records_with(&["sent: 2.0.0", sent.field("Message-ID").unwrap()]);
        assert_eq!(records.len(), 1, "{records:?}");
    }
}

#[test]
fn ten_with_a_revoked_token_renew_once() {
    let machine = Machine::with(|options| options.revoke_on_reuse = true, &[]);
    machine.outlook.tokens.revoke_all_access();
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| send(&machine).assert_silent_success());
        }
    });
    assert_eq!(machine.outlook.smtp.received().len(), 10);
    assert_eq!(machine.outlook.endpoint.refreshes(), 1);
}

#[test]
fn a_state_folder_that_cannot_be_written_holds_no_mail_back() {
    syslog();
    let machine = without_cache(&[]);
    let state = machine.state().join("outlook-sendmail");
    let folders = [state.join("secrets"), state.join("locks"), state];
    let set_mode = |mode: u32| {
        for folder in &folders {
            let _ = fs::set_permissions(folder, Permissions::from_mode(mode));
        }
    };
    let mut command = if geteuid().is_root() {
        if !installed("setpriv") {
            return;
        }
        // Root may write everywhere, unless it has no capabilities.
        let mut command = machine.command("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(machine.program("sendmail"));
        command
    } else {
        machine.command(machine.program("sendmail"))
    };
    let before = grant(&machine);
    set_mode(0o500);
    let run = run(command.arg("a@example.org"), MESSAGE);
    set_mode(0o700);
    run.assert_silent_success();
    assert_eq!(grant(&machine), before, "the folder could be written all the same");
    if let Some(log) = syslog() {
        let records = log.records_of(run.pid);
        assert!(records.iter().any(|record| record.contains("could not be kept")), "{records:?}");
        assert!(records.iter().any(|record| record.contains(" sent: ")), "{records:?}");
        records.iter().for_each(|record| assert_no_secret(record));
    }
}

#[test]
fn a_grant_is_never_shown_to_another_authority() {
    let (one, other) = (without_cache(&[]), without_cache(&[]));
    let before = other.outlook.endpoint.requests().len();
    // Two configurations of one user, an account "me" in each, one state folder.
    let mut command = other.command(other.program("sendmail"));
    let run = run(command.env("XDG_STATE_HOME", one.state()).arg("a@example.org"), MESSAGE);
    run.assert_failure(77, "not signed in");
    assert!(run.stderr.contains(&one.outlook.authority_url()), "{}", run.stderr);
    assert_eq!(other.outlook.endpoint.requests().len(), before);
    send(&one).assert_silent_success();
}

// -- what the endpoint answers

#[test]
fn every_answer_has_its_status_and_advice() {
    syslog();
    let machine = without_cache(&[]);
    let elsewhere = format!("{}/consumers/oauth2/v2.0/elsewhere", machine.outlook.authority_url());
    for (answer, status, words) in [
        (Answer::grant_expired(), 77, "the sign-in has lapsed"),
        (Answer::grant_revoked(), 77, "run: outlook-sendmail login"),
        (Answer::interaction_required(), 77, "another proof of identity (MFA): interaction_required: AADSTS50076"),
        (Answer::oauth_error(400, "invalid_grant", 65_001, "No consent."), 77, "login and accept what is asked"),
        (Answer::oauth_error(400, "invalid_grant", 53_003, "Blocked."), 77, "run: outlook-sendmail login --browser"),
        (Answer::oauth_error(400, "invalid_grant", 50_173, "Revoked."), 77, "as a changed password does"),
        (Answer::oauth_error(400, "invalid_request", 9_002_331, "MSA."), 78, "set tenant = \"consumers\""),
        (Answer::oauth_error(400, "unauthorized_client", 7_000_112, "Disabled."), 78, "register one of your own"),
        (Answer::oauth_error(400, "something_new", 1, "Unheard of."), 78, "Microsoft refuses the sign-in request"),
        (Answer::client_unknown(), 78, "check client_id and tenant"),
        (Answer::client_not_public(), 78, "set \"Allow public client flows\" to Yes"),
        (Answer::scope_invalid(), 78, "SMTP.Send"),
        (Answer::too_many_requests(3600), 75, "cannot renew the sign-in now"),
        (Answer::unavailable(3600), 75, "HTTP status 503"),
        (Answer::Drop, 75, "cannot renew the sign-in now"),
        (Answer::garbage(), 76, "the token endpoint gave no OAuth answer"),
        (Answer::html(), 76, "the token endpoint gave no OAuth answer"),
        (Answer::Http { status: 200, headers: Vec::new(), body: Vec::new() }, 76, "no OAuth answer"),
        (Answer::Http { status: 200, headers: Vec::new(), body: b"{\"access_token\":\"a\\r\\nb\"}".to_vec() }, 76, ""),
        (Answer::huge(3 * 1024 * 1024), 76, "the token endpoint gave no OAuth answer"),
        (Answer::redirect(&elsewhere), 76, "HTTP status 302"),
        (Answer::Raw(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), 76, "the token endpoint gave no OAuth answer"),
    ] {
        let before = machine.outlook.endpoint.requests().len();
        machine.outlook.endpoint.answer_next([answer.clone()]);
        let run = send(&machine);
        assert_eq!(run.status, status, "{answer:?}: {}", run.stderr);
        run.assert_failure(status, words);
        assert_eq!(machine.outlook.endpoint.requests().len(), before + 1, "asked once: {answer:?}");
        if let Some(log) = syslog() {
            let record = log.record_of(run.pid);
            assert!(record.contains(&format!(" failed: status={status} ")), "{record}");
            assert_no_secret(&record);
        }
    }
    assert!(machine.outlook.smtp.connections().is_empty(), "no token, no connection");
    // None of it spoiled the grant.
    send(&machine).assert_silent_success();
}

#[test]
fn a_busy_endpoint_is_waited_for() {
    let machine = without_cache(&[]);
    machine.outlook.endpoint.answer_next([Answer::too_many_requests(1)]);
    send(&machine).assert_silent_success();
    assert_eq!(machine.outlook.endpoint.refreshes(), 2);
}

#[test]
fn a_silent_endpoint_is_waited_for_until_the_deadline() {
    let machine = without_cache(&[("deadline", "2")]);
    machine.outlook.endpoint.answer_always(Some(Answer::Stall));
    let began = Instant::now();
    send(&machine).assert_failure(75, "cannot renew the sign-in now: no answer in time");
    assert!(began.elapsed() < HANG);
}

/// Changes a line of the configuration.
fn reconfigure(machine: &Machine, key: &str, value: Option<&str>) {
    let text = fs::read_to_string(machine.config()).unwrap();
    let mut lines: Vec<String> =
        text.lines().filter(|line| !line.starts_with(&format!("{key} = "))).map(str::to_owned).collect();
    lines.extend(value.map(|value| format!("{key} = {value}")));
    fs::write(machine.config(), lines.join("\n") + "\n").unwrap();
}

#[test]
fn an_endpoint_nobody_listens_at_is_temporary() {
    let machine = without_cache(&[]);
    // Reserved, and then given back: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let authority = format!("https://localhost:{port}");
    let text = grant(&machine).replace(&machine.outlook.authority_url(), &authority);
    fs::write(grant_file(&machine), text).unwrap();
    reconfigure(&machine, "endpoints", Some(&format!("{{ authority = {authority:?} }}")));
    send(&machine).assert_failure(75, "nothing was sent; try again later");
}

#[test]
fn the_environment_decides_nothing_about_trust_or_way() {
    let machine = without_cache(&[]);
    let mut command = machine.command(machine.program("sendmail"));
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env(variable, "http://127.0.0.1:1");
    }
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    run(command.arg("a@example.org"), MESSAGE).assert_silent_success();
    assert_eq!(machine.outlook.endpoint.refreshes(), 1);

    // Nor can it make somebody trusted.
    reconfigure(&machine, "tls_ca_file", None);
    let mut command = machine.command(machine.program("sendmail"));
    command.env("SSL_CERT_FILE", machine.folder.path().join("ca.pem"));
    let run = run(command.arg("a@example.org"), MESSAGE);
    run.assert_failure(76, "the token endpoint's certificate was refused");
    assert_eq!(machine.outlook.endpoint.refreshes(), 1);
}

// -- login

fn login(machine: &Machine, flow: DeviceFlow, arguments: &[&str]) -> Run {
    machine.outlook.endpoint.set_device_flow(flow);
    let run = machine.run_as("outlook-sendmail", [&["login"], arguments].concat(), b"");
    assert_no_secret(&run.stdout);
    assert_no_secret(&run.stderr);
    run
}

fn assert_refused(run: &Run, status: i32, words: &str) {
    assert_eq!(run.status, status, "{}", run.stderr);
    assert!(run.stderr.contains(words) && run.stderr.matches('\n').count() == 1, "{}", run.stderr);
}

#[test]
fn a_sign_in_waits_for_the_person() {
    let machine = Machine::signed_out(|_| {}, &[]);
    send(&machine).assert_failure(77, "not signed in -- run: outlook-sendmail login");
    let flow = DeviceFlow { pending: 1, slow_down: 1, interval: 0, ..DeviceFlow::default() };
    let run = login(&machine, flow, &[]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("https://www.microsoft.com/link"), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("\nSigned in as {ACCOUNT}.\n")), "{}", run.stdout);
    assert_eq!(machine.outlook.endpoint.grants("urn:ietf:params:oauth:grant-type:device_code"), 3);
    send(&machine).assert_silent_success();
}

#[test]
fn a_sign_in_that_ends_without_tokens_leaves_nothing() {
    let machine = Machine::signed_out(|_| {}, &[]);
    let config = fs::read(machine.config()).unwrap();
    for outcome in [DeviceOutcome::Declined, DeviceOutcome::Expired] {
        let flow = DeviceFlow { pending: 0, interval: 0, outcome, ..DeviceFlow::default() };
        assert_refused(&login(&machine, flow, &[]), 77, "the sign-in was not completed");
    }
    let flow = DeviceFlow { pending: 9, interval: 0, expires_in: 1, ..DeviceFlow::default() };
    assert_refused(&login(&machine, flow, &[]), 77, "the code ran out");
    assert!(machine.secrets().is_empty());
    assert_eq!(fs::read(machine.config()).unwrap(), config);
}

#[test]
fn a_sign_in_needs_a_client_id() {
    let machine = Machine::signed_out(|_| {}, &[]);
    assert_refused(
        &login(&machine, DeviceFlow::default(), &["--account", "new", "--store", "file"]),
        78,
        "no client id",
    );
    reconfigure(&machine, "client_id", None);
    let run = login(&machine, DeviceFlow::default(), &[]);
    assert_refused(&run, 78, "outlook-sendmail login --client-id ID");
    assert!(machine.outlook.endpoint.requests().is_empty());
    // What the advice says has to work.
    let flow = DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() };
    let run = login(&machine, flow, &["--client-id", &machine.outlook.options().client_id]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    send(&machine).assert_silent_success();
}

#[test]
fn a_new_sign_in_replaces_a_dead_one() {
    let machine = without_cache(&[]);
    machine.outlook.tokens.revoke_all_refresh();
    send(&machine).assert_failure(77, "Microsoft wants you to sign in again");
    let flow = DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() };
    assert_eq!(login(&machine, flow, &[]).status, 0);
    send(&machine).assert_silent_success();
}

#[test]
fn the_usual_place_of_the_configuration_is_found() {
    let machine = Machine::new();
    let folder = machine.folder.path().join("config/outlook-sendmail");
    fs::create_dir_all(&folder).unwrap();
    fs::rename(machine.config(), folder.join("config.toml")).unwrap();
    let mut command = Command::new(machine.program("sendmail"));
    command.env_clear().env("HOME", machine.folder.path()).env("XDG_STATE_HOME", machine.state());
    command.env("XDG_CONFIG_HOME", machine.folder.path().join("config"));
    run(command.arg("a@example.org"), MESSAGE).assert_silent_success();
}
