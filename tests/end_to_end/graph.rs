//! Submission through Microsoft Graph: the real program against a stand-in for it over real HTTPS.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use harness::stdio_client::StdioClient;
use harness::syslog::syslog;
use harness::{ACCOUNT, Machine, Run, assert_no_secret, run};
use stand_in::graph::{REQUEST_ID, error};
use stand_in::{Act, Answer, DeviceFlow};

const MESSAGE: &[u8] = b"Subject: Over Graph\nTo: a@example.org\n\nThe text.\n.\nMore text.\n";

/// Nothing may hang longer: a guard, not a measure.
const HANG: Duration = Duration::from_secs(30);

fn config(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let graph = [("transport", "\"graph\"")];
    graph.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Signed in for Graph.
fn machine() -> Machine {
    Machine::with(|_| {}, &config(&[]))
}

fn machine_with(more: &[(&str, &str)]) -> Machine {
    Machine::with(|_| {}, &config(more))
}

fn send(machine: &Machine) -> Run {
    let run = machine.sendmail(["-i", "a@example.org"], MESSAGE);
    assert_no_secret(&run.stderr);
    run
}

fn answered(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Act {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Act::Answer(Answer::Http { status, headers, body: body.to_vec() })
}

/// Changes a line of the configuration.
fn reconfigure(machine: &Machine, key: &str, value: Option<&str>) {
    let text = fs::read_to_string(machine.config()).unwrap();
    let mut lines: Vec<String> =
        text.lines().filter(|line| !line.starts_with(&format!("{key} = "))).map(str::to_owned).collect();
    lines.extend(value.map(|value| format!("{key} = {value}")));
    fs::write(machine.config(), lines.join("\n") + "\n").unwrap();
}

fn login(machine: &Machine) {
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    let login = machine.run_as("outlook-sendmail", ["login"], b"");
    assert_eq!(login.status, 0, "{}", login.stderr);
}

/// Nothing was asked of anybody.
fn assert_untouched(machine: &Machine, tokens_before: usize) {
    assert_eq!(machine.outlook.graph.connections(), 0);
    assert_eq!(machine.outlook.endpoint.requests().len(), tokens_before);
    assert!(machine.outlook.smtp.connections().is_empty());
}

// -- a message

#[test]
fn a_message_goes_out_whole_and_silently() {
    syslog();
    let machine = machine();
    let run = send(&machine);
    run.assert_silent_success();
    let posts = machine.outlook.graph.accepted();
    assert_eq!(posts.len(), 1);
    let post = &posts[0];
    assert_eq!((post.method.as_str(), post.path.as_str()), ("POST", "/v1.0/me/sendMail"));
    assert_eq!(post.header("content-type"), Some("text/plain"));
    assert_eq!(post.header("content-length"), Some(post.octets.to_string().as_str()));
    assert!(post.header("host").unwrap().starts_with("localhost:"));
    assert_eq!(post.recipients, ["a@example.org"]);
    let text = String::from_utf8(post.data.clone()).unwrap();
    assert!(text.ends_with("\r\n\r\nThe text.\r\n.\r\nMore text.\r\n"), "{text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']) && !text.contains("\r\nBcc:"), "{text}");
    assert!(machine.outlook.smtp.connections().is_empty());
    if let Some(log) = syslog() {
        let record = log.record_of(run.pid);
        assert!(record.contains(&format!(" sent: 202 Accepted request-id {REQUEST_ID}")), "{record}");
        assert_no_secret(&record);
    }
}

#[test]
fn both_transports_send_the_same_message() {
    let (graph, smtp) = (machine(), Machine::new());
    let input = "From: R\u{f6}ot <root@web1>\nTo: Gr\u{fc}n <a@example.org>\nMessage-ID: <1@x.example>\n\
                 Date: Sun, 22 Nov 2026 20:05:02 +0100\nSubject: \u{df}\n\nText \u{2013} mehr.\n";
    for machine in [&graph, &smtp] {
        machine.sendmail(["-t", "b@example.org"], input.as_bytes()).assert_silent_success();
    }
    let posted = &graph.outlook.graph.accepted()[0];
    let received = &smtp.outlook.smtp.received()[0];
    assert_eq!(String::from_utf8_lossy(&posted.delivered()), received.text());
    let mut recipients = posted.recipients.clone();
    recipients.sort();
    assert_eq!(recipients, ["a@example.org", "b@example.org"]);
}

#[test]
fn a_transcript_shows_request_and_answer_without_the_token() {
    let machine = machine();
    let run = machine.sendmail(["-v", "-N", "failure", "b@example.org", "a@example.org"], MESSAGE);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert_no_secret(&run.stderr);
    for words in [
        &format!(">>> POST {}/v1.0/me/sendMail\n", machine.outlook.graph.url()),
        "--- Graph has no delivery status notifications",
        "with a Bcc field",
        &format!("<<< 202 Accepted request-id {REQUEST_ID}\n"),
    ] {
        assert!(run.stderr.contains(words), "{words:?} in {}", run.stderr);
    }
}

#[test]
fn a_large_message_goes_out_in_slices_and_a_larger_one_not_at_all() {
    let machine = machine();
    let body = |lines: usize| {
        [b"To: a@example.org\n\n".as_slice(), &b"A line of the large message, fifty octets long, eh\n".repeat(lines)]
            .concat()
    };
    machine.sendmail(["-t"], &body(58_000)).assert_silent_success();
    let post = &machine.outlook.graph.accepted()[0];
    assert!(post.octets > 4_000_000 && post.data.ends_with(b"fifty octets long, eh\r\n"));
    machine.outlook.graph.forget();
    let tokens = machine.outlook.endpoint.requests().len();
    machine.sendmail(["-t"], &body(70_000)).assert_failure(65, "message too large");
    assert_untouched(&machine, tokens);
}

#[test]
fn smtp_on_standard_input_goes_over_graph_too() {
    let machine = machine();
    let mut client = StdioClient::greeted(&machine);
    let reply = client.send("Over Graph");
    assert!(reply.starts_with("250 ") && reply.contains("202 Accepted"), "{reply}");
    client.quit();
    assert_eq!(machine.outlook.graph.accepted().len(), 1);
}

// -- recipients

#[test]
fn recipients_the_header_does_not_name_are_added_as_bcc() {
    let machine = machine();
    for (arguments, header, wanted) in [
        (vec!["a@example.org", "b@example.org"], "To: a@example.org\n", vec!["a@example.org", "b@example.org"]),
        (vec!["a@example.org"], "", vec!["a@example.org"]),
        (vec!["-t"], "Bcc: a@example.org, b@example.org\n", vec!["a@example.org", "b@example.org"]),
        (vec!["-t"], "To: undisclosed-recipients:;\nBcc: b@example.org\n", vec!["b@example.org"]),
        (vec!["-t"], "To: team: a@example.org, b@example.org;\n", vec!["a@example.org", "b@example.org"]),
        (vec!["root"], "To: root\n", vec![ACCOUNT]),
        (vec!["-t"], "To: A@EXAMPLE.org\nCc: a@example.org\n", vec!["A@EXAMPLE.org", "a@example.org"]),
        (vec!["-t"], "Resent-To: b@example.org\nTo: b@example.org\n", vec!["b@example.org"]),
        (vec!["-t"], "Resent-To: b@example.org\nSubject: x\n", vec!["b@example.org"]),
    ] {
        machine.outlook.graph.forget();
        machine.sendmail(arguments, format!("{header}\nText.\n").as_bytes()).assert_silent_success();
        let post = &machine.outlook.graph.accepted()[0];
        let mut recipients = post.recipients.clone();
        recipients.sort();
        recipients.dedup();
        assert_eq!(recipients, wanted, "{header}");
        assert!(!String::from_utf8_lossy(&post.delivered()).contains("Bcc"));
    }
}

#[test]
fn a_header_that_names_others_is_refused_before_anything_is_asked() {
    // Nothing cached: a token would have to be asked for.
    let machine = Machine::with(|options| options.access_token_lifetime = Duration::from_secs(60), &config(&[]));
    let tokens = machine.outlook.endpoint.requests().len();
    for (arguments, header, words) in [
        (vec!["a@example.org"], "To: list@example.org\n", "To names list@example.org"),
        (vec!["a@example.org"], "To: a@example.org\nCc: x: b@example.org;\n", "Cc names b@example.org"),
        (vec!["a@example.org"], "To: root\n", "To names me@outlook.com"),
        (vec!["-t"], "Resent-To: a@example.org\nTo: list@example.org\n", "To names list@example.org"),
        (vec!["a@example.org"], "To: nobody in particular\n", "To cannot be read"),
        (vec!["-t"], "To: gr\u{fc}n@example.org\n", "not ASCII"),
        (vec!["gr\u{fc}n@example.org"], "Subject: x\n", "not ASCII"),
    ] {
        let run = machine.sendmail(arguments, format!("{header}\nText.\n").as_bytes());
        run.assert_failure(65, "Graph cannot send this message as asked");
        assert!(run.stderr.contains(words) && run.stderr.contains("transport = \"smtp\""), "{}", run.stderr);
    }
    assert_untouched(&machine, tokens);
}

// -- tokens

#[test]
fn each_transport_has_its_own_grant_and_going_back_and_forth_loses_none() {
    let machine = machine();
    let endpoint = &machine.outlook.endpoint;
    let asked = endpoint.requests().iter().find_map(|request| request.field("scope").map(str::to_owned)).unwrap();
    assert_eq!(asked, format!("{} offline_access openid email", machine.outlook.graph.scope()));
    reconfigure(&machine, "transport", None);
    send(&machine).assert_failure(77, "not signed in");
    login(&machine);
    for _ in 0..2 {
        reconfigure(&machine, "transport", None);
        send(&machine).assert_silent_success();
        reconfigure(&machine, "transport", Some("\"graph\""));
        send(&machine).assert_silent_success();
    }
    assert_eq!((machine.outlook.smtp.received().len(), machine.outlook.graph.accepted().len()), (2, 2));
    // Not one was tried with the other's token.
    assert_eq!(machine.outlook.graph.posts().len(), 2);
    assert_eq!(endpoint.refreshes(), 0);
    let mut names: Vec<_> =
        machine.secrets().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.retain(|name| name.starts_with("grant"));
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn an_smtp_token_is_no_graph_token() {
    let (graph, smtp) = (machine(), Machine::new());
    assert!(!graph.outlook.tokens.has_scope(&graph.outlook.access_token(), &graph.outlook.graph.scope()));
    let scope = smtp.outlook.graph.scope();
    assert!(!smtp.outlook.tokens.may_send(&smtp.outlook.tokens.issue_access(&scope, HANG)));
}

#[test]
fn a_grant_for_one_cloud_gives_no_token_to_another() {
    let machine = machine();
    let endpoints = format!(
        "{{ authority = {:?}, graph = \"https://127.0.0.1:{}\" }}",
        machine.outlook.authority_url(),
        machine.outlook.graph.url().rsplit(':').next().unwrap()
    );
    let tokens = machine.outlook.endpoint.requests().len();
    reconfigure(&machine, "endpoints", Some(&endpoints));
    send(&machine).assert_failure(77, "not one for https://127.0.0.1:");
    assert_untouched(&machine, tokens);
}

#[test]
fn a_revoked_access_token_is_renewed_once_and_the_message_goes() {
    let machine = machine();
    machine.outlook.tokens.revoke_all_access();
    send(&machine).assert_silent_success();
    assert_eq!((machine.outlook.endpoint.refreshes(), machine.outlook.graph.posts().len()), (1, 2));
    let renewal = machine.outlook.endpoint.requests().last().unwrap().clone();
    assert!(renewal.field("scope").unwrap().starts_with(&machine.outlook.graph.scope()));
    send(&machine).assert_silent_success();
    assert_eq!((machine.outlook.endpoint.refreshes(), machine.outlook.graph.posts().len()), (1, 3));
}

#[test]
fn a_token_that_stays_refused_is_renewed_only_once() {
    let machine = machine();
    machine.outlook.graph.act_always(Some(Act::Answer(error(401, "InvalidAuthenticationToken", "No."))));
    send(&machine).assert_failure(77, "Graph refuses the sign-in: 401 Unauthorized InvalidAuthenticationToken: No.");
    assert_eq!((machine.outlook.endpoint.refreshes(), machine.outlook.graph.posts().len()), (1, 2));
}

/// Lets the access token in the cache be forgotten: it is cached for one state folder. Gives the new one.
fn forget_access_token(machine: &Machine) -> PathBuf {
    let moved = machine.folder.path().join("moved");
    fs::rename(machine.state(), &moved).unwrap();
    // Without a kernel keyring it is cached here.
    let _ = fs::remove_file(moved.join("outlook-sendmail/secrets/access:graph:me"));
    moved
}

#[test]
fn twenty_at_once_with_an_expired_token_renew_once() {
    let machine = Machine::with(|options| options.revoke_on_reuse = true, &config(&[]));
    let state = forget_access_token(&machine);
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut command = machine.command(machine.program("sendmail"));
                command.env("XDG_STATE_HOME", &state).arg("a@example.org");
                run(&mut command, MESSAGE).assert_silent_success();
            });
        }
    });
    assert_eq!(machine.outlook.graph.accepted().len(), 20);
    assert_eq!(machine.outlook.endpoint.refreshes(), 1);
}

#[test]
fn twenty_with_a_revoked_token_renew_once() {
    let machine = Machine::with(|options| options.revoke_on_reuse = true, &config(&[]));
    machine.outlook.tokens.revoke_all_access();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| send(&machine).assert_silent_success());
        }
    });
    assert_eq!(machine.outlook.graph.accepted().len(), 20);
    assert_eq!(machine.outlook.endpoint.refreshes(), 1);
}

// -- what Graph answers

#[test]
fn every_answer_has_its_status_and_advice() {
    syslog();
    let machine = machine();
    let coded = |status: u16, code: &str| Act::Answer(error(status, code, "In Graph's words."));
    let raw = |octets: &[u8]| Act::Answer(Answer::Raw(octets.to_vec()));
    for (act, status, words) in [
        (coded(403, "ErrorAccessDenied"), 77, "grant Mail.Send"),
        (coded(403, "ErrorSendAsDenied"), 77, "does not let this account send as this sender"),
        (coded(403, "ErrorExceededMessageLimit"), 75, "wait some hours"),
        (coded(429, "ErrorExceededMessageLimit"), 75, "wait some hours"),
        (coded(403, "ErrorSubmissionQuotaExceeded"), 75, "wait some hours"),
        (coded(554, "ErrorMessageSubmissionBlocked"), 77, "verify the account"),
        (coded(403, "ErrorExceededMaxRecipientLimit"), 69, "fewer at a time"),
        (coded(403, "ErrorMessageThrottled"), 69, "stop, mend the cause, and wait"),
        (coded(403, "ErrorMessageBlocked"), 69, "do not repeat it"),
        (coded(404, "ErrorNonExistentMailbox"), 78, "transport = \"smtp\""),
        (coded(403, "ErrorAccountSuspend"), 77, "recover the account"),
        (coded(400, "ErrorMimeContentInvalidBase64String"), 65, "400 Bad Request ErrorMimeContentInvalidBase64String"),
        (coded(400, "ErrorInvalidRecipients"), 67, "recipient refused"),
        (coded(400, "ErrorMessageSizeExceeded"), 65, "larger than this mailbox may send"),
        (coded(507, "ErrorQuotaExceeded"), 69, "the mailbox is full"),
        (coded(404, "MailboxNotEnabledForRESTAPI"), 78, "transport = \"smtp\""),
        (answered(404, &[], b"<html>"), 76, "check endpoints.graph"),
        (answered(405, &[], b""), 69, "405"),
        (answered(413, &[], b""), 65, "message too large"),
        (answered(429, &[("Retry-After", "3600")], b""), 75, "not at once"),
        (answered(429, &[], b""), 75, "429 Too Many Requests"),
        (answered(408, &[], b""), 75, "too slowly"),
        (answered(503, &[("Retry-After", "3600")], b""), 75, "503 Service Unavailable"),
        (answered(503, &[], b""), 75, "503 Service Unavailable"),
        (answered(302, &[("Location", "https://localhost/")], b""), 76, "302"),
        (answered(200, &[], b"{}"), 74, "200 OK"),
        (answered(204, &[], b""), 74, "204"),
        (coded(500, "ErrorInternalServerError"), 74, "look in Sent Items"),
        (answered(502, &[], b"<html>"), 74, "502"),
        (answered(504, &[], b""), 74, "504"),
        (Act::Answer(Answer::Drop), 74, "perhaps sent"),
        (raw(b"SSH-2.0-OpenSSH_9.9\r\n"), 74, "SSH-2.0"),
        (raw(b"HTTP/1.1 202 Acc"), 74, "perhaps sent"),
        (raw(&[b"HTTP/1.1 400 Bad\r\n\r\n".as_slice(), &vec![b'x'; 3 << 20]].concat()), 65, "400 Bad"),
        (Act::CutAfter(0), 74, "perhaps sent"),
    ] {
        machine.outlook.graph.forget();
        machine.outlook.graph.act_next([act.clone()]);
        let run = send(&machine);
        assert_eq!(run.status, status, "{act:?}: {}", run.stderr);
        run.assert_failure(status, words);
        assert_eq!(machine.outlook.graph.connections(), 1, "asked once: {act:?}");
        if let Some(log) = syslog() {
            let record = log.record_of(run.pid);
            assert!(record.contains(&format!(" failed: status={status} ")), "{record}");
            assert_no_secret(&record);
        }
    }
    assert_eq!(machine.outlook.endpoint.refreshes(), 0);
    send(&machine).assert_silent_success();
}

#[test]
fn a_long_reason_is_shortened_for_a_person_and_whole_in_the_log() {
    let log = syslog();
    let machine = machine();
    let reason = format!("It began {} and ended", "so on ".repeat(200));
    machine.outlook.graph.act_next([Act::Answer(error(400, "ErrorLong", &reason))]);
    let run = send(&machine);
    run.assert_failure(65, "ErrorLong: It began");
    assert!(run.stderr.len() < 600 && !run.stderr.contains(REQUEST_ID), "{}", run.stderr);
    if let Some(log) = log {
        let record = log.record_of(run.pid);
        assert!(record.contains(&format!("so on and ended request-id {REQUEST_ID}")), "{record}");
    }
}

#[test]
fn an_answer_that_echoes_the_token_does_not_show_it() {
    let machine = machine();
    send(&machine).assert_silent_success();
    let token = machine.outlook.graph.posts()[0].header("authorization").unwrap().to_owned();
    machine.outlook.graph.act_next([Act::Answer(error(400, "ErrorEcho", &format!("You said {token}.")))]);
    let run = machine.sendmail(["-v", "a@example.org"], MESSAGE);
    assert_eq!(run.status, 65);
    assert!(run.stderr.contains("ErrorEcho: You said Bearer (redacted)"), "{}", run.stderr);
    assert_no_secret(&run.stderr);
}

#[test]
fn a_busy_graph_is_waited_for() {
    let machine = machine();
    for status in [429, 503] {
        machine.outlook.graph.forget();
        machine.outlook.graph.act_next([answered(status, &[("Retry-After", "1")], b"")]);
        send(&machine).assert_silent_success();
        assert_eq!(machine.outlook.graph.connections(), 2);
        assert_eq!(machine.outlook.graph.accepted().len(), 1);
    }
}

#[test]
fn an_answer_in_the_middle_of_the_message_is_heard() {
    let machine = machine();
    let large =
        [b"To: a@example.org\n\n".as_slice(), &b"A line of the large message, fifty octets long, eh\n".repeat(50_000)]
            .concat();
    for (act, status, words) in [
        (Act::AnswerEarly(error(413, "BadRequest", "4MB.")), 65, "413 Request Entity Too Large BadRequest: 4MB."),
        (Act::AnswerEarly(error(403, "ErrorAccessDenied", "No.")), 77, "ErrorAccessDenied: No."),
    ] {
        machine.outlook.graph.act_next([act]);
        machine.sendmail(["-t"], &large).assert_failure(status, words);
    }
    assert_eq!(machine.outlook.graph.connections(), 2);
}

#[test]
fn a_silent_graph_is_waited_for_and_the_message_then_perhaps_sent() {
    let machine = machine_with(&[("final_wait", "1")]);
    machine.outlook.graph.act_always(Some(Act::Answer(Answer::Stall)));
    let began = Instant::now();
    send(&machine).assert_failure(74, "perhaps sent: no clear answer came after the message: no answer in time");
    assert!(began.elapsed() < HANG);
    assert_eq!(machine.outlook.graph.connections(), 1);
}

// -- before the message

#[test]
fn a_graph_that_cannot_be_reached_has_got_nothing() {
    let machine = machine_with(&[("deadline", "4")]);
    machine.outlook.graph.act_next([Act::StallHandshake]);
    let began = Instant::now();
    send(&machine).assert_failure(75, "ran out of time");
    assert!(began.elapsed() < HANG);

    let ca_file = machine.outlook.options().ca_file.to_string_lossy().into_owned();
    reconfigure(&machine, "tls_ca_file", None);
    let untrusted = send(&machine);
    untrusted.assert_failure(76, "the server's certificate was refused");
    assert!(untrusted.stderr.contains("nothing was sent"));
    reconfigure(&machine, "tls_ca_file", Some(&format!("{ca_file:?}")));

    machine.outlook.graph.stop();
    let gone = send(&machine);
    gone.assert_failure(75, "cannot reach the server");
    assert!(gone.stderr.contains("Connection refused") && gone.stderr.contains("nothing was sent"), "{}", gone.stderr);
    assert!(machine.outlook.graph.posts().is_empty());
}

#[test]
fn the_environment_decides_nothing_about_trust_or_way() {
    let machine = machine();
    let mut command = machine.command(machine.program("sendmail"));
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(variable, "http://127.0.0.1:1");
    }
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    run(command.arg("a@example.org"), MESSAGE).assert_silent_success();
}
