//! Threads as real programs mean them and as another real program finds them in what arrived, from an Outlook that gives
//! every message a new Message-ID.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use harness::fixture::Sent;
use harness::system::System;
use harness::{Machine, SOON, installed, run};
use serde_json::Value;
use stand_in::{Options, Received};

/// How a series is threaded: what format-patch is told, and send-email.
#[derive(Clone, Copy)]
struct Style {
    format: &'static str,
    send: &'static [&'static str],
}

const SHALLOW: Style = Style { format: "--thread=shallow", send: &["--no-thread"] };
const DEEP: Style = Style { format: "--thread=deep", send: &["--no-thread"] };
/// Its own way, without any help from format-patch.
const SEND_EMAIL: Style = Style { format: "--no-thread", send: &["--thread"] };

/// A repository with ten patches.
struct Series<'a> {
    machine: &'a Machine,
    repository: PathBuf,
}

impl<'a> Series<'a> {
    fn new(machine: &'a Machine) -> Option<Self> {
        if !["git", "perl", "notmuch"].iter().all(|program| installed(program)) {
            return None;
        }
        let series = Self { machine, repository: machine.folder.path().join("series") };
        fs::create_dir(&series.repository).unwrap();
        series.git(&["init", "--quiet", "--initial-branch=main"]);
        for number in 0..=10 {
            fs::write(series.repository.join("file"), format!("line {number}\n").repeat(20)).unwrap();
            series.git(&["add", "file"]);
            series.git(&["commit", "--quiet", "--message", &format!("Patch {number}")]);
        }
        Some(series)
    }

    fn git(&self, arguments: &[&str]) -> String {
        // Debian's: another git may come without send-email.
        let mut command = self.machine.command("/usr/bin/git");
        command.current_dir(&self.repository).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Alice Example").env(format!("GIT_{role}_EMAIL"), "me@outlook.com");
        }
        let ended = run(command.args(arguments), b"");
        assert_eq!(ended.status, 0, "git {arguments:?}: {}{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    /// Writes `count` patches and a cover letter, and gives their files.
    fn format(&self, style: Style, version: &str, count: usize, more: &[&str]) -> Vec<String> {
        let since = format!("HEAD~{count}");
        let mut arguments = vec!["format-patch", "--cover-letter", style.format, version, &since];
        arguments.extend(more);
        let files: Vec<_> = self.git(&arguments).lines().map(str::to_owned).collect();
        assert_eq!(files.len(), count + 1);
        let cover = self.repository.join(&files[0]);
        let text = fs::read_to_string(&cover).unwrap().replace("*** SUBJECT HERE ***", "Cover letter");
        fs::write(cover, text.replace("*** BLURB HERE ***", "text")).unwrap();
        files
    }

    /// Sends files, and gives the Message-ID that git says the first one has.
    fn send(&self, style: Style, sendmail: &Path, files: &[String], more: &[&str]) -> String {
        let server = format!("--smtp-server={}", sendmail.display());
        let mut arguments = vec!["send-email", "--confirm=never", "--suppress-cc=all", "--to=bob@example.com", &server];
        arguments.extend(style.send);
        arguments.extend(more);
        arguments.extend(files.iter().map(String::as_str));
        let said = self.git(&arguments);
        let id = said.lines().find_map(|line| line.strip_prefix("Message-I").and_then(|line| line.split_once(": ")));
        id.expect("git names the Message-ID").1.to_owned()
    }

    /// A series, and later its second version as an answer to the first one's cover letter.
    fn send_both(&self, style: Style, sendmail: &Path) {
        let _ = run(self.machine.command("/bin/sh").args(["-c", "rm -f *.patch"]).current_dir(&self.repository), b"");
        let files = self.format(style, "-v1", 10, &[]);
        let cover = self.send(style, sendmail, &files, &[]);
        // Ids that format-patch makes have the second in them.
        thread::sleep(Duration::from_millis(1100));
        let in_reply_to = format!("--in-reply-to={cover}");
        // What threads itself takes it where the files are made, as git's manual says.
        let (at_format, at_send): (&[&str], &[&str]) =
            if style.send == ["--no-thread"] { (&[&in_reply_to], &[]) } else { (&[], &[&in_reply_to]) };
        let files = self.format(style, "-v2", 3, at_format);
        self.send(style, sendmail, &files, at_send);
    }

    /// The tree git means: what it hands over, found by notmuch.
    fn meant(&self, style: Style) -> String {
        let folder = self.repository.join("handed-over");
        fs::create_dir_all(&folder).unwrap();
        let spy = self.repository.join("spy");
        fs::write(&spy, format!("#!/bin/sh\nexec cat > \"$(mktemp {}/XXXXXX)\"\n", folder.display())).unwrap();
        fs::set_permissions(&spy, fs::Permissions::from_mode(0o755)).unwrap();
        self.send_both(style, &spy);
        let messages = fs::read_dir(&folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        tree(self.machine, messages)
    }

    /// The tree that arrives.
    fn arriving(&self, style: Style) -> String {
        self.send_both(style, &self.machine.program("sendmail"));
        tree(self.machine, delivered(self.machine))
    }
}

/// Everything that arrived, with the Message-ID Outlook gave it.
fn delivered(machine: &Machine) -> Vec<Vec<u8>> {
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    machine.outlook.smtp.received().iter().map(as_delivered).collect()
}

fn as_delivered(received: &Received) -> Vec<u8> {
    let text = received.text();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<String> = header.split("\r\n").map(str::to_owned).collect();
    let own = lines.iter_mut().find(|line| line.to_ascii_lowercase().starts_with("message-id:")).unwrap();
    *own = format!("Message-ID: {}\r\nX-Microsoft-Original-{own}", received.new_message_id);
    format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()
}

/// What notmuch makes of these messages: each thread as its subjects, with the answers in brackets.
fn tree(machine: &Machine, messages: Vec<Vec<u8>>) -> String {
    let mail = tempfile::tempdir().unwrap();
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir(mail.path().join(folder)).unwrap();
    }
    for (number, message) in messages.iter().enumerate() {
        fs::write(mail.path().join("new").join(number.to_string()), message).unwrap();
    }
    let config = mail.path().join("config");
    let text = format!("[database]\npath={}\n[user]\nprimary_email=me@outlook.com\n", mail.path().display());
    fs::write(&config, text + "[new]\nignore=config\n").unwrap();
    let notmuch = |arguments: &[&str]| {
        let ended = run(machine.command("/usr/bin/notmuch").env("NOTMUCH_CONFIG", &config).args(arguments), b"");
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        ended.stdout
    };
    notmuch(&["new", "--quiet"]);
    assert_eq!(notmuch(&["count", "*"]).trim(), messages.len().to_string(), "each has an id of its own");
    let threads = notmuch(&["show", "--format=json", "--entire-thread=true", "--body=false", "*"]);
    let threads: Value = serde_json::from_str(&threads).unwrap();
    let mut threads: Vec<_> = threads.as_array().unwrap().iter().map(answers).collect();
    threads.sort();
    threads.join("\n")
}

fn answers(nodes: &Value) -> String {
    let mut answers: Vec<_> = nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            let subject = node[0]["headers"]["Subject"].as_str().unwrap();
            let answers = answers(&node[1]);
            if answers.is_empty() { subject.to_owned() } else { format!("{subject} ({answers})") }
        })
        .collect();
    answers.sort();
    answers.join(", ")
}

fn machine(change: impl FnOnce(&mut Options), config: &[(&str, &str)]) -> Machine {
    let config: Vec<_> = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Machine::with(change, &config)
}

fn a_series_stays_one_thread(style: Style) -> String {
    let machine = machine(|_| {}, &[]);
    let Some(series) = Series::new(&machine) else { return String::new() };
    let meant = series.meant(style);
    assert!(meant.starts_with("[PATCH v1 00/10] Cover letter (") && !meant.contains('\n'), "{meant}");
    assert_eq!(series.arriving(style), meant);
    meant
}

#[test]
fn a_shallow_series_of_git_and_its_reroll_stay_one_thread() {
    let meant = a_series_stays_one_thread(SHALLOW);
    assert!(meant.is_empty() || meant.matches('(').count() == 2, "{meant}");
}

#[test]
fn a_deep_series_of_git_and_its_reroll_stay_one_thread() {
    let meant = a_series_stays_one_thread(DEEP);
    assert!(meant.is_empty() || meant.matches('(').count() > 10, "{meant}");
}

#[test]
fn a_series_that_send_email_threads_and_its_reroll_stay_one_thread() {
    a_series_stays_one_thread(SEND_EMAIL);
}

#[test]
fn without_repair_the_cover_letter_is_lost() {
    let machine = machine(|_| {}, &[("message_ids", "\"leave\"")]);
    let Some(series) = Series::new(&machine) else { return };
    let arrived = series.arriving(SHALLOW);
    assert_ne!(arrived, series.meant(SHALLOW));
    assert!(arrived.lines().any(|thread| thread == "[PATCH v1 00/10] Cover letter"), "{arrived}");
}

#[test]
fn where_ids_are_kept_nothing_is_changed() {
    let machine = machine(|options| options.keep_message_id = true, &[]);
    let Some(series) = Series::new(&machine) else { return };
    assert_eq!(series.arriving(DEEP), series.meant(DEEP));
    let records = machine.state().join("outlook-sendmail/records");
    let records = fs::read_dir(records).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(records.filter(|name| name.starts_with("message-ids")).count(), 0, "there was nothing to remember");
}

/// Its copy of what it sent has the id Outlook took away.
#[test]
fn mutt_answers_its_own_message() {
    if !["mutt", "script", "notmuch"].iter().all(|program| installed(program)) {
        return;
    }
    let machine = machine(|_| {}, &[]);
    let folder = machine.folder.path();
    let sent = folder.join("sent");
    let settings = format!(
        "set sendmail=\"{} -oem -oi\" from=me@outlook.com use_from=yes copy=yes record={} folder={} tmpdir={}\n\
         set editor=true abort_unmodified=no autoedit=yes fast_reply=yes include=yes use_envelope_from=no\n",
        machine.program("sendmail").display(),
        sent.display(),
        folder.display(),
        folder.display(),
    );
    fs::write(folder.join("muttrc"), settings).unwrap();
    let send = "mutt -n -F muttrc -s 'A question' -- bob@example.com < /dev/null";
    let ended = run(machine.command("/bin/sh").current_dir(folder).args(["-c", send]), b"");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let answer = format!("mutt -n -F muttrc -f {} -e 'push <reply><send-message><exit>'", sent.display());
    let mut command = machine.command("/usr/bin/script");
    command.current_dir(folder).env("TERM", "vt100").args(["--quiet", "--return", "--command", &answer, "/dev/null"]);
    let ended = command.stdin(Stdio::null()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert_eq!(tree(&machine, delivered(&machine)), "A question (Re: A question)");
}

/// The id a message went out with, and what it says of another one.
fn plain(id: &str, refers_to: Option<&str>) -> Vec<u8> {
    let refers_to = refers_to.map(|id| format!("In-Reply-To: {id}\nReferences: <elsewhere@example.org>\n {id}\n"));
    let refers_to = refers_to.unwrap_or_default();
    format!("Message-ID: {id}\n{refers_to}Subject: {id}\nTo: bob@example.com\n\ntext\n").into_bytes()
}

/// What Outlook made of each message, by the id it had, and what it says of others.
fn arrived(machine: &Machine) -> Vec<(String, String, String)> {
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    let entries = machine.outlook.smtp.received().into_iter().map(|received| {
        let sent = Sent::parse(&received.data);
        let field = |name: &str| sent.field(name).unwrap_or_default().to_owned();
        assert_eq!(field("References").replace("<elsewhere@example.org> ", ""), field("In-Reply-To"));
        (field("Message-ID"), received.new_message_id, field("In-Reply-To"))
    });
    entries.collect()
}

fn new_id<'a>(arrived: &'a [(String, String, String)], id: &str) -> &'a str {
    &arrived.iter().find(|(own, ..)| own == id).unwrap().1
}

#[test]
fn many_senders_at_once_remember_for_each_other() {
    let machine = machine(|_| {}, &[]);
    let at_once = |round: usize, to: Option<usize>| {
        thread::scope(|scope| {
            for number in 0..10 {
                let to = to.map(|to| format!("<{to}.{number}@host>"));
                let message = plain(&format!("<{round}.{number}@host>"), to.as_deref());
                let machine = &machine;
                scope.spawn(move || machine.sendmail(["-t"], &message).assert_silent_success());
            }
        });
    };
    at_once(0, None);
    at_once(1, Some(0));
    let arrived = arrived(&machine);
    for number in 0..10 {
        let answer = arrived.iter().find(|(id, ..)| *id == format!("<1.{number}@host>")).unwrap();
        assert_eq!(answer.2, new_id(&arrived, &format!("<0.{number}@host>")));
    }
}

#[test]
fn users_of_the_system_account_do_not_answer_for_each_other() {
    let Some(system) = System::start(&[]) else { return };
    system.machine.outlook.smtp.forget();
    let (www_data, nobody) = (33, 65_534);
    for user in [www_data, nobody] {
        system.sendmail(user, &["-t"], &plain("<1@host>", None)).assert_silent_success();
    }
    for user in [nobody, www_data, 0] {
        let id = format!("<{user}@host>");
        system.sendmail(user, &["-t"], &plain(&id, Some("<1@host>"))).assert_silent_success();
    }
    let arrived = arrived(&system.machine);
    let referred: Vec<_> = arrived.iter().map(|(_, _, refers_to)| refers_to.as_str()).collect();
    assert_eq!(referred, ["", "", &arrived[1].1, &arrived[0].1, "<1@host>"]);
}

#[test]
fn explain_shows_what_is_mended() {
    let machine = machine(|_| {}, &[]);
    machine.sendmail(["-t"], &plain("<1@host>", None)).assert_silent_success();
    let new = arrived(&machine)[0].1.clone();
    let explained = machine.run_as("outlook-sendmail", ["explain", "-t"], &plain("<2@host>", Some("<1@host>")));
    assert_eq!(explained.status, 0, "{}", explained.stderr);
    let told = explained.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("Outlook gave the message it refers to another Message-ID"), "{}", explained.stdout);
    assert!(told.matches(&new).count() >= 2 && told.contains("<1@host>"), "{}", explained.stdout);
    assert_eq!(machine.outlook.smtp.received().len(), 1, "nothing is sent");
}
