//! The message a person can send home right after signing in.

use std::time::UNIX_EPOCH;

use lettre::address::Envelope;
use lettre::{Address, Transport};
use mail_builder::headers::Header;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::text::Text;

use crate::account::Account;
use crate::broker;
use crate::commands::question::agreed;
use crate::credentials;
use crate::envelope::Stamp;
use crate::failure::{Cause, Failure, Stage, Whose};
use crate::invocation::{Submit, Verbosity};
use crate::memory::history;
use crate::message::{Dots, Message};
use crate::outcome::Receipt;
use crate::outcome::Taken;
use crate::report::Story;
use crate::service::Request;
use crate::submission::Submitter;
use crate::world::{World, memory_spool};

/// More than the message has.
pub(super) const SIZE_LIMIT: u64 = 1024 * 1024;

/// Asks whether to send it, at a terminal; elsewhere nothing is asked and nothing sent.
///
/// # Errors
/// Those of a submission.
pub fn offer(world: &World, account: &Account) -> Result<(), Failure> {
    if !agreed(world, &format!("Send a test message to {}?", account.address)) {
        return Ok(());
    }
    if world.places.whose() == Whose::System {
        let taken = through_broker(world, account, &account.address, Verbosity::Silent)?;
        world.terminal.out(&match taken {
            Taken::Sent(_) => "Sent. It should be in your inbox in a moment.\n".to_owned(),
            Taken::Kept { id, why } => format!("Not sent yet, kept as {id}: {}\n", why.line()),
        });
        return Ok(());
    }
    let envelope = Envelope::new(Some(account.address.clone()), vec![account.address.clone()])
        .map_err(|error| Failure::new(Stage::Envelope, Cause::Bug, error.to_string()))?;
    submit(
        world,
        account,
        &envelope,
        &message(account, &account.address, &world.caller.host_name, &Stamp::now(world)),
    )?;
    world.terminal.out("Sent. It should be in your inbox in a moment.\n");
    Ok(())
}

fn submit(world: &World, account: &Account, envelope: &Envelope, message: &[u8]) -> Result<Receipt, Failure> {
    let times = account.deadlines(world.clock.instant());
    let credential = credentials::credential(world, account, times.before_dot)?;
    let mut unheard = |_| {};
    let verdict = Submitter::new(world, account, &credential, times, &mut unheard).send_raw(envelope, message);
    let taken = verdict.as_ref().map(|receipt| Taken::Sent(receipt.clone()));
    history::message(world, &account.address, taken.as_ref().map_err(|failure| *failure));
    verdict
}

/// The same as any user's message through the machine's account.
///
/// # Errors
/// Those of a submission.
pub(super) fn through_broker(
    world: &World,
    account: &Account,
    recipient: &Address,
    verbosity: Verbosity,
) -> Result<Taken, Failure> {
    let stamp = Stamp::now(world);
    let octets = message(account, recipient, &world.caller.host_name, &stamp);
    let message = Message::read(&mut octets.as_slice(), false, Dots::Content, memory_spool(), SIZE_LIMIT)?;
    let operands = vec![recipient.to_string().into_bytes()];
    let submit = Submit { operands, dots: Dots::Content, verbosity, ..Submit::default() };
    let caller = world.caller.clone();
    broker::submit(world, Request { caller, submit, stamp, message }, &mut Story::default())
}

/// The message, whole, as somebody would write it.
pub(super) fn message(account: &Account, recipient: &Address, host_name: &str, stamp: &Stamp) -> Vec<u8> {
    let seconds = stamp.now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let unique: String = stamp.unique.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut message = format!("From: <{}>\r\nTo: <{recipient}>\r\nSubject: ", account.address).into_bytes();
    Text::new(format!("outlook-sendmail works on {host_name}")).write_header(&mut message, "Subject: ".len());
    message.extend_from_slice(b"Date: ");
    Date::new(i64::try_from(seconds).unwrap_or_default()).write_header(&mut message, "Date: ".len());
    message.extend_from_slice(b"Message-ID: ");
    MessageId::new(format!("{unique}@{}", account.address.domain())).write_header(&mut message, "Message-ID: ".len());
    message.extend_from_slice(b"\r\nThis is a test message of outlook-sendmail.\r\n");
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_world::account;

    #[test]
    fn the_message_is_a_whole_one() {
        let stamp = Stamp { now: UNIX_EPOCH, utc_offset: 0, unique: [7; 16] };
        let text = String::from_utf8(message(&account(), &account().address, "w\u{e9}b1", &stamp)).unwrap();
        let (header, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(header.is_ascii() && header.contains("\r\nSubject: =?utf-8?"), "{header}");
        assert!(header.starts_with("From: <me@outlook.com>\r\nTo: <me@outlook.com>\r\n"), "{header}");
        assert!(header.contains("\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\n"), "{header}");
        assert!(header.ends_with("\r\nMessage-ID: <07070707070707070707070707070707@outlook.com>"), "{header}");
        assert_eq!(body, "This is a test message of outlook-sendmail.\r\n");
    }
}
