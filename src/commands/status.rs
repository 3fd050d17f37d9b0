//! `outlook-sendmail status`: where every account stands, the machine's too. Nothing is asked of the network.

use crate::account::Accounts;
use crate::broker;
use crate::failure::{Failure, Whose};
use crate::invocation::{CommandArguments, CommandOption};
use crate::memory::history;
use crate::queue::Viewer;
use crate::report;
use crate::service::ServiceRequest;
use crate::status::{Paint, Report, Standing, blocks, load, own_report, worst};
use crate::world::{Stream, World};

/// Shows every account, and gives the status that tells the worst of them.
pub fn status(world: &World, arguments: &CommandArguments) -> u8 {
    let machines = machines(world, arguments);
    let own = (world.places.is_own() && !arguments.says(CommandOption::System)).then(|| load(world, Viewer::Everybody));
    match (own, machines) {
        (Some(own), machines) if arguments.says(CommandOption::Json) => {
            show_json(world, own, machines.and_then(Result::ok))
        }
        (Some(own), machines) => show_text(world, own, machines.and_then(Result::ok)),
        (None, Some(Ok((status, text)))) => {
            report::show(world, &text);
            status
        }
        (None, Some(Err(failure))) if arguments.says(CommandOption::Json) => show_json(world, Err(failure), None),
        (None, Some(Err(failure))) => report::complain(world, &failure),
        (None, None) => 0,
    }
}

/// The broker answers for the machine's account: to a user with one of his own too, where there is one.
type Machines = Option<Result<(u8, String), Failure>>;

fn machines(world: &World, arguments: &CommandArguments) -> Machines {
    // Not where a person named a configuration: that is all he asked for.
    let is_beside =
        || arguments.config().is_none() && world.brokers.may_be_there() && world.places.whose() == Whose::User;
    let columns = match arguments.says(CommandOption::Json) {
        true => None,
        false => Some(world.person.screen(Stream::Output).map_or(0, |screen| screen.columns)),
    };
    let is_wanted = !world.places.is_own() || arguments.says(CommandOption::System) || is_beside();
    is_wanted.then(|| broker::ask_machine(world, &ServiceRequest::Status(columns)))
}

fn show_json(world: &World, own: Result<Accounts, Failure>, machines: Option<(u8, String)>) -> u8 {
    let report = own_report(world, own.as_ref(), Viewer::Everybody);
    let report = match machines.and_then(|(_, text)| Report::parse(&text)) {
        Some(machines) => report.with(machines),
        None => report,
    };
    report::show(world, &report.text());
    report.status()
}

fn show_text(world: &World, own: Result<Accounts, Failure>, machines: Option<(u8, String)>) -> u8 {
    let screen = world.person.screen(Stream::Output);
    let (theirs, machines) = machines.unwrap_or_default();
    let accounts = match own {
        Ok(accounts) => accounts,
        Err(failure) => return report::complain(world, &failure),
    };
    let standings = Standing::of_all(world, &accounts, Viewer::Everybody);
    let blocks = blocks(world, &standings, Paint::on(screen));
    let parts = [blocks, machines];
    let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
    report::show(world, &parts.join("\n"));
    if screen.is_some() {
        // Whoever reads this need not be told again.
        for standing in &standings {
            let _ = history::untold(world, &standing.account.address);
        }
    }
    worst(standings.iter().map(Standing::status).chain([theirs]))
}
