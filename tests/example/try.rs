//! `cargo run --example try`: the real program sends a message to a stand-in for Outlook.com on this machine.

use std::error::Error;
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use stand_in::smtp::Side;
use stand_in::{DeviceFlow, Options, Outlook};

const MESSAGE: &str = "\
From: root (Cron Daemon)
To: root, \"Grace Hopper\" <grace@example.org>
Bcc: auditor@example.net
Subject: SMART error on /dev/sda: 12 Sektoren unlesbar \u{2013} bitte pr\u{fc}fen

The disk is dying. \u{c4}rgerlich, but you have been told.
.
This line follows a lone dot, and is still here.
";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let page = Page { colour: io::stdout().is_terminal() };

    page.step("Building the program")?;
    let binary = build()?;
    let sendmail = folder.path().join("sendmail");
    std::os::unix::fs::symlink(&binary, &sendmail)?;

    page.step("Starting a stand-in for Outlook.com on loopback")?;
    let mut options = Options::new(folder.path().join("ca.pem"));
    options.account = "someone@outlook.com".to_owned();
    let outlook = Outlook::start(options)?;
    outlook.endpoint.set_device_flow(DeviceFlow { pending: 1, interval: 1, ..DeviceFlow::default() });
    let config = folder.path().join("config.toml");
    fs::write(&config, outlook.config_toml())?;
    page.note(&format!("submission on port {}, sign-in at {}", outlook.smtp.port(), outlook.authority_url()))?;

    page.step("Signing in: outlook-sendmail login")?;
    let login = command(&binary, folder.path(), &config).arg("login").stdin(Stdio::null()).output()?;
    page.quote(&login.stdout)?;
    page.quote(&login.stderr)?;
    if !login.status.success() {
        return Err("the sign-in failed".into());
    }

    page.step("Sending: sendmail -t -i < message")?;
    page.quote(MESSAGE.as_bytes())?;
    let began = Instant::now();
    let mut child = command(&sendmail, folder.path(), &config).args(["-t", "-i"]).stdin(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("no pipe")?.write_all(MESSAGE.as_bytes())?;
    let status = child.wait()?;
    let took = began.elapsed();
    outlook.smtp.wait_until_idle(Duration::from_secs(5));

    page.step("The conversation (TLS from the second EHLO on)")?;
    conversation(&page, &outlook)?;

    page.step("What arrived")?;
    let received = outlook.smtp.received();
    let message = received.first().ok_or("nothing arrived")?;
    page.note(&message.mail_from)?;
    for recipient in &message.rcpt_to {
        page.note(recipient)?;
    }
    page.quote(&message.data)?;

    let trips = outlook.smtp.connections().last().map_or(0, |connection| connection.round_trips);
    page.step(&format!(
        "Exit status {}, {trips} round trips, {:.1} ms",
        status.code().unwrap_or(-1),
        took.as_secs_f64() * 1000.0
    ))?;
    page.note("From is the account now (Outlook refuses any other), the original is beside it; the blind copy")?;
    page.note("stayed blind; root became the account's owner; everything on the wire was 7-bit.")?;
    if status.success() { Ok(()) } else { Err("sendmail failed".into()) }
}

/// Builds the binary in the profile this example has: an example does not build it by itself, and a stale one would
/// show something else than the source says.
fn build() -> Result<PathBuf, Box<dyn Error>> {
    let release = !cfg!(debug_assertions);
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // `cargo run` says in its environment which package it runs. Build scripts that look at these names (ring's does) would
    // run again, now and at the next build without them, and everything that needs them be built anew each time.
    for (name, _) in env::vars_os().filter(|(name, _)| is_about_the_package(name)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--bin", "outlook-sendmail"]);
    if release {
        cargo.arg("--release");
    }
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let output = cargo.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the build failed".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let binary = artifacts.filter_map(|artifact| artifact["executable"].as_str().map(PathBuf::from)).next_back();
    Ok(binary.ok_or("cargo named no executable")?)
}

fn is_about_the_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|beginning| name.starts_with(beginning))
}

/// The program with nothing of the real user's around it.
fn command(program: &Path, folder: &Path, config: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
    command.env("OUTLOOK_SENDMAIL_CONFIG", config);
    command
}

fn conversation(page: &Page, outlook: &Outlook) -> io::Result<()> {
    let connections = outlook.smtp.connections();
    let Some(connection) = connections.last() else { return Ok(()) };
    for entry in &connection.transcript {
        let side = match entry.side {
            Side::Client => "C:",
            Side::Server => "S:",
            Side::Event => "--",
        };
        page.line(
            entry.side == Side::Client,
            &format!("{:7.1} ms  {side} {}", entry.after.as_secs_f64() * 1000.0, entry.text),
        )?;
    }
    Ok(())
}

/// Standard output, coloured only for a person.
struct Page {
    colour: bool,
}

impl Page {
    fn step(&self, text: &str) -> io::Result<()> {
        let (bold, plain) = if self.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        writeln!(io::stdout(), "\n{bold}==> {text}{plain}")
    }

    fn note(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "    {text}")
    }

    fn line(&self, strong: bool, text: &str) -> io::Result<()> {
        let (cyan, plain) = if self.colour && strong { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
        writeln!(io::stdout(), "    {cyan}{text}{plain}")
    }

    fn quote(&self, octets: &[u8]) -> io::Result<()> {
        for line in String::from_utf8_lossy(octets).lines() {
            writeln!(io::stdout(), "    | {line}")?;
        }
        Ok(())
    }
}
