//! man/outlook-sendmail.toml.5, generated from the table of keys. A test keeps the committed page up to date
//! (UPDATE_MAN=1 rewrites it).

use std::path::Path;

use super::man::{compare, wrapped};
use crate::account::Accounts;
use crate::account::keys::{ACCOUNT_KEYS, FILE_KEYS, Key};

fn page() -> String {
    let mut page = String::from(HEAD);
    FILE_KEYS.iter().for_each(|key| page.push_str(&item(key)));
    page.push_str(BETWEEN);
    ACCOUNT_KEYS.iter().for_each(|key| page.push_str(&item(key)));
    page.push_str(BEFORE_EXAMPLE);
    page.push_str(&example().replace('\\', "\\e"));
    page.push_str(TAIL);
    page.lines().map(|line| if line.contains(" = ") { format!("{line}\n") } else { wrapped(line) }).collect()
}

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

const HEAD: &str = r#".\" Generated from src/account/keys.rs and src/invocation/config_man.rs: UPDATE_MAN=1 cargo test committed
.Dd November 23, 2026
.Dt OUTLOOK-SENDMAIL.TOML 5
.Os
.Sh NAME
.Nm outlook-sendmail.toml
.Nd configuration of outlook-sendmail
.Sh DESCRIPTION
The accounts that
.Xr sendmail 8
sends through are described in TOML, in
.Pa ~/.config/outlook-sendmail/config.toml
for one user, and in
.Pa /etc/outlook-sendmail/config.toml
for the machine.
.Xr outlook-sendmail 1
.Cm login
writes the file and changes it where it stands; comments stay.
The file, and every folder and link on the way to it, must belong to its user or root, and nobody else may write to them.
A key that is not described here is an error, which names file and line.
.Pp
At the top of the file:
.Bl -tag -width Ds
"#;

const BETWEEN: &str = r#".El
.Pp
Each account has a table of its own,
.Li [accounts.NAME] ,
with these keys:
.Bl -tag -width Ds
"#;

const BEFORE_EXAMPLE: &str = r#".El
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/outlook-sendmail/config.toml
A user's own, unless
.Ev OUTLOOK_SENDMAIL_CONFIG
or
.Fl -config
names another.
.It Pa /etc/outlook-sendmail/config.toml
The machine's.
.El
.Sh EXAMPLES
An address is enough, and usually a client id:
.Bd -literal -offset indent
[accounts.me]
address = "someone@outlook.com"
client_id = "00000000-0000-0000-0000-000000000000"
.Ed
.Pp
Any other submission server, with a password that
.Xr outlook-sendmail 1
.Cm login
asks for:
.Bd -literal -offset indent
[accounts.work]
address = "someone@example.org"
provider = "custom"
host = "mail.example.org"
auth = "password"
.Ed
.Pp
Every key:
.Bd -literal -offset indent
"#;

const TAIL: &str = r#".Ed
.Sh SEE ALSO
.Xr outlook-sendmail 1 ,
.Xr sendmail 8
"#;

fn parse(text: &str) -> Result<Accounts, String> {
    Accounts::parse(Path::new("/c.toml"), text.as_bytes()).map_err(|failure| failure.detail.whole().to_owned())
}

#[test]
fn the_committed_manual_of_the_configuration_is_the_generated_one() {
    compare("man/outlook-sendmail.toml.5", &page(), "UPDATE_MAN");
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
