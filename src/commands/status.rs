//! `outlook-sendmail status`: where every account stands. Nothing is asked of the network.

use crate::account::Accounts;
use crate::failure::Failure;
use crate::invocation::Asked;
use crate::report;
use crate::standing::history::{self, unix_seconds};
use crate::standing::{Paint, Standing, block, json, worst};
use crate::world::{Stream, World};

/// Shows every account, and gives the status that tells the worst of them.
pub fn status(world: &World, asked: &Asked) -> u8 {
    match Accounts::load(world) {
        Ok(accounts) if asked.json => show_json(world, &Standing::of_all(world, &accounts), None),
        Ok(accounts) => show_text(world, &Standing::of_all(world, &accounts)),
        Err(failure) if asked.json => show_json(world, &[], Some(&failure)),
        Err(failure) => report::complain(world, &failure),
    }
}

fn show_json(world: &World, standings: &[Standing<'_>], failure: Option<&Failure>) -> u8 {
    report::show(world, &json(standings, failure, unix_seconds(world.clock.now())));
    worst(standings.iter().map(Standing::status).chain(failure.map(|failure| failure.exit_status() as u8)))
}

fn show_text(world: &World, standings: &[Standing<'_>]) -> u8 {
    let screen = world.person.screen(Stream::Output);
    let paint = Paint::on(screen);
    let blocks: Vec<_> = standings.iter().map(|standing| block(standing, world.clock.utc_offset(), paint)).collect();
    report::show(world, &blocks.join("\n"));
    if screen.is_some() {
        // Whoever reads this need not be told again.
        for standing in standings {
            let _ = history::untold(world, &standing.account.address);
        }
    }
    worst(standings.iter().map(Standing::status))
}
