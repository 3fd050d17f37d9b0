//! The system account: many users, one broker, real sockets, and people who do not mean well.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use harness::bounded::Bounded as _;
use harness::fixture::Sent;
use harness::stdio_client::StdioClient;
use harness::syslog::syslog;
use harness::system::System;
use harness::{SOON, assert_no_secret, installed, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use outlook_sendmail::secret::Secret;
use outlook_sendmail::service::{Answer, Greeting, ServiceRequest, SignIn};

const WWW_DATA: u32 = 33;
const NOBODY: u32 = 65_534;
/// As a unit with DynamicUser=yes has.
const NAMELESS: u32 = 62_611;

const MESSAGE: &[u8] = b"Subject: hello\nTo: bob@example.com\n\ntext\n.\nmore\n";

/// Everything that arrived.
fn arrived(system: &System) -> Vec<Sent> {
    assert!(system.machine.outlook.smtp.wait_until_idle(SOON), "a connection stays open");
    system.machine.outlook.smtp.received_whole().iter().map(|message| Sent::parse(&message.data)).collect()
}

/// A connection of root's that somebody serves.
fn greeted(system: &System) -> UnixStream {
    let mut stream = UnixStream::connect(system.socket()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(Greeting::read(&mut stream), Ok(Greeting::Ready));
    stream
}

/// A whole request, as sendmail writes it.
fn request(subject: &str) -> Vec<u8> {
    let frame = |letter: u8, octets: &[u8]| {
        let mut frame = vec![letter];
        frame.extend(u32::try_from(octets.len()).unwrap().to_be_bytes());
        frame.extend(octets);
        frame
    };
    let head = serde_json::json!({
        "caller": {
            "uid": 7, "gid": 7, "login": "forged", "full_name": "", "parent": "some\nparent sent: 250",
            "host_name": "", "local_domains": [],
        },
        "arguments": {
            "header_recipients": "taken", "dots": "content", "verbosity": "silent", "operands": [], "values": [],
        },
        "stamp": { "seconds": 0, "nanoseconds": 0, "utc_offset": 0, "unique": vec![0; 16] },
    });
    let message = format!("Subject: {subject}\r\nTo: bob@example.com\r\n\r\ntext\r\n");
    [
        b"OLSM\x01".to_vec(),
        frame(b'H', head.to_string().as_bytes()),
        frame(b'C', message.as_bytes()),
        frame(b'Z', &(message.len() as u64).to_be_bytes()),
    ]
    .concat()
}

fn verdict(stream: &mut UnixStream) -> Answer {
    loop {
        let answer = Answer::hear(stream).unwrap();
        if !matches!(answer, Answer::Sending | Answer::Output(_)) {
            return answer;
        }
    }
}

#[test]
fn users_of_every_kind_send_and_are_named() {
    let Some(system) = System::start(&[]) else { return };
    let log = syslog();
    for (uid, login) in [(0, "root"), (WWW_DATA, "www-data"), (NOBODY, "nobody"), (NAMELESS, "62611")] {
        let sent = system.sendmail(uid, &["-t", "-FSome Name"], MESSAGE);
        sent.assert_silent_success();
        let all = arrived(&system);
        let [message] = all.as_slice() else { panic!("{} messages", all.len()) };
        system.machine.outlook.smtp.forget();
        let from = message.field("From").unwrap();
        assert!(from.ends_with("<me@outlook.com>"), "{from}");
        assert_eq!(message.body, "text\n.\nmore\n");
        if let Some(log) = log {
            let records = log.records_with(&["sent: 2.0.0", &format!("uid={uid} user={login} parent=")]);
            assert!(!records.is_empty(), "{login}");
        }
        let foreign = b"From: Cron Daemon <root@web1>\nTo: bob@example.com\nSubject: cron\n\n";
        system.sendmail(uid, &["-t"], foreign).assert_silent_success();
        let from = arrived(&system).remove(0).field("From").unwrap().to_owned();
        assert!(from.contains(&format!("Cron Daemon, {login} on ")), "{from}");
        system.machine.outlook.smtp.forget();
    }
    let renewals = system.machine.outlook.endpoint.refreshes();
    assert_eq!(renewals, 0, "the sign-in's token serves all");
}

#[test]
fn what_a_user_could_do_with_a_message_it_can_do_through_the_broker() {
    let Some(system) = System::start(&[]) else { return };
    let told = system.sendmail(WWW_DATA, &["-v", "bob@example.com"], MESSAGE);
    assert_eq!((told.status, told.stdout.as_str()), (0, ""));
    assert!(told.stderr.contains(">>> EHLO") && told.stderr.contains("<<< 250 2.0.0"), "{}", told.stderr);
    assert_no_secret(&told.stderr);
    system.sendmail(WWW_DATA, &["-t"], b"Subject: nobody\n\n").assert_failure(64, "no recipients");
    system.sendmail(WWW_DATA, &["a@b@c"], MESSAGE).assert_failure(65, "cannot read this address");
    let verified = system.sendmail(WWW_DATA, &["-bv", "root"], b"");
    assert_eq!((verified.status, verified.stderr.as_str()), (0, ""));
    assert!(verified.stdout.contains("user me@outlook.com"), "{}", verified.stdout);

    let mut command = system.as_user(WWW_DATA, "sendmail");
    let mut client = StdioClient::spawn(command.arg("-bs"));
    assert!(client.reply().starts_with("220 "));
    assert!(client.send("one").starts_with("250 2.0.0"));
    assert!(client.send("two").starts_with("250 2.0.0"));
    client.quit();
    assert_eq!(arrived(&system).len(), 3);
}

#[test]
fn a_users_own_account_goes_first() {
    let Some(system) = System::start(&[]) else { return };
    let config = |home: &std::path::Path| home.join(".config/outlook-sendmail/config.toml");
    let home = system.machine.folder.path().join("home");
    std::fs::create_dir_all(config(&home).parent().unwrap()).unwrap();
    std::fs::write(config(&home), "nonsense").unwrap();
    let mut own = system.as_user(WWW_DATA, "sendmail");
    run(own.arg("-t").env("HOME", &home), MESSAGE)
        .assert_failure(78, "home/.config/outlook-sendmail/config.toml line 1");
    let mut named = system.as_user(WWW_DATA, "sendmail");
    named.arg("-t").env("OUTLOOK_SENDMAIL_CONFIG", "/nonexistent");
    run(&mut named, MESSAGE).assert_failure(78, "/nonexistent does not exist");
    // A home it cannot look into is not its own.
    std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut others = system.as_user(WWW_DATA, "sendmail");
    run(others.arg("-t").env("HOME", &home), MESSAGE).assert_silent_success();
}

#[test]
fn a_large_message_comes_through_whole() {
    let Some(system) = System::start(&[]) else { return };
    let body = "a line of a large message, number 1234567\n".repeat(100_000);
    let message = format!("Subject: large\nTo: bob@example.com\n\n{body}");
    system.sendmail(NOBODY, &["-t"], message.as_bytes()).assert_silent_success();
    assert!(arrived(&system)[0].body == body);
}

#[test]
fn whoever_is_not_allowed_is_told_so() {
    let Some(system) = System::start(&[("allow", "[\"root\", \"@adm\", \"62611\"]")]) else { return };
    system.sendmail(0, &["-t"], MESSAGE).assert_silent_success();
    system.sendmail(NAMELESS, &["-t"], MESSAGE).assert_silent_success();
    assert_eq!(arrived(&system).len(), 2);
    let connections = system.machine.outlook.smtp.connections().len();
    system
        .sendmail(WWW_DATA, &["-t"], MESSAGE)
        .assert_failure(77, "may not send through this machine's account: www-data");
    assert_eq!(system.machine.outlook.smtp.connections().len(), connections);
    let doctor = system.tool(WWW_DATA, &["doctor"]);
    let words = "FAIL  allow           this user may not send through this machine's account";
    assert!(doctor.stdout.contains(words) && doctor.status != 0, "{}", doctor.stdout);
    let doctor = system.tool(NAMELESS, &["doctor"]);
    assert!(doctor.stdout.contains("ok    allow           62611 may send"), "{}", doctor.stdout);
    let mut member = system.as_user_anything(0);
    member.args(["setpriv", "--reuid", "33", "--regid", "adm", "--clear-groups", "--"]);
    run(member.arg(system.machine.program("sendmail")).arg("-t"), MESSAGE).assert_silent_success();
}

#[test]
fn half_a_message_is_none_and_a_whole_one_needs_no_client() {
    let Some(system) = System::start(&[]) else { return };
    let whole = request("once");
    for length in [0, 1, 6, 40, whole.len() - 20, whole.len() - 1] {
        let mut stream = greeted(&system);
        stream.write_all(&whole[..length]).unwrap();
    }
    let mut stream = greeted(&system);
    stream.write_all(&whole).unwrap();
    drop(stream);
    // A message behind it is served when the others are over.
    let mut stream = greeted(&system);
    stream.write_all(&request("twice")).unwrap();
    assert!(matches!(verdict(&mut stream), Answer::Verdict(Ok(_))));
    let patience = std::time::Instant::now() + SOON;
    while system.machine.outlook.smtp.received_whole().len() < 2 && std::time::Instant::now() < patience {
        thread::sleep(Duration::from_millis(20));
    }
    let mut subjects: Vec<_> = arrived(&system).iter().map(|sent| sent.field("Subject").unwrap().to_owned()).collect();
    subjects.sort();
    assert_eq!(subjects, ["once", "twice"]);
    if let Some(log) = syslog() {
        // What a client claims to be is not believed; what started it is only told.
        let records = log.records_with(&["parent=some_parent_sent:_250"]);
        assert!(records.iter().all(|record| record.contains("uid=0 user=root ")), "{records:?}");
    }
}

#[test]
fn only_root_hands_over_a_sign_in() {
    let Some(system) = System::start(&[]) else { return };
    let sign_in = |token: &str| {
        let json = format!(r#"{{"refresh_token":"{token}","authority":"{}"}}"#, system.machine.outlook.authority_url());
        ServiceRequest::KeepGrant(SignIn {
            account: "me".into(),
            grant: Secret::from(json.as_str()),
            token: Secret::from(system.machine.outlook.access_token().as_str()),
            expires_at: std::time::SystemTime::now() + Duration::from_secs(3600),
        })
    };
    let ask = |request: ServiceRequest| {
        let mut stream = greeted(&system);
        request.write(&mut stream).unwrap();
        verdict(&mut stream)
    };
    assert_eq!(ask(sign_in("a new one")), Answer::Done(0));
    let secrets = system.folder("var-lib").join("secrets");
    let stored = std::fs::read_dir(&secrets).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    assert!(stored.into_iter().any(|secret| String::from_utf8_lossy(&secret).contains("a new one")));
    assert_eq!(ask(ServiceRequest::Forget("me".into())), Answer::Done(0));
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_failure(77, "not signed in");
    if !installed("python3") {
        return;
    }
    let sign_in = r#"{"keep-grant":{"account":"me","grant":"e30=","token":"dA==","expires_at":{"secs_since_epoch":9,"nanos_since_epoch":0}}}"#;
    for request in [sign_in, r#"{"forget":"me"}"#] {
        let script = "import socket,struct,sys; s=socket.socket(socket.AF_UNIX); s.connect('/run/outlook-sendmail/submit.sock'); \
                      s.recv(16); it=sys.argv[1].encode(); s.sendall(b'OLSM\\x01R'+struct.pack('>I',len(it))+it); print(s.recv(999)[5:].decode())";
        let mut command = system.as_user_anything(WWW_DATA);
        let said = run(command.args(["python3", "-c", script, request]), b"");
        assert!(said.stdout.contains(r#""cause":"RootOnly""#), "{}{}", said.stdout, said.stderr);
    }
}

/// Everything a hostile user can think of, from one process: connections that say nothing or little, and noise.
const HOSTILE: &str = r#"
import os, random, socket, sys
random.seed(int(sys.argv[1]))
idle, noises = int(sys.argv[2]), int(sys.argv[3])
kept = []
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect('/run/outlook-sendmail/submit.sock')
    return s
for _ in range(idle):
    kept.append(connect())
print('held', flush=True)
heard = {}
for number in range(noises):
    s = connect()
    try:
        greeting = s.recv(16)
        heard[greeting] = heard.get(greeting, 0) + 1
        noise = bytearray(random.randbytes(random.randrange(200)))
        if number % 4:
            noise = bytearray(b'OLSM\x01' + bytes([random.choice(b'HCZRA')]) + bytes([0, 0, 0, len(noise)])) + noise
        if number % 4 == 2:
            noise += b'C\xff\xff\xff\xff' + b'x' * 5000
        if number % 4 == 3:
            noise = bytearray(b'OLSM\x01H\0\x80\0\0["' + b'a' * random.randrange(70000))
        s.sendall(noise)
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096): pass
    except OSError:
        pass
    s.close()
print('said', heard, flush=True)
sys.stdin.read()
"#;

#[test]
fn hostile_users_harm_nobody_else() {
    let Some(system) = System::start(&[]) else { return };
    if !installed("python3") {
        return;
    }
    let spawn = |uid: u32, idle: u32, noises: u32| {
        let mut command = system.as_user_anything(uid);
        let numbers = [uid.to_string(), idle.to_string(), noises.to_string()];
        command.args(["python3", "-c", HOSTILE]).args(numbers);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    // 500 connections that say nothing are held while 20 users say 500 senseless things each.
    let mut idle = spawn(NOBODY, 500, 0);
    let mut held = [0; 5];
    idle.stdout.as_mut().unwrap().read_exact(&mut held).unwrap();
    let mut noisy: Vec<_> = (0..20).map(|number| spawn(50_000 + number, 0, 500)).collect();
    for _ in 0..5 {
        system.sendmail(0, &["-t"], MESSAGE).assert_silent_success();
        system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_silent_success();
    }
    for process in noisy.iter_mut().chain([&mut idle]) {
        drop(process.stdin.take());
        let mut said = String::new();
        process.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(said.contains("said"), "{said}");
        assert!(process.ended().success());
    }
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_silent_success();
    let sent = arrived(&system);
    assert!(sent.len() == 11 && sent.iter().all(|message| message.body == "text\n.\nmore\n"));
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", system.broker_pid())).unwrap().count();
    assert!(descriptors < 30, "{descriptors} descriptors stay open");
}

/// Connections of one person, each under another of his user ids, that say nothing; what the last five are told.
const MANY_IDS: &str = r#"
import os, socket, sys
kept, heard = [], []
for number in range(48):
    os.seteuid(int(sys.argv[1]) + number)
    s = socket.socket(socket.AF_UNIX)
    s.connect('/run/outlook-sendmail/submit.sock')
    os.seteuid(0)
    kept.append(s)
for s in kept[-5:]:
    s.settimeout(60)
    heard.append(s.recv(16).decode())
print(' '.join(sorted(set(heard))), flush=True)
sys.stdin.read()
"#;

#[test]
fn one_person_has_one_share_however_many_user_ids() {
    let Some(system) = System::start(&[]) else { return };
    if !installed("python3") {
        return;
    }
    let mut range = system.as_user_anything(0);
    let script = "echo www-data:1000000:65536 > /etc/subuid";
    assert_eq!(run(range.args(["sh", "-c", script]), b"").status, 0);
    for first in ["1000000", "3000000000"] {
        let mut command = system.as_user_anything(0);
        command.args(["python3", "-c", MANY_IDS, first]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut many = command.spawn().unwrap();
        let mut said = [0; 17];
        many.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
        assert_eq!(String::from_utf8_lossy(&said), "OLSM 1 busy: you\n", "{first}");
        system.sendmail(NOBODY, &["-t"], MESSAGE).assert_silent_success();
        many.kill().unwrap();
        many.wait().unwrap();
    }
}

#[test]
fn nothing_in_an_environment_counts() {
    let forged = [
        ("SSL_CERT_FILE", "/dev/null"),
        ("SSL_CERT_DIR", "/nonexistent"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("XDG_CONFIG_HOME", "/nonexistent"),
        ("XDG_STATE_HOME", "/nonexistent"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"),
        ("OUTLOOK_SENDMAIL_CLIENT_ID", "forged"),
    ];
    let Some(mut system) = System::without_broker(|_| {}, &[]) else { return };
    // Even the broker's own: what it was started with by hand does not reach the process that sends.
    system.listen(&[forged.as_slice(), &[("OUTLOOK_SENDMAIL_CONFIG", "/nonexistent")]].concat());
    system.machine.outlook.tokens.revoke_all_access();
    let mut command = system.as_user(WWW_DATA, "sendmail");
    run(command.arg("-t").envs(forged), MESSAGE).assert_silent_success();
    assert_eq!(arrived(&system).len(), 1);
}

#[test]
fn a_broker_told_to_end_finishes_what_it_has_begun() {
    let latency = Duration::from_millis(150);
    let Some(mut system) = System::start_with(|options| options.latency = latency, &[]) else { return };
    let mut stream = greeted(&system);
    stream.write_all(&request("whole")).unwrap();
    let mut late = greeted(&system);
    let half = request("half");
    late.write_all(&half[..half.len() / 2]).unwrap();
    while system.machine.outlook.smtp.connections().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(i32::try_from(system.broker_pid()).unwrap()), Signal::SIGTERM).unwrap();
    thread::sleep(Duration::from_millis(50));
    late.write_all(&half[half.len() / 2..]).unwrap();
    assert!(matches!(verdict(&mut stream), Answer::Verdict(Ok(_))));
    assert!(matches!(verdict(&mut late), Answer::Verdict(Ok(_))));
    system.stop();
    assert_eq!(arrived(&system).len(), 2);
    assert!(!system.socket().exists());
}

#[test]
fn a_broker_that_is_restarted_is_waited_for() {
    let Some(mut system) = System::start(&[]) else { return };
    kill(Pid::from_raw(i32::try_from(system.broker_pid()).unwrap()), Signal::SIGKILL).unwrap();
    let mut command = system.as_user(WWW_DATA, "sendmail");
    command.arg("-t");
    let client = thread::spawn(move || run(&mut command, MESSAGE));
    thread::sleep(Duration::from_millis(300));
    system.listen(&[]);
    client.join().unwrap().assert_silent_success();
    assert_eq!(arrived(&system).len(), 1);
}

#[test]
fn a_broker_that_is_not_there_is_temporary() {
    let Some(system) = System::without_broker(|_| {}, &[]) else { return };
    drop(std::os::unix::net::UnixListener::bind(system.socket()).unwrap());
    std::fs::set_permissions(system.socket(), std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_failure(75, "mail service does not answer");
    // Root's is left for it.
    system.sendmail(0, &["-t"], MESSAGE).assert_silent_success();
    std::fs::set_permissions(system.socket(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_failure(78, "BindPaths=/run/outlook-sendmail");
    std::fs::remove_file(system.socket()).unwrap();
    system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_failure(75, "mail service does not answer");
}

#[test]
fn standard_input_may_be_the_listening_socket() {
    let Some(mut system) = System::without_broker(|_| {}, &[]) else { return };
    system.listen_on_standard_input();
    for _ in 0..3 {
        system.sendmail(WWW_DATA, &["-t"], MESSAGE).assert_silent_success();
    }
    assert_eq!(arrived(&system).len(), 3);
    system.stop();
    assert!(system.socket().exists(), "it is systemd's");
    let alone = run(system.as_user(WWW_DATA, "outlook-sendmail").arg("broker"), b"");
    alone.assert_failure(64, "was given no socket");
}

#[test]
fn the_units_are_closed_and_systemd_reads_them() {
    if !installed("systemd-analyze") {
        return;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/systemd/system");
    let mut services = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The programs it names are not installed here; what it says about anything else counts.
        let said =
            run(std::process::Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path), b"").stderr;
        let faults: Vec<_> = said.lines().filter(|line| line.contains("packaging/systemd/system")).collect();
        assert!(faults.is_empty(), "{faults:?}");
        if path.extension().is_some_and(|extension| extension == "service") {
            let mut command = std::process::Command::new("systemd-analyze");
            command.args(["security", "--offline=true", "--no-pager", "--threshold=15"]).arg(&path);
            assert_eq!(run(&mut command, b"").status, 0, "{}", path.display());
            services += 1;
        }
    }
    assert_eq!(services, 4);
}
