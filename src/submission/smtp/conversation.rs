//! One connection's conversation, from the greeting to the verdict, in the fewest flights.

use std::io::{BufWriter, Write};
use std::time::Duration;

use lettre::transport::smtp::commands::{Ehlo, Quit, Starttls};
use lettre::transport::smtp::extension::ClientId;

use crate::account::Account;
use crate::credentials::Credential;
use crate::envelope::Letter;
use crate::failure::{Cause, Failure};
use crate::outcome::{Receipt, RefusedRecipient};
use crate::reply::{Phase, Reply};
use crate::submission::Custody;
use crate::submission::smtp::content::{Cut, Slices};
use crate::submission::smtp::faults::{Stop, dropped, failure, lost, perhaps_sent};
use crate::submission::smtp::offers::Offers;
use crate::submission::smtp::parameters::{DsnUse, EsmtpParameters};
use crate::submission::smtp::stuffing::DotStuffing;
use crate::submission::smtp::transaction::{Answers, FlightStep, Round, accepted, refused};
use crate::transcript::{Line, Speaker};
use crate::words::SafeText;
use crate::world::Deadlines;
use crate::world::{Clock, Wire, WireFault};

/// Our name when the server does not take the other one; Outlook is known to take this.
const FALLBACK_NAME: &str = "localhost.localdomain";

/// How long a server that stopped reading may take to tell why, and one that hears QUIT to answer.
pub(super) const EARLY_REPLY: Duration = Duration::from_secs(1);

/// The conversation so far.
pub(super) struct Conversation<'a> {
    pub(super) wire: Box<dyn Wire>,
    pub(super) clock: &'a dyn Clock,
    pub(super) account: &'a Account,
    pub(super) credential: &'a Credential,
    pub(super) times: Deadlines,
    pub(super) transcript: &'a mut dyn FnMut(Line),
    pub(super) custody: &'a mut dyn Custody,
    /// What the last reply answered.
    pub(super) heard: Phase,
}

impl Conversation<'_> {
    /// Submits the message.
    pub(super) fn run(mut self, message: &mut Letter) -> Result<Receipt, Failure> {
        let verdict = self.submit(message);
        self.ended(verdict)
    }

    /// Signs in and leaves: nothing is sent.
    pub(super) fn try_sign_in(mut self) -> Result<(), Failure> {
        let verdict = self.open().and_then(|_| self.in_step());
        self.ended(verdict)?;
        self.quit();
        Ok(())
    }

    fn ended<T>(&mut self, verdict: Result<T, Stop>) -> Result<T, Failure> {
        match verdict {
            Ok(outcome) => Ok(outcome),
            Err(Stop::Leave(failure)) => Err(self.leave(failure)),
            Err(Stop::Drop(failure)) => Err(failure),
        }
    }

    fn submit(&mut self, message: &mut Letter) -> Result<Receipt, Stop> {
        let offers = self.open()?;
        let refused = self.transaction(message, &offers)?;
        self.say(Speaker::Event, &accepted(message.envelope(), &refused));
        // The server waits for content: a goodbye would be it.
        self.custody.sending().map_err(Stop::Drop)?;
        Ok(Receipt { words: self.content(message, &offers)?, refused })
    }

    /// Up to the sign-in. Gives what the server offers now.
    fn open(&mut self) -> Result<Offers, Stop> {
        self.greeting()?;
        let offers = self.ehlo()?;
        self.start_tls(&offers)?;
        let offers = self.ehlo()?;
        self.sign_in(&offers)?;
        self.say(Speaker::Event, &format!("signed in as {}", self.account.address));
        Ok(offers)
    }

    fn greeting(&mut self) -> Result<(), Stop> {
        let reply = self.reply(Phase::Greeting)?;
        expect(Phase::Greeting, &reply, 220)
    }

    fn ehlo(&mut self) -> Result<Offers, Stop> {
        let name = match &self.account.ehlo {
            Some(name) => name.clone(),
            None => self.wire.address_literal(),
        };
        if !name.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(Stop::Leave(failure(Cause::HeloRefused, format!("ehlo = {name:?} is not a host name"))));
        }
        let mut reply = self.exchange(Phase::Ehlo, &Ehlo::new(ClientId::Domain(name)).to_string())?;
        if reply.is_negative() && !reply.is_temporary() {
            let fallback = Ehlo::new(ClientId::Domain(FALLBACK_NAME.to_owned()));
            reply = self.exchange(Phase::Ehlo, &fallback.to_string())?;
        }
        expect(Phase::Ehlo, &reply, 250)?;
        Ok(Offers::from_reply(&reply))
    }

    fn start_tls(&mut self, offers: &Offers) -> Result<(), Stop> {
        if !offers.starttls {
            return Err(Stop::Leave(failure(Cause::StarttlsMissing, "")));
        }
        let reply = self.exchange(Phase::Starttls, &Starttls.to_string())?;
        expect(Phase::Starttls, &reply, 220)?;
        self.wire.start_tls(self.times.before_dot).map_err(|fault| Stop::Drop(lost("the TLS handshake", fault)))?;
        self.say(Speaker::Event, &format!("{}, certificate verified", self.wire.tls_version()));
        Ok(())
    }

    /// Writes what the transcript must not show.
    pub(super) fn secret_exchange(&mut self, octets: &[u8]) -> Result<Reply, Stop> {
        self.in_step()?;
        self.wire.send(octets, self.times.before_dot).map_err(|fault| dropped(Phase::Auth, fault))?;
        self.reply(Phase::Auth)
    }

    /// Up to the server's 354. Gives the recipients refused, where the others are enough.
    fn transaction(&mut self, message: &Letter, offers: &Offers) -> Result<Vec<RefusedRecipient>, Stop> {
        let parameters = EsmtpParameters::new(message, offers).map_err(Stop::Leave)?;
        let mut answers = self.flights(message, offers, &parameters, Round::First)?;
        if parameters.dsn == DsnUse::Asked && answers.blames_parameters() && !answers.awaits_content() {
            let parameters = EsmtpParameters::without_dsn(message, offers).map_err(Stop::Leave)?;
            answers = self.flights(message, offers, &parameters, Round::Second)?;
        }
        match (answers.refusal(), answers.awaits_content()) {
            (None, true) => Ok(Vec::new()),
            (Some(_), true) if answers.may_go_on() => Ok(answers.refused_recipients()),
            // Those accepted would get whatever we say now, an empty message included.
            (Some(refusal), true) => Err(Stop::Drop(refusal)),
            // Nor do those accepted get it: what keeps it from them says whether it is worth another try.
            (Some(_), false) if answers.may_go_on() && answers.data.is_some() => {
                Err(Stop::Leave(answers.no_go_ahead()))
            }
            (Some(refusal), false) => Err(Stop::Leave(refusal)),
            (None, false) => Err(Stop::Leave(answers.no_go_ahead())),
        }
    }

    fn flights<'m>(
        &mut self,
        message: &'m Letter,
        offers: &Offers,
        parameters: &EsmtpParameters,
        attempt: Round,
    ) -> Result<Answers<'m>, Stop> {
        let envelope = message.envelope();
        let mut answers = Answers::new(self.custody.enough());
        for mut flight in FlightStep::flights(envelope, offers.pipelining, attempt) {
            if answers.sender.is_some() {
                break;
            }
            if answers.end_here(attempt) {
                // The others are asked so that every bad address is named at once.
                flight.retain(|step| !matches!(step, FlightStep::Data));
            }
            if let Err(stop) = self.fly(&flight, envelope, parameters, &mut answers) {
                let refusal = answers.refusal().filter(|_| !answers.may_go_on());
                return Err(refusal.map_or(stop, Stop::Drop));
            }
            // With one reply too many none of them answers what it seems to.
            self.in_step()?;
        }
        Ok(answers)
    }

    fn fly<'m>(
        &mut self,
        flight: &[FlightStep<'m>],
        envelope: &lettre::address::Envelope,
        parameters: &EsmtpParameters,
        answers: &mut Answers<'m>,
    ) -> Result<(), Stop> {
        let Some(first) = flight.first() else { return Ok(()) };
        let commands: Vec<String> = flight.iter().map(|step| step.command(envelope, parameters)).collect();
        for command in &commands {
            self.say(Speaker::Client, command);
        }
        self.send(first.phase(), commands.concat().as_bytes())?;
        for step in flight {
            let reply = self.reply(step.phase())?;
            answers.record(*step, reply);
        }
        Ok(())
    }

    /// The content, the final dot, and the verdict.
    fn content(&mut self, message: &mut Letter, offers: &Offers) -> Result<SafeText, Stop> {
        let size = message.size();
        let mut slices = Slices::new(&mut *self.wire, self.clock, self.times, size, &mut *self.transcript);
        // Content comes line by line; stuffing is fast on large pieces.
        let stuffing = DotStuffing::new(|slice: &[u8]| slices.give(slice));
        let mut pieces = BufWriter::with_capacity(64 * 1024, stuffing);
        let written = message.write(&mut pieces).and_then(|()| pieces.flush());
        let (stuffing, _) = pieces.into_parts();
        let quit = if offers.pipelining { Quit.to_string() } else { String::new() };
        let (last, octets) = stuffing.finish(quit.as_bytes());
        if let Some(cut) = slices.cut() {
            return Err(Stop::Drop(self.cut_short(cut)));
        }
        if let Err(error) = written {
            let words = format!("reading the message back: {error}; nothing was sent");
            return Err(Stop::Drop(failure(Cause::InputUnreadable, words)));
        }
        let now = self.clock.instant();
        if now > self.times.content_until(size, now) {
            return Err(Stop::Drop(failure(
                Cause::TimedOut,
                "the message was on its way, the final dot was held back",
            )));
        }
        self.custody.dot();
        // The last moment at which a reply is certain to answer something else.
        match self.wire.has_unread() {
            Ok(false) => {}
            Ok(true) => return Err(Stop::Drop(self.cut_short(Cut::Unasked))),
            Err(fault) => return Err(Stop::Drop(self.cut_short(Cut::Fault(fault)))),
        }
        // From here on a fault leaves the message perhaps sent.
        let deadline = self.times.answer_until(self.clock.instant());
        self.say(Speaker::Event, &format!("{octets} octets of message"));
        self.say(Speaker::Client, ".");
        if offers.pipelining {
            self.say(Speaker::Client, &quit);
        }
        let reply = match self.wire.send(&last, deadline) {
            Ok(()) => self.wire.reply(deadline),
            // The server may have answered all the same.
            Err(fault) => self.wire.reply(self.clock.instant() + EARLY_REPLY).map_err(|_| fault),
        };
        let reply = reply.map_err(|fault| Stop::Drop(perhaps_sent(fault)))?;
        self.show(&reply);
        if let Some(doubt) = self.doubt(&reply, usize::from(offers.pipelining)) {
            return Err(Stop::Drop(failure(Cause::PerhapsSent, doubt)));
        }
        if !offers.pipelining {
            self.quit();
        }
        if reply.is_positive() {
            return Ok(reply.text());
        }
        if reply.is_negative() {
            return Err(Stop::Drop(refused(Phase::Content, &reply)));
        }
        Err(Stop::Drop(failure(Cause::PerhapsSent, reply.words())))
    }

    /// Says goodbye; whether the answer arrives does not matter.
    pub(super) fn quit(&mut self) {
        let quit = Quit.to_string();
        self.say(Speaker::Client, &quit);
        let _ = self.wire.send(quit.as_bytes(), self.clock.instant() + EARLY_REPLY);
    }

    pub(super) fn exchange(&mut self, phase: Phase, command: &str) -> Result<Reply, Stop> {
        self.say(Speaker::Client, command);
        self.send(phase, command.as_bytes())?;
        self.reply(phase)
    }

    fn send(&mut self, phase: Phase, octets: &[u8]) -> Result<(), Stop> {
        self.in_step()?;
        match self.wire.send(octets, self.times.before_dot) {
            Ok(()) => Ok(()),
            Err(WireFault::Lost(_)) => {
                // What the server said before it hung up says more than that it did.
                match self.reply(phase)? {
                    reply if reply.is_negative() => Err(Stop::Drop(refused(phase, &reply))),
                    reply => Err(Stop::Drop(failure(Cause::ConnectionLost, reply.words()))),
                }
            }
            Err(fault) => Err(dropped(phase, fault)),
        }
    }

    fn reply(&mut self, phase: Phase) -> Result<Reply, Stop> {
        let reply = self.wire.reply(self.times.before_dot).map_err(|fault| dropped(phase, fault))?;
        self.heard = phase;
        self.show(&reply);
        Ok(reply)
    }

    pub(super) fn show(&mut self, reply: &Reply) {
        let mut lines = reply.lines.iter().peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            self.say(Speaker::Server, &format!("{}{mark}{}", reply.code, line.whole()));
        }
    }

    pub(super) fn say(&mut self, speaker: Speaker, text: &str) {
        (self.transcript)(Line { speaker, text: SafeText::from(text) });
    }
}

/// Goes on with exactly this code. A negative reply says why not; another is no answer to what we said.
pub(super) fn expect(phase: Phase, reply: &Reply, number: u16) -> Result<(), Stop> {
    if reply.code == number {
        return Ok(());
    }
    Err(Stop::Leave(refused(phase, reply)))
}
