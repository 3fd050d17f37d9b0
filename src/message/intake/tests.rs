use std::io::{Cursor, Seek, SeekFrom, Write};

use proptest::prelude::*;

use super::*;
use crate::message::{Body, Content, Field, Stuffing};
use crate::world::memory_spool;

const LIMIT: u64 = 157_286_400;

fn read_as(input: &[u8], terminal: bool, dots: Dots) -> Message {
    Message::read(&mut &*input, terminal, dots, memory_spool(), LIMIT).unwrap()
}

fn octets(body: &mut Body) -> Vec<u8> {
    let mut all = Vec::new();
    let mut lines = body.lines().unwrap();
    while let Some(piece) = lines.next_piece().unwrap() {
        all.extend_from_slice(piece.octets);
    }
    all
}

/// Header as `name=value` with line ends shown as `|`, and the body.
fn shown(mut message: Message) -> (String, String) {
    let fields: Vec<String> = message
        .fields
        .iter()
        .map(|field| format!("{}={}", field.name, String::from_utf8_lossy(&field.value).replace("\r\n", "|")))
        .collect();
    let body = octets(&mut message.body);
    assert_eq!(message.body.content, Body::from_memory(body.clone()).content);
    (fields.join(";"), String::from_utf8_lossy(&body).replace("\r\n", "|"))
}

#[test]
fn every_shape_of_message() {
    let rows: &[(&[u8], &str, &str)] = &[
        (b"", "", ""),
        (b"\n", "", ""),
        (b"\n\n", "", "|"),
        (b"Subject: x", "Subject= x", ""),
        (b"Subject: x\n", "Subject= x", ""),
        (b"Subject: x\n\n", "Subject= x", ""),
        (b"Subject: x\n\nbody", "Subject= x", "body|"),
        (b"Subject: x\r\n\r\nbody\r\n", "Subject= x", "body|"),
        (b"Subject: x\r\n\r\nbody\n", "Subject= x", "body|"),
        (b"Subject: x\n\r\nbody\r\r\n", "Subject= x", "body|"),
        (b"Subject:x\r\r\n\r\r\nbody", "Subject=x", "body|"),
        (b"To: a,\n b,\r\n\tc\nCc:d\n\n", "To= a,| b,|\tc;Cc=d", ""),
        (b"Subject : x\n\n", "Subject= x", ""),
        (b"Subject\t: x\n\n", "Subject= x", ""),
        (b"From : x\n\n", "From= x", ""),
        (b"From a@b Mon Jan  1 00:00:00 2024\nTo: x\n\nb", "To= x", "b|"),
        (b">From a@b Mon Jan\nTo: x\n\nb", "To= x", "b|"),
        (b"From a\nFrom b\n>From c\nTo: x\n\nb", "To= x", "b|"),
        (b"To: x\nFrom a@b Mon\nCc: y\n", "To= x", "From a@b Mon|Cc: y|"),
        (b"\nTo: x\n", "", "To: x|"),
        (b"\r\nTo: x\n", "", "To: x|"),
        (b" To: x\n", "", " To: x|"),
        (b"no header at all\nmore: x\n", "", "no header at all|more: x|"),
        (b"Subject: zed\ntext without a blank line\nmore: x\n", "Subject= zed", "text without a blank line|more: x|"),
        (b": x\n\n", "", ": x||"),
        (b"na me: x\n\n", "", "na me: x||"),
        (b"n\xc3\xa4me: x\n\n", "", "n\u{e4}me: x||"),
        (b"Empty:\n\n", "Empty=", ""),
        (b"A: b\n \n\nx", "A= b| ", "x|"),
        (b"A: x\0y\rz\x1b\x7f\tq\n\n", "A= x\0y\rz\x1b \tq", ""),
        (b"A: \xc3\xa9\n\n", "A= \u{e9}", ""),
        (b"A: x\n\nb\0c\rd\n", "A= x", "b\0c\rd|"),
        (b"A: x\n\nlast\r", "A= x", "last|"),
        (b"A: x\n\n\n\n\nz\n\n", "A= x", "|||z||"),
    ];
    for (input, header, body) in rows {
        let shown = shown(read_as(input, false, Dots::Content));
        assert_eq!((shown.0.as_str(), shown.1.as_str()), (*header, *body), "{:?}", String::from_utf8_lossy(input));
    }
}

#[test]
fn dots_from_a_pipe() {
    use Stuffing::{Plain, Stuffed};
    // input, dots, body, offset of the first lone dot, stuffing, body in Sendmail's reading
    type Row = (&'static str, Dots, &'static str, Option<u64>, Stuffing, &'static str);
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("a|.|", Dots::Content, "a|.|", None, Plain, "a|.|"),
        ("a|..|.|b|", Dots::Content, "a|..|.|b|", None, Plain, "a|..|.|b|"),
        ("a|.|", Dots::LoneDotMayEnd, "a|", None, Plain, "a|"),
        ("a|.", Dots::LoneDotMayEnd, "a|", None, Plain, "a|"),
        (".", Dots::LoneDotMayEnd, "", None, Plain, ""),
        ("a|.|b|", Dots::LoneDotMayEnd, "a|.|b|", Some(3), Plain, "a|"),
        (".|b|", Dots::LoneDotMayEnd, ".|b|", Some(0), Plain, ""),
        ("a|.|b|.|", Dots::LoneDotMayEnd, "a|.|b|", Some(3), Plain, "a|"),
        (".|.|", Dots::LoneDotMayEnd, ".|", Some(0), Plain, ""),
        ("a|.||", Dots::LoneDotMayEnd, "a|.||", Some(3), Plain, "a|"),
        ("..a|b|", Dots::LoneDotMayEnd, "..a|b|", None, Plain, ".a|b|"),
        ("..a|.b|.|c|", Dots::LoneDotMayEnd, "..a|.b|.|c|", Some(9), Plain, ".a|.b|"),
        ("..a|b|", Dots::MayBeStuffed, ".a|b|", None, Stuffed, ".a|b|"),
        ("..|...|.|", Dots::MayBeStuffed, ".|..|", None, Stuffed, ".|..|"),
        ("..a|.b|", Dots::MayBeStuffed, "..a|.b|", None, Plain, ".a|.b|"),
        ("..a|.|b|", Dots::MayBeStuffed, "..a|.|b|", Some(5), Plain, ".a|"),
        ("a.|b|", Dots::MayBeStuffed, "a.|b|", None, Plain, "a.|b|"),
        (". |", Dots::MayBeStuffed, ". |", None, Plain, ". |"),
    ];
    for (input, dots, wanted, lone, stuffing, sendmails) in rows {
        for line_end in ["\n", "\r\n", "\r\r\n"] {
            let input = format!("{line_end}{}", input.replace('|', line_end));
            let mut body = read_as(input.as_bytes(), false, *dots).body;
            let text = |body: &mut Body| String::from_utf8(octets(body)).unwrap().replace("\r\n", "|");
            assert_eq!(
                (text(&mut body).as_str(), body.first_lone_dot, body.stuffing),
                (*wanted, *lone, *stuffing),
                "{input:?}"
            );
            body.end_at_lone_dot();
            assert_eq!(text(&mut body), *sendmails, "{input:?}");
        }
    }
}

#[test]
fn content_up_to_a_lone_dot_is_remembered() {
    let mut body = read_as("\nshort\n.\né\0 a much longer line\n".as_bytes(), false, Dots::LoneDotMayEnd).body;
    assert!(body.content.eight_bit && body.content.control);
    body.end_at_lone_dot();
    assert_eq!(body.content, Content { utf8: true, longest_line: 5, lines: 1, ..Content::default() });
}

/// Gives one line at a time, like a terminal, and panics when asked for more than there is.
struct Typed(Vec<&'static [u8]>);

impl Read for Typed {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let line = self.0.remove(0);
        room[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }
}

#[test]
fn a_lone_dot_typed_ends_the_message_at_once() {
    for lines in
        [vec![&b"Subject: x\n"[..], b"\n", b"text\n", b".\n"], vec![&b"Subject: x\n"[..], b".\n"], vec![b".\n"]]
    {
        let mut typed = Typed(lines);
        let message = Message::read(&mut typed, true, Dots::LoneDotMayEnd, memory_spool(), LIMIT).unwrap();
        assert!(typed.0.is_empty());
        assert_eq!(message.body.first_lone_dot, None);
    }
    let mut typed = Typed(vec![b"\n", b".\n", b"more\n", b""]);
    let mut message = Message::read(&mut typed, true, Dots::Content, memory_spool(), LIMIT).unwrap();
    assert_eq!(octets(&mut message.body), b".\r\nmore\r\n");
}

#[test]
fn a_line_may_be_long_in_header_and_body() {
    for length in [65_530, 65_535, 65_536, 65_537, 200_000] {
        let long = "x".repeat(length);
        let input = format!("A: {long}\r\nB: y\n {long}\n\n{long}\r\nend");
        let mut message = read_as(input.as_bytes(), false, Dots::MayBeStuffed);
        assert_eq!(message.fields[0].value.len(), length + 1);
        assert_eq!(message.fields[1].value.len(), length + 5);
        assert_eq!(octets(&mut message.body), format!("{long}\r\nend\r\n").as_bytes());
        assert_eq!(message.body.content.longest_line, length as u64);
        // A long first line is a field only when its name is short enough to be one.
        let message = read_as(format!("{long}: y\n\n").as_bytes(), false, Dots::Content);
        assert_eq!((message.fields.len(), message.body.content.lines), (0, 2));
    }
}

#[test]
fn a_header_has_bounds() {
    let fault = |input: &[u8]| {
        Message::read(&mut &*input, false, Dots::Content, memory_spool(), LIMIT).map(|_| ()).unwrap_err()
    };
    assert_eq!(fault("A: b\n".repeat(10_001).as_bytes()), IntakeFault::HeaderTooLarge);
    assert_eq!(fault(format!("A: {}\n", "x".repeat(2 * 1024 * 1024)).as_bytes()), IntakeFault::HeaderTooLarge);
    assert_eq!(fault(format!("A:\n{}", " x\n".repeat(600_000)).as_bytes()), IntakeFault::HeaderTooLarge);
    assert_eq!(read_as("A: b\n".repeat(10_000).as_bytes(), false, Dots::Content).fields.len(), 10_000);
}

/// A spool that takes nothing.
struct Full;

impl Read for Full {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}
impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Seek for Full {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn whatever_goes_wrong_standard_input_is_read_to_its_end() {
    let body = format!("A: b\n\n{}", "x\n".repeat(200_000));
    let mut input = Cursor::new(body.as_bytes());
    let fault = Message::read(&mut input, false, Dots::Content, Box::new(Full), LIMIT).map(|_| ()).unwrap_err();
    assert!(matches!(fault, IntakeFault::Spool(_)));
    assert_eq!(input.position(), 400_006);

    let mut input = Cursor::new(body.as_bytes());
    let fault = Message::read(&mut input, false, Dots::Content, memory_spool(), 100_000).map(|_| ()).unwrap_err();
    assert_eq!(fault, IntakeFault::TooLarge(400_006));
    assert!(Message::read(&mut body.as_bytes(), false, Dots::Content, memory_spool(), 400_006).is_ok());
    assert!(Message::read(&mut body.as_bytes(), false, Dots::Content, memory_spool(), 400_005).is_err());

    let mut input = Cursor::new("A: b\n".repeat(50_000));
    assert!(Message::read(&mut input, false, Dots::Content, memory_spool(), LIMIT).is_err());
    assert_eq!(input.position(), 250_000);
}

#[test]
fn a_read_error_is_not_an_end() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let mut input = b"A: b\n\ntext\n".chain(Broken);
    let fault = Message::read(&mut input, false, Dots::Content, memory_spool(), LIMIT).map(|_| ()).unwrap_err();
    assert!(matches!(fault, IntakeFault::Unreadable(_)));
}

/// Gives its octets in portions of the given sizes, over and over.
struct Portions<'a> {
    octets: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl Read for Portions<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().unwrap().min(room.len()).min(self.octets.len());
        let (now, later) = self.octets.split_at(size);
        room[..size].copy_from_slice(now);
        self.octets = later;
        Ok(size)
    }
}

fn segment() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"\n",
        b"\n",
        b"\r\n",
        b"\r\n",
        b"\r\r\n",
        b"\n.\n",
        b"\n..",
        b"\n.",
        b".",
        b"..",
        b"a",
        b"\r",
        b"\0",
        b"\xff",
        "é".as_bytes(),
        "😀".as_bytes(),
        b"twenty octets of text",
        b"A: b",
    ];
    prop_oneof![
        8 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => (1..300usize).prop_map(|length| vec![b'x'; length]),
        1 => any::<u8>().prop_map(|octet| vec![octet]),
    ]
}

/// The lines of a text, as anybody would write it down.
fn lines_of(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = text.split(|&octet| octet == b'\n').map(<[u8]>::to_vec).collect();
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    for line in &mut lines {
        while line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    lines
}

proptest! {
    #[test]
    fn a_body_is_its_lines_however_it_arrives(
        segments in prop::collection::vec(segment(), 0..60),
        sizes in prop::collection::vec(1..90usize, 1..6),
        buffer in 70..200usize,
        dots in prop::sample::select(vec![Dots::Content, Dots::LoneDotMayEnd, Dots::MayBeStuffed]),
        terminal: bool,
    ) {
        let text = segments.concat();
        let mut lines = lines_of(&text);
        let is_dot = |line: &Vec<u8>| line == b".";
        if dots != Dots::Content {
            if terminal {
                let end = lines.iter().position(is_dot).unwrap_or(lines.len());
                lines.truncate(end);
            } else if lines.last().is_some_and(is_dot) {
                lines.pop();
            }
        }
        let join = |lines: &[Vec<u8>]| lines.iter().flat_map(|line| [line, &b"\r\n"[..]].concat()).collect::<Vec<u8>>();
        let body = join(&lines);

        let input = [b"\n", &text[..]].concat();
        let mut portions = Portions { octets: &input, sizes: sizes.into_iter().cycle() };
        let source = Source::new(&mut portions, buffer);
        let mut message = read_through(source, terminal, dots, memory_spool(), LIMIT).unwrap();

        let dotted: Vec<&Vec<u8>> = lines.iter().filter(|line| line.starts_with(b".")).collect();
        let stuffed = dots == Dots::MayBeStuffed && !dotted.is_empty() && dotted.iter().all(|line| line.starts_with(b".."));
        prop_assert_eq!(message.body.stuffing == Stuffing::Stuffed, stuffed);
        let lone = if dots == Dots::Content { None } else { lines.iter().position(is_dot) };
        prop_assert_eq!(message.body.first_lone_dot, lone.map(|line| join(&lines[..line]).len() as u64));
        prop_assert_eq!(message.body.content, Body::from_memory(body.clone()).content);
        prop_assert_eq!(message.body.length, body.len() as u64);
        message.body.stuffing = Stuffing::Plain;
        prop_assert_eq!(octets(&mut message.body), body);

        message.body.end_at_lone_dot();
        message.body.stuffing = Stuffing::Plain;
        let kept = join(&lines[..lone.unwrap_or(lines.len())]);
        prop_assert_eq!(message.body.content, Body::from_memory(kept.clone()).content);
        prop_assert_eq!(octets(&mut message.body), kept);
    }

    #[test]
    fn any_octets_are_a_message(
        segments in prop::collection::vec(segment(), 0..60),
        sizes in prop::collection::vec(1..90usize, 1..6),
    ) {
        let text = segments.concat();
        let mut portions = Portions { octets: &text, sizes: sizes.into_iter().cycle() };
        let message = Message::read(&mut portions, false, Dots::Content, memory_spool(), LIMIT).unwrap();
        let whole = read_as(&text, false, Dots::Content);
        prop_assert_eq!(&message.fields, &whole.fields);
        prop_assert_eq!(message.body.content, whole.body.content);
        // Written out and read again it is the same message.
        let mut written: Vec<u8> = Vec::new();
        for field in &whole.fields {
            written.extend([field.name.as_bytes(), b":", &field.value, b"\r\n"].concat());
        }
        written.extend_from_slice(b"\r\n");
        let mut body = whole.body;
        written.extend(octets(&mut body));
        let mut again = read_as(&written, false, Dots::Content);
        let text_of = |fields: &[Field]| fields.iter().map(|field| (field.name.clone(), field.value.clone())).collect::<Vec<_>>();
        prop_assert_eq!(text_of(&again.fields), text_of(&message.fields));
        prop_assert_eq!(octets(&mut again.body), octets(&mut body));
    }
}
