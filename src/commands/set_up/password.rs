//! `auth = "password"`: asked without echo, tried, kept in the store.

use std::io::Read;

use lettre::Address;
use zeroize::Zeroizing;

use super::draft::ConfigurationDraft;
use super::trial::{self, Trial};
use crate::account::Account;
use crate::credentials::{self, Credential};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::CommandArguments;
use crate::secret::Secret;
use crate::world::{Echo, World};

/// Longer ones are no passwords.
const LONGEST: usize = 4096;

/// Asks for the account's password and keeps it, unless the server says that it is wrong.
///
/// # Errors
/// Those of the store and of the server's refusal.
pub(super) fn sign_in(
    world: &World,
    arguments: &CommandArguments,
    draft: ConfigurationDraft,
    named: Option<&Address>,
) -> Result<(Account, Trial), Failure> {
    let account = draft.account().clone();
    let password = asked(world, &account)?;
    let outcome = trial::try_sign_in(world, &account, &Credential::Password(password.clone()));
    let is_wrong = |refused: &Failure| matches!(refused.cause, Cause::PasswordRejected | Cause::SignInRefused);
    if outcome.as_ref().is_err_and(is_wrong) {
        return outcome.map(|trial| (account, trial));
    }
    credentials::keep_password(world, &account, &password)?;
    let _alone = super::alone_with_configuration(world);
    let draft = draft.again(world, arguments, named, &account.address)?;
    draft.write(world, &draft.text_with_options()?)?;
    draft.forget_elsewhere(world);
    world.terminal.out(&format!("The password of {} is kept.\n", account.address));
    outcome.map(|trial| (account, trial))
}

/// From the person at the terminal, else the first line of standard input.
fn asked(world: &World, account: &Account) -> Result<Secret, Failure> {
    let password = if world.input.is_terminal() {
        world.person.ask(&format!("Password of {} at {}: ", account.address, account.host), Echo::Hidden)
    } else {
        first_line(&mut *world.input.reader())
    };
    let refused = |why: &str| Failure::new(Stage::Credentials, Cause::SignInDeclined, why);
    let password = password.filter(|password| !password.reveal().is_empty());
    let password = password.ok_or_else(|| refused("no password was given"))?;
    // RFC 4616 section 2: UTF-8 without NUL.
    match password.reveal_text() {
        Some(text) if !text.contains('\0') => Ok(password),
        Some(_) | None => Err(refused("a password must be text in UTF-8 without NUL")),
    }
}

fn first_line(input: &mut dyn Read) -> Option<Secret> {
    // Room for all of it from the start: a vector that grows leaves a copy behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut octet = Zeroizing::new([0]);
    while line.len() < LONGEST && matches!(input.read(&mut *octet), Ok(1)) && *octet != *b"\n" {
        line.extend_from_slice(&*octet);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Some(Secret::new(line.to_vec()))
}
