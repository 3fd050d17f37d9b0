//! One SMTP session: greeting, EHLO, STARTTLS, and what was said on the way.

use std::io;
use std::net::TcpStream;
use std::time::Instant;

use super::auth::Pending;
use super::load::UnderWay;
use super::record::{Connection, Entry, Side};
use super::transaction::Transaction;
use super::wire::Wire;
use super::{Shared, words};
use crate::certificates::CertificateKind;
use crate::dialogue::{Stage, TlsVersion};

/// The connection is over; why, for the transcript.
pub(super) struct Over(pub(super) String);

impl From<io::Error> for Over {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<&str> for Over {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// Serves one connection to its end.
pub(super) fn serve(shared: &Shared, socket: TcpStream) {
    let number = shared.record(|records| {
        records.connections.push(Connection::default());
        records.connections.len() - 1
    });
    let started = Instant::now();
    let over = match Wire::new(socket, shared.latency) {
        Ok(wire) => {
            let mut session = Session::new(shared, wire, number, started);
            let Err(over) = session.run();
            session.keep_count();
            over
        }
        Err(error) => error.into(),
    };
    shared.record(|records| {
        if let Some(connection) = records.connections.get_mut(number) {
            connection.transcript.push(Entry { after: started.elapsed(), side: Side::Event, text: over.0 });
            connection.closed = true;
        }
    });
}

pub(super) struct Session<'a> {
    pub(super) shared: &'a Shared,
    pub(super) wire: Wire,
    pub(super) number: usize,
    started: Instant,
    /// Our host name and session id, as in every Outlook reply.
    pub(super) host: String,
    pub(super) id: String,
    greeted: bool,
    pub(super) user: Option<String>,
    /// One of the mailbox's connections, until its message has an answer.
    pub(super) under_way: Option<UnderWay<'a>>,
    pub(super) pending: Option<Pending>,
    pub(super) transaction: Transaction,
    visits: Vec<(Stage, usize)>,
    pub(super) omit: Vec<String>,
    pub(super) add: Vec<String>,
    pub(super) injection: Vec<u8>,
    pub(super) certificate: CertificateKind,
    pub(super) version: Option<TlsVersion>,
    pub(super) drop_after: Option<usize>,
}

impl<'a> Session<'a> {
    fn new(shared: &'a Shared, wire: Wire, number: usize, started: Instant) -> Self {
        let id = shared.tokens.opaque("", 16).bytes().map(|octet| format!("{:X}", octet & 15)).collect();
        Self {
            shared,
            wire,
            number,
            started,
            host: "CH0PR07CA0007.outlook.office365.com".to_owned(),
            id,
            greeted: false,
            user: None,
            under_way: None,
            pending: None,
            transaction: Transaction::default(),
            visits: Vec::new(),
            omit: Vec::new(),
            add: Vec::new(),
            injection: Vec::new(),
            certificate: CertificateKind::Good,
            version: None,
            drop_after: None,
        }
    }

    fn run(&mut self) -> Result<std::convert::Infallible, Over> {
        let banner = words::banner(&self.host, &self.id);
        if self.answer(Stage::Banner, b"", &banner)? / 100 != 2 {
            return Err(self.close("the banner sent the client away"));
        }
        loop {
            let line = self.wire.line()?.ok_or("the client closed")?;
            if self.pending.is_some() {
                self.auth_continuation(&line)?;
            } else {
                self.command(&line)?;
            }
        }
    }

    fn command(&mut self, line: &[u8]) -> Result<(), Over> {
        let text = String::from_utf8_lossy(line).into_owned();
        let verb = text.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let printable = if verb == "AUTH" { super::auth::redacted(&text) } else { text.clone() };
        self.hear(printable, line.len());
        if line.contains(&b'\n') || line.contains(&b'\r') {
            self.answer(Stage::Other, line, "500 5.3.3 Unrecognized command: bare CR or LF")?;
            return Ok(());
        }
        match verb.as_str() {
            "EHLO" | "HELO" => self.hello(line, &text, verb == "EHLO"),
            "STARTTLS" => self.starttls(line),
            "AUTH" => self.auth(line, &text),
            "MAIL" => self.mail(line, &text),
            "RCPT" => self.rcpt(line, &text),
            "DATA" => self.data(line),
            "RSET" => self.rset(line),
            "QUIT" => {
                self.answer(Stage::Quit, line, "221 2.0.0 Service closing transmission channel")?;
                Err(self.close("QUIT"))
            }
            "NOOP" => self.answer(Stage::Other, line, "250 2.0.0 OK").map(drop),
            "VRFY" => self.answer(Stage::Other, line, "252 2.1.5 Cannot VRFY user").map(drop),
            _ => self.answer(Stage::Other, line, "500 5.3.3 Unrecognized command").map(drop),
        }
    }

    fn hello(&mut self, line: &[u8], text: &str, extended: bool) -> Result<(), Over> {
        let inside_tls = !self.wire.tls_version().is_empty();
        let name = text.split_once(' ').map_or("", |(_, name)| name.trim());
        let reply = if !words::is_domain_or_literal(name) {
            format!("501 5.5.4 Invalid domain name {}", self.tail())
        } else if extended {
            words::ehlo(&self.host, inside_tls)
        } else {
            format!("250 {} Hello [127.0.0.1]", self.host)
        };
        let code = self.answer(if inside_tls { Stage::Ehlo2 } else { Stage::Ehlo }, line, &reply)?;
        if code / 100 == 2 {
            self.greeted = true;
            self.transaction = Transaction::default();
        }
        Ok(())
    }

    fn starttls(&mut self, line: &[u8]) -> Result<(), Over> {
        let reply = if !self.wire.tls_version().is_empty() {
            "503 5.5.2 TLS is already there".to_owned()
        } else {
            self.unless_greeted().unwrap_or_else(|| "220 2.0.0 SMTP server ready".to_owned())
        };
        if self.answer(Stage::Starttls, line, &reply)? != 220 {
            return Ok(());
        }
        let injection = std::mem::take(&mut self.injection);
        self.wire.queue(&injection);
        self.wire.flush()?;
        let behind = self.wire.discard_input();
        self.wire.wait_for_handshake()?;
        self.answer(Stage::Tls, b"", "")?;
        let config = self.shared.server_config(self.certificate, self.version);
        if let Err(error) = self.wire.start_tls(config) {
            return Err(Over(format!("no TLS: {error}")));
        }
        self.greeted = false;
        let (version, name) = (self.wire.tls_version(), self.wire.server_name());
        self.note(Side::Event, format!("{version} with {}", name.as_deref().unwrap_or("no server name")));
        self.connection(|connection| {
            connection.plaintext_behind_starttls = behind;
            connection.tls_version = version;
            connection.server_name = name;
        });
        Ok(())
    }

    fn rset(&mut self, line: &[u8]) -> Result<(), Over> {
        if self.answer(Stage::Rset, line, "250 2.0.0 Resetting")? / 100 == 2 {
            self.transaction = Transaction::default();
        }
        Ok(())
    }

    /// The reply to a command that came before EHLO.
    pub(super) fn unless_greeted(&self) -> Option<String> {
        (!self.greeted).then(|| format!("503 5.5.2 Send hello first {}", self.tail()))
    }

    pub(super) fn tail(&self) -> String {
        words::tail(&self.host, &self.id)
    }

    /// Notes what the client said.
    pub(super) fn hear(&self, text: String, octets: usize) {
        self.connection(|connection| connection.longest_command = connection.longest_command.max(octets));
        self.note(Side::Client, text);
    }

    pub(super) fn note(&self, side: Side, text: String) {
        let after = self.started.elapsed();
        self.connection(|connection| connection.transcript.push(Entry { after, side, text }));
    }

    fn connection(&self, change: impl FnOnce(&mut Connection)) {
        self.shared.record(|records| records.connections.get_mut(self.number).map(change));
    }

    pub(super) fn keep_count(&self) {
        let round_trips = self.wire.round_trips;
        self.connection(|connection| connection.round_trips = round_trips);
    }

    pub(super) fn visit(&mut self, stage: Stage) -> usize {
        if let Some((_, count)) = self.visits.iter_mut().find(|(visited, _)| *visited == stage) {
            *count += 1;
            return *count;
        }
        self.visits.push((stage, 1));
        1
    }

    /// Closes politely.
    pub(super) fn close(&mut self, reason: &str) -> Over {
        let _ = self.wire.close();
        reason.into()
    }
}
