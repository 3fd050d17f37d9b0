//! `outlook-sendmail login`: the account found or made, the sign-in, the configuration written, a first message.

use std::path::Path;

use lettre::Address;

use crate::account::{Account, Accounts, file_failure};
use crate::commands::login::{Flow, keep, login};
use crate::commands::test_message;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Asked;
use crate::report;
use crate::world::World;

/// What an account is called when nobody says otherwise.
const DEFAULT_NAME: &str = "me";

/// Stands for the address until Microsoft has told it.
const UNKNOWN_ADDRESS: &str = "unknown@outlook.invalid";

/// Signs in, and adds the account to the configuration when it is not there yet.
///
/// # Errors
/// Those of the sign-in and of the configuration. Nothing is written before the sign-in succeeded.
pub fn set_up(world: &World, wanted: &Asked) -> Result<(), Failure> {
    let file = &world.places.config;
    let named = wanted.operands.first().map(String::as_str).map(address).transpose()?;
    let existing = world.files.read(file).map_err(|fault| file_failure(file, &fault))?;
    let text = existing.as_deref().unwrap_or_default();
    let known = match Accounts::parse(file, text) {
        Ok(accounts) => known_account(&accounts, wanted, named.as_ref())?,
        Err(failure) if failure.cause == Cause::NoAccount => None,
        Err(failure) => return Err(failure),
    };
    let account = match known {
        Some(account) => {
            refuse_changes(&account, wanted, file)?;
            // What the file leaves open the grant remembers.
            let account = Account { client_id: account.client_id.clone().or(wanted.client_id.clone()), ..account };
            let learned = login(world, &account, named.as_ref(), flow(wanted))?;
            keep(world, &account, &learned, named.as_ref())?;
            if !account.owns(&learned.address) {
                let why = "Outlook signs in only under the primary address";
                report::warn(world, &format!("set address = \"{}\" in {}: {why}", learned.address, file.display()));
            }
            account
        }
        None => add(world, wanted, named.as_ref(), text)?,
    };
    test_message::offer(world, &account)
}

fn flow(wanted: &Asked) -> Flow {
    if wanted.browser { Flow::Browser } else { Flow::DeviceCode }
}

/// The account of the configuration that is meant, if any.
fn known_account(accounts: &Accounts, wanted: &Asked, named: Option<&Address>) -> Result<Option<Account>, Failure> {
    match (&wanted.account, named) {
        (Some(name), _) => Ok(accounts.named(name).ok().cloned()),
        (None, Some(address)) => Ok(accounts.owner_of(address).cloned()),
        (None, None) => accounts.for_sender(&[]).cloned().map(Some),
    }
}

/// Options that contradict the file would be forgotten by the next message.
fn refuse_changes(account: &Account, wanted: &Asked, file: &Path) -> Result<(), Failure> {
    let differs = |option: &Option<String>, current: &str| option.as_deref().is_some_and(|option| option != current);
    let store = account.store.word();
    if account.client_id.as_deref().is_some_and(|current| differs(&wanted.client_id, current))
        || differs(&wanted.tenant, &account.tenant)
        || differs(&wanted.store, store)
    {
        let words = format!("account {} is in {} with other settings; change them there", account.name, file.display());
        return Err(Failure::new(Stage::Account, Cause::BadValue, words));
    }
    Ok(())
}

fn add(world: &World, wanted: &Asked, named: Option<&Address>, text: &[u8]) -> Result<Account, Failure> {
    let file = &world.places.config;
    let name = wanted.account.as_deref().unwrap_or(DEFAULT_NAME);
    let placeholder = named.map_or(UNKNOWN_ADDRESS.to_owned(), ToString::to_string);
    let draft = with_section(text, name, &placeholder, wanted.client_id.as_deref(), wanted);
    let account = Accounts::parse(file, &draft)?.named(name)?.clone();
    let learned = login(world, &account, named, flow(wanted))?;
    let final_text = with_section(text, name, learned.address.as_ref(), Some(&learned.grant.client_id), wanted);
    let account = Accounts::parse(file, &final_text)?.named(name)?.clone();
    keep(world, &account, &learned, named)?;
    world.files.write(file, &final_text).map_err(|fault| file_failure(file, &fault))?;
    world.terminal.out(&format!("Wrote account {name} to {}.\n", file.display()));
    Ok(account)
}

/// The file with one more account at its end; what is there stays as it is.
fn with_section(text: &[u8], name: &str, address: &str, client_id: Option<&str>, wanted: &Asked) -> Vec<u8> {
    let mut whole = text.to_vec();
    if whole.is_empty() {
        whole.extend_from_slice(b"# outlook-sendmail\n");
    } else if !whole.ends_with(b"\n") {
        whole.push(b'\n');
    }
    let mut section = format!("\n[accounts.{}]\naddress = {}\n", quoted(name), quoted(address));
    let settings = [("client_id", client_id), ("tenant", wanted.tenant.as_deref()), ("store", wanted.store.as_deref())];
    for (key, value) in settings {
        if let Some(value) = value {
            section.push_str(&format!("{key} = {}\n", quoted(value)));
        }
    }
    whole.extend_from_slice(section.as_bytes());
    whole
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

fn address(written: &str) -> Result<Address, Failure> {
    written.parse().map_err(|_| Failure::new(Stage::Invocation, Cause::AddressSyntax, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_added_behind_what_is_there() {
        let wanted = Asked { tenant: Some("organizations".into()), ..Asked::default() };
        let text =
            with_section(b"# mine\n[accounts.a]\naddress = \"a@x.org\"", "b \"c\"", "b@x.org", Some("id"), &wanted);
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.starts_with("# mine\n[accounts.a]\naddress = \"a@x.org\"\n\n[accounts.\"b \\\"c\\\"\"]\n"),
            "{text}"
        );
        let accounts = Accounts::parse(Path::new("c"), text.as_bytes()).unwrap();
        let added = accounts.named("b \"c\"").unwrap();
        assert_eq!((added.address.to_string().as_str(), added.tenant.as_str()), ("b@x.org", "organizations"));
    }
}
