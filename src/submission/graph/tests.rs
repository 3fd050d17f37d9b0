//! What is posted, and what comes of each answer, without a network.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::account::TransportKind;
use crate::credentials::{Credential, Origin};
use crate::fake_world::{Fakes, account};
use crate::secret::Secret;
use crate::submission::Submitter;

const MESSAGE: &[u8] = b"To: a@x.org\nSubject: x\n\nThe text.\n";

fn answer(status: u16, retry_after: Option<u64>) -> Result<PostAnswer, PostFault> {
    Ok(PostAnswer { status, reason: "So".into(), retry_after, request_id: "r-1".into(), body: Vec::new() })
}

struct Run {
    outcome: Result<Receipt, Failure>,
    transcript: Vec<String>,
    fakes: Fakes,
}

fn run(answers: Vec<Result<PostAnswer, PostFault>>, recipients: &[&str], message: &[u8]) -> Run {
    let fakes = Fakes::default();
    fakes.https.post_answers.borrow_mut().extend(answers);
    let world = fakes.world();
    let account = Account { transport: TransportKind::Graph, ..account() };
    let token = Credential::Bearer(AccessToken {
        token: Secret::from("EwB0123456789abcdefghijk"),
        expires_at: SystemTime::UNIX_EPOCH,
        origin: Origin::Renewed,
    });
    let times = account.deadlines(world.clock.instant());
    let mut transcript = Vec::new();
    let mut write_down = |line: Line| transcript.push(format!("{:?} {}", line.speaker, line.text.whole()));
    let recipients = recipients.iter().map(|address| address.parse().unwrap()).collect();
    let envelope = Envelope::new(None, recipients).unwrap();
    let outcome = Submitter::new(&world, &account, &token, times, &mut write_down).send_raw(&envelope, message);
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
    let run = run(vec![answer(202, None)], &["a@x.org", "b@x.org"], MESSAGE);
    assert_eq!(run.outcome.as_ref().unwrap().words.whole(), "202 So request-id r-1");
    assert_eq!(run.posts(), ["Bcc: b@x.org\r\nTo: a@x.org\r\nSubject: x\r\n\r\nThe text.\r\n"]);
    assert_eq!(*run.fakes.https.requests.borrow(), ["https://graph.test/v1.0/me/sendMail text/plain"]);
    assert_eq!(
        run.transcript,
        [
            "Client POST https://graph.test/v1.0/me/sendMail",
            "Event 52 octets of message, 72 as base64, with a Bcc field for recipients its header does not name",
            "Event connected",
            "Server 202 So request-id r-1",
        ]
    );
}

#[test]
fn four_mebibytes_of_request_are_the_most() {
    let header = b"To: a@x.org\r\n\r\n".as_slice();
    let room = (REQUEST_LIMIT / 4 * 3) as usize - header.len() - 2;
    let of = |length: usize| [header, &vec![b'x'; length], b"\r\n"].concat();
    let largest = run(vec![answer(202, None)], &["a@x.org"], &of(room));
    assert!(largest.outcome.is_ok());
    assert_eq!(largest.fakes.https.posts.borrow()[0].len() as u64, REQUEST_LIMIT);
    let refused = run(Vec::new(), &["a@x.org"], &of(room + 1)).outcome.unwrap_err();
    assert_eq!(refused.cause, Cause::MessageTooLarge);
}

#[test]
fn a_busy_graph_is_waited_for_while_there_is_time() {
    let patient = run(vec![answer(429, Some(2)), answer(503, Some(0)), answer(202, None)], &["a@x.org"], MESSAGE);
    assert!(patient.outcome.is_ok());
    assert_eq!(*patient.fakes.clock.slept.borrow(), [2, 1]);
    let three = vec![answer(429, Some(1)), answer(429, Some(1)), answer(429, Some(1))];
    assert_eq!(run(three, &["a@x.org"], MESSAGE).outcome.unwrap_err().cause, Cause::TooManyAtOnce);
    for (status, wait, cause) in
        [(503, None, Cause::Deferred), (429, Some(40), Cause::TooManyAtOnce), (503, Some(u64::MAX), Cause::Deferred)]
    {
        let run = run(vec![answer(status, wait)], &["a@x.org"], MESSAGE);
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
        let run = run(vec![answer], &["a@x.org"], MESSAGE);
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
        assert_eq!(run(vec![Err(fault)], &["a@x.org"], MESSAGE).outcome.unwrap_err().cause, cause);
    }
}
