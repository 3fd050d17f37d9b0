use proptest::prelude::*;

use super::super::Configuration;
use super::super::flags::GETOPT;
use super::*;

fn call(argv0: &str, arguments: &[&str]) -> Result<Invocation, Refusal> {
    read(argv0.into(), arguments.iter().map(OsString::from).collect())
}

fn submit(arguments: &[&str]) -> Submit {
    match call("sendmail", arguments) {
        Ok(Invocation::Submit(submit)) => submit,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn fault(argv0: &str, arguments: &[&str]) -> (Cause, String, StandardInput) {
    let refusal = call(argv0, arguments).unwrap_err();
    assert_eq!(refusal.failure.exit_status() as u8, 64);
    (refusal.failure.cause, refusal.failure.detail.whole().to_owned(), refusal.input)
}

/// What a captured call has to come out as: -t, dots, -f, -F, operands.
type Row =
    (&'static [&'static str], &'static str, Dots, Option<&'static str>, Option<&'static str>, &'static [&'static str]);

const T: &str = "-t";
const NO: &str = "";
use Dots::{Content, LoneDotMayEnd, MayBeStuffed};

/// Every distinct shape of arguments that real callers were seen with.
#[rustfmt::skip]
const CAPTURED: &[Row] = &[
    (&["-oem", "-t", "-oi"], T, Content, None, None, &[]),
    (&["-FAnacron", "-odi", "root"], NO, MayBeStuffed, None, Some("Anacron"), &["root"]),
    (&["-oi", "-t"], T, Content, None, None, &[]),
    (&["-i", "-t"], T, Content, None, None, &[]),
    (&["-i", "alice"], NO, Content, None, None, &["alice"]),
    (&["-i", "-t", "-f", "sender@example.com"], T, Content, Some("sender@example.com"), None, &[]),
    (&["-t"], T, LoneDotMayEnd, None, None, &[]),
    (&["-ti"], T, Content, None, None, &[]),
    (&["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"], NO, Content, None, Some("CronDaemon"), &["root"]),
    (&["-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root"], T, Content, Some("root"), Some("CronDaemon"), &[]),
    (&["-i", "-f", "<>", "--", "x@example.net"], NO, Content, Some("<>"), None, &["x@example.net"]),
    (&["-oi", "-oep", "-odi", "-t"], T, Content, None, None, &[]),
    (&["-oi", "-oem", "-odb", "-t"], T, Content, None, None, &[]),
    (&["-f", "root@host1", "root@localhost"], NO, MayBeStuffed, Some("root@host1"), None, &["root@localhost"]),
    (&["-t", "-f", "git@example.com"], T, LoneDotMayEnd, Some("git@example.com"), None, &[]),
    (&["-f", "alice@example.com", "-i", "bob@example.com"], NO, Content, Some("alice@example.com"), None, &["bob@example.com"]),
    (&["-oi", "-f", "", "bob@example.com"], NO, Content, Some(""), None, &["bob@example.com"]),
    (&["-t", "-oi", "-oem", "-fperl@example.com"], T, Content, Some("perl@example.com"), None, &[]),
    (&["-oem", "-oi", "--", "bob@host1", "root@localhost"], NO, Content, None, None, &["bob@host1", "root@localhost"]),
    (&["-oi", "-t", "-odq"], T, Content, None, None, &[]),
    (&["-t", "-i", "-fbounce@example.com", "-oi"], T, Content, Some("bounce@example.com"), None, &[]),
    (&["-t", "-i", "-f", "a b@example.com"], T, Content, Some("a b@example.com"), None, &[]),
    (&["-B", "8BITMIME", "-f", "root", "--", "root"], NO, MayBeStuffed, Some("root"), None, &["root"]),
    (&["-i", "-F", "Alice", "-f", "sender@example.com", "--", "bob"], NO, Content, Some("sender@example.com"), Some("Alice"), &["bob"]),
    (&["-i", "-m", "-v", "--", "bob"], NO, Content, None, None, &["bob"]),
    (&["root"], NO, MayBeStuffed, None, None, &["root"]),
    (&["-t", "-i", "e@example.com", "b@example.com"], T, Content, None, None, &["e@example.com", "b@example.com"]),
    (&["-t", "e@example.com"], T, LoneDotMayEnd, None, None, &["e@example.com"]),
    (&["-i"], NO, Content, None, None, &[]),
    (&[], NO, LoneDotMayEnd, None, None, &[]),
    (&["-t", "--"], T, LoneDotMayEnd, None, None, &[]),
    (&["-i", "-r", "bounce@example.com", "e@example.com"], NO, Content, Some("bounce@example.com"), None, &["e@example.com"]),
    (&["-i", "-X", "/tmp/xlog", "e@example.com"], NO, Content, None, None, &["e@example.com"]),
    (&["-h", "3", "-i", "e@example.com"], NO, Content, None, None, &["e@example.com"]),
    (&["-U", "-G", "-n", "-i", "e@example.com"], NO, Content, None, None, &["e@example.com"]),
    (&["-i", "<>", ""], NO, Content, None, None, &["<>", ""]),
    (&["-f", "A", "a@x,b@y"], NO, MayBeStuffed, Some("A"), None, &["a@x,b@y"]),
    (&["-fA", "-f", "B", "x"], NO, MayBeStuffed, Some("B"), None, &["x"]),
    // not captured, but in the manuals and the sources
    (&["-f=x@y", "e@x"], NO, MayBeStuffed, Some("=x@y"), None, &["e@x"]),
    (&["-itf", "a@b", "c@d"], T, Content, Some("a@b"), None, &["c@d"]),
    (&["-f", "-t", "e@x"], NO, MayBeStuffed, Some("-t"), None, &["e@x"]),
    (&["-f", "--", "e@x"], NO, MayBeStuffed, Some("--"), None, &["e@x"]),
    (&["e@x", "-i", "-f", "y", "--"], NO, MayBeStuffed, None, None, &["e@x", "-i", "-f", "y", "--"]),
    (&["--", "-t", "--", "e@x"], NO, MayBeStuffed, None, None, &["-t", "--", "e@x"]),
    (&["-", "-t"], NO, MayBeStuffed, None, None, &["-", "-t"]),
    (&["", "-t"], NO, MayBeStuffed, None, None, &["", "-t"]),
    (&["-bm", "-i", "e@x"], NO, Content, None, None, &["e@x"]),
    (&["-C", "/etc/x", "e@x"], NO, MayBeStuffed, None, None, &["e@x"]),
    (&["-C", "-t"], T, LoneDotMayEnd, None, None, &[]),
    (&["-C"], NO, LoneDotMayEnd, None, None, &[]),
    (&["-Q", "reason", "-i", "e@x"], NO, Content, None, None, &["e@x"]),
    (&["-d", "e@x"], NO, MayBeStuffed, None, None, &["e@x"]),
    (&["-d0.1", "e@x"], NO, MayBeStuffed, None, None, &["e@x"]),
    (&["-O", "IgnoreDots", "-ODeliveryMode=b", "-OErrorMode=m", "e@x"], NO, Content, None, None, &["e@x"]),
    (&["-O", "ignoredots=True", "e@x"], NO, Content, None, None, &["e@x"]),
    (&["-i", "-OIgnoreDots=false", "e@x"], NO, MayBeStuffed, None, None, &["e@x"]),
    (&["-oitrue", "-oA/etc/evil", "-oQ/tmp", "-o8", "-oMrx", "e@x"], NO, Content, None, None, &["e@x"]),
    (&["-em", "-Am", "-Dlog", "-Ltag", "-M", "x", "-p", "p", "-scTx", "e@x"], NO, MayBeStuffed, None, None, &["e@x"]),
    (&["-XV", "e@x"], NO, MayBeStuffed, None, None, &["e@x"]),
    (&["-t", "-oQ/tmp/", "-X/var/www/html/x.php"], T, LoneDotMayEnd, None, None, &[]),
];

#[test]
fn captured_calls_come_out_as_getopt_reads_them() {
    for (arguments, header, dots, sender, full_name, operands) in CAPTURED {
        let read = submit(arguments);
        let text = |of: FlagValue| read.value(of).map(|octets| str::from_utf8(octets).unwrap());
        assert_eq!(read.header_recipients == HeaderRecipients::Taken, *header == T, "{arguments:?}");
        assert_eq!(read.dots, *dots, "{arguments:?}");
        assert_eq!(text(FlagValue::Sender), *sender, "{arguments:?}");
        assert_eq!(text(FlagValue::FullName), *full_name, "{arguments:?}");
        assert_eq!(read.operands, operands.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
    }
}

#[test]
fn the_name_is_the_last_component_of_argv0() {
    for name in ["sendmail", "/usr/sbin/sendmail", "/usr/lib/sendmail", "send-mail", "", "x/"] {
        assert!(matches!(call(name, &["e@x"]), Ok(Invocation::Submit(_))), "{name}");
    }
    for (name, wanted) in [
        ("mailq", Invocation::PrintQueue),
        ("/usr/bin/mailq", Invocation::PrintQueue),
        ("newaliases", Invocation::CheckAliases),
        ("/usr/bin/newaliases", Invocation::CheckAliases),
        ("runq", Invocation::RunQueue),
    ] {
        assert_eq!(call(name, &["-Ac", "-Z", ""]), Ok(wanted), "{name}");
    }
    for name in ["hoststat", "purgestat", "smtpd"] {
        let (cause, _, input) = fault(name, &["-Ac", "-Z", ""]);
        assert_eq!((cause, input), (Cause::RefusedMode, StandardInput::Unused), "{name}");
    }
    assert_eq!(fault("rmail", &["e@x"]).2, StandardInput::Message);
}

#[test]
fn a_refused_mode_never_sends_and_knows_its_standard_input() {
    for flag in ["-bt", "-bd", "-bD", "-bh", "-bH", "-bP", "-bl", "-bC"] {
        let (cause, _, input) = fault("sendmail", &["-i", flag, "e@x"]);
        assert_eq!((cause, input), (Cause::RefusedMode, StandardInput::Unused), "{flag}");
    }
    for arguments in
        [&["-ba"][..], &["-bs", "-Z"], &["-bs", "-f"], &["-bs", "-ba"], &["-Z", "-bs"], &["-bZ", "-i", "-bs"]]
    {
        assert_eq!(fault("sendmail", arguments).2, StandardInput::Dialogue, "{arguments:?}");
    }
    // Recipients make it a message, wherever they stand; -bs makes it a dialogue all the same.
    for arguments in [&["-ba", "-t"][..], &["-t", "-ba"], &["-bat", "-t"], &["-ba", "-i", "e@x"], &["-tba", "-Z"]] {
        let (cause, _, input) = fault("sendmail", arguments);
        assert_eq!((cause, input), (Cause::RefusedMode, StandardInput::Message), "{arguments:?}");
    }
    assert_eq!(fault("sendmail", &["-ba", "-t", "-bs"]).2, StandardInput::Dialogue);
    for arguments in [&["-bv", "-Z", "e@x"][..], &["-bp", "-f"]] {
        assert_eq!(fault("sendmail", arguments).2, StandardInput::Unused, "{arguments:?}");
    }
    assert_eq!(fault("sendmail", &["-Z", "--", "-bs"]).2, StandardInput::Message);
}

#[test]
fn whatever_is_not_sending_leaves_standard_input_alone() {
    for (arguments, wanted) in [
        (&["-bp"][..], Invocation::PrintQueue),
        (&["-v", "-bp"], Invocation::PrintQueue),
        (&["-q30m", "-bp"], Invocation::PrintQueue),
        (&["-bp", "-q"], Invocation::PrintQueue),
        (&["-q"], Invocation::RunQueue),
        (&["-qf"], Invocation::RunQueue),
        (&["-q", "30m"], Invocation::RunQueue),
        (&["-qRexample.org"], Invocation::RunQueue),
        (&["-bi"], Invocation::CheckAliases),
        (&["-I"], Invocation::CheckAliases),
    ] {
        assert_eq!(call("sendmail", arguments), Ok(wanted), "{arguments:?}");
    }
    for arguments in [&["-t", "-q"][..], &["-I", "e@x"], &["-bi", "-t"], &["-q", "-i", "e@x"]] {
        let (cause, _, input) = fault("sendmail", arguments);
        assert_eq!((cause, input), (Cause::RefusedMode, StandardInput::Message), "{arguments:?}");
    }
    let Ok(Invocation::Verify(submit)) = call("sendmail", &["-bv", "root", "e@x"]) else { panic!() };
    assert_eq!(submit.operands, [b"root".to_vec(), b"e@x".to_vec()]);
}

#[test]
fn an_smtp_dialogue_needs_no_other_argument_and_minds_none() {
    let plain = SmtpOnStdio { full_name: None, config: None };
    let captured = [&["-bs"][..], &["-bs", "-odb", "-oem"], &["-bs", "-odb", "-oem", "-om"], &["-bs", "-i"]];
    for arguments in captured.into_iter().chain([&["-bm", "-bs"][..], &["-v", "-t", "-f", "x", "-bs", "e@x"]]) {
        assert_eq!(call("sendmail", arguments), Ok(Invocation::SmtpOnStdio(plain.clone())), "{arguments:?}");
    }
    assert!(matches!(call("sendmail", &["-bs", "-bm", "e@x"]), Ok(Invocation::Submit(_))));
    let named = SmtpOnStdio { full_name: Some(b"Web".to_vec()), config: Some("/c".into()) };
    let read = call("outlook-sendmail", &["--config", "/c", "-FWeb", "-bs"]);
    assert_eq!(read, Ok(Invocation::SmtpOnStdio(named)));
}

#[test]
fn mistakes_in_a_submission_leave_standard_input_to_be_drained() {
    use StandardInput::Message;
    let rows: &[(&[&str], Cause, &str)] = &[
        (&["-Z", "-i", "e@x"], Cause::UnknownOption, "-Z"),
        (&["-iZ"], Cause::UnknownOption, "-Z"),
        (&["-t=x"], Cause::UnknownOption, "-="),
        (&["--account", "x"], Cause::UnknownOption, "--account"),
        (&["-t", "--help"], Cause::UnknownOption, "--help"),
        (&["--config", "/tmp/x", "e@x"], Cause::UnknownOption, "--config"),
        (&["-t", "-i", "-f"], Cause::MissingValue, "-f"),
        (&["-tiF"], Cause::MissingValue, "-F"),
        (&["-bz"], Cause::BadValue, "-b z"),
        (&["-q", "bob@example.org"], Cause::BadValue, "-q bob@example.org"),
        (&["-b", ""], Cause::BadValue, "-b"),
        (&["-o", "", "e@x"], Cause::BadValue, "-o"),
        (&["-N", "sometimes"], Cause::BadValue, "-N sometimes"),
        (&["-Nnever,delay"], Cause::BadValue, "-N never,delay"),
        (&["-R", "x"], Cause::BadValue, "-R x"),
        (&["-V", ""], Cause::BadValue, "-V"),
        (&["-V", "a\nb"], Cause::BadValue, "-V a b"),
    ];
    for (arguments, cause, words) in rows {
        assert_eq!(fault("sendmail", arguments), (*cause, (*words).to_owned(), Message), "{arguments:?}");
    }
}

#[test]
fn notification_wishes_are_validated() {
    let read = submit(&["-N", "Success,failure,delay,delay", "-R", "hdrs", "-V00000abc", "e@x"]);
    assert_eq!(read.value(FlagValue::Notify), Some(&b"SUCCESS,FAILURE,DELAY"[..]));
    assert_eq!(read.value(FlagValue::Return), Some(&b"HDRS"[..]));
    assert_eq!(read.value(FlagValue::EnvelopeId), Some(&b"00000abc"[..]));
    assert_eq!(submit(&["-N", "NEVER"]).value(FlagValue::Notify), Some(&b"NEVER"[..]));
    assert!(call("sendmail", &["-V", &"x".repeat(100)]).is_ok());
    assert!(call("sendmail", &["-V", &"x".repeat(101)]).is_err());
    assert!(call("sendmail", &["-V", &"=".repeat(34)]).is_err());
}

#[test]
fn arguments_need_not_be_text() {
    let octets = |octets: &[u8]| OsString::from_vec(octets.to_vec());
    let read = read("sendmail".into(), vec![octets(b"-F\xff"), octets(b"-f"), octets(b"\xe9@x"), octets(b"\xfc@x")]);
    let Ok(Invocation::Submit(submit)) = read else { panic!("{read:?}") };
    assert_eq!(submit.value(FlagValue::FullName), Some(&b"\xff"[..]));
    assert_eq!(submit.value(FlagValue::Sender), Some(&b"\xe9@x"[..]));
    assert_eq!(submit.operands, [b"\xfc@x"]);
    let refusal = super::read("sendmail".into(), vec![octets(b"-t\xff")]).unwrap_err();
    assert_eq!(refusal.failure.cause, Cause::UnknownOption);
}

#[test]
fn help_and_version_are_asked_for_in_first_place() {
    assert_eq!(call("sendmail", &["--help"]), Ok(Invocation::Help(HelpTopic::Sendmail)));
    assert_eq!(call("sendmail", &["--version"]), Ok(Invocation::Version));
    assert_eq!(call("outlook-sendmail", &["--help"]), Ok(Invocation::Help(HelpTopic::Tool)));
    assert_eq!(call("outlook-sendmail", &["--version"]), Ok(Invocation::Version));
    assert_eq!(call("outlook-sendmail", &["help"]), Ok(Invocation::Help(HelpTopic::Tool)));
    assert_eq!(call("outlook-sendmail", &["-h"]), Ok(Invocation::Help(HelpTopic::Tool)));
    // The number of hops, which somebody else's program counts.
    assert!(matches!(call("outlook-sendmail", &["-h", "3", "e@x"]), Ok(Invocation::Submit(_))));
    assert_eq!(fault("sendmail", &["-h"]).0, Cause::MissingValue);
}

#[test]
fn an_option_of_a_command_in_front_of_it_is_said_to_be_one() {
    let said = |argument: &str| fault("outlook-sendmail", &[argument, "status"]);
    let unknown = |words: &str| (Cause::UnknownOption, words.to_owned(), StandardInput::Message);
    assert_eq!(said("--json"), unknown("--json; it goes behind a command: status"));
    assert_eq!(said("--account=x"), unknown("--account=x; it goes behind a command: login, logout, test"));
    assert_eq!(said("--verson"), unknown("--verson; did you mean --version?"));
    assert_eq!(said("--confg=/c"), unknown("--confg=/c; did you mean --config?"));
    assert_eq!(said("--everything"), unknown("--everything"));
}

#[test]
fn the_tool_takes_commands_and_sendmails_flags() {
    assert_eq!(call("/usr/bin/outlook-sendmail", &[]), Ok(Invocation::Usage));
    let Ok(Invocation::Submit(submit)) = call("outlook-sendmail", &["--config", "/c", "-i", "e@x"]) else { panic!() };
    assert_eq!(submit.config.as_deref(), Some(Path::new("/c")));
    assert_eq!(submit.operands, [b"e@x"]);
    let login = CommandArguments::of(Some("/c".into()));
    assert_eq!(call("outlook-sendmail", &["--config=/c", "login"]), Ok(Invocation::Tool(Command::Login, login)));
    for arguments in
        [&["--config=/c", "status"][..], &["status", "--config", "/c"], &["--config=/d", "status", "--config=/c"]]
    {
        let read = call("outlook-sendmail", arguments).unwrap();
        assert_eq!(read.configuration(), Configuration::File(Path::new("/c")), "{arguments:?}");
    }
    assert_eq!(call("outlook-sendmail", &["status", "--system"]).unwrap().configuration(), Configuration::System);
    assert_eq!(fault("outlook-sendmail", &["--config"]).0, Cause::MissingValue);
    assert_eq!(fault("outlook-sendmail", &["-i", "--config", "/c"]).0, Cause::UnknownOption);
    assert_eq!(fault("outlook-sendmail", &["root"]).0, Cause::UnknownCommand);
    assert_eq!(fault("outlook-sendmail", &["root", "-i"]).2, StandardInput::Unused);
}

/// getopt as POSIX describes it, written anew: flags with values, then operands; `None` for a mistake.
#[allow(clippy::type_complexity, reason = "flags with their values, then operands")]
fn model(arguments: &[Vec<u8>]) -> Option<(Vec<(u8, Vec<u8>)>, Vec<Vec<u8>>)> {
    let mut flags = Vec::new();
    let mut at = 0;
    while at < arguments.len() {
        let argument = &arguments[at];
        if argument == b"--" {
            return Some((flags, arguments[at + 1..].to_vec()));
        }
        if argument.len() < 2 || argument[0] != b'-' {
            return Some((flags, arguments[at..].to_vec()));
        }
        at += 1;
        let mut inside = 1;
        while inside < argument.len() {
            let letter = argument[inside];
            inside += 1;
            let found = GETOPT.bytes().position(|octet| octet == letter && octet != b':')?;
            if GETOPT.as_bytes().get(found + 1) != Some(&b':') {
                flags.push((letter, Vec::new()));
                continue;
            }
            let mut value = argument[inside..].to_vec();
            let next_is_flag = arguments.get(at).is_none_or(|next| next.starts_with(b"-"));
            let may_stand_alone = letter == b'd' || (b"CQq".contains(&letter) && next_is_flag);
            if value.is_empty() && !may_stand_alone {
                value = arguments.get(at)?.clone();
                at += 1;
            }
            inside = argument.len();
            flags.push((letter, value));
        }
    }
    Some((flags, Vec::new()))
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "-[ABbCcDdeFfGhiLMmnOopQRrsTtUVvXx]{1,3}".prop_map(String::into_bytes),
        2 => "-[fFrO]( |=|[a-z@<>]){0,4}".prop_map(String::into_bytes),
        1 => "-[NRVb](never|full|m|x)".prop_map(String::into_bytes),
        2 => "[a-z]{1,3}@x".prop_map(String::into_bytes),
        1 => prop::sample::select(vec!["--", "-", "", "-oi", "-oem", "-bm", "-q", "--x"]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(1..=255u8, 0..5),
    ]
}

proptest! {
    #[test]
    fn reading_agrees_with_getopt(arguments in prop::collection::vec(argument(), 0..8)) {
        let asks_for_text = arguments.first().is_some_and(|first| first == b"--help" || first == b"--version");
        prop_assume!(!asks_for_text);
        let read = read("sendmail".into(), arguments.iter().cloned().map(OsString::from_vec).collect());
        match read {
            Ok(Invocation::Submit(submit)) => {
                let (flags, operands) = model(&arguments).expect("getopt finds a mistake");
                prop_assert_eq!(&submit.operands, &operands);
                let last = |letters: &[u8]| flags.iter().rev().find(|flag| letters.contains(&flag.0)).map(|flag| flag.1.clone());
                prop_assert_eq!(submit.value(FlagValue::Sender).map(<[u8]>::to_vec), last(b"fr"));
                prop_assert_eq!(submit.value(FlagValue::FullName).map(<[u8]>::to_vec), last(b"F"));
                prop_assert_eq!(submit.header_recipients == HeaderRecipients::Taken, last(b"t").is_some());
            }
            Ok(
                Invocation::RunQueue
                | Invocation::CheckAliases
                | Invocation::PrintQueue
                | Invocation::SmtpOnStdio(_)
                | Invocation::Verify(_),
            ) => {
                let (flags, _) = model(&arguments).expect("getopt finds a mistake");
                prop_assert!(flags.iter().any(|flag| b"qIb".contains(&flag.0)));
            }
            Ok(other) => prop_assert!(false, "{other:?}"),
            Err(Refusal { failure: Failure { cause: Cause::UnknownOption | Cause::MissingValue, .. }, .. }) => {
                prop_assert_eq!(model(&arguments), None);
            }
            Err(refusal) => prop_assert!([Cause::BadValue, Cause::RefusedMode].contains(&refusal.failure.cause)),
        }
    }

    #[test]
    fn what_follows_the_first_operand_is_an_operand(
        first in "[a-z]{1,4}",
        rest in prop::collection::vec(argument(), 0..6),
    ) {
        let mut arguments = vec![OsString::from("-ti"), OsString::from(&first)];
        arguments.extend(rest.iter().cloned().map(OsString::from_vec));
        let Ok(Invocation::Submit(submit)) = read("sendmail".into(), arguments) else { panic!() };
        prop_assert_eq!(&submit.operands[0], first.as_bytes());
        prop_assert_eq!(&submit.operands[1..], &rest[..]);
    }

    #[test]
    fn the_tool_never_panics(arguments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..5)) {
        let _ = read("outlook-sendmail".into(), arguments.into_iter().map(OsString::from_vec).collect());
    }
}
