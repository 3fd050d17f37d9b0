//! One account for the whole machine: signed in by root, used by everybody, known by the broker alone.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use harness::fixture::Sent;
use harness::syslog::syslog;
use harness::system::System;
use harness::{Run, SOON, assert_no_secret, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use outlook_sendmail::service::{Answer, Greeting, ServiceRequest};
use stand_in::{DeviceFlow, Dialogue};

const WWW_DATA: u32 = 33;
const NOBODY: u32 = 65_534;

const MESSAGE: &[u8] = b"Subject: hello\nTo: bob@example.com\n\ntext\n";
const KEEP: (&str, &str) = ("on_failure", "\"keep\"");

/// A broker that listens as under systemd, and nobody signed in.
fn signed_out(config: &[(&str, &str)]) -> Option<System> {
    let mut system = System::signed_out(|_| {}, config)?;
    system.listen_on_standard_input();
    let flow = DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() };
    system.machine.outlook.endpoint.set_device_flow(flow);
    Some(system)
}

/// `login --system` as root, with a home of its own that can be looked into afterwards.
fn login(system: &System, more: &[&str]) -> Run {
    let home = system.machine.folder.path().join("root");
    fs::create_dir_all(&home).unwrap();
    let mut command = system.as_user(0, "outlook-sendmail");
    run(command.args(["login", "--system"]).args(more).env("HOME", &home), b"")
}

fn files_below(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

fn arrived(system: &System) -> Vec<Sent> {
    assert!(system.machine.outlook.smtp.wait_until_idle(SOON), "a connection stays open");
    system.machine.outlook.smtp.received_whole().iter().map(|message| Sent::parse(&message.data)).collect()
}

fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr))
}

/// Waits for something that happens soon.
fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let patience = Instant::now() + SOON;
    while !happened() {
        assert!(Instant::now() < patience, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_was_sent_before_the_first_sign_in_waits_for_it() {
    let Some(system) = signed_out(&[KEEP]) else { return };
    for uid in [WWW_DATA, NOBODY] {
        system.sendmail(uid, &["-t"], MESSAGE).assert_silent_success();
    }
    let waiting = system.tool(WWW_DATA, &["mailq"]);
    assert!(waiting.stdout.contains("run: outlook-sendmail login --system"), "{}", waiting.stdout);
    let told = login(&system, &["--store", "sealed"]);
    assert_eq!(told.status, 0, "{}{}", told.stdout, told.stderr);
    for words in ["Signed in as me@outlook.com", "2 messages wait for this sign-in", "2 sent. The queue: empty."] {
        assert!(told.stdout.contains(words), "{words}: {}", told.stdout);
    }
    assert_no_secret(&(told.stdout + &told.stderr));
    assert_eq!(arrived(&system).len(), 2);

    // The broker has the sign-in, and root has none of it.
    let mut kept = files_below(&system.folder("var-lib").join("secrets"));
    // Where the kernel has no keyring for it.
    kept.retain(|name| name != "sealed:access:me");
    assert_eq!(kept, ["sealed:grant:me@outlook.com", "sealing-key"]);
    let home = files_below(&system.machine.folder.path().join("root"));
    assert!(home.iter().all(|file| !file.contains("grant") && !file.contains("token")), "{home:?}");
    for file in fs::read_dir(system.folder("var-lib").join("secrets")).unwrap() {
        let file = file.unwrap().metadata().unwrap();
        assert_eq!((file.uid(), file.mode() & 0o777), (8, 0o600));
    }
    let config = system.folder("etc").join("config.toml");
    let metadata = fs::metadata(&config).unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (0, 0o644));
    assert!(fs::read_to_string(&config).unwrap().contains("store = \"sealed\""));
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_silent_success();
    assert_eq!(arrived(&system).len(), 3);
}

#[test]
fn an_account_is_made_where_there_is_no_configuration_yet() {
    let Some(system) = signed_out(&[KEEP]) else { return };
    // What a new account cannot name: the stand-in is an ordinary account's neighbour here.
    let config = system.folder("etc").join("config.toml");
    let other = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("# kept by hand\n{other}")).unwrap();
    system.sendmail(NOBODY, &["-t"], MESSAGE).assert_silent_success();
    fs::remove_file(&config).unwrap();
    // Nobody has signed in at all: messages wait all the same.
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_silent_success();
    system.tool(NOBODY, &["status", "--system"]).assert_failure(78, "run as root: outlook-sendmail login --system");
    fs::write(&config, format!("# kept by hand\n{other}")).unwrap();
    let told = login(&system, &[]);
    assert_eq!(told.status, 0, "{}{}", told.stdout, told.stderr);
    assert!(fs::read_to_string(&config).unwrap().starts_with("# kept by hand\n"));
    assert_eq!(arrived(&system).len(), 2);
}

/// What a slip of the pen in /etc, or of chmod, makes of a configuration.
const BROKEN: [&str; 5] = [
    "sed -i '1i nonsense' $c",
    "sed -i 's/^store/stoer/' $c",
    "chmod 666 $c",
    ": > $c",
    "printf '[accounts.other]\\naddress = \"other@outlook.com\"\\n' >> $c; sed -i '/^account /d' $c",
];

#[test]
fn a_slip_in_the_configuration_loses_nothing() {
    let Some(system) = System::start(&[KEEP]) else { return };
    let log = syslog();
    let config = system.folder("etc").join("config.toml");
    let good = fs::read_to_string(&config).unwrap();
    for (number, slip) in (1..).zip(BROKEN) {
        let script = format!("c=/etc/outlook-sendmail/config.toml; {slip}");
        let mut command = system.as_user_anything(0);
        assert_eq!(run(command.args(["sh", "-c", &script]), b"").status, 0, "{slip}");
        for uid in [0, WWW_DATA] {
            system.sendmail(uid, &["-t"], MESSAGE).assert_silent_success();
        }
        let told = system.tool(0, &["status", "--system"]);
        assert!(told.status == 78 || number == 5, "{slip}: {} {}", told.status, told.stderr);
        if number < 5 {
            assert!(told.stderr.contains("2 messages wait until that is mended"), "{slip}: {}", told.stderr);
            let report = json(&system.tool(0, &["status", "--system", "--json"]));
            assert_eq!(report["status"], 78);
            assert!(report["problem"].as_str().unwrap().contains("2 messages wait until that is mended"), "{report}");
            assert_eq!(run(system.as_user(0, "sendmail").arg("-q"), b"").status, 78, "the retry's unit fails visibly");
        }
        assert_eq!(system.tool(WWW_DATA, &["mailq"]).stdout.matches("bob@example.com").count(), 1, "{slip}");
        fs::write(&config, &good).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(run(system.as_user(0, "sendmail").arg("-q"), b"").status, 0);
        assert_eq!(arrived(&system).len(), 2, "{slip}");
        system.machine.outlook.smtp.forget();
        let _ = fs::remove_file(system.folder("var-lib").join("records/pace:me@outlook.com"));
    }
    if let Some(log) = log {
        let records = log.records_with(&["kept as ", "status=78", "config.toml line 1: "]);
        assert!(!records.is_empty(), "the journal says why");
    }
}

#[test]
fn an_alias_file_that_cannot_be_used_keeps_mail_back() {
    let Some(system) = System::start(&[KEEP]) else { return };
    let aliases = system.machine.folder.path().join("aliases");
    fs::set_permissions(&aliases, fs::Permissions::from_mode(0o666)).unwrap();
    system.sendmail(WWW_DATA, &["root"], MESSAGE).assert_silent_success();
    assert!(system.tool(WWW_DATA, &["mailq"]).stdout.contains("aliases"), "kept, with the reason");
    fs::set_permissions(&aliases, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(run(system.as_user(0, "sendmail").arg("-q"), b"").status, 0);
    assert_eq!(arrived(&system).len(), 1);
}

#[test]
fn what_was_kept_before_anybody_was_named_is_judged_when_it_is_tried() {
    let Some(system) = signed_out(&[KEEP, ("allow", "[\"root\", \"@adm\"]")]) else { return };
    let log = syslog();
    let config = system.folder("etc").join("config.toml");
    let narrowed = fs::read_to_string(&config).unwrap();
    fs::remove_file(&config).unwrap();
    for uid in [0, WWW_DATA, NOBODY] {
        system.sendmail(uid, &["-t"], MESSAGE).assert_silent_success();
    }
    // A process of a group that is named, whatever its user.
    let mut member = system.as_user_anything(0);
    member.args(["setpriv", "--reuid", "33", "--regid", "adm", "--clear-groups", "--"]);
    run(member.arg(system.machine.program("sendmail")).arg("-t"), MESSAGE).assert_silent_success();
    fs::write(&config, narrowed).unwrap();
    let told = login(&system, &[]);
    assert_eq!(told.status, 0, "{}{}", told.stdout, told.stderr);
    let sent = arrived(&system);
    let subjects: Vec<_> = sent.iter().map(|sent| sent.field("Subject").unwrap()).collect();
    assert_eq!(subjects.iter().filter(|subject| **subject == "hello").count(), 2, "{subjects:?}");
    assert_eq!(sent.len(), 3, "and one that tells of those that were not: {subjects:?}");
    for uid in [WWW_DATA, NOBODY] {
        let list = system.tool(uid, &["mailq"]).stdout;
        assert!(list.contains("(failed") && list.contains("may not send through this machine's account"), "{list}");
    }
    if let Some(log) = log {
        for login in ["www-data", "nobody"] {
            let records = log.records_with(&[&format!("user={login} "), "failed: ", "may not send"]);
            assert!(!records.is_empty(), "{login}");
        }
    }
}

#[test]
fn only_root_signs_in_and_only_with_a_broker() {
    let Some(mut system) = signed_out(&[]) else { return };
    system.tool(WWW_DATA, &["login", "--system"]).assert_failure(77, "only root may do that");
    system.tool(WWW_DATA, &["logout", "--system"]).assert_failure(77, "only root may do that");
    login(&system, &["--store", "secret-service"]).assert_failure(64, "is kept in sealed or file");
    system.stop();
    fs::remove_file(system.socket()).unwrap();
    let text = fs::read_to_string(system.folder("etc").join("config.toml")).unwrap();
    login(&system, &[]).assert_failure(75, "run: systemctl enable --now outlook-sendmail.socket");
    assert_eq!(fs::read_to_string(system.folder("etc").join("config.toml")).unwrap(), text);
    assert_eq!(system.machine.outlook.endpoint.refreshes(), 0);
}

#[test]
fn a_sign_in_the_broker_cannot_keep_changes_nothing() {
    let Some(system) = signed_out(&[]) else { return };
    let config = system.folder("etc").join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    // Nobody can write there, not even root.
    fs::write(system.folder("var-lib").join("secrets"), "").unwrap();
    let told = login(&system, &["--store", "sealed"]);
    assert!(told.status != 0 && told.stderr.contains("secret"), "{}{}", told.stdout, told.stderr);
    assert_eq!(fs::read_to_string(&config).unwrap(), text);
}

#[test]
fn everybody_sees_how_the_account_stands_and_nobody_anothers_mail() {
    let dialogue = Dialogue::parse("on rcpt: 550 5.1.1 no such user").unwrap();
    let Some(system) = System::start_with(|options| options.dialogue = Some(dialogue), &[]) else { return };
    system.sendmail(WWW_DATA, &["-t"], MESSAGE);
    for (uid, sees) in [(0, true), (WWW_DATA, false), (NOBODY, false)] {
        let text = system.tool(uid, &["status"]);
        assert!(text.stdout.starts_with("me <me@outlook.com>, this machine's account: "), "{}", text.stdout);
        assert!(text.stdout.contains("kept in a file\n"), "{}", text.stdout);
        assert_eq!(text.stdout.contains("bob@example.com"), sees, "{}", text.stdout);
        let told = system.tool(uid, &["status", "--json"]);
        assert_eq!(told.stdout.contains("bob@example.com"), sees, "{}", told.stdout);
        let account = &json(&told)["accounts"][0];
        assert_eq!(account["system"], true);
        assert!(account["failure"]["at"].is_string() && account["failure"]["line"].is_string() == sees, "{account}");
        assert_eq!(account["pace"]["limit"], 30);
        assert_no_secret(&(text.stdout + &told.stdout));
    }
}

#[test]
fn a_user_sees_what_is_his_in_the_outbox() {
    let Some(system) = signed_out(&[KEEP]) else { return };
    for subject in ["one", "two"] {
        let message = format!("Subject: {subject}\nTo: bob@example.com\n\n");
        system.sendmail(WWW_DATA, &["-t"], message.as_bytes()).assert_silent_success();
    }
    for (uid, count) in [(0, 2), (WWW_DATA, 2), (NOBODY, 0)] {
        assert_eq!(system.tool(uid, &["mailq"]).stdout.matches("bob@example.com").count(), count, "{uid}");
        assert_eq!(json(&system.tool(uid, &["status", "--json"]))["accounts"][0]["queue"], count);
        let told = system.tool(uid, &["status", "--system"]);
        let words = if count > 0 { "2 wait; mailq lists them" } else { "Queue          empty" };
        assert!(told.status == 77 && told.stdout.contains(words), "{uid}: {} {}", told.status, told.stdout);
        assert!(told.stdout.contains("run: outlook-sendmail login --system\n"), "{}", told.stdout);
    }
    let list = system.tool(WWW_DATA, &["mailq"]).stdout;
    let id = list.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert_ne!(system.tool(NOBODY, &["queue", "drop", &id]).status, 0);
    assert_ne!(system.tool(NOBODY, &["queue", "show", &id]).status, 0);
    assert_eq!(system.tool(WWW_DATA, &["queue", "drop", &id]).status, 0);
    assert_eq!(system.tool(0, &["mailq"]).stdout.matches("bob@example.com").count(), 1);
}

#[test]
fn a_users_own_account_is_shown_before_the_machines() {
    let Some(system) = System::start(&[]) else { return };
    let home = system.machine.folder.path().join("home");
    let folder = home.join(".config/outlook-sendmail");
    fs::create_dir_all(&folder).unwrap();
    let text = "[accounts.own]\naddress = \"own@outlook.com\"\nstore = \"file\"\n";
    fs::write(folder.join("config.toml"), text).unwrap();
    let mut command = system.as_user(NOBODY, "outlook-sendmail");
    let told = run(command.args(["status", "--json"]).env("HOME", &home), b"");
    let accounts = json(&told)["accounts"].clone();
    assert_eq!((&accounts[0]["name"], &accounts[0]["system"]), (&"own".into(), &false.into()));
    assert_eq!((&accounts[1]["name"], &accounts[1]["system"]), (&"me".into(), &true.into()));
    let mut command = system.as_user(NOBODY, "outlook-sendmail");
    let told = run(command.arg("status").env("HOME", &home), b"").stdout;
    assert!(told.starts_with("own <own@outlook.com>: ") && told.contains("this machine's account"), "{told}");
    let mut command = system.as_user(NOBODY, "outlook-sendmail");
    let told = run(command.args(["status", "--system"]).env("HOME", &home), b"").stdout;
    assert!(told.starts_with("me <me@outlook.com>"), "{told}");
}

#[test]
fn a_sign_in_is_tested_renewed_and_forgotten() {
    let Some(system) = System::start(&[]) else { return };
    let told = system.tool(WWW_DATA, &["test", "--system"]);
    assert_eq!(told.status, 0, "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("account me\n") && told.stdout.contains("in your inbox"), "{}", told.stdout);
    assert!(told.stderr.contains(">>> EHLO"), "{}", told.stderr);
    assert_no_secret(&(told.stdout + &told.stderr));
    assert_eq!(arrived(&system).len(), 1);
    let refreshes = system.machine.outlook.endpoint.refreshes();
    for (uid, more) in [(NOBODY, 1), (NOBODY, 1), (0, 2)] {
        assert_eq!(system.tool(uid, &["renew", "--system"]).status, 0);
        assert_eq!(system.machine.outlook.endpoint.refreshes(), refreshes + more, "others once an hour");
    }
    let looked = system.tool(WWW_DATA, &["doctor"]).stdout;
    assert!(looked.contains("mail service") && looked.contains("answers, and can send"), "{looked}");
    let told = system.tool(0, &["logout", "--system"]);
    assert!(told.status == 0 && told.stdout.starts_with("Signed out me@outlook.com"), "{}{}", told.stdout, told.stderr);
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_failure(77, "run: outlook-sendmail login --system");
    let secrets = files_below(&system.folder("var-lib").join("secrets"));
    assert!(secrets.is_empty(), "{secrets:?}");
}

#[test]
fn what_root_sends_while_nobody_listens_is_taken_over() {
    let Some(mut system) = System::without_broker(|_| {}, &[KEEP]) else { return };
    let spool = system.folder("var-spool");
    system.sendmail(0, &["-t"], MESSAGE).assert_silent_success();
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_failure(75, "mail service does not answer");
    let left = fs::read_dir(&spool).unwrap().map(|entry| entry.unwrap()).collect::<Vec<_>>();
    let [left] = left.as_slice() else { panic!("{left:?}") };
    let file = left.metadata().unwrap();
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (0, 8, 0o640));

    // What is not root's plain file stays where it is, and nothing is stopped by it.
    let rest = left.file_name().to_string_lossy().split_once('.').unwrap().1.to_owned();
    let name = |id: &str| format!("{id}000000000.{rest}");
    fs::copy(left.path(), spool.join(name("1"))).unwrap();
    chown(spool.join(name("1")), Some(8), Some(8)).unwrap();
    fs::copy(left.path(), spool.join(name("2"))).unwrap();
    fs::set_permissions(spool.join(name("2")), fs::Permissions::from_mode(0o662)).unwrap();
    symlink("/etc/shadow", spool.join(name("3"))).unwrap();
    nix::unistd::mkfifo(&spool.join(name("4")), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(spool.join(name("5")), "noise").unwrap();
    fs::create_dir(spool.join(name("6"))).unwrap();
    let left = left.path();

    system.listen(&[]);
    let queue = run(system.as_user(NOBODY, "sendmail").arg("-q"), b"");
    assert_eq!((queue.status, queue.stderr.as_str()), (0, ""));
    let sent = arrived(&system);
    assert!(sent.len() == 1 && sent[0].body == "text\n", "{}", sent.len());
    assert!(!left.exists(), "taken over");
    for hostile in ["1", "2", "3", "4", "6"] {
        assert!(fs::symlink_metadata(spool.join(name(hostile))).is_ok(), "{hostile}");
    }
    assert_eq!(system.tool(0, &["mailq"]).stdout.matches("bob@example.com").count(), 0);
}

/// The process of the broker's that serves a connection.
fn only_child(system: &System) -> Option<i32> {
    let pid = system.broker_pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.split_whitespace().next().map(|pid| pid.parse().unwrap())
}

#[test]
fn with_report_a_broker_killed_behind_the_final_dot_leaves_perhaps_sent() {
    let dialogue = Dialogue::parse("on content: stall").unwrap();
    let Some(system) = System::start_with(|options| options.dialogue = Some(dialogue), &[]) else { return };
    let mut command = system.as_user(WWW_DATA, "sendmail");
    command.arg("-t");
    let client = thread::spawn(move || run(&mut command, MESSAGE));
    until("no content arrives", || !system.machine.outlook.smtp.received_whole().is_empty());
    kill(Pid::from_raw(only_child(&system).unwrap()), Signal::SIGKILL).unwrap();
    client.join().unwrap().assert_failure(74, "perhaps sent");
    assert_eq!(system.tool(0, &["mailq"]).stdout.matches("bob@example.com").count(), 0, "nobody keeps it");
}

#[test]
fn whoever_was_greeted_is_served_by_a_broker_told_to_end() {
    let Some(mut system) = System::start(&[]) else { return };
    let mut stream = std::os::unix::net::UnixStream::connect(system.socket()).unwrap();
    assert_eq!(Greeting::read(&mut stream), Ok(Greeting::Ready));
    kill(Pid::from_raw(i32::try_from(system.broker_pid()).unwrap()), Signal::SIGTERM).unwrap();
    // Whoever was greeted is served.
    ServiceRequest::Status(None).write(&mut stream).unwrap();
    assert!(matches!(Answer::hear(&mut stream), Ok(Answer::Output(_))));
    drop(stream);
    system.stop();
}

#[test]
fn a_run_over_the_outbox_ends_with_its_broker_and_takes_one_place_only() {
    let dialogue = Dialogue::parse("on banner: 421 4.3.2 later").unwrap();
    let Some(mut system) = System::start_with(|options| options.dialogue = Some(dialogue), &[KEEP]) else { return };
    for _ in 0..2 {
        system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_silent_success();
    }
    let outbox = system.folder("var-lib").join("outbox");
    for file in fs::read_dir(&outbox).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "progress") {
            let mut progress: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            assert!(progress["next"].as_u64().unwrap() > 0);
            progress["next"] = 0.into();
            fs::write(&file, progress.to_string()).unwrap();
        }
    }
    system.machine.outlook.smtp.set_dialogue(&Dialogue::parse("").unwrap());
    // By the clock one message is tried, and the other a minute later.
    let mut command = system.as_user(NOBODY, "outlook-sendmail");
    command.args(["queue", "run"]);
    let queue = thread::spawn(move || run(&mut command, b""));
    until("nothing is sent", || system.machine.outlook.smtp.received_whole().len() == 1);
    for uid in [0, WWW_DATA, NOBODY] {
        system.sendmail(uid, &["-t"], MESSAGE).assert_silent_success();
    }
    system.stop();
    queue.join().unwrap();
    assert_eq!(arrived(&system).len(), 4, "the other waits on");
    system.listen(&[]);
    assert!(system.tool(0, &["mailq"]).stdout.contains("Total: 1"));
}
