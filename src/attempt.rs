//! One try at a message: addressing, signing in, submitting. The only code that sends.

use crate::account::{Account, admit};
use crate::credentials::{self, Credential};
use crate::envelope::{Desk, Letter};
use crate::failure::{Cause, Failure};
use crate::memory::threads;
use crate::outcome::Receipt;
use crate::report::{self, Story};
use crate::service::Submission;
use crate::submission::{self, Custody, pace};
use crate::transcript::Line;
use crate::world::World;

/// A try at a message, as whoever answers for the message has it made.
pub type Attempt<'a> =
    dyn Fn(&World, &Account, Submission, &mut dyn Custody, &mut Story) -> Result<Receipt, Failure> + 'a;

/// What happens in the course of a try.
pub enum Step<'a> {
    /// Who gets what is decided.
    Addressed(&'a Letter),
    /// There is a credential to sign in with.
    Credential(&'a Credential),
    /// The server would not have the cached access token.
    TokenRefused,
    /// A line of the conversation.
    Said(Line),
}

/// Tries a message once, with the conversation on standard error where its caller asked for it.
///
/// # Errors
/// Nothing was sent, except with [`Cause::PerhapsSent`].
pub fn attempt(
    world: &World,
    account: &Account,
    request: Submission,
    custody: &mut dyn Custody,
    story: &mut Story,
) -> Result<Receipt, Failure> {
    let mut transcript = report::transcript(world, request.submit.verbosity);
    attempt_told(world, account, request, custody, story, &mut |step| match step {
        Step::Said(line) => transcript(line),
        Step::Addressed(_) | Step::Credential(_) | Step::TokenRefused => {}
    })
}

/// The same, each step told as it happens. Everything untrusted is read before any secret is.
///
/// # Errors
/// As [`attempt`].
pub fn attempt_told(
    world: &World,
    account: &Account,
    request: Submission,
    custody: &mut dyn Custody,
    story: &mut Story,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Receipt, Failure> {
    tried(world, account, request, custody, story, tell).map_err(|failure| account.blamed(failure))
}

fn tried(
    world: &World,
    account: &Account,
    request: Submission,
    custody: &mut dyn Custody,
    story: &mut Story,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Receipt, Failure> {
    let Submission { caller, submit, stamp, message } = request;
    admit(world, account, &caller)?;
    story.read_account(account);
    let times = custody.deadlines(account, world.clock.instant());
    let mut letter = Letter::address(&submit, message, &Desk::new(world, account, &caller, stamp))?;
    if let Some(left) = custody.left() {
        letter.address_only(left);
    }
    story.read_letter(&letter);
    tell(Step::Addressed(&letter));
    submission::check(account, &letter)?;

    let mut credential = credentials::credential(world, account, times.before_dot)?;
    tell(Step::Credential(&credential));
    let verdict = pace::submit(world, account, times, &mut || {
        let mut submit = |credential: &Credential, tell: &mut dyn FnMut(Step<'_>)| {
            submission::submit(
                world,
                account,
                credential,
                times,
                &mut |line| tell(Step::Said(line)),
                &mut letter,
                custody,
            )
        };
        match submit(&credential, tell) {
            // A cached token may have been revoked meanwhile; a new one is refused for good.
            Err(refused) if refused.cause == Cause::AuthRejected && credential.is_cached() => {
                tell(Step::TokenRefused);
                // For every further try as well: refused sign-ins count against the mailbox.
                credential = credential.renewed(world, account, times.before_dot)?;
                tell(Step::Credential(&credential));
                submit(&credential, tell)
            }
            verdict => verdict,
        }
    });
    verdict.inspect(|receipt| threads::remember(world, account, caller.uid, letter.message_id(), receipt))
}
