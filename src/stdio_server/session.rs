//! The dialogue: one answer to each command, and one submission to each final dot.

use std::io;

use super::commands::{self, Command, Path};
use super::content::{self, Content};
use super::incoming::{Incoming, Line};
use super::parameters;
use super::replies::Reply;
use super::transaction::Transaction;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{SmtpOnStdio, Submit};
use crate::message::{Dots, Message, standard_input};
use crate::outcome::Taken;
use crate::report::{self, LogRecord};
use crate::world::World;

/// What happens to a message that has been read to its end: the same as to one that came without SMTP.
pub type Deliver<'a> = dyn Fn(&World, &Submit, Message, &mut LogRecord) -> Result<Taken, Failure> + 'a;

/// Serves the client until QUIT or the end of standard input, and gives the exit status.
///
/// It may take weeks: a queue worker keeps us between its messages. So nothing is held from one message to the next;
/// the configuration is read at each MAIL, and again with everything else at each final dot.
pub fn serve(world: &World, wanted: &SmtpOnStdio, deliver: &Deliver<'_>) -> u8 {
    let incoming = Incoming::new(world.input.reader());
    match (Session { world, wanted, deliver, incoming, transaction: None, refusal: None }).run() {
        Ok(()) | Err(Over::ClientGone) => 0,
        Err(Over::Unreadable(error)) => {
            let failure = Failure::new(Stage::Message, Cause::InputUnreadable, error.to_string());
            report::write_log_record(world, &LogRecord::default(), Err(&failure));
            failure.exit_status() as u8
        }
    }
}

struct Session<'a> {
    world: &'a World,
    wanted: &'a SmtpOnStdio,
    deliver: &'a Deliver<'a>,
    incoming: Incoming<'a>,
    transaction: Option<Transaction>,
    /// Why the last message was not sent. alpine says RSET behind the verdict on a message, and shows its user what
    /// that was answered, so this is said again.
    refusal: Option<String>,
}

/// Why a session ends without QUIT.
enum Over {
    /// Nobody speaks or listens any more.
    ClientGone,
    /// Standard input cannot be read.
    Unreadable(io::Error),
}

impl Session<'_> {
    fn run(&mut self) -> Result<(), Over> {
        self.say(&Reply::bare(220, &format!("{} ESMTP outlook-sendmail", self.host())))?;
        loop {
            let command = match self.incoming.line().map_err(Over::Unreadable)? {
                Line::Command(line) => commands::parse(&line),
                Line::TooLong => Err(Reply::new(500, "5.5.2", "line too long")),
                Line::End => return Err(Over::ClientGone),
            };
            let reply = match command {
                Ok(Command::Quit) => return self.say(&Reply::new(221, "2.0.0", "bye")),
                Ok(Command::Data) => self.data()?,
                Ok(Command::Helo) => self.greet(Reply::bare(250, self.host())),
                Ok(Command::Ehlo) => self.greet(self.offers()),
                Ok(Command::Mail(path)) => self.mail(path).unwrap_or_else(|refusal| refusal),
                Ok(Command::Rcpt(path)) => self.rcpt(&path).unwrap_or_else(|refusal| refusal),
                Ok(Command::Rset) => self.reset(),
                Ok(Command::Noop) => Reply::new(250, "2.0.0", "ok"),
                Ok(Command::Verify) => Reply::new(252, "2.5.0", "send it and see"),
                Ok(Command::Help) => Reply::new(214, "2.0.0", "HELO EHLO MAIL RCPT DATA RSET NOOP VRFY EXPN HELP QUIT")
                    .and("2.0.0 The reply to the final dot is the submission server's verdict: see sendmail(8)"),
                Err(reply) => reply,
            };
            self.say(&reply)?;
            // Held back from the final dot on, so that its verdict is told: see world::Signals.
            self.world.signals.release();
        }
    }

    fn say(&self, reply: &Reply) -> Result<(), Over> {
        if self.world.terminal.reply(&reply.wire()) { Ok(()) } else { Err(Over::ClientGone) }
    }

    fn host(&self) -> &str {
        let name = self.world.caller.host_name.as_str();
        let plain = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic());
        if plain { name } else { "localhost" }
    }

    /// A greeting starts afresh (RFC 5321 section 4.1.4). Nobody has to greet: Sendmail does not insist either.
    fn greet(&mut self, reply: Reply) -> Reply {
        self.transaction = None;
        reply
    }

    fn reset(&mut self) -> Reply {
        self.transaction = None;
        match self.refusal.take() {
            Some(refusal) => Reply::new(250, "2.0.0", &format!("ok after: {refusal}")),
            None => Reply::new(250, "2.0.0", "ok"),
        }
    }

    fn offers(&self) -> Reply {
        Reply::bare(250, self.host())
            .and("PIPELINING")
            .and(&format!("SIZE {}", standard_input::size_limit()))
            .and("8BITMIME")
            .and("SMTPUTF8")
            .and("DSN")
            .and("ENHANCEDSTATUSCODES")
            .and("HELP")
    }

    fn mail(&mut self, path: Path) -> Result<Reply, Reply> {
        if self.transaction.is_some() {
            return Err(Reply::new(503, "5.5.1", "there is a sender already: RSET first"));
        }
        let parameters = parameters::mail(&path.parameters)?;
        self.transaction = Some(Transaction::open(self.world, path.address, parameters)?);
        self.refusal = None;
        Ok(Reply::new(250, "2.1.0", "sender ok"))
    }

    fn rcpt(&mut self, path: &Path) -> Result<Reply, Reply> {
        let transaction = self.transaction.as_mut().ok_or_else(|| Reply::new(503, "5.5.1", "MAIL first"))?;
        transaction.add(self.world, &path.address, parameters::rcpt(&path.parameters)?)?;
        Ok(Reply::new(250, "2.1.5", "recipient ok"))
    }

    /// Reads the message and hands it over; its verdict is the reply.
    fn data(&mut self) -> Result<Reply, Over> {
        let Some(transaction) = self.transaction.take() else {
            return Ok(Reply::new(503, "5.5.1", "MAIL first"));
        };
        if transaction.is_without_recipients() {
            self.transaction = Some(transaction);
            return Ok(Reply::new(554, "5.5.1", "no valid recipients"));
        }
        self.say(&Reply::bare(354, "end with a line that is a lone dot"))?;

        let mut log_record = LogRecord::default();
        let submit = transaction.into_submit(self.wanted);
        log_record.read_envelope(&submit);
        let mut content = Content::new(&mut self.incoming);
        let limit = standard_input::size_limit();
        let message = Message::read(&mut content, false, Dots::Content, self.world.spools.spool(), limit);
        if content.end() != Some(content::End::Dot) {
            report::log_broken_off(self.world, &log_record);
            return Err(Over::ClientGone);
        }
        let verdict = match message {
            Ok(message) => (self.deliver)(self.world, &submit, message, &mut log_record),
            Err(fault) => Err(Failure::from(fault)),
        };
        report::write_log_record(self.world, &log_record, verdict.as_ref());
        self.refusal = verdict.as_ref().err().map(Failure::line);
        Ok(match verdict {
            Ok(taken) => Reply::taken(&taken),
            Err(failure) => Reply::failed(&failure, 554),
        })
    }
}
