//! `sendmail -bv` and `newaliases`: whom names lead to, and whether the alias file is in order.

use crate::account::Accounts;
use crate::address::{Entry, parse_sender};
use crate::envelope::{LocalNames, address_failure, read_recipient};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{FlagValue, Submit};
use crate::report;
use crate::world::World;

/// Says of each operand whom its mail would go to. Nothing is read and nothing sent.
///
/// # Errors
/// Those of the configuration, of the alias file and of unreadable addresses.
pub fn verify(world: &World, submit: &Submit) -> Result<(), Failure> {
    let accounts = Accounts::load(world)?;
    let sender = submit.value(FlagValue::Sender).and_then(|sender| parse_sender(sender).ok().flatten());
    let sender = sender.and_then(|sender| sender.to_lettre().ok());
    let account = accounts.for_sender(sender.as_slice())?;
    let names = LocalNames::new(account, &world.caller, &*world.files, &*world.log);
    let mut named = false;
    for operand in &submit.operands {
        let entries = read_recipient(operand).map_err(|fault| address_failure(&fault))?;
        for mailbox in entries.iter().flat_map(Entry::mailboxes) {
            let targets: Vec<_> = names.resolve(&mailbox.address)?.iter().map(ToString::to_string).collect();
            let line = format!("{}... deliverable: mailer outlook, user {}\n", mailbox.address, targets.join(", "));
            report::show(world, &line);
            named = true;
        }
    }
    // As a message to these operands would end.
    if named { Ok(()) } else { Err(Failure::new(Stage::Invocation, Cause::NoRecipients, "")) }
}

/// Follows every alias to its end and tells what is wrong. There is no database to build, and Debian's maintainer
/// scripts stop at any other status: it is 0.
pub fn check_aliases(world: &World) -> u8 {
    let accounts = match Accounts::load(world) {
        Ok(accounts) => accounts,
        // Before anybody signed in there is no telling which file counts.
        Err(_) => return 0,
    };
    if let Ok(account) = accounts.for_sender(&[]) {
        for problem in LocalNames::new(account, &world.caller, &*world.files, &*world.log).problems() {
            report::warn(world, &problem);
        }
    }
    0
}
