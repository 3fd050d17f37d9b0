//! What is posted, and what comes of each answer, without a network.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::account::TransportKind;
use crate::credentials::{Credential, Origin};
use crate::fake_world::{Fakes, account, letter};
use crate::invocation::Submit;
use crate::secret::Secret;
use crate::submission::{NoCustody, submit};
use crate::world::memory_spool;

const HEADER: &str = "To: a@x.org\r\nSubject: x\r\nFrom: me@outlook.com\r\n\
    Date: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@x.org>\r\n\r\n";
const TEXT: &str = "The text.\r\n";

fn answer(status: u16, retry_after: Option<u64>) -> Result<PostAnswer, PostFault> {
    Ok(PostAnswer { status, reason: "So".into(), retry_after, request_id: "r-1".into(), body: Vec::new() })
}

struct Run {
    outcome: Result<Receipt, Failure>,
    transcript: Vec<String>,
    fakes: Fakes,
}

fn run(answers: Vec<Result<PostAnswer, PostFault>>, recipients: &[&str], text: &str) -> Run {
    let fakes = Fakes::default();
    fakes.https.post_answers.borrow_mut().extend(answers);
    let world = fakes.world();
    let account = Account { transport: TransportKind::Graph, ..account() };
    let operands = recipients.iter().map(|address| address.as_bytes().to_vec()).collect();
    let message = [HEADER, text].concat();
    let mut letter =
        letter(&world, &account, &Submit { operands, ..Submit::default() }, message.as_bytes(), memory_spool());
    let token = Credential::Bearer(AccessToken {
        token: Secret::from("EwB0123456789abcdefghijk"),
        expires_at: SystemTime::UNIX_EPOCH,
        origin: Origin::Renewed,
    });
    let times = account.deadlines(world.clock.instant());
    let mut transcript = Vec::new();
    let mut write_down = |line: Line| transcript.push(format!("{:?} {}", line.speaker, line.text.whole()));
    let outcome = submit(&world, &account, &token, times, &mut write_down, &mut letter, &mut NoCustody);
    drop(world);
    Run { outcome, transcript, fakes }
}

impl Run {
    fn posts(&self) -> Vec<String> {
        let posts = self.fakes.https.posts.borrow();
        posts.iter().map(|post| String::from_utf8(STANDARD.decode(post).unwrap()).unwrap()).collect()
    }
}

#[test]
fn the_whole_message_is_posted_with_crlf() {
    let run = run(vec![answer(202, None)], &["a@x.org", "b@x.org"], TEXT);
    assert_eq!(run.outcome.as_ref().unwrap().words.whole(), "202 So request-id r-1");
    assert_eq!(run.posts(), [["Bcc: b@x.org\r\n", HEADER, TEXT].concat()]);
    assert_eq!(*run.fakes.https.requests.borrow(), ["https://graph.test/v1.0/me/sendMail text/plain"]);
    assert_eq!(
        run.transcript,
        [
            "Client POST https://graph.test/v1.0/me/sendMail",
            "Event 136 octets of message, 184 as base64, with a Bcc field for recipients its header does not name",
            "Event connected",
            "Server 202 So request-id r-1",
        ]
    );
}

#[test]
fn four_mebibytes_of_request_are_the_most() {
    let room = SIZE_LIMIT as usize - HEADER.len();
    let of = |length: usize| {
        format!("{}{}\r\n", "Half a line.\r\n".repeat(1000), "x".repeat(100)).repeat(300)[..length - 2].to_owned()
            + "\r\n"
    };
    let largest = run(vec![answer(202, None)], &["a@x.org"], &of(room));
    assert!(largest.outcome.is_ok());
    assert_eq!(largest.fakes.https.posts.borrow()[0].len() as u64, REQUEST_LIMIT);
    let refused = run(Vec::new(), &["a@x.org"], &of(room + 1)).outcome.unwrap_err();
    assert_eq!(refused.cause, Cause::MessageTooLarge);
}

#[test]
fn a_busy_graph_is_waited_for_while_there_is_time() {
    let patient = run(vec![answer(429, Some(2)), answer(503, Some(0)), answer(202, None)], &["a@x.org"], TEXT);
    assert!(patient.outcome.is_ok());
    assert_eq!(*patient.fakes.clock.slept.borrow(), [2, 1]);
    let three = vec![answer(429, Some(1)), answer(429, Some(1)), answer(429, Some(1))];
    assert_eq!(run(three, &["a@x.org"], TEXT).outcome.unwrap_err().cause, Cause::TooManyAtOnce);
    for (status, wait, cause) in
        [(503, None, Cause::Deferred), (429, Some(40), Cause::TooManyAtOnce), (503, Some(u64::MAX), Cause::Deferred)]
    {
        let run = run(vec![answer(status, wait)], &["a@x.org"], TEXT);
        assert_eq!(run.outcome.unwrap_err().cause, cause);
        assert!(run.fakes.clock.slept.borrow().is_empty());
    }
}

#[test]
fn what_was_perhaps_sent_is_not_sent_again() {
    for answer in [
        answer(500, Some(1)),
        answer(502, Some(1)),
        answer(504, Some(1)),
        answer(200, Some(1)),
        Err(PostFault::Unknown(WireFault::TimedOut)),
        Err(PostFault::Unknown(WireFault::NotAReply("220 mail".into()))),
    ] {
        let run = run(vec![answer], &["a@x.org"], TEXT);
        assert_eq!(run.outcome.as_ref().unwrap_err().cause, Cause::PerhapsSent);
        assert_eq!(run.posts().len(), 1);
    }
}

#[test]
fn a_fault_before_the_content_was_out_is_told_as_such() {
    for (fault, cause) in [
        (PostFault::Cut(WireFault::TimedOut), Cause::TimedOut),
        (PostFault::Cut(WireFault::Lost("gone".into())), Cause::ConnectionLost),
        (PostFault::Cut(WireFault::Unresolved("x".into())), Cause::NameUnresolved),
        (PostFault::Cut(WireFault::Unreachable("x".into())), Cause::Unreachable),
        (PostFault::Cut(WireFault::Certificate("x".into())), Cause::Certificate),
        (PostFault::Cut(WireFault::Tls("x".into())), Cause::TlsFailed),
        (PostFault::Cut(WireFault::TrustAnchors("x".into())), Cause::TrustAnchors),
        (PostFault::Cut(WireFault::NotAReply("x".into())), Cause::GraphNonsense),
        (PostFault::Content("disk".into()), Cause::InputUnreadable),
    ] {
        assert_eq!(run(vec![Err(fault)], &["a@x.org"], TEXT).outcome.unwrap_err().cause, cause);
    }
}
