//! The whole program on one screen. A message is
//! 1. read to its end, before anything else happens ([`standard_input`]),
//! 2. handed to this process's queue, to the broker, or to root's drop (here),
//! 3. given an account, and custody where it may be kept ([`queue::deliver`]),
//! 4. addressed, signed in for, paced and submitted ([`attempt()`]),
//! 5. settled: sent, waiting, failed or uncertain ([`queue::deliver`]).

use std::cell::Cell;

use crate::attempt::attempt;
use crate::broker;
use crate::commands;
use crate::envelope::Stamp;
use crate::failure::Failure;
use crate::invocation::help::{help, version};
use crate::invocation::{Invocation, Refusal, SmtpOnStdio, StandardInput, Submit};
use crate::message::{Message, standard_input};
use crate::outcome::Taken;
use crate::queue::{self, PresentCaller};
use crate::report::{self, LogRecord};
use crate::service::{Pace, Submission};
use crate::stdio_server;
use crate::world::{Route, World};

/// Carries out what was asked and gives the exit status.
pub fn run(world: &World, wanted: Result<Invocation, Refusal>) -> u8 {
    match wanted {
        Ok(Invocation::Submit(submit)) => send(world, &submit),
        Ok(Invocation::SmtpOnStdio(wanted)) => serve(world, &wanted),
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
            report::explain_refusal(world, &refusal)
        }
    }
}

/// One message from standard input, told to the log and, when it failed, to the caller.
fn send(world: &World, submit: &Submit) -> u8 {
    let mut log_record = LogRecord::default();
    let message = standard_input::read(&*world.input, &*world.spools, submit.dots);
    let submit = report::watched(world, submit);
    let verdict = message.and_then(|message| deliver(world, &submit, message, &mut log_record));
    report::write_log_record(world, &log_record, verdict.as_ref());
    let status = report::explain_verdict(world, verdict.as_ref());
    if let Ok(Taken::Sent(_)) = verdict {
        try_behind(world);
    }
    status
}

/// SMTP on standard input and output; each message is a case for itself.
fn serve(world: &World, wanted: &SmtpOnStdio) -> u8 {
    let sent = Cell::new(false);
    let status = stdio_server::serve(world, wanted, &|world, submit, message, log_record| {
        let verdict = deliver(world, submit, message, log_record);
        sent.set(sent.get() || matches!(verdict, Ok(Taken::Sent(_))));
        verdict
    });
    if sent.get() {
        try_behind(world);
    }
    status
}

/// A message went out: what waits in this user's queue may go out as well.
fn try_behind(world: &World) {
    match world.places.route {
        Route::Here => queue::try_behind(world),
        Route::Broker | Route::Incoming => {}
    }
}

/// One message, read to its end, to the server's verdict or the outbox.
fn deliver(world: &World, submit: &Submit, message: Message, log_record: &mut LogRecord) -> Result<Taken, Failure> {
    world.signals.hold_back();
    log_record.read_message(&message, &submit.operands);
    let request =
        Submission { caller: world.caller.clone(), submit: submit.clone(), stamp: Stamp::now(world), message };
    match world.places.route {
        Route::Here => queue::deliver(world, request, log_record, &mut PresentCaller, &attempt),
        Route::Broker => broker::submit(world, request, log_record),
        Route::Incoming => broker::leave(world, request),
    }
}
