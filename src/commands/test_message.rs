//! The message a person can send to himself right after signing in.

use std::io::Read;

use lettre::Transport;
use lettre::address::Envelope;

use crate::account::Account;
use crate::credentials;
use crate::envelope::{Stamp, header};
use crate::failure::{Cause, Failure, Stage};
use crate::message::Field;
use crate::submission::smtp::{Deadlines, Smtp};
use crate::world::World;

/// Asks whether to send it, at a terminal; elsewhere nothing is asked and nothing sent.
///
/// # Errors
/// Those of a submission.
pub fn offer(world: &World, account: &Account) -> Result<(), Failure> {
    if !world.input.is_terminal() {
        return Ok(());
    }
    world.terminal.out(&format!("Send a test message to {}? [Y/n] ", account.address));
    let answer = line(&mut *world.input.reader());
    if !matches!(answer.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes") {
        return Ok(());
    }
    send(world, account)?;
    world.terminal.out("Sent. It should be in your inbox in a moment.\n");
    Ok(())
}

fn send(world: &World, account: &Account) -> Result<(), Failure> {
    let times = Deadlines::new(account, world.clock.instant());
    let token = credentials::access_token(world, account, times.before_dot)?;
    let own: &str = account.address.as_ref();
    let subject = format!("outlook-sendmail works on {}", world.caller.host_name);
    let mut fields = vec![Field::new("From", own), Field::new("To", own), Field::new("Subject", subject)];
    header::complete(&mut fields, account, &Stamp::now(world));
    let mut message = header::write(&fields, "utf-8")?;
    message.extend_from_slice(b"\r\nThis is the test message of outlook-sendmail login.\r\n");
    let envelope = Envelope::new(Some(account.address.clone()), vec![account.address.clone()])
        .map_err(|error| Failure::new(Stage::Envelope, Cause::Bug, error.to_string()))?;
    let mut unheard = |_| {};
    Smtp::new(&*world.network, &*world.clock, account, &token, times, &mut unheard).send_raw(&envelope, &message)?;
    Ok(())
}

/// One line of what a person types.
fn line(input: &mut dyn Read) -> String {
    let mut typed = Vec::new();
    let mut octet = [0];
    while typed.len() < 100 && matches!(input.read(&mut octet), Ok(1)) && octet != *b"\n" {
        typed.extend(octet);
    }
    String::from_utf8_lossy(&typed).into_owned()
}
