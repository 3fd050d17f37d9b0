//! All accounts together, as the process that has them tells whoever asks.

use super::{Paint, Report, Standing, block, worst};
use crate::account::Accounts;
use crate::failure::Failure;
use crate::moments::{count, unix_seconds};
use crate::queue::{self, Viewer};
use crate::words::Words;
use crate::world::{Escapes, Screen, World};

/// The accounts. Where a broken configuration keeps mail back, the failure says how much.
///
/// # Errors
/// Those of [`Accounts::load`].
pub fn load(world: &World, viewer: Viewer) -> Result<Accounts, Failure> {
    Accounts::load(world).map_err(|failure| with_waiting(world, viewer, failure))
}

fn with_waiting(world: &World, viewer: Viewer, failure: Failure) -> Failure {
    let waiting = queue::tally(world, viewer).map_or(0, |tally| tally.waiting as u64);
    if waiting == 0 {
        return failure;
    }
    let waits = format!("{} until that is mended; mailq lists them", if waiting == 1 { "waits" } else { "wait" });
    let detail = format!("{}; {} {waits}", failure.detail.whole(), count(waiting, "message"));
    Failure { detail: Words::from(detail.trim_start_matches("; ")), ..failure }
}

/// The accounts of this process as JSON tells of them, or why there are none.
pub fn own_report(world: &World, accounts: Result<&Accounts, &Failure>, viewer: Viewer) -> Report {
    let standings = accounts.map_or_else(|_| Vec::new(), |accounts| Standing::of_all(world, accounts, viewer));
    Report::new(&standings, world.places.whose(), accounts.err(), unix_seconds(world.clock.now()))
}

/// One block of lines each.
pub fn blocks(world: &World, standings: &[Standing<'_>], paint: Paint) -> String {
    let whose = world.places.whose();
    let block = |standing: &Standing<'_>| block(standing, whose, world.clock.utc_offset(), paint);
    standings.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// For a client of the broker: lines for a screen of so many columns (0: none), else JSON; and the exit status that tells
/// the worst. Any user of this machine may see how its account stands and count his own messages; what is known of
/// others' only root is told.
///
/// # Errors
/// Those of the configuration.
pub fn page(world: &World, viewer: Viewer, columns: Option<u16>) -> Result<(u8, String), Failure> {
    let accounts = load(world, viewer);
    let Some(columns) = columns else {
        let report = own_report(world, accounts.as_ref(), viewer);
        return Ok((report.status(), report.text()));
    };
    let accounts = accounts?;
    let screen = (columns > 0).then_some(Screen { columns, escapes: Escapes::None });
    let standings = Standing::of_all(world, &accounts, viewer);
    Ok((worst(standings.iter().map(Standing::status)), blocks(world, &standings, Paint::on(screen))))
}
