//! The outlook-sendmail program: the pipeline in the real world.

// A panic is a bug a user sees: state the impossible with a type instead.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::ExitCode;

use outlook_sendmail::invocation::{self, Configuration, Invocation};
use outlook_sendmail::{adapters, pipeline};

fn main() -> ExitCode {
    adapters::process::start();
    let mut arguments = std::env::args_os();
    let wanted = invocation::read(arguments.next().unwrap_or_default(), arguments.collect());
    if wanted.as_ref().is_ok_and(Invocation::runs_apart) {
        adapters::queue_runners::leave_caller();
    }
    let world = adapters::world(wanted.as_ref().map_or(Configuration::Usual, Invocation::configuration));
    ExitCode::from(pipeline::run(&world, wanted))
}
