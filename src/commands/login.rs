//! `login`: a person signs in once, in any browser, and mail goes out from then on.

use std::time::Duration;

use lettre::Address;

use crate::account::Account;
use crate::credentials::device_code::{self, Invitation, SignedIn};
use crate::credentials::{self, AccessToken, Grant};
use crate::failure::{Cause, Failure, Stage};
use crate::world::World;

/// What a sign-in taught us, for the configuration.
pub struct Learned {
    /// The mailbox's primary address.
    pub address: Address,
    /// What the person gave.
    pub grant: Grant,
    /// What it opens for the next hour.
    pub token: AccessToken,
}

/// How a person signs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// A code, typed on any device (RFC 8628).
    DeviceCode,
    /// A browser on this machine, or one whose last page is pasted (RFC 8252).
    Browser,
}

/// Signs in to `account`; nothing is stored yet. Of the account, `client_id`, `provider`, `tenant`, `authority`, `store`
/// and `tls_ca_file` count; `named` is the address the person gave, if any.
///
/// # Errors
///
/// The causes of "signing in"; the store is tried first, so that nobody signs in for nothing.
pub fn login(world: &World, account: &Account, named: Option<&Address>, flow: Flow) -> Result<Learned, Failure> {
    match flow {
        Flow::DeviceCode => {}
        Flow::Browser => return Err(Failure::new(Stage::Invocation, Cause::Unsupported, "login --browser")),
    }
    let previous = credentials::previous_grant(world, account)?;
    let invitation = device_code::invite(world, account, previous.as_ref())?;
    world.terminal.out(&instructions(&invitation));
    let watched = world.input.is_terminal();
    let outcome = device_code::wait(world, account, &invitation, &mut |left| {
        if watched {
            world.terminal.err(&countdown(left));
        }
    });
    if watched {
        world.terminal.err(ERASE_LINE);
    }
    let SignedIn { address, mut grant, token } = outcome?;
    let address = address.or_else(|| named.cloned()).ok_or_else(|| {
        let advice = "Microsoft did not say which mailbox it is; name it: outlook-sendmail login ADDRESS";
        Failure::new(Stage::Credentials, Cause::SignInDeclined, advice)
    })?;
    grant.address = address.to_string();
    Ok(Learned { address, grant, token })
}

/// Stores what was learned as the account's, and says so.
///
/// # Errors
///
/// The causes of the store.
pub fn keep(world: &World, account: &Account, learned: &Learned, named: Option<&Address>) -> Result<(), Failure> {
    credentials::keep(world, account, &learned.grant, &learned.token)?;
    world.terminal.out(&welcome(&learned.address, named));
    Ok(())
}

/// Back to the line's start, and clear it (ECMA-48 EL).
const ERASE_LINE: &str = "\r\x1b[K";

fn instructions(invitation: &Invitation) -> String {
    format!(
        "To sign in, open this page on any device:\n\n    {}\n\nand enter this code, which works for {} minutes:\n\n    {}\n\n",
        invitation.verification_uri.whole(),
        invitation.life.as_secs() / 60,
        invitation.user_code.whole(),
    )
}

fn countdown(left: Duration) -> String {
    format!("{ERASE_LINE}Waiting for you to sign in, {}:{:02} left", left.as_secs() / 60, left.as_secs() % 60)
}

fn welcome(address: &Address, named: Option<&Address>) -> String {
    match named {
        Some(named) if !named.to_string().eq_ignore_ascii_case(address.as_ref()) => {
            format!("Signed in. The mailbox of {named} is called {address}; that is the account's address.\n")
        }
        Some(_) | None => format!("Signed in as {address}.\n"),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::credentials::fake_world::{Fakes, account};
    use crate::world::{HttpsFault, StoreFault};

    const INVITATION: &str = r#"{"device_code":"D1","user_code":"ABCD-EFGH","expires_in":900,"interval":5,
        "verification_uri":"https://www.microsoft.com/link","message":"To sign in, ..."}"#;

    fn tokens(claims: &str) -> String {
        let id_token = format!("e30.{}.s", URL_SAFE_NO_PAD.encode(claims));
        format!(r#"{{"access_token":"A1","refresh_token":"R1","expires_in":3600,"id_token":"{id_token}"}}"#)
    }

    fn error(code: &str) -> String {
        format!(r#"{{"error":"{code}","error_description":"AADSTS7: D1 is not good"}}"#)
    }

    fn try_login(fakes: &Fakes) -> Result<Learned, Failure> {
        let learned = login(&fakes.world(), &account(), None, Flow::DeviceCode)?;
        keep(&fakes.world(), &account(), &learned, None)?;
        Ok(learned)
    }

    #[test]
    fn a_sign_in_shows_the_servers_words_and_keeps_the_grant() {
        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).answers(400, &error("authorization_pending"));
        fakes.answers(400, &error("slow_down")).answers(200, &tokens(r#"{"email":"me@outlook.com"}"#));
        let learned = try_login(&fakes).unwrap();
        assert_eq!(learned.address.to_string(), "me@outlook.com");
        assert_eq!(learned.grant.client_id, "configured-id");
        assert_eq!(*fakes.clock.slept.borrow(), [5, 5, 10]);
        let requests = fakes.https.requests.borrow();
        assert_eq!(
            requests[0],
            "https://login.test/consumers/oauth2/v2.0/devicecode client_id=configured-id \
             scope=https://outlook.office.com/SMTP.Send offline_access openid email"
        );
        assert_eq!(
            requests[1],
            "https://login.test/consumers/oauth2/v2.0/token \
             grant_type=urn:ietf:params:oauth:grant-type:device_code client_id=configured-id device_code=D1"
        );
        let grant = fakes.store.text("grant:me@outlook.com");
        assert!(
            grant.contains(r#""refresh_token":"R1""#) && grant.contains(r#""address":"me@outlook.com""#),
            "{grant}"
        );
        assert!(fakes.cache.text().contains("A1"));
        let (out, err) = (fakes.paper.out.borrow(), fakes.paper.err.borrow());
        assert!(out.contains("    https://www.microsoft.com/link\n") && out.contains("    ABCD-EFGH\n"), "{out}");
        assert!(out.ends_with("Signed in as me@outlook.com.\n"), "{out}");
        assert!(err.contains("15:00 left") && err.contains("14:50 left"), "{err}");
        for secret in ["A1", "R1", "D1"] {
            assert!(!out.contains(secret) && !err.contains(secret), "{secret}");
        }
    }

    #[test]
    fn the_network_may_fail_while_we_wait() {
        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).fails(HttpsFault::Network("gone".into())).answers(503, "<html>");
        fakes.answers(200, &tokens(r#"{"email":"me@outlook.com"}"#));
        assert!(try_login(&fakes).is_ok());
    }

    #[test]
    fn an_end_is_an_end() {
        for (code, cause) in [
            ("authorization_declined", Cause::SignInDeclined),
            ("access_denied", Cause::SignInDeclined),
            ("expired_token", Cause::SignInDeclined),
            ("code_expired", Cause::SignInDeclined),
            ("bad_verification_code", Cause::Bug),
            ("invalid_client", Cause::ClientRejected),
            ("invalid_grant", Cause::GrantRejected),
        ] {
            let fakes = Fakes::default();
            fakes.answers(200, INVITATION).answers(400, &error(code));
            let failure = try_login(&fakes).err().unwrap();
            assert_eq!(failure.cause, cause, "{code}");
            assert!(!failure.record().contains("D1"), "{}", failure.record());
            assert_eq!(fakes.store.text("grant:me@outlook.com"), "");
        }
        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).fails(HttpsFault::Certificate("changed".into()));
        assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::TokenCertificate);
    }

    #[test]
    fn a_code_runs_out_by_our_own_clock_too() {
        let fakes = Fakes::default();
        fakes.answers(200, r#"{"device_code":"D1","user_code":"X","verification_uri":"u","expires_in":"12"}"#);
        for _ in 0..3 {
            fakes.answers(400, &error("authorization_pending"));
        }
        assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::SignInDeclined);
        assert_eq!(*fakes.clock.slept.borrow(), [5, 5, 2]);
    }

    #[test]
    fn the_primary_address_is_the_servers_else_the_persons() {
        let named: Address = "alias@outlook.com".parse().unwrap();
        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).answers(200, &tokens(r#"{"email":"primary@outlook.com"}"#));
        let learned = login(&fakes.world(), &account(), Some(&named), Flow::DeviceCode).unwrap();
        assert_eq!(learned.address.to_string(), "primary@outlook.com");
        keep(&fakes.world(), &account(), &learned, Some(&named)).unwrap();
        assert!(fakes.paper.out.borrow().contains("The mailbox of alias@outlook.com is called primary@outlook.com"));

        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).answers(200, &tokens("{}"));
        let learned = login(&fakes.world(), &account(), Some(&named), Flow::DeviceCode).unwrap();
        assert_eq!((learned.address, learned.grant.address.as_str()), (named, "alias@outlook.com"));

        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).answers(200, &tokens("{}"));
        assert!(try_login(&fakes).err().unwrap().line().contains("login ADDRESS"));
    }

    #[test]
    fn nobody_signs_in_for_a_store_that_is_not_there() {
        for fault in [StoreFault::Locked, StoreFault::Hung, StoreFault::Missing("no bus".into())] {
            let fakes = Fakes::default();
            *fakes.store.loading.borrow_mut() = Some(fault);
            assert!(try_login(&fakes).is_err());
            assert!(fakes.https.requests.borrow().is_empty() && fakes.paper.out.borrow().is_empty());
        }
    }

    #[test]
    fn a_store_that_fails_afterwards_is_told() {
        let fakes = Fakes::default();
        *fakes.store.saving.borrow_mut() = Some(StoreFault::Unwritable("disk full".into()));
        fakes.answers(200, INVITATION).answers(200, &tokens(r#"{"email":"me@outlook.com"}"#));
        assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::SecretUnwritable);
        assert!(!fakes.paper.out.borrow().contains("Signed in"));
    }

    #[test]
    fn signing_in_again_needs_no_client_id() {
        let fakes = Fakes::default();
        fakes.grant();
        fakes.answers(200, INVITATION).answers(200, &tokens(r#"{"email":"me@outlook.com"}"#));
        let unconfigured = Account { client_id: None, ..account() };
        assert_eq!(login(&fakes.world(), &unconfigured, None, Flow::DeviceCode).unwrap().grant.client_id, "grant-id");
    }

    #[test]
    fn no_refresh_token_is_no_sign_in() {
        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).answers(200, r#"{"access_token":"A1"}"#);
        assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::TokenNonsense);
    }
}
