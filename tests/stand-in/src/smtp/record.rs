//! What the server remembers: messages, and the transcript of every connection.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::content::Facts;

/// A message that was received whole, up to its final dot.
#[derive(Clone, Debug)]
pub struct Received {
    /// The whole MAIL command with its parameters.
    pub mail_from: String,
    /// The whole RCPT commands that were accepted.
    pub rcpt_to: Vec<String>,
    /// The content after dot-unstuffing.
    pub data: Vec<u8>,
    /// What is remarkable about the content as it came over the wire.
    pub facts: Facts,
    /// Who had signed in; empty when nobody had.
    pub auth_user: String,
    /// `TLSv1_3`, or empty in the clear.
    pub tls_version: String,
    /// MAIL, every RCPT and DATA came without waiting for a reply in between.
    pub pipelined: bool,
    /// The connection it came on, counted from 0.
    pub connection: usize,
    /// When the dot came.
    pub at: SystemTime,
    /// The code answered to the dot; 0 for garbage, `None` when nothing was answered.
    pub code: Option<u16>,
    /// The Message-ID given in the default 250.
    pub new_message_id: String,
}

impl Received {
    /// Whether a 2yz was answered.
    pub fn is_accepted(&self) -> bool {
        self.code.is_some_and(|code| code / 100 == 2)
    }

    /// The content as text, for assertions.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    /// The recipients' bare addresses.
    pub fn recipients(&self) -> Vec<String> {
        self.rcpt_to.iter().filter_map(|command| super::words::path(command).map(str::to_owned)).collect()
    }
}

/// Who spoke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Nobody: something that happened.
    Event,
}

/// One line of a transcript.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Since the connection was accepted.
    pub after: Duration,
    /// Who spoke.
    pub side: Side,
    /// The octets, lossily, without line end; credentials are replaced by `[redacted N octets]`, content is cut.
    pub text: String,
}

/// One connection and what was said on it.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// What was said, in order.
    pub transcript: Vec<Entry>,
    /// How often the client had to wait for us: TCP one, the TLS handshake one, and every write of ours that follows
    /// having waited for the client. The fewest possible for one message are 9.
    pub round_trips: usize,
    /// The name the client asked for in TLS.
    pub server_name: Option<String>,
    /// `TLSv1_3` or so, once TLS is up.
    pub tls_version: String,
    /// Octets the client sent in the clear behind STARTTLS; a good client sends none.
    pub plaintext_behind_starttls: usize,
    /// Length of the longest line the client sent outside content, without CRLF.
    pub longest_command: usize,
    /// Whether it is over.
    pub closed: bool,
}

impl Connection {
    /// The lines the client said, credentials redacted.
    pub fn client_lines(&self) -> Vec<&str> {
        let clients = self.transcript.iter().filter(|entry| entry.side == Side::Client);
        clients.map(|entry| entry.text.as_str()).collect()
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.transcript {
            let side = match entry.side {
                Side::Client => "C:",
                Side::Server => "S:",
                Side::Event => "--",
            };
            writeln!(f, "{:>9.3} ms {side} {}", entry.after.as_secs_f64() * 1000.0, entry.text)?;
        }
        Ok(())
    }
}
