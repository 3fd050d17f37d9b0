//! man/sendmail.8, generated: the flags from their table, the statuses from theirs. A test keeps the committed page
//! up to date (UPDATE_MAN=1 rewrites it).

use super::flags::{Arity, Disposition, FLAGS, MODES, SETTINGS};
use crate::failure::{Cause, ExitStatus};

/// What a status tells the caller, for EXIT STATUS.
const STATUSES: &[(ExitStatus, &str)] = &[
    (ExitStatus::Usage, "The call is wrong: an unknown flag, a missing value, no recipient, or a refused mode."),
    (ExitStatus::Data, "The message or an address is wrong, or Outlook refuses the content."),
    (ExitStatus::NoUser, "A recipient was refused."),
    (ExitStatus::Unavailable, "Refused for another reason."),
    (ExitStatus::Software, "A bug in this program."),
    (ExitStatus::OsError, "Standard input could not be read."),
    (ExitStatus::CannotCreate, "There was no room for the message, or a sign-in could not be stored."),
    (
        ExitStatus::PerhapsSent,
        "The connection was lost after the message and before the answer: the message was perhaps sent.\n\
         Look into Sent Items before sending it again.",
    ),
    (ExitStatus::Temporary, "A failure that passes; nothing was sent, and the same call may work later."),
    (ExitStatus::Protocol, "The server, or somebody on the way to it, does not speak SMTP, TLS or OAuth as it must."),
    (ExitStatus::NoPermission, "A sign-in is needed, or this account may not send this."),
    (ExitStatus::Config, "The configuration is missing or wrong."),
];

fn page() -> String {
    let mut page = String::from(HEAD);
    for row in FLAGS {
        let Disposition::Honoured(_) = row.disposition else { continue };
        if matches!(row.letter, 'b' | 'o' | 'O') {
            continue;
        }
        page.push_str(&item(row.letter, row.arity, row.value));
        page.push_str(&sentence(row.doc));
    }
    for row in MODES.iter().filter(|row| matches!(row.disposition, Disposition::Honoured(_))) {
        page.push_str(&format!(".It Fl b{}\n{}", row.letter, sentence(row.doc)));
    }
    for row in SETTINGS.iter().filter(|row| matches!(row.disposition, Disposition::Honoured(()))) {
        page.push_str(&format!(".It Fl o{} , Fl O Cm {}\n{}", row.letter, row.name, sentence(row.doc)));
    }
    page.push_str(BETWEEN_FLAGS);
    for row in FLAGS {
        if let Disposition::Ignored(reason) = row.disposition {
            page.push_str(&item(row.letter, row.arity, row.value));
            page.push_str(&sentence(&format!("{}: {reason}", row.doc)));
        }
    }
    for row in SETTINGS {
        if let Disposition::Ignored(reason) = row.disposition {
            page.push_str(&format!(".It Fl o{} , Fl O Cm {}\n", row.letter, row.name));
            page.push_str(&sentence(&format!("{}: {reason}", row.doc)));
        }
    }
    page.push_str(BEFORE_REFUSED);
    for row in FLAGS {
        if let Disposition::Refused(reason) = row.disposition {
            page.push_str(&item(row.letter, row.arity, row.value));
            page.push_str(&sentence(&format!("{}: {reason}", row.doc)));
        }
    }
    for row in MODES {
        if let Disposition::Refused(reason) = row.disposition {
            page.push_str(&format!(".It Fl b{}\n", row.letter));
            page.push_str(&sentence(&format!("{}: {reason}", row.doc)));
        }
    }
    page.push_str(BEFORE_STATUSES);
    for (status, meaning) in STATUSES {
        page.push_str(&format!(".It {}\n{meaning}\n", *status as u8));
    }
    page.push_str(TAIL);
    page.lines().map(wrapped).collect()
}

/// The line, broken at spaces to fit 80 columns as mandoc wants it; requests stay whole.
fn wrapped(line: &str) -> String {
    if line.starts_with('.') {
        return format!("{line}\n");
    }
    let mut text = String::new();
    let mut column = 0;
    for word in line.split(' ') {
        if column > 0 && column + 1 + word.len() > 78 {
            assert!(!word.starts_with(['.', '\'']), "{word} would be a roff request");
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
    text
}

fn item(letter: char, arity: Arity, value: &str) -> String {
    let value = value.replace('|', " | ");
    match arity {
        Arity::None => format!(".It Fl {letter}\n"),
        Arity::Required => format!(".It Fl {letter} Ar {value}\n"),
        Arity::UnlessDash => format!(".It Fl {letter} Op Ar {value}\n"),
        Arity::Attached => format!(".It Fl {letter} Ns Op Ar {value}\n"),
    }
}

/// A table's words as a sentence of roff.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let text: String = first.into_iter().chain(letters).collect();
    let text = text.replace('\\', "\\e").replace(" -", " \\-");
    assert!(!text.starts_with(['.', '\'']), "{text} would be a roff request");
    format!("{text}.\n")
}

const HEAD: &str = r#".\" Generated from src/invocation/flags.rs and src/invocation/man.rs: UPDATE_MAN=1 cargo test man_page
.Dd November 20, 2026
.Dt SENDMAIL 8
.Os
.Sh NAME
.Nm sendmail
.Nd send a message through an Outlook.com account
.Sh SYNOPSIS
.Nm
.Op Ar flags
.Op Ar recipient ...
.Sh DESCRIPTION
.Nm
reads one message from standard input to its end, sends it through the account in its configuration, and returns when
Outlook.com has taken or refused it.
It says nothing when the message was taken; otherwise it writes one line to standard error.
Both outcomes go to the system log, facility mail.
.Pp
Each
.Ar recipient
is an address or a list of addresses separated by commas.
The first one ends the flags: what follows it is a recipient even when it starts with a dash.
.Pp
The flags that do something:
.Bl -tag -width Ds
"#;

const BETWEEN_FLAGS: &str = r#".It Fl -help , Fl -version
As the first argument: show a help text, or the version.
.El
.Pp
These are accepted, with their value where they take one, and change nothing:
.Bl -tag -width Ds
"#;

const BEFORE_REFUSED: &str = r#".It Fl o Ar letter , Fl O Ar name Ns = Ns Ar value
Any other option: it configures a mail server; this program has its own configuration.
.El
.Pp
These are refused with status 64, and nothing is sent:
.Bl -tag -width Ds
"#;

const BEFORE_STATUSES: &str = r#".El
.Ss Dots
Without
.Fl i
a line with a lone dot typed at a terminal ends the message.
Read from a pipe or a file it is dropped when nothing follows it, and content when something does.
When recipients are arguments,
.Fl t
and
.Fl i
are absent, and every line that starts with a dot starts with two, each of these lines loses one.
.Ss SMTP on standard input and output
With
.Fl bs
every message of the dialogue goes its way when its final dot has been read, and the reply to the dot is Outlook.com's
verdict: 250 when it was taken, 451 when the client may try again, 554 or 552 when the message itself was refused, and
554 5.4.2 when it was perhaps sent.
The dialogue may last for weeks: the configuration is read anew for each message, and no connection is kept.
Nothing is ever written to standard error.
Recipients are those of the dialogue, never those of the header.
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev OUTLOOK_SENDMAIL_CONFIG
The configuration file to use.
.It Ev XDG_CONFIG_HOME
Where the configuration is looked for otherwise.
.El
.Pp
Neither counts when real and effective user or group differ.
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/outlook-sendmail/config.toml
The configuration.
It must belong to its user or root, and nobody else may write to it.
.It Pa /etc/aliases
Where mail for local names goes, unless the configuration names another file.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Outlook.com has taken the message for every recipient.
"#;

const TAIL: &str = r#".El
.Sh EXAMPLES
Send a message to the addresses in its header:
.Pp
.Dl $ sendmail -t -i < message
.Pp
Sign in first:
.Pp
.Dl $ outlook-sendmail login
.Sh STANDARDS
The flags are those of Sendmail 8, and take values exactly where it does.
.Sh CAVEATS
A message that could not be sent is not kept: the caller decides what becomes of it.
"#;

fn path() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("man/sendmail.8")
}

#[test]
fn the_man_page_is_the_generated_one() {
    let generated = page();
    if std::env::var_os("UPDATE_MAN").is_some() {
        std::fs::create_dir_all(path().parent().unwrap()).unwrap();
        std::fs::write(path(), &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(committed == generated, "out of date: run UPDATE_MAN=1 cargo test man_page");
}

#[test]
fn every_status_in_use_is_explained_once() {
    let mut explained: Vec<u8> = STATUSES.iter().map(|row| row.0 as u8).collect();
    assert!(explained.is_sorted());
    let mut used: Vec<u8> = Cause::ALL.iter().map(|cause| cause.row().status as u8).collect();
    used.sort_unstable();
    used.dedup();
    explained.dedup();
    assert_eq!(explained, used);
}

#[test]
fn mandoc_has_nothing_to_say() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let lint = Command::new("mandoc").args(["-Tlint", "-Wstyle"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    // Machines without mandoc have the committed page.
    let Ok(mut lint) = lint else { return };
    lint.stdin.take().unwrap().write_all(page().as_bytes()).unwrap();
    let said = lint.wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}
