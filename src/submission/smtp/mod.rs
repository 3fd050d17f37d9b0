//! The SMTP conversation (RFC 5321) with a submission server (RFC 6409).

mod conversation;
mod discreet;
pub(super) mod faults;
mod offers;
mod parameters;
mod phase;
mod reply;
mod stuffing;
mod transaction;
mod xoauth2;

pub use phase::Phase;
pub use reply::Reply;

pub use super::outgoing::Outgoing;
pub use super::{Deadlines, Line, Speaker};

use std::cell::RefCell;

use lettre::Transport;
use lettre::address::Envelope;

use crate::account::Account;
use crate::credentials::AccessToken;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::invocation::Dsn;
use crate::submission::Receipt;
use crate::submission::outgoing::InMemory;
use crate::submission::smtp::conversation::Conversation;
use crate::submission::smtp::discreet::Discreet;
pub(crate) use crate::submission::smtp::faults::lost;
use crate::submission::smtp::xoauth2::Response;
use crate::words::Words;
use crate::world::{Clock, Network};

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

    /// Submits a letter: all recipients, or nobody.
    ///
    /// # Errors
    /// Nothing was sent, except with [`Cause::PerhapsSent`](crate::failure::Cause::PerhapsSent).
    pub fn submit(&self, letter: &mut Letter) -> Result<Receipt, Failure> {
        self.converse(letter)
    }

    fn converse(&self, message: &mut dyn Outgoing) -> Result<Receipt, Failure> {
        let wire = self
            .network
            .connect(self.account, self.times.before_dot)
            .map_err(|fault| lost(&format!("connecting to {}", self.account.host), fault))?;
        let mut transcript = self.transcript.borrow_mut();
        let text = Words::from(format!("connected to {} {}", self.account.host, wire.peer()));
        (*transcript)(Line { speaker: Speaker::Event, text });
        let response = Response::new(&self.account.address, self.token);
        let conversation = Conversation {
            wire: Box::new(Discreet::new(wire, &response, self.token)),
            clock: self.clock,
            account: self.account,
            response,
            times: self.times,
            transcript: &mut **transcript,
        };
        conversation.run(message)
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
