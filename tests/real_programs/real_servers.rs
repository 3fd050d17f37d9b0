//! Postfix and Dovecot, which nobody here wrote, as submission servers: our program, their TLS, their XOAUTH2.
//!
//! The access token comes from the stand-in's token endpoint over HTTPS, as from Microsoft's; the servers ask an
//! introspection endpoint about it, as a real deployment does.

use std::collections::HashMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{fs, thread};

use harness::mime::{Arrived, with_lf};
use harness::{ACCOUNT, Machine, Run, SOON, installed, skipped};
use stand_in::Answer;
use tempfile::TempDir;

/// `tests/servers/submission`, running.
struct Servers {
    folder: TempDir,
    settings: HashMap<String, String>,
}

impl Servers {
    /// Nothing where they cannot be had; that is a failure under CI=true.
    fn start() -> Option<Self> {
        if !["postfix", "dovecot", "openssl", "python3"].into_iter().all(installed) {
            return None;
        }
        if !nix::unistd::geteuid().is_root() {
            skipped("Postfix and Dovecot start as root only");
            return None;
        }
        // Below /tmp whatever TMPDIR says: their sockets need short names.
        let folder = tempfile::Builder::new().prefix("submission").tempdir_in("/tmp").unwrap();
        let started = submission("start", folder.path()).expect("the servers start");
        let settings = started.lines().filter_map(|line| line.split_once('='));
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Self { folder, settings })
    }

    fn setting(&self, name: &str) -> &str {
        self.settings.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.settings))
    }

    fn token(&self) -> String {
        fs::read_to_string(self.setting("token_file")).unwrap().trim().to_owned()
    }

    /// The messages delivered to this recipient, waited for.
    fn mail_to(&self, recipient: &str, count: usize) -> Vec<Vec<u8>> {
        let patience = Instant::now() + SOON;
        loop {
            let mail = self.delivered(recipient);
            if mail.len() >= count || Instant::now() > patience {
                return mail;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn delivered(&self, recipient: &str) -> Vec<Vec<u8>> {
        let header = format!("\nX-Original-To: {recipient}\n");
        let Ok(entries) = fs::read_dir(Path::new(self.setting("mail_dir")).join("new")) else { return Vec::new() };
        let all = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap());
        all.filter(|mail| String::from_utf8_lossy(mail).contains(&header)).collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.setting("log")).unwrap()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        submission("stop", self.folder.path());
    }
}

/// What the script prints, when it works. Daemons keep what they inherit, so it writes to a file.
fn submission(verb: &str, folder: &Path) -> Option<String> {
    let out = tempfile::NamedTempFile::new().ok()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/submission");
    let mut command = Command::new(script);
    command.args([Path::new(verb), folder]).stdin(Stdio::null()).stdout(out.reopen().ok()?);
    let worked = command.status().ok()?.success();
    worked.then(|| fs::read_to_string(out.path()).unwrap_or_default())
}

/// Tests that run at the same time share the servers and take turns with them; the last one out stops them.
fn with_servers(test: impl FnOnce(&Servers)) {
    static RUNNING: Mutex<Weak<Servers>> = Mutex::new(Weak::new());
    static TURN: Mutex<()> = Mutex::new(());
    let servers = {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let servers = running.upgrade().or_else(|| Servers::start().map(Arc::new));
        *running = servers.as_ref().map(Arc::downgrade).unwrap_or_default();
        servers
    };
    if let Some(servers) = servers {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        test(&servers);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Server {
    Postfix,
    Dovecot,
}

const BOTH: [Server; 2] = [Server::Postfix, Server::Dovecot];

impl Server {
    /// A machine whose account is at this server, signed in.
    fn machine(self, servers: &Servers) -> Machine {
        let port = servers.setting(match self {
            Self::Postfix => "postfix_port",
            Self::Dovecot => "dovecot_port",
        });
        let config = [
            ("provider", "\"custom\"".to_owned()),
            ("host", format!("{:?}", servers.setting("hostname"))),
            ("port", port.to_owned()),
        ];
        let config = config.map(|(key, value)| (key.to_owned(), value));
        let machine = Machine::signed_out(|_| {}, &config);
        let both = [machine.outlook.authority.pem(), fs::read_to_string(servers.setting("ca_file")).unwrap()];
        fs::write(&machine.outlook.options().ca_file, both.concat()).unwrap();
        machine.outlook.endpoint.answer_always(Some(granting(&servers.token())));
        seed_grant(&machine);
        machine
    }
}

/// The token endpoint's answer with this access token.
fn granting(token: &str) -> Answer {
    let body = serde_json::json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token });
    Answer::json(200, &body)
}

/// As if somebody had signed in: a grant in the file store, no access token yet.
fn seed_grant(machine: &Machine) {
    let folder: PathBuf = machine.state().join("outlook-sendmail/secrets");
    fs::create_dir_all(&folder).unwrap();
    let grant = serde_json::json!({
        "refresh_token": machine.outlook.refresh_token(),
        "scope": "offline_access openid email",
        "renewed_at": 1_795_000_000,
    });
    let mut file = fs::OpenOptions::new();
    let file = file
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(format!("grant:{}", machine.outlook.options().account.to_lowercase())))
        .unwrap();
    serde_json::to_writer(file, &grant).unwrap();
}

fn send(machine: &Machine, arguments: &[&str], input: &[u8]) -> Run {
    machine.sendmail(arguments.iter().copied(), input)
}

/// The lines we said with -v, and nothing else on any stream.
fn said(run: &Run) -> Vec<&str> {
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    run.stderr.lines().filter_map(|line| line.strip_prefix(">>> ")).collect()
}

const BODY: &str = "Grüße,\n.\n..\n.dotted\nFrom here on\nZwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich, \
     und am Ende dieser langen Zeile steht ein Leerzeichen \n\n-- \nMe\n";

#[test]
fn text_of_eight_bits_with_dots_arrives_intact_at_every_recipient() {
    with_servers(|servers| {
        for server in BOTH {
            let machine = server.machine(servers);
            let to: Vec<_> = (1..=3).map(|number| format!("{number}.{server:?}@example.org").to_lowercase()).collect();
            let message = format!(
                "From: {ACCOUNT}\nTo: {}\nCc: {}\nBcc: {}\nSubject: Prüfung für {server:?}\n\n{BODY}",
                to[0], to[1], to[2]
            );
            send(&machine, &["-t", "-i"], message.as_bytes()).assert_silent_success();
            for recipient in &to {
                let mail = servers.mail_to(recipient, 1);
                assert_eq!(mail.len(), 1, "{recipient} at {server:?}: {}", servers.log());
                let arrived = Arrived::parse(&with_crlf(&mail[0]));
                assert_eq!(arrived.body_text(), BODY);
                assert_eq!(arrived.text("Subject").unwrap(), format!("Prüfung für {server:?}"));
                assert_eq!(arrived.field("Return-Path"), Some(format!("<{ACCOUNT}>").as_str()));
                assert_eq!(arrived.field("Bcc"), None);
                assert!(mail[0].is_ascii(), "eight bits went out");
            }
            // The second message takes the token of the first.
            send(&machine, &["-i", &to[0]], message.as_bytes()).assert_silent_success();
            assert_eq!(servers.mail_to(&to[0], 2).len(), 2);
            assert_eq!(machine.outlook.endpoint.refreshes(), 1);
        }
    });
}

/// A Maildir has the system's line ends.
fn with_crlf(octets: &[u8]) -> Vec<u8> {
    String::from_utf8(with_lf(octets)).unwrap().replace('\n', "\r\n").into_bytes()
}

#[test]
fn the_sign_in_takes_two_steps_because_one_line_would_be_too_long() {
    with_servers(|servers| {
        // `answers.txt`: "500 5.5.2 Line too long" is what Dovecot says to the same response in one line.
        let response = (servers.token().len() + ACCOUNT.len()) * 4 / 3;
        assert!(response > 512);
        for server in BOTH {
            let machine = server.machine(servers);
            let run = send(&machine, &["-v", "-i", "steps@example.org"], b"Subject: steps\n\nx\n");
            let lines = said(&run);
            let auth = lines.iter().position(|line| *line == "AUTH XOAUTH2").unwrap();
            assert_eq!(lines[auth + 1], "(redacted)");
            assert!(!run.stderr.contains(&servers.token()[..40]));
            assert!(!run.stderr.contains("<<< 500"), "{}", run.stderr);
        }
        assert_eq!(servers.mail_to("steps@example.org", 2).len(), 2);
    });
}

#[test]
fn a_long_line_that_is_refused_becomes_two_steps_in_the_same_session() {
    with_servers(|servers| {
        let machine = Server::Dovecot.machine(servers);
        // Outlook's row allows the long line, so Dovecot gets it, and refuses it.
        let config = fs::read_to_string(machine.config()).unwrap();
        fs::write(machine.config(), config.replace("\"custom\"", "\"outlook\"")).unwrap();
        let run = send(&machine, &["-v", "-i", "long@example.org"], b"Subject: long\n\nx\n");
        let auth: Vec<_> = said(&run).into_iter().filter(|line| line.starts_with("AUTH")).collect();
        assert_eq!(auth, ["AUTH XOAUTH2 (redacted)", "AUTH XOAUTH2"]);
        assert!(run.stderr.contains("<<< 500 5.5.2 Line too long"), "{}", run.stderr);
        assert_eq!(servers.mail_to("long@example.org", 1).len(), 1);
    });
}

#[test]
fn a_wrong_token_is_told_in_the_servers_words_behind_the_stray_334() {
    with_servers(|servers| {
        for (server, words) in [(Server::Postfix, "authentication failed"), (Server::Dovecot, "Authentication failed.")]
        {
            let machine = server.machine(servers);
            machine.outlook.endpoint.answer_always(Some(granting("wrong-token-that-nobody-knows")));
            let run = send(&machine, &["-i", "wrong@example.org"], b"Subject: wrong\n\nx\n");
            run.assert_failure(77, words);
            assert!(run.stderr.contains("5.7.8"), "{}", run.stderr);
            assert!(run.stderr.starts_with("sendmail: the server refuses the sign-in: 535 "), "{}", run.stderr);
            assert!(!run.stderr.contains("wrong-token"), "{}", run.stderr);
            assert_eq!(machine.outlook.endpoint.refreshes(), 1, "a token just renewed is not renewed again");
            assert!(servers.delivered("wrong@example.org").is_empty());
        }
    });
}

#[test]
fn a_password_goes_by_plain_where_it_is_offered_and_by_login_elsewhere() {
    with_servers(|servers| {
        for (server, auth) in [(Server::Postfix, "AUTH LOGIN"), (Server::Dovecot, "AUTH PLAIN (redacted)")] {
            let machine = server.machine(servers);
            let config = fs::read_to_string(machine.config()).unwrap();
            fs::write(machine.config(), config + "auth = \"password\"\n").unwrap();
            let wrong = machine.run_as("outlook-sendmail", ["login"], b"wrong horse\n");
            assert_eq!(wrong.status, 77, "{}", wrong.stderr);
            assert!(wrong.stderr.contains("the server refuses the password: 535 5.7.8 "), "{}", wrong.stderr);
            let login = machine.run_as("outlook-sendmail", ["login"], servers.setting("password").as_bytes());
            assert_eq!((login.status, login.stderr.as_str()), (0, ""), "{}", servers.log());
            let to = format!("password.{server:?}@example.org").to_lowercase();
            let run = send(&machine, &["-v", "-i", &to], b"Subject: password\n\nx\n");
            assert_eq!(said(&run).iter().filter(|line| line.starts_with("AUTH")).collect::<Vec<_>>(), [&auth]);
            assert!(!run.stderr.contains(servers.setting("password")), "{}", run.stderr);
            assert_eq!(servers.mail_to(&to, 1).len(), 1, "{}", servers.log());
            assert_eq!(machine.outlook.endpoint.refreshes(), 0, "no token for a password account");
        }
    });
}

#[test]
fn the_row_of_microsoft_365_signs_in_with_a_token_or_a_password() {
    with_servers(|servers| {
        for (server, with_token, with_password) in [
            (Server::Postfix, &["AUTH XOAUTH2 (redacted)"][..], "AUTH LOGIN"),
            (Server::Dovecot, &["AUTH XOAUTH2 (redacted)", "AUTH XOAUTH2"], "AUTH PLAIN (redacted)"),
        ] {
            let machine = server.machine(servers);
            let config = fs::read_to_string(machine.config()).unwrap().replace("\"custom\"", "\"microsoft365\"");
            fs::write(machine.config(), &config).unwrap();
            let to = format!("work.{server:?}@example.org").to_lowercase();
            let auth = |run: &Run| -> Vec<String> {
                said(run).into_iter().filter(|line| line.starts_with("AUTH")).map(str::to_owned).collect()
            };
            let run = send(&machine, &["-v", "-i", &to], b"Subject: token\n\nx\n");
            assert_eq!(auth(&run), with_token, "{}", servers.log());
            fs::write(machine.config(), config + "auth = \"password\"\n").unwrap();
            let login = machine.run_as("outlook-sendmail", ["login"], servers.setting("password").as_bytes());
            assert_eq!((login.status, login.stderr.as_str()), (0, ""), "{}", servers.log());
            let run = send(&machine, &["-v", "-i", &to], b"Subject: password\n\nx\n");
            assert_eq!(auth(&run), [with_password]);
            assert_eq!(servers.mail_to(&to, 2).len(), 2, "{}", servers.log());
        }
    });
}

#[test]
fn what_a_server_does_not_offer_is_done_without() {
    with_servers(|servers| {
        let machine = Server::Postfix.machine(servers);
        let config = fs::read_to_string(machine.config()).unwrap();
        let config = config.replace(servers.setting("postfix_port"), servers.setting("plain_port"));
        fs::write(machine.config(), &config).unwrap();
        let wishes = ["-v", "-i", "-N", "success", "-V", "id1", "plain@example.org"];
        let message = "Subject: Grüße\n\nGrüße\n".as_bytes();
        let check = |run: &Run, auth: &str| {
            for keyword in ["PIPELINING", "SIZE", "8BITMIME", "DSN", "ENHANCEDSTATUSCODES"] {
                assert!(!run.stderr.contains(keyword), "{keyword} is offered: {}", run.stderr);
            }
            let lines = said(run);
            assert!(lines.contains(&auth), "{lines:?}");
            assert!(lines.contains(&format!("MAIL FROM:<{ACCOUNT}>").as_str()), "{lines:?}");
            assert!(lines.contains(&"RCPT TO:<plain@example.org>"), "{lines:?}");
        };
        check(&send(&machine, &wishes, message), "AUTH XOAUTH2");
        send(&machine, &["-i", "you@refused.test"], message).assert_failure(67, "no such mailbox here");
        send(&machine, &["-i", "you@later.test"], message).assert_failure(75, "mailbox busy");

        fs::write(machine.config(), config + "auth = \"password\"\n").unwrap();
        let login = machine.run_as("outlook-sendmail", ["login"], servers.setting("password").as_bytes());
        assert_eq!((login.status, login.stderr.as_str()), (0, ""), "{}", servers.log());
        check(&send(&machine, &wishes, message), "AUTH PLAIN (redacted)");
        let mail = servers.mail_to("plain@example.org", 2);
        assert_eq!(mail.len(), 2, "{}", servers.log());
        assert_eq!(Arrived::parse(&with_crlf(&mail[0])).body_text(), "Grüße\n");
    });
}

#[test]
fn two_accounts_of_one_configuration_use_two_servers() {
    with_servers(|servers| {
        let machine = Server::Postfix.machine(servers);
        let config = fs::read_to_string(machine.config()).unwrap();
        let table = config.split_once("\n\n").unwrap().1;
        let other = table
            .replace("[accounts.me]", "[accounts.other]")
            .replace(
                &format!("port = {}", servers.setting("postfix_port")),
                &format!("port = {}", servers.setting("dovecot_port")),
            )
            .replace(&format!("{ACCOUNT:?}"), &format!("{:?}", ACCOUNT.to_uppercase()));
        fs::write(
            machine.config(),
            format!("{config}\nsend_as = [\"first@example.org\"]\n\n{other}\nsend_as = [\"second@example.org\"]\n"),
        )
        .unwrap();
        let run = send(&machine, &["-v", "-i", "-f", "second@example.org", "two@example.org"], b"Subject: two\n\nx\n");
        assert!(run.stderr.contains(&format!(":{}", servers.setting("dovecot_port"))), "{}", run.stderr);
        let run = send(&machine, &["-v", "-i", "-f", "first@example.org", "two@example.org"], b"Subject: two\n\nx\n");
        assert!(run.stderr.contains(&format!(":{}", servers.setting("postfix_port"))), "{}", run.stderr);
        let paths: Vec<_> = servers.mail_to("two@example.org", 2);
        assert_eq!(paths.len(), 2, "{}", servers.log());
    });
}

#[test]
fn a_cached_token_the_server_no_longer_knows_is_renewed_and_the_message_goes_out() {
    with_servers(|servers| {
        for server in BOTH {
            let machine = server.machine(servers);
            let to = format!("renewed.{server:?}@example.org").to_lowercase();
            send(&machine, &["-i", &to], b"Subject: one\n\nx\n").assert_silent_success();
            let newer = format!("{server:?}").repeat(200);
            fs::write(servers.setting("token_file"), &newer).unwrap();
            machine.outlook.endpoint.answer_always(Some(granting(&newer)));
            send(&machine, &["-i", &to], b"Subject: two\n\nx\n").assert_silent_success();
            assert_eq!(machine.outlook.endpoint.refreshes(), 2);
            assert_eq!(servers.mail_to(&to, 2).len(), 2);
        }
    });
}

#[test]
fn one_refused_recipient_and_nobody_gets_it() {
    with_servers(|servers| {
        for server in BOTH {
            let machine = server.machine(servers);
            let good = format!("good.{server:?}@example.org").to_lowercase();
            for (refused, status, words) in
                [("you@refused.test", 67, "no such mailbox here"), ("you@later.test", 75, "mailbox busy")]
            {
                let run = send(&machine, &["-i", &good, refused], b"Subject: refused\n\nx\n");
                run.assert_failure(status, words);
                assert!(run.stderr.contains(refused), "{}", run.stderr);
            }
            let both = ["-i", &good, "you@later.test", "you@refused.test"];
            send(&machine, &both, b"Subject: refused\n\nx\n").assert_failure(67, "no such mailbox here");
            // Behind these three the next one is delivered, so nothing of them is under way any more.
            send(&machine, &["-i", &good], b"Subject: accepted\n\nx\n").assert_silent_success();
            let mail = servers.mail_to(&good, 1);
            assert_eq!(mail.len(), 1);
            assert!(String::from_utf8_lossy(&mail[0]).contains("\nSubject: accepted\n"));
        }
    });
}

#[test]
fn a_message_over_the_servers_limit_is_refused_before_it_is_sent() {
    with_servers(|servers| {
        let machine = Server::Postfix.machine(servers);
        let mut message = b"Subject: large\n\n".to_vec();
        message.extend(b"A line of text that is 32 octets\n".repeat(1_200_000));
        assert!(message.len() > 36_700_160);
        send(&machine, &["-i", "large@example.org"], &message).assert_failure(65, "36700160");
        assert!(!servers.log().contains("large@example.org"), "{}", servers.log());
    });
}

#[test]
fn delivery_status_wishes_reach_postfix() {
    with_servers(|servers| {
        let machine = Server::Postfix.machine(servers);
        let wishes = ["-v", "-i", "-N", "success,failure", "-R", "hdrs", "-V", "id=1+1", "dsn@example.org"];
        let run = send(&machine, &wishes, b"Subject: wishes\n\nx\n");
        let lines = said(&run);
        assert!(lines.iter().any(|line| line.contains("RET=HDRS ENVID=id+3D1+2B1")), "{lines:?}");
        assert!(lines.contains(&"RCPT TO:<dsn@example.org> NOTIFY=SUCCESS,FAILURE"), "{lines:?}");
        assert_eq!(servers.mail_to("dsn@example.org", 1).len(), 1);
        // NOTIFY=SUCCESS makes Postfix report to the sender, and quote the identifier.
        let report = servers.mail_to(ACCOUNT, 1);
        assert_eq!(report.len(), 1, "{}", servers.log());
        let report = String::from_utf8_lossy(&report[0]);
        assert!(report.contains("Original-Envelope-Id: id=1+1") && report.contains("Action: delivered"), "{report}");
        // Dovecot does not offer DSN, so the wishes stay at home and the message goes out.
        let machine = Server::Dovecot.machine(servers);
        let run = send(&machine, &wishes, b"Subject: wishes\n\nx\n");
        assert!(said(&run).contains(&"RCPT TO:<dsn@example.org>"));
    });
}

#[test]
fn a_hundred_recipients_go_in_one_transaction() {
    with_servers(|servers| {
        for server in BOTH {
            let machine = server.machine(servers);
            let to: Vec<_> =
                (0..100).map(|number| format!("r{number}.{server:?}@example.org").to_lowercase()).collect();
            let mut arguments = vec!["-i"];
            arguments.extend(to.iter().map(String::as_str));
            send(&machine, &arguments, b"Subject: many\n\nx\n").assert_silent_success();
            for recipient in &to {
                assert_eq!(servers.mail_to(recipient, 1).len(), 1, "{recipient} at {server:?}");
            }
        }
        let queued = servers.log().matches("nrcpt=100 (queue active)").count();
        assert_eq!(queued, 2, "{}", servers.log());
    });
}

#[test]
fn a_large_message_arrives_octet_by_octet() {
    with_servers(|servers| {
        for server in BOTH {
            let machine = server.machine(servers);
            let to = format!("octets.{server:?}@example.org").to_lowercase();
            let lines: Vec<_> = (0..120_000).map(|number| format!("{}.{number} ü\n", ".".repeat(number % 3))).collect();
            let body = lines.concat();
            let message = format!("Subject: octets\n\n{body}");
            send(&machine, &["-i", &to], message.as_bytes()).assert_silent_success();
            let mail = servers.mail_to(&to, 1);
            assert_eq!(mail.len(), 1, "{}", servers.log());
            assert!(Arrived::parse(&with_crlf(&mail[0])).body_text() == body, "another body at {server:?}");
        }
    });
}

#[test]
fn a_server_whose_certificate_nobody_vouches_for_gets_neither_token_nor_message() {
    with_servers(|servers| {
        for server in BOTH {
            let machine = server.machine(servers);
            fs::write(&machine.outlook.options().ca_file, machine.outlook.authority.pem()).unwrap();
            send(&machine, &["-i", "tls@example.org"], b"Subject: tls\n\nx\n").assert_failure(76, "certificate");
            assert!(servers.delivered("tls@example.org").is_empty());
        }
    });
}
