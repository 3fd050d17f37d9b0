//! Signing in as a person does it: the real program at a terminal and without one, with a code and with a browser.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::sync::Arc;

use harness::typist::Typist;
use harness::{ACCOUNT, Machine, Run, assert_no_secret, copy_program, installed, run};
use outlook_sendmail::adapters::person::AtTheTerminal;
use outlook_sendmail::world::{Echo, Person as _};
use stand_in::{Answer, BrowserFlow, BrowserOutcome, DeviceFlow, DeviceOutcome};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

const AUTHORIZE: &str = "/consumers/oauth2/v2.0/authorize?";

fn machine() -> Machine {
    Machine::signed_out(|_| {}, &[])
}

/// Runs `outlook-sendmail login` at a terminal.
fn at_terminal(machine: &Machine, arguments: &[&str]) -> Typist {
    let program = machine.program("outlook-sendmail");
    Typist::at_terminal(machine, program.to_str().unwrap(), &[&["login"], arguments].concat())
}

/// Runs it without one.
fn with_pipes(machine: &Machine, arguments: &[&str], more: &[(&str, &str)]) -> Typist {
    let mut command = machine.command(machine.program("outlook-sendmail"));
    command.arg("login").args(arguments).envs(more.iter().copied());
    Typist::of(command)
}

/// The line that says why, which is the last of all that is shown, and nothing else that looks like one.
fn assert_ended(run: &Run, status: i32, words: &str) {
    assert_eq!(run.status, status, "{}{}", run.stdout, run.stderr);
    let shown = format!("{}{}", run.stdout, run.stderr);
    let lines: Vec<_> = shown.split(['\n', '\r']).filter(|line| line.contains("sendmail: ")).collect();
    assert_eq!(lines.len(), 1, "{shown}");
    assert!(lines[0].contains(words), "{words:?} in {:?}", lines[0]);
    assert!(shown.trim_end().ends_with(lines[0].trim_end()), "{shown}");
}

// -- with a code

#[test]
fn a_person_sees_page_picture_code_and_countdown() {
    if !installed("script") {
        return;
    }
    let machine = machine();
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 1, interval: 2, ..DeviceFlow::default() });
    let mut person = at_terminal(&machine, &[]);
    person.sees("Send a test message");
    person.types("n\n");
    let run = person.ends();
    assert_eq!(run.status, 0, "{}", run.stdout);
    let shown = &run.stdout;
    assert!(shown.contains("    https://www.microsoft.com/link\r\n"), "{shown}");
    assert!(shown.contains("\x1b[30;47m") && shown.contains('▀'), "{shown}");
    assert!(shown.contains("15:00 left") && shown.contains("14:59 left"), "{shown}");
    assert!(shown.contains(&format!("\r\x1b[KSigned in as {ACCOUNT}.\r\n")), "{shown:?}");
    assert_no_secret(shown);
}

/// Paints what a terminal shows, dark as it is or inverted, and gives what a scanner reads there.
const SCANNER: &str = r#"
import re, sys, zbar
shown = sys.stdin.buffer.read().decode()
drawn_is_dark = sys.argv[1] == "dark"
blocks = {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}
lines = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in shown.splitlines()]
lines = [line for line in lines if len(line) == 33 and all(letter in blocks for letter in line)]
pixels, scale = bytearray(), 8
for line in lines:
    for half in (0, 1):
        row = b"".join((b"\0" if bool(blocks[letter][half]) == drawn_is_dark else b"\xff") * scale for letter in line)
        pixels += row * scale
image = zbar.Image(33 * scale, 2 * len(lines) * scale, "Y800", bytes(pixels))
zbar.ImageScanner().scan(image)
sys.stdout.write(" ".join(symbol.data for symbol in image))
"#;

/// `drawn` says what the blocks look like on the terminal that is meant: dark, or light.
fn scanned(machine: &Machine, shown: &str, drawn: &str) -> String {
    let mut command = machine.command("/usr/bin/python3");
    let read = run(command.args(["-c", SCANNER, drawn]), shown.as_bytes());
    assert_eq!((read.status, read.stderr.as_str()), (0, ""));
    read.stdout
}

#[test]
fn a_scanner_reads_the_picture() {
    if !installed("script") {
        return;
    }
    let machine = machine();
    if run(machine.command("/usr/bin/python3").args(["-c", "import zbar"]), b"").status != 0 {
        harness::skipped("python3-zbar is not installed; run tests/install-test-packages");
        return;
    }
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    let program = machine.program("outlook-sendmail");
    // In colours the blocks are black; without, they have the colour of text: light, on a dark terminal.
    for (environment, drawn) in [
        (&[("TERM", "xterm")][..], "dark"),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], "light"),
        (&[("TERM", "dumb")], "light"),
    ] {
        let mut person = Typist::at_terminal_with(&machine, program.to_str().unwrap(), &["login"], environment);
        person.sees("Send a test message");
        person.types("n\n");
        let shown = person.ends().stdout;
        assert_eq!(scanned(&machine, &shown, drawn), "https://www.microsoft.com/link", "{shown}");
    }
}

#[test]
fn without_colours_or_escapes_it_stays_readable() {
    if !installed("script") {
        return;
    }
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let machine = machine();
        machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 1, interval: 1, ..DeviceFlow::default() });
        let program = machine.program("outlook-sendmail");
        let environment = [("TERM", "xterm"), (name, value)];
        let mut person = Typist::at_terminal_with(&machine, program.to_str().unwrap(), &["login"], &environment);
        person.sees("Send a test message");
        person.types("n\n");
        let shown = person.ends().stdout;
        assert!(shown.contains('▀'), "{shown}");
        // Rewriting a line is no colour.
        assert_eq!(shown.contains("\x1b["), name == "NO_COLOR", "{shown:?}");
        assert!(!shown.contains("\x1b[30") && !shown.contains("\x1b[1m"), "{shown:?}");
        assert!(shown.contains("Waiting for you to sign in, 15:00 left"), "{shown}");
    }
}

#[test]
fn a_code_that_ran_out_is_offered_again_to_whoever_is_there() {
    if !installed("script") {
        return;
    }
    let machine = machine();
    let expired = DeviceFlow { pending: 0, interval: 1, outcome: DeviceOutcome::Expired, ..DeviceFlow::default() };
    machine.outlook.endpoint.set_device_flow(expired.clone());
    let mut person = at_terminal(&machine, &[]);
    person.sees("The code ran out. Get a new one? [Y/n] ");
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 1, ..DeviceFlow::default() });
    person.types("\n");
    person.sees("Send a test message");
    person.types("n\n");
    let run = person.ends();
    assert_eq!((run.status, run.stdout.matches("enter this code").count()), (0, 2), "{}", run.stdout);

    machine.outlook.endpoint.set_device_flow(expired);
    let mut person = at_terminal(&machine, &[]);
    person.sees("[Y/n] ");
    person.types("n\n");
    assert_ended(&person.ends(), 77, "the code ran out");
}

#[test]
fn every_end_of_a_code_is_one_line() {
    let machine = machine();
    for (outcome, words) in [
        (DeviceOutcome::Declined, "the sign-in was not completed"),
        (DeviceOutcome::Expired, "the code ran out"),
        (DeviceOutcome::Blocked, "run: outlook-sendmail login --browser"),
    ] {
        let flow = DeviceFlow { pending: 0, interval: 0, outcome, ..DeviceFlow::default() };
        machine.outlook.endpoint.set_device_flow(flow);
        assert_ended(&with_pipes(&machine, &[], &[]).ends(), 77, words);
    }
    let flow = DeviceFlow { pending: 0, interval: 0, email: Some(String::new()), ..DeviceFlow::default() };
    machine.outlook.endpoint.set_device_flow(flow);
    assert_ended(&with_pipes(&machine, &[], &[]).ends(), 77, "name it: outlook-sendmail login ADDRESS");
    for (answer, status, words) in [
        (Answer::client_unknown(), 78, "client id"),
        (Answer::client_not_public(), 78, "public client flows"),
        (Answer::unavailable(1), 75, "HTTP status 503"),
        (Answer::html(), 76, "no OAuth answer"),
    ] {
        machine.outlook.endpoint.answer_next([answer]);
        assert_ended(&with_pipes(&machine, &[], &[]).ends(), status, words);
    }
    assert!(machine.secrets().is_empty());
}

#[test]
fn a_mailbox_nobody_named_is_asked_for() {
    if !installed("script") {
        return;
    }
    let machine = machine();
    let flow = DeviceFlow { pending: 0, interval: 0, email: Some(String::new()), ..DeviceFlow::default() };
    machine.outlook.endpoint.set_device_flow(flow);
    let mut person = at_terminal(&machine, &[]);
    person.sees("Its primary address: ");
    person.types("me\n");
    person.sees("That is no address.");
    person.types(&format!("{ACCOUNT}\n"));
    person.sees(&format!("Signed in as {ACCOUNT}."));
    person.types("n\n");
    assert_eq!(person.ends().status, 0);
}

#[test]
fn who_has_no_client_id_is_led_to_one() {
    if !installed("script") {
        return;
    }
    let machine = machine();
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
    let text = fs::read_to_string(machine.config()).unwrap();
    let without: String =
        text.lines().filter(|line| !line.starts_with("client_id")).map(|line| format!("{line}\n")).collect();
    fs::write(machine.config(), without).unwrap();
    let mut person = at_terminal(&machine, &[]);
    person.sees("Paste it here: ");
    person.types("my-app\n");
    person.sees("That is no client id");
    person.types(&format!(" {}\n", machine.outlook.options().client_id));
    person.sees("Send a test message");
    person.types("n\n");
    let run = person.ends();
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(run.stdout.contains("\r\n 1. Sign in at https://entra.microsoft.com"), "{}", run.stdout);
    machine.sendmail(["a@example.org"], b"Subject: x\n\n").assert_silent_success();
}

// -- with a browser

/// A browser that trusts the stand-in and follows nothing by itself.
struct Browser {
    agent: Agent,
}

impl Browser {
    fn new(machine: &Machine) -> Self {
        let pem = fs::read(machine.folder.path().join("ca.pem")).unwrap();
        let roots = RootCerts::from([Certificate::from_pem(&pem).unwrap()]);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).root_certs(roots).build();
        let agent = Agent::config_builder().tls_config(tls).proxy(None).max_redirects(0).http_status_as_error(false);
        Self { agent: agent.build().into() }
    }

    /// Signs in on Microsoft's page; where it sends us then.
    fn signs_in(&self, page: &str) -> String {
        let answer = self.agent.get(page).call().unwrap();
        assert_eq!(answer.status(), 302, "{:?}", answer.into_body().read_to_string());
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Goes to an address of the program's, on the loopback of one family: status line, header and page.
    fn visits(&self, host: &str, address: &str) -> String {
        let rest = address.strip_prefix("http://localhost:").unwrap();
        let (port, path) = rest.split_once('/').unwrap();
        let mut stream = TcpStream::connect((host, port.parse::<u16>().unwrap())).unwrap();
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// The page the program shows.
fn page(shown: &str) -> String {
    let page = shown.split_whitespace().find(|word| word.contains(AUTHORIZE)).unwrap_or_else(|| panic!("{shown}"));
    page.to_owned()
}

/// Starts a sign-in with a browser, and waits for its page.
fn started(machine: &Machine, arguments: &[&str]) -> (Typist, String) {
    let program = with_pipes(machine, &[&["--browser"], arguments].concat(), &[]);
    let shown = program.sees("&prompt=select_account");
    (program, page(&shown))
}

fn field<'a>(address: &'a str, name: &str) -> &'a str {
    address.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

/// What the program itself would be sent, with another value of one field.
fn changed(address: &str, name: &str, value: &str) -> String {
    address.replace(&format!("{name}={}", field(address, name)), &format!("{name}={value}"))
}

#[test]
fn a_browser_signs_in() {
    let machine = machine();
    let browser = Browser::new(&machine);
    let (program, page) = started(&machine, &[]);
    let address = browser.signs_in(&page);
    // What browsers ask for besides, and what others may try.
    let origin = address.split("/?").next().unwrap();
    assert!(browser.visits("127.0.0.1", &format!("{origin}/favicon.ico")).starts_with("HTTP/1.1 404 "));
    assert!(browser.visits("127.0.0.1", &changed(&address, "state", "x")).starts_with("HTTP/1.1 400 "));
    let denied = format!("{origin}/?error=access_denied&state=x");
    assert!(browser.visits("127.0.0.1", &denied).starts_with("HTTP/1.1 400 "));
    let answer = browser.visits("127.0.0.1", &address);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("<h1>Signed in</h1>"), "{answer}");
    let run = program.ends();
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("\nSigned in as {ACCOUNT}.\n")), "{}", run.stdout);
    assert_no_secret(&run.stdout);
    assert_eq!(machine.outlook.endpoint.grants("authorization_code"), 1);
    machine.sendmail(["a@example.org"], b"Subject: x\n\n").assert_silent_success();
}

#[test]
fn localhost_may_be_ipv6_and_the_person_may_be_named() {
    if TcpStream::connect(("::1", 9)).is_err_and(|error| error.kind() != std::io::ErrorKind::ConnectionRefused) {
        harness::skipped("no IPv6 on loopback");
        return;
    }
    let configured = [("address".to_owned(), format!("{ACCOUNT:?}"))];
    let machine = Machine::signed_out(|options| options.account = "primary@outlook.com".to_owned(), &configured);
    let flow = BrowserFlow { email: Some("primary@outlook.com".to_owned()), ..BrowserFlow::default() };
    machine.outlook.endpoint.set_browser_flow(flow);
    let browser = Browser::new(&machine);
    let (program, _) = started(&machine, &[ACCOUNT]);
    let page = page(&program.sees("&login_hint=me%40outlook.com"));
    browser.visits("::1", &browser.signs_in(&page));
    let run = program.ends();
    // Nobody can be asked whether that is another name of the same mailbox.
    assert_ended(&run, 77, "signed in as primary@outlook.com, not as me@outlook.com; nothing was changed");

    let (program, page) = started(&machine, &["primary@outlook.com", "--account", "me"]);
    browser.visits("::1", &browser.signs_in(&page));
    let run = program.ends();
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("account me is primary@outlook.com now"), "{}", run.stdout);
}

#[test]
fn every_end_of_a_browser_sign_in_is_one_line() {
    let machine = machine();
    let browser = Browser::new(&machine);
    for (outcome, status, words) in [
        (BrowserOutcome::Denied, 77, "access_denied: The user has denied access"),
        (BrowserOutcome::Error("consent_required", "AADSTS65001: no consent."), 77, "AADSTS65001"),
        (BrowserOutcome::Error("unauthorized_client", "AADSTS700016: not found."), 78, "check client_id and tenant"),
        (BrowserOutcome::Error("invalid_scope", "AADSTS70011: no such scope."), 78, "SMTP.Send"),
        (BrowserOutcome::Error("server_error", "Busy.\u{1b}[31m\nsendmail: forged"), 75, "try again later"),
    ] {
        machine.outlook.endpoint.set_browser_flow(BrowserFlow { outcome, email: None });
        let (program, page) = started(&machine, &[]);
        let answer = browser.visits("127.0.0.1", &browser.signs_in(&page));
        assert!(answer.contains("<h1>Not signed in</h1>"), "{answer}");
        let run = program.ends();
        assert_eq!(run.stderr.matches('\n').count(), 1, "{}", run.stderr);
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
        assert_eq!(run.status, status, "{}", run.stderr);
        assert!(run.stderr.contains(words), "{words:?} in {}", run.stderr);
    }
    machine.outlook.endpoint.set_browser_flow(BrowserFlow::default());
    for (answer, status, words) in [
        (Answer::Drop, 75, "try again later"),
        (Answer::html(), 76, "no OAuth answer"),
        (Answer::client_not_public(), 78, "public client flows"),
    ] {
        let (program, page) = started(&machine, &[]);
        let address = browser.signs_in(&page);
        machine.outlook.endpoint.answer_next([answer]);
        browser.visits("127.0.0.1", &address);
        let run = program.ends();
        assert_ended(&run, status, words);
        assert_no_secret(&run.stderr);
    }
    assert!(machine.secrets().is_empty());
}

#[test]
fn a_code_somebody_else_asked_for_or_redeemed_is_worth_nothing() {
    let machine = machine();
    let browser = Browser::new(&machine);
    // Another challenge, our state: what an attacker would slip us.
    let (program, page) = started(&machine, &[]);
    let other = changed(&page, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    browser.visits("127.0.0.1", &browser.signs_in(&other));
    assert_ended(&program.ends(), 77, "AADSTS501481");
    // A code works once.
    let (program, page) = started(&machine, &[]);
    let address = browser.signs_in(&page);
    browser.visits("127.0.0.1", &address);
    assert_eq!(program.ends().status, 0);
    let (program, page) = started(&machine, &[]);
    let stale = changed(&browser.signs_in(&page), "code", field(&address, "code"));
    browser.visits("127.0.0.1", &stale);
    let run = program.ends();
    assert_ended(&run, 77, "AADSTS54005");
    assert_no_secret(&run.stderr);
}

#[test]
fn a_page_that_did_not_load_is_pasted() {
    if !installed("script") {
        return;
    }
    let machine = machine();
    let browser = Browser::new(&machine);
    let mut person = at_terminal(&machine, &["--browser"]);
    let page = page(&person.sees("Paste here: "));
    let address = browser.signs_in(&page);
    person.types("what?\n");
    person.sees("That is not it: the address begins with http://localhost:");
    person.types(&format!("{}\n", changed(&address, "state", "x")));
    person.sees("That page belongs to another sign-in");
    person.types(&format!("{address}\n"));
    person.sees("Send a test message");
    person.types("n\n");
    let run = person.ends();
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(run.stdout.contains(&format!("Signed in as {ACCOUNT}.")), "{}", run.stdout);

    // Declined there.
    let flow = BrowserFlow { outcome: BrowserOutcome::Denied, email: None };
    machine.outlook.endpoint.set_browser_flow(flow);
    let mut person = at_terminal(&machine, &["--browser"]);
    let page = self::page(&person.sees("Paste here: "));
    person.types(&format!("{}\n", browser.signs_in(&page)));
    assert_ended(&person.ends(), 77, "access_denied");
}

#[test]
fn a_desktop_has_its_browser_opened_and_a_server_has_not() {
    let machine = machine();
    let browser = Browser::new(&machine);
    let opener = machine.folder.path().join("xdg-open");
    fs::write(
        &opener,
        "#!/bin/sh\nprintf '%s %s' \"$#\" \"$1\" > \"$HOME/new\" && mv \"$HOME/new\" \"$HOME/opened\"\n",
    )
    .unwrap();
    fs::set_permissions(&opener, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", machine.folder.path().display());
    let opened = machine.folder.path().join("opened");
    for display in ["DISPLAY", "WAYLAND_DISPLAY"] {
        let program = with_pipes(&machine, &["--browser"], &[("PATH", &path), (display, ":7")]);
        let page = page(&program.sees("&prompt=select_account\n"));
        assert!(program.sees("go to your browser").contains(&page));
        while !opened.exists() {
            std::thread::yield_now();
        }
        assert_eq!(fs::read_to_string(&opened).unwrap(), format!("1 {page}"));
        browser.visits("127.0.0.1", &browser.signs_in(&page));
        assert_eq!(program.ends().status, 0);
        fs::remove_file(&opened).unwrap();
    }
    // Nothing to open it on; nothing to open it with.
    for more in [&[("PATH", path.as_str())][..], &[("PATH", "/nonexistent"), ("DISPLAY", ":7")]] {
        let program = with_pipes(&machine, &["--browser"], more);
        let page = page(&program.sees("&prompt=select_account\n"));
        program.sees("open this page in a browser");
        browser.visits("127.0.0.1", &browser.signs_in(&page));
        assert_eq!(program.ends().status, 0);
        assert!(!opened.exists());
    }
}

#[test]
fn a_program_with_somebody_elses_rights_starts_none_of_his_browsers() {
    if !nix::unistd::geteuid().is_root() {
        return harness::skipped("only root can give a program a group");
    }
    let machine = machine();
    let folder = machine.folder.path();
    fs::create_dir(folder.join("setgid")).unwrap();
    let program = folder.join("setgid/outlook-sendmail");
    copy_program(&program);
    chown(&program, None, Some(4)).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o2755)).unwrap();
    let opener = folder.join("xdg-open");
    fs::write(&opener, "#!/bin/sh\necho > \"$HOME/opened\"\n").unwrap();
    fs::set_permissions(&opener, Permissions::from_mode(0o755)).unwrap();
    let mut command = machine.command(&program);
    command.arg("--config").arg(machine.config()).args(["login", "--browser"]);
    command.gid(65534).env("PATH", folder).env("DISPLAY", ":7");
    let program = Typist::of(command);
    program.sees("open this page in a browser");
    assert!(!folder.join("opened").exists());
}

// -- what is typed unseen

const CHILD: &str = "TYPED_UNSEEN";

#[test]
fn what_is_typed_unseen_is_not_seen_and_the_terminal_echoes_again() {
    if std::env::var_os(CHILD).is_some() {
        return asks_unseen();
    }
    if !installed("script") {
        return;
    }
    let machine = machine();
    let this = std::env::current_exe().unwrap();
    let name = "sign_in::what_is_typed_unseen_is_not_seen_and_the_terminal_echoes_again";
    let start = || {
        let call = format!("{} --exact {name} --nocapture; stty -a", this.display());
        Typist::at_terminal_with(&machine, &call, &[], &[(CHILD, "1"), ("TERM", "xterm")])
    };
    let mut person = start();
    person.sees("Password: ");
    person.types("hunXX\u{7f}\u{7f}ter2\n");
    person.sees("Name: ");
    person.types("seen\n");
    person.sees("seen");
    let shown = person.ends().stdout;
    assert!(!shown.contains("hun") && !shown.contains("ter2"), "{shown}");
    assert!(shown.contains("Name: seen"), "{shown}");
    assert!(shown.contains("\nisig icanon iexten echo echoe"), "{shown}");
    // Ctrl-C ends the program, and leaves a terminal that echoes.
    let mut person = start();
    person.sees("Password: ");
    person.types("hun\u{3}");
    let shown = person.ends().stdout;
    assert!(!shown.contains("Name: ") && !shown.contains("hun"), "{shown}");
    assert!(shown.contains("\nisig icanon iexten echo echoe"), "{shown}");
}

fn asks_unseen() {
    let answer = AtTheTerminal.ask("Password: ", Echo::Hidden).unwrap();
    assert_eq!(answer.reveal(), b"hunter2");
    let answer = AtTheTerminal.ask("Name: ", Echo::Shown).unwrap();
    assert_eq!(answer.reveal(), b"seen");
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let machine = machine();
    let mut command = machine.command(machine.program("outlook-sendmail"));
    let run = run(command.args(["login", "--account", "new", "--store", "file", "--browser"]), b"y\n");
    assert_ended(&run, 78, "no client id");
    assert_eq!(run.stdout, "");
}
