//! Every grant is used once a week, so that none lapses, and one that died is noticed before a message is.

use std::time::{Duration, Instant};

use crate::account::{Account, Accounts, AuthKind};
use crate::credentials;
use crate::failure::{Cause, ExitStatus, Failure, Stage};
use crate::memory::history::{self, History};
use crate::moments::{DAY, unix_seconds};
use crate::report;
use crate::status::worst;
use crate::world::{Priority, Stream, World};

/// A laptop that just woke up has no network for a while.
const PAUSES: [u64; 4] = [10, 30, 60, 120];

/// The longest all of it may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// The longest wait for one account.
const EACH: Duration = Duration::from_secs(45);

/// After so many days without a renewal, what keeps it from working does not pass by itself. The timer has tried twice
/// by then, and 76 days are left.
const OVERDUE: u64 = 14;

/// Renews every account's grant, whatever is cached, and gives the worst status.
pub(super) fn renew(world: &World) -> u8 {
    let accounts = match Accounts::load(world) {
        Ok(accounts) => accounts,
        // A timer enabled for every user finds most of them without an account.
        Err(failure) if failure.cause == Cause::NoAccount && !is_watched(world) => return 0,
        Err(failure) => return report::complain(world, &failure),
    };
    let deadline = world.clock.instant() + PATIENCE;
    let mut pauses = PAUSES.iter();
    let mut waiting: Vec<&Account> = accounts.all().iter().collect();
    let mut statuses = Vec::new();
    loop {
        let outcomes: Vec<_> = waiting.iter().map(|account| (*account, renew_one(world, account, deadline))).collect();
        let pause = pauses.next().filter(|pause| !is_watched(world) && has_time(world, **pause, deadline));
        waiting.clear();
        for (account, outcome) in outcomes {
            match outcome {
                Ok(()) => {}
                Err(failure) if failure.exit_status() == ExitStatus::Temporary && pause.is_some() => {
                    waiting.push(account);
                }
                Err(failure) => statuses.push(told(world, account, failure)),
            }
        }
        match pause {
            Some(pause) if !waiting.is_empty() => world.clock.sleep(Duration::from_secs(*pause)),
            Some(_) | None => return worst(statuses),
        }
    }
}

/// A person can try again, and would rather know at once.
fn is_watched(world: &World) -> bool {
    world.person.screen(Stream::Error).is_some()
}

fn has_time(world: &World, pause: u64, deadline: Instant) -> bool {
    world.clock.instant() + Duration::from_secs(pause) < deadline
}

fn renew_one(world: &World, account: &Account, deadline: Instant) -> Result<(), Failure> {
    if account.auth == AuthKind::Password {
        return Ok(());
    }
    match credentials::renew_grant(world, account, deadline.min(world.clock.instant() + EACH)) {
        // Nobody signed in, or somebody signed out.
        Err(failure) if failure.cause == Cause::NoGrant && was_never_renewed(world, account) => Ok(()),
        Err(failure) => Err(failure),
        Ok(()) => {
            renew_spare(world, account, deadline);
            if world.person.screen(Stream::Output).is_some() {
                report::show(world, &format!("{}: renewed\n", account.name));
            }
            Ok(())
        }
    }
}

/// The grant of the transport that is not used now must not lapse either; that it cannot be renewed keeps no mail back.
fn renew_spare(world: &World, account: &Account, deadline: Instant) {
    let spare = Account { transport: account.transport.other(), ..account.clone() };
    match credentials::renew_spare_grant(world, &spare, deadline.min(world.clock.instant() + EACH)) {
        Ok(()) => {}
        Err(failure) if failure.cause == Cause::NoGrant => {}
        Err(failure) => {
            let transport = spare.transport.word();
            let text =
                format!("account={} its sign-in for {transport} not renewed: {}", account.name, failure.record());
            world.log.record(Priority::Warning, &text);
        }
    }
}

fn was_never_renewed(world: &World, account: &Account) -> bool {
    let history = History::read(world, &account.address);
    history.renewed.is_none() && history.unrenewed.is_none()
}

/// Says what failed to whoever looks: now, in the log, in `status`, and the next time somebody is at a terminal. What
/// may pass by itself is only logged, until it has lasted too long. Gives the exit status.
fn told(world: &World, account: &Account, failure: Failure) -> u8 {
    let failure = failure.about(world.places.whose());
    let failure = if is_overdue(world, account, &failure) { overdue(&failure) } else { failure };
    let text = format!("account={} address={} not renewed: {}", account.name, account.address, failure.record());
    if failure.exit_status() == ExitStatus::Temporary {
        world.log.record(Priority::Warning, &text);
    } else {
        world.log.record(Priority::Error, &text);
        if is_watched(world) {
            history::refused(world, &account.address, &failure);
        } else {
            history::failed_unseen(world, &account.address, &failure);
        }
    }
    report::warn(world, &format!("{}: {}", account.name, failure.line()));
    failure.exit_status() as u8
}

fn is_overdue(world: &World, account: &Account, failure: &Failure) -> bool {
    let now = unix_seconds(world.clock.now());
    let renewed = History::read(world, &account.address).renewed;
    failure.exit_status() == ExitStatus::Temporary
        && renewed.is_some_and(|renewed| now.saturating_sub(renewed) > OVERDUE * DAY)
}

fn overdue(failure: &Failure) -> Failure {
    let words = [failure.cause.row().sentence, failure.detail.whole()];
    let words: Vec<_> = words.into_iter().filter(|words| !words.is_empty()).collect();
    Failure::new(Stage::Credentials, Cause::RenewalOverdue, words.join(": ")).about(failure.whose)
}
