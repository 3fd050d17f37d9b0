//! `outlook-sendmail status`: where every account stands, the machine's too. Nothing is asked of the network.

use crate::account::Accounts;
use crate::broker;
use crate::failure::{Cause, Failure, Whose};
use crate::invocation::CommandArguments;
use crate::invocation::CommandOption;
use crate::memory::history;
use crate::moments::unix_seconds;
use crate::queue::Viewer;
use crate::report;
use crate::service::Errand;
use crate::status::{Paint, Report, Standing, block, worst};
use crate::world::{Escapes, Route, Screen, Stream, World};

/// Shows every account, and gives the status that tells the worst of them.
pub fn status(world: &World, arguments: &CommandArguments) -> u8 {
    let machines = machines(world, arguments);
    let own = match world.places.route {
        Route::Here if !arguments.says(CommandOption::System) => Some(Accounts::load(world)),
        Route::Here | Route::Broker | Route::Incoming => None,
    };
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
        (None, None) => report::complain(world, &Accounts::load(world).err().unwrap_or_else(broker_away)),
    }
}

/// The broker answers for the machine's account: to a user with one of his own too, where there is one.
type Machines = Option<Result<(u8, String), Failure>>;

fn machines(world: &World, arguments: &CommandArguments) -> Machines {
    let is_wanted = match world.places.route {
        Route::Broker => true,
        // Not where a person named a configuration: that is all he asked for.
        Route::Here => {
            arguments.config().is_none() && world.brokers.may_be_there() && world.places.whose() == Whose::User
        }
        Route::Incoming => return None,
    };
    let columns = match arguments.says(CommandOption::Json) {
        true => None,
        false => Some(world.person.screen(Stream::Output).map_or(0, |screen| screen.columns)),
    };
    is_wanted.then(|| broker::told(world, Errand::Status(columns)))
}

fn broker_away() -> Failure {
    Failure::new(crate::failure::Stage::Account, Cause::BrokerAway, "").about(Whose::System)
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

fn own_report(world: &World, accounts: Result<&Accounts, &Failure>, viewer: Viewer) -> Report {
    let standings = accounts.map_or_else(|_| Vec::new(), |accounts| Standing::of_all(world, accounts, viewer));
    Report::new(&standings, world.places.whose(), accounts.err(), unix_seconds(world.clock.now()))
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

fn blocks(world: &World, standings: &[Standing<'_>], paint: Paint) -> String {
    let whose = world.places.whose();
    let block = |standing: &Standing<'_>| block(standing, whose, world.clock.utc_offset(), paint);
    standings.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// For a client of the broker: as lines for a screen of so many columns (0: none), else as JSON. Any user of this machine
/// may see how its account stands and count his own messages; what is known of others' only root is told.
///
/// # Errors
/// Those of the configuration.
pub fn show_status(world: &World, viewer: Viewer, columns: Option<u16>) -> Result<u8, Failure> {
    let accounts = Accounts::load(world);
    let Some(columns) = columns else {
        let report = own_report(world, accounts.as_ref(), viewer);
        report::show(world, &report.text());
        return Ok(report.status());
    };
    let accounts = accounts?;
    let screen = (columns > 0).then_some(Screen { columns, escapes: Escapes::None });
    let standings = Standing::of_all(world, &accounts, viewer);
    report::show(world, &blocks(world, &standings, Paint::on(screen)));
    Ok(worst(standings.iter().map(Standing::status)))
}
