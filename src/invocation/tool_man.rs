//! man/outlook-sendmail.1, generated: commands and options from their tables. A test keeps the committed page up to date
//! (UPDATE_MAN=1 rewrites it).

use super::commands::OPTIONS;
use super::help::offered;
use super::man::{compare, sentence, wrapped};
use super::replies_man;
use crate::commands::REGISTRATION_STEPS;
use crate::status::State;
use crate::world::STORES;

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
            page.push_str(&stores());
        }
    }
    page.push_str(".El\n");
    page.push_str(BEFORE_STEPS);
    for step in REGISTRATION_STEPS {
        page.push_str(&format!(".It\n{}\n", step.replace(". ", ".\n")));
    }
    page.push_str(BEHIND_STEPS);
    page.push_str(&replies_man::section());
    page.push_str(EXAMPLES_AND_ON);
    page.lines().map(wrapped).collect()
}

/// `[ADDRESS]`, or `ID`, in mdoc.
fn synopsis(operands: &[&str]) -> String {
    let written = operands.iter().map(|operand| match *operand {
        "ADDRESS" => " Oo Ar address Oc".to_owned(),
        "ARGUMENTS" => " Oo Ar arguments Oc".to_owned(),
        operand if operand.contains('|') => format!(" Cm {}", operand.replace('|', " | ")),
        operand => format!(" Ar {}", operand.to_lowercase()),
    });
    written.collect()
}

const HEAD: &str = r#".\" Generated from src/invocation/{commands,tool_man}.rs: UPDATE_MAN=1 cargo test committed
.Dd November 23, 2026
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
With
.Fl -browser
it opens a browser instead, as organisations that do not allow codes want it; without one here, the page may be opened
elsewhere and the address it ends at pasted.
Without a client id it shows how to get one and waits for it.
At a terminal it offers to send a test message; elsewhere it asks nothing.
The address is only needed to make sure that it is this one: another mailbox's sign-in is kept only if its person says so
at the terminal; elsewhere nothing is changed, and the exit status is 77.
.Pp
Before anything is shown, the store is tried by writing to it.
Where there is no keyring, a file is offered at a terminal; elsewhere
.Fl -store Cm file
asks for it.
.Pp
Then the sign-in is tried at the account's server; what that refuses is told, in the exit status too, and what was
granted is kept all the same.
Where Microsoft has switched SMTP off for the mailbox, a second sign-in for Microsoft Graph is offered, which
.Fl -transport Cm graph
asks for at once.
Options that differ from what the configuration says are changed there; everything else in the file stays as it is.
With a
.Fl -tenant
other than
.Cm consumers
a new account is one of Microsoft 365.
.Pp
An account with
.Cm auth = Qq password ,
of a server that takes passwords, is written by hand with its
.Cm provider
and
.Cm host ;
.Cm login
then asks for the password, or reads it from the first line of standard input.
Outlook.com itself takes none.
.Pp
.Cm logout
forgets everything that is kept for the account and leaves the configuration as it is.
.Pp
.Cm status
shows every account of the configuration: whether it is signed in and since when, when the sign-in lapses if nobody uses
it, what became of the last message, and which other addresses the server accepted or refused.
Nothing is asked of the network: what Microsoft would say is told by the last message and the last renewal.
.Pp
.Cm renew
uses every sign-in, so that none lapses: Microsoft ends one that was not used for 90 days.
.Cm login
lets systemd run it every week
.Pq Pa outlook-sendmail-renew.timer ,
where it is installed; elsewhere cron can.
Without a terminal it tries for up to five minutes again what may pass by itself, such as a network that is away.
A renewal that failed otherwise is logged as an error, makes the unit fail, is shown by
.Cm status ,
and is told once to whoever next uses a command at a terminal.
.Pp
.Cm test
sends a real message to the account's own address, or to the one given, the way every message goes, and tells each step
with the time since the start: configuration, access token, connection, encryption, sign-in, recipient, and Outlook's
words.
.Pp
.Cm explain
takes the arguments of
.Xr sendmail 8
and a message on standard input, and sends nothing.
It prints the account and what chose it, the envelope, the header as it would leave, and what becomes of the body.
A field is marked
.Ql ~
when it changes,
.Ql +
when it is added and
.Ql -
when it is left out, and the lines below that start with
.Ql |\&
say why.
Neither the network nor the store is asked, and a call that sendmail would refuse before it connects is refused in the
same words.
Only a
.Fl -config
that stands before those arguments is its own.
.Pp
.Cm doctor
looks at what has to work for mail to get out, a line for each thing, and names the remedy where one does not: the
configuration, certificates, names, ports, the clock, encryption, the store, the sign-in, who gets root's mail, which
program
.Pa /usr/sbin/sendmail
is, and what PHP and git are set to.
It sends nothing and does not sign in to the submission server; it does renew the sign-in, as that is the only way to know
that Microsoft still honours it.
No check takes longer than five seconds.
.Pp
With
.Fl -system ,
.Cm login ,
.Cm logout ,
.Cm status ,
.Cm renew ,
.Cm test ,
.Cm doctor ,
.Cm mailq
and
.Cm outbox
are about this machine's account, which every user without one of his own sends through.
Only root signs it in and out.
.Cm login Fl -system
writes
.Pa /etc/outlook-sendmail/config.toml ,
hands the sign-in to the machine's mail service, which has to run, keeps nothing of it, and has everything sent that waited
for it.
.Cm test Fl -system
shows the conversation as the service tells it.
Without
.Fl -system ,
.Cm status
shows the machine's account too, where there is one.
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

/// The kinds of store, from their rows.
fn stores() -> String {
    let rows = STORES.map(|row| {
        let manual = row.manual.replace(" secret_command ", "\n.Li secret_command\n");
        format!(".Cm {} ,\n{manual}", row.word)
    });
    format!("One of\n{}.\n", rows.join(";\n"))
}

const BEFORE_STEPS: &str = r#".Ss The client id
Microsoft lets a program sign in only under a registered client id, and none is shipped with this program unless a
distributor built one in.
To register one:
.Bl -enum
"#;

const BEHIND_STEPS: &str = r#".El
.Pp
Give it to
.Cm login Fl -client-id .
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
.It Pa /etc/outlook-sendmail/config.toml
The configuration of this machine's account; everybody may read it.
.It Pa /var/lib/outlook-sendmail
Its sign-in and outbox, the service's alone.
.It Pa /etc/outlook-sendmail/sealing-key.cred
The key of that sign-in, which only systemd on this machine can open.
.It Pa /run/outlook-sendmail/submit.sock
Where the service takes messages.
.It Pa ~/.local/state/outlook-sendmail
Locks, what
.Cm status
remembers, the new Message-IDs of the last month, the outbox and, with
.Cm store = Qq file ,
the grants.
.El
.Sh EXIT STATUS
That of
.Xr sendmail 8 .
.Pp
.Cm status
ends with the worst of its accounts' states, 75 being the least:
.Bl -tag -width Ds
.It 0
Every account can send.
.It 75
It passes, or it can wait: the keyring is locked or does not answer, or the sign-in lapses within 14 days because it is
not being renewed.
.It 77
Somebody has to sign in: nobody did, the sign-in was revoked or has lapsed, or Outlook refuses it.
.It 78
The configuration, the client id or the store is wrong, or there is no account.
.It Other
The last renewal, or the last message, failed with it, and so would every message.
.El
.Pp
.Cm renew
ends with 0 when every sign-in was renewed.
Accounts nobody signed in to and those with a password are left out.
It ends with 75 when that may work later, with 69 when it has not worked for 14 days, otherwise with the status a message
would end with.
.Pp
.Cm doctor
ends with 0 when nothing fails, warnings aside, else with the status that the first failing check would give a message:
78 for the configuration, 77 for the sign-in, 76 for encryption, 75 for what passes by itself.
.Sh JSON
.Cm status Fl -json
writes one object.
Every key is always there, and what is not known is
.Li null ;
later versions may add keys.
Times are UTC, as in
.Li 2026-11-23T08:00:00Z .
.Bl -tag -width Ds
.It Li version
1, until a key changes its meaning.
.It Li at
When this was found.
.It Li status
The exit status.
.It Li problem
Why there are no accounts to tell of.
.It Li accounts
An array of objects, by name, with these keys:
.Bl -tag -width Ds
.It Li name , address , default , system
Which account; whether it is used when nothing else decides; whether it is the machine's.
.It Li state
One of
.Li signed-in , lapses-soon , renewal-fails , blocked , sign-in-needed , store-away .
.It Li status , problem
The account's part in the exit status, and the line that says why.
.It Li signed_in_at , renewed_at , lapses_at , days_left
The sign-in's times, and the days until it lapses unless it is used, counting the one that has begun.
.It Li store , auth , transport , host , port
As in the configuration.
.It Li key
Where the key of a sealed store is:
.Li credential ,
one of systemd's, or
.Li beside ,
a file in the same folder.
.It Li from
The addresses it may send as, its own first.
.It Li send_as
What the server last said of the others: an array of objects with
.Li address , accepted_at , refused_at .
.It Li sent_at
When the last message was sent.
.It Li failure , renewal_failure
The last message that failed, and the last renewal if it failed: an object with
.Li at , status ,
.Li dsn
.Pq the enhanced status
and
.Li line .
.It Li outbox , outbox_failed , outbox_perhaps_sent
How many messages wait, have failed, and were perhaps sent: all of them, of the machine's account the asker's own.
Told with one of the accounts that share an outbox.
.It Li pace
How many messages at once are
.Li used
of the
.Li limit .
.El
.El
"#;

const EXAMPLES_AND_ON: &str = r#".Sh EXAMPLES
Sign in, and send something:
.Pp
.Dl $ outlook-sendmail login me@outlook.com --client-id 00000000-0000-0000-0000-000000000000
.Dl $ outlook-sendmail test
.Dl $ echo Subject: it works | sendmail me@outlook.com
.Pp
See what would become of a message:
.Pp
.Dl $ outlook-sendmail explain -t < message
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
.Xr outlook-sendmail.toml 5 ,
.Xr sendmail 8
.Sh CAVEATS
Some mailboxes, those made since 2026 among them, have SMTP switched off and send only through Microsoft Graph.
For them run
.Cm login Fl -transport Cm graph :
it is a sign-in of its own, and the one for SMTP is kept beside it.
Graph differs:
.Bl -bullet
.It
It has no envelope.
A message whose header names anybody it is not addressed to, such as one that is forwarded or resent, is refused.
.It
A message has at most 3 MB, attachments encoded.
.It
Outlook parses the message and writes it anew: signatures may break, and Message-ID and Date may be replaced.
.It
From may become the primary address, whatever
.Cm send_as
says.
.It
There are no delivery status notifications.
.It
202 means that Outlook has accepted the message; a recipient it does not know comes back as a message to the mailbox.
.El
.Pp
Over either transport Outlook keeps a copy in Sent Items.
.Sh SECURITY CONSIDERATIONS
Microsoft's password is never asked for or kept, and no password of an account without
.Cm auth = Qq password .
What is kept is a grant to send mail as the account, which Microsoft's account page takes back.
Whoever can read it can send in its owner's name.
It goes to Microsoft's sign-in service only, over TLS with the certificate verified, and so does the mail to its server.
.Pp
The configuration must belong to its user or root, and nobody else may write to it; the same holds for the alias file,
and for every folder and link on the way to either, to the secrets and to the state.
Only
.Fl -config
and the environment choose it, never a flag of
.Xr sendmail 8 ,
and the environment does not count when real and effective user or group differ.
.Pp
Transcripts and log records show neither tokens nor codes nor passwords, also where a server repeats them.
.Ss This machine's account
The sign-in is kept by a service with a user of its own,
.Li outlook-sendmail .
Nobody else can read it: not root's cron jobs, not the web server, not a unit with
.Li DynamicUser=yes .
They hand their messages over at
.Pa /run/outlook-sendmail/submit.sock ;
who they are, the kernel says.
.Bl -tag -width Ds
.It Every user
May connect, and send as far as
.Li allow
in the configuration names him or a group of his, or is not there.
Nobody chooses the account's server, store or sign-in, by whatever argument, environment or file of his own.
He lists, shows, retries and drops his own waiting messages, may have sent what is due, may have the sign-in renewed once
an hour, and sees how the account stands: address, sign-in, pace, and that a message failed, not which.
He has 8 messages under way at a time and a fifth of the outbox.
.It Root
May look after everybody's messages, and signs in and out; to send he has to be in
.Li allow
like everybody.
What root sends before the service runs is left in
.Pa /var/spool/outlook-sendmail ,
which only root and the service can enter.
.It The service
Has the grant, every waiting message, and the network; no home folders, no other user's files, no privileges.
Each message is read by a process of its own, so that a hostile one harms no other.
.It Whoever copies its folder
Has the messages that wait.
The grant is encrypted under a key that systemd keeps
.Pq the TPM's or the machine's own ;
without systemd the key lies beside it, and
.Cm status
says which it is.
.It Whoever is root
Can do everything, as everywhere.
.El
"#;

#[test]
fn the_committed_manual_of_the_tool_is_the_generated_one() {
    compare("man/outlook-sendmail.1", &page(), "UPDATE_MAN");
}

#[test]
fn every_state_is_described() {
    for state in State::ALL {
        assert!(BEHIND_STEPS.contains(state.word()), "{}", state.word());
    }
}

#[test]
fn every_store_is_described() {
    let committed = include_str!("../../man/outlook-sendmail.toml.5").replace('\n', " ");
    for row in STORES {
        assert!(stores().contains(&format!(".Cm {} ,", row.word)), "{}", row.word);
        let start = row.manual.split(" secret_command").next().unwrap();
        assert!(committed.contains(&format!("{} is {start}", row.word)), "{}", row.word);
    }
}
