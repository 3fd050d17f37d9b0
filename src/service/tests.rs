use std::io::{Cursor, Read, Seek, SeekFrom};
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::invocation::FlagValue;
use crate::invocation::FlagValues;
use crate::invocation::{HeaderRecipients, Verbosity};
use crate::message::{Body, Content, Dots, Stuffing};
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::secret::Secret;
use crate::world::{Spool, memory_spool};

struct Memory;

impl Spools for Memory {
    fn spool(&self) -> Box<dyn Spool> {
        memory_spool()
    }
}

fn caller() -> impl Strategy<Value = Caller> {
    let name = "[a-zA-Zäß ,.-]{0,20}";
    (any::<u32>(), name, name, name, name, prop::collection::vec("[a-z.]{0,9}", 0..4)).prop_map(
        |(uid, login, full_name, parent, host_name, local_domains)| Caller {
            uid,
            login,
            full_name,
            parent,
            host_name,
            local_domains,
        },
    )
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..=255_u8, 0..40)
}

fn dots() -> impl Strategy<Value = Dots> {
    prop_oneof![Just(Dots::Content), Just(Dots::LoneDotMayEnd), Just(Dots::MayBeStuffed)]
}

fn submit() -> impl Strategy<Value = Submit> {
    let dsn = (
        prop::option::of(prop_oneof![Just("NEVER"), Just("SUCCESS,DELAY")]),
        prop::option::of(prop_oneof![Just("FULL"), Just("HDRS")]),
        prop::option::of("[a-z +=]{1,30}"),
    );
    let words = (any::<bool>(), dots(), any::<bool>());
    let arguments =
        (prop::collection::vec(argument(), 0..5), prop::option::of(argument()), prop::option::of(argument()));
    let values = |given: [(FlagValue, Option<Vec<u8>>); 5]| {
        let given = given.into_iter().filter_map(|(of, value)| Some((of, value?)));
        given.fold(FlagValues::default(), |values, (of, value)| values.with(of, value))
    };
    (words, arguments, dsn).prop_map(move |(words, (operands, sender, full_name), (notify, ret, envid))| Submit {
        header_recipients: if words.0 { HeaderRecipients::Taken } else { HeaderRecipients::Ignored },
        operands,
        values: values([
            (FlagValue::Sender, sender),
            (FlagValue::FullName, full_name),
            (FlagValue::Notify, notify.map(Into::into)),
            (FlagValue::Return, ret.map(Into::into)),
            (FlagValue::EnvelopeId, envid.map(Into::into)),
        ]),
        dots: words.1,
        verbosity: if words.2 { Verbosity::Transcript } else { Verbosity::Silent },
        config: None,
    })
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (0..253_370_764_800_u64, 0..1_000_000_000_u32, -86_400..86_400_i32, any::<[u8; 16]>()).prop_map(
        |(seconds, nanoseconds, utc_offset, unique)| Stamp {
            now: UNIX_EPOCH + Duration::new(seconds, nanoseconds),
            utc_offset,
            unique,
        },
    )
}

/// Everything awkward a caller writes: dots, line ends of all kinds, folded and broken headers, long lines.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&[u8]] = &[
        b"Subject: x\n",
        b"To: a@x,\n\tb@x\r\n",
        b"A: x\0y\x1b\n",
        b"From a@b Mon\n",
        b"\n",
        b"\r\r\n",
        b".\n",
        b".\r\n",
        b"..\n",
        b".x\n",
        b"text \xc3\xa9 \xff\n",
        b"\0\rno line end",
        b"no header: at all\n",
        &[b'x'; 5000],
    ];
    let piece = prop::sample::select(pieces.iter().map(|piece| piece.to_vec()).collect::<Vec<_>>());
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn message(input: &[u8], dots: Dots, terminal: bool) -> Message {
    Message::read(&mut &*input, terminal, dots, memory_spool(), 1 << 30).unwrap()
}

fn octets(body: &mut Body) -> Vec<u8> {
    let mut all = Vec::new();
    body.spool.seek(SeekFrom::Start(0)).unwrap();
    (&mut body.spool).take(body.stored).read_to_end(&mut all).unwrap();
    all
}

type Facts = (u64, Content, Option<u64>, Stuffing, Vec<u8>);

/// All there is to know of a body, and what it is to Sendmail.
fn facts(mut body: Body) -> (Facts, Facts) {
    let now = |body: &mut Body| (body.length, body.content, body.first_lone_dot, body.stuffing, octets(body));
    let first = now(&mut body);
    body.end_at_lone_dot();
    (first, now(&mut body))
}

fn written(request: &mut Request) -> Vec<u8> {
    let mut octets = Vec::new();
    request.write(&mut octets).unwrap();
    octets
}

fn request(caller: Caller, submit: Submit, stamp: Stamp, input: &[u8], terminal: bool) -> Request {
    let message = message(input, submit.dots, terminal);
    Request { caller, submit, stamp, message }
}

fn small() -> Vec<u8> {
    let stamp = Stamp { now: UNIX_EPOCH, utc_offset: 3600, unique: [7; 16] };
    let submit = Submit { operands: vec![b"a@x".to_vec()], ..Submit::default() };
    written(&mut request(Caller::default(), submit, stamp, b"Subject: x\n\n..\ntext\n", false))
}

fn fault(octets: &[u8]) -> RequestFault {
    Request::read(&mut &*octets, &Memory).err().unwrap()
}

proptest! {
    #[test]
    fn a_request_survives_as_it_was(
        caller in caller(), submit in submit(), stamp in stamp(), input in input(), terminal in any::<bool>(),
    ) {
        let mut original = request(caller, submit, stamp, &input, terminal);
        let octets = [written(&mut original), b"behind it".to_vec()].concat();
        let mut source = octets.as_slice();
        let back = Request::read(&mut source, &Memory).unwrap();
        prop_assert_eq!(source, b"behind it");
        prop_assert_eq!(format!("{:?}", &back.caller), format!("{:?}", &original.caller));
        prop_assert_eq!(&back.submit, &original.submit);
        prop_assert_eq!(format!("{:?}", &back.stamp), format!("{:?}", &original.stamp));
        prop_assert_eq!(&back.message.fields, &original.message.fields);
        prop_assert_eq!(facts(back.message.body), facts(original.message.body));
    }

    #[test]
    fn damage_is_a_fault_or_another_request_and_never_a_panic(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(),
    ) {
        let mut octets = small();
        let cut = octets.len() - cut.index(octets.len()) / 4;
        for (place, octet) in &places {
            let place = place.index(octets.len());
            octets[place] = *octet;
        }
        octets.truncate(cut);
        if let Ok(mut request) = Request::read(&mut octets.as_slice(), &Memory) {
            let again = written(&mut request);
            prop_assert!(Request::read(&mut again.as_slice(), &Memory).is_ok());
        }
    }

    #[test]
    fn noise_is_no_errand(noise in prop::collection::vec(any::<u8>(), 0..200), kind in 1..=10_u8) {
        let kind = Kind::of(kind).unwrap();
        let _ = Errand::read_rest(kind, &mut noise.as_slice(), &Memory);
        let _ = Answers::new(&mut noise.as_slice()).hear();
        let _ = Greeting::read(&mut noise.as_slice());
    }
}

#[test]
fn every_beginning_is_incomplete_and_nothing_else() {
    let whole = small();
    assert!(Request::read(&mut whole.as_slice(), &Memory).is_ok());
    for length in 0..whole.len() {
        assert_eq!(fault(&whole[..length]), RequestFault::Incomplete, "{length} of {}", whole.len());
    }
}

#[test]
fn a_large_message_survives_in_chunks() {
    let input = [b"A: b\n\n".to_vec(), b"line of text\n..\n".repeat(300_000)].concat();
    let stamp = Stamp { now: UNIX_EPOCH, utc_offset: 0, unique: [0; 16] };
    let mut original = request(Caller::default(), Submit::default(), stamp, &input, false);
    let octets = written(&mut original);
    let back = Request::read(&mut octets.as_slice(), &Memory).unwrap();
    assert!(facts(back.message.body) == facts(original.message.body));
}

#[test]
fn what_is_announced_and_does_not_come_takes_no_memory() {
    // An operand of 128 KiB of which nothing comes, and one longer than any can be.
    let start = [&MAGIC[..], &[VERSION, Kind::Submit as u8]].concat();
    assert_eq!(fault(&[&start[..], &[b'o', 0, 2, 0, 0]].concat()), RequestFault::Incomplete);
    assert_eq!(fault(&[&start[..], &[b'o', 0, 2, 0, 1]].concat()), RequestFault::TooLong(b'o'));
    assert_eq!(fault(&[&start[..], &[b'o', 255, 255, 255, 255]].concat()), RequestFault::TooLong(b'o'));
    assert_eq!(fault(&[&start[..], &[b'?', 0, 0, 0, 0]].concat()), RequestFault::Unexpected(b'?'));
    assert_eq!(fault(&[&start[..], &[200, 0, 0, 0, 0]].concat()), RequestFault::Unexpected(200));
    assert_eq!(fault(b"GET / HTTP/1.1\r\n"), RequestFault::Foreign);
    assert_eq!(fault(b"OLSM\x02\x01"), RequestFault::Version(2));
    assert_eq!(fault(b"OLSM\x01\x63"), RequestFault::Unexpected(99));
    assert_eq!(fault(b"OLSM\x01\x02"), RequestFault::Unexpected(2));
}

#[test]
fn fields_are_bounded_all_together_and_each_comes_once() {
    let start = [&MAGIC[..], &[VERSION, Kind::Submit as u8]].concat();
    let operand = [&[b'o', 0, 2, 0, 0][..], &[b'a'; 128 * 1024]].concat();
    assert_eq!(fault(&[start.clone(), operand.repeat(64)].concat()), RequestFault::Malformed("too many fields"));
    let uid = [b'u', 0, 0, 0, 4, 0, 0, 0, 1];
    assert_eq!(fault(&[&start[..], &uid, &uid].concat()), RequestFault::Unexpected(b'u'));
}

#[test]
fn what_no_argument_can_be_is_refused() {
    let with = |tag: u8, text: &[u8]| {
        let start = [&MAGIC[..], &[VERSION, Kind::Submit as u8]].concat();
        fault(&[&start[..], &[tag, 0, 0, 0, text.len() as u8], text].concat())
    };
    assert_eq!(with(b'v', b"fa\0b"), RequestFault::Malformed("NUL in an argument"));
    // The rules of the flags, and no flag that keeps no value.
    for value in [&b"NNEVER\r\nRSET"[..], b"RFULL>", b"Va\nb", b"ttrue", b"Z", b"\xe9", b""] {
        assert_eq!(with(b'v', value), RequestFault::Malformed("a flag's value"), "{value:?}");
    }
    assert_eq!(with(b'l', b"\xff"), RequestFault::Malformed("not UTF-8"));
    assert_eq!(with(b'f', &[0, 3, 0]), RequestFault::Malformed("-i"));
    let mut stamp = [0; 32];
    stamp[8..12].copy_from_slice(&1_000_000_000_u32.to_be_bytes());
    assert_eq!(with(b't', &stamp), RequestFault::Malformed("stamp"));
    assert_eq!(with(b't', &[255; 32]), RequestFault::Malformed("stamp"));
}

#[test]
fn a_message_that_is_not_as_long_as_announced_is_refused() {
    let mut octets = small();
    let last = octets.len() - 1;
    octets[last] += 1;
    assert!(matches!(fault(&octets), RequestFault::Malformed(_)));
}

#[test]
fn a_caller_with_names_too_long_can_still_write() {
    let caller = Caller { full_name: "é".repeat(5000), local_domains: vec!["x".into(); 5000], ..Caller::default() };
    let stamp = Stamp { now: UNIX_EPOCH, utc_offset: 0, unique: [0; 16] };
    let octets = written(&mut request(caller, Submit::default(), stamp, b"", false));
    let back = Request::read(&mut octets.as_slice(), &Memory).unwrap();
    assert_eq!((back.caller.full_name.len(), back.caller.local_domains.len()), (1024, 1000));
}

#[test]
fn every_errand_there_and_back() {
    let id = EntryId::parse("20260101-7f").unwrap();
    let sign_in = SignIn {
        account: "me".into(),
        grant: Secret::from("{}"),
        token: Secret::from("t"),
        expires_at: UNIX_EPOCH + Duration::from_secs(7),
    };
    let errands = [
        Errand::ListQueue,
        Errand::ShowEntry(id.clone()),
        Errand::RetryEntry(id.clone(), Duplicate::Possible),
        Errand::DropEntry(id),
        Errand::RunQueue,
        Errand::Status(None),
        Errand::Status(Some(80)),
        Errand::KeepGrant(sign_in),
        Errand::Forget("me".into()),
        Errand::Renew,
    ];
    for mut errand in errands {
        let mut octets = Vec::new();
        errand.write(&mut octets).unwrap();
        let mut source = Cursor::new(octets.clone());
        let kind = Kind::read(&mut source).unwrap();
        assert_eq!(kind, errand.kind());
        let mut back =
            Errand::read_rest(kind, &mut source, &Memory).unwrap_or_else(|fault| panic!("{kind:?}: {fault:?}"));
        let mut again = Vec::new();
        back.write(&mut again).unwrap();
        assert_eq!(again, octets);
        assert_eq!(source.position(), octets.len() as u64);
    }
    assert!(
        EntryId::parse("../x").is_none() && EntryId::parse("").is_none() && EntryId::parse(&"a".repeat(65)).is_none()
    );
}

#[test]
fn every_answer_there_and_back() {
    let failures = Cause::ALL.iter().map(|&cause| Err(Failure::new(Stage::Submission, cause, "554 no way")));
    let mut answers: Vec<Answer> = failures.map(Answer::Verdict).collect();
    answers.push(Answer::Verdict(Ok(Taken::Sent(Receipt::new("2.0.0 OK".into())))));
    let why = Failure::new(Stage::Submission, Cause::Deferred, "451 later\nmuch later");
    answers.push(Answer::Verdict(Ok(Taken::Kept { id: "0a1b2c3d4e5f".into(), why })));
    answers.push(Answer::InCustody);
    answers.push(Answer::Sending);
    answers.push(Answer::Remark(">>> EHLO\n".into()));
    answers.push(Answer::Done(75));
    answers.push(Answer::Output("a\nb\n".into()));
    for answer in answers {
        let mut octets = Vec::new();
        answer.write(&mut octets).unwrap();
        assert_eq!(Answers::new(&mut octets.as_slice()).hear(), Ok(answer));
    }
    for greeting in [Greeting::Ready, Greeting::Busy] {
        assert_eq!(Greeting::read(&mut greeting.octets().as_slice()), Ok(greeting));
    }
}

#[test]
fn what_the_broker_says_is_made_safe_again() {
    let mut octets = Vec::new();
    frames::write(&mut octets, tags::Said::Output, b"a\x1b[2J\nb\r\n").unwrap();
    assert_eq!(Answers::new(&mut octets.as_slice()).hear(), Ok(Answer::Output("a [2J\nb\n".into())));
    let columns = Answer::Output("ID   Size\n  1   200\n".into());
    let mut octets = Vec::new();
    columns.write(&mut octets).unwrap();
    assert_eq!(Answers::new(&mut octets.as_slice()).hear(), Ok(columns));
}
