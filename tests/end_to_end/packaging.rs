//! What is installed beside the program: manuals that mandoc has nothing to say about, units that systemd takes, and
//! completions that bash, zsh and fish do.

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::{copy_program, installed, run};
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/completions/outlook-sendmail.bash");

/// `packaging/install` into a folder of its own, with the program of these tests.
fn install() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("target/release");
    fs::create_dir_all(&release).unwrap();
    copy_program(&release.join("outlook-sendmail"));
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/install"));
    command.env("CARGO_TARGET_DIR", folder.path().join("target")).arg(folder.path());
    let ended = run(&mut command, b"");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    folder
}

#[test]
fn what_is_built_is_looked_for_where_cargo_puts_it() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/target-folder");
    let said = |command: &mut Command| run(command.current_dir(folder.path()), b"").stdout;
    let expected = format!("{}\n", elsewhere.display());
    assert_eq!(said(Command::new(program).env("CARGO_TARGET_DIR", &elsewhere)), expected);
    assert_eq!(said(Command::new(program).env("CARGO_TARGET_DIR", "elsewhere")), expected, "as cargo reads it");
    fs::create_dir(folder.path().join(".cargo")).unwrap();
    fs::write(folder.path().join(".cargo/config.toml"), "build.target-dir = 'elsewhere'\n").unwrap();
    assert_eq!(said(Command::new(program).env_remove("CARGO_TARGET_DIR")), expected, "cargo's configuration");
    let without_cargo = Command::new(program).env("PATH", "/usr/bin:/bin").env("CARGO_TARGET_DIR", &elsewhere).output();
    assert_eq!(String::from_utf8(without_cargo.unwrap().stdout).unwrap(), expected, "without cargo");
}

#[test]
fn everything_is_installed_where_it_is_looked_for() {
    let folder = install();
    for file in [
        "bin/outlook-sendmail",
        "sbin/sendmail",
        "lib/sendmail",
        "bin/mailq",
        "bin/newaliases",
        "share/man/man1/outlook-sendmail.1",
        "share/man/man5/outlook-sendmail.toml.5",
        "share/man/man8/sendmail.8",
        "share/bash-completion/completions/outlook-sendmail",
        "share/zsh/vendor-completions/_outlook-sendmail",
        "share/fish/vendor_completions.d/outlook-sendmail.fish",
        "lib/systemd/user/outlook-sendmail-renew.service",
        "lib/systemd/user/outlook-sendmail-renew.timer",
        "lib/systemd/system/outlook-sendmail.socket",
        "lib/systemd/system/outlook-sendmail.service",
        "lib/systemd/system/outlook-sendmail-key.service",
        "lib/systemd/system/outlook-sendmail-queue.timer",
        "lib/systemd/system/outlook-sendmail-renew.timer",
        "lib/sysusers.d/outlook-sendmail.conf",
        "lib/tmpfiles.d/outlook-sendmail.conf",
    ] {
        assert!(folder.path().join("usr").join(file).is_file(), "{file}");
    }
    let mut mailq = Command::new(folder.path().join("usr/bin/mailq"));
    let queue = run(mailq.env("XDG_STATE_HOME", folder.path()), b"");
    assert_eq!((queue.status, queue.stdout.as_str()), (0, "Mail queue is empty\n"));
}

#[test]
fn systemd_has_nothing_to_say_about_the_timer() {
    if !installed("systemd-analyze") {
        return;
    }
    let folder = install();
    let units = folder.path().join("usr/lib/systemd/user");
    for unit in ["outlook-sendmail-queue.service", "outlook-sendmail-queue.timer"] {
        // The program is looked for where the package puts it; here it is elsewhere.
        let path = units.join(unit);
        let program = folder.path().join("usr/bin/outlook-sendmail");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("/usr/bin/outlook-sendmail", program.to_str().unwrap())).unwrap();
        let mut command = Command::new("systemd-analyze");
        command.args(["--man=no", "--user", "verify"]).arg(&path).env("XDG_RUNTIME_DIR", folder.path());
        let said = run(&mut command, b"");
        assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{unit}");
    }
}

#[test]
fn mandoc_has_nothing_to_say_about_the_manuals() {
    if !installed("mandoc") {
        return;
    }
    let folder = install();
    let manuals = folder.path().join("usr/share/man");
    for page in ["man1/outlook-sendmail.1", "man5/outlook-sendmail.toml.5", "man8/sendmail.8"] {
        // Each refers to the other, which has to be found.
        let mut command = Command::new("mandoc");
        command.args(["-Tlint", "-Wstyle"]).env("MANPATH", &manuals).arg(manuals.join(page));
        let said = run(&mut command, b"");
        // Standard error only tells that nobody ran makewhatis.
        assert_eq!((said.status, said.stdout.as_str()), (0, ""), "{page}");
    }
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    if !installed("systemd-analyze") {
        return;
    }
    let folder = install();
    let units = folder.path().join("usr/lib/systemd/user");
    let service = units.join("outlook-sendmail-renew.service");
    let text = fs::read_to_string(&service).unwrap();
    // The program has to be where the unit says.
    let program = folder.path().join("usr/bin/outlook-sendmail");
    let there = text.replace("ExecStart=/usr/bin/outlook-sendmail ", &format!("ExecStart={} ", program.display()));
    assert_ne!(text, there);
    fs::write(&service, there).unwrap();
    for unit in ["outlook-sendmail-renew.timer", "outlook-sendmail-renew.service"] {
        let mut command = Command::new("systemd-analyze");
        command.args(["--user", "--man=no", "verify"]).arg(units.join(unit)).env("XDG_RUNTIME_DIR", folder.path());
        let said = run(&mut command, b"");
        assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""), "{unit}");
    }
}

/// What bash offers for the last of these words, in order.
fn offered(folder: &Path, words: &[&str]) -> Vec<String> {
    // The script's name is $0; then the file to source and the words.
    let script = "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _outlook_sendmail; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut command = Command::new("bash");
    command.args(["--norc", "-uc", script, "complete", SCRIPT, "outlook-sendmail"]).args(words).current_dir(folder);
    let ended = run(&mut command, b"");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{words:?}");
    ended.stdout.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    if !installed("bash") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), "").unwrap();
    let offered = |words: &[&str]| offered(folder.path(), words);
    let commands =
        ["login", "help", "logout", "status", "renew", "test", "explain", "doctor", "broker", "mailq", "queue"];
    assert_eq!(offered(&[""]), [&commands[..], &["--config", "--help", "--version"]].concat());
    assert_eq!(offered(&["lo"]), ["login", "logout"]);
    assert_eq!(offered(&["--config", "m"]), ["mine.toml"]);
    assert_eq!(offered(&["--config", "=", "m"]), ["mine.toml"]);
    assert_eq!(offered(&["--config", "mine.toml", "lo"]), ["login", "logout"]);
    assert_eq!(offered(&["--config", "=", "mine.toml", "login", "--s"]), ["--store", "--system"]);
    assert_eq!(offered(&["help", "lo"]), ["login", "logout"]);
    assert_eq!(offered(&["queue", "r"]), ["retry", "run"]);
    assert_eq!(offered(&["login", "--c"]), ["--client-id", "--config"]);
    assert_eq!(offered(&["login", "--store", ""]), ["secret-service", "file", "command", "sealed"]);
    assert_eq!(offered(&["login", "--store", "="]), ["secret-service", "file", "command", "sealed"]);
    assert_eq!(offered(&["login", "--store", "=", "f"]), ["file"]);
    assert_eq!(offered(&["login", "--config", "m"]), ["mine.toml"]);
    assert_eq!(offered(&["login", "--account", "me", "--t"]), ["--tenant", "--transport"]);
    for nothing in [&["login", "--account", ""][..], &["login", "--client-id", "=", ""], &["x"]] {
        assert_eq!(offered(nothing), [""; 0], "{nothing:?}");
    }
}

/// What fish offers at the end of this line, without its descriptions.
fn fish_offers(home: &Path, line: &str) -> Vec<String> {
    let script = "source $argv[1]; complete -C $argv[2]";
    let mut command = Command::new("fish");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/completions/outlook-sendmail.fish");
    command.args(["--no-config", "-c", script, page, line]).env("HOME", home).current_dir(home);
    let ended = run(&mut command, b"");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{line}");
    ended.stdout.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect()
}

#[test]
fn fish_completes_commands_options_and_values() {
    if !installed("fish") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), "").unwrap();
    let offered = |line: &str| fish_offers(folder.path(), &format!("outlook-sendmail {line}"));
    assert_eq!(offered("lo"), ["login", "logout"]);
    assert_eq!(offered("login --st"), ["--store"]);
    assert_eq!(offered("login --store "), ["command", "file", "sealed", "secret-service"]);
    assert_eq!(offered("queue r"), ["retry", "run"]);
    assert_eq!(offered("status --config m"), ["mine.toml"]);
    assert_eq!(offered("status --store "), [""; 0]);
}

#[test]
fn zsh_has_nothing_to_say_about_its_completion() {
    if !installed("zsh") {
        return;
    }
    let mut command = Command::new("zsh");
    command.args(["--no-rcs", "-n", concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/completions/_outlook-sendmail")]);
    let ended = run(&mut command, b"");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
}

#[test]
fn bash_knows_whom_the_completion_is_for() {
    if !installed("bash") {
        return;
    }
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", "source \"$0\"; complete -p", SCRIPT]);
    let ended = run(&mut command, b"");
    assert_eq!(ended.stdout, "complete -F _outlook_sendmail outlook-sendmail\n");
}
