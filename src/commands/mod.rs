//! What people ask of `outlook-sendmail` besides sending.

mod addresses;
mod columns;
mod doctor;
mod explain;
mod login;
mod logout;
mod outbox;
mod qr;
mod question;
mod renew;
mod set_up;
mod status;
mod test_command;
mod test_message;

pub use addresses::{check_aliases, verify};
#[cfg(test)]
pub(crate) use login::REGISTRATION_STEPS;
pub use outbox::{print_queue, run_queue};
pub use set_up::set_up;

use crate::broker;
use crate::invocation::help::help;
use crate::invocation::{Command, CommandArguments, HelpTopic};
use crate::report;
use crate::world::World;

/// Carries out a command and gives the exit status.
pub fn run(world: &World, command: Command, arguments: &CommandArguments) -> u8 {
    renew::tell(world, command);
    match command {
        Command::Status => status::status(world, arguments),
        Command::Renew => renew::renew(world, arguments),
        Command::Login => report::done(world, set_up(world, arguments)),
        Command::Logout => logout::logout(world, arguments).unwrap_or_else(|failure| report::complain(world, &failure)),
        Command::Test => test_command::run(world, arguments),
        Command::Explain => explain::run(world, arguments),
        Command::Doctor => doctor::run(world, arguments),
        Command::Broker => broker::run(world, arguments),
        Command::Mailq => print_queue(world),
        Command::Queue => outbox::look_after(world, arguments),
        Command::Help => report::show(world, &help(HelpTopic::Tool)),
    }
}
