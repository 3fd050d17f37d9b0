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

use crate::account::{Account, MailServer};
use crate::credentials::Credential;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::outcome::Receipt;
use crate::reply::Phase;
use crate::submission::smtp::conversation::Conversation;
use crate::submission::smtp::discreet::Discreet;
pub(crate) use crate::submission::smtp::faults::lost;
use crate::submission::{Custody, NoCustody};
use crate::transcript::{Line, Speaker};
use crate::words::Words;
use crate::world::{Clock, Deadlines, Network};

/// One connection to the submission server of an account, with one credential.
pub struct Smtp<'a> {
    /// How it is reached.
    pub network: &'a dyn Network,
    /// What its deadlines are measured by.
    pub clock: &'a dyn Clock,
    /// Whose mailbox, and at which server.
    pub account: &'a Account,
    /// What it signs in with.
    pub credential: &'a Credential,
    /// How long it may take.
    pub times: Deadlines,
    /// Gets every line as it is said.
    pub transcript: &'a mut dyn FnMut(Line),
}

impl Smtp<'_> {
    /// Submits a letter: to all recipients or nobody, unless `custody` says otherwise.
    ///
    /// # Errors
    /// Nothing was sent, except with [`Cause::PerhapsSent`](crate::failure::Cause::PerhapsSent).
    pub fn submit(self, letter: &mut Letter, custody: &mut dyn Custody) -> Result<Receipt, Failure> {
        self.connected(custody, |conversation| conversation.run(letter))
    }

    /// Signs in as for a message, and sends none.
    ///
    /// # Errors
    /// Those of a submission up to AUTH.
    pub fn try_sign_in(self) -> Result<(), Failure> {
        self.connected(&mut NoCustody, |conversation| conversation.try_sign_in())
    }

    /// Failures are told in Outlook's name only where it is Outlook.
    fn connected<T>(
        self,
        custody: &mut dyn Custody,
        talk: impl FnOnce(Conversation<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let server = self.account.provider.server;
        self.connect(custody, talk).map_err(|failure| match server {
            MailServer::Outlook => failure,
            MailServer::Other => failure.elsewhere(),
        })
    }

    fn connect<T>(
        self,
        custody: &mut dyn Custody,
        talk: impl FnOnce(Conversation<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let wire = self
            .network
            .connect(self.account.server(), self.times.before_dot)
            .map_err(|fault| lost(&format!("connecting to {}", self.account.host), fault))?;
        let text = Words::from(format!("connected to {} {}", self.account.host, wire.peer()));
        (self.transcript)(Line { speaker: Speaker::Event, text });
        let secrets = sign_in::secrets(self.credential, self.account.address.as_ref());
        talk(Conversation {
            wire: Box::new(Discreet::new(wire, &secrets)),
            clock: self.clock,
            account: self.account,
            credential: self.credential,
            times: self.times,
            transcript: self.transcript,
            custody,
            heard: Phase::Greeting,
        })
    }
}

#[cfg(test)]
mod tests;
