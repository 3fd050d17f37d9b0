//! The whole program on one screen.

use crate::attempt::attempt;
use crate::broker;
use crate::commands;
use crate::envelope::Stamp;
use crate::failure::Failure;
use crate::invocation::help::{help, version};
use crate::invocation::{Invocation, Refusal, StandardInput, Submit};
use crate::message::{Message, standard_input};
use crate::outcome::Taken;
use crate::queue::{self, PresentCaller};
use crate::report::{self, Story};
use crate::service::{Pace, Submission};
use crate::stdio_server;
use crate::world::{Route, World};

/// Carries out what was asked and gives the exit status.
pub fn run(world: &World, wanted: Result<Invocation, Refusal>) -> u8 {
    match wanted {
        Ok(Invocation::Submit(submit)) => send(world, &submit),
        Ok(Invocation::SmtpOnStdio(wanted)) => stdio_server::serve(world, &wanted, &deliver),
        Ok(Invocation::PrintQueue) => commands::print_queue(world),
        Ok(Invocation::RunQueue) => commands::run_queue(world, Pace::Everything),
        Ok(Invocation::CheckAliases) => commands::check_aliases(world),
        Ok(Invocation::Verify(submit)) => report::done(world, commands::verify(world, &submit)),
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
    let submit = report::watched(world, submit);
    let verdict = message.and_then(|message| deliver(world, &submit, message, &mut story));
    report::record(world, &story, verdict.as_ref());
    report::verdict(world, verdict.as_ref())
}

/// One message, read to its end, to the server's verdict or the outbox.
fn deliver(world: &World, submit: &Submit, message: Message, story: &mut Story) -> Result<Taken, Failure> {
    world.signals.hold_back();
    story.read_message(&message, &submit.operands);
    let request =
        Submission { caller: world.caller.clone(), submit: submit.clone(), stamp: Stamp::now(world), message };
    match world.places.route {
        Route::Here => queue::deliver(world, request, story, &mut PresentCaller, &attempt),
        Route::Broker => broker::submit(world, request, story),
        Route::Incoming => broker::leave(world, request),
    }
}
