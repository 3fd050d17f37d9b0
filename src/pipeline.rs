//! The whole program on one screen.

use std::time::Instant;

use crate::account::Accounts;
use crate::broker;
use crate::commands;
use crate::credentials::{self, Credential};
use crate::envelope::{Desk, Letter, Stamp};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::help::{help, version};
use crate::invocation::{Invocation, Refusal, StandardInput, Submit, Task};
use crate::message::{Message, standard_input};
use crate::report::{self, Story};
use crate::stdio_server;
use crate::submission::{self, Deadlines, Receipt, pace};
use crate::threads;
use crate::world::{Route, World};

/// Carries out what was asked and gives the exit status.
pub fn run(world: &World, wanted: Result<Invocation, Refusal>) -> u8 {
    match wanted {
        Ok(Invocation::Submit(submit)) => send(world, &submit),
        Ok(Invocation::SmtpOnStdio(wanted)) => {
            stdio_server::serve(world, &wanted, &|submit, message, story| deliver(world, submit, message, story))
        }
        Ok(Invocation::PrintQueue) => report::show(world, "Mail queue is empty\n"),
        Ok(Invocation::RunQueue) => 0,
        Ok(Invocation::CheckAliases) => commands::check_aliases(world),
        Ok(Invocation::Verify(submit)) => report::done(world, commands::verify(world, &submit)),
        Ok(Invocation::Tool(Task::Broker, asked)) => broker::run(world, &asked, &deliver),
        Ok(Invocation::Tool(task, asked)) => commands::run(world, task, &asked),
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
    let verdict = message.and_then(|message| deliver(world, submit, message, &mut story));
    report::record(world, &story, verdict.as_ref());
    report::verdict(world, verdict.as_ref())
}

/// One message, read to its end, by whoever has the account for it.
fn deliver(world: &World, submit: &Submit, message: Message, story: &mut Story) -> Result<Receipt, Failure> {
    world.signals.hold_back();
    let end_of_input = world.clock.instant();
    story.read_message(&message, &submit.operands);
    match world.places.route {
        Route::Here => deliver_here(world, submit, message, story, end_of_input),
        Route::Broker => broker::submit(world, submit, message, story, end_of_input),
        Route::Incoming => Err(Failure::new(Stage::Account, Cause::BrokerAway, "")),
    }
}

/// To the server's verdict. Everything untrusted is read before any secret is.
fn deliver_here(
    world: &World,
    submit: &Submit,
    message: Message,
    story: &mut Story,
    end_of_input: Instant,
) -> Result<Receipt, Failure> {
    let accounts = Accounts::load(world)?;
    let account = accounts.for_message(submit, &message)?;
    story.read_account(account);
    let times = Deadlines::new(account, end_of_input);
    let stamp = Stamp::now(world);
    let desk = Desk::new(world, account, &world.caller, stamp);
    let mut letter = Letter::address(submit, message, &desk)?;
    story.read_letter(&letter);
    submission::check(account, &letter)?;

    let mut transcript = report::transcript(world, submit.verbosity);
    let mut submit =
        |credential: &Credential| submission::submit(world, account, credential, times, &mut transcript, &mut letter);
    let credential = credentials::credential(world, account, times.before_dot)?;
    let verdict = pace::submit(world, account, times, &mut || match submit(&credential) {
        // A cached token may have been revoked meanwhile; a new one is refused for good.
        Err(refused) if refused.cause == Cause::AuthRejected && credential.is_cached() => {
            submit(&credential.renewed(world, account, times.before_dot)?)
        }
        verdict => verdict,
    });
    verdict.inspect(|receipt| threads::remember(world, account, world.caller.uid, letter.message_id(), receipt))
}
