//! Awkward lists and what they mean.

use super::*;

/// How a list was read, on one line: `name <address>`, groups as `name: ...;`, ` | ` between entries.
fn shown(octets: &[u8]) -> String {
    let mailbox = |mailbox: &Mailbox| {
        let display = String::from_utf8_lossy(&mailbox.display).into_owned();
        if display.is_empty() { mailbox.address.to_wire() } else { format!("{display} <{}>", mailbox.address) }
    };
    match parse_list(octets) {
        Err(AddressFault::Control(_)) => "CONTROL".to_owned(),
        Err(AddressFault::Syntax(_)) => "SYNTAX".to_owned(),
        Ok(entries) => entries
            .iter()
            .map(|entry| match entry {
                Entry::Mailbox(one) => mailbox(one),
                Entry::Group { display, members } => format!(
                    "{}: {};",
                    String::from_utf8_lossy(display),
                    members.iter().map(mailbox).collect::<Vec<_>>().join(", ")
                ),
            })
            .collect::<Vec<_>>()
            .join(" | "),
    }
}

const AWKWARD: &[(&[u8], &str)] = &[
    // Plain.
    (b"", ""),
    (b" \t ", ""),
    (b"a@x", "a@x"),
    (b"root", "root"),
    (b"root, www-data", "root | www-data"),
    (b"DOMAIN\\user <a@x>", "DOMAIN\\user <a@x>"),
    (b"a@b <c@d>", "a@b <c@d>"),
    (b"'a@b' <a@b>", "'a@b' <a@b>"),
    (b"a@x,b@x;c@x ; d@x", "a@x | b@x | c@x | d@x"),
    (b"a,, b", "a | b"),
    (b",,a@x,, ,", "a@x"),
    // RFC 5322 appendices A.1.2, A.1.3, A.5, A.6.
    (b"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public <john.q.public@example.com>"),
    (
        b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
        "Mary Smith <mary@x.test> | jdoe@example.org | Who? <one@y.test>",
    ),
    (
        b"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
        "boss@nil.test | Giant; \"Big\" Box <sysservices@example.net>",
    ),
    (
        b"A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
        "A Group: Ed Jones <joe@where.test>, joe@where.test, John <jdoe@one.test>;",
    ),
    (b"Undisclosed recipients:;", "Undisclosed recipients: ;"),
    (b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete <pete@silly.test>"),
    (
        b"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  \
          John <jdoe@one.test> (my dear friend); (the end of the group)",
        "A Group: Chris Jones <c@public.example>, joe@example.org, John <jdoe@one.test>;",
    ),
    (b"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "Hidden recipients: ;"),
    (b"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public <john.q.public@example.com>"),
    (
        b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
        "Mary Smith <mary@example.net> | jdoe@test.example",
    ),
    // Groups.
    (b"Hidden recipients:(comment);", "Hidden recipients: ;"),
    (b"undisclosed-recipients:;", "undisclosed-recipients: ;"),
    (b"G: a@x, \"Q, R\" <q@x>;, b@x", "G: a@x, Q, R <q@x>; | b@x"),
    (b"G: a@x; b@x", "G: a@x; | b@x"),
    (b"G: a@x;; H: ;", "G: a@x; | H: ;"),
    (b"G: a@x, b@x", "G: a@x, b@x;"),
    (b"\"A: B\": a@x;", "A: B: a@x;"),
    (b"G: H: a@x;;", "SYNTAX"),
    (b": a@x;", "SYNTAX"),
    (b"a@x: b@x;", "SYNTAX"),
    // Quoting.
    (b"\"quoted local\"@example.com", "\"quoted local\"@example.com"),
    (b"\"a\\\"b\"@x", "\"a\\\"b\"@x"),
    (b"\"a@b\"@x", "\"a@b\"@x"),
    (b"\"a\".\"b\"@x", "a.b@x"),
    (b"\"john.doe\"@x", "john.doe@x"),
    (b"\"a@x\"", "SYNTAX"),
    (b"<\"a@x\">", "SYNTAX"),
    (b"\"\"@x", "SYNTAX"),
    (b"\"\" <a@x>", "a@x"),
    (b"\"a\"b@x", "SYNTAX"),
    (b"\"a, b <c@d>\" <e@f>", "a, b <c@d> <e@f>"),
    (b"\"folded\r\n name\" <a@x>", "folded name <a@x>"),
    // Comments.
    (b"root (Cron Daemon)", "Cron Daemon <root>"),
    (b"\"(Cron Daemon)\" <root>", "(Cron Daemon) <root>"),
    (b"a@x (one (nested \\( pair) two)", "one (nested ( pair) two <a@x>"),
    (b"(a@x) b@x", "b@x"),
    (b"a@x (, b@x), c@x", ", b@x <a@x> | c@x"),
    (b"<a@x> (A) <b@x> (B)", "A <a@x> | B <b@x>"),
    (b"(only a comment)", ""),
    // Missing commas.
    (b"<a@x> <b@x>", "a@x | b@x"),
    (b"<a@x><b@x>", "a@x | b@x"),
    (b"a@x b@x", "a@x | b@x"),
    (b"a@x\r\n b@x", "a@x | b@x"),
    (b"John <a@x> Mary <b@x>", "John <a@x> | Mary <b@x>"),
    (b"<a@x> b@x", "a@x | b@x"),
    (b"<a@x> b@x <c@x>", "SYNTAX"),
    (b"a@x b@x <c@x>", "SYNTAX"),
    (b"John Smith john@x.org", "SYNTAX"),
    (b"john@x.org John Smith", "SYNTAX"),
    (b"<a@x> John", "SYNTAX"),
    (b"root alice", "SYNTAX"),
    (b"Dr. Who", "SYNTAX"),
    (b"John Smith <john@x.org", "SYNTAX"),
    // Obsolete white space and routes.
    (b"john @ example . com", "john@example.com"),
    (b"john . doe@example.com", "john.doe@example.com"),
    (b"<@a,@b:c@d>", "c@d"),
    (b"X <@a.b:c@d>, e@f", "X <c@d> | e@f"),
    (b"<@a>", "SYNTAX"),
    (b"<@a:>", "SYNTAX"),
    // Literals and domains.
    (b"user@[IPv6:::1], b@x", "user@[IPv6:::1] | b@x"),
    (b"user@[192.0.2.1]", "user@[192.0.2.1]"),
    (b"user@[x", "SYNTAX"),
    (b"user@[nonsense]", "SYNTAX"),
    (b"x@example.com.", "x@example.com"),
    (b"<x@example.com.>", "x@example.com"),
    (b"user@", "SYNTAX"),
    (b"<root@>", "SYNTAX"),
    (b"@x", "SYNTAX"),
    (b"a@.x", "SYNTAX"),
    (b"a@x..y", "SYNTAX"),
    (b"a@b@c", "SYNTAX"),
    (b"a@x y", "SYNTAX"),
    (b"a@-x", "SYNTAX"),
    ("a@b\u{fc}cher.example".as_bytes(), "a@xn--bcher-kva.example"),
    (b"a@b\xfccher.example", "SYNTAX"),
    // Local parts.
    (b"a..b@docomo.ne.jp", "\"a..b\"@docomo.ne.jp"),
    (b".a.@x", "\".a.\"@x"),
    (b".", "SYNTAX"),
    (b"o'brien+tag=x@x", "o'brien+tag=x@x"),
    ("j\u{f6}rg@x".as_bytes(), "j\u{f6}rg@x"),
    (b"j\xf6rg@x", "SYNTAX"),
    (b"a\\b@x", "SYNTAX"),
    (b"<>", "SYNTAX"),
    (b"a@x, <>", "SYNTAX"),
    (b"<a@x, b@x>", "SYNTAX"),
    (b"<a b@x>", "SYNTAX"),
    (b"<<a@x>>", "SYNTAX"),
    (b"a@x>", "SYNTAX"),
    (b"a@x)", "SYNTAX"),
    (b"\"a@x", "SYNTAX"),
    (b"a@x (b", "SYNTAX"),
    (b"\"a\\", "SYNTAX"),
    // Names.
    (b"J\xf6rg <a@x>", "J\u{fffd}rg <a@x>"),
    ("J\u{f6}rg M <a@x>".as_bytes(), "J\u{f6}rg M <a@x>"),
    (b"[Ext] John Q. <a@x>", "[Ext] John Q. <a@x>"),
    (b"[Ext: IT] John <a@x>", "[Ext: IT] John <a@x>"),
    (b"John [work <a@x>, Jane] <b@x>", "John [work <a@x> | Jane] <b@x>"),
    (b"\x83A\x81[\x83\x5c <a@x>", "\u{fffd}A\u{fffd}[\u{fffd}\\ <a@x>"),
    (b"[x@y", "SYNTAX"),
    (b"mailto:a@x", "mailto: a@x;"),
    // Encoded words are names, whatever they decode to.
    (b"=?utf-8?Q?evil=40x.org?= <a@x>", "=?utf-8?Q?evil=40x.org?= <a@x>"),
    (b"=?utf-8?Q?=3Cevil=40x=3E=2C?= <a@x>", "=?utf-8?Q?=3Cevil=40x=3E=2C?= <a@x>"),
    (b"=?utf-8?B?ZXZpbEB4Lm9yZw==?=", "SYNTAX"),
    (b"=?utf-8?Q?Smith=2C_J?= =?utf-8?Q?=3Ca=40b=3E?=", "SYNTAX"),
    (b"=?utf-8?Q?Smith,_J?= <a@x>", "=?utf-8?Q?Smith,_J?= <a@x>"),
    (b"=?utf-8?Q?a<b@c>,(d:;\"?= <a@x>, b@x", "=?utf-8?Q?a<b@c>,(d:;\"?= <a@x> | b@x"),
    (b"J. =?utf-8?Q?=C3=BC?=, a@x", "SYNTAX"),
    // What nobody sees.
    ("\u{feff}a@x\u{200b}, <\u{200e}b@x\u{a0}>\u{3000}".as_bytes(), "a@x | b@x"),
    ("a@x,\u{200b},\u{a0} b@x".as_bytes(), "a@x | b@x"),
    ("a@x\u{a0}b@x".as_bytes(), "a@x | b@x"),
    ("a@x\u{200b}b@x".as_bytes(), "SYNTAX"),
    ("a\u{200b}b@x".as_bytes(), "SYNTAX"),
    ("a\u{ad}@x".as_bytes(), "SYNTAX"),
    ("a@\u{2066}x".as_bytes(), "SYNTAX"),
    ("a@x\u{200d}.org".as_bytes(), "SYNTAX"),
    ("a@\u{200b}[192.0.2.1]".as_bytes(), "SYNTAX"),
    ("a\u{a0}@x".as_bytes(), "SYNTAX"),
    ("\"a\u{a0}b\"@x".as_bytes(), "SYNTAX"),
    ("\u{200b}".as_bytes(), ""),
    ("\u{200b}<a@x>".as_bytes(), "a@x"),
    ("A\u{a0}B \u{2764}\u{fe0f} <a@x>".as_bytes(), "A\u{a0}B \u{2764}\u{fe0f} <a@x>"),
    (b"a@x,\x0c b@x\x0b", "a@x | b@x"),
    // Links and single quotes.
    (b"<mailto:a@x>, B <MAILTO:b@x>", "a@x | B <b@x>"),
    (b"<mailto:a%40b@x>", "SYNTAX"),
    (b"'a@x', '<b@x>'", "SYNTAX"),
    (b"'a@x.org', o'b@x", "a@x.org | o'b@x"),
    (b"'@x'", "SYNTAX"),
    (b"=?utf-8?Q?a?=@x.org", "SYNTAX"),
    // Control characters.
    (b"a@x\r\nb@x", "CONTROL"),
    (b"a@x\r\n", "CONTROL"),
    (b"a@x,\n b@x", "a@x | b@x"),
    (b"a@x,\r b@x", "CONTROL"),
    (b"a\0@x", "CONTROL"),
    (b"\"a\0b\" <a@x>", "CONTROL"),
    (b"\"a\\\r\nb\" <a@x>", "CONTROL"),
    (b"a\x01@x", "CONTROL"),
    (b"\"a\x7f\"@x", "CONTROL"),
    (b"a@x\x07", "CONTROL"),
    (b"a@x>\r\n DATA", "SYNTAX"),
];

#[test]
fn awkward_lists() {
    let wrong: Vec<String> = AWKWARD
        .iter()
        .filter(|(input, expected)| shown(input) != *expected)
        .map(|(input, expected)| {
            format!("{:?}\n  read as  {}\n  expected {expected}", String::from_utf8_lossy(input), shown(input))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn lengths() {
    assert_eq!(shown(format!("{}@x", "a".repeat(900)).as_bytes()).len(), 902);
    assert_eq!(shown(format!("{}@x", "a".repeat(901)).as_bytes()), "SYNTAX");
    assert_eq!(shown(format!("a@{}", "b".repeat(64)).as_bytes()), "SYNTAX");
    assert_eq!(shown(format!("a@{}", "b.".repeat(130)).as_bytes()), "SYNTAX");
}

#[test]
fn what_is_read_can_be_written() {
    for (input, _) in AWKWARD {
        let Ok(list) = parse_list(input) else { continue };
        let written = render_list(&list, "iso-8859-1");
        let addresses =
            |list: &[Entry]| list.iter().flat_map(Entry::mailboxes).map(|one| one.address.clone()).collect();
        let again: Vec<AddrSpec> = addresses(&parse_list(&written).unwrap());
        assert_eq!(again, addresses(&list), "{}", String::from_utf8_lossy(&written));
        let headings = |list: &[Entry]| list.iter().map(std::mem::discriminant).collect::<Vec<_>>();
        assert_eq!(headings(&parse_list(&written).unwrap()), headings(&list));
    }
}

#[test]
fn an_operand_is_one_line() {
    assert!(matches!(parse_operand(b"a@x\r\n RCPT TO:<b@x>"), Err(AddressFault::Control(_))));
    assert!(matches!(parse_operand(b"a@x,\n b@x"), Err(AddressFault::Control(_))));
    assert_eq!(parse_operand(b"k@x,\"Doe, J\" <l@x>").unwrap().len(), 2);
}

#[test]
fn marks_around_an_operand_are_read_through() {
    for operand in
        ["\"a@x.org\"", "'a@x.org'", " '\"a@x.org\"' ", "<mailto:a@x.org>", "\"Me <a@x.org>\"", "\"<a@x.org>\""]
    {
        let read = parse_operand(operand.as_bytes()).unwrap();
        let [Entry::Mailbox(only)] = read.as_slice() else { panic!("{operand}") };
        assert_eq!(only.address.to_wire(), "a@x.org", "{operand}");
    }
    assert_eq!(parse_operand(b"\"a@x, b@x\"").unwrap().len(), 2);
    assert!(parse_operand(b"\"a@x\", b").is_err());
}

#[test]
fn the_only_address_of_a_text_is_found() {
    for (text, found) in [
        ("Dr. Who who@x.org", Some("who@x.org")),
        ("who@x.org (Who <Who@X.org>", Some("who@x.org")),
        ("A [B <a@x.org", Some("a@x.org")),
        ("a@x.org b@x.org (", None),
        ("systemd <root@>", None),
        ("a@x.org root@", None),
        ("nobody", None),
    ] {
        assert_eq!(only_address(text.as_bytes()).map(|address| address.to_wire()).as_deref(), found, "{text}");
    }
}

#[test]
fn what_everybody_reads_alike() {
    let form = |text: &str| read_list(text.as_bytes()).unwrap().form;
    for strict in [
        "a@x",
        "A B <a@x>, \"C, D\" <c.d@x.org>,\r\n e@[192.0.2.1]",
        "A (c) <a@x> (d), b@x (e)",
        "G:;, H: a@x, B <b@x>;",
        "=?utf-8?Q?J=C3=B6rg?= Doe =?utf-8?Q?x?= <a@x>",
        "\"a b\"@x",
        "user@[IPv6:::1]",
    ] {
        assert_eq!(form(strict), Form::Strict, "{strict}");
    }
    for loose in [
        "",
        "root",
        "a@x b@x",
        "a@x; b@x",
        "a@x,",
        "a@x,, b@x",
        "<a@x> <b@x>",
        "a@x.",
        "a@b <c@d>",
        "[X] A <a@x>",
        "A Q. B <a@x>",
        "D\\u <a@x>",
        "G: a@x",
        "G: a@x; b@x",
        "G: , a@x;",
        "a..b@x",
        "a . b@x",
        "<@r:a@x>",
        "\"a\".b@x",
        "a@[::1]",
        "<mailto:a@x>",
        "'a@x.org'",
        "\"=?utf-8?Q?x?=\" <a@x>",
        "=?utf-8?Q?a,b?= <a@x>",
        "=?utf-8?Q?a?=b <a@x>",
        "\"x\"=?utf-8?Q?a?= <a@x>",
        "=?utf-8?Q?a <a@x>",
        "J\u{f6}rg <a@x>",
        "a@x\u{a0}",
    ] {
        assert_eq!(form(loose), Form::Loose, "{loose}");
    }
    for (input, _) in AWKWARD {
        let Ok(entries) = parse_list(input) else { continue };
        let written = render_list(&entries, "iso-8859-1");
        let named =
            entries.iter().any(|entry| matches!(entry, Entry::Group { .. }) || entry.mailboxes().next().is_some());
        let whole = entries.iter().flat_map(Entry::mailboxes).all(|one| one.address.domain.is_some());
        if named && whole && written.is_ascii() {
            assert_eq!(
                form(std::str::from_utf8(&written).unwrap()),
                Form::Strict,
                "{}",
                String::from_utf8_lossy(&written)
            );
        }
    }
}

#[test]
fn faults_show_what_nobody_sees() {
    for (list, point) in
        [("a\u{200b}b@x", "U+200B"), ("a@x\u{ad}y", "U+00AD"), ("a\u{7}@x", "U+0007"), ("\"\u{202e}\"@x", "U+202E")]
    {
        let (AddressFault::Syntax(words) | AddressFault::Control(words)) = parse_list(list.as_bytes()).unwrap_err();
        assert_eq!(words.whole().matches(point).count(), 2, "{}", words.whole());
    }
}

#[test]
fn senders() {
    type Sender = Result<Option<&'static str>, ()>;
    let cases: &[(&[u8], Sender)] = &[
        (b"", Ok(None)),
        (b"<>", Ok(None)),
        (b" < > ", Ok(None)),
        (b"a@b", Ok(Some("a@b"))),
        (b"<a@b>", Ok(Some("a@b"))),
        (b"Name <a@b>", Ok(Some("a@b"))),
        (b"www-data", Ok(Some("www-data"))),
        (b"a@b, c@d", Err(())),
        (b"a@b c@d", Err(())),
        (b"G: a@b;", Err(())),
        (b"a@x>\nDATA", Err(())),
        (b"\n", Err(())),
        (b"<\r\n>", Err(())),
        (b"Name <>", Err(())),
        (b",", Err(())),
    ];
    for (input, expected) in cases {
        let read = parse_sender(input).map(|sender| sender.map(|address| address.to_wire())).map_err(|_| ());
        assert_eq!(read, expected.map(|sender| sender.map(str::to_owned)), "{}", String::from_utf8_lossy(input));
    }
}

#[test]
fn faults_quote_the_item() {
    let Err(AddressFault::Syntax(words)) = parse_list(b"a@x, John Smith john@x.org, b@x") else { panic!() };
    assert_eq!(words.whole(), "\"John Smith john@x.org\": a comma is missing, or the < and > around the address");
    let Err(AddressFault::Syntax(words)) = parse_list(&b"a b ".repeat(50_000)) else { panic!() };
    assert!(words.whole().len() < 250);
}

#[test]
fn huge_lists_take_linear_time() {
    let started = std::time::Instant::now();
    let list = b"\"Some One\" <some.one@example.org>,\r\n ".repeat(20_000);
    assert_eq!(parse_list(&[list.as_slice(), b"b@x"].concat()).unwrap().len(), 20_001);
    for hostile in
        ["(", ")", "<", "\"", "[", "a@", "a ", "a@x ", "<a@x> ", "a.", "()", "(a)b@x ", "g:", "g:;", ",", "\\"]
    {
        let _ = parse_list(hostile.repeat(200_000 / hostile.len()).as_bytes());
    }
    let nested = format!("{}{} a@x", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(shown(nested.as_bytes()), "a@x");
    let comments = format!("a{}@x", "()".repeat(100_000));
    assert_eq!(shown(comments.as_bytes()), "a@x");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
