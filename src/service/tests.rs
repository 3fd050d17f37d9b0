use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::frames::{self, Frame, MAGIC, VERSION};
use super::*;
use crate::envelope::Stamp;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{FlagValue, FlagValues, HeaderRecipients, Submit, Verbosity};
use crate::message::{Body, Content, Dots, Message, Stuffing};
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::secret::Secret;
use crate::world::{Caller, Spool, Spools, memory_spool};

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
            gid: uid / 2,
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

fn written(request: &mut Submission) -> Vec<u8> {
    let mut octets = Vec::new();
    request.write(&mut octets).unwrap();
    octets
}

fn request(caller: Caller, submit: Submit, stamp: Stamp, input: &[u8], terminal: bool) -> Submission {
    let message = message(input, submit.dots, terminal);
    Submission { caller, submit, stamp, message }
}

fn small() -> Vec<u8> {
    let stamp = Stamp { now: UNIX_EPOCH, utc_offset: 3600, unique: [7; 16] };
    let submit = Submit { operands: vec![b"a@x".to_vec()], ..Submit::default() };
    written(&mut request(Caller::default(), submit, stamp, b"Subject: x\n\n..\ntext\n", false))
}

fn fault(octets: &[u8]) -> RequestFault {
    Submission::read(&mut &*octets, &Memory).err().unwrap()
}

proptest! {
    #[test]
    fn a_request_survives_as_it_was(
        caller in caller(), submit in submit(), stamp in stamp(), input in input(), terminal in any::<bool>(),
    ) {
        let mut original = request(caller, submit, stamp, &input, terminal);
        let octets = [written(&mut original), b"behind it".to_vec()].concat();
        let mut source = octets.as_slice();
        let back = Submission::read(&mut source, &Memory).unwrap();
        prop_assert_eq!(source, b"behind it");
        prop_assert_eq!(format!("{:?}", &back.caller), format!("{:?}", &original.caller));
        prop_assert_eq!(&back.submit, &original.submit);
        prop_assert_eq!(format!("{:?}", &back.stamp), format!("{:?}", &original.stamp));
        prop_assert_eq!(&back.message.fields, &original.message.fields);
        prop_assert_eq!(facts(back.message.body), facts(original.message.body));
        let head = Head::read(&mut octets.as_slice()).unwrap();
        prop_assert_eq!(&head.submit, &back.submit);
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
        if let Ok(mut request) = Submission::read(&mut octets.as_slice(), &Memory) {
            let again = written(&mut request);
            prop_assert!(Submission::read(&mut again.as_slice(), &Memory).is_ok());
        }
    }

    #[test]
    fn noise_is_no_request(
        frame in prop::sample::select(b"HCZRA".as_slice()), noise in prop::collection::vec(any::<u8>(), 0..200), framed in any::<bool>(),
    ) {
        let length = u32::try_from(noise.len()).unwrap().to_be_bytes();
        let start = if framed { [&MAGIC[..], &[VERSION, frame], &length].concat() } else { Vec::new() };
        let noise = [start, noise].concat();
        let _ = ClientRequest::read(&mut noise.as_slice());
        let _ = Submission::read(&mut noise.as_slice(), &Memory);
        let _ = Answer::hear(&mut noise.get(5..).unwrap_or_default());
        let _ = Greeting::read(&mut noise.as_slice());
    }
}

#[test]
fn every_beginning_is_incomplete_and_nothing_else() {
    let whole = small();
    assert!(Submission::read(&mut whole.as_slice(), &Memory).is_ok());
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
    let back = Submission::read(&mut octets.as_slice(), &Memory).unwrap();
    assert!(facts(back.message.body) == facts(original.message.body));
}

/// What a request begins with, and one frame.
fn framed(frame: u8, octets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(octets.len()).unwrap().to_be_bytes();
    [&MAGIC[..], &[VERSION, frame], &length, octets].concat()
}

#[test]
fn what_is_announced_and_does_not_come_takes_no_memory() {
    let start = [&MAGIC[..], &[VERSION]].concat();
    // 8 MiB of which nothing comes, and more than there can be.
    assert_eq!(fault(&[&start[..], &[b'H', 0, 0x80, 0, 0]].concat()), RequestFault::Incomplete);
    assert_eq!(fault(&[&start[..], &[b'H', 0, 0x80, 0, 1]].concat()), RequestFault::TooLong(b'H'));
    assert_eq!(fault(&[&start[..], &[b'R', 255, 255, 255, 255]].concat()), RequestFault::TooLong(b'R'));
    assert_eq!(fault(&[&start[..], &[b'?', 0, 0, 0, 0]].concat()), RequestFault::Unexpected(b'?'));
    assert_eq!(fault(&framed(b'R', b"{}")), RequestFault::Unexpected(b'R'));
    assert_eq!(fault(b"GET / HTTP/1.1\r\n"), RequestFault::Foreign);
    assert_eq!(fault(b"OLSM\x02\x01"), RequestFault::Version(2));
}

#[test]
fn a_head_is_bounded_and_says_each_thing_once() {
    let submit = Submit { operands: vec![vec![b'a'; 128 * 1024]; 70], ..Submit::default() };
    let stamp = Stamp { now: UNIX_EPOCH, utc_offset: 0, unique: [0; 16] };
    let large = request(Caller::default(), submit, stamp, b"", false).write(&mut Vec::new());
    assert_eq!(large.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    let whole = small();
    let text = String::from_utf8_lossy(&whole);
    let json = &text[text.find('{').unwrap()..text.rfind('}').unwrap() + 1];
    let with = |from: &str, to: &str| fault(&framed(b'H', json.replacen(from, to, 1).as_bytes()));
    assert_eq!(with("", ""), RequestFault::Incomplete, "as it is, only the message is missing");
    for (from, to) in [("{", r#"{"more":1,"#), (r#""uid":0"#, r#""uid":0,"uid":1"#), (r#""uid":0,"#, ""), ("{", "[")] {
        assert!(matches!(with(from, to), RequestFault::Malformed(_)), "{to}");
    }
}

#[test]
fn what_no_argument_can_be_is_refused() {
    let whole = small();
    let text = String::from_utf8_lossy(&whole);
    let json = &text[text.find('{').unwrap()..text.rfind('}').unwrap() + 1];
    for (from, to, what) in [
        (r#""values":[]"#, r#""values":[["f","a\u0000b"]]"#, "NUL in an argument"),
        (r#""values":[]"#, r#""values":[["f",[97,0,255]]]"#, "NUL in an argument"),
        (r#""values":[]"#, r#""values":[["N","NEVER\r\nRSET"]]"#, "the value of -N"),
        (r#""values":[]"#, r#""values":[["R","FULL>"]]"#, "the value of -R"),
        (r#""values":[]"#, r#""values":[["V","a\nb"]]"#, "the value of -V"),
        // No flag that keeps a value.
        (r#""values":[]"#, r#""values":[["t","true"]]"#, "the value of -t"),
        (r#""values":[]"#, r#""values":[["Z",""]]"#, "the value of -Z"),
        (r#""nanoseconds":0"#, r#""nanoseconds":1000000000"#, "stamp"),
        (r#""seconds":0"#, r#""seconds":18446744073709551615"#, "stamp"),
        (r#""utc_offset":3600"#, r#""utc_offset":86400"#, "stamp"),
    ] {
        assert!(json.contains(from), "{from} in {json}");
        let malformed = fault(&framed(b'H', json.replacen(from, to, 1).as_bytes()));
        assert_eq!(malformed, RequestFault::Malformed(what.to_owned()), "{to}");
    }
}

#[test]
fn whoever_sends_empty_chunks_is_not_listened_to() {
    let whole = small();
    let chunk = whole.iter().rposition(|&octet| octet == b'}').unwrap() + 1;
    assert_eq!(whole[chunk], b'C');
    let empty = [&whole[..chunk], &[b'C', 0, 0, 0, 0], &whole[chunk..]].concat();
    assert_eq!(fault(&empty), RequestFault::Malformed("an empty chunk".to_owned()));
    let other = [&whole[..chunk], &[b'A', 0, 0, 0, 1, b'1']].concat();
    assert_eq!(fault(&other), RequestFault::Unexpected(b'A'));
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
    let back = Submission::read(&mut octets.as_slice(), &Memory).unwrap();
    assert_eq!((back.caller.full_name.len(), back.caller.local_domains.len()), (1024, 1000));
}

#[test]
fn every_request_there_and_back() {
    let id = EntryId::parse("20260101-7f").unwrap();
    let sign_in = SignIn {
        account: "me".into(),
        grant: Secret::from(r#"{"refresh_token":"hunter2"}"#),
        token: Secret::new(vec![b't', 0, 255]),
        expires_at: UNIX_EPOCH + Duration::from_secs(7),
    };
    let requests = [
        ServiceRequest::ListQueue,
        ServiceRequest::ShowEntry(id.clone()),
        ServiceRequest::RetryEntry(id.clone(), Duplicate::Possible),
        ServiceRequest::DropEntry(id),
        ServiceRequest::RunQueue(Pace::Due),
        ServiceRequest::RunQueue(Pace::Everything),
        ServiceRequest::Status(None),
        ServiceRequest::Status(Some(80)),
        ServiceRequest::KeepGrant(sign_in),
        ServiceRequest::Forget("me".into()),
        ServiceRequest::Renew,
    ];
    for request in requests {
        let mut octets = Vec::new();
        request.write(&mut octets).unwrap();
        let mut source = octets.as_slice();
        let Ok(ClientRequest::Serve(back)) = ClientRequest::read(&mut source) else {
            panic!("{}", String::from_utf8_lossy(&octets))
        };
        assert!(source.is_empty());
        let mut again = Vec::new();
        back.write(&mut again).unwrap();
        assert_eq!(again, octets);
        if let ServiceRequest::KeepGrant(SignIn { grant, token, .. }) = back {
            assert_eq!(grant.reveal_text(), Some(r#"{"refresh_token":"hunter2"}"#));
            assert_eq!(token.reveal(), [b't', 0, 255]);
        }
    }
    assert!(
        EntryId::parse("../x").is_none() && EntryId::parse("").is_none() && EntryId::parse(&"a".repeat(65)).is_none()
    );
}

#[test]
fn what_is_asked_is_as_it_should_be_and_its_fault_tells_no_secret() {
    for text in [
        r#"{"show-entry":"../x"}"#,
        r#"{"run-queue":"now"}"#,
        r#"{"status":70000}"#,
        r#""submit""#,
        r#"{"renew":null,"list-queue":null}"#,
        r#"{"keep-grant":{"account":"me","grant":"hunter2"}}"#,
        r#"{"keep-grant":"hunter2"}"#,
        r#"{"hunter2":1}"#,
        "",
    ] {
        match ClientRequest::read(&mut framed(b'R', text.as_bytes()).as_slice()) {
            Err(fault @ RequestFault::Malformed(_)) => assert!(!Failure::from(fault).record().contains("hunter2")),
            other => panic!("{text}: {:?}", other.err()),
        }
    }
}

#[test]
fn every_answer_there_and_back() {
    let failures = Cause::ALL.iter().map(|&cause| Err(Failure::new(Stage::Submission, cause, "554 no way")));
    let mut answers: Vec<Answer> = failures.map(Answer::Verdict).collect();
    answers.push(Answer::Verdict(Ok(Taken::Sent(Receipt::new("2.0.0 OK".into())))));
    let why = Failure::new(Stage::Submission, Cause::Deferred, "451 later\nmuch later");
    answers.push(Answer::Verdict(Ok(Taken::Kept { id: "0a1b2c3d4e5f".into(), why })));
    let told = Failure::new(Stage::Credentials, Cause::GrantRejected, "AADSTS70000")
        .worded(Some(&crate::failure::Wording { sentence: "a sentence of its own", advice: "and advice" }));
    answers.push(Answer::Verdict(Err(told)));
    answers.push(Answer::Verdict(Err(Failure::new(Stage::Submission, Cause::Refused, "554 no").elsewhere())));
    answers.push(Answer::InCustody);
    answers.push(Answer::Sending);
    answers.push(Answer::Remark(">>> EHLO\n".into()));
    answers.push(Answer::Done(75));
    answers.push(Answer::Output("a\nb\n".into()));
    for answer in answers {
        let mut octets = Vec::new();
        answer.write(&mut octets).unwrap();
        assert_eq!(Answer::hear(&mut octets.as_slice()), Ok(answer));
    }
    for greeting in [Greeting::Ready, Greeting::BusyWithYours, Greeting::BusyWithOthers] {
        assert_eq!(Greeting::read(&mut greeting.octets().as_slice()), Ok(greeting));
    }
}

#[test]
fn what_the_broker_says_is_made_safe_again() {
    let mut octets = Vec::new();
    frames::write(&mut octets, Frame::Answer, br#"{"output":"a\u001b[2J\nb\r\n"}"#).unwrap();
    assert_eq!(Answer::hear(&mut octets.as_slice()), Ok(Answer::Output("a [2J\nb\n".into())));
    let columns = Answer::Output("ID   Size\n  1   200\n".into());
    let mut octets = Vec::new();
    columns.write(&mut octets).unwrap();
    assert_eq!(Answer::hear(&mut octets.as_slice()), Ok(columns));
}

#[test]
fn long_text_arrives_in_parts_that_end_where_lines_do() {
    let text = "é line with  columns \u{1}\n".repeat(30_000) + &"x".repeat(600_000);
    let mut octets = Vec::new();
    Answer::Output(text.clone()).write(&mut octets).unwrap();
    let mut source = octets.as_slice();
    let mut heard = String::new();
    while !source.is_empty() {
        match Answer::hear(&mut source).unwrap() {
            Answer::Output(part) => heard.push_str(&part),
            other
            @ (Answer::InCustody | Answer::Sending | Answer::Remark(_) | Answer::Verdict(_) | Answer::Done(_)) => {
                panic!("{other:?}")
            }
        }
    }
    assert!(heard == text.replace(" \u{1}", ""));
}

#[test]
fn a_failure_read_back_is_one_line_still() {
    let text = r#"{"verdict":{"Err":{"stage":"Message","cause":"Refused","detail":"a\nb","wording":{"sentence":"x\r\ny\u001b","advice":"z"}}}}"#;
    let mut octets = Vec::new();
    frames::write(&mut octets, Frame::Answer, text.as_bytes()).unwrap();
    match Answer::hear(&mut octets.as_slice()) {
        Ok(Answer::Verdict(Err(failure))) => assert_eq!(failure.line(), "x y: a b -- z"),
        other => panic!("{other:?}"),
    }
}
