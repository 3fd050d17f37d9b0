//! Where every account stands: signed in or not, until when, and what became of its last message.

use std::time::Duration;

use crate::account::{Account, Accounts, AuthKind};
use crate::credentials;
use crate::failure::{ExitStatus, Failure, for_account, for_the_system};
use crate::memory::history::{History, PastFailure};
use crate::memory::send_as::{KnownSenders, Said};
use crate::moments::unix_seconds;
use crate::queue::{self, Tally, Viewer};
use crate::submission::pace;
use crate::world::{KeyPlace, World};

mod json;
mod judgement;
mod page;
mod text;

pub use json::Report;
pub use page::{blocks, load, own_report, page};
pub use text::{Paint, block, outbox_words};

/// The longest wait for an account's store: one that works answers in milliseconds.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// One account, looked at now. Nothing of it was asked of the network.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The account.
    pub account: &'a Account,
    /// Whether it is used when nothing else decides.
    pub preferred: bool,
    /// In one word.
    pub state: State,
    /// What is wrong, if anything.
    pub problem: Option<Problem>,
    /// How it signs in; `None` when the store does not say.
    pub sign_in: Option<SignIn>,
    /// What became of messages and renewals.
    pub history: History,
    /// Every other address of the mailbox, and what the server last said of it.
    pub send_as: Vec<(String, Option<Said>)>,
    /// Where the key of its store is, if that has one.
    pub key: Option<KeyPlace>,
    /// What lies in the outbox; told with one account of those that share it.
    pub outbox: Option<Tally>,
    /// How much of its pace is used up.
    pub pace: Pace,
    /// When this was found, in Unix seconds.
    pub now: u64,
}

/// An account's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Mail goes.
    SignedIn,
    /// Mail goes, and will not for long.
    LapsesSoon,
    /// Mail goes perhaps: the last renewal failed.
    RenewalFails,
    /// Outlook refuses all mail of the account.
    Blocked,
    /// Nobody is signed in, or no longer.
    SignInNeeded,
    /// The store does not tell.
    StoreAway,
}

/// What is wrong with an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The exit status that says so.
    pub status: u8,
    /// What it is, and what to do.
    pub line: String,
}

impl Problem {
    /// Without its name, login would sign in to the account that is used when nothing else decides.
    fn name_account(&mut self, name: &str) {
        if [LOGIN.to_owned(), for_the_system(LOGIN)].iter().any(|login| self.line.ends_with(login)) {
            self.line = for_account(&self.line, name);
        }
    }
}

/// The advice that is about one account.
const LOGIN: &str = "run: outlook-sendmail login";

/// How an account signs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignIn {
    /// With a grant.
    Grant(GrantTimes),
    /// With a password, which does not lapse.
    Password,
}

/// When a grant was given and used, in Unix seconds; 0 when it does not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantTimes {
    /// When a person signed in.
    pub signed_in_at: u64,
    /// When it was last renewed, to a day.
    pub renewed_at: u64,
    /// When it lapses unless it is used.
    pub lapses_at: Option<u64>,
}

/// How many messages an account may send at once, and how many of them it just has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// So many are used up.
    pub used: u64,
    /// Of so many.
    pub limit: u64,
}

impl<'a> Standing<'a> {
    /// Looks at every account, for somebody.
    pub fn of_all(world: &World, accounts: &'a Accounts, viewer: Viewer) -> Vec<Self> {
        let preferred = accounts.for_sender(&[]).ok().map(|account| account.name.as_str());
        let of = |account: &'a Account| Self::of(world, account, preferred == Some(&account.name), viewer);
        let mut standings: Vec<_> = accounts.all().iter().map(of).collect();
        let teller = standings.iter().position(|standing| standing.preferred).unwrap_or_default();
        if let Some(standing) = standings.get_mut(teller) {
            standing.outbox = queue::tally(world, viewer).ok();
        }
        standings
    }

    fn of(world: &World, account: &'a Account, preferred: bool, viewer: Viewer) -> Self {
        let now = unix_seconds(world.clock.now());
        let sign_in = sign_in(world, account, now).map_err(|failure| failure.about(world.places.whose()));
        let mut history = History::read(world, &account.address);
        let (state, mut problem) = match viewer {
            Viewer::Everybody => judgement::judge(&sign_in, &history, now),
            Viewer::User(_) => {
                // A server's words may name whom somebody else wrote to; ours say what is wrong with the account.
                history.failed.iter_mut().for_each(PastFailure::keep_sentence);
                let judged = judgement::judge(&sign_in, &history, now);
                history.failed.iter_mut().for_each(|failed| failed.line.clear());
                judged
            }
        };
        if let Some(problem) = problem.as_mut().filter(|_| !preferred) {
            problem.name_account(&account.name);
        }
        let (sign_in, send_as) = (sign_in.ok(), send_as(world, account, viewer));
        let key = credentials::key_place(world, account, world.clock.instant() + STORE_PATIENCE);
        let pace = Pace { used: pace::used(world, account), limit: pace::BURST };
        Self { account, preferred, state, problem, sign_in, history, send_as, key, outbox: None, pace, now }
    }

    /// The exit status that tells its state.
    pub fn status(&self) -> u8 {
        self.problem.as_ref().map_or(0, |problem| problem.status)
    }
}

fn sign_in(world: &World, account: &Account, now: u64) -> Result<SignIn, Failure> {
    let until = world.clock.instant() + STORE_PATIENCE;
    match account.auth {
        AuthKind::Password => credentials::check_password(world, account, until).map(|()| SignIn::Password),
        AuthKind::OAuth2 => {
            let grant = credentials::stored_grant(world, account, until)?;
            let (signed_in_at, renewed_at) = (grant.signed_in_at, grant.renewed_at);
            let lapses_at = judgement::lapses_at(account, signed_in_at, renewed_at, now);
            Ok(SignIn::Grant(GrantTimes { signed_in_at, renewed_at, lapses_at }))
        }
    }
}

/// Those of the configuration, then those that `from = "pass"` let through, which are their senders' own business.
fn send_as(world: &World, account: &Account, viewer: Viewer) -> Vec<(String, Option<Said>)> {
    let known = KnownSenders::load(world, account);
    let listed = account.send_as.iter().map(|address| (address.to_string(), known.said(address)));
    let passed = known.passed(account).filter(|_| viewer == Viewer::Everybody);
    listed.chain(passed.map(|(address, said)| (address, Some(said)))).collect()
}

/// The worst of several exit statuses: what passes by itself is the least of them.
pub fn worst(statuses: impl IntoIterator<Item = u8>) -> u8 {
    let rank = |status: &u8| (*status != 0, *status != ExitStatus::Temporary as u8, *status);
    statuses.into_iter().max_by_key(rank).unwrap_or(0)
}

impl State {
    /// Every one, for the manual.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 6] =
        [Self::SignedIn, Self::LapsesSoon, Self::RenewalFails, Self::Blocked, Self::SignInNeeded, Self::StoreAway];

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::LapsesSoon => "lapses-soon",
            Self::RenewalFails => "renewal-fails",
            Self::Blocked => "blocked",
            Self::SignInNeeded => "sign-in-needed",
            Self::StoreAway => "store-away",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Stage};
    use crate::fake_world::{Fakes, account};

    #[test]
    fn advice_names_the_account() {
        let named = |line: &str, name: &str| {
            let mut problem = Problem { status: 77, line: line.into() };
            problem.name_account(name);
            problem.line
        };
        assert_eq!(named("x -- run: outlook-sendmail login", "a"), "x -- run: outlook-sendmail login --account a");
        let system = named("x -- run: outlook-sendmail login --system", "a");
        assert_eq!(system, "x -- run: outlook-sendmail login --system --account a");
        assert_eq!(named("x -- run: outlook-sendmail renew", "a"), "x -- run: outlook-sendmail renew");
        assert!(named("x -- run: outlook-sendmail login", "it's").ends_with(r"--account 'it'\''s'"));
    }

    #[test]
    fn a_user_learns_that_the_account_is_blocked_and_not_what_was_said_to_another() {
        let fakes = Fakes::default();
        fakes.grant();
        let (world, account) = (fakes.world(), account());
        let words = "554 5.7.0 from boss@example.com to rival@example.com";
        let failure = Failure::new(Stage::Submission, Cause::Suspended, words);
        crate::memory::history::message(&world, &account.address, Err(&failure));
        let seen = |viewer| Standing::of(&world, &account, true, viewer);
        let (root, user) = (seen(Viewer::Everybody), seen(Viewer::User(7)));
        assert!(root.problem.unwrap().line.contains("rival@example.com"));
        assert!(matches!(user.state, State::Blocked));
        let line = user.problem.unwrap().line;
        assert!(!line.is_empty() && failure.line().starts_with(&line) && !line.contains("example.com"), "{line}");
        assert_eq!(user.history.failed.unwrap().line, "");
    }

    #[test]
    fn the_worst_status_is_never_one_that_passes() {
        assert_eq!(worst([]), 0);
        assert_eq!(worst([0, 75, 0]), 75);
        assert_eq!(worst([0, 75, 69]), 69);
        assert_eq!(worst([77, 78, 75]), 78);
    }
}
