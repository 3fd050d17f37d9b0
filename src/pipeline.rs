//! The whole program on one screen.

use crate::account::Accounts;
use crate::commands;
use crate::credentials::{self, Origin};
use crate::envelope::{Desk, Letter, Stamp};
use crate::failure::{Cause, Failure};
use crate::invocation::{Invocation, Submit};
use crate::message::intake;
use crate::report::{self, Story};
use crate::submission::smtp::{Deadlines, submit};
use crate::submission::Receipt;
use crate::world::World;

/// Carries out what was asked and gives the exit status.
pub fn run(world: &World, invocation: Invocation) -> u8 {
    match invocation {
        Invocation::Submit(wanted) => {
            let mut story = Story::default();
            match deliver(world, &wanted, &mut story) {
                Ok(receipt) => report::sent(world, &story, &receipt),
                Err(failure) => return report::failed(world, &story, &failure),
            }
        }
        Invocation::Show(text) => report::show(world, &text),
        Invocation::Login(wanted) => {
            if let Err(failure) = commands::login(world, &wanted) {
                return report::complained(world, &failure);
            }
        }
        Invocation::Refused(refusal) => {
            if refusal.drains() {
                intake::drain(world);
            }
            return report::complained(world, &refusal.failure);
        }
    }
    0
}

/// One message from standard input to the server's verdict.
fn deliver(world: &World, wanted: &Submit, story: &mut Story) -> Result<Receipt, Failure> {
    let message = intake::from_standard_input(world, wanted.dots)?;
    world.signals.hold_back();
    let stamp = Stamp::now(world);
    let began = world.clock.instant();
    story.read_message(&message, &wanted.operands);

    let accounts = Accounts::load(world)?;
    let account = accounts.for_message(wanted, &message)?;
    let deadlines = Deadlines::from_end_of_input(began, account);
    let desk = Desk { account, caller: &world.caller, files: &*world.files, log: &*world.log, stamp };
    let mut letter = Letter::address(wanted, message, &desk)?;
    story.read_letter(&letter);

    let token = credentials::access_token(world, account, deadlines.before_dot)?;
    let mut transcript = report::transcript(world, wanted.verbosity);
    match submit(&*world.network, account, &mut letter, &token, &deadlines, &mut transcript) {
        // A cached token may have been revoked meanwhile; a new one is refused for good.
        Err(refused) if refused.cause == Cause::AuthRejected && token.origin == Origin::Cached => {
            let token = credentials::renewed(world, account, &token, deadlines.before_dot)?;
            submit(&*world.network, account, &mut letter, &token, &deadlines, &mut transcript)
        }
        verdict => verdict,
    }
}
