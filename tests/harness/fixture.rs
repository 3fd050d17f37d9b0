//! A captured call: its arguments, its standard input, and what must become of it.

use std::path::{Path, PathBuf};
use std::{ffi::OsString, fs};

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
    pub body_line: Vec<String>,
    /// Standard input is a terminal.
    pub terminal: bool,
    pub body_lines: Option<usize>,
}

/// Every fixture of a folder, in the order of names.
pub fn fixtures(folder: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
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
        let (word, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{}: {line}", path.display()));
        match word {
            "status" => expect.status = rest.parse().unwrap(),
            "from" => expect.from = Some(rest.to_owned()),
            "to" => expect.to.push(rest.to_owned()),
            "header" => {
                let (name, value) = rest.split_once(':').unwrap();
                expect.headers.push((name.to_owned(), value.trim().to_owned()));
            }
            "header-absent" => expect.absent.push(rest.to_owned()),
            "stdin" => expect.terminal = rest == "terminal",
            "body-line" => expect.body_line.push(rest.to_owned()),
            "body-contains" => expect.body_contains.push(rest.to_owned()),
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
        let fields = unfolded.split("\r\n").filter_map(|line| line.split_once(':'));
        Self {
            fields: fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
            body: body.to_owned(),
        }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1.as_str())
    }
}

/// What differs between a message and its expectation, one line each.
pub fn differences(expect: &Expect, sent: &Sent) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in &expect.headers {
        if sent.field(name) != Some(value) {
            found.push(format!("{name}: expected {value:?}, got {:?}", sent.field(name)));
        }
    }
    for name in &expect.absent {
        if let Some(value) = sent.field(name) {
            found.push(format!("{name} must be absent, is {value:?}"));
        }
    }
    for text in &expect.body_contains {
        if !sent.body.contains(text) {
            found.push(format!("the body lacks {text:?}: {:?}", sent.body));
        }
    }
    if let Some(lines) = expect.body_lines
        && sent.body.matches("\r\n").count() != lines
    {
        found.push(format!("the body has {} lines, expected {lines}", sent.body.matches("\r\n").count()));
    }
    found
}
