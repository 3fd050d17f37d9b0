//! Names, certificates, HTTPS, the clock, the sign-in and the alias file.

use std::time::{Duration, SystemTime};

use crate::account::{Account, AuthKind, TransportKind};
use crate::address::AddrSpec;
use crate::commands::doctor::finding::{Finding, Sheet};
use crate::commands::doctor::{deadline, http_date, is_the_stores};
use crate::credentials::{self, Grant, Origin};
use crate::envelope::{LocalNames, Via};
use crate::failure::{Cause, Failure, Stage, Whose};
use crate::moments::DAY;
use crate::submission::smtp::lost;
use crate::world::{HttpsFault, World};

/// A clock off by more makes certificates and tokens look wrong.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// Whether an answer's Date is compared with our clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Compared,
    Ignored,
}

pub(super) fn speaks_smtp(account: &Account) -> bool {
    account.transport == TransportKind::Smtp
}

/// Every host the account needs.
pub(super) fn hosts(account: &Account) -> Vec<&str> {
    let submission = if speaks_smtp(account) { &account.host } else { host_of(&account.graph) };
    match account.auth {
        AuthKind::OAuth2 => vec![submission, host_of(&account.authority)],
        AuthKind::Password => vec![submission],
    }
}

/// `login.microsoftonline.com` of `https://login.microsoftonline.com:443/x`.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    let host = rest.split('/').next().unwrap_or(rest);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

pub(super) fn name(world: &World, host: &str) -> Finding {
    match world.machine.resolve(host, deadline(world)) {
        Ok(addresses) => {
            let shown: Vec<_> = addresses.iter().take(2).map(String::as_str).collect();
            let more = addresses.len().saturating_sub(shown.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Finding::Fine(format!("{host} is {}{more}", shown.join(", ")))
        }
        Err(fault) => Finding::Bad(lost("the name", fault)),
    }
}

/// What cannot be connected to.
pub(super) fn not_tried(host: &str) -> Finding {
    Finding::Unknown(format!("not tried: {host} has no address"))
}

pub(super) fn certificates(world: &World, account: &Account) -> Finding {
    match world.machine.anchors(account.ca_file()) {
        Ok(anchors) if anchors.count == 0 => {
            Finding::Bad(Failure::new(Stage::Submission, Cause::TrustAnchors, "there are none on this machine"))
        }
        Ok(anchors) => {
            let place = anchors.place.map(|place| format!("{}", place.display()));
            let own = account.tls_ca_file.as_ref().map(|file| format!("{}", file.display()));
            let places: Vec<_> = place.into_iter().chain(own).collect();
            Finding::Fine(format!("{} to trust, in {}", anchors.count, places.join(" and ")))
        }
        Err(words) => Finding::Bad(Failure::new(Stage::Submission, Cause::TrustAnchors, words)),
    }
}

/// What is reached over HTTPS.
pub(super) fn web(account: &Account) -> Vec<(String, Clock)> {
    let authority = (account.auth == AuthKind::OAuth2).then(|| (account.authority.clone(), Clock::Compared));
    let graph = (!speaks_smtp(account)).then(|| (account.graph.clone(), Clock::Ignored));
    authority.into_iter().chain(graph).collect()
}

pub(super) fn https(world: &World, account: &Account, url: &str, clock: Clock, sheet: &mut Sheet<'_>) {
    let outcome = world.machine.https_date(account.ca_file(), url, deadline(world));
    let date = outcome.as_ref().ok().and_then(|date| http_date::parse(date));
    let port = format!("port {}", port_of(url));
    sheet.tell(
        &port,
        match outcome {
            Ok(_) => Finding::Fine(format!("{} answers, certificate verified", host_of(url))),
            Err(fault) => Finding::Bad(https_failure(fault, host_of(url))),
        },
    );
    if clock == Clock::Compared {
        sheet.tell("clock", judged_clock(world.clock.now(), date));
    }
}

fn port_of(url: &str) -> &str {
    let host = url.strip_prefix("https://").unwrap_or(url).split('/').next().unwrap_or_default();
    let port = host.rsplit_once(':').map(|(_, port)| port);
    port.filter(|port| port.bytes().all(|octet| octet.is_ascii_digit())).unwrap_or("443")
}

fn https_failure(fault: HttpsFault, host: &str) -> Failure {
    let (cause, words) = match fault {
        HttpsFault::Certificate(words) => (Cause::TokenCertificate, words),
        HttpsFault::Network(words) => (Cause::TokenUnavailable, words),
        HttpsFault::Nonsense(words) => (Cause::TokenNonsense, words),
    };
    Failure::new(Stage::Credentials, cause, format!("{host}: {}", words.whole()))
}

fn judged_clock(now: SystemTime, date: Option<SystemTime>) -> Finding {
    let Some(date) = date else { return Finding::Unknown("not known without an answer from there".to_owned()) };
    let (off, way) = match now.duration_since(date) {
        Ok(ahead) => (ahead, "ahead"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if off <= CLOCK_TOLERANCE {
        return Finding::Fine("agrees with Microsoft's".to_owned());
    }
    let minutes = off.as_secs() / 60;
    Finding::Odd(
        format!("{minutes} minutes {way}: certificates and tokens will look wrong"),
        "set it, or run: timedatectl set-ntp true".to_owned(),
    )
}

/// The store, what is in it, and whether Microsoft still honours that.
pub(super) fn sign_in(world: &World, account: &Account, sheet: &mut Sheet<'_>) {
    let stored = match account.auth {
        AuthKind::OAuth2 => credentials::stored_grant(world, account, deadline(world)),
        AuthKind::Password => return password(world, account, sheet),
    };
    match stored {
        Err(failure) if is_the_stores(&failure) => {
            sheet.tell("store", Finding::Bad(failure));
            sheet.tell("sign-in", Finding::Unknown("not known without the store".to_owned()));
        }
        Err(failure) => {
            sheet.tell("store", reached(account));
            sheet.tell("sign-in", Finding::Bad(failure));
        }
        Ok(grant) => {
            sheet.tell("store", reached(account));
            sheet.tell("client id", client_id(account, &grant));
            sheet.tell("sign-in", days_left(account, &grant, world.clock.now()));
            sheet.tell("renewal", renewal(world, account));
        }
    }
}

/// Whether the server takes it, only AUTH tells.
fn password(world: &World, account: &Account, sheet: &mut Sheet<'_>) {
    match credentials::check_password(world, account, deadline(world)) {
        Err(failure) if is_the_stores(&failure) => {
            sheet.tell("store", Finding::Bad(failure));
            sheet.tell("sign-in", Finding::Unknown("not known without the store".to_owned()));
        }
        outcome => {
            sheet.tell("store", reached(account));
            let kept = |()| Finding::Fine(format!("with a password, kept for {}; it does not lapse", account.host));
            sheet.tell("sign-in", outcome.map_or_else(Finding::Bad, kept));
        }
    }
}

fn reached(account: &Account) -> Finding {
    Finding::Fine(format!("{} can be reached and read", account.store.word()))
}

fn client_id(account: &Account, grant: &Grant) -> Finding {
    let known = credentials::client_id_and_source(account, Some(grant));
    known.map_or_else(Finding::Bad, |(_, whose)| Finding::Fine(whose.to_owned()))
}

fn days_left(account: &Account, grant: &Grant, now: SystemTime) -> Finding {
    let Some(days) = account.provider.unused_days else {
        return Finding::Fine("kept; how long it lasts without use, only its server knows".to_owned());
    };
    let renewed = SystemTime::UNIX_EPOCH + Duration::from_secs(grant.renewed_at.min(u64::from(u32::MAX)));
    let age = now.duration_since(renewed).unwrap_or_default();
    match Duration::from_secs(days * DAY).checked_sub(age) {
        Some(left) => Finding::Fine(format!("kept, and good for {} days without use", left.as_secs().div_ceil(DAY))),
        None => Finding::Odd(
            format!("it was not used for {days} days and has probably lapsed"),
            "run: outlook-sendmail login".to_owned(),
        ),
    }
}

/// Asks Microsoft, whatever is cached: a grant that was taken back still looks good here.
fn renewal(world: &World, account: &Account) -> Finding {
    let until = deadline(world);
    let token = credentials::access_token(world, account, until).and_then(|token| match token.origin {
        Origin::Cached => credentials::renewed(world, account, &token, until),
        Origin::Renewed => Ok(token),
    });
    token.map_or_else(Finding::Bad, |_| Finding::Fine("Microsoft renewed the sign-in just now".to_owned()))
}

/// Whether this user may send through the machine's account; `None` where it is this user's own.
pub(super) fn allowed(world: &World, account: &Account) -> Option<Finding> {
    match world.places.whose() {
        Whose::User => return None,
        Whose::System => {}
    }
    let caller = &world.caller;
    let login = caller.login.as_str();
    if account.admits(login, |group| world.users.belongs_to(caller.uid, caller.gid, group)) {
        return Some(Finding::Fine(format!("{login} may send through account {}", account.name)));
    }
    Some(Finding::Bad(Failure::new(Stage::Account, Cause::NotAllowed, login)))
}

pub(super) fn roots_mail(world: &World, account: &Account) -> Finding {
    let names = LocalNames::new(account, &world.caller, &*world.files, &*world.log);
    let root = AddrSpec { local: "root".to_owned(), domain: None };
    match names.trace(&root) {
        Ok(targets) => {
            let file = account.aliases.display();
            let told = targets.iter().map(|(address, via)| match via {
                Via::Aliases | Via::AsWritten => format!("{address} ({file})"),
                Via::LocalMailTo => format!("{address} (local_mail_to)"),
                Via::Account => format!("{address} (the account: {file} names nobody)"),
            });
            let text = format!("goes to {}", told.collect::<Vec<_>>().join(", "));
            match names.problems().as_slice() {
                [] => Finding::Fine(text),
                [problem, ..] => Finding::Odd(
                    format!("{text}; but {problem}"),
                    format!("put {file} right; newaliases says what is wrong in it"),
                ),
            }
        }
        Err(failure) => Finding::Bad(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        assert_eq!(host_of("https://login.microsoftonline.com"), "login.microsoftonline.com");
        assert_eq!((host_of("https://localhost:8443/x"), port_of("https://localhost:8443/x")), ("localhost", "8443"));
        assert_eq!((host_of("https://[::1]"), port_of("https://[::1]")), ("[::1]", "443"));
    }

    #[test]
    fn five_minutes_are_forgiven() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(matches!(judged_clock(at(1300), Some(at(1000))), Finding::Fine(_)));
        assert!(matches!(judged_clock(at(1000), Some(at(1300))), Finding::Fine(_)));
        let Finding::Odd(text, _) = judged_clock(at(1000), Some(at(1480))) else { panic!() };
        assert!(text.starts_with("8 minutes behind"));
        assert!(matches!(judged_clock(at(0), None), Finding::Unknown(_)));
    }
}
