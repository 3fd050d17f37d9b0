//! Rules one by one, and for any MIME tree: fit for the wire, read the same, stable when converted again.

use std::io::{self, Read, Seek, SeekFrom};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::entity::{Encoding, EntityKind, Facts};
use super::repair::is_plainly_not_base64;
use super::visitor::Charsets;
use super::walk::{End, Open, Visitor, walk};
use super::{Conversion, PlanFault};
use crate::envelope::Transfer;
use crate::envelope::field_writer::write_field;
use crate::message::{Body, Content, Field, Piece, Stuffing};

/// Fields of a header written with LF, each line end.
fn fields(header: &str) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for line in header.lines() {
        if line.starts_with([' ', '\t']) {
            fields.last_mut().unwrap().value.extend(format!("\r\n{line}").bytes());
        } else {
            let (name, value) = line.split_once(':').unwrap();
            fields.push(Field::new(name, value));
        }
    }
    fields
}

fn crlf(text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        body.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        body.extend_from_slice(b"\r\n");
    }
    body
}

struct Outcome {
    fields: Vec<Field>,
    body: Vec<u8>,
    conversion: Conversion,
}

fn convert_fields(mut fields: Vec<Field>, body: &[u8]) -> Result<Outcome, PlanFault> {
    let mut body = Body::from_memory(body.to_vec());
    let conversion = Conversion::plan(&mut fields, &mut body)?;
    let mut written = Vec::new();
    conversion.write(&mut body, &mut written).unwrap();
    assert_eq!(conversion.length(&mut body).unwrap(), written.len() as u64);
    Ok(Outcome { fields, body: written, conversion })
}

fn convert(header: &str, body: &[u8]) -> Outcome {
    convert_fields(fields(header), &crlf(body)).unwrap()
}

fn header_of(outcome: &Outcome) -> String {
    outcome.fields.iter().map(|field| format!("{}:{}\n", field.name, String::from_utf8_lossy(&field.value))).collect()
}

fn body_of(outcome: &Outcome) -> String {
    String::from_utf8(outcome.body.clone()).unwrap().replace("\r\n", "\n")
}

fn refusal(header: &str, body: &[u8]) -> String {
    match convert_fields(fields(header), &crlf(body)) {
        Err(PlanFault::Protected(words)) => words.whole().to_owned(),
        Err(PlanFault::Spool(error)) => panic!("{error}"),
        Ok(outcome) => panic!("{}", String::from_utf8_lossy(&outcome.body)),
    }
}

/// What must hold of everything that leaves.
fn assert_fit(body: &[u8], eight_bit: bool) {
    assert!(eight_bit || body.is_ascii());
    assert!(!body.contains(&0));
    assert!(body.is_empty() || body.ends_with(b"\r\n"));
    for line in body.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\r\n").expect("CRLF");
        assert!(text.len() <= 998, "{}", text.len());
        assert!(!text.contains(&b'\r'));
    }
}

/// A leaf as a reader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    path: Vec<u32>,
    kind: &'static str,
    media: Option<String>,
    content: Vec<u8>,
}

/// Collects the leaves, decoded.
#[derive(Default)]
struct Reader {
    leaves: Vec<Seen>,
    encoding: Option<Encoding>,
    kind: Option<EntityKind>,
    media: Option<String>,
    raw: Vec<u8>,
    largest_piece: usize,
}

impl From<io::Error> for Never {
    fn from(error: io::Error) -> Self {
        panic!("{error}")
    }
}

#[derive(Debug)]
struct Never;

impl Visitor for Reader {
    type Fault = Never;
    fn field(&mut self, _: &[Open], _: usize, _: &[u8], _: Option<&[u8]>) -> Result<(), Never> {
        Ok(())
    }
    fn field_fragment(&mut self, _: Piece<'_>) -> Result<(), Never> {
        Ok(())
    }
    fn header_end(&mut self, _: usize, _: &Facts, _: bool) -> Result<(), Never> {
        Ok(())
    }
    fn opened(&mut self, open: &[Open], facts: &Facts) -> Result<(), Never> {
        self.encoding = facts.encoding;
        self.kind = open.last().map(|open| open.kind);
        // A part that had no type and needed one has the type it always had.
        self.media = Some(facts.media.clone().unwrap_or_else(|| "text/plain".to_owned()));
        self.raw.clear();
        Ok(())
    }
    fn content(&mut self, piece: Piece<'_>) -> Result<(), Never> {
        self.largest_piece = self.largest_piece.max(piece.octets.len());
        self.raw.extend_from_slice(piece.octets);
        Ok(())
    }
    fn margin(&mut self, _: Piece<'_>) -> Result<(), Never> {
        Ok(())
    }
    fn delimiter(&mut self, _: &[u8]) -> Result<(), Never> {
        Ok(())
    }
    fn closed(&mut self, open: &[Open], end: End) -> Result<(), Never> {
        let kind = match open.last().unwrap().kind {
            EntityKind::Multipart { .. } | EntityKind::Message => return Ok(()),
            EntityKind::Text | EntityKind::Binary => "leaf",
            EntityKind::Unencodable => "unencodable",
            EntityKind::Status(_) => "leaf",
            EntityKind::Protected => "protected",
            EntityKind::Fragment => "fragment",
            EntityKind::Beyond => "beyond",
        };
        let mut content = std::mem::take(&mut self.raw);
        match (self.kind, self.encoding) {
            (Some(EntityKind::Text | EntityKind::Binary), Some(Encoding::QuotedPrintable)) => {
                claim(&mut content, end);
                content = unquoted(&content);
            }
            (Some(EntityKind::Text | EntityKind::Binary), Some(Encoding::Base64))
                if !is_plainly_not_base64(head(&content)) =>
            {
                content.retain(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(octet));
                content = STANDARD.decode(&content).unwrap_or(content);
            }
            _ => claim(&mut content, end),
        }
        self.leaves.push(Seen {
            path: open.iter().filter_map(|open| open.number).collect(),
            kind,
            media: self.media.take(),
            content,
        });
        Ok(())
    }
}

fn head(content: &[u8]) -> &[u8] {
    content.get(..4096).unwrap_or(content)
}

fn claim(content: &mut Vec<u8>, end: End) {
    if end == End::Boundary && content.ends_with(b"\r\n") {
        content.truncate(content.len() - 2);
    }
}

/// A lenient quoted-printable decoder.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        let (mut rest, ended) = match line.strip_suffix(b"\r\n") {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        while let [before @ .., b' ' | b'\t'] = rest {
            rest = before;
        }
        let soft = rest.ends_with(b"=") && ended;
        if soft {
            rest = &rest[..rest.len() - 1];
        }
        let mut at = 0;
        while at < rest.len() {
            let escape = rest
                .get(at + 1..at + 3)
                .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
            match escape {
                Some(octet) if rest[at] == b'=' => {
                    decoded.push(octet);
                    at += 3;
                }
                _ => {
                    decoded.push(rest[at]);
                    at += 1;
                }
            }
        }
        if ended && !soft {
            decoded.extend_from_slice(b"\r\n");
        }
    }
    decoded
}

fn read(fields: &[Field], body: &[u8]) -> Vec<Seen> {
    let mut reader = Reader::default();
    let mut body = Body::from_memory(body.to_vec());
    walk(&Facts::of_message(fields), &Charsets::new(), &mut body.lines().unwrap(), &mut reader).unwrap();
    reader.leaves
}

/// Converts and checks everything that holds for any message.
fn check(before: Vec<Field>, body: &[u8]) -> Result<(), TestCaseError> {
    let Ok(outcome) = convert_fields(before.clone(), body) else { return Ok(()) };
    let eight_bit = outcome.conversion.transfer() == Transfer::EightBitMime;
    assert_fit(&outcome.body, eight_bit);
    let mut old = read(&before, body);
    let new = read(&outcome.fields, &outcome.body);
    for (old, new) in old.iter_mut().zip(&new) {
        // RFC 6533: the one type for UTF-8.
        if old.media.as_deref() == Some("message/delivery-status") && new.media.as_deref() != old.media.as_deref() {
            prop_assert_eq!(new.media.as_deref(), Some("message/global-delivery-status"));
            old.media.clone_from(&new.media);
        }
    }
    prop_assert_eq!(old.len(), new.len());
    for (old, new) in old.iter().zip(&new) {
        let message = || format!("{}\n{}", body.escape_ascii(), outcome.body.escape_ascii());
        prop_assert!(old == new, "{}", message());
    }
    let again = convert_fields(outcome.fields.clone(), &outcome.body).unwrap();
    prop_assert_eq!(&again.body, &outcome.body);
    prop_assert_eq!(&again.fields, &outcome.fields);
    prop_assert!(!again.conversion.changed());
    if !outcome.conversion.changed() {
        prop_assert_eq!(&outcome.body[..], body);
        prop_assert_eq!(outcome.fields, before);
    }
    Ok(())
}

#[test]
fn clean_content_is_not_touched() {
    let outcome = convert("Content-Transfer-Encoding: 8bit", b"hello\n");
    assert!(!outcome.conversion.changed());
    assert_eq!(header_of(&outcome), "Content-Transfer-Encoding: 8bit\n");
    assert_eq!(outcome.body, b"hello\r\n");
}

#[test]
fn binary_becomes_7bit_even_when_clean() {
    let outcome = convert("Content-Transfer-Encoding: binary", b"hello\n");
    assert_eq!(header_of(&outcome), "Content-Transfer-Encoding: 7bit\n");
    assert!(outcome.conversion.changed());
}

#[test]
fn text_without_mime_header_gets_one() {
    let long = [b"x".repeat(999), b"\n".to_vec()].concat();
    let table: [(&[u8], &str); 5] = [
        ("Grüße\n".as_bytes(), "utf-8"),
        (b"Gr\xfc\xdfe aus M\xfcnchen\n", "unknown-8bit"),
        (b"Gr\xc3\xbc\xc3\x9fe aus M\xc3\n", "utf-8"),
        (b"a\0b\n", "us-ascii"),
        (&long, "us-ascii"),
    ];
    for (body, charset) in table {
        let outcome = convert("Subject: x", body);
        assert_eq!(
            header_of(&outcome),
            format!(
                "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\n\
                 Content-Transfer-Encoding: quoted-printable\n"
            )
        );
        assert_fit(&outcome.body, false);
        assert_eq!(unquoted(&outcome.body), crlf(body));
    }
}

#[test]
fn charset_is_added_to_text_and_never_changed() {
    for (before, after) in [
        ("Content-Type: text/html", "Content-Type: text/html; charset=utf-8\n"),
        ("Content-Type: text/html;", "Content-Type: text/html; charset=utf-8\n"),
        ("Content-Type: text/plain; charset=us-ascii", "Content-Type: text/plain; charset=us-ascii\n"),
        ("Content-Type: text", "Content-Type: text\n"),
        ("Content-Type: text/plain\nContent-Type: text/html", "Content-Type: text/plain; charset=utf-8\n"),
    ] {
        let outcome = convert(&format!("MIME-Version: 1.0\n{before}"), "ü\n".repeat(3).as_bytes());
        let header = header_of(&outcome);
        assert!(header.starts_with(&format!("MIME-Version: 1.0\n{after}Content-Transfer")), "{header}");
    }
}

#[test]
fn quoted_printable_protects_what_transport_eats() {
    let body = "ü and a rather longer line of text\n.\nFrom me\n--x \na=b\ntrailing \n\ttab\n..\n\u{7f}\n";
    let outcome = convert("", body.as_bytes());
    assert_eq!(
        body_of(&outcome),
        "=C3=BC and a rather longer line of text\n=2E\n=46rom me\n=2D-x=20\na=3Db\ntrailing=20\n\ttab\n..\n=7F\n"
    );
}

#[test]
fn quoted_printable_lines_end_at_76_and_do_not_start_with_dot_from_or_dash() {
    let body = format!("{}.{}-{}From x\u{fc}\n", "a".repeat(75), "b".repeat(74), "c".repeat(74));
    let outcome = convert("", body.as_bytes());
    assert!(body_of(&outcome).lines().all(|line| line.len() <= 76), "{}", body_of(&outcome));
    assert!(!body_of(&outcome).lines().any(|line| line.starts_with(['.', '-', 'F'])), "{}", body_of(&outcome));
    assert_eq!(unquoted(&outcome.body), crlf(body.as_bytes()));
}

#[test]
fn mostly_non_ascii_text_becomes_base64() {
    let body = "密碼已更改\n".repeat(30);
    let outcome = convert("Content-Type: text/plain; charset=utf-8", body.as_bytes());
    assert!(header_of(&outcome).contains("Content-Transfer-Encoding: base64"));
    assert!(body_of(&outcome).lines().all(|line| line.len() <= 76));
    assert_eq!(STANDARD.decode(body_of(&outcome).replace('\n', "")).unwrap(), crlf(body.as_bytes()));
}

#[test]
fn other_leaves_become_base64() {
    let outcome = convert("Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: 8bit", b"\x80\n");
    assert!(header_of(&outcome).contains("Content-Transfer-Encoding: base64\n"));
    assert_eq!(outcome.body, b"gA0K\r\n");
}

#[test]
fn a_broken_encoding_is_repaired_in_place() {
    let long = format!("=C3=BC{}=\n ü=\0 == =4 =\u{fc}x\nok=20\n", "=41x".repeat(400));
    let header = "Content-Transfer-Encoding: quoted-printable";
    let outcome = convert(header, long.as_bytes());
    assert_fit(&outcome.body, false);
    assert_eq!(unquoted(&outcome.body), unquoted(&crlf(long.as_bytes())));
    assert_eq!(header_of(&outcome), "Content-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n");

    let line = STANDARD.encode(b"x".repeat(3000));
    let body = format!("{line}\nYWJj\u{fc}ZGVm\nYWJj\n");
    let outcome = convert("Content-Transfer-Encoding: BASE64", body.as_bytes());
    assert_fit(&outcome.body, false);
    let kept: String = body_of(&outcome).split_whitespace().collect();
    assert_eq!(kept, format!("{line}YWJjZGVmYWJj"));
    assert!(body_of(&outcome).lines().all(|line| line.len() <= 76));
}

#[test]
fn a_name_of_no_encoding_is_none_where_the_content_shows_it() {
    for label in ["x-uuencode", "utf-8", "ISO-8859-1", "8-bit text", "\"quoted\"", "x-yenc"] {
        let header = format!("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {label}");
        assert!(!convert(&header, b"M1\n").conversion.changed(), "{label}");
        for body in
            ["für uns alle, und noch mehr\n".to_owned(), "long ".repeat(300) + "\n", "a\0b and more\n".to_owned()]
        {
            let outcome = convert(&header, body.as_bytes());
            assert_fit(&outcome.body, false);
            assert!(header_of(&outcome).contains("Content-Transfer-Encoding: quoted-printable\n"), "{label}");
            assert_eq!(unquoted(&outcome.body), crlf(body.as_bytes()));
        }
    }
    let picture = convert("Content-Type: image/png\nContent-Transfer-Encoding: raw", b"\x80\n");
    assert!(header_of(&picture).contains("base64") && picture.body == b"gA0K\r\n");
    let attached =
        convert("Content-Type: message/rfc822\nContent-Transfer-Encoding: x", "Subject: ü\n\nx\n".as_bytes());
    assert!(body_of(&attached).starts_with("Subject: =?utf-8?B?w7w=?=\n"));
}

#[test]
fn text_that_is_plainly_no_base64_is_not_shredded() {
    let text = "Grüße aus Köln, und ein paar Worte mehr: heute ist Sonntag.\n".repeat(5);
    for media in ["text/plain; charset=utf-8", "message/rfc822", "application/x"] {
        let header = format!("Content-Type: {media}\nContent-Transfer-Encoding: base64");
        let outcome = convert(&header, text.as_bytes());
        let decoded = match header_of(&outcome).contains("quoted-printable") {
            true => unquoted(&outcome.body),
            false => STANDARD.decode(body_of(&outcome).replace('\n', "")).unwrap(),
        };
        assert_eq!(decoded, crlf(text.as_bytes()), "{media}");
    }
}

#[test]
fn a_page_says_its_charset_itself() {
    let page = b"<html><head><meta charset=\"windows-1251\"></head>\xcf\xf0\xe8\xe2\xe5\xf2 and more text</html>\n";
    assert!(header_of(&convert("Content-Type: text/html", page)).contains("text/html; charset=windows-1251\n"));
    assert!(header_of(&convert("Content-Type: text/html; charset=x", page)).contains("text/html; charset=x\n"));
    let starred = convert("Content-Type: text/plain; charset*=us-ascii''koi8-r", b"a longer text with \xcf\n");
    assert!(header_of(&starred).contains("text/plain; charset*=us-ascii''koi8-r\n"));
    let open = convert("Content-Type: text/plain; x=\"a", "ü and a longer text\n".as_bytes());
    assert!(header_of(&open).contains("text/plain; charset=utf-8; x=\"a\n"), "{}", header_of(&open));
}

const MIXED: &str =
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b b\"\nContent-Transfer-Encoding: 8bit";

#[test]
fn parts_are_converted_one_by_one() {
    let outcome = convert(
        MIXED,
        "Prämbel\n--b b  \n\nfür viele Leute\n--b b\nContent-Type: application/octet-stream;\n name=\"ü.bin\"\nContent-Disposition: attachment; filename=\"ü.bin\"; size=3\nContent-Description: für dich\nX-Odd: ä\nSubject2: ä\n\nü\n--b b\nContent-Type: text/html; charset=utf-8\n\nclean\n--b b--\nEpilög\n".as_bytes(),
    );
    assert_eq!(
        body_of(&outcome),
        "Prämbel\n--b b  \nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
         f=C3=BCr viele Leute\n--b b\nContent-Type: application/octet-stream; name*=utf-8''%C3%BC.bin\n\
         Content-Disposition: attachment; filename*=utf-8''%C3%BC.bin; size=3\n\
         Content-Description: =?utf-8?Q?f=C3=BCr?= dich\nX-Odd: =?utf-8?B?w6Q=?=\nSubject2: =?utf-8?B?w6Q=?=\n\
         Content-Transfer-Encoding: base64\n\nw7w=\n--b b\nContent-Type: text/html; charset=utf-8\n\nclean\n--b b--\nEpilög\n"
    );
    assert!(header_of(&outcome).ends_with("Content-Transfer-Encoding: 8bit\n"));
    let notes: Vec<String> = outcome.conversion.notes().iter().map(ToString::to_string).collect();
    assert_eq!(notes[0], "part 1 is sent as quoted-printable");
    assert!(notes.contains(&"part 2 is sent as base64".to_owned()));
}

#[test]
fn an_outer_boundary_ends_inner_multiparts() {
    let body = "--b b\nContent-Type: multipart/alternative; boundary=in\nContent-Transfer-Encoding: 8bit\n\n--in\n\nü und mehr davon\n--b b\n\nä und mehr davon\n";
    let outcome = convert(MIXED, body.as_bytes());
    let text = body_of(&outcome);
    assert!(
        text.contains(
            "boundary=in\nContent-Transfer-Encoding: 7bit\n\n--in\nContent-Type: text/plain; charset=utf-8\n"
        )
    );
    let paths: Vec<_> = read(&outcome.fields, &outcome.body).into_iter().map(|leaf| leaf.path).collect();
    assert_eq!(paths, [vec![1, 1], vec![2]]);
}

#[test]
fn a_multipart_without_boundary_goes_as_it_is() {
    for boundary in ["", "; boundary=\"\"", "; boundary"] {
        let header = format!("Content-Type: multipart/mixed{boundary}\nContent-Transfer-Encoding: 7bit");
        let outcome = convert(&header, "--x\n\nü\n--\u{fc}\n".as_bytes());
        assert_eq!(body_of(&outcome), "--x\n\nü\n--\u{fc}\n");
        assert_eq!(outcome.conversion.transfer(), Transfer::EightBitMime);
        assert!(header_of(&outcome).contains("Content-Transfer-Encoding: 8bit"));
        assert!(refusal(&header, b"--x\n\na\0b\n").contains("nothing may be encoded"));
    }
}

#[test]
fn boundaries_are_read_however_they_are_written() {
    let long = "x".repeat(500);
    for (parameter, line) in [
        ("boundary*=us-ascii''a%20b", "a b"),
        ("boundary*0=\"a \"; boundary*1=b", "a b"),
        ("boundary=a b", "a b"),
        ("boundary=a b", "a"),
        ("boundary=a (b)", "a"),
        ("Boundary = \"aB\"", "Ab"),
        ("boundary=\"a;b\"", "a;b"),
        (&format!("boundary={long}"), &long),
        ("boundary=\"\u{fc}\"", "\u{fc}"),
        ("name=\"ü\"; boundary=b", "b"),
    ] {
        let body = format!("--{line}\n\nä, ö und noch etwas mehr\n--{line}--\n");
        let outcome = convert(&format!("Content-Type: multipart/mixed; {parameter}"), body.as_bytes());
        let text = body_of(&outcome);
        let quoted = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A4, =C3=B6 und";
        assert!(text.starts_with(&format!("--{line}\n{quoted}")), "{parameter}: {text}");
    }
}

#[test]
fn what_is_between_parts_stays() {
    let outcome = convert(MIXED, "Prämbel\n--b b\n\nx\n--b b--\nEpilög\n".as_bytes());
    assert_eq!(body_of(&outcome), "Prämbel\n--b b\n\nx\n--b b--\nEpilög\n");
    assert_eq!(outcome.conversion.transfer(), Transfer::EightBitMime);
    assert!(!outcome.conversion.changed());
    let long = format!("{}\n--b b\n\nx\n--b b--\n", "y".repeat(1500));
    let broken = convert(MIXED, long.as_bytes());
    assert_fit(&broken.body, false);
    assert_eq!(body_of(&broken).replace("\n y", "y"), long);
    assert!(refusal(MIXED, b"a\0\n--b b\n\nx\n--b b--\n").contains("between whose parts"));
}

#[test]
fn attached_messages_are_written_as_the_message_itself() {
    let attached = |fields: &str, encoding: &[u8]| {
        let mut body = format!("--b b\nContent-Type: message/rfc822\n\n{fields}\n\nx\n--b b--\n").into_bytes();
        while let Some(at) = body.iter().position(|octet| *octet == b'#') {
            body.splice(at..=at, encoding.iter().copied());
        }
        convert(MIXED, &body)
    };
    let outcome = attached("Keywords: #\nUser-Agent: #\nFrom: # <a@b>\nX: =?utf-8?Q?#?=", "Größe".as_bytes());
    let word = "=?utf-8?B?R3LDtsOfZQ==?=";
    for field in ["Keywords", "User-Agent", "X"] {
        assert!(body_of(&outcome).contains(&format!("{field}: =?utf-8?")), "{}", body_of(&outcome));
    }
    assert!(body_of(&outcome).contains(&format!("X: {word}\n")));
    let declared = attached("Subject: #\nContent-Type: text/plain; charset = \"Shift_JIS\" (x)", b"\x83\x5c\x83\x5c");
    assert!(body_of(&declared).contains("Subject: =?shift_jis?"), "{}", body_of(&declared));
    let below = attached(
        "Subject: #\nContent-Type: multipart/mixed; boundary=in\n\n--in\nContent-Type: text/plain; charset=koi8-r",
        b"\xcf\xd4",
    );
    assert!(body_of(&below).contains("Subject: =?koi8-r?"), "{}", body_of(&below));
    let japanese = attached("Subject: #\nTo: # <a@b>", b"\x1b$B4A;z\x1b(B");
    assert_eq!(body_of(&japanese).matches("=?iso-2022-jp?B?GyRCNEE7ehsoQg==?=").count(), 2, "{}", body_of(&japanese));
    let raw = attached("Message-ID: <#@x>\nReceived: from \"#\" by y", "ü".as_bytes());
    assert!(body_of(&raw).contains("Message-ID: <ü@x>\nReceived: from \"ü\" by y\n"));
    assert_eq!(raw.conversion.transfer(), Transfer::EightBitMime);
    assert!(body_of(&raw).contains("message/rfc822\nContent-Transfer-Encoding: 8bit\n"), "{}", body_of(&raw));
}

#[test]
fn names_of_parts_are_in_the_charset_of_the_text_beside_them() {
    let body = b"--b b\nContent-Type: text/plain; charset=big5\n\nx\n--b b\nContent-Type: a/b; name=\"\xa5\x5c.txt\"\n\nx\n--b b--\n";
    let outcome = convert(MIXED, body);
    assert!(body_of(&outcome).contains("name*=big5''%A5%5C.txt\n"), "{}", body_of(&outcome));
    let mut fields = fields(MIXED);
    fields.push(Field::new("Subject", b"\xa5\x5c".to_vec()));
    let mut body = Body::from_memory(crlf(body));
    assert_eq!(super::declared_charset(&fields, &mut body).unwrap(), "big5");
}

#[test]
fn many_parts_with_many_parameters_take_one_pass() {
    let parameters: String = (0..30_000).map(|number| format!("; a{number}=ü")).collect();
    let part = format!("--b b\nContent-Type: a/b{parameters}\n\nx\n");
    let outcome = convert(MIXED, part.repeat(2).as_bytes());
    assert_fit(&outcome.body, false);
}

#[test]
fn signed_parts_stay_octet_for_octet() {
    let signed = "--b b\nContent-Type: multipart/signed; boundary=s\n\n--s\nSubject: ü\n\nü\n--s--\n";
    let body = format!("{signed}--b b\n\nä und sonst nichts weiter\n--b b--\n");
    let outcome = convert(MIXED, body.as_bytes());
    assert_eq!(outcome.conversion.transfer(), Transfer::EightBitMime);
    let text = body_of(&outcome);
    assert!(
        text.contains("boundary=s\nContent-Transfer-Encoding: 8bit\n\n--s\nSubject: ü\n\nü\n--s--\n--b b\n"),
        "{text}"
    );
    assert!(text.contains("=C3=A4 und"));
    assert!(header_of(&outcome).ends_with("Content-Transfer-Encoding: 8bit\n"));
    assert!(outcome.conversion.notes().iter().any(|note| note.to_string().starts_with("part 1 is signed")));
}

#[test]
fn a_signed_message_that_may_not_change_is_refused() {
    let header = "Content-Type: multipart/signed; boundary=s";
    for (dirt, words) in [
        ("\0".to_owned(), "a NUL or a bare CR"),
        ("a\rb".to_owned(), "a NUL or a bare CR"),
        ("x".repeat(999), "a line over 998 octets"),
    ] {
        let said = refusal(header, format!("--s\n\n{dirt}\n--s--\n").as_bytes());
        assert_eq!(
            said,
            format!("the body (multipart/signed), which is signed or encrypted and must not be changed, holds {words}")
        );
    }
    let outcome = convert(header, "--s\n\nü\n--s--\n".as_bytes());
    assert_eq!(outcome.body, "--s\r\n\r\nü\r\n--s--\r\n".as_bytes());
    assert!(header_of(&outcome).ends_with("Content-Transfer-Encoding: 8bit\n"));
}

#[test]
fn an_attached_message_is_converted_inside() {
    let outcome = convert(
        MIXED,
        "--b b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nFrom someone\nSubject: grüße an alle\nFrom: Jörg <j@x>\n\nü und weiter\n--b b--\n".as_bytes(),
    );
    assert_eq!(
        body_of(&outcome),
        "--b b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\nFrom someone\n\
         Subject: =?utf-8?B?Z3LDvMOfZQ==?= an alle\nFrom: =?utf-8?B?SsO2cmc=?= <j@x>\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC und weiter\n--b b--\n"
    );
}

#[test]
fn a_digest_holds_messages() {
    let outcome = convert("Content-Type: multipart/digest; boundary=d", "--d\n\nSubject: ü\n\nä\n--d--\n".as_bytes());
    assert!(body_of(&outcome).starts_with("--d\n\nSubject: =?utf-8?B?w7w=?=\nMIME-Version: 1.0\n"));
}

#[test]
fn other_message_types() {
    for (media, expected) in [
        ("message/delivery-status", "=C3=BC\n"),
        ("message/external-body", "ü\n"),
        ("message/http", "w7wNCg==\n"),
        ("message/global", "=C3=BC\n"),
    ] {
        let text = body_of(&convert(&format!("Content-Type: {media}"), "ü\n".as_bytes()));
        // So short a text may go either way.
        assert!(text == expected || (media != "message/http" && text == "w7wNCg==\n"), "{media}: {text}");
    }
    assert!(refusal("Content-Type: message/partial", "ü\n".as_bytes()).contains("7-bit"));
    let encoded = format!("{}\u{fc}\n", "YWJj".repeat(20));
    let encoded = convert("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64", encoded.as_bytes());
    assert_eq!(body_of(&encoded).replace('\n', ""), "YWJj".repeat(20));
}

#[test]
fn long_lines_in_part_headers_are_folded() {
    let header = format!("X-A: {}\nX-B: {}\nX-C: {}", "word ".repeat(500), "a;".repeat(800), "y".repeat(2500));
    let outcome = convert(MIXED, format!("--b b\n{header}\n\nü\n--b b--\n").as_bytes());
    assert_fit(&outcome.body, false);
    let unfolded = body_of(&outcome).replace("\n ", " ");
    assert!(unfolded.contains(&"word ".repeat(499)));
}

#[test]
fn an_open_quote_does_not_swallow_the_line_end() {
    let outcome = convert(MIXED, "--b b\nContent-Type: a/b; name=\"ü\nX-A: 1\n\nclean\n--b b--\n".as_bytes());
    assert!(body_of(&outcome).contains("name*=utf-8''%C3%BC\nX-A: 1\n\nclean\n"));
}

#[test]
fn long_file_names_come_in_segments() {
    let name = "ü".repeat(600);
    let body = format!("--b b\nContent-Disposition: attachment; filename={name}\n\nx\n--b b--\n");
    let text = body_of(&convert(MIXED, body.as_bytes()));
    let joined: String = text
        .lines()
        .filter(|line| line.contains("filename*"))
        .map(|line| line.rsplit(['=', '\'']).next().unwrap().trim_end_matches(';'))
        .collect();
    assert_eq!(joined, "%C3%BC".repeat(600));
}

#[test]
fn huge_fields_and_padded_boundaries_pass_in_pieces() {
    let field = format!("X-Huge: {}\n {}ü\nContent-Type: text/html", "x".repeat(150_000), "y".repeat(70_000));
    let body = format!("--b b{}\n{field}\n\nü\n--b b--\n", " ".repeat(2000));
    let outcome = convert(MIXED, body.as_bytes());
    assert_fit(&outcome.body, false);
    assert!(body_of(&outcome).starts_with("--b b\nX-Huge: =?utf-8?"));
    assert!(body_of(&outcome).contains("Content-Type: text/html; charset=utf-8\n"));
}

#[test]
fn a_part_header_that_ends_without_an_empty_line_gets_one_when_needed() {
    let outcome = convert(MIXED, "--b b\nX-A: 1\nüber den Wolken\n--b b\ntext\n--b b--\n".as_bytes());
    assert!(body_of(&outcome).contains("quoted-printable\n\n=C3=BCber den Wolken\n--b b\ntext\n--b b--\n"));
}

#[test]
fn nesting_and_number_of_parts_are_bounded() {
    let mut nested = String::new();
    for level in 0..150 {
        nested += &format!("--b{level}\nContent-Type: multipart/mixed; boundary=b{}\n\n", level + 1);
    }
    let header = "Content-Type: multipart/mixed; boundary=b0";
    assert!(refusal(header, format!("{nested}a\0b\n").as_bytes()).contains("nested too deep"));
    assert_eq!(convert(header, format!("{nested}ü\n").as_bytes()).conversion.transfer(), Transfer::EightBitMime);
    assert!(!convert(header, format!("{nested}--b0\n\nü\n").as_bytes()).body.is_empty());
    let many = "--b0\n\na\0b\n".repeat(10_001);
    assert!(refusal(header, many.as_bytes()).contains("10,000"));
    let clean = format!("--b0\n\nü\n{}", "--b0\n\nx\n".repeat(20_000));
    let outcome = convert(header, clean.as_bytes());
    assert_fit(&outcome.body, false);
    assert!(outcome.conversion.decisions.len() <= 10_000);
    assert!(outcome.conversion.notes().len() <= 50);
}

#[test]
fn stuffed_lines_count_right() {
    let mut body = Body::from_memory(b"..\r\n..a\r\n".to_vec());
    body.stuffing = Stuffing::Stuffed;
    let conversion = Conversion::plan(&mut Vec::new(), &mut body).unwrap();
    assert_eq!(conversion.length(&mut body).unwrap(), 7);
}

/// A spool that makes up its octets as they are read.
struct Endless {
    at: u64,
    length: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let filling = (self.length - self.at) > (64 + buffer.len()) as u64 && self.at > self.head.len() as u64;
        if filling {
            buffer.fill(if self.at.is_multiple_of(3) { b'a' } else { 0xc3 });
            self.at += buffer.len() as u64;
            return Ok(buffer.len());
        }
        for (read, slot) in buffer.iter_mut().enumerate() {
            if self.at >= self.length {
                return Ok(read);
            }
            let tail_at = self.length - self.tail.len() as u64;
            *slot = match self.head.get(self.at as usize) {
                Some(&octet) => octet,
                None if self.at >= tail_at => self.tail[(self.at - tail_at) as usize],
                None => b'b',
            };
            self.at += 1;
        }
        Ok(buffer.len())
    }
}

impl io::Write for Endless {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        unreachable!()
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        assert_eq!(to, SeekFrom::Start(0));
        self.at = 0;
        Ok(0)
    }
}

/// A sink that remembers only how large its pieces were.
#[derive(Default)]
struct Largest {
    piece: usize,
    total: u64,
}

impl io::Write for Largest {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.piece = self.piece.max(octets.len());
        self.total += octets.len() as u64;
        Ok(octets.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_single_line_of_40_mb_passes_in_small_pieces() {
    for (media, encoding) in [("text/plain", "8bit"), ("text/plain", "quoted-printable"), ("image/png", "base64")] {
        let head = format!("--b b\r\nContent-Type: {media}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
        let endless = Endless { at: 0, length: 40_000_000, head: head.into_bytes(), tail: b"\r\n--b b--\r\n".to_vec() };
        let content = Content { eight_bit: true, longest_line: 39_000_000, ..Content::default() };
        let mut body = Body::in_spool(40_000_000, Box::new(endless), content);
        let mut fields = fields(MIXED);
        let conversion = Conversion::plan(&mut fields, &mut body).unwrap();
        let mut sink = Largest::default();
        conversion.write(&mut body, &mut sink).unwrap();
        assert!(sink.piece <= 128 * 1024, "{}", sink.piece);
        assert!(sink.total > 9_000_000);
        assert!(conversion.decisions.len() <= 2);
    }
}

fn dirt() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[ -~]{0,90}".prop_map(String::into_bytes),
        2 => "[äöü =.\\-a]{0,40}".prop_map(String::into_bytes),
        2 => proptest::collection::vec(any::<u8>(), 0..60),
        1 => (900_usize..2200, any::<u8>()).prop_map(|(length, octet)| vec![octet; length]),
        1 => Just(b"\r".to_vec()),
        1 => Just(b".".to_vec()),
        1 => Just(b"From x".to_vec()),
        1 => "--[ab?=]{0,3}(--)?".prop_map(String::into_bytes),
        1 => "[=A-F0-9 \\t]{0,9}\u{fc}?[=A-F \\t]{0,3}".prop_map(String::into_bytes),
    ]
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(dirt(), 0..8).prop_map(|lines| {
        let mut text = Vec::new();
        for line in lines {
            text.extend(line.into_iter().filter(|&octet| octet != b'\n'));
            text.extend_from_slice(b"\r\n");
        }
        text
    })
}

fn label() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just(""),
        2 => Just("Content-Transfer-Encoding: 8bit\r\n"),
        1 => Just("Content-Transfer-Encoding: binary\r\n"),
        2 => Just("content-transfer-encoding: Quoted-Printable\r\n"),
        2 => Just("Content-Transfer-Encoding: base64\r\n"),
        1 => Just("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 8bit\r\n"),
    ]
}

/// An entity, header and content, every line ending CRLF.
fn entity() -> impl Strategy<Value = Vec<u8>> {
    let media = prop_oneof![
        Just(""),
        Just("Content-Type: text/plain\r\n"),
        Just("Content-Type: text/html; charset=x\r\nContent-Type: text/plain\r\n"),
        Just("Content-Type: image/png; name=\"\u{fc} \u{e4}.png\"\r\n"),
        Just("Content-Type: message/delivery-status\r\n"),
        Just("Content-Description: \u{fc} x \u{fc} \u{fc} y\r\nFrom: \u{fc}\r\n"),
        Just("Content-Type: multipart/signed; boundary=s\r\n"),
    ];
    let blank = prop_oneof![9 => Just("\r\n"), 1 => Just("")];
    let leaf = (media, label(), blank, lines()).prop_map(|(media, label, blank, lines)| {
        [media.as_bytes(), label.as_bytes(), blank.as_bytes(), &lines].concat()
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boundary = prop_oneof![Just("a"), Just("b"), Just("a?b"), Just("--x"), Just("=3D")];
        let multipart = (
            boundary,
            prop_oneof![3 => Just("mixed"), 1 => Just("digest")],
            label(),
            lines(),
            proptest::collection::vec(inner.clone(), 0..4),
            any::<bool>(),
            lines(),
        )
            .prop_map(|(boundary, minor, label, preamble, parts, closed, epilogue)| {
                let mut text =
                    format!("Content-Type: multipart/{minor}; boundary=\"{boundary}\"\r\n{label}\r\n").into_bytes();
                text.extend(preamble);
                for part in parts {
                    text.extend(format!("--{boundary}\r\n").bytes());
                    text.extend(part);
                }
                if closed {
                    text.extend(format!("--{boundary}--\r\n").bytes());
                    text.extend(epilogue);
                }
                text
            });
        let message = (label(), inner).prop_map(|(label, inner)| {
            [format!("Content-Type: message/rfc822\r\n{label}\r\nSubject: \u{fc}\r\n").as_bytes(), &inner].concat()
        });
        prop_oneof![3 => multipart, 1 => message]
    })
}

/// An entity's header as the message stage would hand it over, and the rest.
fn split(entity: &[u8]) -> (Vec<Field>, Vec<u8>) {
    let mut fields: Vec<Field> = Vec::new();
    let mut rest = entity;
    while let Some(end) = rest.iter().position(|&octet| octet == b'\n') {
        let (line, after) = rest.split_at(end + 1);
        if line == b"\r\n" {
            return (fields, after.to_vec());
        }
        if line.starts_with(b" ")
            && let Some(field) = fields.last_mut()
        {
            field.value.extend_from_slice(b"\r\n");
            field.value.extend_from_slice(line.trim_ascii_end());
            rest = after;
            continue;
        }
        if !super::field::starts(line, false) {
            break;
        }
        let colon = line.iter().position(|&octet| octet == b':').unwrap();
        let name = String::from_utf8(line[..colon].trim_ascii_end().to_vec()).unwrap();
        fields.push(Field::new(&name, line[colon + 1..].trim_ascii_end()));
        rest = after;
    }
    (fields, rest.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_leaves_fit_and_reads_the_same(entity in entity()) {
        let (fields, body) = split(&entity);
        check(fields, &body)?;
    }

    #[test]
    fn a_damaged_tree_leaves_fit_and_reads_the_same(
        entity in entity(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut entity = entity;
        for (at, octet) in damage {
            let at = at.index(entity.len().max(1));
            if entity.get(at).is_some_and(|old| !b"\r\n".contains(old)) && octet != b'\n' {
                entity[at] = octet;
            }
        }
        let (fields, body) = split(&entity);
        check(fields, &body)?;
    }

    #[test]
    fn signed_parts_keep_their_octets(content in lines()) {
        let body = [b"--b b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n", &content[..],
            "--b b\r\n\r\nü\r\n--b b--\r\n".as_bytes()].concat();
        if let Ok(outcome) = convert_fields(fields(MIXED), &body) {
            let needle = [b"\r\n\r\n", &content[..], b"--b b\r\n"].concat();
            prop_assert!(outcome.body.windows(needle.len()).any(|window| window == needle));
        }
    }

    #[test]
    fn any_octets_leave_fit(lines in lines(), header in prop_oneof![Just(""), Just(MIXED), Just("Content-Type: x/y")]) {
        check(fields(header), &lines)?;
    }
}

/// Converts every message in the folder named by MIME_EXAMPLES (`NAME.eml`, lines ending CRLF) to `NAME.out`, for other
/// parsers to compare; one that is refused becomes `NAME.refused`.
#[test]
fn examples_for_other_parsers() {
    let Ok(folder) = std::env::var("MIME_EXAMPLES") else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        let (before, body) = split(&std::fs::read(&path).unwrap());
        let charset = super::declared_charset(&before, &mut Body::from_memory(body.clone())).unwrap();
        match convert_fields(before, &body) {
            Ok(outcome) => {
                let header =
                    outcome.fields.iter().map(|field| write_field(&field.name, &field.value, &charset).unwrap());
                let header: Vec<u8> = header.flatten().collect();
                std::fs::write(path.with_extension("out"), [&header, &b"\r\n"[..], &outcome.body].concat()).unwrap();
            }
            Err(PlanFault::Protected(words)) => std::fs::write(path.with_extension("refused"), words.whole()).unwrap(),
            Err(PlanFault::Spool(error)) => panic!("{error}"),
        }
    }
}
