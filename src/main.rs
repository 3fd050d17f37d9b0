//! The outlook-sendmail program: the pipeline in the real world.

use std::process::ExitCode;

use outlook_sendmail::invocation::{self, Invocation};
use outlook_sendmail::{adapters, pipeline};

fn main() -> ExitCode {
    adapters::process::start();
    let mut arguments = std::env::args_os();
    let wanted = invocation::read(arguments.next().unwrap_or_default(), arguments.collect());
    let world = adapters::world(wanted.as_ref().ok().and_then(Invocation::config));
    ExitCode::from(pipeline::run(&world, wanted))
}
