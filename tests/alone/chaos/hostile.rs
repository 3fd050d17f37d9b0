//! Clients of the broker that do not behave: slow, deaf, half closed, passing descriptors, too large.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Instant;

use super::say;
use harness::system::System;
use harness::{SOON, assert_no_secret, installed, run};

const WWW_DATA: u32 = 33;
const NOBODY: u32 = 65_534;

/// Each way is a few connections, held until standard input ends.
const ODD: &str = r#"
import array, os, socket, sys, threading, time
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect('/run/outlook-sendmail/submit.sock')
    return s
def trickle(s):
    try:
        for octet in b'OLSM\x01H\0\x10\0\0' + b'[' * 10000:
            s.sendall(bytes([octet])); time.sleep(0.2)
    except OSError: pass
def listing(s):
    # Asks, and never reads.
    s.sendall(b'OLSM\x01R\0\0\0\x0c"list-queue"')
def half(s):
    s.sendall(b'OLSM\x01H\0\0'); s.shutdown(socket.SHUT_WR)
def passing(s):
    files = [os.open('/dev/null', os.O_RDONLY) for _ in range(50)]
    rights = array.array('i', files)
    s.sendmsg([b'OLSM\x01H'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
kept = []
ways = {'trickle': trickle, 'listing': listing, 'half': half, 'passing': passing}
for _ in range(8):
    s = connect(); kept.append(s)
    way = ways[sys.argv[1]]
    if way is trickle: threading.Thread(target=way, args=(s,), daemon=True).start()
    else:
        try: way(s)
        except OSError: pass
print('held', flush=True)
sys.stdin.read()
"#;

#[test]
fn odd_clients_keep_nobody_waiting() {
    let Some(system) = System::start(&[]) else { return };
    if !installed("python3") {
        return;
    }
    let mut odd: Vec<_> = ["trickle", "listing", "half", "passing"]
        .into_iter()
        .enumerate()
        .map(|(number, way)| {
            let mut command = system.as_user_anything(50_000 + u32::try_from(number).unwrap());
            command.args(["python3", "-c", ODD, way]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
            child
        })
        .collect();
    for uid in [0, WWW_DATA, NOBODY] {
        let began = Instant::now();
        system.sendmail(uid, &["bob@example.com"], b"Subject: a\n\nb\n").assert_silent_success();
        say(&format!("beside odd clients user {uid} waited {} ms", began.elapsed().as_millis()));
    }
    assert_eq!(system.machine.outlook.smtp.received().len(), 3);
    for child in &mut odd {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    system.sendmail(WWW_DATA, &["bob@example.com"], b"Subject: a\n\nb\n").assert_silent_success();
    assert!(std::fs::read_dir(format!("/proc/{}/fd", system.broker_pid())).unwrap().count() < 30);
}

#[test]
fn a_connection_is_its_makers_whoever_writes_to_it() {
    let Some(system) = System::start(&[("allow", "[\"root\"]")]) else { return };
    if !installed("python3") {
        return;
    }
    // Made by nobody, handed to a process of root's, which asks for what only root may.
    let script = "import os,socket; s=socket.socket(socket.AF_UNIX); os.seteuid(65534); \
                  s.connect('/run/outlook-sendmail/submit.sock'); os.seteuid(0); s.recv(16); \
                  s.sendall(b'OLSM\\x01R\\0\\0\\0\\x0f{\"forget\":\"me\"}'); print('RootOnly' in str(s.recv(999)))";
    let mut command = system.as_user_anything(0);
    let said = run(command.args(["python3", "-c", script]), b"");
    assert_eq!(said.stdout, "True\n", "{}", said.stderr);
}

#[test]
fn what_is_too_large_is_refused_and_what_is_odd_arrives_whole() {
    let Some(system) = System::start(&[]) else { return };
    let endless = [b"Subject: one line\n\n".as_slice(), &b"x".repeat(3_000_000)].concat();
    system.sendmail(NOBODY, &["bob@example.com"], &endless).assert_silent_success();
    let header = [b"X-Large: ".as_slice(), &b"x".repeat(3_000_000), b"\nSubject: a\n\nb\n"].concat();
    let large =
        [b"Subject: large\n\n".as_slice(), &b"a line of a message that is far too large\n".repeat(3_800_000)].concat();
    for (name, input) in [("header", header), ("message", large)] {
        let refused = system.sendmail(NOBODY, &["bob@example.com"], &input);
        assert!([65, 69].contains(&refused.status), "{name}: {} {}", refused.status, refused.stderr);
        assert_no_secret(&refused.stderr);
    }
    let many: Vec<String> = (0..20_000).map(|number| format!("user{number}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = system.sendmail(NOBODY, &many, b"Subject: many\n\nb\n");
    assert!(refused.status != 0 && refused.status != 70, "{} {}", refused.status, refused.stderr);
    system.sendmail(WWW_DATA, &["bob@example.com"], b"Subject: a\n\nb\n").assert_silent_success();
    assert!(system.machine.outlook.smtp.wait_until_idle(SOON));
    assert_eq!(system.machine.outlook.smtp.received().len(), 2);
}
