//! MAIL, RCPT and DATA: in as few flights as the server allows, every answer read.

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};

use crate::failure::{Cause, Failure, Stage};
use crate::outcome::RefusedRecipient;
use crate::reply::{Phase, Reply};
use crate::submission::Enough;
use crate::submission::smtp::outlook_replies::{classify, wording};
use crate::submission::smtp::parameters::EsmtpParameters;

/// Recipients in one flight. We write all of it before we read, so the answers must fit into the system's buffers.
const RECIPIENTS_PER_FLIGHT: usize = 500;

/// A command of the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum FlightStep<'a> {
    Rset,
    Mail,
    Rcpt(&'a Address),
    Data,
}

impl<'a> FlightStep<'a> {
    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Rset => Phase::Rset,
            Self::Mail => Phase::Mail,
            Self::Rcpt(_) => Phase::Rcpt,
            Self::Data => Phase::Data,
        }
    }

    pub(super) fn command(self, envelope: &Envelope, parameters: &EsmtpParameters) -> String {
        match self {
            Self::Rset => Rset.to_string(),
            Self::Mail => Mail::new(envelope.from().cloned(), parameters.mail.clone()).to_string(),
            Self::Rcpt(recipient) => Rcpt::new(recipient.clone(), parameters.rcpt.clone()).to_string(),
            Self::Data => Data.to_string(),
        }
    }

    /// The steps of a transaction, flight by flight.
    pub(super) fn flights(envelope: &'a Envelope, pipelining: bool, attempt: Round) -> Vec<Vec<Self>> {
        let before = match attempt {
            Round::First => vec![FlightStep::Mail],
            Round::Second => vec![FlightStep::Rset, FlightStep::Mail],
        };
        if !pipelining {
            let recipients = envelope.to().iter().map(FlightStep::Rcpt);
            return before.into_iter().chain(recipients).chain([FlightStep::Data]).map(|step| vec![step]).collect();
        }
        let mut flights: Vec<Vec<Self>> = envelope
            .to()
            .chunks(RECIPIENTS_PER_FLIGHT)
            .map(|some| some.iter().map(FlightStep::Rcpt).collect())
            .collect();
        if let Some(first) = flights.first_mut() {
            first.splice(0..0, before);
        }
        if let Some(last) = flights.last_mut() {
            last.push(FlightStep::Data);
        }
        flights
    }
}

/// What the server has accepted with its 354.
pub(super) fn accepted(envelope: &Envelope, refused: &[RefusedRecipient]) -> String {
    match (envelope.to(), refused.len()) {
        ([only], _) => format!("recipient {only} accepted"),
        (all, 0) => format!("all {} recipients accepted", all.len()),
        (all, refused) => format!("{} of {} recipients accepted", all.len().saturating_sub(refused), all.len()),
    }
}

/// The transaction is tried a second time when the server refused parameters it had offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Round {
    First,
    Second,
}

/// What the server answered to the steps.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    /// Which recipients have to be accepted.
    enough: Enough,
    /// Recipients accepted.
    accepted: usize,
    /// The answer to MAIL, when it was not positive.
    pub(super) sender: Option<Reply>,
    /// Recipients refused, each with the answer.
    pub(super) recipients: Vec<(&'a Address, Reply)>,
    /// The answer to DATA.
    pub(super) data: Option<Reply>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(enough: Enough) -> Self {
        Self { enough, accepted: 0, sender: None, recipients: Vec::new(), data: None }
    }

    pub(super) fn record(&mut self, step: FlightStep<'a>, reply: Reply) {
        match step {
            // Whether RSET helped shows in the answer to MAIL.
            FlightStep::Rset => {}
            FlightStep::Mail if reply.is_positive() => {}
            FlightStep::Mail => self.sender = Some(reply),
            FlightStep::Rcpt(_) if reply.is_positive() => self.accepted += 1,
            FlightStep::Rcpt(recipient) => self.recipients.push((recipient, reply)),
            FlightStep::Data => self.data = Some(reply),
        }
    }

    /// Whether those accepted may get it though others were refused.
    pub(super) fn may_go_on(&self) -> bool {
        self.enough == Enough::Anybody && self.sender.is_none() && self.accepted > 0
    }

    /// Whether what was refused so far keeps the message from everybody, or parameters have to be tried without first.
    pub(super) fn end_here(&self, attempt: Round) -> bool {
        let go_on = self.may_go_on() && (attempt == Round::Second || !self.blames_parameters());
        !self.recipients.is_empty() && !go_on
    }

    /// Who was refused, and why.
    pub(super) fn refused_recipients(&self) -> Vec<RefusedRecipient> {
        let refused = |(address, reply): &(&Address, Reply)| RefusedRecipient {
            address: (*address).clone(),
            cause: classify(Phase::Rcpt, reply),
            words: reply.words(),
        };
        self.recipients.iter().map(refused).collect()
    }

    /// The server waits for content. Only 354 is a go-ahead.
    pub(super) fn awaits_content(&self) -> bool {
        self.data.as_ref().is_some_and(|reply| reply.code == 354)
    }

    /// Whether the parameters may be to blame. 5.1.x blames an address (RFC 3463 section 3.2).
    pub(super) fn blames_parameters(&self) -> bool {
        let blames = |reply: &Reply| matches!(reply.code, 501 | 504 | 555) && !reply.enhanced().starts_with("5.1.");
        match &self.sender {
            Some(reply) => blames(reply),
            None => self.recipients.iter().any(|(_, reply)| blames(reply)),
        }
    }

    /// Why nobody gets the message: sender before recipients, for without a sender every recipient is refused.
    pub(super) fn refusal(&self) -> Option<Failure> {
        if let Some(reply) = &self.sender {
            return Some(refused(Phase::Mail, reply));
        }
        // Fewer may be taken at another time.
        let temporary = |reply: &&Reply| {
            let cause = classify(Phase::Rcpt, reply);
            cause.kind().passes_for_recipient()
        };
        let mut replies = self.recipients.iter().map(|(_, reply)| reply);
        let first = replies.clone().next();
        let telling = match self.enough {
            Enough::Everybody => replies.find(|reply| !temporary(reply)),
            // As long as one may get it later, the message waits.
            Enough::Anybody => replies.find(temporary),
        };
        let telling = telling.or(first)?;
        let words: Vec<String> =
            self.recipients.iter().map(|(address, reply)| format!("{address}: {}", reply.words().whole())).collect();
        Some(Failure { detail: words.join("; ").into(), ..refused(Phase::Rcpt, telling) })
    }

    /// Why there is no going ahead, if nothing else was refused.
    pub(super) fn no_go_ahead(&self) -> Failure {
        match &self.data {
            Some(reply) => refused(Phase::Data, reply),
            None => Failure::new(Stage::Submission, Cause::Bug, "DATA was not sent"),
        }
    }
}

/// A reply that ends the run.
pub(super) fn refused(phase: Phase, reply: &Reply) -> Failure {
    Failure::new(Stage::Submission, classify(phase, reply), reply.words()).worded(wording(phase, reply))
}
