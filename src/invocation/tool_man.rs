//! man/outlook-sendmail.1, generated: commands and options from their tables. A test keeps the committed page up to date
//! (UPDATE_MAN=1 rewrites it).

use super::commands::{COMMANDS, OPTIONS};
use super::flags::Disposition;
use super::help::offered;
use super::man::{compare, sentence, wrapped};
use crate::account::StoreKind;

fn page() -> String {
    let mut page = String::from(HEAD);
    for command in offered() {
        page.push_str(&format!(".It Cm {}{}\n{}", command.name, synopsis(command.operands), sentence(command.doc)));
    }
    page.push_str(BEFORE_OPTIONS);
    for option in OPTIONS {
        let takers: Vec<_> = offered().filter(|command| command.options.contains(&option.name)).collect();
        if takers.is_empty() {
            continue;
        }
        let value = match option.value {
            "" => String::new(),
            value => format!(" Ar {}", value.to_lowercase()),
        };
        let names: Vec<_> = takers.iter().map(|command| format!(".Cm {}", command.name)).collect();
        page.push_str(&format!(".It Fl -{}{value}\n{}", option.name, sentence(option.doc)));
        page.push_str(&format!("For\n{} .\n", names.join(" ,\n")));
        if option.name == "store" {
            page.push_str(STORES);
        }
    }
    page.push_str(BEFORE_LATER);
    let later = COMMANDS.iter().filter(|row| matches!(row.disposition, Disposition::Refused(_)));
    let later: Vec<String> = later.map(|command| format!(".Cm {}", command.name)).collect();
    page.push_str(&later.join(" ,\n"));
    page.push_str(" .\n");
    page.push_str(TAIL);
    page.lines().map(wrapped).collect()
}

/// `[ADDRESS]`, or `ID`, in mdoc.
fn synopsis(operands: &[&str]) -> String {
    let written = operands.iter().map(|operand| match *operand {
        "ADDRESS" => " Oo Ar address Oc".to_owned(),
        operand if operand.contains('|') => format!(" Cm {}", operand.replace('|', " | ")),
        operand => format!(" Ar {}", operand.to_lowercase()),
    });
    written.collect()
}

const HEAD: &str = r#".\" Generated from src/invocation/{commands,tool_man}.rs: UPDATE_MAN=1 cargo test committed
.Dd November 20, 2026
.Dt OUTLOOK-SENDMAIL 1
.Os
.Sh NAME
.Nm outlook-sendmail
.Nd sign in to the Outlook.com account that sendmail sends through
.Sh SYNOPSIS
.Nm
.Op Fl -config Ar file
.Ar command
.Op Ar arguments
.Nm
.Op Fl -config Ar file
.Fl Ns Ar flags
.Op Ar recipient ...
.Sh DESCRIPTION
.Nm
is the part of
.Xr sendmail 8
that people use.
What starts with a dash is classic sendmail's and sends a message; a word is a command, and an unknown one is an error,
never a recipient.
.Bl -tag -width Ds
"#;

const BEFORE_OPTIONS: &str = r#".It Fl -help , Fl -version
Show a help text, or the version.
.El
.Pp
.Cm login
shows a page and a code to type there, on any device, waits until that is done, keeps what Microsoft grants, and adds
the account to the configuration.
At a terminal it offers to send a test message; elsewhere it asks nothing.
The address is only needed to make sure that it is this one.
.Pp
.Cm mailq
lists the outbox: when each message was accepted, from whom and to whom, where it stands, and what was said to the last
attempt.
An
.Ar id
may be cut short as long as it is the only one that begins so.
.Bl -tag -width Ds
.It Cm outbox show Ar id
Show where a message stands, and its header.
.It Cm outbox retry Ar id
Try it now.
One that was perhaps sent is tried with
.Fl -duplicate-possible
only: look into Sent Items first.
.It Cm outbox drop Ar id
Give it up.
.It Cm outbox run
Try all that are due, of those that were tried before one a minute.
The timer
.Pa outlook-sendmail-queue.timer
does so:
.Dl $ systemctl --user enable --now outlook-sendmail-queue.timer
.El
.Pp
A message waits a minute after its first attempt, then longer, up to an hour; hours where a quota is used up.
After five days it is listed as failed.
Once sending works, one mail tells
.Li local_mail_to ,
or the account, of all that failed.
Messages of one thread go out in their order, others pass them.
.Pp
The options of the commands:
.Bl -tag -width Ds
"#;

const STORES: &str = r#"Either
.Cm secret-service ,
the desktop's keyring, or
.Cm file ,
a file only its user can read.
"#;

const BEFORE_LATER: &str = r#".El
.Pp
These are reserved and not in this version:
"#;

const TAIL: &str = r#".Ss The client id
Microsoft lets a program sign in only under a registered client id, and none is shipped with this program unless a
distributor built one in.
To register one:
.Bl -enum
.It
Sign in at
.Lk https://entra.microsoft.com
with an account that has a directory: a work or school account, or a free Azure sign-up.
.It
Under App registrations make a new one, for personal Microsoft accounts, or for any directory and personal accounts,
without a redirect URI.
.It
Under Authentication, allow public client flows.
.It
Under API permissions add the delegated permissions
.Li SMTP.Send
and
.Li offline_access
of Microsoft Graph.
.It
Copy the application (client) ID, and give it to
.Cm login Fl -client-id .
.El
.Pp
One registration serves any number of accounts and machines.
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev OUTLOOK_SENDMAIL_CONFIG
The configuration file to use, unless
.Fl -config
names one.
.It Ev XDG_CONFIG_HOME , Ev XDG_STATE_HOME
Where configuration and state are kept otherwise.
.It Ev DBUS_SESSION_BUS_ADDRESS
Where the keyring is reached.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/outlook-sendmail/config.toml
The configuration, in TOML.
An unknown key is an error.
.It Pa ~/.local/state/outlook-sendmail
Locks, the outbox and, with
.Cm store = Qq file ,
the grants.
.El
.Sh EXIT STATUS
That of
.Xr sendmail 8 .
.Sh EXAMPLES
Sign in, and send something:
.Pp
.Dl $ outlook-sendmail login me@outlook.com --client-id 00000000-0000-0000-0000-000000000000
.Dl $ echo Subject: it works | sendmail me@outlook.com
.Pp
The configuration this writes, with a name and another address of the same mailbox added by hand:
.Bd -literal -offset indent
[accounts.me]
address = "me@outlook.com"
client_id = "00000000-0000-0000-0000-000000000000"
name = "Some One"
send_as = ["alias@outlook.com"]
.Ed
.Sh SEE ALSO
.Xr sendmail 8
.Sh SECURITY CONSIDERATIONS
No password is ever asked for or kept.
What is kept is a grant to send mail as the account, which Microsoft's account page takes back.
Whoever can read it can send in its owner's name.
It goes to Microsoft's sign-in service only, over TLS with the certificate verified, and so does the mail to its server.
.Pp
The configuration must belong to its user or root, and nobody else may write to it; the same holds for the alias file.
Only
.Fl -config
and the environment choose it, never a flag of
.Xr sendmail 8 ,
and the environment does not count when real and effective user or group differ.
.Pp
Transcripts and log records show neither tokens nor codes.
"#;

#[test]
fn the_committed_manual_of_the_tool_is_the_generated_one() {
    compare("man/outlook-sendmail.1", &page(), "UPDATE_MAN");
}

#[test]
fn every_store_is_described() {
    for word in StoreKind::WORDS {
        assert!(STORES.contains(&format!(".Cm {word}")), "{word}");
    }
}
