//! Names without a domain, or with this machine's: who gets their mail (decision 13 of DECISIONS.md).

use lettre::Address;

use crate::account::{Account, file_failure};
use crate::address::AddrSpec;
use crate::envelope::aliases::{Aliases, Expansion};
use crate::envelope::changes::Via;
use crate::failure::{Cause, Failure, Stage};
use crate::world::{Caller, FileFault, Files, Log, Priority};

/// Resolves local names for one account; reads the alias file at the first one.
pub struct LocalNames<'a> {
    account: &'a Account,
    caller: &'a Caller,
    files: &'a dyn Files,
    log: &'a dyn Log,
    aliases: std::cell::OnceCell<Aliases>,
    /// Whether the log knows what is odd in the file.
    told: std::cell::Cell<bool>,
}

impl<'a> LocalNames<'a> {
    /// For this account, on this machine.
    pub fn new(account: &'a Account, caller: &'a Caller, files: &'a dyn Files, log: &'a dyn Log) -> Self {
        Self { account, caller, files, log, aliases: std::cell::OnceCell::new(), told: std::cell::Cell::new(false) }
    }

    /// Whether the address names somebody on this machine rather than a mailbox elsewhere.
    pub fn is_local(&self, address: &AddrSpec) -> bool {
        let Some(domain) = &address.domain else { return true };
        // A machine that calls itself outlook.com in /etc/mailname must not capture the world's mail.
        let own = std::iter::once(&self.account.address).chain(&self.account.send_as);
        !own.into_iter().any(|address| address.domain().eq_ignore_ascii_case(domain))
            && self.caller.local_domains.iter().any(|local| local.eq_ignore_ascii_case(domain))
    }

    /// Who gets mail for `address`: itself when it is not local, else whom the alias file names, else
    /// `local_mail_to`, else the account. Never empty.
    ///
    /// # Errors
    /// [`Cause::Aliases`], [`Cause::UnsafeFile`] and their like for the alias file; [`Cause::AddressSyntax`].
    pub fn resolve(&self, address: &AddrSpec) -> Result<Vec<Address>, Failure> {
        Ok(self.trace(address)?.into_iter().map(|(address, _)| address).collect())
    }

    /// The same, each with what led to it.
    ///
    /// # Errors
    /// Those of [`Self::resolve`].
    pub fn trace(&self, address: &AddrSpec) -> Result<Vec<(Address, Via)>, Failure> {
        if !self.is_local(address) {
            return Ok(vec![(to_lettre(address)?, Via::AsWritten)]);
        }
        let expansion = self.expand(&address.local)?;
        let of_file = if self.told.replace(true) { &[][..] } else { self.aliases()?.oddities() };
        for warning in of_file.iter().chain(&expansion.warnings) {
            self.log.record(Priority::Warning, &format!("aliases: {warning}"));
        }
        let unclaimed = if self.account.local_mail_to.is_some() { Via::LocalMailTo } else { Via::Account };
        let mut found: Vec<(Address, Via)> = Vec::new();
        for target in &expansion.targets {
            let (target, via) = match self.is_local(target) {
                true => (self.owner().clone(), unclaimed),
                false => (to_lettre(target)?, Via::Aliases),
            };
            if !found.iter().any(|(other, _)| *other == target) {
                found.push((target, via));
            }
        }
        if found.is_empty() {
            found.push((self.owner().clone(), unclaimed));
        }
        Ok(found)
    }

    /// What is wrong in the alias file, a line each.
    pub fn problems(&self) -> Vec<String> {
        let aliases = match self.aliases() {
            Ok(aliases) => aliases,
            Err(failure) => return vec![failure.line()],
        };
        let outcomes = aliases.names().map(|name| self.expand(&name));
        let problems = aliases.oddities().iter().cloned().chain(outcomes.flat_map(|outcome| match outcome {
            Ok(expansion) => expansion.warnings,
            Err(failure) => vec![failure.line()],
        }));
        let mut distinct: Vec<String> = Vec::new();
        for problem in problems {
            if !distinct.contains(&problem) {
                distinct.push(problem);
            }
        }
        distinct
    }

    /// Who gets what nobody else claims.
    fn owner(&self) -> &Address {
        self.account.local_mail_to.as_ref().unwrap_or(&self.account.address)
    }

    fn expand(&self, name: &str) -> Result<Expansion, Failure> {
        let include = |path: &std::path::Path| {
            self.files.read_alias_include(path).map_err(|fault| match fault {
                FileFault::Unreadable(problem) => problem,
                FileFault::WritableByOthers => "it must be root's and not writable by others".to_owned(),
                FileFault::ByWayOfOthers(place) => format!("others own or can write {}", place.display()),
                FileFault::NotRegular => "not a regular file".to_owned(),
                FileFault::TooLarge => "too large".to_owned(),
            })
        };
        let is_local = |address: &AddrSpec| self.is_local(address);
        self.aliases()?
            .expand(name, &include, &is_local)
            .map_err(|words| Failure::new(Stage::Envelope, Cause::Aliases, words))
    }

    fn aliases(&self) -> Result<&Aliases, Failure> {
        if let Some(aliases) = self.aliases.get() {
            return Ok(aliases);
        }
        let file = &self.account.aliases;
        let content = self.files.read(file).map_err(|fault| file_failure(file, &fault))?;
        let aliases = match content {
            Some(content) => Aliases::parse(file, &content),
            None if self.account.aliases_by_default() => Aliases::default(),
            None => {
                let words = format!("{}: no such file", file.display());
                return Err(Failure::new(Stage::Envelope, Cause::Aliases, words));
            }
        };
        Ok(self.aliases.get_or_init(|| aliases))
    }
}

/// An address fit for the envelope.
///
/// # Errors
/// [`Cause::AddressSyntax`] or [`Cause::AddressControl`].
pub fn to_lettre(address: &AddrSpec) -> Result<Address, Failure> {
    address.to_lettre().map_err(|fault| address_failure(&fault))
}

/// An unreadable address as a failure of this stage.
pub fn address_failure(fault: &crate::address::AddressFault) -> Failure {
    use crate::address::AddressFault;
    let (cause, words) = match fault {
        AddressFault::Control(words) => (Cause::AddressControl, words),
        AddressFault::Syntax(words) => (Cause::AddressSyntax, words),
    };
    Failure::new(Stage::Envelope, cause, words.clone())
}
