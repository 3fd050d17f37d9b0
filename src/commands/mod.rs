//! What people ask of `outlook-sendmail` besides sending.

mod addresses;
mod columns;
mod doctor;
mod explain;
mod login;
mod logout;
mod qr;
mod question;
mod renew;
mod set_up;
mod status;
mod test_command;
mod test_message;

pub use addresses::{check_aliases, verify};
pub use login::REGISTRATION_STEPS;
pub use set_up::set_up;

use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{Asked, Task};
use crate::report;
use crate::world::World;

/// Carries out a command and gives the exit status.
pub fn run(world: &World, task: Task, asked: &Asked) -> u8 {
    renew::tell(world, task);
    match task {
        Task::Status => status::status(world, asked),
        Task::Renew => renew::renew(world),
        Task::Login => report::done(world, set_up(world, asked)),
        Task::Logout => report::done(world, logout::logout(world, asked)),
        Task::Test => test_command::run(world, asked),
        Task::Explain => explain::run(world, asked),
        Task::Doctor => doctor::run(world, asked),
        Task::Broker | Task::Queue | Task::Outbox | Task::Help => {
            report::done(world, Err(Failure::new(Stage::Invocation, Cause::Unsupported, "")))
        }
    }
}
