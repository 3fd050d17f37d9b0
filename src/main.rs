//! The outlook-sendmail program: the pipeline in the real world.

use std::process::ExitCode;

use outlook_sendmail::{adapters, invocation, pipeline};

fn main() -> ExitCode {
    adapters::process::prepare();
    let mut arguments = std::env::args_os();
    let invocation = invocation::read(arguments.next().unwrap_or_default(), arguments.collect());
    let world = adapters::world(invocation.config());
    ExitCode::from(pipeline::run(&world, invocation))
}
