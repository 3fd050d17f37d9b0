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
pub use outbox::{Wanted, print_queue, run_queue};
pub use set_up::set_up;
pub use status::show_status;

use crate::attempt::Attempt;
use crate::broker;
use crate::invocation::help::help;
use crate::invocation::{Asked, Program, Task};
use crate::report;
use crate::world::World;

/// Carries out a command and gives the exit status.
pub fn run(world: &World, task: Task, asked: &Asked, attempt: &Attempt<'_>) -> u8 {
    renew::tell(world, task);
    match task {
        Task::Status => status::status(world, asked),
        Task::Renew => renew::renew(world, asked),
        Task::Login => report::done(world, set_up(world, asked)),
        Task::Logout => report::done(world, logout::logout(world, asked)),
        Task::Test => test_command::run(world, asked),
        Task::Explain => explain::run(world, asked),
        Task::Doctor => doctor::run(world, asked),
        Task::Broker => broker::run(world, asked, attempt),
        Task::Queue => print_queue(world),
        Task::Outbox => outbox::look_after(world, asked, attempt),
        Task::Help => report::show(world, &help(Program::Tool)),
    }
}
