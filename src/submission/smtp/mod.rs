//! The SMTP conversation (RFC 5321) with a submission server (RFC 6409).

mod conversation;
mod discreet;
mod faults;
mod offers;
mod outgoing;
mod parameters;
mod phase;
mod reply;
mod stuffing;
mod transaction;
mod xoauth2;

pub use outgoing::Outgoing;
pub use phase::Phase;
pub use reply::Reply;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use lettre::Transport;
use lettre::address::Envelope;

use crate::account::Account;
use crate::credentials::AccessToken;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::invocation::Dsn;
use crate::submission::smtp::conversation::Conversation;
use crate::submission::smtp::discreet::Discreet;
use crate::submission::smtp::faults::lost;
use crate::submission::smtp::outgoing::InMemory;
use crate::submission::smtp::xoauth2::Response;
use crate::submission::{Custody, NoCustody, Receipt};
use crate::words::Words;
use crate::world::{Clock, Network};

/// How long things may take (decision 9 of DECISIONS.md).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadlines {
    /// Everything before the final dot ends here.
    pub before_dot: Instant,
    /// With less than this left, the final dot is not sent.
    pub dot_reserve: Duration,
    /// How long the answer to the final dot is waited for.
    pub final_wait: Duration,
}

impl Deadlines {
    /// The account's deadlines, counted from `start`. The reserve is 10 s, but at most a quarter of the deadline.
    pub fn new(account: &Account, start: Instant) -> Self {
        Self {
            before_dot: later(start, account.deadline),
            dot_reserve: Duration::from_secs(10).min(account.deadline / 4),
            final_wait: account.final_wait,
        }
    }

    /// The last moment at which the final dot may go out.
    pub(super) fn latest_dot(&self) -> Instant {
        self.before_dot.checked_sub(self.dot_reserve).unwrap_or(self.before_dot)
    }
}

/// A configured number of seconds may be beyond what the clock can count; a year is as good then.
fn later(instant: Instant, wait: Duration) -> Instant {
    instant.checked_add(wait).unwrap_or(instant + Duration::from_secs(365 * 24 * 3600))
}

/// One line of the conversation, without secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said; replies with their code, commands without their line end.
    pub text: Words,
}

/// Who said a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaker {
    /// We did.
    Client,
    /// The server did.
    Server,
    /// Nobody: something happened.
    Event,
}

/// Submission over SMTP for one account with one token; every message gets its own connection.
pub struct Smtp<'a> {
    network: &'a dyn Network,
    clock: &'a dyn Clock,
    account: &'a Account,
    token: &'a AccessToken,
    times: Deadlines,
    transcript: RefCell<&'a mut dyn FnMut(Line)>,
}

impl<'a> Smtp<'a> {
    /// The transport. `transcript` gets every line as it is said.
    pub fn new(
        network: &'a dyn Network,
        clock: &'a dyn Clock,
        account: &'a Account,
        token: &'a AccessToken,
        times: Deadlines,
        transcript: &'a mut dyn FnMut(Line),
    ) -> Self {
        Self { network, clock, account, token, times, transcript: RefCell::new(transcript) }
    }

    /// Submits a letter: to all recipients or nobody, unless `custody` says otherwise.
    ///
    /// # Errors
    /// Nothing was sent, except with [`Cause::PerhapsSent`](crate::failure::Cause::PerhapsSent).
    pub fn submit(&self, letter: &mut Letter, custody: &mut dyn Custody) -> Result<Receipt, Failure> {
        self.converse(letter, custody)
    }

    fn converse(&self, message: &mut dyn Outgoing, custody: &mut dyn Custody) -> Result<Receipt, Failure> {
        let wire = self
            .network
            .connect(self.account, self.times.before_dot)
            .map_err(|fault| lost(&format!("connecting to {}", self.account.host), fault))?;
        let mut transcript = self.transcript.borrow_mut();
        let response = Response::new(&self.account.address, self.token);
        let conversation = Conversation {
            wire: Box::new(Discreet::new(wire, &response, self.token)),
            clock: self.clock,
            account: self.account,
            response,
            times: self.times,
            transcript: &mut **transcript,
            custody,
        };
        conversation.run(message)
    }
}

impl Transport for Smtp<'_> {
    type Ok = Receipt;
    type Error = Failure;

    /// Submits a message in memory; its line ends become CRLF.
    fn send_raw(&self, envelope: &Envelope, email: &[u8]) -> Result<Receipt, Failure> {
        self.converse(&mut InMemory::new(envelope, email, Dsn::default()), &mut NoCustody)
    }
}

#[cfg(test)]
mod tests;
