//! The SMTP conversation (RFC 5321) with a submission server (RFC 6409).

mod conversation;
mod discreet;
mod faults;
mod login;
mod offers;
mod outgoing;
mod parameters;
mod phase;
mod plain;
mod reply;
mod sasl;
mod sign_in;
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
use crate::credentials::Credential;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::invocation::Dsn;
use crate::submission::Receipt;
use crate::submission::smtp::conversation::Conversation;
use crate::submission::smtp::discreet::Discreet;
use crate::submission::smtp::faults::lost;
use crate::submission::smtp::outgoing::InMemory;
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

/// Submission over SMTP for one account with one credential; every message gets its own connection.
pub struct Smtp<'a> {
    network: &'a dyn Network,
    clock: &'a dyn Clock,
    account: &'a Account,
    credential: &'a Credential,
    times: Deadlines,
    transcript: RefCell<&'a mut dyn FnMut(Line)>,
}

impl<'a> Smtp<'a> {
    /// The transport. `transcript` gets every line as it is said.
    pub fn new(
        network: &'a dyn Network,
        clock: &'a dyn Clock,
        account: &'a Account,
        credential: &'a Credential,
        times: Deadlines,
        transcript: &'a mut dyn FnMut(Line),
    ) -> Self {
        Self { network, clock, account, credential, times, transcript: RefCell::new(transcript) }
    }

    /// Submits a letter: all recipients, or nobody.
    ///
    /// # Errors
    /// Nothing was sent, except with [`Cause::PerhapsSent`](crate::failure::Cause::PerhapsSent).
    pub fn submit(&self, letter: &mut Letter) -> Result<Receipt, Failure> {
        self.converse(letter)
    }

    /// Signs in as for a message, and sends none.
    ///
    /// # Errors
    /// Those of a submission up to AUTH.
    pub fn try_sign_in(&self) -> Result<(), Failure> {
        self.connected(|conversation| conversation.try_sign_in())
    }

    fn converse(&self, message: &mut dyn Outgoing) -> Result<Receipt, Failure> {
        self.connected(|conversation| conversation.run(message))
    }

    fn connected<T>(&self, talk: impl FnOnce(Conversation<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let wire = self
            .network
            .connect(self.account, self.times.before_dot)
            .map_err(|fault| lost(&format!("connecting to {}", self.account.host), fault))?;
        let mut transcript = self.transcript.borrow_mut();
        let secrets = sign_in::secrets(self.credential, self.account.address.as_ref());
        talk(Conversation {
            wire: Box::new(Discreet::new(wire, &secrets)),
            clock: self.clock,
            account: self.account,
            credential: self.credential,
            times: self.times,
            transcript: &mut **transcript,
        })
    }
}

impl Transport for Smtp<'_> {
    type Ok = Receipt;
    type Error = Failure;

    /// Submits a message in memory; its line ends become CRLF.
    fn send_raw(&self, envelope: &Envelope, email: &[u8]) -> Result<Receipt, Failure> {
        self.converse(&mut InMemory::new(envelope, email, Dsn::default()))
    }
}

#[cfg(test)]
mod tests;
