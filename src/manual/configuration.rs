//! man/outlook-sendmail.toml.5, from the table of keys.

use std::path::Path;

use super::compare;
use crate::account::Accounts;
use crate::account::keys::{ACCOUNT_KEYS, FILE_KEYS, Key};

fn item(key: &Key) -> String {
    let doc = key.doc.replace(". ", ".\n").replace(" -", " \\-");
    let quoted = |text: &str| text.replace('"', "\\(dq");
    format!(
        ".It Li {} No = Li {}\n{}\nDefault: {}.\n",
        key.name,
        quoted(key.example),
        quoted(&doc),
        quoted(key.default)
    )
}

/// A file with every key in it.
fn example() -> String {
    let mut text = String::new();
    let line = |key: &Key| format!("{} = {}\n", key.name, key.example);
    text.extend(FILE_KEYS.iter().map(line));
    text.push_str("\n[accounts.me]\n");
    // A second store and its command lines would contradict the first.
    text.extend(ACCOUNT_KEYS.iter().filter(|key| key.name != "secret_command").map(line));
    text
}

fn parse(text: &str) -> Result<Accounts, String> {
    Accounts::parse(Path::new("/c.toml"), text.as_bytes()).map_err(|failure| failure.detail.whole().to_owned())
}

fn page() -> String {
    let fillings = [
        ("FILE_KEYS", FILE_KEYS.iter().map(item).collect()),
        ("ACCOUNT_KEYS", ACCOUNT_KEYS.iter().map(item).collect()),
        ("EVERY_KEY", example().replace('\\', "\\e")),
    ];
    super::page("outlook-sendmail.toml.5", &fillings)
}

#[test]
fn the_committed_manual_of_the_configuration_is_the_generated_one() {
    compare("man/outlook-sendmail.toml.5", &page());
}

#[test]
fn the_examples_are_configurations() {
    parse(&example()).unwrap();
    let page = page();
    let blocks: Vec<&str> = page.split(".Bd -literal -offset indent\n").skip(1).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let text = block.split(".Ed").next().unwrap();
        parse(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    }
    let command = ACCOUNT_KEYS.iter().find(|key| key.name == "secret_command").unwrap();
    let text =
        format!("[accounts.me]\naddress = \"a@x.org\"\nstore = \"command\"\nsecret_command = {}\n", command.example);
    parse(&text).unwrap();
}

/// The parser names every key it knows when it meets one it does not.
#[test]
fn every_key_is_described_and_no_other() {
    let known = |text: &str| -> Vec<String> {
        let problem = parse(text).unwrap_err();
        let list = problem.split_once("expected").unwrap().1;
        let mut names: Vec<String> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        names.sort();
        names
    };
    let described = |keys: &[Key], prefix: &str| {
        let mut names: Vec<String> =
            keys.iter().filter_map(|key| key.name.strip_prefix(prefix)).map(str::to_owned).collect();
        names.sort();
        names
    };
    let account = "[accounts.me]\naddress = \"a@x.org\"\n";
    let mut top = described(FILE_KEYS, "");
    top.push("accounts".to_owned());
    assert_eq!(known("unknown = 1\n"), top);
    let mut keys = described(ACCOUNT_KEYS, "");
    keys.retain(|name| !name.contains('.'));
    keys.push("endpoints".to_owned());
    keys.sort();
    assert_eq!(known(&format!("{account}unknown = 1\n")), keys);
    assert_eq!(known(&format!("{account}endpoints = {{ unknown = 1 }}\n")), described(ACCOUNT_KEYS, "endpoints."));
}
