//! A request on its way to the broker, and what came back.

use std::io::{BufWriter, Write as _};
use std::time::{Duration, Instant};

use crate::failure::{Cause, Failure, Stage, Wording};
use crate::invocation::Verbosity;
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::queue;
use crate::report::Story;
use crate::service::{ACKNOWLEDGED, Answer, Greeting, RequestFault, ServiceRequest, Submission};
use crate::words::Words;
use crate::world::{ConnectFault, Connection, World};

/// How long a broker that is not there is waited for: it may be restarting.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// How long its greeting is waited for. A connection that has to wait for others of the same user does so before it.
const GREETING: Duration = Duration::from_secs(40);

/// It is not this user's messages that are too many.
const CROWDED: Wording = Wording {
    sentence: "this machine's mail service is busy with messages of other users",
    advice: "nothing was sent; try again later",
};

/// A caller is kept no longer than this once its message is safe (decision 9 of DECISIONS.md).
const IN_CUSTODY: Duration = Duration::from_secs(45);

/// Hands a message to the broker and waits for its verdict. Where there is one, the broker has written the record.
///
/// # Errors
/// The broker's; [`Cause::BrokerAway`] and its neighbours when there is none.
pub fn submit(world: &World, mut submission: Submission, story: &mut Story) -> Result<Taken, Failure> {
    let end_of_input = world.clock.instant();
    let verbosity = submission.submit.verbosity;
    let mut connection = match greeted(world) {
        Ok(connection) => connection,
        Err(failure) => return nobody_serves(world, submission, failure),
    };
    hand_over(&mut submission, &mut *connection)?;
    let until = end_of_input + IN_CUSTODY;
    let mut hearing = Hearing { world, verbosity, fate: Fate::Unsent, until, output: None };
    match hearing.listen(&mut *connection) {
        Heard::Verdict(verdict) => {
            story.is_recorded_elsewhere();
            if matches!(hearing.fate, Fate::InCustody) && verdict.is_err() {
                // Unless it hears this, the broker keeps the message and lists it as failed.
                let _ = connection.write_all(&[ACKNOWLEDGED]);
            }
            verdict
        }
        Heard::InCustody => {
            story.is_recorded_elsewhere();
            Ok(Taken::Sent(Receipt::new(Words::from("kept by this machine's mail service"))))
        }
        Heard::Done(_) => Err(nonsense("no verdict")),
        Heard::Nothing(failure) => Err(failure),
    }
}

/// Leaves a message where the broker will find it, as its socket is not there yet.
///
/// # Errors
/// It cannot be written.
pub fn leave(world: &World, submission: Submission) -> Result<Taken, Failure> {
    queue::leave_for_broker(world, submission, failure(Cause::BrokerAway, ""))
}

/// Nothing was handed over. Root leaves the message where the broker will find it; anybody else is told.
fn nobody_serves(world: &World, submission: Submission, failure: Failure) -> Result<Taken, Failure> {
    if world.caller.uid != 0 {
        return Err(failure);
    }
    queue::leave_for_broker(world, submission, failure.clone()).map_err(|_| failure)
}

/// Asks the broker for anything but a submission, shows what it says as it comes, and gives its exit status.
///
/// # Errors
/// The broker's, and those of not reaching it.
pub(super) fn carry_out(world: &World, request: &ServiceRequest) -> Result<u8, Failure> {
    asked(world, request, None)
}

/// Asks the machine's mail service, whoever carries out what this user's process is asked otherwise: its exit status and
/// what it says.
///
/// # Errors
/// The broker's, and those of not reaching it.
pub fn ask_machine(world: &World, request: &ServiceRequest) -> Result<(u8, String), Failure> {
    let mut output = String::new();
    asked(world, request, Some(&mut output)).map(|status| (status, output))
}

/// Whether the broker is there, before a person does something that is worth nothing without.
///
/// # Errors
/// Those of not reaching it.
pub fn is_there(world: &World) -> Result<(), Failure> {
    greeted(world).map(drop).map_err(not_for_a_message)
}

fn asked(world: &World, request: &ServiceRequest, output: Option<&mut String>) -> Result<u8, Failure> {
    let mut connection = greeted(world).map_err(not_for_a_message)?;
    // A broker that is gone says why, or nothing: that is heard next.
    let _ = request.write(&mut *connection);
    let until = world.clock.instant();
    let mut hearing = Hearing { world, verbosity: Verbosity::Transcript, fate: Fate::Unsent, until, output };
    match hearing.listen(&mut *connection) {
        Heard::Done(status) => Ok(status),
        Heard::Verdict(Err(failure)) | Heard::Nothing(failure) => Err(failure),
        Heard::Verdict(Ok(_)) | Heard::InCustody => Err(nonsense("a verdict on nothing")),
    }
}

/// A connection somebody serves. Until then nothing has been said, and trying again does no harm.
fn greeted(world: &World) -> Result<Box<dyn Connection>, Failure> {
    let start = world.clock.instant();
    let mut until = start + PATIENCE;
    loop {
        match world.brokers.connect() {
            Ok(mut connection) => {
                connection.wait_at_most(Some(GREETING));
                match Greeting::read(&mut *connection) {
                    Ok(Greeting::Ready) => return Ok(connection),
                    Ok(Greeting::BusyWithYours) => return Err(failure(Cause::BrokerBusy, "")),
                    Ok(Greeting::BusyWithOthers) => return Err(failure(Cause::BrokerBusy, "").worded(Some(&CROWDED))),
                    // It waited its turn at a broker that was told to end: the next one has it wait again.
                    Err(RequestFault::Incomplete) => {
                        until = (world.clock.instant() + PATIENCE).min(start + GREETING);
                    }
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

/// Writes the message out. A broker that has heard enough closes its end and says why: that is heard next.
fn hand_over(submission: &mut Submission, connection: &mut dyn Connection) -> Result<(), Failure> {
    let mut sink = BufWriter::with_capacity(64 * 1024, connection);
    match submission.write(&mut sink).and_then(|()| sink.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            Err(Failure::new(Stage::Message, Cause::MessageTooLarge, error.to_string()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

struct Hearing<'a> {
    world: &'a World,
    verbosity: Verbosity,
    fate: Fate,
    /// How long the verdict on a message in custody is waited for.
    until: Instant,
    /// What is not to be shown, but read.
    output: Option<&'a mut String>,
}

/// What a broker that is gone leaves of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// Nothing of it was sent.
    Unsent,
    /// It may have been sent.
    Unknown,
    /// The queue has it.
    InCustody,
}

/// How it ended.
enum Heard {
    Verdict(Result<Taken, Failure>),
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
            match Answer::hear(&mut *connection) {
                Ok(Answer::InCustody) => self.fate = Fate::InCustody,
                Ok(Answer::Sending) if self.fate == Fate::Unsent => self.fate = Fate::Unknown,
                Ok(Answer::Sending) => {}
                Ok(Answer::Remark(text)) if self.verbosity == Verbosity::Transcript => self.world.terminal.err(&text),
                Ok(Answer::Remark(_)) => {}
                Ok(Answer::Output(text)) => match &mut self.output {
                    Some(output) => output.push_str(&text),
                    None => self.world.terminal.out(&text),
                },
                Ok(Answer::Verdict(verdict)) => {
                    let whose = self.world.places.whose();
                    return Heard::Verdict(verdict.map_err(|failure| failure.about(whose)));
                }
                Ok(Answer::Done(status)) => return Heard::Done(status),
                Err(_) if self.fate == Fate::InCustody => return Heard::InCustody,
                Err(_) if self.fate == Fate::Unknown => {
                    return Heard::Nothing(failure(Cause::PerhapsSent, "this machine's mail service stopped"));
                }
                Err(RequestFault::Incomplete) => return Heard::Nothing(failure(Cause::BrokerLost, "")),
                Err(fault) => return Heard::Nothing(fault.into()),
            }
        }
    }

    /// A broker at work ends by itself, or its end closes the connection; in custody the caller need not wait for that.
    fn patience(&self) -> Option<Duration> {
        let left = || self.until.saturating_duration_since(self.world.clock.instant());
        (self.fate == Fate::InCustody).then(|| left().max(Duration::from_millis(1)))
    }
}

/// Whoever asks for something else than to send can see to it that the broker runs.
fn not_for_a_message(failure: Failure) -> Failure {
    const NOT_RUNNING: Wording = Wording {
        sentence: "this machine's mail service does not run",
        advice: "run: systemctl enable --now outlook-sendmail.socket; \
                 without systemd: outlook-sendmail broker --listen /run/outlook-sendmail/submit.sock",
    };
    let is_away = failure.cause == Cause::BrokerAway;
    failure.worded(is_away.then_some(&NOT_RUNNING))
}

fn failure(cause: Cause, detail: impl Into<Words>) -> Failure {
    Failure::new(Stage::Message, cause, detail)
}

fn nonsense(words: &str) -> Failure {
    failure(Cause::RequestNonsense, words)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::io::{self, Cursor, Read, Write};
    use std::rc::Rc;

    use super::*;
    use crate::envelope::Stamp;
    use crate::fake_world::Fakes;
    use crate::invocation::Submit;
    use crate::message::{Dots, Message};
    use crate::world::{Brokers, ListeningSocket, OnStandardInput, memory_spool};

    /// What each connection says until it ends; `None` is nobody there.
    #[derive(Clone, Default)]
    struct Script {
        connections: Rc<RefCell<VecDeque<Option<Vec<u8>>>>>,
        heard: Rc<RefCell<Vec<u8>>>,
    }

    struct Scripted(Cursor<Vec<u8>>, Rc<RefCell<Vec<u8>>>);

    impl Read for Scripted {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.0.read(room)
        }
    }

    impl Write for Scripted {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.1.borrow_mut().extend_from_slice(octets);
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Connection for Scripted {
        fn wait_at_most(&self, _: Option<Duration>) {}
        fn finish_within(&self, _: Option<Duration>) {}
    }

    impl Brokers for Script {
        fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault> {
            let said = self.connections.borrow_mut().pop_front().flatten().ok_or(ConnectFault::Away)?;
            Ok(Box::new(Scripted(Cursor::new(said), Rc::clone(&self.heard))))
        }
        fn on_standard_input(&self) -> OnStandardInput {
            OnStandardInput::Nothing
        }
        fn may_be_there(&self) -> bool {
            true
        }
        fn supervise(&self, _: ListeningSocket<'_>) -> Result<(), Failure> {
            Ok(())
        }
    }

    fn said(greeting: Greeting, answers: &[Answer]) -> Option<Vec<u8>> {
        let mut octets = greeting.octets().to_vec();
        answers.iter().for_each(|answer| answer.write(&mut octets).unwrap());
        Some(octets)
    }

    /// The verdict, and what the broker was sent.
    fn send(fakes: &Fakes, connections: &[Option<Vec<u8>>]) -> (Result<Taken, Failure>, Vec<u8>) {
        let script = Script::default();
        script.connections.borrow_mut().extend(connections.iter().cloned());
        let world = World { brokers: Box::new(script.clone()), ..fakes.world() };
        let text = &mut &b"To: bob@example.com\n\ntext\n"[..];
        let message = Message::read(text, false, Dots::Content, memory_spool(), 1000).unwrap();
        let (caller, stamp) = (world.caller.clone(), Stamp::now(&world));
        let submission = Submission { caller, submit: Submit::default(), stamp, message };
        let verdict = submit(&world, submission, &mut Story::default());
        (verdict, script.heard.take())
    }

    fn cause(connections: &[Option<Vec<u8>>]) -> Cause {
        send(&Fakes::default(), connections).0.unwrap_err().cause
    }

    fn taken() -> Answer {
        Answer::Verdict(Ok(Taken::Sent(Receipt::new("2.0.0 OK".into()))))
    }

    #[test]
    fn what_the_broker_says_is_the_verdict() {
        assert_eq!(
            send(&Fakes::default(), &[said(Greeting::Ready, &[taken()])]).0.unwrap().words().whole(),
            "2.0.0 OK"
        );
        let refused = Failure::new(Stage::Submission, Cause::SenderDenied, "554 no");
        let answer = Answer::Verdict(Err(refused.clone()));
        assert_eq!(send(&Fakes::default(), &[said(Greeting::Ready, &[answer])]).0, Err(refused));
    }

    #[test]
    fn what_ends_before_the_greeting_is_tried_again_and_the_message_goes_once() {
        let fakes = Fakes::default();
        let ready = said(Greeting::Ready, &[taken()]);
        let (verdict, heard) = send(&fakes, &[None, Some(Vec::new()), Some(b"OLSM".to_vec()), ready.clone()]);
        assert!(verdict.is_ok() && fakes.clock.slept.borrow().len() == 3);
        assert_eq!(heard, send(&Fakes::default(), &[ready]).1);
        assert_eq!(cause(&[]), Cause::BrokerAway);
        let busy = |greeting| send(&Fakes::default(), &[said(greeting, &[])]).0.unwrap_err();
        assert!(busy(Greeting::BusyWithYours).line().contains("busy with other messages of this user"));
        assert!(busy(Greeting::BusyWithOthers).line().contains("busy with messages of other users"));
        assert_eq!(cause(&[Some(b"220 mail.example.org ESMTP\r\n".to_vec())]), Cause::RequestNonsense);
    }

    #[test]
    fn what_ends_after_the_greeting_is_not_sent_unless_in_custody() {
        assert_eq!(cause(&[said(Greeting::Ready, &[]), said(Greeting::Ready, &[taken()])]), Cause::BrokerLost);
        assert_eq!(cause(&[said(Greeting::Ready, &[Answer::Remark(">>> EHLO\n".into())])]), Cause::BrokerLost);
        assert!(send(&Fakes::default(), &[said(Greeting::Ready, &[Answer::InCustody])]).0.is_ok());
        let sending = |more: &[Answer]| cause(&[said(Greeting::Ready, &[&[Answer::Sending], more].concat())]);
        assert_eq!(sending(&[]), Cause::PerhapsSent);
        let refused = Failure::new(Stage::Submission, Cause::Refused, "554 no");
        assert_eq!(sending(&[Answer::Verdict(Err(refused))]), Cause::Refused);
        let late = Failure::new(Stage::Submission, Cause::PerhapsSent, "");
        let answers = [Answer::InCustody, Answer::Verdict(Err(late.clone()))];
        let (verdict, heard) = send(&Fakes::default(), &[said(Greeting::Ready, &answers)]);
        assert_eq!(verdict, Err(late));
        assert_eq!(heard.last(), Some(&ACKNOWLEDGED), "the broker may forget a refusal that was read");
    }

    #[test]
    fn remarks_are_for_those_who_asked() {
        let fakes = Fakes::default();
        let answers = [Answer::Remark("<<< 220\n".into()), taken()];
        assert!(send(&fakes, &[said(Greeting::Ready, &answers)]).0.is_ok());
        assert_eq!(*fakes.paper.err.borrow(), "");
        let answers = [Answer::Output("{}\n".into()), Answer::Remark("odd\n".into()), Answer::Done(75)];
        let script = Script::default();
        script.connections.borrow_mut().push_back(said(Greeting::Ready, &answers));
        let world = World { brokers: Box::new(script), ..fakes.world() };
        assert_eq!(carry_out(&world, &ServiceRequest::Status(None)), Ok(75));
        assert_eq!((fakes.paper.out.take(), fakes.paper.err.take()), ("{}\n".to_owned(), "odd\n".to_owned()));
    }
}
