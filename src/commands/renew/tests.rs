use std::path::Path;
use std::time::Duration;

use super::*;
use crate::credentials;
use crate::fake_world::{Fakes, START, account};
use crate::invocation::CommandArguments;
use crate::memory::history::History;
use crate::moments::DAY;
use crate::world::{Escapes, FileFault, Files, HttpsFault, Readers, Screen, StoreFault};

/// A configuration file.
struct Config(&'static str);

impl Files for Config {
    fn read(&self, _: &Path) -> Result<Option<Vec<u8>>, FileFault> {
        Ok((!self.0.is_empty()).then(|| self.0.as_bytes().to_vec()))
    }
    fn read_alias_include(&self, _: &Path) -> Result<Vec<u8>, FileFault> {
        Err(FileFault::NotRegular)
    }
    fn write(&self, _: &Path, _: &[u8], _: Readers) -> Result<(), FileFault> {
        Err(FileFault::NotRegular)
    }
}

/// That of `fake_world`, as a file says it.
const ONE: &str = "[accounts.me]\naddress = \"me@outlook.com\"\nstore = \"file\"\nhost = \"localhost\"\n\
                   endpoints = { authority = \"https://login.test\" }\n";
const TWO: &str = "[accounts.me]\naddress = \"me@outlook.com\"\nstore = \"file\"\n\
                   [accounts.other]\naddress = \"other@outlook.com\"\nstore = \"file\"\n";
const TOKENS: &str = r#"{"access_token":"A1","refresh_token":"R2","expires_in":3600}"#;
const REVOKED: &str = r#"{"error":"invalid_grant","error_description":"AADSTS70000: revoked"}"#;

fn world(fakes: &Fakes, config: &'static str) -> World {
    World { files: Box::new(Config(config)), ..fakes.world() }
}

fn at_a_terminal(fakes: &Fakes) {
    fakes.person.screen.set(Some(Screen { columns: 80, escapes: Escapes::None }));
}

fn away() -> HttpsFault {
    HttpsFault::Network("no route".into())
}

#[test]
fn a_grant_is_renewed_though_a_token_is_cached() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.put("A0", START + 3600);
    fakes.answers(200, TOKENS);
    assert_eq!(renew(&world(&fakes, ONE), &CommandArguments::default()), 0);
    assert!(fakes.store.text("grant:me@outlook.com").contains(r#""refresh_token":"R2""#));
    assert!(fakes.cache.text().contains("A1"));
    assert_eq!(*fakes.locks.acquired.borrow(), ["token:me"]);
    assert_eq!((fakes.paper.out.borrow().as_str(), fakes.paper.err.borrow().as_str()), ("", ""));
}

#[test]
fn what_passes_by_itself_is_tried_again_for_some_minutes() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.fails(away()).fails(away()).answers(200, TOKENS);
    assert_eq!(renew(&world(&fakes, ONE), &CommandArguments::default()), 0);
    assert_eq!(*fakes.clock.slept.borrow(), [10, 30]);
    assert_eq!(fakes.paper.log.borrow().as_str(), "");
}

#[test]
fn a_network_that_stays_away_is_no_failed_renewal_for_two_weeks() {
    let fakes = Fakes::default();
    fakes.grant();
    let world = world(&fakes, ONE);
    let all_away = || (0..=4).for_each(|_| _ = fakes.fails(away()));
    fakes.answers(200, TOKENS);
    assert_eq!(renew(&world, &CommandArguments::default()), 0);

    all_away();
    assert_eq!(renew(&world, &CommandArguments::default()), 75);
    assert!(fakes.paper.log.borrow().starts_with("Warning account=me "), "{}", fakes.paper.log.borrow());
    assert_eq!(History::read(&world, &account().address).unrenewed, None);
    assert_eq!(history::untold(&world, &account().address), None);

    world.clock.sleep(Duration::from_secs((14 + 1) * DAY));
    all_away();
    assert_eq!(renew(&world, &CommandArguments::default()), 69);
    assert!(fakes.paper.log.borrow().contains("Error account=me "), "{}", fakes.paper.log.borrow());
    let line = history::untold(&world, &account().address).unwrap().line;
    assert!(line.starts_with("the sign-in has not been renewed for two weeks: cannot renew the sign-in now: no route"));
}

#[test]
fn one_account_does_not_keep_another_waiting() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.store.put("grant:other@outlook.com", r#"{"refresh_token":"R9","client_id":"id"}"#);
    fakes.fails(away()).answers(400, REVOKED).answers(200, TOKENS);
    assert_eq!(renew(&world(&fakes, TWO), &CommandArguments::default()), 77);
    assert_eq!(*fakes.clock.slept.borrow(), [10]);
    assert_eq!(fakes.https.requests.borrow().len(), 3, "a refusal is not tried again");
    assert_eq!(fakes.paper.err.borrow().matches('\n').count(), 1);
    assert!(fakes.paper.err.borrow().starts_with("sendmail: other: Microsoft wants you to sign in again"));
}

#[test]
fn a_person_is_told_at_once_and_not_again() {
    let fakes = Fakes::default();
    fakes.grant();
    at_a_terminal(&fakes);
    let world = world(&fakes, ONE);
    fakes.fails(away());
    assert_eq!(renew(&world, &CommandArguments::default()), 75);
    assert!(fakes.clock.slept.borrow().is_empty());
    fakes.answers(400, REVOKED);
    assert_eq!(renew(&world, &CommandArguments::default()), 77);
    assert_eq!(History::read(&world, &account().address).unrenewed.unwrap().status, 77);
    assert_eq!(history::untold(&world, &account().address), None);
    fakes.answers(200, TOKENS);
    assert_eq!(renew(&world, &CommandArguments::default()), 0);
    assert_eq!(fakes.paper.out.borrow().as_str(), "me: renewed\n");
}

#[test]
fn a_failure_nobody_saw_is_told_once() {
    let fakes = Fakes::default();
    fakes.grant();
    let world = world(&fakes, ONE);
    fakes.answers(400, REVOKED);
    assert_eq!(renew(&world, &CommandArguments::default()), 77);
    let said = fakes.paper.err.borrow().len();
    tell(&world, Command::Doctor);
    assert_eq!(fakes.paper.err.borrow().len(), said, "nobody looks");
    at_a_terminal(&fakes);
    tell(&world, Command::Renew);
    assert_eq!(fakes.paper.err.borrow().len(), said, "says it itself");
    tell(&world, Command::Doctor);
    assert!(
        fakes.paper.err.borrow()[said..].starts_with("sendmail: the sign-in of me could not be renewed: Microsoft")
    );
    let said = fakes.paper.err.borrow().len();
    tell(&world, Command::Doctor);
    assert_eq!(fakes.paper.err.borrow().len(), said, "told already");
}

#[test]
fn status_tells_it_too() {
    let fakes = Fakes::default();
    fakes.grant();
    let world = world(&fakes, ONE);
    fakes.answers(400, REVOKED);
    renew(&world, &CommandArguments::default());
    let arguments = CommandArguments::default().with(CommandOption::Json, "");
    at_a_terminal(&fakes);
    assert_eq!(crate::commands::status::status(&world, &arguments), 77);
    let arguments = CommandArguments::default();
    assert_eq!(crate::commands::status::status(&world, &arguments), 77);
    let said = fakes.paper.err.borrow().len();
    tell(&world, Command::Doctor);
    assert_eq!(fakes.paper.err.borrow().len(), said);
    assert!(fakes.https.requests.borrow().len() == 1, "status asks nobody");
}

#[test]
fn nobody_signed_in_is_nothing_to_renew_and_a_grant_that_is_gone_is() {
    let fakes = Fakes::default();
    let world = world(&fakes, ONE);
    assert_eq!(renew(&world, &CommandArguments::default()), 0);
    history::renewed(&world, &account().address);
    assert_eq!(renew(&world, &CommandArguments::default()), 77);
    assert!(fakes.paper.err.borrow().starts_with("sendmail: me: not signed in"));
    credentials::forget(&world, &account(), fakes.deadline()).unwrap();
    assert_eq!(renew(&world, &CommandArguments::default()), 0);
}

#[test]
fn no_account_is_a_failure_only_for_who_looks() {
    let fakes = Fakes::default();
    assert_eq!(renew(&world(&fakes, ""), &CommandArguments::default()), 0);
    assert_eq!(renew(&world(&fakes, "[accounts.me]\n"), &CommandArguments::default()), 78);
    at_a_terminal(&fakes);
    assert_eq!(renew(&world(&fakes, ""), &CommandArguments::default()), 78);
}

#[test]
fn a_locked_keyring_passes_and_a_missing_one_does_not() {
    for (fault, status, tries) in [(StoreFault::Locked, 75, 5), (StoreFault::Missing("no bus".into()), 78, 1)] {
        let fakes = Fakes::default();
        *fakes.store.opening.borrow_mut() = Some(fault);
        assert_eq!(renew(&world(&fakes, ONE), &CommandArguments::default()), status);
        assert_eq!(fakes.store.opened.get(), tries);
    }
}

#[test]
fn the_timer_is_enabled_or_somebody_is_told_how() {
    let fakes = Fakes::default();
    at_a_terminal(&fakes);
    enable_timer(&fakes.world(), &account());
    enable_timer(&fakes.world(), &Account { auth: AuthKind::Password, ..account() });
    assert_eq!(*fakes.user_units.enabled.borrow(), ["outlook-sendmail-renew.timer"]);
    assert_eq!(fakes.paper.out.borrow().as_str(), "");
    for (fault, advice) in [
        (UnitFault::NoManager, "Let cron run outlook-sendmail renew"),
        (UnitFault::NotInstalled, "Let cron run outlook-sendmail renew"),
        (
            UnitFault::Failed("no bus".into()),
            "(no bus). Run: systemctl --user enable --now outlook-sendmail-renew.timer",
        ),
    ] {
        fakes.paper.out.borrow_mut().clear();
        *fakes.user_units.fault.borrow_mut() = Some(fault);
        enable_timer(&fakes.world(), &account());
        let said = fakes.paper.out.borrow().split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(advice), "{said}");
    }
    fakes.person.screen.set(None);
    fakes.paper.out.borrow_mut().clear();
    enable_timer(&fakes.world(), &account());
    assert_eq!(fakes.paper.out.borrow().as_str(), "");
}
