//! `outlook-sendmail doctor`: what stands in the way on this machine, a line for each thing, with its remedy.

mod broker;
mod checks;
mod finding;
mod http_date;
mod programs;
mod queue;
mod server;

use std::time::{Duration, Instant};

use crate::account::{Account, Accounts};
use crate::commands::doctor::finding::{Finding, Sheet};
use crate::failure::{Cause, Failure};
use crate::invocation::CommandArguments;
use crate::world::World;

/// How long each check may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at everything. Gives 0 when nothing fails, else the status sendmail would end with for the first that does.
pub(super) fn run(world: &World, _arguments: &CommandArguments) -> u8 {
    let mut sheet = Sheet::new(world);
    let loaded = Accounts::load(world);
    let accounts: Vec<Account> = match &loaded {
        Ok(accounts) => {
            let names: Vec<_> = accounts.all().iter().map(|account| account.name.as_str()).collect();
            let noun = if names.len() == 1 { "account" } else { "accounts" };
            let text = format!("{}, {noun} {}", world.places.sending_config().display(), names.join(", "));
            sheet.tell("configuration", Finding::Fine(text));
            accounts.all().to_vec()
        }
        Err(failure) => {
            sheet.tell("configuration", Finding::Bad(failure.clone()));
            // The way to Outlook can be looked at before anybody has an account.
            usual_account().into_iter().collect()
        }
    };
    let mut seen = Vec::new();
    for account in &accounts {
        if accounts.len() > 1 {
            sheet.begin_account(&account.name, &account.address);
        }
        way_to_outlook(world, account, &mut sheet, &mut seen);
        if loaded.is_ok() {
            if world.places.is_own() {
                checks::sign_in(world, account, &mut sheet);
            }
            if let Some(finding) = checks::allowed(world, account) {
                sheet.tell("allow", finding);
            }
            sheet.tell("root's mail", checks::roots_mail(world, account));
        }
    }
    if accounts.len() > 1 {
        sheet.begin_machine();
    }
    if let Some(finding) = broker::look(world) {
        sheet.tell("mail service", finding);
    }
    if let Some(finding) = queue::look(world, &accounts) {
        sheet.tell("queue", finding);
    }
    programs::mail_programs(world, &mut sheet);
    programs::php(world, &mut sheet);
    programs::git(world, &mut sheet);
    sheet.status()
}

/// What anybody's account would be.
fn usual_account() -> Result<Account, Failure> {
    let text = b"[accounts.none]\naddress = \"nobody@outlook.com\"\n";
    let accounts = Accounts::parse("".as_ref(), text)?;
    accounts.for_sender(&[]).cloned()
}

/// Names, ports, certificates and the clock; each way once, however many accounts take it.
fn way_to_outlook(world: &World, account: &Account, sheet: &mut Sheet<'_>, seen: &mut Vec<String>) {
    let mut is_new = |way: String| {
        let is_new = !seen.contains(&way);
        seen.push(way);
        is_new
    };
    if is_new(format!("certificates {:?}", account.tls_ca_file)) {
        sheet.tell("certificates", checks::certificates(world, account));
    }
    let mut nameless = Vec::new();
    for host in checks::hosts(account) {
        if is_new(host.to_owned()) {
            let finding = checks::name(world, host);
            if matches!(finding, Finding::Bad(_)) {
                nameless.push(host);
            }
            sheet.tell("name", finding);
        }
    }
    for (url, clock) in checks::web(account) {
        match nameless.contains(&checks::host_of(&url)) {
            false if is_new(url.clone()) => checks::https(world, account, &url, clock, sheet),
            true => sheet.tell("port 443", checks::not_tried(checks::host_of(&url))),
            false => {}
        }
    }
    if !checks::speaks_smtp(account) {
        let words = "not needed: mail goes through Microsoft Graph, on port 443";
        return sheet.tell(&format!("port {}", account.port), Finding::Unknown(words.to_owned()));
    }
    let submission = format!("{}:{}", account.host, account.port);
    match nameless.contains(&account.host.as_str()) {
        false if is_new(submission) => server::look(world, account, sheet),
        true => sheet.tell(&format!("port {}", account.port), checks::not_tried(&account.host)),
        false => {}
    }
}

/// When a check that begins now has to end.
fn deadline(world: &World) -> Instant {
    world.clock.instant() + PATIENCE
}

/// Whether a failure is one of the store's, and not of what lies in it.
fn is_the_stores(failure: &Failure) -> bool {
    matches!(
        failure.cause,
        Cause::KeyringLocked
            | Cause::KeyringMissing
            | Cause::KeyringHung
            | Cause::SecretExposed
            | Cause::SecretUnreadable
            | Cause::SecretUnwritable
    )
}
