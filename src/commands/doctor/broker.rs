//! The machine's account, as its broker tells of it.

use crate::broker;
use crate::commands::doctor::finding::Finding;
use crate::failure::{Cause, Failure, Stage, Whose};
use crate::service::ServiceRequest;
use crate::status::Report;
use crate::words::Words;
use crate::world::World;

/// Whether it answers and can send; `None` where there is none.
pub(super) fn look(world: &World) -> Option<Finding> {
    let is_ours = !world.places.is_own();
    if !is_ours && !world.brokers.may_be_there() {
        return None;
    }
    Some(match broker::ask_machine(world, &ServiceRequest::Status(None)) {
        Ok((_, text)) => found(Report::parse(&text)?, is_ours),
        Err(failure) => Finding::Bad(failure.about(Whose::System)),
    })
}

fn found(report: Report, is_ours: bool) -> Finding {
    match report.problem() {
        None => Finding::Fine("answers, and can send".to_owned()),
        Some(line) if is_ours => {
            Finding::Bad(Failure::new(Stage::Account, Cause::SystemAccount, Words::from(line)).about(Whose::System))
        }
        // Another's trouble, where this user has an account of his own.
        Some(line) => Finding::Odd(format!("answers, but {line}"), String::new()),
    }
}
