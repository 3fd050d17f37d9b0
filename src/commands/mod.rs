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
pub use login::REGISTRATION_STEPS;
pub use outbox::{print_queue, run_queue};
pub use set_up::set_up;

use crate::broker;
use crate::invocation::help::help;
use crate::invocation::{Asked, Program, Task};
use crate::report;
use crate::world::World;

/// Carries out a command and gives the exit status.
pub fn run(world: &World, task: Task, asked: &Asked) -> u8 {
    renew::tell(world, task);
    match task {
        Task::Status => status::status(world, asked),
        Task::Renew => renew::renew(world, asked),
        Task::Login => report::done(world, set_up(world, asked)),
        Task::Logout => logout::logout(world, asked).unwrap_or_else(|failure| report::complain(world, &failure)),
        Task::Test => test_command::run(world, asked),
        Task::Explain => explain::run(world, asked),
        Task::Doctor => doctor::run(world, asked),
        Task::Broker => broker::run(world, asked),
        Task::Queue => print_queue(world),
        Task::Outbox => outbox::look_after(world, asked),
        Task::Help => report::show(world, &help(Program::Tool)),
    }
}
