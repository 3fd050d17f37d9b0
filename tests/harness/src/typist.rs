//! A program under way: what it shows is read while it runs, and what a person would type is typed.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{Machine, Run};

/// Nothing may hang longer: a guard, not a measure.
const HANG: Duration = Duration::from_secs(60);

/// One run, with or without a terminal.
pub struct Typist {
    child: Child,
    keys: Option<ChildStdin>,
    out: Shown,
    err: Shown,
}

/// What came on a stream so far.
#[derive(Clone)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let shown = Self(Arc::default());
        let writing = shown.clone();
        thread::spawn(move || {
            let mut room = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut room) {
                writing.0.lock().unwrap().extend_from_slice(&room[..read]);
            }
        });
        shown
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Typist {
    /// At a terminal of 80 columns (the script program of util-linux makes one); all that is shown comes on it.
    pub fn at_terminal(machine: &Machine, program: &str, arguments: &[&str]) -> Self {
        Self::at_terminal_with(machine, program, arguments, &[("TERM", "xterm")])
    }

    /// The same with more in the environment.
    pub fn at_terminal_with(machine: &Machine, program: &str, arguments: &[&str], more: &[(&str, &str)]) -> Self {
        let call = [&[program], arguments].concat().join(" ");
        let mut command = machine.command("script");
        command.args(["--quiet", "--return", "--flush", "--echo", "always", "--command", &call, "/dev/null"]);
        command.env("COLUMNS", "80").env("SHELL", "/bin/sh").envs(more.iter().copied());
        Self::of(command)
    }

    /// With pipes; nobody can be asked.
    pub fn of(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let keys = child.stdin.take();
        let (out, err) = (Shown::of(child.stdout.take().unwrap()), Shown::of(child.stderr.take().unwrap()));
        Self { child, keys, out, err }
    }

    /// Waits until this has been shown, and gives all that was.
    pub fn sees(&self, text: &str) -> String {
        let until = Instant::now() + HANG;
        loop {
            let shown = self.out.text();
            if shown.contains(text) {
                return shown;
            }
            assert!(Instant::now() < until, "{text:?} never came in {shown:?}, {:?}", self.err.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types this.
    pub fn types(&mut self, keys: &str) {
        self.keys.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end.
    pub fn ends(mut self) -> Run {
        let until = Instant::now() + HANG;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end: {:?} {:?}", self.out.text(), self.err.text());
            thread::sleep(Duration::from_millis(5));
        };
        // The readers end with the streams.
        while Arc::strong_count(&self.out.0) + Arc::strong_count(&self.err.0) > 2 {
            assert!(Instant::now() < until, "its streams do not end: {:?} {:?}", self.out.text(), self.err.text());
            thread::sleep(Duration::from_millis(1));
        }
        Run {
            pid: self.child.id(),
            status: status.code().unwrap_or(-1),
            stdout: self.out.text(),
            stderr: self.err.text(),
        }
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
