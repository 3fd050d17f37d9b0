//! Signing in with a code: the page, the code, and the wait.

use crate::account::Account;
use crate::commands::qr;
use crate::commands::question::agreed;
use crate::credentials::SignedIn;
use crate::credentials::device_code::{self, Invitation};
use crate::failure::{Cause, Failure};
use crate::world::{Escapes, Screen, Stream, World};

use super::status_line::{StatusLine, minutes_and_seconds};

pub(super) fn sign_in(world: &World, account: &Account, client_id: &str) -> Result<SignedIn, Failure> {
    loop {
        let invitation = device_code::invite(world, account, client_id)?;
        world.terminal.out(&instructions(&invitation, world.person.screen(Stream::Output)));
        let line = StatusLine::new(world);
        let outcome = device_code::wait(world, account, &invitation, &mut |left| {
            line.show(&format!("Waiting for you to sign in, {} left", minutes_and_seconds(left)));
        });
        line.erase();
        match outcome {
            Err(failure) if failure.cause == Cause::CodeRanOut && agreed(world, "The code ran out. Get a new one?") => {
            }
            outcome => return outcome,
        }
    }
}

fn instructions(invitation: &Invitation, screen: Option<Screen>) -> String {
    let page = invitation.verification_uri.whole();
    let scanned = invitation.verification_uri_complete.as_ref().map_or(page, |complete| complete.whole());
    let drawing = screen.and_then(|screen| qr::drawing(scanned, screen));
    // Page and code stay together: on a small screen it is the drawing that scrolls away.
    let mut text = match drawing {
        Some(drawing) => format!("To sign in, scan this, or open the page below on any device:\n\n{drawing}\n"),
        None => "To sign in, open this page on any device:\n\n".to_owned(),
    };
    text.push_str(&format!("    {page}\n\n"));
    let code = invitation.user_code.whole();
    let code = match screen {
        Some(Screen { escapes: Escapes::Colours, .. }) => format!("\x1b[1m{code}\x1b[0m"),
        Some(_) | None => code.to_owned(),
    };
    let minutes = invitation.life.as_secs() / 60;
    text.push_str(&format!("and enter this code, which works for {minutes} minutes:\n\n    {code}\n\n"));
    text
}
