//! What people ask of `outlook-sendmail` besides sending.

mod addresses;
mod login;
mod outbox;
mod set_up;
mod test_message;

pub use addresses::{check_aliases, verify};
pub use outbox::print_queue;
pub use set_up::set_up;

use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{Asked, Task};
use crate::outbox::Attempt;
use crate::report;
use crate::world::World;

/// Carries out a command and gives the exit status.
pub fn run(world: &World, task: Task, asked: &Asked, attempt: &Attempt<'_>) -> u8 {
    match task {
        Task::Login => report::done(world, set_up(world, asked)),
        Task::Queue => report::done(world, print_queue(world)),
        Task::Outbox => report::done(world, outbox::look_after(world, asked, attempt)),
        Task::Logout
        | Task::Status
        | Task::Renew
        | Task::Test
        | Task::Explain
        | Task::Doctor
        | Task::Broker
        | Task::Help => report::done(world, Err(Failure::new(Stage::Invocation, Cause::Unsupported, ""))),
    }
}
