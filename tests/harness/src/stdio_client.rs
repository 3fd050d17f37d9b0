//! A client of `sendmail -bs`: says lines, reads replies, and never waits for ever.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::bounded::Bounded as _;
use super::{Machine, SOON};

/// One session under way.
pub struct StdioClient {
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<String>,
    errors: Receiver<Vec<u8>>,
}

impl StdioClient {
    /// Starts `sendmail -bs`; nothing has been read yet.
    pub fn start(machine: &Machine) -> Self {
        Self::start_with(machine, &["-bs"])
    }

    /// The same with these arguments.
    pub fn start_with(machine: &Machine, arguments: &[&str]) -> Self {
        let mut command = machine.command(machine.program("sendmail"));
        command.args(arguments);
        Self::spawn(&mut command)
    }

    /// Runs a command that ends up as a session.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().unwrap());
        let (say, replies) = mpsc::channel();
        thread::spawn(move || {
            for line in output.split(b'\n') {
                let _ = say.send(String::from_utf8_lossy(&line.unwrap()).into_owned() + "\n");
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let (keep, errors) = mpsc::channel();
        thread::spawn(move || {
            let mut octets = Vec::new();
            stderr.read_to_end(&mut octets).unwrap();
            let _ = keep.send(octets);
        });
        let input = child.stdin.take();
        Self { child, input, replies, errors }
    }

    /// A session that has greeted and been greeted.
    pub fn greeted(machine: &Machine) -> Self {
        let mut client = Self::start(machine);
        assert!(client.reply().starts_with("220 "));
        client.ask("EHLO localhost", "250");
        client
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes octets as they are.
    pub fn write(&mut self, octets: impl AsRef<[u8]>) {
        self.input.as_mut().unwrap().write_all(octets.as_ref()).expect("the server reads");
    }

    /// The next whole reply, its lines checked: CRLF, US-ASCII, at most 512 octets, one code.
    pub fn reply(&mut self) -> String {
        self.reply_within(SOON).expect("a reply")
    }

    /// The same; `None` when it does not come in time, or not at all.
    pub fn reply_within(&mut self, patience: Duration) -> Option<String> {
        let mut reply = String::new();
        loop {
            let line = self.replies.recv_timeout(patience).ok()?;
            assert!(line.ends_with("\r\n") && line.is_ascii() && line.len() <= 512, "{line:?}");
            assert!(line.as_bytes()[..3].iter().all(u8::is_ascii_digit), "{line:?}");
            reply.push_str(&line);
            if line.as_bytes()[3] == b' ' {
                assert!(reply.lines().all(|other| other[..3] == line[..3]), "{reply:?}");
                return Some(reply);
            }
        }
    }

    /// Says one line and expects a reply that starts so.
    #[track_caller]
    pub fn ask(&mut self, line: &str, start: &str) -> String {
        self.write(format!("{line}\r\n"));
        self.expect(line, start)
    }

    #[track_caller]
    pub fn expect(&mut self, what: &str, start: &str) -> String {
        let reply = self.reply();
        assert!(reply.starts_with(start), "{what}: {start} expected, {reply:?}");
        reply
    }

    /// A whole message to one recipient; gives the reply to the dot.
    #[track_caller]
    pub fn send(&mut self, subject: &str) -> String {
        self.ask("MAIL FROM:<me@outlook.com>", "250 2.1.0");
        self.ask("RCPT TO:<bob@example.com>", "250 2.1.5");
        self.ask("DATA", "354 ");
        self.write(format!("Subject: {subject}\r\n\r\ntext\r\n.\r\n"));
        self.reply()
    }

    /// Says no more.
    pub fn close(&mut self) {
        drop(self.input.take());
    }

    /// Closes our side and waits for the end: how it ended, what it still said, and what was on standard error.
    pub fn end(mut self) -> (ExitStatus, String, String) {
        self.close();
        let said: String = self.replies.iter().collect();
        let errors = self.errors.recv_timeout(SOON).expect("standard error ends");
        (self.child.ended(), said, String::from_utf8_lossy(&errors).into_owned())
    }

    /// QUIT, 221, status 0, and not a byte on standard error.
    #[track_caller]
    pub fn quit(mut self) {
        self.ask("QUIT", "221 2.0.0");
        self.leave();
    }

    /// Goes without a word: status 0, and nothing more is said anywhere.
    #[track_caller]
    pub fn leave(self) {
        let (status, said, errors) = self.end();
        assert_eq!((status.code(), said.as_str(), errors.as_str()), (Some(0), "", ""));
    }
}
