//! Each request, carried out in this process: with an account of its own, or in the broker with the machine's.

use crate::account::{Account, Accounts};
use crate::attempt::attempt;
use crate::credentials::{self, AccessToken, Forgotten, Grant, Origin};
use crate::failure::Failure;
use crate::queue::{self, Viewer};
use crate::report;
use crate::service::{Pace, ServiceRequest, SignIn};
use crate::status;
use crate::world::{STORES, World};

use super::renewal;

/// What came of it: an exit status, and text for standard output.
pub(super) struct Said {
    pub(super) status: u8,
    pub(super) text: String,
}

impl Said {
    pub(super) fn show(self, world: &World) -> u8 {
        report::show(world, &self.text);
        self.status
    }

    fn text(text: String) -> Self {
        Self { status: 0, text }
    }

    fn status(status: u8) -> Self {
        Self { status, text: String::new() }
    }

    fn nothing((): ()) -> Self {
        Self::status(0)
    }
}

/// Carries it out, for somebody who may ask for it.
pub(super) fn carry_out(world: &World, viewer: Viewer, request: &ServiceRequest) -> Result<Said, Failure> {
    match request {
        ServiceRequest::ListQueue => queue::list(world, viewer).map(Said::text),
        ServiceRequest::ShowEntry(id) => queue::show(world, viewer, id.as_str()).map(Said::text),
        ServiceRequest::RetryEntry(id, duplicate) => {
            queue::retry(world, viewer, id.as_str(), *duplicate, &attempt).map(Said::nothing)
        }
        ServiceRequest::DropEntry(id) => queue::drop_message(world, viewer, id.as_str()).map(Said::nothing),
        ServiceRequest::RunQueue(pace) => queue::run_queue(world, may_have(viewer, *pace), &attempt).map(Said::nothing),
        ServiceRequest::Status(columns) => {
            let (status, text) = status::page(world, viewer, *columns)?;
            Ok(Said { status, text })
        }
        ServiceRequest::KeepGrant(sign_in) => keep_grant(world, sign_in).map(Said::nothing),
        ServiceRequest::Forget(account) => forget(world, account).map(Said::text),
        ServiceRequest::Renew => Ok(Said::status(renewal::renew(world))),
    }
}

/// Everybody may ask for what is due; only its owner may hurry all of it.
fn may_have(viewer: Viewer, pace: Pace) -> Pace {
    match viewer {
        Viewer::Everybody => pace,
        Viewer::User(_) => Pace::Due,
    }
}

fn keep_grant(world: &World, sign_in: &SignIn) -> Result<(), Failure> {
    let accounts = Accounts::load(world)?;
    let account = accounts.named(&sign_in.account)?;
    let grant = Grant::from_json(&sign_in.grant)?;
    let token = AccessToken { token: sign_in.token.clone(), expires_at: sign_in.expires_at, origin: Origin::Renewed };
    credentials::keep(world, account, &grant, &token)?;
    // What another store of ours held for it is worth nothing any more, but to a thief.
    let ours = STORES.iter().filter(|row| row.for_the_machine).filter_map(|row| (row.kind)(None));
    for store in ours.filter(|store| *store != account.store) {
        let elsewhere = Account { store, ..account.clone() };
        let _ = credentials::forget_stored(world, &elsewhere, world.clock.instant() + account.deadline);
    }
    Ok(())
}

/// Forgets an account's grants, tokens and password; says which.
fn forget(world: &World, account: &str) -> Result<String, Failure> {
    let accounts = Accounts::load(world)?;
    let account = accounts.named(account)?;
    let forgotten = credentials::forget(world, account, world.clock.instant() + account.deadline)?;
    Ok(farewell(account, &forgotten))
}

fn farewell(account: &Account, forgotten: &[Forgotten]) -> String {
    if forgotten.is_empty() {
        return format!("{} was not signed in.\n", account.address);
    }
    let things: Vec<_> = forgotten.iter().map(|what| in_words(*what)).collect();
    let mut text = format!("Signed out {}: forgot {}.\n", account.address, things.join(" and "));
    let page = account.provider.grants_page;
    if forgotten.contains(&Forgotten::Grant) && !page.is_empty() {
        text.push_str(&format!("Microsoft still has the permission on record; to take it back: {page}\n"));
    }
    text
}

const fn in_words(what: Forgotten) -> &'static str {
    match what {
        Forgotten::Grant => "the sign-in",
        Forgotten::AccessToken => "the access token",
        Forgotten::Password => "the password",
    }
}
