//! The only place that prints: one line for people on failure, one record for the log in any case.

use std::time::{Duration, Instant};

use lettre::Address;

use crate::account::Account;
use crate::envelope::{FromOutcome, Letter, Signature};
use crate::failure::Cause;
use crate::failure::Stage;
use crate::failure::{ExitStatus, Failure};
use crate::invocation::FlagValue;
use crate::invocation::help::help;
use crate::invocation::{HelpTopic, Refusal, StandardInput, Submit, Verbosity};
use crate::memory::history;
use crate::message::{Field, Message};
use crate::outcome::Taken;
use crate::transcript::{Line, Speaker};
use crate::world::Escapes;
use crate::world::Stream;
use crate::world::{Caller, Priority, World};

/// Octets of recipients in a record of 8,000.
const RECIPIENTS: usize = 4000;

/// What a log record says about one message, filled in as the pipeline learns it.
#[derive(Default)]
pub struct LogRecord {
    mailbox: Option<Address>,
    from: String,
    to: Vec<String>,
    subject: String,
    size: u64,
    message_id: String,
    /// What was done to who it is from.
    changed: Vec<String>,
    recorded: bool,
    /// Everybody it was to be sent to, once that was decided.
    addressed: Vec<String>,
    /// Who called, where that was not this process's caller.
    caller: Option<Caller>,
}

impl LogRecord {
    /// The broker has written the record.
    pub fn is_recorded_elsewhere(&mut self) {
        self.recorded = true;
    }

    /// It is somebody else's message.
    pub fn called_by(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    /// What the message itself says, in case it never becomes a letter.
    pub fn read_message(&mut self, message: &Message, operands: &[Vec<u8>]) {
        let find = |name: &str| message.fields.iter().find(|field| field.is(name)).map(Field::unfolded);
        self.subject = printable(&find("Subject").unwrap_or_default());
        self.from = printable(&find("From").unwrap_or_default());
        self.to = operands.iter().map(|operand| printable(bare(operand))).collect();
        self.to.extend(find("To").map(|to| printable(&to)));
    }

    /// Whose mailbox it goes through.
    pub fn read_account(&mut self, account: &Account) {
        self.mailbox = Some(account.address.clone());
    }

    /// What goes out.
    pub fn read_letter(&mut self, letter: &Letter) {
        self.changed.clear();
        if letter.from_outcome() == FromOutcome::Rewritten {
            self.changed.push(format!("was-from=<{}> ", inside(&self.from, ['<', '>'])));
        }
        if letter.signature() == Signature::Dropped {
            self.changed.push("dropped=DKIM-Signature ".to_owned());
        }
        self.from = letter.envelope().from().map(ToString::to_string).unwrap_or_default();
        self.to = letter.envelope().to().iter().map(ToString::to_string).collect();
        self.addressed.clone_from(&self.to);
        self.size = letter.size();
        letter.message_id().clone_into(&mut self.message_id);
    }

    /// Everybody it was to be sent to, once that was decided.
    pub fn addressed(&self) -> &[String] {
        &self.addressed
    }

    /// What is known of a message that was refused before it came.
    pub fn of_envelope(sender: &[u8], recipients: &[&[u8]]) -> Self {
        let to = recipients.iter().map(|recipient| printable(bare(recipient))).collect();
        Self { from: printable(bare(sender)), to, ..Self::default() }
    }

    /// What the arguments or the SMTP dialogue say, in case there is no message.
    pub fn read_envelope(&mut self, submit: &Submit) {
        self.from = printable(bare(submit.value(FlagValue::Sender).unwrap_or_default()));
        self.to = submit.operands.iter().map(|operand| printable(bare(operand))).collect();
    }

    /// As many as leave room for the outcome in the record.
    fn recipients(&self) -> String {
        let mut room = RECIPIENTS;
        let fits = |name: &&String| {
            room = room.saturating_sub(name.len() + 3);
            room > 0
        };
        let mut list: Vec<_> = self.to.iter().take_while(fits).map(|name| inside(name, ['<', '>'])).collect();
        if self.to.len() > list.len() {
            list.push(format!("and {} more", self.to.len() - list.len()));
        }
        list.join(">,<")
    }

    fn text(&self, caller: &Caller, outcome: &str) -> String {
        let caller = self.caller.as_ref().unwrap_or(caller);
        format!(
            "uid={} user={} parent={} from=<{}> to=<{}> size={} message-id={} subject=\"{}\" {}{outcome}",
            caller.uid,
            caller.login,
            inside(&caller.parent, [' ', '=']),
            inside(&self.from, ['<', '>']),
            self.recipients(),
            self.size,
            inside(&printable(self.message_id.as_bytes()), [' ', '"']),
            inside(&self.subject, ['"', '"']),
            self.changed.concat(),
        )
    }
}

/// What became of a message, for the log: one record. And for `status`, which asks later.
pub fn write_log_record(world: &World, log_record: &LogRecord, verdict: Result<&Taken, &Failure>) {
    if log_record.recorded {
        return;
    }
    let whose = world.places.whose();
    if let Some(mailbox) = &log_record.mailbox {
        history::message(world, mailbox, verdict);
    }
    let (priority, outcome) = match verdict {
        Ok(Taken::Sent(receipt)) if receipt.refused.is_empty() => {
            (Priority::Info, format!("sent: {}", receipt.words.whole()))
        }
        Ok(Taken::Sent(receipt)) => {
            let refused = receipt.refused.iter().map(|it| format!("<{}>: {}", it.address, it.words.whole()));
            let refused: Vec<_> = refused.collect();
            (Priority::Error, format!("sent, but not to {}; {}", refused.join(", "), receipt.words.whole()))
        }
        Ok(Taken::Kept { id, why }) => {
            (Priority::Warning, format!("kept as {id}: {}", why.clone().about(whose).log_text()))
        }
        Err(failure) => (Priority::Error, format!("failed: {}", failure.clone().about(whose).log_text())),
    };
    world.log.record(priority, &log_record.text(&world.caller, &outcome));
}

/// A client of -bs is gone without a final dot: a record.
pub fn log_broken_off(world: &World, log_record: &LogRecord) {
    let outcome = "not sent: the client was gone before the message ended";
    world.log.record(Priority::Warning, &log_record.text(&world.caller, outcome));
}

/// What became of a message, for the caller: not a word when it was sent, else one line. Gives the exit status.
pub fn explain_verdict(world: &World, verdict: Result<&Taken, &Failure>) -> u8 {
    match verdict {
        Ok(_) => 0,
        Err(failure) => complain_of_message(world, failure),
    }
}

/// What was asked is not done: a record, and one line. Gives the exit status.
pub fn explain_refusal(world: &World, refusal: &Refusal) -> u8 {
    world.log.record(
        Priority::Error,
        &LogRecord::default().text(&world.caller, &format!("refused: {}", refusal.failure.log_text())),
    );
    if refusal.input == StandardInput::Dialogue {
        // The caller waits for a greeting, and may read standard error as one.
        world.terminal.out(&format!("554 5.5.1 {}\r\n", refusal.failure.line()));
        return refusal.failure.exit_status() as u8;
    }
    complain_of_message(world, &refusal.failure)
}

/// One line on standard error for whoever handed a message over. Gives the exit status.
pub fn complain_of_message(world: &World, failure: &Failure) -> u8 {
    let line = failure.clone().about(world.places.whose()).line_about_message();
    world.terminal.err(&format!("sendmail: {line}\n"));
    failure.exit_status() as u8
}

/// One line on standard error. Gives the exit status.
pub fn complain(world: &World, failure: &Failure) -> u8 {
    let line = failure.clone().about(world.places.whose()).line();
    world.terminal.err(&format!("sendmail: {line}\n"));
    failure.exit_status() as u8
}

/// A command's end: nothing, or its one line. Gives the exit status.
pub fn done(world: &World, outcome: Result<(), Failure>) -> u8 {
    outcome.map_or_else(|failure| complain(world, &failure), |()| 0)
}

/// Something odd that is no failure.
pub fn warn(world: &World, text: &str) {
    world.terminal.err(&format!("sendmail: {text}\n"));
}

/// Text somebody asked for.
pub fn show(world: &World, text: &str) -> u8 {
    world.terminal.out(text);
    0
}

/// The tool was called without saying what for.
pub fn usage(world: &World) -> u8 {
    world.terminal.err(&help(HelpTopic::Tool));
    ExitStatus::Usage as u8
}

/// Shows a conversation as it goes, with -v; without, where it takes its time, how far it is.
pub fn transcript(world: &World, verbosity: Verbosity) -> impl FnMut(Line) + '_ {
    let mut waiting = WaitingLine::new(world);
    move |line| match (verbosity, line.speaker) {
        (Verbosity::Silent, _) | (Verbosity::Transcript, Speaker::Progress) => {}
        (Verbosity::Progress, Speaker::Client | Speaker::Server) => {}
        (Verbosity::Progress, Speaker::Event | Speaker::Progress) => waiting.show(&line.text.short()),
        (Verbosity::Transcript, Speaker::Client) => world.terminal.err(&format!(">>> {}\n", line.text.whole())),
        (Verbosity::Transcript, Speaker::Server) => world.terminal.err(&format!("<<< {}\n", line.text.whole())),
        (Verbosity::Transcript, Speaker::Event) => world.terminal.err(&format!("--- {}\n", line.text.whole())),
    }
}

/// A message somebody waits for who may see how far it is, and may interrupt it.
pub fn watched(world: &World, submit: &Submit) -> Submit {
    world.signals.allow_interrupt();
    Submit { verbosity: shown(world, submit.verbosity), ..submit.clone() }
}

/// How much a person gets to see of a message under way: where somebody waits at a terminal, a line that is wiped.
fn shown(world: &World, wanted: Verbosity) -> Verbosity {
    let screen = world.person.screen(Stream::Error);
    let can_wipe = screen.is_some_and(|screen| screen.escapes > Escapes::None);
    match wanted {
        Verbosity::Silent if can_wipe => Verbosity::Progress,
        Verbosity::Silent | Verbosity::Progress | Verbosity::Transcript => wanted,
    }
}

/// Lets whoever waits call the message off until the final dot.
pub fn heed_interrupt(world: &World) {
    let failure = Failure::new(Stage::Submission, Cause::Interrupted, "");
    let wiped = if shown(world, Verbosity::Silent) == Verbosity::Progress { WIPED } else { "" };
    let line = format!("{wiped}sendmail: {}", failure.line());
    world.signals.heed_interrupt(&line, &format!("failed: {}", failure.log_text()));
}

/// Nobody wonders sooner what takes so long.
const UNNOTICED: Duration = Duration::from_secs(2);

/// Takes back a line, wherever in it the cursor is (ECMA-48: EL).
const WIPED: &str = "\r\x1b[K";

/// One line at a terminal that says what is going on, and is gone afterwards.
struct WaitingLine<'a> {
    world: &'a World,
    since: Instant,
    is_shown: bool,
}

impl<'a> WaitingLine<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, since: world.clock.instant(), is_shown: false }
    }

    fn show(&mut self, text: &str) {
        if self.world.clock.instant().saturating_duration_since(self.since) < UNNOTICED {
            return;
        }
        // One column less: a full line would wrap, and only half of it be wiped.
        let columns = self.world.person.screen(Stream::Error).map_or(80, |screen| usize::from(screen.columns));
        let line: String = format!("sendmail: {text}").chars().take(columns.saturating_sub(1)).collect();
        self.world.terminal.err(&format!("{WIPED}{line}"));
        self.is_shown = true;
    }
}

impl Drop for WaitingLine<'_> {
    fn drop(&mut self) {
        if self.is_shown {
            self.world.terminal.err(WIPED);
        }
    }
}

/// A caller's text within its delimiters: a subject must not go on with `" sent:` in the log.
fn inside(text: &str, delimiters: [char; 2]) -> String {
    text.replace(delimiters, "_")
}

/// An address without its brackets: the record has its own.
fn bare(address: &[u8]) -> &[u8] {
    address.strip_prefix(b"<").and_then(|inner| inner.strip_suffix(b">")).unwrap_or(address)
}

/// At most 200 characters of somebody else's text, on one line.
fn printable(octets: &[u8]) -> String {
    let words = crate::words::SafeText::from_octets(octets);
    words.whole().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_cannot_forge_a_record() {
        let log_record = LogRecord {
            mailbox: None,
            from: "\"a> sent: 250\"@x.org".into(),
            to: vec!["\"b>,<c\"@x.org".into()],
            subject: "x\" sent: 250 ok \"".into(),
            size: 7,
            message_id: "<1> subject=\"\" sent: 250".into(),
            changed: Vec::new(),
            recorded: false,
            addressed: Vec::new(),
            caller: None,
        };
        let caller = Caller { parent: "x sent: 250 ok".into(), login: "www".into(), ..Caller::default() };
        assert_eq!(
            log_record.text(&caller, "failed: no"),
            "uid=0 user=www parent=x_sent:_250_ok from=<\"a_ sent: 250\"@x.org> to=<\"b_,_c\"@x.org> size=7 \
             message-id=<1>_subject=___sent:_250 subject=\"x_ sent: 250 ok _\" failed: no"
        );
    }

    #[test]
    fn recipients_leave_room_for_the_outcome() {
        let mut log_record = LogRecord { to: vec![format!("{}@x.org", "a".repeat(300)); 500], ..LogRecord::default() };
        let record = log_record.text(&Caller::default(), "failed: no");
        assert!(record.len() < 5000 && record.contains(">,<and 488 more> "), "{record}");
        log_record.to.truncate(2);
        assert!(!log_record.recipients().contains("more"));
        log_record.to = vec!["b".repeat(9000)];
        assert_eq!(log_record.recipients(), "and 1 more");
    }
}
