//! The whole program on one screen.

use crate::account::Account;
use crate::broker;
use crate::commands;
use crate::credentials::{self, Credential};
use crate::envelope::{Desk, Letter, Stamp};
use crate::failure::{Cause, Failure};
use crate::invocation::help::{help, version};
use crate::invocation::{Invocation, Refusal, StandardInput, Submit};
use crate::message::{Message, standard_input};
use crate::outbox::{self, Held, Pace, PresentCaller, Taken};
use crate::report::{self, Story};
use crate::request::Request;
use crate::stdio_server;
use crate::submission::{self, Receipt, pace};
use crate::threads;
use crate::world::{Route, World};

/// Carries out what was asked and gives the exit status.
pub fn run(world: &World, wanted: Result<Invocation, Refusal>) -> u8 {
    match wanted {
        Ok(Invocation::Submit(submit)) => send(world, &submit),
        Ok(Invocation::SmtpOnStdio(wanted)) => stdio_server::serve(world, &wanted, &deliver),
        Ok(Invocation::PrintQueue) => commands::print_queue(world),
        Ok(Invocation::RunQueue) => commands::run_queue(world, Pace::Everything, &attempt),
        Ok(Invocation::CheckAliases) => commands::check_aliases(world),
        Ok(Invocation::Verify(submit)) => report::done(world, commands::verify(world, &submit)),
        Ok(Invocation::Tool(task, asked)) => commands::run(world, task, &asked, &attempt),
        Ok(Invocation::Help(program)) => report::show(world, &help(program)),
        Ok(Invocation::Version) => report::show(world, &version()),
        Ok(Invocation::Usage) => {
            standard_input::drain(&*world.input);
            report::usage(world)
        }
        Err(refusal) => {
            if refusal.input == StandardInput::Message {
                standard_input::drain(&*world.input);
            }
            report::refused(world, &refusal)
        }
    }
}

/// One message from standard input, told to the log and, when it failed, to the caller.
fn send(world: &World, submit: &Submit) -> u8 {
    let mut story = Story::default();
    let message = standard_input::read(&*world.input, &*world.spools, submit.dots);
    let submit = report::watched(world, submit);
    let verdict = message.and_then(|message| deliver(world, &submit, message, &mut story));
    report::record(world, &story, verdict.as_ref());
    report::verdict(world, verdict.as_ref())
}

/// One message, read to its end, to the server's verdict or the outbox.
fn deliver(world: &World, submit: &Submit, message: Message, story: &mut Story) -> Result<Taken, Failure> {
    world.signals.hold_back();
    story.read_message(&message, &submit.operands);
    let request = Request { caller: world.caller.clone(), submit: submit.clone(), stamp: Stamp::now(world), message };
    match world.places.route {
        Route::Here => outbox::deliver(world, request, story, &mut PresentCaller, &attempt),
        Route::Broker => broker::submit(world, request, story),
        Route::Incoming => broker::leave(world, request),
    }
}

/// One try at a message. Everything untrusted is read before any secret is.
fn attempt(
    world: &World,
    account: &Account,
    request: Request,
    held: &mut Held<'_>,
    story: &mut Story,
) -> Result<Receipt, Failure> {
    let Request { caller, submit, stamp, message } = request;
    story.read_account(account);
    let times = held.deadlines(account);
    let mut letter = Letter::address(&submit, message, &Desk::new(world, account, &caller, stamp))?;
    if let Some(left) = held.left() {
        letter.address_only(left);
    }
    story.read_letter(&letter);
    submission::check(account, &letter)?;

    let mut transcript = report::transcript(world, submit.verbosity);
    let mut submit = |credential: &Credential| {
        submission::submit(world, account, credential, times, &mut transcript, &mut letter, held)
    };
    let mut credential = credentials::credential(world, account, times.before_dot)?;
    let verdict = pace::submit(world, account, times, &mut || match submit(&credential) {
        // A cached token may have been revoked meanwhile; a new one is refused for good.
        Err(refused) if refused.cause == Cause::AuthRejected && credential.is_cached() => {
            // For every further try as well: refused sign-ins count against the mailbox.
            credential = credential.renewed(world, account, times.before_dot)?;
            submit(&credential)
        }
        verdict => verdict,
    });
    verdict.inspect(|receipt| threads::remember(world, account, caller.uid, letter.message_id(), receipt))
}
