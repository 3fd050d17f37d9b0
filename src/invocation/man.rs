//! man/sendmail.8, generated: flags, statuses and differences from their tables. A test keeps the committed page up to
//! date (UPDATE_MAN=1 rewrites it).

use super::differences::DIFFERENCES;
use super::flags::{Arity, Disposition, FLAGS, MODES, SETTINGS};
use crate::failure::{Cause, ExitStatus};

/// What a status tells the caller, for EXIT STATUS.
const STATUSES: &[(ExitStatus, &str)] = &[
    (ExitStatus::Usage, "The call is wrong: an unknown flag, a missing value, no recipient, or a refused mode."),
    (ExitStatus::Data, "The message or an address is wrong, or Outlook refuses the content."),
    (ExitStatus::NoUser, "A recipient was refused."),
    (ExitStatus::Unavailable, "Refused for another reason."),
    (ExitStatus::Software, "A bug in this program."),
    (ExitStatus::OsError, "Standard input or the outbox could not be read, or a socket not be opened."),
    (ExitStatus::CannotCreate, "There was no room for the message, or a sign-in could not be stored."),
    (
        ExitStatus::PerhapsSent,
        "The connection was lost after the message and before the answer: the message was perhaps sent.\n\
         Look into Sent Items before sending it again.",
    ),
    (ExitStatus::Temporary, "A failure that passes; nothing was sent or kept, and the same call may work later."),
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
    page.push_str(BEFORE_DIFFERENCES);
    for row in DIFFERENCES {
        page.push_str(&format!(".It {}\n", in_request(row.what)));
        for words in [row.theirs, row.ours, row.reason] {
            page.push_str(&sentence(words));
        }
    }
    page.push_str(TAIL);
    page.lines().map(wrapped).collect()
}

/// Words as arguments of a request: none is a macro, and flags have their own dash.
fn in_request(words: &str) -> String {
    let word = |word: &str| {
        let macro_like = word.len() <= 3 && word.starts_with(|letter: char| letter.is_ascii_uppercase());
        let escaped = word.replace('-', "\\-");
        if macro_like { format!("\\&{escaped}") } else { escaped }
    };
    words.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The line, broken at spaces to fit 80 columns as mandoc wants it; requests stay whole.
pub(super) fn wrapped(line: &str) -> String {
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
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let text: String = first.into_iter().chain(letters).collect();
    let text = text.replace('\\', "\\e").replace(" -", " \\-").replace("(-", "(\\-");
    assert!(!text.starts_with(['.', '\'']), "{text} would be a roff request");
    let end = if text.ends_with('?') { "" } else { "." };
    format!("{text}{end}\n")
}

const HEAD: &str = r#".\" Generated from src/invocation/{flags,differences,man}.rs: UPDATE_MAN=1 cargo test committed
.Dd November 23, 2026
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
A message that cannot be sent now, or not before somebody signs in, is kept in the outbox when nobody is at a terminal to
be told, or
.Li on_failure = Qq keep
says so: that is success, and the message is tried again until it is five days old.
One that is refused for good while the caller waits is never kept.
.Pp
Whoever has no account of his own sends through the machine's, where there is one: a service takes the message, and keeps
what cannot be sent now, for terminals too.
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
verdict: 250 when it was taken or kept, 451 when the client may try again, 554 or 552 when the message itself was refused, and
554 5.4.2 when it was perhaps sent.
The dialogue may last for weeks: the configuration is read anew for each message, and no connection is kept.
Nothing is ever written to standard error.
Recipients are those of the dialogue, never those of the header.
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev OUTLOOK_SENDMAIL_CONFIG
The configuration file to use.
.It Ev XDG_CONFIG_HOME , Ev XDG_STATE_HOME
Where configuration and state are kept otherwise.
.El
.Pp
None of them counts when real and effective user or group differ.
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/outlook-sendmail/config.toml
The configuration.
It must belong to its user or root, and nobody else may write to it.
.It Pa /etc/outlook-sendmail/config.toml
That of the machine's account.
.It Pa /run/outlook-sendmail/submit.sock
Where the machine's service takes messages.
.It Pa ~/.local/state/outlook-sendmail
The outbox, among others.
.It Pa /etc/aliases
Where mail for local names goes, unless the configuration names another file.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Outlook.com has taken the message, or the outbox has: it is on the disk.
"#;

const BEFORE_DIFFERENCES: &str = r#".El
.Sh EXAMPLES
Send a message to the addresses in its header:
.Pp
.Dl $ sendmail -t -i < message
.Pp
Sign in first:
.Pp
.Dl $ outlook-sendmail login
.Pp
Let
.Xr git-send-email 1
write as the mailbox, so that patches keep their authors (it puts another author on the first line of the text, where
.Xr git-am 1
finds it):
.Pp
.Dl $ git config --global sendemail.from you@outlook.com
.Sh SEE ALSO
.Xr outlook-sendmail 1 ,
.Xr outlook-sendmail.toml 5
.Sh STANDARDS
The flags are those of Sendmail 8, and take values exactly where it does.
Recipients in arguments are added to those of
.Fl t ,
and Bcc fields go with and without it, as in Sendmail and Postfix and unlike Exim.
.Sh DIFFERENCES
What differs from Sendmail and Postfix on purpose:
.Bl -tag -width Ds
"#;

const TAIL: &str = r#".El
.Sh CAVEATS
Where a person is told, a message that could not be sent is not kept: the caller decides what becomes of it.
.Pp
A message that was under way when the machine failed may have been sent.
It is listed as perhaps sent, and never sent again by itself.
.Pp
What stands before the @ of an address may be longer than the 64 octets of RFC 5321, up to 900: the server decides.
Its domain keeps to the limits of the DNS, 63 octets between two dots and 255 in all.
"#;

/// The committed file is what the tables say; with the variable set it becomes that first.
pub(super) fn compare(file: &str, generated: &str, variable: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os(variable).is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == generated, "{file} is out of date: run {variable}=1 cargo test committed");
}

#[test]
fn the_committed_manual_is_the_generated_one() {
    compare("man/sendmail.8", &page(), "UPDATE_MAN");
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
