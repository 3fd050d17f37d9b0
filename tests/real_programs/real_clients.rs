//! Programs people send mail with, unchanged, with ours as their sendmail: what they send arrives, and once.

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::mime::Arrived;
use harness::{ACCOUNT, Machine, Run, SOON, installed, run, skipped};
use stand_in::{Dialogue, Received};

/// One script of `tests/clients`.
struct Client {
    name: &'static str,
    /// What it runs, as seen from /usr/bin or so.
    needs: &'static [&'static str],
    from: From,
    subject: &'static str,
    /// What it puts behind the body.
    adds: &'static str,
    /// Its exit status when sendmail's is this.
    failed: fn(i32) -> i32,
    line: Line,
    /// What it says itself when sendmail's exit status is this.
    says: fn(i32) -> String,
}

/// What its From is, and becomes.
enum From {
    /// The account's own address: it stays.
    Own,
    /// Somebody else's.
    Foreign { display: &'static str, original: &'static str, reply_to: &'static str },
    /// It has none.
    Missing,
}

/// What becomes of our line on standard error.
enum Line {
    Shown,
    /// The client closes it, or reads it and keeps it to itself.
    Lost,
}

const PHP: Client = Client {
    name: "php",
    needs: &["php"],
    from: WEB_SHOP,
    subject: "php grüße",
    adds: "\n",
    failed: |_| 1,
    line: Line::Shown,
    says: |_| String::new(),
};
const PHP_FPM: Client = Client {
    name: "php-fpm",
    needs: &["php-fpm8.2", "cgi-fcgi"],
    subject: "php-fpm grüße",
    says: |_| "[pool pool] child ".to_owned(),
    ..PHP
};
const WEB_SHOP: From = From::Foreign {
    display: "Web Shop",
    original: "Web Shop <shop@example.com>",
    reply_to: "Web Shop <shop@example.com>",
};
const GIT: Client = Client {
    name: "git",
    needs: &["git"],
    from: From::Own,
    subject: "",
    adds: "",
    failed: |status| status,
    line: Line::Shown,
    says: |_| "Died at ".to_owned(),
};
const MUTT: Client = Client {
    name: "mutt",
    needs: &["mutt"],
    subject: "mutt grüße",
    failed: |_| 1,
    says: |status| format!("Error sending message, child exited {status} ("),
    ..GIT
};
const BSD_MAILX: Client = Client {
    name: "bsd-mailx",
    needs: &["bsd-mailx"],
    from: From::Missing,
    subject: "mailx grüße",
    failed: |_| 1,
    says: |status| format!("sendmail process failed with error code {status}"),
    ..GIT
};
const S_NAIL: Client = Client {
    name: "s-nail",
    needs: &["s-nail"],
    subject: "s-nail grüße",
    failed: |_| 4,
    says: |_| "message not sent".to_owned(),
    ..GIT
};
const MAILUTILS: Client = Client {
    name: "mailutils",
    needs: &["mail.mailutils"],
    subject: "mailutils grüße",
    failed: |_| 1,
    line: Line::Lost,
    says: |_| "cannot send message: Process exited with a non-zero status\ndead.letter: From ".to_owned(),
    ..GIT
};
const MIME_LITE: Client = Client {
    name: "mime-lite",
    needs: &["perl", "../share/perl5/MIME/Lite.pm"],
    subject: "mime-lite grüße",
    says: |status| format!("(exit {})", status << 8),
    ..GIT
};
const EMAIL_SENDER: Client = Client {
    name: "email-sender",
    needs: &["perl", "../share/perl5/Email/Sender.pm"],
    subject: "email-sender grüße",
    says: |_| "error when closing pipe to sendmail".to_owned(),
    ..GIT
};
const NODEMAILER: Client = Client {
    name: "nodemailer",
    needs: &["node", "../share/nodejs/nodemailer"],
    subject: "nodemailer grüße",
    failed: |_| 1,
    line: Line::Lost,
    says: |status| format!("Sendmail exited with code {status}"),
    ..GIT
};

/// What every client says: `tests/clients/body`.
fn body() -> String {
    fs::read_to_string(clients().join("body")).unwrap()
}

fn clients() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients"))
}

impl Client {
    fn is_here(&self) -> bool {
        self.needs.iter().all(|program| installed(program))
    }

    fn run(&self, machine: &Machine) -> Run {
        if self.name == PHP_FPM.name {
            machine.hand_to("www-data");
        }
        let mut command = machine.command(clients().join(self.name));
        run(
            command.arg(machine.program("sendmail")).env("CLIENT_REPOSITORY", machine.folder.path().join("series")),
            b"",
        )
    }

    fn sends_what_it_was_given(&self) {
        if !self.is_here() {
            return;
        }
        let machine = Machine::new();
        let ended = self.run(&machine);
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{}", machine.outlook.smtp.transcript());
        assert!(machine.outlook.smtp.wait_until_idle(SOON));
        let received = machine.outlook.smtp.received_whole();
        assert_eq!(received.len(), 1);
        let arrived = self.check(&received[0]);
        assert_eq!(arrived.text("Subject").as_deref(), Some(self.subject));
        assert_eq!(arrived.body_text(), body() + self.adds);
    }

    /// What holds for every message of every client.
    fn check(&self, received: &Received) -> Arrived {
        assert!(received.is_accepted());
        assert!(received.facts.is_clean(), "{:?}", received.facts);
        assert!(received.mail_from.starts_with(&format!("MAIL FROM:<{ACCOUNT}>")), "{}", received.mail_from);
        let mut recipients = received.recipients();
        recipients.sort();
        assert_eq!(recipients, ["bob@example.com", "carol@example.org", "secret@example.net"]);
        assert!(!received.text().contains("secret@"), "the blind copy shows: {}", received.text());

        let arrived = Arrived::parse(&received.data);
        assert!(arrived.field("To").unwrap().contains("bob@example.com"));
        assert!(arrived.field("Cc").unwrap().contains("carol@example.org"));
        assert_eq!(arrived.field("Bcc"), None);
        assert!(arrived.field("Date").is_some() && arrived.field("Message-ID").is_some());
        let from = arrived.text("From").unwrap();
        match self.from {
            From::Own => {
                assert_eq!(from, format!("Alice Example <{ACCOUNT}>"));
                assert_eq!(arrived.field("X-Original-From"), None);
            }
            From::Foreign { display, original, reply_to } => {
                assert_eq!(from, format!("{display} <{ACCOUNT}>"), "a user's own account says nothing of its caller");
                assert_eq!(arrived.text("X-Original-From").as_deref(), Some(original));
                assert_eq!(arrived.field("Reply-To"), Some(reply_to));
            }
            From::Missing => {
                assert!(from.ends_with(&format!(" <{ACCOUNT}>")), "{from}");
                assert_eq!(arrived.field("X-Original-From"), None);
            }
        }
        arrived
    }

    /// Nobody gets anything, the client says so, and shows our line.
    fn reports(&self, dialogue: &str, status: i32, words: &str) {
        if !self.is_here() {
            return;
        }
        let machine = Machine::with_dialogue(&Dialogue::parse(dialogue).unwrap());
        let ended = self.run(&machine);
        assert_eq!(ended.status, (self.failed)(status), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(&(self.says)(status)), "{:?}", ended.stderr);
        match self.line {
            Line::Shown => {
                assert!(ended.stderr.contains("sendmail: ") && ended.stderr.contains(words), "{}", ended.stderr)
            }
            Line::Lost => assert!(!ended.stderr.contains("sendmail: "), "{}", ended.stderr),
        }
        assert!(machine.outlook.smtp.wait_until_idle(SOON));
        assert_eq!(machine.outlook.smtp.received().len(), 0);
        assert_eq!(machine.outlook.smtp.connections().len(), 1, "a refusal for good is not tried again");
    }

    fn reports_refusals(&self) {
        let denied = include_str!("../dialogues/content-554-send-as-denied.dialogue");
        self.reports(denied, 77, "SendAsDenied");
        self.reports("on rcpt containing \"carol\": 550 5.1.1 No such user\n", 67, "carol@example.org");
    }
}

macro_rules! tests {
    ($($client:ident: $sends:ident, $reports:ident;)+) => {$(
        #[test]
        fn $sends() {
            $client.sends_what_it_was_given();
        }

        #[test]
        fn $reports() {
            $client.reports_refusals();
        }
    )+};
}

tests! {
    PHP: php_sends_what_it_was_given, php_reports_refusals;
    MUTT: mutt_sends_what_it_was_given, mutt_reports_refusals;
    BSD_MAILX: bsd_mailx_sends_what_it_was_given, bsd_mailx_reports_refusals;
    S_NAIL: s_nail_sends_what_it_was_given, s_nail_reports_refusals;
    PHP_FPM: php_fpm_sends_what_it_was_given, php_fpm_reports_refusals;
    MAILUTILS: mailutils_sends_what_it_was_given, mailutils_reports_refusals;
    MIME_LITE: mime_lite_sends_what_it_was_given, mime_lite_reports_refusals;
    EMAIL_SENDER: email_sender_sends_what_it_was_given, email_sender_reports_refusals;
    NODEMAILER: nodemailer_sends_what_it_was_given, nodemailer_reports_refusals;
}

/// Runs cron on one job; `None` when it cannot be.
fn cron(machine: &Machine) -> Option<Run> {
    if !installed("cron") {
        return None;
    }
    if !nix::unistd::geteuid().is_root() {
        skipped("cron runs as root only");
        return None;
    }
    let ended = run(machine.command(clients().join("cron")).arg(machine.program("sendmail")), b"");
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    Some(ended)
}

#[test]
fn cron_mails_what_a_job_says() {
    let machine = Machine::new();
    let Some(ended) = cron(&machine) else { return };
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    // Whatever sendmail says lands among its own messages.
    assert!(ended.stderr.contains("CMD (echo") && !ended.stderr.contains("sendmail: "), "{}", ended.stderr);
    let received = machine.outlook.smtp.received_whole();
    assert_eq!(received.len(), 1);
    assert!(received[0].is_accepted() && received[0].facts.is_clean());
    assert!(received[0].mail_from.starts_with(&format!("MAIL FROM:<{ACCOUNT}>")));
    assert_eq!(received[0].recipients(), ["bob@example.com", "carol@example.org"]);

    let arrived = Arrived::parse(&received[0].data);
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert_eq!(arrived.text("From"), Some(format!("Cron Daemon <{ACCOUNT}>")));
    assert_eq!(arrived.field("X-Original-From"), Some("root (Cron Daemon)"));
    let subject = format!("Cron <root@{host}> echo first line; echo .; echo grüße; echo last line >&2");
    assert_eq!(arrived.text("Subject"), Some(subject));
    assert_eq!(arrived.body_text(), "first line\n.\ngrüße\nlast line\n");
}

#[test]
fn cron_logs_a_refusal() {
    let refusals = [
        (include_str!("../dialogues/content-554-send-as-denied.dialogue"), "SendAsDenied", 77),
        ("on rcpt containing \"carol\": 550 5.1.1 No such user\n", "carol@example.org", 67),
    ];
    for (dialogue, words, status) in refusals {
        let machine = Machine::with_dialogue(&Dialogue::parse(dialogue).unwrap());
        let Some(ended) = cron(&machine) else { return };
        assert_eq!(ended.status, 1);
        assert!(ended.stderr.contains("sendmail: ") && ended.stderr.contains(words), "{}", ended.stderr);
        let logged = format!("bytes of output but got status {status:#06x} from MTA");
        assert!(ended.stderr.contains(&logged), "{logged}: {}", ended.stderr);
        assert_eq!((machine.outlook.smtp.received().len(), machine.outlook.smtp.connections().len()), (0, 1));
    }
}

#[test]
fn git_send_email_reports_refusals_and_stops_the_series() {
    GIT.reports_refusals();
}

#[test]
fn a_series_of_git_send_email_applies_to_the_same_tree_again() {
    if !GIT.is_here() {
        return;
    }
    let machine = Machine::new();
    let ended = GIT.run(&machine);
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{}", machine.outlook.smtp.transcript());
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    let received = machine.outlook.smtp.received_whole();
    assert_eq!(received.len(), 3);
    let arrived: Vec<_> = received.iter().map(|one| GIT.check(one)).collect();
    for (number, patch) in (1..).zip(&arrived) {
        assert_eq!(patch.text("Subject"), Some(format!("[PATCH {number}/3] Patch {number}: grüße")));
    }
    // Readers know the first one by the id that Outlook gave it.
    let first = Some(received[0].new_message_id.as_str());
    assert!(arrived[1..].iter().all(|patch| patch.field("In-Reply-To") == first), "the series is one thread");

    let folder = machine.folder.path();
    git(&machine, folder, &["clone", "--quiet", "--branch=main", "series", "fresh"]);
    let fresh = folder.join("fresh");
    git(&machine, &fresh, &["reset", "--quiet", "--hard", "HEAD~3"]);
    for (number, patch) in received.iter().enumerate() {
        let file = folder.join(format!("patch{number}"));
        fs::write(&file, &patch.data).unwrap();
        git(&machine, &fresh, &["am", "--quiet", file.to_str().unwrap()]);
    }
    let history = ["log", "--format=%T %an <%ae>%n%B"];
    let sent = git(&machine, &folder.join("series"), &history);
    assert_eq!(sent.matches("grüße\n").count(), 6);
    assert_eq!(git(&machine, &fresh, &history), sent);
}

/// What git says in a folder, when it works.
fn git(machine: &Machine, folder: &Path, arguments: &[&str]) -> String {
    let mut command: Command = machine.command("/usr/bin/git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_COMMITTER_NAME", "Somebody Else").env("GIT_COMMITTER_EMAIL", "else@example.org");
    let ended = run(command.args(arguments), b"");
    assert_eq!(ended.status, 0, "git {arguments:?}: {}", ended.stderr);
    ended.stdout
}
