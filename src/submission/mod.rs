//! From a letter and a token to the server's verdict.

mod custody;
pub mod graph;
mod outgoing;
pub mod pace;
mod senders;
pub mod smtp;

use lettre::Transport;
use lettre::address::Envelope;

use crate::account::{Account, TransportKind};
use crate::credentials::Credential;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::outcome::Receipt;
use crate::transcript::Line;
use crate::world::Deadlines;
use crate::world::World;
use graph::Graph;
use smtp::Smtp;

pub use custody::{Custody, Enough, NoCustody};

/// Whether the account's transport can carry the letter at all, as far as the letter itself tells: asked before any
/// secret is read.
///
/// # Errors
/// [`Cause::NotForGraph`](crate::failure::Cause::NotForGraph) and
/// [`Cause::MessageTooLarge`](crate::failure::Cause::MessageTooLarge).
pub fn check(account: &Account, letter: &Letter) -> Result<(), Failure> {
    match account.transport {
        TransportKind::Smtp => Ok(()),
        TransportKind::Graph => graph::check(letter),
    }
}

/// The largest message the account's way takes, in octets.
pub fn size_limit(account: &Account) -> u64 {
    match account.transport {
        TransportKind::Smtp => account.provider.size_limit,
        TransportKind::Graph => account.provider.size_limit.min(graph::SIZE_LIMIT),
    }
}

/// Submits a letter over the account's transport: to all recipients or nobody, unless `custody` says otherwise.
///
/// # Errors
/// Nothing was sent, except with [`Cause::PerhapsSent`](crate::failure::Cause::PerhapsSent).
pub fn submit(
    world: &World,
    account: &Account,
    credential: &Credential,
    times: Deadlines,
    transcript: &mut dyn FnMut(Line),
    letter: &mut Letter,
    custody: &mut dyn Custody,
) -> Result<Receipt, Failure> {
    let verdict = match Submitter::new(world, account, credential, times, transcript) {
        Submitter::Smtp(smtp) => smtp.submit(letter, custody),
        Submitter::Graph(graph) => graph.submit(letter, custody),
    };
    senders::remember(world, account, letter, verdict.as_ref());
    verdict
}

/// The account's transport, whichever it is.
pub enum Submitter<'a> {
    /// SMTP submission.
    Smtp(Smtp<'a>),
    /// Microsoft Graph.
    Graph(Graph<'a>),
}

impl<'a> Submitter<'a> {
    /// For one account with one credential. `transcript` gets every line as it is said.
    pub fn new(
        world: &'a World,
        account: &'a Account,
        credential: &'a Credential,
        times: Deadlines,
        transcript: &'a mut dyn FnMut(Line),
    ) -> Self {
        match (account.transport, credential) {
            (TransportKind::Graph, Credential::Bearer(token)) => {
                Self::Graph(Graph::new(&*world.https, &*world.clock, account, token, times, transcript))
            }
            // The configuration refuses a password for Graph.
            (TransportKind::Smtp, _) | (TransportKind::Graph, Credential::Password(_)) => {
                Self::Smtp(Smtp::new(&*world.network, &*world.clock, account, credential, times, transcript))
            }
        }
    }
}

impl Transport for Submitter<'_> {
    type Ok = Receipt;
    type Error = Failure;

    /// Submits a message in memory; its line ends become CRLF.
    fn send_raw(&self, envelope: &Envelope, email: &[u8]) -> Result<Receipt, Failure> {
        match self {
            Self::Smtp(smtp) => smtp.send_raw(envelope, email),
            Self::Graph(graph) => graph.send_raw(envelope, email),
        }
    }
}
