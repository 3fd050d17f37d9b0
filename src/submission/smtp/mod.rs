//! The SMTP conversation (RFC 5321) with a submission server (RFC 6409).

pub(super) mod content;
mod conversation;
mod discreet;
pub(super) mod faults;
mod login;
mod mechanisms;
mod offers;
pub mod outlook_replies;
mod parameters;
mod plain;
mod sasl;
mod sign_in;
mod step;
mod stuffing;
mod transaction;
mod xoauth2;

pub use super::outgoing::Outgoing;

use std::cell::RefCell;

use lettre::Transport;
use lettre::address::Envelope;

use crate::account::{Account, MailServer};
use crate::credentials::Credential;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::invocation::Dsn;
use crate::outcome::Receipt;
use crate::reply::Phase;
use crate::submission::outgoing::InMemory;
use crate::submission::smtp::conversation::Conversation;
use crate::submission::smtp::discreet::Discreet;
pub(crate) use crate::submission::smtp::faults::lost;
use crate::submission::{Custody, NoCustody};
use crate::transcript::Line;
use crate::transcript::Speaker;
use crate::words::SafeText;
use crate::world::Deadlines;
use crate::world::{Clock, Network};

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

    /// Submits a letter: to all recipients or nobody, unless `custody` says otherwise.
    ///
    /// # Errors
    /// Nothing was sent, except with [`Cause::PerhapsSent`](crate::failure::Cause::PerhapsSent).
    pub fn submit(&self, letter: &mut Letter, custody: &mut dyn Custody) -> Result<Receipt, Failure> {
        self.converse(letter, custody)
    }

    /// Signs in as for a message, and sends none.
    ///
    /// # Errors
    /// Those of a submission up to AUTH.
    pub fn try_sign_in(&self) -> Result<(), Failure> {
        self.connected(&mut NoCustody, |conversation| conversation.try_sign_in())
    }

    fn converse(&self, message: &mut dyn Outgoing, custody: &mut dyn Custody) -> Result<Receipt, Failure> {
        self.connected(custody, |conversation| conversation.run(message))
    }

    /// Failures are told in Outlook's name only where it is Outlook.
    fn connected<T>(
        &self,
        custody: &mut dyn Custody,
        talk: impl FnOnce(Conversation<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.connect(custody, talk).map_err(|failure| match self.account.provider.server {
            MailServer::Outlook => failure,
            MailServer::Other => failure.elsewhere(),
        })
    }

    fn connect<T>(
        &self,
        custody: &mut dyn Custody,
        talk: impl FnOnce(Conversation<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let wire = self
            .network
            .connect(self.account.server(), self.times.before_dot)
            .map_err(|fault| lost(&format!("connecting to {}", self.account.host), fault))?;
        let mut transcript = self.transcript.borrow_mut();
        let text = SafeText::from(format!("connected to {} {}", self.account.host, wire.peer()));
        (*transcript)(Line { speaker: Speaker::Event, text });
        let secrets = sign_in::secrets(self.credential, self.account.address.as_ref());
        talk(Conversation {
            wire: Box::new(Discreet::new(wire, &secrets)),
            clock: self.clock,
            account: self.account,
            credential: self.credential,
            times: self.times,
            transcript: &mut **transcript,
            custody,
            heard: Phase::Greeting,
        })
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
