//! From a letter and a token to the server's verdict.

mod custody;
pub mod graph;
pub mod pace;
mod senders;
pub mod smtp;

use crate::account::{Account, TransportKind};
use crate::credentials::Credential;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::outcome::Receipt;
use crate::transcript::Line;
use crate::world::{Deadlines, World};
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
    let (network, https, clock) = (&*world.network, &*world.https, &*world.clock);
    let verdict = match (account.transport, credential) {
        (TransportKind::Graph, Credential::Bearer(token)) => {
            Graph { https, clock, account, token, times, transcript }.submit(letter, custody)
        }
        // The configuration refuses a password for Graph.
        (TransportKind::Smtp, _) | (TransportKind::Graph, Credential::Password(_)) => {
            Smtp { network, clock, account, credential, times, transcript }.submit(letter, custody)
        }
    };
    senders::remember(world, account, letter, verdict.as_ref());
    verdict
}
