//! The conversation against a scripted server: what is written, flight by flight, and what comes of each answer.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::account::CallerShown;
use crate::account::{AuthKind, FromPolicy, LoneDot, MessageIds, OnFailure, PROVIDERS, TransportKind};
use crate::credentials::{AccessToken, Origin};
use crate::failure::Cause;
use crate::fake_world::{self, Fakes, parse_reply};
use crate::invocation::{FlagValue, FlagValues, Submit};
use crate::reply::Reply;
use crate::secret::Secret;
use crate::words::Words;
use crate::world::{Server, Spool, StoreKind, Wire, WireFault, memory_spool};

/// What a server does when it is listened to.
enum Said {
    Reply(String),
    /// Before it is asked for.
    Early(String),
    Fault(WireFault),
}

struct Script {
    replies: RefCell<VecDeque<Said>>,
    /// Everything written, one item per call; `<TLS>` and `<closed>` mark events.
    flights: RefCell<Vec<String>>,
    /// The write with this number fails.
    failing_write: Cell<Option<(usize, WireFaultKind)>>,
    writes: Cell<usize>,
    /// How long every write takes.
    slowness: Cell<Duration>,
    now: Cell<Instant>,
    /// How long every reply takes.
    pace: Cell<Duration>,
    deadlines: RefCell<Vec<Instant>>,
    connection: RefCell<Option<WireFault>>,
    tls: RefCell<Option<WireFault>>,
}

#[derive(Clone, Copy)]
enum WireFaultKind {
    Lost,
    TimedOut,
}

struct ScriptedWire(Rc<Script>);

impl Wire for ScriptedWire {
    fn send(&mut self, octets: &[u8], deadline: Instant) -> Result<(), WireFault> {
        let number = self.0.writes.get();
        self.0.writes.set(number + 1);
        self.0.now.set(self.0.now.get() + self.0.slowness.get());
        self.0.deadlines.borrow_mut().push(deadline);
        match self.0.failing_write.get() {
            Some((failing, WireFaultKind::Lost)) if failing == number => {
                Err(WireFault::Lost(Words::from("Broken pipe")))
            }
            Some((failing, WireFaultKind::TimedOut)) if failing == number => Err(WireFault::TimedOut),
            _ => {
                self.0.flights.borrow_mut().push(String::from_utf8_lossy(octets).into_owned());
                Ok(())
            }
        }
    }

    fn has_unread(&mut self) -> Result<bool, WireFault> {
        match self.0.replies.borrow().front() {
            Some(Said::Early(_)) => Ok(true),
            Some(Said::Reply(_) | Said::Fault(_)) | None => Ok(false),
        }
    }

    fn reply(&mut self, deadline: Instant) -> Result<Reply, WireFault> {
        self.0.now.set(self.0.now.get() + self.0.pace.get());
        self.0.deadlines.borrow_mut().push(deadline);
        if self.0.now.get() >= deadline {
            return Err(WireFault::TimedOut);
        }
        match self.0.replies.borrow_mut().pop_front() {
            Some(Said::Reply(text) | Said::Early(text)) => Ok(parse_reply(format!("{text}\r\n").as_bytes()).unwrap()),
            Some(Said::Fault(fault)) => Err(fault),
            None => Err(WireFault::Lost(Words::from("the server closed the connection"))),
        }
    }

    fn start_tls(&mut self, _deadline: Instant) -> Result<(), WireFault> {
        self.0.flights.borrow_mut().push("<TLS>".into());
        self.0.tls.borrow_mut().take().map_or(Ok(()), Err)
    }

    fn address_literal(&self) -> String {
        "[192.0.2.1]".into()
    }
}

impl Drop for ScriptedWire {
    fn drop(&mut self) {
        self.0.flights.borrow_mut().push("<closed>".into());
    }
}

struct Scripted(Rc<Script>);

impl Network for Scripted {
    fn connect(&self, _: Server<'_>, _deadline: Instant) -> Result<Box<dyn Wire>, WireFault> {
        match self.0.connection.borrow_mut().take() {
            Some(fault) => Err(fault),
            None => Ok(Box::new(ScriptedWire(Rc::clone(&self.0)))),
        }
    }
}

impl Clock for Scripted {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn utc_offset(&self) -> i32 {
        0
    }

    fn instant(&self) -> Instant {
        self.0.now.get()
    }

    fn sleep(&self, _duration: Duration) {}
}

const HEADER: &str = "From: me@outlook.com\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n\
    Message-ID: <1@x.example>\r\nSubject: x\r\n";

fn message(recipients: &[&str]) -> Letter {
    special(recipients, &[], "\r\n.dot\r\n", memory_spool())
}

/// A letter with these wishes whose header ends, and whose body begins, like this.
fn special(recipients: &[&str], wishes: &[(FlagValue, &str)], rest: &str, spool: Box<dyn Spool>) -> Letter {
    let values = wishes.iter().fold(FlagValues::default(), |values, (wish, value)| values.with(*wish, *value));
    let operands = recipients.iter().map(|address| address.as_bytes().to_vec()).collect();
    let submit = Submit { operands, values, ..Submit::default() };
    fake_world::letter(&Fakes::default().world(), &account(), &submit, [HEADER, rest].concat().as_bytes(), spool)
}

/// Can be read until it breaks.
struct Breaking(Cursor<Vec<u8>>, Rc<Cell<bool>>);

impl Read for Breaking {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        if self.1.get() { Err(io::ErrorKind::UnexpectedEof.into()) } else { self.0.read(octets) }
    }
}

impl Write for Breaking {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Breaking {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn account() -> Account {
    Account {
        name: "me".into(),
        address: "me@outlook.com".parse().unwrap(),
        provider: &PROVIDERS[0],
        client_id: None,
        display_name: None,
        caller: CallerShown::LastResort,
        send_as: Vec::new(),
        from: FromPolicy::Rewrite,
        on_failure: OnFailure::Report,
        store: StoreKind::File,
        auth: AuthKind::OAuth2,
        transport: TransportKind::Smtp,
        graph: "https://graph.microsoft.com".into(),
        message_ids: MessageIds::Repair,
        allow: Vec::new(),
        is_one_of_several: false,
        host: "smtp-mail.outlook.com".into(),
        port: 587,
        ehlo: None,
        tls_ca_file: None,
        tenant: "consumers".into(),
        authority: "https://login.microsoftonline.com".into(),
        deadline: Duration::from_secs(45),
        final_wait: Duration::from_secs(600),
        lone_dot: LoneDot::Content,
        aliases: "/etc/aliases".into(),
        local_mail_to: None,
    }
}

const GREETING: &str = "220 FR4.outlook.office365.com Microsoft ESMTP MAIL Service ready";
const CLEAR: &str = "250-FR4 Hello [192.0.2.1]\r\n250-SIZE 157286400\r\n250-PIPELINING\r\n250-DSN\r\n250 STARTTLS";
const SECURE: &str = "250-FR4 Hello [192.0.2.1]\r\n250-SIZE 157286400\r\n250-PIPELINING\r\n250-DSN\r\n250-AUTH LOGIN XOAUTH2\r\n250-8BITMIME\r\n250 SMTPUTF8";
const PLAIN: &str = "250-FR4 Hello [192.0.2.1]\r\n250 AUTH LOGIN XOAUTH2";
/// base64 of `user=me@outlook.com^Aauth=Bearer TOKEN^A^A`.
const RESPONSE: &str = "dXNlcj1tZUBvdXRsb29rLmNvbQFhdXRoPUJlYXJlciBUT0tFTgEB";
const ACCEPTED: &str = "250 2.0.0 OK <new-id@outlook.com> [Hostname=X.PROD.OUTLOOK.COM]";

const EHLO: &str = "EHLO [192.0.2.1]\r\n";
const MAIL: &str = "MAIL FROM:<me@outlook.com> SIZE=108\r\n";
const CONTENT: &str = "From: me@outlook.com\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n\
    Message-ID: <1@x.example>\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";

/// The replies up to and including the one to AUTH.
const SIGNED_IN: &[&str] =
    &[GREETING, CLEAR, "220 2.0.0 SMTP server ready", SECURE, "235 2.7.0 Authentication successful"];

struct Run {
    outcome: Result<Receipt, Failure>,
    flights: Vec<String>,
    transcript: Vec<String>,
    script: Rc<Script>,
}

impl Run {
    fn failure(&self) -> &Failure {
        self.outcome.as_ref().unwrap_err()
    }

    fn cause(&self) -> Cause {
        self.failure().cause
    }

    fn detail(&self) -> &str {
        self.failure().detail.whole()
    }

    /// What was written after AUTH was answered.
    fn after_auth(&self) -> Vec<&str> {
        self.flights.iter().skip(5).map(String::as_str).collect()
    }
}

fn script(replies: &[&[&str]]) -> Rc<Script> {
    let said = |text: &str| match text.strip_prefix("early ") {
        Some(text) => Said::Early(text.to_owned()),
        None => Said::Reply(text.to_owned()),
    };
    let replies = replies.concat().into_iter().map(said).collect();
    Rc::new(Script {
        replies: RefCell::new(replies),
        flights: RefCell::default(),
        failing_write: Cell::default(),
        writes: Cell::default(),
        slowness: Cell::default(),
        now: Cell::new(Instant::now()),
        pace: Cell::default(),
        deadlines: RefCell::default(),
        connection: RefCell::default(),
        tls: RefCell::default(),
    })
}

fn bearer(token: &str) -> Credential {
    let token = Secret::from(token);
    Credential::Bearer(AccessToken { token, expires_at: SystemTime::UNIX_EPOCH, origin: Origin::Renewed })
}

fn run_with(script: Rc<Script>, account: &Account, token: &str, message: &mut Letter) -> Run {
    run_as(script, account, &bearer(token), message)
}

fn run_as(script: Rc<Script>, account: &Account, credential: &Credential, message: &mut Letter) -> Run {
    let world = Scripted(Rc::clone(&script));
    let times = account.deadlines(script.now.get());
    let mut transcript = Vec::new();
    let mut write_down = |line: Line| transcript.push(format!("{:?} {}", line.speaker, line.text.whole()));
    let smtp = Smtp { network: &world, clock: &world, account, credential, times, transcript: &mut write_down };
    let outcome = smtp.submit(message, &mut NoCustody);
    let flights = script.flights.borrow().clone();
    Run { outcome, flights, transcript, script }
}

fn run(replies: &[&[&str]], message: &mut Letter) -> Run {
    run_with(script(replies), &account(), "TOKEN", message)
}

// -- the good case

#[test]
fn a_message_takes_seven_flights_and_the_answer_to_quit_is_not_waited_for() {
    let run = run(
        &[
            SIGNED_IN,
            &["250 2.1.0 Sender OK", "250 2.1.5 Recipient OK", "250 2.1.5 Recipient OK", "354 Start", ACCEPTED],
        ],
        &mut message(&["a@x.example", "b@y.example"]),
    );
    assert_eq!(
        run.outcome.as_ref().unwrap().words.whole(),
        "2.0.0 OK <new-id@outlook.com> [Hostname=X.PROD.OUTLOOK.COM]"
    );
    let auth = format!("AUTH XOAUTH2 {RESPONSE}\r\n");
    let envelope = format!("{MAIL}RCPT TO:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n");
    assert_eq!(run.flights, [EHLO, "STARTTLS\r\n", "<TLS>", EHLO, &auth, &envelope, CONTENT, "<closed>"]);
}

#[test]
fn the_transcript_shows_everything_but_the_token() {
    let run = run(&[SIGNED_IN, &["250 ok", "250 ok", "354 go", ACCEPTED]], &mut message(&["a@x.example"]));
    assert_eq!(
        run.transcript.iter().map(String::as_str).filter(|line| !line.starts_with("Server 250")).collect::<Vec<_>>(),
        [
            "Event connected to smtp-mail.outlook.com",
            "Server 220 FR4.outlook.office365.com Microsoft ESMTP MAIL Service ready",
            "Client EHLO [192.0.2.1]",
            "Client STARTTLS",
            "Server 220 2.0.0 SMTP server ready",
            "Event TLS, certificate verified",
            "Client EHLO [192.0.2.1]",
            "Client AUTH XOAUTH2 (redacted)",
            "Server 235 2.7.0 Authentication successful",
            "Event signed in as me@outlook.com",
            "Client MAIL FROM:<me@outlook.com> SIZE=108",
            "Client RCPT TO:<a@x.example>",
            "Client DATA",
            "Server 354 go",
            "Event recipient a@x.example accepted",
            "Event 108 octets of message",
            "Client .",
            "Client QUIT",
        ]
    );
    assert!(run.transcript.contains(&"Server 250-PIPELINING".to_owned()));
}

#[test]
fn without_pipelining_one_thing_at_a_time() {
    let run = run(
        &[&[GREETING, CLEAR, "220 go", PLAIN, "235 in", "250 ok", "250 ok", "250 ok", "354 go", ACCEPTED]],
        &mut message(&["a@x.example", "b@y.example"]),
    );
    assert!(run.outcome.is_ok());
    assert_eq!(
        run.after_auth(),
        [
            "MAIL FROM:<me@outlook.com>\r\n",
            "RCPT TO:<a@x.example>\r\n",
            "RCPT TO:<b@y.example>\r\n",
            "DATA\r\n",
            "From: me@outlook.com\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@x.example>\r\nSubject: x\r\n\r\n..dot\r\n.\r\n",
            "QUIT\r\n",
            "<closed>"
        ]
    );
}

#[test]
fn many_recipients_go_in_flights_of_five_hundred() {
    let addresses: Vec<String> = (0..1001).map(|number| format!("r{number}@x.example")).collect();
    let recipients: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let answers = vec!["250 ok"; 1002];
    let run = run(&[SIGNED_IN, &answers, &["354 go", ACCEPTED]], &mut message(&recipients));
    assert!(run.outcome.is_ok());
    let lines: Vec<usize> = run.after_auth().iter().map(|flight| flight.matches("\r\n").count()).collect();
    assert_eq!(lines, [501, 500, 2, 8, 0]);
}

// -- up to signing in

#[test]
fn faults_of_the_wire_before_the_dot_mean_nothing_was_sent() {
    let words = || Words::from("why");
    for (fault, cause) in [
        (WireFault::Unresolved(words()), Cause::NameUnresolved),
        (WireFault::Unreachable(words()), Cause::Unreachable),
        (WireFault::TimedOut, Cause::TimedOut),
        (WireFault::Lost(words()), Cause::ConnectionLost),
        (WireFault::NotAReply(words()), Cause::ReplyNonsense),
        (WireFault::Injected, Cause::StarttlsInjected),
        (WireFault::Certificate(words()), Cause::Certificate),
        (WireFault::Tls(words()), Cause::TlsFailed),
        (WireFault::TrustAnchors(words()), Cause::TrustAnchors),
    ] {
        let connecting = script(&[]);
        connecting.connection.replace(Some(fault.clone()));
        assert_eq!(run_with(connecting, &account(), "T", &mut message(&["a@x.example"])).cause(), cause);

        for before in 0..SIGNED_IN.len() {
            let script = script(&[&SIGNED_IN[..before]]);
            script.replies.borrow_mut().push_back(Said::Fault(fault.clone()));
            let run = run_with(script, &account(), "T", &mut message(&["a@x.example"]));
            assert_eq!(run.cause(), cause, "{before}");
            assert!(!run.flights.iter().any(|flight| flight.contains("QUIT")));
        }

        let handshaking = script(&[SIGNED_IN]);
        handshaking.tls.replace(Some(fault));
        let run = run_with(handshaking, &account(), "T", &mut message(&["a@x.example"]));
        assert_eq!(run.cause(), cause);
        assert_eq!(run.flights, [EHLO, "STARTTLS\r\n", "<TLS>", "<closed>"]);
    }
}

#[test]
fn negative_replies_end_the_conversation_politely() {
    for (before, reply, cause) in [
        (0, "421 4.3.2 Service not available", Cause::Deferred),
        (0, "554 no", Cause::Refused),
        (0, "250 what", Cause::ReplyNonsense),
        (1, "421 later", Cause::Deferred),
        (1, "354 what", Cause::ReplyNonsense),
        (2, "454 4.7.0 TLS not available", Cause::Deferred),
        (2, "502 no", Cause::TlsFailed),
        (2, "250 what", Cause::ReplyNonsense),
        (4, "535 5.7.3 Authentication unsuccessful", Cause::AuthRejected),
        (4, "451 4.7.0 Temporary server error. Please try again later. PRX4", Cause::Deferred),
        (4, "250 what", Cause::ReplyNonsense),
    ] {
        let run = run(&[&SIGNED_IN[..before], &[reply]], &mut message(&["a@x.example"]));
        assert_eq!(run.cause(), cause, "{reply}");
        assert_eq!(run.detail(), reply);
        assert!(run.flights.ends_with(&["QUIT\r\n".to_owned(), "<closed>".to_owned()]), "{reply}");
        assert_eq!(run.flights.iter().any(|flight| flight.starts_with("AUTH")), before == 4);
    }
}

#[test]
fn a_refused_name_is_replaced_before_and_after_tls() {
    let refusal = "501 5.5.4 Invalid domain name [HOST]";
    let run_twice = run(
        &[&[GREETING, refusal, CLEAR, "220 go", refusal, SECURE, "235 in", "250 ok", "250 ok", "354 go", ACCEPTED]],
        &mut message(&["a@x.example"]),
    );
    assert!(run_twice.outcome.is_ok());
    assert_eq!(run_twice.flights[..3], [EHLO, "EHLO localhost.localdomain\r\n", "STARTTLS\r\n"]);

    let refused = run(&[&[GREETING, refusal, refusal]], &mut message(&["a@x.example"]));
    assert_eq!((refused.cause(), refused.detail()), (Cause::HeloRefused, refusal));
}

#[test]
fn a_configured_name_is_used_if_it_is_one() {
    let mut account = account();
    account.ehlo = Some("mail.example.org".into());
    let run = run_with(script(&[&[GREETING]]), &account, "T", &mut message(&["a@x.example"]));
    assert_eq!(run.flights, ["EHLO mail.example.org\r\n", "<closed>"]);

    account.ehlo = Some("x\r\nMAIL FROM:<>".into());
    let run = run_with(script(&[&[GREETING]]), &account, "T", &mut message(&["a@x.example"]));
    assert_eq!(run.cause(), Cause::HeloRefused);
    assert_eq!(run.flights, ["QUIT\r\n", "<closed>"]);
}

#[test]
fn nothing_secret_without_tls() {
    let run = run(&[&[GREETING, SECURE]], &mut message(&["a@x.example"]));
    assert_eq!(run.cause(), Cause::StarttlsMissing);
    assert_eq!(run.flights, [EHLO, "QUIT\r\n", "<closed>"]);
}

#[test]
fn the_mechanism_must_be_offered_inside_tls() {
    let before_tls_only = "250-x\r\n250-AUTH XOAUTH2\r\n250 STARTTLS";
    let run = run(&[&[GREETING, before_tls_only, "220 go", "250-x\r\n250 AUTH LOGIN"]], &mut message(&["a@x.example"]));
    assert_eq!(run.cause(), Cause::MechanismMissing);
    assert_eq!(run.flights, [EHLO, "STARTTLS\r\n", "<TLS>", EHLO, "QUIT\r\n", "<closed>"]);
}

// -- signing in

#[test]
fn a_long_token_goes_on_its_own_line() {
    // 4,000 octets are the limit of the row: the command line has 13 + response + 2 of them.
    for (token_length, one_line) in [(2900, true), (2954, true), (2955, false), (9000, false)] {
        let token = "t".repeat(token_length);
        let replies: &[&str] = if one_line { &["235 in"] } else { &["334 ", "235 in"] };
        let script = script(&[&SIGNED_IN[..4], replies]);
        let run = run_with(script, &account(), &token, &mut message(&["a@x.example"]));
        let auth = &run.flights[4];
        assert_eq!(auth == "AUTH XOAUTH2\r\n", !one_line, "{token_length}");
        assert!(!one_line || auth.len() <= 4000, "{}", auth.len());
        assert!(one_line || run.flights[5].len() + 13 > 4000, "{}", run.flights[5].len());
        assert!(run.flights.last().unwrap() == "<closed>" && run.cause() == Cause::ConnectionLost);
    }
}

#[test]
fn a_line_the_server_does_not_take_is_cut_in_two_once() {
    for refusal in ["500 Line too long", "501 5.5.4 Invalid arguments", "504 5.7.4 Unrecognized authentication type"] {
        let run = run(
            &[&SIGNED_IN[..4], &[refusal, "334 ", "235 in", "250 ok", "250 ok", "354 go", ACCEPTED]],
            &mut message(&["a@x.example"]),
        );
        assert!(run.outcome.is_ok());
        let response = format!("{RESPONSE}\r\n");
        assert_eq!(run.flights[4..7], [&format!("AUTH XOAUTH2 {response}"), "AUTH XOAUTH2\r\n", &response]);
        assert!(run.transcript.contains(&"Client (redacted)".to_owned()));
        assert!(!run.transcript.concat().contains(&RESPONSE[..16]));
    }
    let run = run(&[&SIGNED_IN[..4], &["504 5.7.4 no", "504 5.7.4 no"]], &mut message(&["a@x.example"]));
    assert_eq!(run.cause(), Cause::MechanismMissing);
    assert_eq!(run.flights[5..], ["AUTH XOAUTH2\r\n", "QUIT\r\n", "<closed>"]);
}

#[test]
fn behind_a_challenge_is_the_real_reply() {
    let challenge = "334 eyJzdGF0dXMiOiI0MDEifQ==";
    let real = "535 5.7.3 Authentication unsuccessful [HOST]";
    let one_line = run(&[&SIGNED_IN[..4], &[challenge, real]], &mut message(&["a@x.example"]));
    assert_eq!((one_line.cause(), one_line.detail()), (Cause::AuthRejected, real));
    assert_eq!(one_line.flights[5..], ["\r\n", "QUIT\r\n", "<closed>"]);

    let steps = run(&[&SIGNED_IN[..4], &["504 no", "334 ", challenge, real]], &mut message(&["a@x.example"]));
    assert_eq!((steps.cause(), steps.detail()), (Cause::AuthRejected, real));
    assert_eq!(steps.flights[7..], ["\r\n", "QUIT\r\n", "<closed>"]);

    let endless = run(&[&SIGNED_IN[..4], &[challenge, challenge]], &mut message(&["a@x.example"]));
    assert_eq!(endless.cause(), Cause::ReplyNonsense);
}

#[test]
fn a_server_that_echoes_the_token_does_not_get_it_into_the_log() {
    let echo = format!("535 no such thing: AUTH XOAUTH2 {RESPONSE}");
    let run = run(&[&SIGNED_IN[..4], &[&echo]], &mut message(&["a@x.example"]));
    assert_eq!(run.detail(), "535 no such thing: AUTH XOAUTH2 (redacted)");
    assert!(!run.transcript.concat().contains(&RESPONSE[..16]));
}

// -- the envelope

#[test]
fn nobody_gets_it_when_somebody_is_refused() {
    let refused = "550 5.1.10 RESOLVER.ADR.RecipientNotFound";
    for (data, polite) in [("354 go", false), ("503 5.5.1 no", true), ("554 no", true)] {
        let run = run(
            &[SIGNED_IN, &["250 ok", "250 ok", refused, "452 4.5.3 Too many", data]],
            &mut message(&["a@x.example", "b@y.example", "c@z.example"]),
        );
        assert_eq!(run.cause(), Cause::RecipientRefused);
        assert_eq!(run.detail(), format!("b@y.example: {refused}; c@z.example: 452 4.5.3 Too many"));
        let after: &[&str] = if polite { &["QUIT\r\n", "<closed>"] } else { &["<closed>"] };
        assert_eq!(run.after_auth()[1..], *after, "{data}");
    }
}

#[test]
fn only_temporary_refusals_are_temporary() {
    for (replies, cause) in [
        (["452 4.5.3 Too many", "450 4.2.1 later"], Cause::TooManyRecipients),
        (["452 4.5.3 Too many", "550 5.1.1 no"], Cause::RecipientRefused),
        (["550 5.1.8 bad outbound sender", "450 later"], Cause::Suspended),
    ] {
        let run = run(&[SIGNED_IN, &["250 ok"], &replies, &["503 no"]], &mut message(&["a@x.example", "b@y.example"]));
        assert_eq!(run.cause(), cause);
    }
}

#[test]
fn one_at_a_time_every_bad_recipient_is_named_and_data_never_sent() {
    let run = run(
        &[&[GREETING, CLEAR, "220 go", PLAIN, "235 in", "250 ok", "550 5.1.1 a", "250 ok", "550 5.1.1 c"]],
        &mut message(&["a@x.example", "b@x.example", "c@x.example"]),
    );
    assert_eq!(run.detail(), "a@x.example: 550 5.1.1 a; c@x.example: 550 5.1.1 c");
    assert!(!run.flights.contains(&"DATA\r\n".to_owned()));
    assert!(run.flights.ends_with(&["QUIT\r\n".to_owned(), "<closed>".to_owned()]));
}

#[test]
fn a_refusal_counts_even_when_the_connection_breaks_behind_it() {
    let run = run(&[SIGNED_IN, &["250 ok", "550 5.1.1 no"]], &mut message(&["a@x.example", "b@x.example"]));
    assert_eq!((run.cause(), run.detail()), (Cause::RecipientRefused, "a@x.example: 550 5.1.1 no"));
    assert_eq!(run.after_auth()[1..], ["<closed>"]);
}

#[test]
fn a_refused_sender_is_the_reason_not_its_recipients() {
    for (data, after) in [("503 no", &["QUIT\r\n", "<closed>"][..]), ("354 go", &["<closed>"][..])] {
        let run =
            run(&[SIGNED_IN, &["550 5.7.60 SMTP; not this sender", "503 no", data]], &mut message(&["a@x.example"]));
        assert_eq!((run.cause(), run.detail()), (Cause::SenderDenied, "550 5.7.60 SMTP; not this sender"));
        assert_eq!(run.after_auth()[1..], *after);
    }
    let run = run(
        &[&[GREETING, CLEAR, "220 go", PLAIN, "235 in", "501 5.1.7 Invalid address"]],
        &mut message(&["a@x.example"]),
    );
    assert_eq!(run.cause(), Cause::AddressSyntax);
    assert_eq!(run.after_auth(), ["MAIL FROM:<me@outlook.com>\r\n", "QUIT\r\n", "<closed>"]);
}

#[test]
fn only_354_is_a_go_ahead() {
    for (data, cause) in [
        ("250 ok", Cause::ReplyNonsense),
        ("355 ok", Cause::ReplyNonsense),
        ("451 4.7.0 Temporary server error", Cause::Deferred),
        ("554 no", Cause::Refused),
    ] {
        let run = run(&[SIGNED_IN, &["250 ok", "250 ok", data]], &mut message(&["a@x.example"]));
        assert_eq!(run.cause(), cause, "{data}");
        assert_eq!(run.after_auth()[1..], ["QUIT\r\n", "<closed>"]);
    }
}

// -- what the message needs

#[test]
fn a_message_over_the_limit_is_not_begun() {
    let small = "250-x\r\n250-SIZE 107\r\n250 AUTH XOAUTH2";
    let run_small = run(&[&SIGNED_IN[..3], &[small, "235 in"]], &mut message(&["a@x.example"]));
    assert_eq!(run_small.cause(), Cause::MessageTooLarge);
    assert_eq!(run_small.detail(), "108 octets, and the server takes 107");
    assert_eq!(run_small.after_auth(), ["QUIT\r\n", "<closed>"]);
    for size in ["SIZE", "SIZE 0", "SIZE 108"] {
        let ehlo = format!("250-x\r\n250-{size}\r\n250 AUTH XOAUTH2");
        let run = run(&[&SIGNED_IN[..3], &[&ehlo, "235 in"]], &mut message(&["a@x.example"]));
        assert_eq!(run.after_auth()[0], MAIL, "{size}");
    }
}

#[test]
fn eight_bit_content_is_announced_or_not_sent() {
    let signed = "Content-Type: multipart/signed; boundary=b; protocol=\"application/pgp-signature\"; micalg=pgp-sha256\r\n\
        MIME-Version: 1.0\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
        Gr\u{fc}\u{df}e\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n";
    let mut eight_bit = special(&["a@x.example"], &[], signed, memory_spool());
    let offered = run(&[SIGNED_IN], &mut eight_bit);
    let mail = format!("MAIL FROM:<me@outlook.com> SIZE={} BODY=8BITMIME\r\n", eight_bit.size());
    assert!(offered.after_auth()[0].starts_with(&mail), "{:?}", offered.after_auth());
    let missing = run(&[&SIGNED_IN[..3], &[PLAIN, "235 in"]], &mut eight_bit);
    assert_eq!(missing.cause(), Cause::CannotConvert);
    assert_eq!(missing.after_auth(), ["QUIT\r\n", "<closed>"]);
}

#[test]
fn smtputf8_is_used_only_when_an_address_needs_it() {
    let offered = run(&[SIGNED_IN], &mut message(&["a@x.example", "j\u{f6}rg@x.example"]));
    assert!(offered.after_auth()[0].starts_with("MAIL FROM:<me@outlook.com> SIZE=108 SMTPUTF8\r\n"));
    let missing = run(&[&SIGNED_IN[..3], &[PLAIN, "235 in"]], &mut message(&["j\u{f6}rg@x.example"]));
    assert_eq!(missing.cause(), Cause::AddressSyntax);
    assert_eq!(missing.detail(), "j\u{f6}rg@x.example is not ASCII, and the server does not offer SMTPUTF8");
}

#[test]
fn smtputf8_is_used_when_only_the_header_needs_it() {
    let mut utf8 = special(&["a@x.example"], &[], "To: j\u{f6}rg@x.example\r\n\r\n", memory_spool());
    let offered = run(&[SIGNED_IN], &mut utf8);
    let mail = format!("MAIL FROM:<me@outlook.com> SIZE={} SMTPUTF8\r\n", utf8.size());
    assert!(offered.after_auth()[0].starts_with(&mail), "{:?}", offered.after_auth());
    let missing = run(&[&SIGNED_IN[..3], &[PLAIN, "235 in"]], &mut utf8);
    assert_eq!(missing.cause(), Cause::AddressSyntax);
    assert_eq!(missing.detail(), "an address in the header is not ASCII, and the server does not offer SMTPUTF8");
}

fn with_dsn() -> Letter {
    let wishes = [(FlagValue::Notify, "SUCCESS,DELAY"), (FlagValue::Return, "HDRS"), (FlagValue::EnvelopeId, "QQ+1 2")];
    special(&["a@x.example"], &wishes, "\r\n.dot\r\n", memory_spool())
}

const MAIL_DSN: &str = "MAIL FROM:<me@outlook.com> SIZE=108 RET=HDRS ENVID=QQ+2B1+202\r\n\
    RCPT TO:<a@x.example> NOTIFY=SUCCESS,DELAY\r\nDATA\r\n";

#[test]
fn delivery_notification_is_asked_for_where_it_is_offered() {
    let offered = run(&[SIGNED_IN, &["250 ok", "250 ok", "354 go", ACCEPTED]], &mut with_dsn());
    assert!(offered.outcome.is_ok());
    assert_eq!(offered.after_auth()[0], MAIL_DSN);
    let missing = run(&[&SIGNED_IN[..3], &[PLAIN, "235 in"]], &mut with_dsn());
    assert_eq!(missing.after_auth()[0], "MAIL FROM:<me@outlook.com>\r\n");
}

#[test]
fn refused_notification_parameters_are_left_out_once() {
    let second = format!("RSET\r\n{MAIL}RCPT TO:<a@x.example>\r\nDATA\r\n");
    for answers in [["555 5.5.4 Unsupported option", "503 no"], ["250 ok", "501 5.5.4 Invalid arguments"]] {
        let run = run(
            &[SIGNED_IN, &answers, &["503 no", "250 reset", "250 ok", "250 ok", "354 go", ACCEPTED]],
            &mut with_dsn(),
        );
        assert!(run.outcome.is_ok());
        assert_eq!(run.after_auth(), [MAIL_DSN, &second, CONTENT, "<closed>"]);
    }
    let twice = run(
        &[SIGNED_IN, &["501 no", "503 no", "503 no", "250 reset", "501 5.1.7 no", "503 no", "503 no"]],
        &mut with_dsn(),
    );
    assert_eq!((twice.cause(), twice.detail()), (Cause::AddressSyntax, "501 5.1.7 no"));
    assert_eq!(twice.after_auth(), [MAIL_DSN, &second, "QUIT\r\n", "<closed>"]);
}

#[test]
fn a_bad_address_is_not_blamed_on_the_parameters() {
    let address = run(&[SIGNED_IN, &["250 ok", "501 5.1.3 Invalid address", "503 no"]], &mut with_dsn());
    assert_eq!(address.after_auth(), [MAIL_DSN, "QUIT\r\n", "<closed>"]);
    let without = run(&[SIGNED_IN, &["501 no", "503 no", "503 no"]], &mut message(&["a@x.example"]));
    assert_eq!(without.after_auth()[1..], ["QUIT\r\n", "<closed>"]);
    let waiting = run(&[SIGNED_IN, &["250 ok", "555 no", "354 go"]], &mut with_dsn());
    assert_eq!(waiting.after_auth(), [MAIL_DSN, "<closed>"], "354 after a refusal: not another octet");
}

// -- passwords, and signing in without a message

/// A server that takes passwords.
fn taking(mechanisms: &str) -> String {
    format!("250-x\r\n250-PIPELINING\r\n250 AUTH {mechanisms}")
}

fn with_password(mechanisms: &str, replies: &[&str]) -> Run {
    let secure = taking(mechanisms);
    let script = script(&[&[GREETING, CLEAR, "220 go", &secure], replies]);
    run_as(script, &account(), &Credential::Password(Secret::from("hunter2")), &mut message(&["a@x.example"]))
}

#[test]
fn a_password_goes_by_plain_else_by_login() {
    let envelope = ["250 ok", "250 ok", "354 go", ACCEPTED];
    // base64 of NUL me@outlook.com NUL hunter2.
    let plain = "AG1lQG91dGxvb2suY29tAGh1bnRlcjI=\r\n";
    let run = with_password("LOGIN PLAIN XOAUTH2", &[&["235 in"], &envelope[..]].concat());
    assert!(run.outcome.is_ok());
    assert_eq!(run.flights[4], format!("AUTH PLAIN {plain}"));
    for refusal in ["500 5.5.2 Line too long", "504 5.5.4 no initial response"] {
        let run = with_password("PLAIN", &[&[refusal, "334 ", "235 in"], &envelope[..]].concat());
        assert!(run.outcome.is_ok());
        assert_eq!(run.flights[5..7], ["AUTH PLAIN\r\n", plain]);
    }
    let run = with_password("LOGIN", &[&["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 in"], &envelope[..]].concat());
    assert!(run.outcome.is_ok());
    assert_eq!(run.flights[4..7], ["AUTH LOGIN\r\n", "bWVAb3V0bG9vay5jb20=\r\n", "aHVudGVyMg==\r\n"]);
    for secret in ["hunter2", "aHVudGVyMg", "AG1lQG91"] {
        assert!(!run.transcript.iter().any(|line| line.contains(secret)), "{:?}", run.transcript);
    }
    assert_eq!(with_password("XOAUTH2 CRAM-MD5", &[]).cause(), Cause::MechanismMissing);
}

#[test]
fn a_token_never_goes_where_only_passwords_are_taken() {
    let secure = taking("PLAIN LOGIN");
    let run = run(&[&[GREETING, CLEAR, "220 go", &secure]], &mut message(&["a@x.example"]));
    assert_eq!((run.cause(), run.detail()), (Cause::MechanismMissing, "XOAUTH2"));
    assert!(!run.flights.iter().any(|flight| flight.starts_with("AUTH")));
}

#[test]
fn a_refused_password_is_the_passwords_fault() {
    for (reply, cause) in [
        ("535 5.7.8 Error: authentication failed: hunter2", Cause::PasswordRejected),
        ("535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.", Cause::PasswordRejected),
        ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", Cause::PasswordDead),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            Cause::SmtpAuthDisabled,
        ),
        ("454 4.7.0 Temporary authentication failure", Cause::Deferred),
    ] {
        for (mechanism, before) in [("PLAIN", &[][..]), ("LOGIN", &["334 a", "334 b"][..])] {
            let run = with_password(mechanism, &[before, &[reply]].concat());
            assert_eq!(run.cause(), cause, "{reply}");
            assert!(!run.detail().contains("hunter2"), "{}", run.detail());
            assert_eq!(run.flights[run.flights.len() - 2..], ["QUIT\r\n", "<closed>"]);
        }
    }
    let early = with_password("LOGIN", &["535 5.7.8 not you"]);
    assert_eq!((early.cause(), early.flights.len()), (Cause::PasswordRejected, 7), "the password was not said");
}

#[test]
fn a_sign_in_is_tried_without_sending() {
    for (reply, cause) in [("235 in", None), ("535 5.7.3 Authentication unsuccessful", Some(Cause::AuthRejected))] {
        let script = script(&[&SIGNED_IN[..4], &[reply]]);
        let (world, account, credential) = (Scripted(Rc::clone(&script)), account(), bearer("TOKEN"));
        let mut silent = |_| ();
        let times = account.deadlines(script.now.get());
        let outcome = Smtp {
            network: &world,
            clock: &world,
            account: &account,
            credential: &credential,
            times,
            transcript: &mut silent,
        }
        .try_sign_in();
        assert_eq!(outcome.err().map(|failure| failure.cause), cause);
        assert_eq!(script.flights.borrow()[5..], ["QUIT\r\n", "<closed>"]);
    }
}

// -- content and verdict

const GO: &[&str] = &["250 ok", "250 ok", "354 go"];

#[test]
fn the_verdict_after_the_dot() {
    for (reply, cause) in [
        ("554 5.2.252 SendAsDenied; a@x not allowed to send as b@y", Cause::SenderDenied),
        ("432 4.3.2 Concurrent connections limit exceeded.", Cause::TooManyAtOnce),
        ("550 no", Cause::Refused),
        ("354 what", Cause::PerhapsSent),
    ] {
        let run = run(&[SIGNED_IN, GO, &[reply]], &mut message(&["a@x.example"]));
        assert_eq!((run.cause(), run.detail()), (cause, reply));
        assert_eq!(run.after_auth()[1..], [CONTENT, "<closed>"]);
    }
}

#[test]
fn a_fault_after_the_dot_means_perhaps_sent() {
    for fault in [
        WireFault::Lost(Words::from("reset")),
        WireFault::TimedOut,
        WireFault::NotAReply(Words::from("x")),
        WireFault::Tls(Words::from("bad record")),
    ] {
        let script = script(&[SIGNED_IN, GO]);
        script.replies.borrow_mut().push_back(Said::Fault(fault));
        let run = run_with(script, &account(), "TOKEN", &mut message(&["a@x.example"]));
        assert_eq!(run.cause(), Cause::PerhapsSent);
        assert!(!run.detail().is_empty());
    }
}

#[test]
fn the_answer_to_the_dot_has_its_own_time() {
    let script = script(&[SIGNED_IN, GO, &[ACCEPTED]]);
    let start = script.now.get();
    let run = run_with(script, &account(), "TOKEN", &mut message(&["a@x.example"]));
    assert!(run.outcome.is_ok());
    let deadlines = run.script.deadlines.borrow();
    let (before, after) = deadlines.split_at(deadlines.len() - 2);
    assert!(before.iter().all(|deadline| *deadline == start + Duration::from_secs(45)));
    assert!(after.iter().all(|deadline| *deadline == start + Duration::from_secs(600)));
}

#[test]
fn with_little_time_left_the_dot_is_not_sent() {
    // Eight replies come before the content: 8 x 4.3 s is under 35 s, 8 x 4.4 s is over.
    for (pace, cause) in [(4300, None), (4400, Some(Cause::TimedOut)), (6000, Some(Cause::TimedOut))] {
        let script = script(&[SIGNED_IN, GO, &[ACCEPTED]]);
        script.pace.set(Duration::from_millis(pace));
        let run = run_with(script, &account(), "TOKEN", &mut message(&["a@x.example"]));
        assert_eq!(run.outcome.as_ref().err().map(|failure| failure.cause), cause, "{pace}");
        assert_eq!(run.flights.iter().any(|flight| flight.contains("\r\n.\r\n")), cause.is_none());
        assert_eq!(run.flights.last().unwrap(), "<closed>");
    }
}

#[test]
fn the_reserve_is_at_most_a_quarter_of_the_deadline() {
    let mut account = account();
    let start = Instant::now();
    assert_eq!(account.deadlines(start).dot_reserve, Duration::from_secs(10));
    account.deadline = Duration::from_secs(20);
    assert_eq!(account.deadlines(start).dot_reserve, Duration::from_secs(5));
    account.deadline = Duration::MAX;
    assert!(account.deadlines(start).before_dot > start);
}

fn large() -> Letter {
    large_in(memory_spool())
}

fn large_in(spool: Box<dyn Spool>) -> Letter {
    special(&["a@x.example"], &[], &("\r\n".to_owned() + &"0123456789abcdef\r\n".repeat(20_000)), spool)
}

#[test]
fn a_large_message_goes_on_as_long_as_it_is_taken() {
    let (slow, start) = (Duration::from_secs(8), |script: &Script| script.now.get());
    let script = script(&[SIGNED_IN, GO, &[ACCEPTED]]);
    script.slowness.set(slow);
    let began = start(&script);
    let run = run_with(script, &account(), "TOKEN", &mut large());
    assert!(run.outcome.is_ok(), "{:?}", run.outcome);
    assert!(start(&run.script) > began + account().deadline, "it took longer than the deadline");
    // Every piece has its own time.
    let deadlines = run.script.deadlines.borrow();
    let content = &deadlines[deadlines.len() - 7..deadlines.len() - 2];
    assert!(content.windows(2).all(|two| two[1] == two[0] + slow), "{content:?}");
    let progress: Vec<_> = run.transcript.iter().filter(|line| line.starts_with("Progress ")).collect();
    assert_eq!(progress.first().unwrap().as_str(), "Progress 0.1 of 0.4 MB sent");
}

#[test]
fn a_small_message_of_the_queue_takes_its_time_too() {
    let (account, now) = (account(), Instant::now());
    let (caller, queue) = (account.deadlines(now), Deadlines::of_queue(now, account.deadline, account.final_wait));
    let late = now + Duration::from_secs(3600);
    for (size, patient) in [(1, false), (256 * 1024, false), (256 * 1024 + 1, true)] {
        let until = if patient { late + Duration::from_secs(45) } else { caller.latest_dot() };
        assert_eq!(caller.content_until(size, late), until);
        assert_eq!(queue.content_until(size, late), late + Duration::from_secs(180));
    }
}

// -- one reply too many

#[test]
fn what_lies_unread_ends_the_conversation_at_every_point() {
    let steps = [SIGNED_IN, &["250 ok", "250 ok", "354 go"]].concat();
    // Pipelined replies lie there when they are asked for.
    let points = [1, 2, 4, 5, 8];
    for point in points {
        for (early, cause) in [
            ("early 250 2.0.0 OK", Cause::ReplyNonsense),
            ("early 354 go", Cause::ReplyNonsense),
            ("early 421 4.3.2 Service not available", Cause::Deferred),
            ("early 550 5.0.0 no", Cause::Refused),
        ] {
            if point == 4 || point == 5 {
                // What refuses a sign-in is told as such below.
                if cause == Cause::Refused {
                    continue;
                }
            }
            let run = run(&[&steps[..point], &[early], &steps[point..], &[ACCEPTED]], &mut message(&["a@x.example"]));
            assert_eq!(run.cause(), cause, "{early} at {point}");
            assert_eq!(run.flights.last().unwrap(), "<closed>");
            assert!(!run.flights.iter().any(|flight| flight.contains("QUIT")), "{:?}", run.flights);
            assert!(!run.flights.iter().any(|flight| flight.contains("\r\n.\r\n")), "{:?}", run.flights);
        }
    }
}

#[test]
fn what_lies_unread_before_the_trial_of_a_sign_in_ends_is_its_outcome() {
    for (early, cause) in [
        ("early 535 5.7.3 Authentication unsuccessful", Cause::AuthRejected),
        ("early 235 2.7.0 Authentication successful", Cause::ReplyNonsense),
    ] {
        let script = script(&[SIGNED_IN, &[early]]);
        let (world, account, credential) = (Scripted(Rc::clone(&script)), account(), bearer("TOKEN"));
        let mut silent = |_| ();
        let times = account.deadlines(script.now.get());
        let outcome = Smtp {
            network: &world,
            clock: &world,
            account: &account,
            credential: &credential,
            times,
            transcript: &mut silent,
        }
        .try_sign_in();
        assert_eq!(outcome.err().map(|failure| failure.cause), Some(cause));
    }
}

#[test]
fn a_refusal_that_leaves_a_reply_over_refuses_nobody() {
    let plain = [&SIGNED_IN[..3], &[PLAIN, "235 in"]].concat();
    // 550 was the second answer to MAIL: 250 answers RCPT, and 221 QUIT.
    let run = run(&[&plain, &["250 ok", "550 5.1.1 late", "250 ok", "221 bye"]], &mut message(&["a@x.example"]));
    assert_eq!(run.cause(), Cause::ReplyNonsense);
    for goodbye in [&["221 bye"][..], &["421 closing"], &["250 bye"], &[]] {
        let refusal = ["250 ok", "550 5.1.1 no"];
        let run = self::run(&[&plain, &refusal, goodbye], &mut message(&["a@x.example"]));
        assert_eq!(run.cause(), Cause::RecipientRefused, "{goodbye:?}");
    }
}

#[test]
fn with_two_verdicts_nobody_knows() {
    for (behind, is_known) in [
        (&["early 221 bye"][..], true),
        (&["early 502 what"], true),
        (&["early 421 closing"], true),
        (&["early 250 bye"], true),
        (&["early 550 5.2.0 no"], false),
        (&["early 250 2.0.0 OK", "early 221 bye"], false),
    ] {
        let run = run(&[SIGNED_IN, GO, &[ACCEPTED], behind], &mut message(&["a@x.example"]));
        let cause = run.outcome.as_ref().err().map(|failure| failure.cause);
        assert_eq!(cause, (!is_known).then_some(Cause::PerhapsSent), "{behind:?}");
    }
}

/// The writes before the content: EHLO, STARTTLS, EHLO, AUTH, the envelope.
const WRITES_BEFORE: usize = 5;

#[test]
fn a_connection_lost_in_the_content_means_nothing_was_sent() {
    let slices = {
        let run = run(&[SIGNED_IN, GO, &[ACCEPTED]], &mut large());
        run.script.writes.get() - WRITES_BEFORE
    };
    assert!(slices > 3);
    for (kind, cause) in [(WireFaultKind::Lost, Cause::ConnectionLost), (WireFaultKind::TimedOut, Cause::TimedOut)] {
        for slice in 0..slices - 1 {
            let script = script(&[SIGNED_IN, GO]);
            script.failing_write.set(Some((WRITES_BEFORE + slice, kind)));
            let run = run_with(script, &account(), "TOKEN", &mut large());
            assert_eq!(run.cause(), cause);
            assert_eq!(run.script.writes.get(), WRITES_BEFORE + slice + 1, "nothing is written after the fault");
        }
        let script = script(&[SIGNED_IN, GO]);
        script.failing_write.set(Some((WRITES_BEFORE + slices - 1, kind)));
        let run = run_with(script, &account(), "TOKEN", &mut large());
        assert_eq!(run.cause(), Cause::PerhapsSent, "the slice with the dot");
    }
}

#[test]
fn what_the_server_said_before_it_hung_up_is_reported() {
    for (reply, cause) in [
        ("552 5.3.4 Message size exceeds fixed maximum message size", Cause::MailboxSizeLimit),
        ("421 4.3.2 Service not available", Cause::Deferred),
        ("250 what", Cause::ConnectionLost),
    ] {
        let script = script(&[SIGNED_IN, GO, &[reply]]);
        script.failing_write.set(Some((WRITES_BEFORE + 1, WireFaultKind::Lost)));
        assert_eq!(run_with(script, &account(), "TOKEN", &mut large()).cause(), cause, "{reply}");
    }
    // With the dot perhaps on its way the server's word counts, yes and no alike.
    for (reply, cause) in [(ACCEPTED, None), ("552 too large", Some(Cause::MailboxSizeLimit))] {
        let script = script(&[SIGNED_IN, GO, &[reply]]);
        script.failing_write.set(Some((WRITES_BEFORE, WireFaultKind::Lost)));
        let run = run_with(script, &account(), "TOKEN", &mut message(&["a@x.example"]));
        assert_eq!(run.outcome.err().map(|failure| failure.cause), cause);
    }
    // The same for commands: 421 and close.
    let script = script(&[&SIGNED_IN[..4], &["235 in", "421 4.3.2 Service not available"]]);
    script.failing_write.set(Some((4, WireFaultKind::Lost)));
    let run = run_with(script, &account(), "TOKEN", &mut message(&["a@x.example"]));
    assert_eq!((run.cause(), run.detail()), (Cause::Deferred, "421 4.3.2 Service not available"));
    assert_eq!(run.after_auth(), ["<closed>"]);
}

#[test]
fn a_spool_that_cannot_be_read_sends_nothing() {
    let is_broken = Rc::new(Cell::new(false));
    let mut broken = large_in(Box::new(Breaking(Cursor::default(), Rc::clone(&is_broken))));
    is_broken.set(true);
    let run = run(&[SIGNED_IN, GO], &mut broken);
    assert_eq!(run.cause(), Cause::InputUnreadable);
    assert!(!run.flights.iter().any(|flight| flight.contains("\r\n.\r\n")));
    assert_eq!(run.flights.last().unwrap(), "<closed>");
}
