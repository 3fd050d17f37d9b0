//! A request on its way to the broker, and what came back.

use std::io::{BufWriter, Write as _};
use std::time::{Duration, Instant};

use crate::envelope::Stamp;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{Submit, Verbosity};
use crate::message::Message;
use crate::report::{self, Story};
use crate::request::{Answer, Answers, Errand, Greeting, Request, RequestFault};
use crate::submission::Receipt;
use crate::words::Words;
use crate::world::{ConnectFault, Connection, World};

/// How long a broker that is not there is waited for: it may be restarting.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// How long its greeting is waited for. A connection that has to wait for others of the same user does so before it.
const GREETING: Duration = Duration::from_secs(40);

/// A caller is kept no longer than this once its message is safe (decision 9 of DECISIONS.md).
const IN_CUSTODY: Duration = Duration::from_secs(45);

/// Hands a message to the broker and waits for its verdict. Where there is one, the broker has written the record.
///
/// # Errors
/// The broker's; [`Cause::BrokerAway`] and its neighbours when there is none.
pub fn submit(
    world: &World,
    submit: &Submit,
    message: Message,
    story: &mut Story,
    end_of_input: Instant,
) -> Result<Receipt, Failure> {
    let (caller, submit, stamp) = ((*world.caller).clone(), submit.clone(), Stamp::now(world));
    let verbosity = submit.verbosity;
    let mut errand = Errand::Submit(Box::new(Request { caller, submit, stamp, message }));
    let mut connection = greeted(world)?;
    hand_over(&mut errand, &mut *connection)?;
    let mut hearing = Hearing { world, verbosity, custody: None, until: end_of_input + IN_CUSTODY };
    match hearing.listen(&mut *connection) {
        Heard::Verdict(verdict) => {
            story.is_recorded_elsewhere();
            verdict
        }
        Heard::InCustody => {
            story.is_recorded_elsewhere();
            Ok(Receipt { words: Words::from("kept by this machine's mail service") })
        }
        Heard::Done(_) => Err(nonsense("no verdict")),
        Heard::Nothing(failure) => Err(failure),
    }
}

/// Asks the broker for anything but a submission, shows what it says, and gives its exit status.
pub fn ask(world: &World, errand: &mut Errand) -> u8 {
    let asked = greeted(world).and_then(|mut connection| {
        hand_over(errand, &mut *connection)?;
        let until = world.clock.instant();
        let mut hearing = Hearing { world, verbosity: Verbosity::Transcript, custody: None, until };
        match hearing.listen(&mut *connection) {
            Heard::Done(status) => Ok(status),
            Heard::Verdict(Err(failure)) | Heard::Nothing(failure) => Err(failure),
            Heard::Verdict(Ok(_)) | Heard::InCustody => Err(nonsense("a verdict on nothing")),
        }
    });
    asked.unwrap_or_else(|failure| report::complain(world, &failure))
}

/// A connection somebody serves. Until then nothing has been said, and trying again does no harm.
fn greeted(world: &World) -> Result<Box<dyn Connection>, Failure> {
    let until = world.clock.instant() + PATIENCE;
    loop {
        match world.brokers.connect() {
            Ok(mut connection) => {
                connection.wait_at_most(Some(GREETING));
                match Greeting::read(&mut *connection) {
                    Ok(Greeting::Ready) => return Ok(connection),
                    Ok(Greeting::Busy) => return Err(failure(Cause::BrokerBusy, "")),
                    Err(RequestFault::Incomplete) => {}
                    Err(RequestFault::Unreadable(words)) => return Err(failure(Cause::BrokerAway, words)),
                    Err(fault) => return Err(fault.into()),
                }
            }
            Err(ConnectFault::Away) => {}
            Err(ConnectFault::Forbidden) => return Err(failure(Cause::BrokerForbidden, "")),
            Err(ConnectFault::NoUnixSockets) => return Err(failure(Cause::BrokerNoUnixSockets, "")),
            Err(ConnectFault::Other(words)) => return Err(failure(Cause::BrokerAway, words)),
        }
        if world.clock.instant() >= until {
            return Err(failure(Cause::BrokerAway, ""));
        }
        world.clock.sleep(PAUSE);
    }
}

/// Writes the errand out. A broker that has heard enough closes its end and says why: that is heard next.
fn hand_over(errand: &mut Errand, connection: &mut dyn Connection) -> Result<(), Failure> {
    let mut sink = BufWriter::with_capacity(64 * 1024, connection);
    match errand.write(&mut sink).and_then(|()| sink.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            Err(Failure::new(Stage::Message, Cause::MessageTooLarge, error.to_string()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

struct Hearing<'a> {
    world: &'a World,
    verbosity: Verbosity,
    /// When the message came into custody.
    custody: Option<Instant>,
    /// How long the verdict on one in custody is waited for.
    until: Instant,
}

/// How it ended.
enum Heard {
    Verdict(Result<Receipt, Failure>),
    Done(u8),
    /// Not yet; but the message is safe.
    InCustody,
    Nothing(Failure),
}

impl Hearing<'_> {
    fn listen(&mut self, connection: &mut dyn Connection) -> Heard {
        loop {
            connection.wait_at_most(self.patience());
            // Nothing is read ahead, so each answer can be waited for in its own way.
            match Answers::new(&mut *connection).hear() {
                Ok(Answer::InCustody) => self.custody = Some(self.world.clock.instant()),
                Ok(Answer::Remark(text)) if self.verbosity == Verbosity::Transcript => self.world.terminal.err(&text),
                Ok(Answer::Remark(_)) => {}
                Ok(Answer::Output(text)) => self.world.terminal.out(&text),
                Ok(Answer::Verdict(verdict)) => return Heard::Verdict(verdict),
                Ok(Answer::Done(status)) => return Heard::Done(status),
                Err(_) if self.custody.is_some() => return Heard::InCustody,
                Err(RequestFault::Incomplete) => return Heard::Nothing(failure(Cause::BrokerLost, "")),
                Err(fault) => return Heard::Nothing(fault.into()),
            }
        }
    }

    /// A broker at work ends by itself, or its end closes the connection; in custody the caller need not wait for that.
    fn patience(&self) -> Option<Duration> {
        let left = || self.until.saturating_duration_since(self.world.clock.instant());
        self.custody.map(|_| left().max(Duration::from_millis(1)))
    }
}

fn failure(cause: Cause, detail: impl Into<Words>) -> Failure {
    Failure::new(Stage::Message, cause, detail)
}

fn nonsense(words: &str) -> Failure {
    failure(Cause::RequestNonsense, words)
}
