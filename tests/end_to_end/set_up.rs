//! `login` beyond the sign-in itself: AUTH tried, Graph offered, the configuration written, passwords; and `logout`.

use std::fs;

use harness::typist::Typist;
use harness::{ACCOUNT, Machine, Run, SOON, assert_no_secret, installed};
use stand_in::{DeviceFlow, Dialogue, Options};

const MESSAGE: &[u8] = b"Subject: A message\nTo: a@example.org\n\nThe text.\n";
const PASSWORD: &str = "corr\u{e9}ct horse";
/// In base64, as LOGIN says it.
const ENCODED: &str = "Y29ycsOpY3QgaG9yc2U=";
const DISABLED: &str = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. \
                        Visit https://aka.ms/smtp_auth_disabled for more information.";

fn signed_out(change: impl FnOnce(&mut Options), config: &[(&str, &str)]) -> Machine {
    let config: Vec<_> = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let machine = Machine::signed_out(change, &config);
    approve(&machine, None);
    machine
}

/// The next sign-ins are approved, by whoever has this address.
fn approve(machine: &Machine, email: Option<&str>) {
    let email = email.map(str::to_owned);
    machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, email, ..DeviceFlow::default() });
}

fn with_dialogue(dialogue: &str) -> Machine {
    signed_out(|options| options.dialogue = Some(Dialogue::parse(dialogue).unwrap()), &[])
}

fn tool(machine: &Machine, arguments: &[&str], input: &[u8]) -> Run {
    let run = machine.run_as("outlook-sendmail", arguments, input);
    for text in [&run.stdout, &run.stderr] {
        assert_no_secret(text);
        assert!(!text.contains(PASSWORD) && !text.contains(ENCODED), "{text}");
    }
    run
}

fn login(machine: &Machine, arguments: &[&str]) -> Run {
    tool(machine, &[&["login"], arguments].concat(), b"")
}

/// `login` at a terminal; each answer is typed when its question comes. Standard output is the screen.
fn login_at_a_terminal(machine: &Machine, answers: &[(&str, &str)]) -> Option<Run> {
    if !installed("script") {
        return None;
    }
    let mut typist = Typist::at_terminal(machine, machine.program("outlook-sendmail").to_str().unwrap(), &["login"]);
    for (question, answer) in answers {
        typist.sees(question);
        typist.types(&format!("{answer}\n"));
    }
    let run = typist.ends();
    assert_no_secret(&run.stdout);
    Some(run)
}

fn config(machine: &Machine) -> String {
    fs::read_to_string(machine.config()).unwrap()
}

fn assert_fails(run: &Run, status: i32, words: &str) {
    assert_eq!(run.status, status, "{}", run.stderr);
    assert!(run.stderr.contains(words) && run.stderr.matches('\n').count() == 1, "{words:?} in {}", run.stderr);
}

fn kept(machine: &Machine) -> Vec<String> {
    let names = machine.secrets().into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with("access:")).collect();
    names.sort();
    names
}

/// The scopes asked for, sign-in by sign-in.
fn scopes(machine: &Machine) -> Vec<String> {
    let requests = machine.outlook.endpoint.requests();
    let asked = requests.iter().filter(|request| request.path.ends_with("/devicecode"));
    asked.map(|request| request.field("scope").unwrap().to_owned()).collect()
}

// -- the trial

#[test]
fn a_sign_in_is_tried_and_sends_nothing() {
    let machine = signed_out(|_| {}, &[]);
    let before = config(&machine);
    let run = login(&machine, &[]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.ends_with("Tried it at localhost: mail can be sent.\n"), "{}", run.stdout);
    assert_eq!(config(&machine), before, "nothing changed, nothing written");
    assert!(machine.outlook.smtp.wait_until_idle(SOON));
    let connections = machine.outlook.smtp.connections();
    let [connection] = connections.as_slice() else { panic!("{} connections", connections.len()) };
    let lines = connection.client_lines();
    let verbs: Vec<_> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(verbs, ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]);
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
}

#[test]
fn a_refusal_is_told_and_what_was_given_is_kept() {
    for (reply, status, words) in [
        (DISABLED, 78, "outlook-sendmail login --transport graph"),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            78,
            "SMTP is switched off for the whole organisation",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated \
             successfully. Contact your administrator.",
            77,
            "a policy of the account's organisation refuses the sign-in",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.",
            77,
            "ask its administrator",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
            77,
            "user name or the password",
        ),
        ("535 5.7.3 Authentication unsuccessful", 77, "primary address"),
        ("504 5.7.4 Unrecognized authentication type", 76, "way of signing in"),
    ] {
        let machine = with_dialogue(&format!("on auth: {reply}\n"));
        let run = login(&machine, &[]);
        assert_fails(&run, status, words);
        assert!(run.stdout.contains("Signed in as me@outlook.com."), "{}", run.stdout);
        assert_eq!(kept(&machine), ["grant:me@outlook.com"]);
        assert_eq!(scopes(&machine).len(), 1, "nobody is asked for Graph without a terminal");
    }
}

#[test]
fn trouble_that_passes_is_a_warning() {
    for dialogue in ["on banner: 421 4.3.2 Service not available\n", "on auth: 454 4.7.0 Temporary failure\n"] {
        let machine = with_dialogue(dialogue);
        let run = login(&machine, &[]);
        assert_fails(&run, 0, "that could not be tried now");
        assert_eq!(kept(&machine), ["grant:me@outlook.com"]);
    }
}

#[test]
fn a_certificate_nobody_signed_is_no_passing_trouble() {
    let text = fs::read_to_string("tests/dialogues/tls-self-signed.dialogue").unwrap();
    let machine = with_dialogue(&text);
    assert_fails(&login(&machine, &[]), 76, "the server's certificate was refused");
}

// -- Graph

#[test]
fn graph_is_offered_where_smtp_is_off() {
    let machine = with_dialogue(&format!("on auth: {DISABLED}\n"));
    let answers = [("Sign in for Graph now? [Y/n] ", ""), ("Send a test message to me@outlook.com? [Y/n] ", "n")];
    let Some(run) = login_at_a_terminal(&machine, &answers) else { return };
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert_eq!(scopes(&machine).len(), 2);
    assert!(config(&machine).contains("address = \"me@outlook.com\"\ntransport = \"graph\"\n"), "{}", config(&machine));
    assert_eq!(machine.outlook.smtp.connections().len(), 1, "Graph is not tried over SMTP");
}

#[test]
fn a_mailbox_whose_smtp_is_off_sends_through_graph() {
    let machine = with_dialogue(&format!("on auth: {DISABLED}\n"));
    let answers = [("Sign in for Graph now? [Y/n] ", "y"), ("Send a test message to me@outlook.com? [Y/n] ", "y")];
    let Some(run) = login_at_a_terminal(&machine, &answers) else { return };
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let scopes = scopes(&machine);
    assert!(scopes[0].contains("/SMTP.Send ") && !scopes[0].contains("Mail.Send"), "{scopes:?}");
    assert!(scopes[1].contains("/Mail.Send ") && !scopes[1].contains("SMTP.Send"), "{scopes:?}");
    assert_eq!(kept(&machine), ["grant:graph:me@outlook.com", "grant:me@outlook.com"]);
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    let accepted = machine.outlook.graph.accepted();
    let recipients: Vec<_> = accepted.iter().flat_map(|post| post.recipients.clone()).collect();
    assert_eq!(recipients, [ACCOUNT, "a@example.org"]);
    assert_eq!(machine.outlook.smtp.connections().len(), 1, "nothing but the trial went to SMTP");
}

#[test]
fn graph_may_be_declined() {
    let machine = with_dialogue(&format!("on auth: {DISABLED}\n"));
    let before = config(&machine);
    let answers = [("Sign in for Graph now? [Y/n] ", "n")];
    let Some(run) = login_at_a_terminal(&machine, &answers) else { return };
    assert_eq!((run.status, run.stderr.as_str()), (78, ""), "{}", run.stdout);
    assert!(run.stdout.contains("run outlook-sendmail login --transport graph"), "{}", run.stdout);
    assert_eq!((scopes(&machine).len(), config(&machine)), (1, before));
}

#[test]
fn graph_may_be_asked_for_at_once() {
    let machine = signed_out(|_| {}, &[]);
    let run = login(&machine, &["--transport", "graph"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(config(&machine).contains("\ntransport = \"graph\"\n"));
    assert_eq!((scopes(&machine).len(), machine.outlook.smtp.connections().len()), (1, 0));
    let run = login(&machine, &["--transport", "smtp"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(config(&machine).contains("\ntransport = \"smtp\"\n") && !config(&machine).contains("\"graph\""));
}

// -- the configuration

#[test]
fn everything_else_in_the_file_stays_as_it_is() {
    let machine = signed_out(|_| {}, &[]);
    let text =
        format!("# Gr\u{fc}\u{df}e\r\n\n{}  # the end", config(&machine)).replace("store =", "\t# where\n  store  =");
    let text =
        text.replace("client_id = ", "client_id = 'old-id' # was ").replace("store  = \"file\"", "store  = 'file'#!");
    fs::write(machine.config(), &text).unwrap();
    let client_id = machine.outlook.options().client_id.clone();
    let run = login(&machine, &["--client-id", &client_id]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("Changed account me in "), "{}", run.stdout);
    assert_eq!(config(&machine), text.replace("'old-id'", &format!("{client_id:?}")));
    // The same again changes nothing, not even the file's time.
    let before = fs::metadata(machine.config()).unwrap().modified().unwrap();
    assert_eq!(login(&machine, &["--client-id", &client_id]).status, 0);
    assert_eq!(fs::metadata(machine.config()).unwrap().modified().unwrap(), before);
}

#[test]
fn what_is_written_while_somebody_signs_in_is_not_lost() {
    let machine = signed_out(|_| {}, &[("client_id", "\"old-id\"")]);
    let client_id = machine.outlook.options().client_id.clone();
    let flow = DeviceFlow { pending: 2, interval: 1, ..DeviceFlow::default() };
    machine.outlook.endpoint.set_device_flow(flow);
    let mut command = machine.command(machine.program("outlook-sendmail"));
    command.args(["login", "--client-id", &client_id]);
    let typist = Typist::of(command);
    typist.sees("and enter this code");
    let meanwhile = config(&machine) + &second_account(&machine, "work", "me@contoso.example");
    fs::write(machine.config(), &meanwhile).unwrap();
    let run = typist.ends();
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert_eq!(config(&machine), meanwhile.replacen("\"old-id\"", &format!("{client_id:?}"), 1));
}

#[test]
fn options_that_make_no_configuration_change_nothing() {
    let machine = signed_out(|_| {}, &[]);
    let before = config(&machine);
    for arguments in [["--store", "pocket"], ["--transport", "pigeon"], ["--tenant", "a/b"]] {
        assert_fails(&login(&machine, &arguments), 64, &arguments.join(" "));
    }
    assert!(machine.outlook.endpoint.requests().is_empty());
    assert_eq!(config(&machine), before);
}

/// What the stand-in needs of an account, as somebody would write it by hand.
fn second_account(machine: &Machine, name: &str, address: &str) -> String {
    let me = config(machine).split_once("[accounts.me]\n").unwrap().1.replace(ACCOUNT, address);
    format!("\n[accounts.{name}]\n{me}")
}

#[test]
fn a_second_account_is_signed_in_beside_the_first() {
    let machine = signed_out(|_| {}, &[]);
    assert_eq!(login(&machine, &[]).status, 0);
    let text = config(&machine) + &second_account(&machine, "work", "me@contoso.example");
    fs::write(machine.config(), &text).unwrap();
    approve(&machine, Some("me@contoso.example"));
    // The stand-in's SMTP knows the first account only.
    assert_fails(&login(&machine, &["--account", "work"]), 77, "Outlook refuses the sign-in");
    assert_eq!(kept(&machine), ["grant:me@contoso.example", "grant:me@outlook.com"]);
    assert_eq!(config(&machine), text);
}

#[test]
fn what_cannot_be_is_refused_before_anybody_signs_in() {
    let machine = signed_out(|_| {}, &[]);
    let before = config(&machine);
    let run = login(&machine, &["you@outlook.com", "--tenant", "organizations"]);
    assert_fails(&run, 64, "personal mailbox, whose tenant is consumers");
    assert_fails(&login(&machine, &["me@outlook.example", "--store", "file"]), 64, "there is an account me already");
    assert_eq!(config(&machine), before);
    assert!(machine.outlook.endpoint.requests().is_empty());
}

#[test]
fn another_tenant_is_another_provider() {
    let machine = signed_out(
        |options| {
            options.tenant = "contoso.example".to_owned();
            options.account = "me@contoso.example".to_owned();
        },
        &[("tenant", "\"consumers\"")],
    );
    let run = login(&machine, &["--tenant", "contoso.example"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let text = config(&machine);
    assert!(
        text.contains("\nprovider = \"microsoft365\"\n") && text.contains("\ntenant = \"contoso.example\"\n"),
        "{text}"
    );
}

#[test]
fn the_address_becomes_the_primary_one() {
    let alias = [("address", "\"alias@outlook.com\""), ("name", "\"Me\" # my name")];
    let machine = signed_out(|_| {}, &alias);
    let before = config(&machine);
    let run = login(&machine, &[]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("account me is me@outlook.com now"), "{}", run.stdout);
    assert_eq!(config(&machine), before.replace("alias@outlook.com", "me@outlook.com"));
    assert_eq!(kept(&machine), ["grant:me@outlook.com"]);
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();

    let machine = signed_out(|_| {}, &alias);
    let answers = [("You signed in as me@outlook.com, while account me is alias@outlook.com.", "n")];
    let Some(run) = login_at_a_terminal(&machine, &answers) else { return };
    assert_eq!((run.status, run.stderr.as_str()), (77, ""), "{}", run.stdout);
    assert!(run.stdout.contains("nothing was changed"), "{}", run.stdout);
    assert!(kept(&machine).is_empty() && config(&machine).contains("alias@outlook.com"), "{}", config(&machine));
}

#[test]
fn another_mailbox_than_the_one_named_changes_nothing() {
    let machine = signed_out(|_| {}, &[]);
    let before = config(&machine);
    approve(&machine, Some("other@outlook.com"));
    let words = "signed in as other@outlook.com, not as me@outlook.com; nothing was changed";
    assert_fails(&login(&machine, &["me@outlook.com"]), 77, words);
    assert!(kept(&machine).is_empty());
    assert_eq!(config(&machine), before);
    if !installed("script") {
        return;
    }
    let program = machine.program("outlook-sendmail");
    let mut typist = Typist::at_terminal(&machine, program.to_str().unwrap(), &["login", "me@outlook.com"]);
    typist.sees("You signed in as other@outlook.com, not as me@outlook.com. Use other@outlook.com for account me?");
    typist.types("n\n");
    let run = typist.ends();
    assert!(run.status == 77 && run.stdout.contains("nothing was changed"), "{}", run.stdout);
    assert!(kept(&machine).is_empty());
    assert_eq!(config(&machine), before);
}

// -- the store

const NO_BUS: (&str, &str) = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");

#[test]
fn a_store_that_keeps_nothing_shows_before_anybody_signs_in() {
    let without_set = [("store", "\"command\""), ("secret_command", "{ get = \"true\" }")];
    let forgetful = [("store", "\"command\""), ("secret_command", "{ get = \"true\", set = \"cat > /dev/null\" }")];
    let keyring = [("store", "\"secret-service\"")];
    for (settings, status, words) in [
        (&without_set[..], 73, "secret_command has no set"),
        (&forgetful[..], 73, "what was kept there is not there"),
        (&keyring[..], 78, "run: outlook-sendmail login --store file"),
    ] {
        let machine = signed_out(|_| {}, settings);
        let mut command = machine.command(machine.program("outlook-sendmail"));
        assert_fails(&harness::run(command.arg("login").env(NO_BUS.0, NO_BUS.1), b""), status, words);
        assert!(machine.outlook.endpoint.requests().is_empty());
    }
}

#[test]
fn where_there_is_no_keyring_the_file_is_offered() {
    if !installed("script") {
        return;
    }
    let machine = signed_out(|_| {}, &[("store", "\"secret-service\"")]);
    let program = machine.program("outlook-sendmail");
    let mut typist = Typist::at_terminal_with(&machine, program.to_str().unwrap(), &["login"], &[NO_BUS]);
    typist.sees("There is no keyring here. Keep the sign-in in a file that only you can read?");
    typist.types("y\n");
    typist.sees("Send a test message");
    typist.types("n\n");
    let run = typist.ends();
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert_eq!(kept(&machine), ["grant:me@outlook.com"]);
    assert!(config(&machine).contains("store = \"file\""), "{}", config(&machine));
}

// -- passwords

const BY_PASSWORD: [(&str, &str); 2] = [("provider", "\"custom\""), ("auth", "\"password\"")];

fn password_machine(dialogue: Option<&str>) -> Machine {
    let change = |options: &mut Options| {
        options.password = Some(PASSWORD.to_owned());
        options.dialogue = dialogue.map(|text| Dialogue::parse(text).unwrap());
    };
    signed_out(change, &BY_PASSWORD)
}

#[test]
fn a_password_is_read_tried_kept_and_used() {
    for (dialogue, auth) in
        [(None, "AUTH LOGIN"), (Some("on ehlo2:\n    -AUTH\n    +AUTH XOAUTH2 LOGIN PLAIN\n"), "AUTH PLAIN [redacted")]
    {
        let machine = password_machine(dialogue);
        machine.sendmail(["a@example.org"], MESSAGE).assert_failure(77, "not signed in");
        let before = config(&machine);
        let run = tool(&machine, &["login"], format!("{PASSWORD}\nmore\n").as_bytes());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        assert_eq!((kept(&machine), config(&machine)), (vec![format!("password:{ACCOUNT}")], before));
        let run = machine.sendmail(["-v", "a@example.org"], MESSAGE);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(!run.stderr.contains(ENCODED) && !run.stderr.contains(PASSWORD), "{}", run.stderr);
        assert_eq!(machine.outlook.smtp.received().len(), 1);
        let connections = machine.outlook.smtp.connections();
        let lines: Vec<_> = connections.iter().flat_map(|one| one.client_lines()).collect();
        let auths: Vec<_> = lines.iter().filter(|line| line.starts_with("AUTH")).collect();
        assert!(auths.len() == 2 && auths.iter().all(|line| line.starts_with(auth)), "{auths:?}");
        assert!(machine.outlook.endpoint.requests().is_empty());
    }
}

#[test]
fn a_password_typed_at_the_terminal_is_not_shown() {
    let machine = password_machine(None);
    let answers = [("Password of me@outlook.com at localhost: ", PASSWORD), ("Send a test message", "y")];
    let Some(run) = login_at_a_terminal(&machine, &answers) else { return };
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(!run.stdout.contains("horse"), "{}", run.stdout);
    assert_eq!(machine.outlook.smtp.received().len(), 1);
}

#[test]
fn a_wrong_password_is_not_kept() {
    let machine = password_machine(None);
    assert_fails(&tool(&machine, &["login"], b"wrong\n"), 77, "the server refuses the password");
    assert_fails(&tool(&machine, &["login"], b"\n"), 77, "no password was given");
    assert_fails(&tool(&machine, &["login"], b"a\0b\n"), 77, "without NUL");
    assert!(kept(&machine).is_empty());
    let refusal = "on auth: 535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.\n";
    let strict = password_machine(Some(refusal));
    assert_fails(&tool(&strict, &["login"], b"wrong\n"), 77, "the server refuses the password");
    assert!(kept(&strict).is_empty());
    // One that was right once, and is kept.
    assert_eq!(tool(&machine, &["login"], PASSWORD.as_bytes()).status, 0);
    machine.outlook.smtp.set_dialogue(&Dialogue::parse(&format!("on auth: 535 5.7.8 not {PASSWORD}\n")).unwrap());
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(77, "the server refuses the password");
    machine.outlook.smtp.set_dialogue(&Dialogue::parse("on auth: 535 5.7.8 no\n").unwrap());
    assert_fails(&tool(&machine, &["login"], b"other\n"), 77, "the server refuses the password");
    assert_eq!(kept(&machine), [format!("password:{ACCOUNT}")]);
}

#[test]
fn outlook_takes_no_passwords() {
    let machine = signed_out(|_| {}, &[("auth", "\"password\"")]);
    assert_fails(&tool(&machine, &["login"], b"x\n"), 78, "Outlook.com takes no passwords since September 2024");
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(78, "September 2024");
    // A work account may still have one; Microsoft's answer says whether.
    let machine = signed_out(|_| {}, &[("provider", "\"microsoft365\""), ("auth", "\"password\"")]);
    assert_fails(&tool(&machine, &["login"], b"x\n"), 77, "Outlook no longer takes passwords");
}

// -- signing out

#[test]
fn everything_is_forgotten_and_the_configuration_stays() {
    let machine = Machine::new();
    let before = config(&machine);
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
    let run = tool(&machine, &["logout", "--account", "me"], b"");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout.starts_with("Signed out me@outlook.com: forgot the sign-in and the access token.\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("https://account.live.com/consent/Manage"), "{}", run.stdout);
    assert!(machine.secrets().is_empty());
    assert_eq!(config(&machine), before);
    // Not even an access token is left.
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(77, "not signed in");
    let run = tool(&machine, &["logout"], b"");
    assert_eq!((run.status, run.stdout.as_str()), (0, "me@outlook.com was not signed in.\n"));
    assert_fails(&tool(&machine, &["logout", "--account", "you"], b""), 78, "no such account");
}

#[test]
fn a_password_is_forgotten_too() {
    let machine = password_machine(None);
    assert_eq!(tool(&machine, &["login"], PASSWORD.as_bytes()).status, 0);
    let run = tool(&machine, &["logout"], b"");
    assert_eq!((run.status, run.stdout.as_str()), (0, "Signed out me@outlook.com: forgot the password.\n"));
    assert!(machine.secrets().is_empty());
}
