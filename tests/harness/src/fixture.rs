//! A captured call: its arguments, its standard input, and what must become of it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;

/// One folder of `tests/callers` or `tests/edge`.
pub struct Fixture {
    pub name: String,
    pub arguments: Vec<OsString>,
    pub input: Vec<u8>,
    pub expect: Expect,
}

/// The file `expect`, whose format `tests/callers/README.md` describes.
#[derive(Default, Debug)]
pub struct Expect {
    pub status: u8,
    pub from: Option<String>,
    pub to: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub absent: Vec<String>,
    pub body_contains: Vec<String>,
    pub body_lines_exact: Vec<String>,
    pub terminal: bool,
    pub body_lines: Option<usize>,
}

/// Every fixture of a folder, in the order of names.
pub fn fixtures(folder: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    paths.iter().map(|path| fixture(path)).collect()
}

fn fixture(path: &Path) -> Fixture {
    let read =
        |name: &str| fs::read(path.join(name)).unwrap_or_else(|error| panic!("{}/{name}: {error}", path.display()));
    Fixture {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        arguments: arguments(&read("argv")),
        input: read("stdin"),
        expect: expect(path, &String::from_utf8(read("expect")).unwrap()),
    }
}

/// One argument a line; an empty line is an empty argument.
fn arguments(argv: &[u8]) -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt;
    let Some(lines) = argv.strip_suffix(b"\n") else { return Vec::new() };
    lines.split(|&octet| octet == b'\n').map(|line| OsString::from_vec(line.to_vec())).collect()
}

fn expect(path: &Path, text: &str) -> Expect {
    let mut expect = Expect::default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "status" => expect.status = rest.parse().unwrap(),
            "from" => expect.from = Some(rest.to_owned()),
            "to" => expect.to.push(rest.to_owned()),
            "header" => {
                let (name, value) = rest.split_once(':').unwrap();
                expect.headers.push((name.to_owned(), value.trim().to_owned()));
            }
            "header-absent" => expect.absent.push(rest.to_owned()),
            "body-contains" => expect.body_contains.push(rest.to_owned()),
            "body-line" => expect.body_lines_exact.push(rest.to_owned()),
            "stdin" => expect.terminal = rest == "terminal",
            "body-is-lines" => expect.body_lines = Some(rest.parse().unwrap()),
            _ => panic!("{}: {line}", path.display()),
        }
    }
    expect
}

/// A message as it went out, taken apart.
pub struct Sent {
    pub fields: Vec<(String, String)>,
    pub body: String,
}

impl Sent {
    pub fn parse(octets: &[u8]) -> Self {
        let text = String::from_utf8_lossy(octets).into_owned();
        let (header, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let unfolded = header.replace("\r\n\t", " ").replace("\r\n ", " ");
        let fields = unfolded.trim_end().split("\r\n").filter_map(|line| line.split_once(':'));
        let fields: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        let mut sent = Self { fields, body: String::new() };
        sent.body = decoded_body(&sent, body).replace("\r\n", "\n");
        sent
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1.as_str())
    }
}

/// The body without its transfer encoding.
fn decoded_body(sent: &Sent, body: &str) -> String {
    let octets = match sent.field("Content-Transfer-Encoding").map(str::to_ascii_lowercase).as_deref() {
        Some("quoted-printable") => quoted_printable(body.replace("=\r\n", "").as_bytes(), b'='),
        Some("base64") => base64::engine::general_purpose::STANDARD.decode(body.replace("\r\n", "")).unwrap(),
        _ => body.as_bytes().to_vec(),
    };
    let charset = sent.field("Content-Type").unwrap_or_default().to_ascii_lowercase();
    if charset.contains("8859") {
        latin(&octets, charset.contains("8859-15"))
    } else {
        String::from_utf8_lossy(&octets).into_owned()
    }
}

/// `=3D` and the like; in encoded words an underscore is a space too.
fn quoted_printable(text: &[u8], escape: u8) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == escape && tail.len() >= 2 {
            octets.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            octets.push(*first);
        }
    }
    octets
}

fn latin(octets: &[u8], euro: bool) -> String {
    octets.iter().map(|&octet| if euro && octet == 0xa4 { '€' } else { char::from(octet) }).collect()
}

/// A field's value with its encoded words (RFC 2047) decoded and blanks taken as one.
pub fn readable(value: &str) -> String {
    let mut words: Vec<(bool, String)> = Vec::new();
    for word in value.split_ascii_whitespace() {
        let bare = word.trim_matches(['"', '(', ')', ',']);
        match decoded_word(bare) {
            Some(text) => match words.last_mut() {
                Some((true, last)) if bare == word => last.push_str(&text),
                _ => words.push((bare == word, word.replace(bare, &text))),
            },
            None => words.push((false, word.to_owned())),
        }
    }
    words.into_iter().map(|word| word.1).collect::<Vec<_>>().join(" ")
}

fn decoded_word(word: &str) -> Option<String> {
    let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (charset, encoding, text) = (parts.next()?.to_ascii_lowercase(), parts.next()?, parts.next()?);
    let octets = match encoding {
        "Q" | "q" => quoted_printable(text.replace('_', " ").as_bytes(), b'='),
        _ => base64::engine::general_purpose::STANDARD.decode(text).ok()?,
    };
    Some(if charset.contains("8859") {
        latin(&octets, charset.ends_with("-15"))
    } else {
        String::from_utf8(octets).ok()?
    })
}

/// What two ways of writing the same thing have in common: quotes, angle brackets around a bare address, blanks.
fn comparable(name: &str, value: &str) -> String {
    let mut text = readable(value).split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let addresses = ["From", "To", "Cc", "Reply-To", "Resent-To", "Resent-From", "Resent-Cc"];
    if addresses.iter().any(|field| field.eq_ignore_ascii_case(name)) {
        text = text.split(',').map(str::trim).collect::<Vec<_>>().join(", ").replace('"', "");
        let items = text.split(", ").map(|item| match item.strip_prefix('<').and_then(|item| item.strip_suffix('>')) {
            Some(bare) => bare.to_owned(),
            None => item.to_owned(),
        });
        text = items.collect::<Vec<_>>().join(", ");
    }
    if name.eq_ignore_ascii_case("Content-Type") { text.replace('"', "") } else { text }
}

/// What differs between a message and its expectation, one line each.
pub fn differences(expect: &Expect, sent: &Sent) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in &expect.headers {
        let wanted = comparable(name, value);
        let mut values = sent.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name));
        if !values.any(|field| comparable(name, &field.1) == wanted) {
            found.push(format!("{name}: expected {value:?}, got {:?}", sent.field(name).map(readable)));
        }
    }
    for name in &expect.absent {
        if let Some(value) = sent.field(name) {
            found.push(format!("{name} must be absent, is {value:?}"));
        }
    }
    for text in &expect.body_contains {
        if !sent.body.lines().any(|line| line.contains(text)) {
            found.push(format!("the body lacks {text:?}: {:?}", sent.body));
        }
    }
    for text in &expect.body_lines_exact {
        if !sent.body.lines().any(|line| line == text) {
            found.push(format!("the body lacks the line {text:?}: {:?}", sent.body));
        }
    }
    if let Some(lines) = expect.body_lines
        && sent.body.lines().count() != lines
    {
        found.push(format!("the body has {} lines, expected {lines}: {:?}", sent.body.lines().count(), sent.body));
    }
    for name in ["From", "Date", "Message-ID"] {
        let count = sent.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name)).count();
        if count != 1 {
            found.push(format!("{name} occurs {count} times"));
        }
    }
    found
}
