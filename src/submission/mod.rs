//! From a letter and a token to the server's verdict.

mod custody;
pub mod graph;
mod outgoing;
pub mod pace;
pub mod smtp;

use std::time::{Duration, Instant};

use lettre::Transport;
use lettre::address::Envelope;

use crate::account::{Account, TransportKind};
use crate::credentials::Credential;
use crate::envelope::Letter;
use crate::failure::Failure;
use crate::send_as;
use crate::words::Words;
use crate::world::World;
use graph::Graph;
use smtp::Smtp;

pub use custody::{Custody, Enough, NoCustody, RefusedRecipient};

/// The server took responsibility: its 250 to the final dot, or its 202, was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The server's words: those after 250, or 202 and what it calls the request.
    pub words: Words,
    /// Who does not get it, where that was allowed ([`Enough::Anybody`]).
    pub refused: Vec<RefusedRecipient>,
}

impl Receipt {
    /// For everybody.
    pub fn new(words: Words) -> Self {
        Self { words, refused: Vec::new() }
    }
}

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
    send_as::remember(world, account, letter, verdict.as_ref());
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

/// How long things may take (decision 9 of DECISIONS.md).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadlines {
    /// Everything before the final dot ends here; for a message that takes its time ([`Self::content_until`]), everything
    /// before its content.
    pub before_dot: Instant,
    /// With less than this left, the final dot is not sent.
    pub dot_reserve: Duration,
    /// How long the answer to the final dot is waited for.
    pub final_wait: Duration,
    /// How long content may stand still while it goes out.
    stall: Duration,
    /// Up to so many octets of content have to go out before the deadline.
    hasty_up_to: u64,
}

/// Larger messages may take longer than the deadline, which is for callers who wait for a line of text: fail2ban kills us
/// after 60 s, and sends again.
const SMALL: u64 = 256 * 1024;

/// RFC 5321 section 4.5.3.2.5: how long one piece of content may take.
const STALL_OF_QUEUE: Duration = Duration::from_secs(180);

impl Deadlines {
    /// The account's deadlines for a message whose caller waits, counted from `start`. The reserve is 10 s, but at most a
    /// quarter of the deadline.
    pub fn new(account: &Account, start: Instant) -> Self {
        Self {
            before_dot: later(start, account.deadline),
            dot_reserve: Duration::from_secs(10).min(account.deadline / 4),
            final_wait: account.final_wait,
            stall: account.deadline,
            hasty_up_to: SMALL,
        }
    }

    /// The same for a message nobody waits for.
    pub fn of_queue(account: &Account, start: Instant) -> Self {
        let stall = account.deadline.max(STALL_OF_QUEUE);
        Self { stall, hasty_up_to: 0, ..Self::new(account, start) }
    }

    /// Until when the next piece of a content of `size` octets has to be taken. A large message goes on as long as the
    /// server takes some of it.
    pub fn content_until(&self, size: u64, now: Instant) -> Instant {
        if size > self.hasty_up_to { later(now, self.stall) } else { self.latest_dot() }
    }

    /// The last moment at which the final dot may go out.
    pub fn latest_dot(&self) -> Instant {
        self.before_dot.checked_sub(self.dot_reserve).unwrap_or(self.before_dot)
    }

    /// Until when the answer is waited for when the final dot goes out now.
    pub fn answer_until(&self, now: Instant) -> Instant {
        later(now, self.final_wait)
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
    /// Nobody: so much of the message has gone out by now.
    Progress,
}
