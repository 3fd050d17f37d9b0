//! MAIL, RCPT and DATA: in as few flights as the server allows, every answer read.

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};

use crate::account::outlook_replies::{classify, wording};
use crate::failure::{ExitStatus, Failure, Stage};
use crate::submission::smtp::parameters::Parameters;
use crate::submission::smtp::{Phase, Reply};

/// Recipients in one flight. We write all of it before we read, so the answers must fit into the system's buffers.
const RECIPIENTS_PER_FLIGHT: usize = 500;

/// A command of the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Rset,
    Mail,
    Rcpt(&'a Address),
    Data,
}

impl<'a> Step<'a> {
    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Rset => Phase::Rset,
            Self::Mail => Phase::Mail,
            Self::Rcpt(_) => Phase::Rcpt,
            Self::Data => Phase::Data,
        }
    }

    pub(super) fn command(self, envelope: &Envelope, parameters: &Parameters) -> String {
        match self {
            Self::Rset => Rset.to_string(),
            Self::Mail => Mail::new(envelope.from().cloned(), parameters.mail.clone()).to_string(),
            Self::Rcpt(recipient) => Rcpt::new(recipient.clone(), parameters.rcpt.clone()).to_string(),
            Self::Data => Data.to_string(),
        }
    }

    /// The steps of a transaction, flight by flight.
    pub(super) fn flights(envelope: &'a Envelope, pipelining: bool, attempt: Attempt) -> Vec<Vec<Self>> {
        let before = match attempt {
            Attempt::First => vec![Step::Mail],
            Attempt::Second => vec![Step::Rset, Step::Mail],
        };
        if !pipelining {
            let recipients = envelope.to().iter().map(Step::Rcpt);
            return before.into_iter().chain(recipients).chain([Step::Data]).map(|step| vec![step]).collect();
        }
        let mut flights: Vec<Vec<Self>> =
            envelope.to().chunks(RECIPIENTS_PER_FLIGHT).map(|some| some.iter().map(Step::Rcpt).collect()).collect();
        if let Some(first) = flights.first_mut() {
            first.splice(0..0, before);
        }
        if let Some(last) = flights.last_mut() {
            last.push(Step::Data);
        }
        flights
    }
}

/// What the server has accepted with its 354.
pub(super) fn accepted(envelope: &Envelope) -> String {
    match envelope.to() {
        [only] => format!("recipient {only} accepted"),
        all => format!("all {} recipients accepted", all.len()),
    }
}

/// The transaction is tried a second time when the server refused parameters it had offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Attempt {
    First,
    Second,
}

/// What the server answered to the steps.
#[derive(Debug, Default)]
pub(super) struct Answers<'a> {
    /// The answer to MAIL, when it was not positive.
    pub(super) sender: Option<Reply>,
    /// Recipients refused, each with the answer.
    pub(super) recipients: Vec<(&'a Address, Reply)>,
    /// The answer to DATA.
    pub(super) data: Option<Reply>,
}

impl<'a> Answers<'a> {
    pub(super) fn record(&mut self, step: Step<'a>, reply: Reply) {
        match step {
            // Whether RSET helped shows in the answer to MAIL.
            Step::Rset => {}
            Step::Mail if reply.is_positive() => {}
            Step::Mail => self.sender = Some(reply),
            Step::Rcpt(_) if reply.is_positive() => {}
            Step::Rcpt(recipient) => self.recipients.push((recipient, reply)),
            Step::Data => self.data = Some(reply),
        }
    }

    /// The server waits for content. Only 354 is a go-ahead.
    pub(super) fn awaits_content(&self) -> bool {
        self.data.as_ref().is_some_and(|reply| reply.number() == 354)
    }

    /// Whether the parameters may be to blame. 5.1.x blames an address (RFC 3463 section 3.2).
    pub(super) fn blames_parameters(&self) -> bool {
        let blames = |reply: &Reply| matches!(reply.number(), 501 | 504 | 555) && !reply.enhanced().starts_with("5.1.");
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
        let temporary = |reply: &&Reply| classify(Phase::Rcpt, reply).row().status == ExitStatus::Temporary;
        let mut replies = self.recipients.iter().map(|(_, reply)| reply);
        let first = replies.clone().next();
        let telling = replies.find(|reply| !temporary(reply)).or(first)?;
        let words: Vec<String> =
            self.recipients.iter().map(|(address, reply)| format!("{address}: {}", reply.words().whole())).collect();
        Some(Failure { detail: words.join("; ").into(), ..refused(Phase::Rcpt, telling) })
    }

    /// Why there is no going ahead, if nothing else was refused.
    pub(super) fn no_go_ahead(&self) -> Option<Failure> {
        self.data.as_ref().filter(|_| !self.awaits_content()).map(|reply| refused(Phase::Data, reply))
    }
}

/// A reply that ends the run.
pub(super) fn refused(phase: Phase, reply: &Reply) -> Failure {
    Failure::new(Stage::Submission, classify(phase, reply), reply.words()).worded(wording(phase, reply))
}
