//! `outlook-sendmail login`: the account found or made, the sign-in, the configuration written, AUTH tried, a first message.

mod configuration;
mod draft;
mod password;
mod store;
mod system;
mod trial;

use std::time::Duration;

use lettre::Address;

use crate::account::{Account, AuthKind, PERSONAL_TENANT, TransportKind, is_personal};
use crate::commands::columns;
use crate::commands::login::{Flow, Learned, keep, login};
use crate::commands::question::agreed;
use crate::commands::renew;
use crate::commands::test_message;
use crate::credentials::{self, Credential};
use crate::failure::Whose;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{CommandArguments, CommandOption};
use crate::world::{LockGuard, World};
use draft::ConfigurationDraft;
use trial::Trial;

/// Whoever holds the configuration may be asking a person something.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// Signs in, adds the account to the configuration or changes it there, and tries whether mail could be sent.
///
/// # Errors
/// Those of the sign-in and of the configuration: nothing is written then. Those of the submission server: what was
/// given is kept, and the account is written.
pub fn set_up(world: &World, arguments: &CommandArguments) -> Result<(), Failure> {
    if arguments.says(CommandOption::System) {
        system::may_begin(world, arguments)?;
    }
    let named = arguments.operands.first().map(String::as_str).map(address).transpose()?;
    if let Some(named) = &named {
        refuse_wrong_directory(arguments, named)?;
    }
    let (arguments, draft) = store::proven(world, arguments, named.as_ref())?;
    let arguments = &arguments;
    let (account, trial) = match draft.account().auth {
        AuthKind::OAuth2 => sign_in(world, arguments, draft, named.as_ref())?,
        AuthKind::Password if arguments.says(CommandOption::System) => {
            let words = "a password for this machine's account; it signs in with OAuth";
            return Err(Failure::new(Stage::Account, Cause::Unsupported, words));
        }
        AuthKind::Password => password::sign_in(world, arguments, draft, named.as_ref())?,
    };
    if arguments.says(CommandOption::System) {
        return system::finish(world, &account, trial);
    }
    renew::enable_timers(world, &account);
    match trial {
        Trial::Passed | Trial::NotNeeded => test_message::offer(world, &account),
        Trial::NotNow => Ok(()),
    }
}

fn sign_in(
    world: &World,
    arguments: &CommandArguments,
    draft: ConfigurationDraft,
    named: Option<&Address>,
) -> Result<(Account, Trial), Failure> {
    let flow = if arguments.says(CommandOption::Browser) { Flow::Browser } else { Flow::DeviceCode };
    let learned = login(world, draft.account(), named, flow)?;
    refuse_wrong_directory(arguments, &learned.address)?;
    let alone = alone_with_configuration(world);
    let draft = draft.again(world, arguments, named, &learned.address)?.settled(arguments, &learned)?;
    confirm_mailbox(world, &draft, &learned, named)?;
    let (text, account) = draft.finished(&learned)?;
    if arguments.says(CommandOption::System) {
        // The broker goes by the configuration.
        draft.write(world, &text)?;
        keep(world, &account, &learned, named, Whose::System).inspect_err(|_| draft.take_back(world))?;
    } else {
        keep(world, &account, &learned, named, Whose::User)?;
        draft.write(world, &text)?;
        draft.forget_elsewhere(world);
    }
    drop(alone);
    if account.transport == TransportKind::Graph {
        return Ok((account, Trial::NotNeeded));
    }
    match trial::try_sign_in(world, &account, &Credential::Bearer(learned.token)) {
        Ok(trial) => Ok((account, trial)),
        Err(refused) if refused.cause == Cause::SmtpAuthDisabled && takes_graph(world) => {
            let arguments = arguments.clone().with(CommandOption::Transport, "graph");
            let arguments = arguments.with(CommandOption::Account, &account.name);
            let draft = ConfigurationDraft::read(world, &arguments, named)?;
            sign_in(world, &arguments, draft, named)
        }
        Err(refused) => Err(refused),
    }
}

/// Two that sign in at once must not take each other's account out of the file.
fn alone_with_configuration(world: &World) -> Option<Box<dyn LockGuard>> {
    world.locks.acquire("configuration", world.clock.instant() + LOCK_PATIENCE)
}

/// Explains Graph to a person at the terminal, and asks; elsewhere the failure's advice names the command.
fn takes_graph(world: &World) -> bool {
    if !world.input.is_terminal() {
        return false;
    }
    columns::tell(
        world,
        "Microsoft has switched SMTP off for this mailbox, as for all personal ones made since 2026. Mail can go \
         through Microsoft Graph instead; that takes a second sign-in, with the permission Mail.Send.",
    );
    agreed(world, "Sign in for Graph now?")
}

/// A personal mailbox is in no organisation's directory: the sign-in would be worth nothing.
fn refuse_wrong_directory(arguments: &CommandArguments, address: &Address) -> Result<(), Failure> {
    match arguments.value(CommandOption::Tenant) {
        Some(tenant) if tenant != PERSONAL_TENANT && is_personal(address.domain()) => {
            let words =
                format!("--tenant {tenant}: {address} is a personal mailbox, whose tenant is {PERSONAL_TENANT}");
            Err(Failure::new(Stage::Invocation, Cause::BadValue, words))
        }
        Some(_) | None => Ok(()),
    }
}

/// A mailbox other than the one that was named is nobody's until a person at the terminal says so. The address an account
/// has is changed with its person's consent, or where nobody can be asked and nobody named one: it is the only one that
/// can work.
fn confirm_mailbox(
    world: &World,
    draft: &ConfigurationDraft,
    learned: &Learned,
    named: Option<&Address>,
) -> Result<(), Failure> {
    let (name, learned) = (&draft.account().name, &learned.address);
    if let Some(expected) = draft.unexpected(learned, named) {
        let (who, question) = match named {
            Some(_) => {
                (format!("signed in as {learned}, not as {expected}"), format!("Use {learned} for account {name}?"))
            }
            None => {
                (format!("signed in as {learned}, while account {name} is {expected}"), format!("Make it {learned}?"))
            }
        };
        let may_ask = world.input.is_terminal();
        if (may_ask || named.is_some()) && !(may_ask && agreed(world, &format!("You {who}. {question}"))) {
            let words =
                format!("{who}; nothing was changed; if {learned} is meant, say so: login {learned} --account {name}");
            return Err(Failure::new(Stage::Credentials, Cause::SignInDeclined, words));
        }
    }
    let Some(current) = draft.replaced_address(learned) else { return Ok(()) };
    let told = format!(
        "Outlook signs in only under the primary address: account {name} is {learned} now. If {current} is another \
         address of the same mailbox, put it into send_as to go on writing as it."
    );
    columns::tell(world, &told);
    Ok(())
}

fn address(written: &str) -> Result<Address, Failure> {
    written.parse().map_err(|_| Failure::new(Stage::Invocation, Cause::AddressSyntax, written))
}

/// What the account leaves behind in a store it no longer uses.
fn forget_stored(world: &World, account: &Account) {
    // What is new is kept already; a store that is gone has nothing to forget.
    let _ = credentials::forget_stored(world, account, world.clock.instant() + account.deadline);
}

#[cfg(test)]
mod tests;
