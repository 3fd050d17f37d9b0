//! The message a person sends home to see whether mail goes out: after signing in, and with `outlook-sendmail test`.

use lettre::Address;

use crate::account::Account;
use crate::attempt::{Step, attempt_told};
use crate::broker;
use crate::commands::question::agreed;
use crate::envelope::Stamp;
use crate::failure::{Failure, Whose};
use crate::invocation::{Submit, Verbosity};
use crate::message::{Dots, ours};
use crate::outcome::{Receipt, Taken};
use crate::report::{self, Story};
use crate::service::Submission;
use crate::submission::NoCustody;
use crate::world::World;

/// Asks whether to send it, at a terminal; elsewhere nothing is asked and nothing sent.
///
/// # Errors
/// Those of a submission.
pub fn offer(world: &World, account: &Account) -> Result<(), Failure> {
    if !agreed(world, &format!("Send a test message to {}?", account.address)) {
        return Ok(());
    }
    let taken = match world.places.whose() {
        Whose::User => Taken::Sent(send(world, account, &account.address, &mut |_| {})?),
        Whose::System => through_broker(world, account, &account.address, Verbosity::Silent)?,
    };
    world.terminal.out(&match taken {
        Taken::Sent(_) => "Sent. It should be in your inbox in a moment.\n".to_owned(),
        Taken::Kept { id, why } => format!("Not sent yet, kept as {id}: {}\n", why.line()),
    });
    Ok(())
}

/// Sends it as any message is sent, paced and logged; `tell` hears each step. Nobody keeps it when that fails.
///
/// # Errors
/// Those of an attempt.
pub(super) fn send(
    world: &World,
    account: &Account,
    recipient: &Address,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Receipt, Failure> {
    let request = request(world, account, recipient, Verbosity::Silent)?;
    let mut story = Story::default();
    story.read_message(&request.message, &request.submit.operands);
    let verdict = attempt_told(world, account, request, &mut NoCustody, &mut story, tell);
    let taken = verdict.as_ref().map(|receipt| Taken::Sent(receipt.clone()));
    report::record(world, &story, taken.as_ref().map_err(|failure| *failure));
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
    broker::submit(world, request(world, account, recipient, verbosity)?, &mut Story::default())
}

fn request(world: &World, account: &Account, recipient: &Address, verbosity: Verbosity) -> Result<Submission, Failure> {
    let stamp = Stamp::now(world);
    let text = ours::Text {
        from: &account.address,
        to: recipient,
        subject: &format!("outlook-sendmail works on {}", world.caller.host_name),
        body: "This is a test message of outlook-sendmail.\n",
        now: stamp.now,
        unique: stamp.unique,
        automatic: false,
    };
    let message = text.message(&*world.spools)?;
    let operands = vec![recipient.to_string().into_bytes()];
    let submit = Submit { operands, dots: Dots::Content, verbosity, ..Submit::default() };
    Ok(Submission { caller: world.caller.clone(), submit, stamp, message })
}
