//! The submission server: whether it is reached, and whether TLS can be agreed on. Nobody signs in, nothing is sent.

use std::time::Instant;

use crate::account::Account;
use crate::commands::doctor::deadline;
use crate::commands::doctor::finding::{Finding, Sheet};
use crate::failure::{Cause, Failure, Stage};
use crate::reply::Reply;
use crate::submission::smtp::lost;
use crate::world::{Wire, WireFault, World};

/// The port, then TLS.
pub(super) fn look(world: &World, account: &Account, sheet: &mut Sheet<'_>) {
    let until = deadline(world);
    let port = format!("port {}", account.port);
    match world.network.connect(account.server(), until) {
        Ok(wire) => {
            sheet.tell(&port, Finding::Fine(format!("connected to {} {}", account.host, wire.peer())));
            let tls = start_tls(wire, account, deadline(world));
            sheet.tell("encryption", tls.map_or_else(Finding::Bad, Finding::Fine));
        }
        // What is wrong with the certificates has been said.
        Err(WireFault::TrustAnchors(_)) => {
            sheet.tell(&port, Finding::Unknown("not tried without certificates".to_owned()));
        }
        Err(fault) => sheet.tell(&port, Finding::Bad(lost(&format!("connecting to {}", account.host), fault))),
    }
}

fn start_tls(mut wire: Box<dyn Wire>, account: &Account, until: Instant) -> Result<String, Failure> {
    answer(&mut *wire, None, 220, until)?;
    let name = account.ehlo.clone().unwrap_or_else(|| wire.address_literal());
    let offers = match answer(&mut *wire, Some(&format!("EHLO {name}")), 250, until) {
        // Outlook is known to take this one.
        Err(refused) if refused.cause == Cause::Refused => {
            answer(&mut *wire, Some("EHLO localhost.localdomain"), 250, until)?
        }
        other => other?,
    };
    if !offers.lines.iter().any(|line| line.whole().eq_ignore_ascii_case("STARTTLS")) {
        return Err(Failure::new(Stage::Submission, Cause::StarttlsMissing, ""));
    }
    answer(&mut *wire, Some("STARTTLS"), 220, until)?;
    wire.start_tls(until).map_err(|fault| lost("the TLS handshake", fault))?;
    let version = wire.tls_version();
    // Whether it arrives does not matter.
    let _ = wire.send(b"QUIT\r\n", until);
    Ok(format!("{version}, certificate of {} verified", account.host))
}

fn answer(wire: &mut dyn Wire, command: Option<&str>, wanted: u16, until: Instant) -> Result<Reply, Failure> {
    let doing = command.map_or("waiting for the greeting".to_owned(), |command| format!("the answer to {command}"));
    if let Some(command) = command {
        wire.send(format!("{command}\r\n").as_bytes(), until).map_err(|fault| lost(&doing, fault))?;
    }
    let reply = wire.reply(until).map_err(|fault| lost(&doing, fault))?;
    if reply.code == wanted {
        return Ok(reply);
    }
    let cause = if reply.is_temporary() { Cause::Deferred } else { Cause::Refused };
    Err(Failure::new(Stage::Submission, cause, reply.words()))
}
