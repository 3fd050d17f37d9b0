//! The real program called wrongly, set up wrongly, and in the odd states real callers leave a process in.

use std::fs::{self, File, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use harness::bounded::Bounded as _;
use harness::syslog::syslog;
use harness::typist::Typist;
use harness::{Machine, Run, SOON, assert_no_secret, copy_program, feed, installed, run, skipped};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, geteuid, mkfifo};
use stand_in::{DeviceFlow, Dialogue};

const MESSAGE: &[u8] = b"Subject: A fault\nTo: a@example.org\n\nThe text.\n";

/// Nothing may hang longer: a guard, not a measure.
const HANG: Duration = Duration::from_secs(30);

fn sendmail(machine: &Machine, arguments: &[&str]) -> Command {
    let mut command = machine.command(machine.program("sendmail"));
    command.args(arguments);
    command
}

fn assert_nothing_happened(machine: &Machine) {
    assert!(machine.outlook.smtp.connections().is_empty(), "{}", machine.outlook.smtp.transcript());
}

/// A machine whose access tokens are too short-lived to be cached, so that every message reads the grant.
fn without_cache() -> Machine {
    Machine::with(|options| options.access_token_lifetime = Duration::from_secs(60), &[])
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Whether the test can do what only root can; under CI=true it has to.
fn root(what: &str) -> bool {
    if !geteuid().is_root() {
        skipped(&format!("only root can {what}"));
    }
    geteuid().is_root()
}

// -- the call

#[test]
fn a_wrong_call_reads_its_message_and_says_why() {
    syslog();
    let machine = Machine::new();
    let large = [b"Subject: large\n\n".as_slice(), &b"x\n".repeat(512 * 1024)].concat();
    for (arguments, status, words) in [
        (&["-Z", "a@example.org"][..], 64, "unknown option: -Z -- see --help"),
        (&["--nonsense"], 64, "unknown option"),
        (&["-f"], 64, "option needs a value"),
        (&[], 64, "no recipients"),
        (&["-i", "--"], 64, "no recipients"),
        (&["-i", ""], 64, "no recipients"),
        (&["not an address"], 65, "cannot read this address"),
        (&["a@example.org\nRCPT TO:<b@example.org>"], 65, "control character in an address"),
        (&["a@example.org\r\nDATA"], 65, "control character in an address"),
        (&["-f", "me@outlook.com\r\nRCPT TO:<b@example.org>", "a@example.org"], 65, "control character"),
    ] {
        let run = feed(&mut sendmail(&machine, arguments), &large);
        run.assert_failure(status, words);
        if let Some(log) = syslog() {
            let record = log.record_of(run.pid);
            assert!(record.contains(&format!("status={status} ")) && record.contains("uid="), "{record}");
        }
    }
    assert_nothing_happened(&machine);
}

#[test]
fn a_wrong_header_is_told_before_any_network() {
    let machine = Machine::new();
    let huge = [b"Subject: ".as_slice(), &vec![b'x'; 3 * 1024 * 1024], b"\n\nText\n"].concat();
    for (input, status, words) in [
        (&b"Subject: nobody\n\nText\n"[..], 64, "no recipients"),
        (b"To: a@example.org\rb@example.org\n\nText\n", 65, "control character in an address"),
        (b"To: a\0b@example.org\n\nText\n", 65, "control character in an address"),
        (b"Bcc: a\rb@example.org\n\nText\n", 65, "control character in an address"),
        (b"To: <a@@example.org>\n\nText\n", 65, "cannot read this address"),
        (&huge, 65, "header too large"),
    ] {
        let run = feed(&mut sendmail(&machine, &["-t"]), input);
        assert_eq!(run.status, status, "{:?} {}", &input[..input.len().min(60)].escape_ascii().to_string(), run.stderr);
        run.assert_failure(status, words);
    }
    assert_nothing_happened(&machine);
}

#[test]
fn a_return_in_the_header_hides_no_field() {
    let machine = Machine::new();
    let input = b"To: a@example.org\nSubject: a\rBcc: b@example.org\nX-A: 1\0 2\n\nText\n";
    machine.sendmail(["-t"], input).assert_silent_success();
    let received = &machine.outlook.smtp.received()[0];
    assert_eq!(received.recipients(), ["a@example.org", "b@example.org"]);
    assert!(received.facts.is_clean(), "{:?}", received.facts);
    assert!(received.text().contains("\r\nSubject: a\r\n"), "{}", received.text());
    assert!(!received.text().contains("Bcc"), "{}", received.text());
    machine.sendmail(["-t"], b"To: a@example.org\nSubject: a\rb\n\nText\n").assert_failure(65, "a CR without LF");
}

#[test]
fn a_message_over_the_limit_is_read_to_its_end() {
    const LIMIT: usize = 157_286_400;
    let machine = Machine::new();
    let mut child = sendmail(&machine, &["a@example.org"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let piece = [vec![b'x'; 1023], b"\n".to_vec()].concat().repeat(1024);
    let pieces = LIMIT / piece.len() + 20;
    for at in 0..pieces {
        assert!(pipe.write_all(&piece).is_ok(), "piece {at} of {pieces}");
    }
    drop(pipe);
    let run = Run::from(child.ended_with_output());
    run.assert_failure(65, &format!("message too large: {} octets", pieces * piece.len()));
    assert_nothing_happened(&machine);
}

#[test]
fn what_is_not_offered_sends_nothing() {
    syslog();
    let machine = Machine::new();
    for arguments in [&["-bd"][..], &["-bD"], &["-bt"], &["-bh"], &["-bH"], &["-bP"], &["-bl"], &["-bC"]] {
        let run = run(&mut sendmail(&machine, arguments), MESSAGE);
        run.assert_failure(64, "not offered");
        if let Some(log) = syslog() {
            assert!(log.record_of(run.pid).contains(" refused: status=64 "));
        }
    }
    let alone = run(&mut sendmail(&machine, &["-ba"]), b"EHLO x\r\nQUIT\r\n");
    assert_eq!((alone.status, alone.stderr.as_str()), (64, ""));
    assert!(alone.stdout.starts_with("554 5.5.1 ") && alone.stdout.ends_with("\r\n"), "{}", alone.stdout);
    // With recipients there is a message, and somebody who reads standard error.
    for arguments in [&["-ba", "-t"][..], &["-t", "-ba"], &["-ba", "a@example.org"]] {
        let run = run(&mut sendmail(&machine, arguments), MESSAGE);
        run.assert_failure(64, "not offered: -ba");
        assert_eq!(run.stdout, "");
    }
    assert_nothing_happened(&machine);
}

#[test]
fn the_queue_and_the_aliases_are_asked_about_without_a_message() {
    let machine = Machine::new();
    let said = |name: &str, arguments: &[&str]| {
        let run = machine.run_as(name, arguments, MESSAGE);
        (run.status, run.stdout, run.stderr)
    };
    let quietly = |text: &str| (0, text.to_owned(), String::new());
    for (name, arguments) in [("mailq", &[][..]), ("mailq", &["-v", "-Ac"]), ("sendmail", &["-bp"])] {
        assert_eq!(said(name, arguments), quietly("Mail queue is empty\n"), "{name} {arguments:?}");
    }
    for (name, arguments) in [
        ("sendmail", &["-q"][..]),
        ("sendmail", &["-q30m"]),
        ("sendmail", &["-qf"]),
        ("sendmail", &["-bi"]),
        ("newaliases", &[]),
        ("newaliases", &[""]),
    ] {
        assert_eq!(said(name, arguments), quietly(""), "{name} {arguments:?}");
    }
    fs::write(machine.folder.path().join("aliases"), "root: alice, b@example.org\nalice: |/bin/x\nlist: <<\n").unwrap();
    let (status, out, err) = said("newaliases", &[]);
    assert_eq!((status, out.as_str(), err.lines().count()), (0, "", 2), "{err}");
    assert!(err.contains("aliases line 2: commands and files") && err.contains("line 3: cannot read"), "{err}");
    assert_eq!(
        said("sendmail", &["-bv", "root", "Grace <grace@example.org>"]),
        quietly(
            "root... deliverable: mailer outlook, user b@example.org\n\
             grace@example.org... deliverable: mailer outlook, user grace@example.org\n"
        )
    );
    assert_eq!(
        said("sendmail", &["-bv", "\\root"]),
        quietly("root... deliverable: mailer outlook, user b@example.org\n")
    );
    for nobody in ["", "group:;"] {
        machine.sendmail(["-bv", nobody], b"").assert_failure(64, "no recipients");
    }
    machine.sendmail(["-bv", "<<"], b"").assert_failure(65, "cannot read this address");
    assert_nothing_happened(&machine);
}

#[test]
fn what_is_not_sending_does_not_touch_standard_input() {
    let machine = Machine::new();
    for arguments in [
        &["-bp"][..],
        &["-ba"],
        &["-Z", "-bs"],
        &["-bv", "root"],
        &["-bv", "-Z"],
        &["-q"],
        &["-bi"],
        &["--help"],
        &["--version"],
    ] {
        let mut child = sendmail(&machine, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Standard input stays open.
        let until = Instant::now() + HANG;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "{arguments:?} waits for its input");
            sleep(Duration::from_millis(10));
        }
    }
}

// -- secrets

#[test]
fn a_grant_others_could_have_touched_is_not_used() {
    let machine = without_cache();
    let [grant] = &machine.secrets()[..] else { panic!("{:?}", machine.secrets()) };
    let fails = |words: &str| {
        let run = machine.sendmail(["a@example.org"], MESSAGE);
        run.assert_failure(78, words);
        assert!(run.stderr.contains(&format!("{}", grant.display())), "names the file: {}", run.stderr);
        assert_no_secret(&run.stderr);
    };
    for mode in [0o644, 0o640, 0o602, 0o660] {
        set_mode(grant, mode);
        fails("the secret file can be read or written by others");
    }
    set_mode(grant, 0o600);
    if root("give files away") {
        chown(grant, Some(65534), None).unwrap();
        fails("belongs to user 65534");
        chown(grant, Some(0), None).unwrap();
    }
    let elsewhere = machine.folder.path().join("elsewhere");
    fs::rename(grant, &elsewhere).unwrap();
    symlink(&elsewhere, grant).unwrap();
    fails("is a symbolic link");
    fs::remove_file(grant).unwrap();
    fs::create_dir(grant).unwrap();
    fails("cannot read the secret");
    fs::remove_dir(grant).unwrap();
    mkfifo(grant, Mode::from_bits_truncate(0o600)).unwrap();
    fails("not a regular file");
    fs::remove_file(grant).unwrap();
    assert_nothing_happened(&machine);

    fs::rename(&elsewhere, grant).unwrap();
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
}

#[test]
fn a_spoiled_grant_asks_for_a_sign_in() {
    let machine = without_cache();
    let grant = &machine.secrets()[0];
    for spoiled in
        [&b"not JSON"[..], b"", b"{}", b"{\"refresh_token\":\"\"}", b"\xff\xfe", b"{\"refresh_token\":\"M.C5x\""]
    {
        fs::write(grant, spoiled).unwrap();
        let run = machine.sendmail(["a@example.org"], MESSAGE);
        run.assert_failure(78, "cannot read the secret");
        assert!(run.stderr.contains("run: outlook-sendmail login"), "{}", run.stderr);
        assert_no_secret(&run.stderr);
    }
    fs::remove_file(grant).unwrap();
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(77, "not signed in -- run: outlook-sendmail login");
    assert_nothing_happened(&machine);
}

// -- configuration

#[test]
fn a_wrong_configuration_is_told_with_its_line() {
    let machine = Machine::new();
    let good = fs::read_to_string(machine.config()).unwrap();
    let lines = good.lines().count();
    let two =
        format!("[accounts.a]\naddress = \"a@x.org\"\nstore = \"file\"\n{}", &good.replace("account = \"me\"", ""));
    let file = machine.config().display().to_string();
    for (text, words) in [
        (format!("{good}port = = 1\n"), format!("configuration error: {file} line {}: ", lines + 1)),
        (format!("{good}colour = 1\n"), format!("{file} line {}: unknown field `colour`", lines + 1)),
        (format!("{good}deadline = 0\n"), format!("{file} line {}: must be between", lines + 1)),
        (
            format!("{good}auth = \"password\"\n"),
            format!("{file} line {}: auth = \"password\": Outlook.com", lines + 1),
        ),
        ("# nothing\n".to_owned(), "no account is set up".to_owned()),
        (two, "there are several".to_owned()),
    ] {
        fs::write(machine.config(), text).unwrap();
        feed(&mut sendmail(&machine, &["a@example.org"]), MESSAGE).assert_failure(78, &words);
    }
    fs::remove_file(machine.config()).unwrap();
    let missing = machine.sendmail(["a@example.org"], MESSAGE);
    missing.assert_failure(78, "no account is set up");
    assert!(missing.stderr.contains("run: outlook-sendmail login"), "{}", missing.stderr);
    assert_nothing_happened(&machine);
}

#[test]
fn a_configuration_others_could_have_written_is_not_used() {
    let machine = Machine::new();
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&machine.config(), mode);
        machine.sendmail(["a@example.org"], MESSAGE).assert_failure(78, "refusing a file others can write or own");
    }
    set_mode(&machine.config(), 0o644);
    if root("give files away") {
        chown(machine.config(), Some(65534), None).unwrap();
        machine.sendmail(["a@example.org"], MESSAGE).assert_failure(78, "config.toml");
        chown(machine.config(), Some(0), None).unwrap();
    }
    assert_nothing_happened(&machine);
    machine.sendmail(["a@example.org"], MESSAGE).assert_silent_success();
}

#[test]
fn whatever_the_configuration_variable_names_nothing_hangs() {
    let machine = Machine::new();
    let fifo = machine.folder.path().join("fifo");
    mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
    let began = Instant::now();
    for odd in [machine.folder.path().to_owned(), fifo, PathBuf::from("/dev/zero"), PathBuf::from("/dev/tty")] {
        let mut command = sendmail(&machine, &["a@example.org"]);
        feed(command.env("OUTLOOK_SENDMAIL_CONFIG", &odd), MESSAGE).assert_failure(78, "cannot read the configuration");
    }
    assert!(began.elapsed() < HANG);
    assert_nothing_happened(&machine);
}

#[test]
fn a_configured_aliases_file_has_to_be_there_and_ours() {
    let aliases = tempfile::NamedTempFile::new().unwrap();
    let config = [("aliases".to_owned(), format!("{:?}", aliases.path().to_str().unwrap()))];
    let machine = Machine::with(|_| {}, &config);
    set_mode(aliases.path(), 0o666);
    machine.sendmail(["root"], MESSAGE).assert_failure(78, "refusing a file others can write or own");
    set_mode(aliases.path(), 0o600);
    fs::write(aliases.path(), "root: a@example.org\n").unwrap();
    machine.sendmail(["root"], MESSAGE).assert_silent_success();
    assert_eq!(machine.outlook.smtp.received()[0].recipients(), ["a@example.org"]);
    drop(aliases);
    machine.sendmail(["root"], MESSAGE).assert_failure(78, "aliases error");
    assert_eq!(machine.outlook.smtp.connections().len(), 1);
}

// -- the process

#[test]
fn success_is_silent_and_told_to_the_log() {
    syslog();
    let machine = Machine::new();
    let run = machine.sendmail(["-i", "-f", "me@outlook.com", "b@example.org", "c@example.org"], MESSAGE);
    run.assert_silent_success();
    let Some(log) = syslog() else { return };
    let record = log.record_of(run.pid);
    let parent = fs::read_to_string("/proc/self/comm").unwrap();
    for part in [
        &format!("uid={} ", geteuid()),
        &format!(" parent={} ", parent.trim_end()),
        " from=<me@outlook.com> ",
        " to=<b@example.org>,<c@example.org> ",
        " subject=\"A fault\" ",
        " sent: 2.0.0 OK <",
    ] {
        assert!(record.contains(part), "{part:?} in {record}");
    }
    assert!(record.starts_with("<22>"), "facility mail, priority info: {record}");
    assert_no_secret(&record);
}

/// Runs under a shell, with this before `exec`.
fn shell(machine: &Machine, setting: &str, redirection: &str, input: &[u8]) -> Run {
    let mut command = machine.command("/bin/sh");
    command.args(["-c", &format!("{setting} exec \"$0\" \"$@\" {redirection}")]);
    command.arg(machine.program("sendmail")).args(["-i", "a@example.org"]);
    run(&mut command, input)
}

#[test]
fn closed_descriptors_are_normal() {
    let machine = Machine::new();
    for closed in 2..8 {
        let all = ["0<&-", "1>&-", "2>&-"];
        let redirection: Vec<&str> = (0..3).filter(|fd| closed & (1 << fd) != 0).map(|fd| all[fd]).collect();
        let before = machine.outlook.smtp.received().len();
        let ended = shell(&machine, "", &redirection.join(" "), MESSAGE);
        let received = machine.outlook.smtp.received();
        if closed & 1 == 0 {
            ended.assert_silent_success();
            assert_eq!(received.len(), before + 1, "{redirection:?}");
            // Nothing of ours may have been opened in their place.
            assert!(received[before].text().ends_with("\r\n\r\nThe text.\r\n"), "{redirection:?}");
        } else {
            assert_eq!((ended.status, received.len()), (71, before), "{redirection:?}: {}", ended.stderr);
        }
    }
}

#[test]
fn what_cannot_be_read_is_no_empty_message() {
    let machine = Machine::new();
    for redirection in ["0<&-", "0>/dev/null", "0>>/dev/null", "0<>/dev/null", "0</"] {
        let ended = shell(&machine, "", redirection, MESSAGE);
        assert_eq!(ended.status, 71, "{redirection}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{redirection}: {}", ended.stderr);
        assert!(ended.stderr.contains("cannot read standard input"), "{redirection}: {}", ended.stderr);
        assert!(ended.stderr.contains("nothing was sent"), "{redirection}: {}", ended.stderr);
    }
    assert!(machine.outlook.smtp.connections().is_empty());
    shell(&machine, "", "0</dev/null", MESSAGE).assert_silent_success();
    assert_eq!(machine.outlook.smtp.received().len(), 1, "an empty message is one");
}

#[test]
fn the_caller_s_mask_does_not_matter() {
    for mask in ["0177", "0777", "0"] {
        let machine = Machine::signed_out(|_| {}, &[]);
        machine.outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, interval: 0, ..DeviceFlow::default() });
        let mut login = machine.command("/bin/sh");
        login.args(["-c", &format!("umask {mask}; exec \"$0\" login")]).arg(machine.program("outlook-sendmail"));
        assert_eq!(run(&mut login, b"").status, 0, "umask {mask}");
        let grant = &machine.secrets()[0];
        assert_eq!(fs::metadata(grant).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(grant.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        shell(&machine, &format!("umask {mask};"), "", MESSAGE).assert_silent_success();
    }
}

#[test]
fn an_environment_without_home_or_path_is_enough() {
    let machine = Machine::new();
    let mut command = Command::new(machine.program("sendmail"));
    command.env_clear().env("OUTLOOK_SENDMAIL_CONFIG", machine.config()).env("XDG_STATE_HOME", machine.state());
    run(command.arg("a@example.org"), MESSAGE).assert_silent_success();
}

#[test]
fn a_user_without_home_and_environment_is_told_to_sign_in() {
    if !root("become another user") || !installed("setpriv") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    let program = folder.path().join("sendmail");
    copy_program(&program);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).arg("a@example.org");
    feed(command.env_clear(), MESSAGE).assert_failure(78, "no account is set up");
}

#[test]
fn inherited_signal_settings_do_not_matter() {
    let machine = Machine::new();
    for setting in ["--ignore-signal=PIPE", "--default-signal=PIPE", "--block-signal=TERM", "--block-signal=CHLD"] {
        let mut command = machine.command("env");
        command.arg(setting).arg(machine.program("sendmail")).args(["-i", "a@example.org"]);
        run(&mut command, MESSAGE).assert_silent_success();
    }
    // Nobody reads the transcript.
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = sendmail(&machine, &["-v", "-i", "a@example.org"]);
    let mut child = command.stdin(Stdio::piped()).stderr(writer).spawn().unwrap();
    child.stdin.take().unwrap().write_all(MESSAGE).unwrap();
    assert_eq!(child.ended().code(), Some(0));
    assert_eq!(machine.outlook.smtp.received().len(), 5);
}

#[test]
fn a_message_comes_through_whatever_standard_input_is() {
    let machine = Machine::new();
    let send = |input: Stdio| {
        let output = sendmail(&machine, &["a@example.org"]).stdin(input).output().unwrap();
        Run::from(output).assert_silent_success();
        machine.outlook.smtp.received().last().unwrap().text()
    };
    let (ours, theirs) = UnixStream::pair().unwrap();
    let writer = std::thread::spawn(move || (&ours).write_all(MESSAGE).unwrap());
    assert!(send(Stdio::from(OwnedFd::from(theirs))).ends_with("\r\n\r\nThe text.\r\n"));
    writer.join().unwrap();

    let path = machine.folder.path().join("message");
    fs::write(&path, [b"To be skipped\n", MESSAGE].concat()).unwrap();
    let mut file = File::open(&path).unwrap();
    file.seek(SeekFrom::Start(14)).unwrap();
    let text = send(Stdio::from(file));
    assert!(text.ends_with("\r\n\r\nThe text.\r\n") && !text.contains("skipped"), "{text}");

    assert!(send(Stdio::null()).ends_with("\r\n\r\n"), "an empty message is one");
    assert_eq!(machine.outlook.smtp.received().len(), 3);
}

#[test]
fn a_lone_dot_ends_what_is_typed() {
    if !installed("script") {
        return;
    }
    let machine = Machine::new();
    let mut command = machine.command("script");
    let call = format!("{} a@example.org", machine.program("sendmail").display());
    command.args(["--quiet", "--return", "--echo", "never", "--command", &call, "/dev/null"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"Subject: typed\n\nText\n.\n").unwrap();
    // Nobody types an end of file.
    let until = Instant::now() + HANG;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "the dot was not the end");
        sleep(Duration::from_millis(10));
    }
    assert_eq!(child.ended().code(), Some(0));
    let text = machine.outlook.smtp.received()[0].text();
    assert!(text.ends_with("\r\n\r\nText\r\n"), "{text}");
}

// -- signals

#[test]
fn a_signal_before_the_end_of_input_means_send_nothing() {
    use std::os::unix::process::ExitStatusExt;
    let machine = Machine::new();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        for mask in ["--default-signal", "--block-signal=TERM,INT,HUP"] {
            let mut command = heeding(&machine);
            command.arg(mask).arg(machine.program("sendmail")).arg("a@example.org");
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            let mut pipe = child.stdin.take().unwrap();
            pipe.write_all(MESSAGE).unwrap();
            wait_until_read(child.id());
            kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
            assert_eq!(child.ended().signal(), Some(signal as i32), "{mask}");
            drop(pipe);
        }
    }
    assert_nothing_happened(&machine);
}

/// env(1), which gives the signals the effect they have at a terminal: nohup and a shell's background jobs ignore some, and
/// whatever they start does so, too.
fn heeding(machine: &Machine) -> Command {
    let mut command = machine.command("env");
    command.arg("--default-signal=TERM,INT,HUP");
    command
}

/// Until the process sleeps in read(2) of its standard input.
fn wait_until_read(pid: u32) {
    let until = Instant::now() + HANG;
    let reads = |call: String| call.starts_with("0 0x0 ");
    while !fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(reads) {
        // Without the right to look, some time has to do.
        if fs::read_to_string(format!("/proc/{pid}/syscall")).is_err() {
            sleep(Duration::from_millis(500));
            return;
        }
        assert!(Instant::now() < until, "it does not read its input");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_after_the_end_of_input_is_held_back() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let dialogue = Dialogue::parse("on banner: delay 300\non content: delay 700").unwrap();
        let machine = Machine::with_dialogue(&dialogue);
        let mut child = sendmail(&machine, &["a@example.org"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(MESSAGE).unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        let until = Instant::now() + HANG;
        while machine.outlook.smtp.connections().is_empty() {
            assert!(Instant::now() < until);
            sleep(Duration::from_millis(2));
        }
        // An interrupt is for whoever sits there, until the dot.
        if signal != Signal::SIGINT {
            kill(pid, signal).unwrap();
        }
        while machine.outlook.smtp.received_whole().is_empty() && child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until);
            sleep(Duration::from_millis(2));
        }
        let _ = kill(pid, signal);
        assert_eq!(child.ended().code(), Some(0), "{signal}");
        assert!(machine.outlook.smtp.wait_for_received(1, SOON));
    }
}

/// More than the buffers between here and the stand-in hold.
fn large() -> Vec<u8> {
    [b"Subject: large\nTo: a@example.org\n\n".as_slice(), &b"A line of a large message, and no more.\n".repeat(700_000)]
        .concat()
}

/// Sends a large message to a server that hardly reads, and waits until it is on its way.
fn on_its_way(machine: &Machine, command: &mut Command) -> std::process::Child {
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&large()).unwrap();
    let until = Instant::now() + HANG;
    while !machine.outlook.smtp.transcript().contains("S: 354") {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "{}", machine.outlook.smtp.transcript());
        sleep(Duration::from_millis(5));
    }
    // The answer has to be read, and the first of the message written.
    sleep(Duration::from_millis(300));
    child
}

#[test]
fn an_interrupt_before_the_dot_says_that_nothing_was_sent() {
    use std::os::unix::process::ExitStatusExt;
    let dialogue = Dialogue::parse("on data: slow 512 50").unwrap();
    let machine = Machine::with_dialogue(&dialogue);
    let mut command = heeding(&machine);
    let child = on_its_way(&machine, command.arg(machine.program("sendmail")).arg("a@example.org"));
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let output = child.ended_with_output();
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "sendmail: interrupted -- nothing was sent\n");
    assert!(machine.outlook.smtp.received_whole().is_empty());
}

/// A large message at a terminal, where an interrupt has its usual effect.
fn at_terminal(machine: &Machine) -> Typist {
    let file = machine.folder.path().join("large");
    fs::write(&file, large()).unwrap();
    let program = machine.program("sendmail");
    let words = ["--default-signal=INT", program.to_str().unwrap(), "-i", "a@example.org", "<", file.to_str().unwrap()];
    Typist::at_terminal(machine, "env", &words)
}

#[test]
fn whoever_waits_at_a_terminal_sees_how_far_it_is_and_nothing_afterwards() {
    if !installed("script") {
        return;
    }
    let machine = Machine::with_dialogue(&Dialogue::parse("on data: slow 32768 5").unwrap());
    let typist = at_terminal(&machine);
    typist.sees(" of 28.7 MB sent");
    let run = typist.ends();
    assert_eq!(run.status, 0);
    assert!(run.stdout.ends_with("\r\x1b[K") && !run.stdout.contains('\n'), "{:?}", run.stdout);
    assert_eq!(machine.outlook.smtp.received().len(), 1);
}

#[test]
fn control_c_at_a_terminal_says_that_nothing_was_sent() {
    if !installed("script") {
        return;
    }
    let machine = Machine::with_dialogue(&Dialogue::parse("on data: slow 32768 50").unwrap());
    let mut typist = at_terminal(&machine);
    typist.sees(" MB sent");
    typist.types("\x03");
    typist.sees("\r\x1b[Ksendmail: interrupted -- nothing was sent");
    assert_ne!(typist.ends().status, 0);
    assert!(machine.outlook.smtp.received_whole().is_empty());
}

#[test]
fn a_background_job_is_not_interrupted_and_neither_is_anybody_told_to_end() {
    for (setting, signal) in [("--ignore-signal=INT", Signal::SIGINT), ("--default-signal=TERM", Signal::SIGTERM)] {
        let dialogue = Dialogue::parse("on data: slow 32768 3").unwrap();
        let machine = Machine::with_dialogue(&dialogue);
        let mut command = machine.command("env");
        let child = on_its_way(&machine, command.arg(setting).arg(machine.program("sendmail")).arg("a@example.org"));
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let output = child.ended_with_output();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()), "{setting}");
    }
}

/// 28 MB in some six seconds: the deadline is for small ones.
#[test]
fn a_large_message_may_take_longer_than_the_deadline() {
    let dialogue = Dialogue::parse("# config deadline = 2\non data: slow 32768 5").unwrap();
    let machine = Machine::with_dialogue(&dialogue);
    machine.sendmail(["-i", "a@example.org"], &large()).assert_silent_success();
    assert_eq!(machine.outlook.smtp.received().len(), 1);
}

#[test]
fn a_large_message_ends_where_the_server_takes_no_more() {
    let dialogue = Dialogue::parse("# config deadline = 2\non data: slow 1 600000").unwrap();
    let machine = Machine::with_dialogue(&dialogue);
    machine.sendmail(["-i", "a@example.org"], &large()).assert_failure(75, "ran out of time");
}

#[test]
fn a_stalled_server_does_not_hold_the_caller() {
    let dialogue = Dialogue::parse("# config deadline = 2\non mail: stall").unwrap();
    let machine = Machine::with_dialogue(&dialogue);
    let began = Instant::now();
    machine.sendmail(["a@example.org"], MESSAGE).assert_failure(75, "ran out of time");
    assert!(began.elapsed() < HANG);
}

// -- bugs

/// Run by the next test in a process of its own: with our hook a panic ends the process.
#[test]
#[ignore = "ends the process it runs in"]
fn panics() {
    outlook_sendmail::adapters::process::on_panic();
    panic!("EwB-secret");
}

#[test]
fn a_panic_is_one_line_one_record_and_status_70() {
    syslog();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "faults::panics", "--nocapture", "--test-threads=1"]);
    let run = run(&mut command, b"");
    assert_eq!(run.status, 70, "{}", run.stderr);
    assert_eq!(run.stderr.matches('\n').count(), 1, "{}", run.stderr);
    assert!(run.stderr.starts_with("sendmail: internal error: tests/end_to_end/faults.rs:"), "{}", run.stderr);
    assert_no_secret(&run.stderr);
    if let Some(log) = syslog() {
        let record = log.record_of(run.pid);
        assert!(record.contains("failed: status=70 dsn=5.3.0 internal error: tests/end_to_end/faults.rs:"), "{record}");
        assert_no_secret(&record);
    }
}
