//! The configuration as a sign-in would leave it: which account is meant, what it changes, and what is written in the end.

use std::path::PathBuf;

use lettre::Address;

use super::configuration::{FileSetting, with_preferred, with_settings};
use super::forget_stored;
use crate::account::{Account, Accounts, MailServer, PROVIDERS, Provider, file_failure, same_mailbox};
use crate::commands::login::Learned;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::CommandArguments;
use crate::invocation::CommandOption;
use crate::world::StoreKind;
use crate::world::{Readers, World};

/// What the first account is called when nobody says otherwise.
const FIRST_NAME: &str = "me";

/// Stands for the address until Microsoft has told it.
const UNKNOWN_ADDRESS: &str = "unknown@outlook.invalid";

/// A configuration not yet written.
pub(super) struct ConfigurationDraft {
    file: PathBuf,
    /// What the file holds now.
    text: String,
    /// What it means; nothing when it has no account yet.
    accounts: Option<Accounts>,
    /// The account as it is there; nothing for a new one.
    current: Option<Account>,
    settings: Vec<FileSetting>,
    account: Account,
    is_the_machines: bool,
}

impl ConfigurationDraft {
    /// Reads the configuration and finds the account that is meant, or a name for a new one.
    ///
    /// # Errors
    /// Those of the configuration, also of one with these options in it.
    pub(super) fn read(world: &World, arguments: &CommandArguments, named: Option<&Address>) -> Result<Self, Failure> {
        let file = world.places.config.clone();
        let text = world.files.read(&file).map_err(|fault| file_failure(&file, &fault))?.unwrap_or_default();
        let accounts = match Accounts::parse(&file, &text) {
            Ok(accounts) => Some(accounts),
            Err(failure) if failure.cause == Cause::NoAccount => None,
            Err(failure) => return Err(failure),
        };
        let current = match &accounts {
            Some(accounts) => meant(accounts, arguments, named)?,
            None => None,
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        match current {
            Some(current) => Self::of_current(file, text, accounts, current, arguments),
            None => Self::of_new(file, text, accounts, arguments, named),
        }
    }

    /// The same over what the file holds now: it may have been changed while a person was signing in.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn again(
        self,
        world: &World,
        arguments: &CommandArguments,
        named: Option<&Address>,
        learned: &Address,
    ) -> Result<Self, Failure> {
        // A new account is not the one that somebody else has just added.
        let named = if self.current.is_none() { Some(learned) } else { named };
        match world.files.read(&self.file) {
            Ok(text) if text.as_deref().unwrap_or_default() == self.text.as_bytes() => Ok(self),
            Ok(_) | Err(_) => Self::read(world, arguments, named),
        }
    }

    fn of_current(
        file: PathBuf,
        text: String,
        accounts: Option<Accounts>,
        current: Account,
        arguments: &CommandArguments,
    ) -> Result<Self, Failure> {
        let mut settings = Vec::new();
        let mut set = |key, value: Option<&str>, now: Option<&str>| {
            settings.extend(value.filter(|value| Some(*value) != now).map(|value| (key, value.to_owned())));
        };
        set("client_id", arguments.value(CommandOption::ClientId), current.client_id.as_deref());
        set("provider", provider_of(arguments, &current).as_deref(), Some(current.provider.name));
        set("tenant", arguments.value(CommandOption::Tenant), Some(&current.tenant));
        set("store", arguments.value(CommandOption::Store), Some(current.store.word()));
        set("transport", arguments.value(CommandOption::Transport), Some(current.transport.word()));
        let changed = with_settings(&file, &text, &current.name, &settings)?;
        let accounts_then =
            Accounts::parse(&file, changed.as_bytes()).map_err(|it| blaming(it, &changed, &settings))?;
        let account = accounts_then.named(&current.name)?.clone();
        Ok(Self {
            file,
            text,
            accounts,
            current: Some(current),
            settings,
            account,
            is_the_machines: arguments.says(CommandOption::System),
        })
    }

    fn of_new(
        file: PathBuf,
        text: String,
        accounts: Option<Accounts>,
        arguments: &CommandArguments,
        named: Option<&Address>,
    ) -> Result<Self, Failure> {
        let name = new_name(accounts.as_ref(), arguments, named)?;
        let mut settings = vec![("address", named.map_or(UNKNOWN_ADDRESS.to_owned(), ToString::to_string))];
        let provider = arguments.value(CommandOption::Tenant).and_then(Provider::of_tenant).map(|row| row.name);
        let usual = PROVIDERS.first().map(|row| row.name);
        let machines = || arguments.says(CommandOption::System).then(|| StoreKind::OF_THE_MACHINE.word());
        for (key, value) in [
            ("client_id", arguments.value(CommandOption::ClientId)),
            ("provider", provider.filter(|name| Some(*name) != usual)),
            ("tenant", arguments.value(CommandOption::Tenant)),
            ("store", arguments.value(CommandOption::Store).or_else(machines)),
            ("transport", arguments.value(CommandOption::Transport)),
        ] {
            settings.extend(value.map(|value| (key, value.to_owned())));
        }
        let added = with_settings(&file, &text, &name, &settings)?;
        let accounts_then = Accounts::parse(&file, added.as_bytes()).map_err(|it| blaming(it, &added, &settings))?;
        let account = accounts_then.named(&name)?.clone();
        Ok(Self {
            file,
            text,
            accounts,
            current: None,
            settings,
            account,
            is_the_machines: arguments.says(CommandOption::System),
        })
    }

    /// The account as it would be.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// The file's text with the options in it, and nothing learned.
    ///
    /// # Errors
    /// Those of the configuration.
    pub(super) fn text_with_options(&self) -> Result<String, Failure> {
        with_settings(&self.file, &self.text, &self.account.name, &self.settings)
    }

    /// The same, unless the mailbox of a new account turns out to be one we have: then it is that one.
    pub(super) fn settled(self, arguments: &CommandArguments, learned: &Learned) -> Result<Self, Failure> {
        let owner = self.accounts.as_ref().and_then(|accounts| accounts.owner_of(&learned.address)).cloned();
        match owner {
            Some(owner) if self.current.is_none() && !arguments.says(CommandOption::Account) => {
                Self::of_current(self.file, self.text, self.accounts, owner, arguments)
            }
            Some(_) | None => Ok(self),
        }
    }

    /// The address the account has now, when it is not this one.
    pub(super) fn replaced_address(&self, learned: &Address) -> Option<&Address> {
        let current = self.current.as_ref().map(|current| &current.address)?;
        (!same_mailbox(current, learned)).then_some(current)
    }

    /// What the person, else the configuration, calls this mailbox, when that is not an address we know it by.
    pub(super) fn unexpected(&self, learned: &Address, named: Option<&Address>) -> Option<Address> {
        if named.is_some_and(|named| same_mailbox(named, learned)) {
            return None;
        }
        match (&self.current, named) {
            (Some(current), Some(named)) if same_mailbox(&current.address, learned) && current.owns(named) => None,
            (_, Some(named)) => Some(named.clone()),
            (Some(_), None) => self.replaced_address(learned).cloned(),
            (None, None) => None,
        }
    }

    /// The file's new text with what the sign-in taught us, and the account in it.
    ///
    /// # Errors
    /// Those of the configuration.
    pub(super) fn finished(&self, learned: &Learned) -> Result<(String, Account), Failure> {
        let mut settings = self.settings.clone();
        if self.current.is_none() {
            settings.retain(|(key, _)| !["address", "client_id"].contains(key));
            let known = [("address", learned.address.to_string()), ("client_id", learned.grant.client_id.clone())];
            settings.splice(0..0, known);
        } else if self.replaced_address(&learned.address).is_some() {
            settings.push(("address", learned.address.to_string()));
        }
        let name = &self.account.name;
        let mut text = with_settings(&self.file, &self.text, name, &settings)?;
        if let (None, Some(accounts)) = (&self.current, &self.accounts)
            && let Ok(first) = accounts.for_sender(&[])
        {
            text = with_preferred(&self.file, &text, &first.name)?;
        }
        let account = Accounts::parse(&self.file, text.as_bytes())?.named(name)?.clone();
        Ok((text, account))
    }

    /// Puts back what the file held, when there was anything.
    pub(super) fn take_back(&self, world: &World) {
        if !self.text.is_empty() {
            let _ = self.replace(world, &self.text);
        }
    }

    /// The machine's account is every user's to know; what is secret about it is elsewhere.
    fn replace(&self, world: &World, text: &str) -> Result<(), Failure> {
        let readers = if self.is_the_machines { Readers::Everybody } else { Readers::Owner };
        let written = world.files.write(&self.file, text.as_bytes(), readers);
        written.map_err(|fault| file_failure(&self.file, &fault))
    }

    /// Takes away what another store holds for the account, once the configuration names the new one.
    pub(super) fn forget_elsewhere(&self, world: &World) {
        if let Some(current) = self.current.as_ref().filter(|current| current.store != self.account.store) {
            forget_stored(world, current);
        }
    }

    /// Writes the file, when it changes, and says so.
    ///
    /// # Errors
    /// [`Cause::ConfigUnreadable`] and [`Cause::UnsafeFile`].
    pub(super) fn write(&self, world: &World, text: &str) -> Result<(), Failure> {
        if text == self.text {
            return Ok(());
        }
        self.replace(world, text)?;
        let (name, file) = (&self.account.name, self.file.display());
        world.terminal.out(&match self.current {
            Some(_) => format!("Changed account {name} in {file}.\n"),
            None => format!("Wrote account {name} to {file}.\n"),
        });
        Ok(())
    }
}

/// What is wrong with a file that is not written yet is wrong with the option the setting is from: the person has not seen
/// that line.
fn blaming(fault: Failure, text: &str, settings: &[FileSetting]) -> Failure {
    blamed(&fault, text, settings).unwrap_or(fault)
}

fn blamed(fault: &Failure, text: &str, settings: &[FileSetting]) -> Option<Failure> {
    let (_, told) = fault.detail.whole().rsplit_once("line ")?;
    let (number, problem) = told.split_once(": ")?;
    let line = text.lines().nth(number.parse::<usize>().ok()?.checked_sub(1)?)?;
    let written = line.split('=').next()?.trim();
    let (key, value) = settings.iter().find(|(key, _)| *key == written)?;
    let words = format!("--{} {value}: {problem}", key.replace('_', "-"));
    Some(Failure::new(Stage::Invocation, Cause::BadValue, words))
}

/// The account of the configuration that is meant, if any.
fn meant(
    accounts: &Accounts,
    arguments: &CommandArguments,
    named: Option<&Address>,
) -> Result<Option<Account>, Failure> {
    match (arguments.value(CommandOption::Account), named) {
        (Some(name), _) => Ok(accounts.named(name).ok().cloned()),
        (None, Some(address)) => Ok(accounts.owner_of(address).cloned()),
        (None, None) => accounts.for_sender(&[]).cloned().map(Some),
    }
}

/// Which of Microsoft's two services another tenant means; a custom one stays what it is.
fn provider_of(arguments: &CommandArguments, current: &Account) -> Option<String> {
    let tenant = arguments.value(CommandOption::Tenant).filter(|tenant| *tenant != current.tenant)?;
    match current.provider.server {
        MailServer::Outlook => Provider::of_tenant(tenant).map(|row| row.name.to_owned()),
        MailServer::Other => None,
    }
}

fn new_name(
    accounts: Option<&Accounts>,
    arguments: &CommandArguments,
    named: Option<&Address>,
) -> Result<String, Failure> {
    let name = match (arguments.value(CommandOption::Account), accounts, named) {
        (Some(name), _, _) => name,
        (None, Some(_), Some(named)) => named.user(),
        (None, _, _) => FIRST_NAME,
    };
    if accounts.is_some_and(|accounts| accounts.named(name).is_ok()) {
        let words = format!("there is an account {name} already; name the new one with --account NAME");
        return Err(Failure::new(Stage::Invocation, Cause::BadValue, words));
    }
    Ok(name.to_owned())
}
