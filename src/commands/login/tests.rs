//! Both flows in a world of fakes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::fake_world::FakeVisit;
use crate::fake_world::{Fakes, account};
use crate::world::{Escapes, HttpsFault, Screen, Status, StoreFault};

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
    keep(&fakes.world(), &account(), &learned, None, Whose::User)?;
    Ok(learned)
}

#[test]
fn a_sign_in_shows_the_servers_words_and_keeps_the_grant() {
    let fakes = Fakes::default();
    fakes.person.screen.set(Some(Screen { columns: 80, escapes: Escapes::Lines }));
    fakes.answers(200, INVITATION).answers(400, &error("authorization_pending"));
    fakes.answers(400, &error("slow_down")).answers(200, &tokens(r#"{"email":"me@outlook.com"}"#));
    let learned = try_login(&fakes).unwrap();
    assert_eq!(learned.address.to_string(), "me@outlook.com");
    assert_eq!(learned.grant.client_id, "configured-id");
    assert_eq!(fakes.clock.slept.borrow().iter().sum::<u64>(), 5 + 5 + 10);
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
    assert!(grant.contains(r#""refresh_token":"R1""#) && grant.contains(r#""address":"me@outlook.com""#), "{grant}");
    assert!(fakes.cache.text().contains("A1"));
    let (out, err) = (fakes.paper.out.borrow(), fakes.paper.err.borrow());
    assert!(out.contains("    https://www.microsoft.com/link\n") && out.contains("    ABCD-EFGH\n"), "{out}");
    assert!(out.ends_with("Signed in as me@outlook.com.\n"), "{out}");
    assert!(err.contains("15:00 left") && err.contains("14:59 left"), "{err}");
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
        ("expired_token", Cause::CodeRanOut),
        ("code_expired", Cause::CodeRanOut),
        ("bad_verification_code", Cause::Bug),
        ("invalid_client", Cause::ClientRejected),
        ("invalid_grant", Cause::DeviceCodeBlocked),
        ("interaction_required", Cause::DeviceCodeBlocked),
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
    fakes.answers(
        200,
        r#"{"device_code":"D1","user_code":"X","verification_uri":"https://u.example","expires_in":"12"}"#,
    );
    for _ in 0..3 {
        fakes.answers(400, &error("authorization_pending"));
    }
    assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::CodeRanOut);
    assert_eq!(fakes.clock.slept.borrow().iter().sum::<u64>(), 12);
}

#[test]
fn a_person_is_sent_to_a_page_and_types_a_code_or_nothing() {
    let page = "https://www.microsoft.com/link";
    let long = format!("https://x.example/{}", "x".repeat(500));
    for bad in ["http://x.example/", "javascript:alert(1)", "https://", "https:///x", "https://x y", "x", &long] {
        let fakes = Fakes::default();
        fakes.answers(200, &INVITATION.replace(page, bad));
        assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::TokenNonsense, "{bad}");
        assert_eq!(fakes.paper.out.borrow().as_str(), "", "{bad}");
    }
    let long = "A".repeat(33);
    for bad in ["", "AB CD", "AB\\u001b[31m", "K\u{f6}de", "ABCD\\nEFGH", &long] {
        let fakes = Fakes::default();
        fakes.answers(200, &INVITATION.replace("ABCD-EFGH", bad));
        assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::TokenNonsense, "{bad}");
    }
}

#[test]
fn a_code_lives_an_hour_at_most() {
    let fakes = Fakes::default();
    fakes.person.screen.set(Some(Screen { columns: 80, escapes: Escapes::Lines }));
    fakes.answers(200, &INVITATION.replace("900", "18446744073709551615")).answers(400, &error("expired_token"));
    assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::CodeRanOut);
    assert!(fakes.paper.err.borrow().contains("60:00 left"), "{}", fakes.paper.err.borrow());
}

#[test]
fn a_sign_in_without_a_refresh_token_is_none() {
    for tokens in [r#"{"access_token":"A1","expires_in":3600}"#, r#"{"access_token":"A1","refresh_token":""}"#] {
        let fakes = Fakes::default();
        fakes.answers(200, INVITATION).answers(200, tokens);
        let failure = try_login(&fakes).err().unwrap();
        assert_eq!(failure.cause, Cause::TokenNonsense);
        assert!(failure.line().starts_with("Microsoft gave no refresh token"), "{}", failure.line());
        assert_eq!(fakes.store.text("grant:me@outlook.com"), "");
    }
}

#[test]
fn the_primary_address_is_the_servers_else_the_persons() {
    let named: Address = "alias@outlook.com".parse().unwrap();
    let fakes = Fakes::default();
    fakes.answers(200, INVITATION).answers(200, &tokens(r#"{"email":"primary@outlook.com"}"#));
    let learned = login(&fakes.world(), &account(), Some(&named), Flow::DeviceCode).unwrap();
    assert_eq!(learned.address.to_string(), "primary@outlook.com");
    keep(&fakes.world(), &account(), &learned, Some(&named), Whose::User).unwrap();
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

#[test]
fn a_code_that_ran_out_is_offered_again() {
    let fakes = Fakes::default();
    fakes.person.answers.borrow_mut().push_back("");
    fakes.answers(200, INVITATION).answers(400, &error("expired_token"));
    fakes.answers(200, &INVITATION.replace("ABCD-EFGH", "IJKL-MNOP")).answers(200, &tokens(r#"{"email":"a@b.c"}"#));
    assert!(try_login(&fakes).is_ok());
    assert!(fakes.paper.out.borrow().contains("    IJKL-MNOP\n"));

    let fakes = Fakes::default();
    fakes.person.answers.borrow_mut().push_back("n");
    fakes.answers(200, INVITATION).answers(400, &error("expired_token"));
    assert_eq!(try_login(&fakes).err().unwrap().cause, Cause::CodeRanOut);
}

#[test]
fn the_qr_code_is_that_of_the_complete_page() {
    let shown = |invitation: &str, screen| {
        let fakes = Fakes::default();
        fakes.person.screen.set(screen);
        fakes.answers(200, invitation).answers(200, &tokens(r#"{"email":"a@b.c"}"#));
        try_login(&fakes).unwrap();
        fakes.paper.out.take()
    };
    let screen = Screen { columns: 80, escapes: Escapes::Colours };
    let complete =
        INVITATION.replacen('{', r#"{"verification_uri_complete":"https://www.microsoft.com/link?otc=ABCD-EFGH","#, 1);
    let drawing = |page| crate::commands::qr::drawing(page, screen).unwrap();
    assert!(shown(INVITATION, Some(screen)).contains(&drawing("https://www.microsoft.com/link")));
    assert!(shown(&complete, Some(screen)).contains(&drawing("https://www.microsoft.com/link?otc=ABCD-EFGH")));
    let plain = shown(INVITATION, None);
    assert!(plain.is_ascii() && !plain.contains('\x1b') && !plain.contains("scan"), "{plain}");
    let narrow = shown(INVITATION, Some(Screen { columns: 30, ..screen }));
    assert!(narrow.is_ascii() && !narrow.contains("scan"), "{narrow}");
}

#[test]
fn a_countdown_never_goes_on_in_the_next_line_and_a_dumb_terminal_gets_it_once() {
    let waited = |screen| {
        let fakes = Fakes::default();
        fakes.person.screen.set(screen);
        fakes.answers(200, INVITATION).answers(200, &tokens(r#"{"email":"a@b.c"}"#));
        try_login(&fakes).unwrap();
        fakes.paper.err.take()
    };
    let narrow = waited(Some(Screen { columns: 20, escapes: Escapes::Lines }));
    assert!(narrow.split("\r\x1b[K").all(|line| line.len() < 20), "{narrow:?}");
    let dumb = waited(Some(Screen { columns: 80, escapes: Escapes::None }));
    assert_eq!(dumb, "Waiting for you to sign in, 15:00 left\n");
    assert_eq!(waited(None), "");
}

#[test]
fn who_has_no_client_id_is_told_how_to_get_one_and_waited_for() {
    let account = Account { client_id: None, ..account() };
    let id = "11111111-2222-3333-4444-555555555555";
    let fakes = Fakes::default();
    fakes.person.answers.borrow_mut().extend(["not one", " 11111111-2222-3333-4444-555555555555 "]);
    fakes.answers(200, INVITATION).answers(200, &tokens(r#"{"email":"a@b.c"}"#));
    assert_eq!(login(&fakes.world(), &account, None, Flow::DeviceCode).unwrap().grant.client_id, id);
    assert!(fakes.https.requests.borrow()[0].contains(&format!("client_id={id}")));
    assert!(fakes.paper.out.borrow().contains("\n 1. Sign in at https://entra.microsoft.com"));

    let fakes = Fakes::default();
    fakes.person.answers.borrow_mut().extend(["a", "b", "c", id]);
    let failure = login(&fakes.world(), &account, None, Flow::DeviceCode).err().unwrap();
    assert_eq!((failure.cause, fakes.person.questions.borrow().len()), (Cause::NoClientId, 3));
}

#[test]
fn a_mailbox_nobody_named_is_asked_for() {
    let fakes = Fakes::default();
    fakes.person.answers.borrow_mut().extend(["me", "me@outlook.com"]);
    fakes.answers(200, INVITATION).answers(200, &tokens(r#"{"preferred_username":"other@x.org"}"#));
    assert_eq!(try_login(&fakes).unwrap().address.to_string(), "me@outlook.com");
}

// -- the browser

fn in_browser(fakes: &Fakes, visits: &[FakeVisit]) -> Result<Learned, Failure> {
    fakes.browser.visits.borrow_mut().extend(visits.iter().copied());
    login(&fakes.world(), &account(), Some(&"me@outlook.com".parse().unwrap()), Flow::Browser)
}

#[test]
fn a_browser_that_comes_back_with_the_state_signs_in() {
    use FakeVisit::Asks;
    let fakes = Fakes::default();
    fakes.answers(200, &tokens(r#"{"email":"me@outlook.com"}"#));
    let visits = [Asks("/favicon.ico"), Asks("/?code=C0&state=x"), Asks("/?code=C1%21&state=STATE&session_state=7")];
    assert_eq!(in_browser(&fakes, &visits).unwrap().address.to_string(), "me@outlook.com");
    assert_eq!(*fakes.browser.answered.borrow(), [Status::NotFound, Status::BadRequest, Status::Ok]);
    let url = fakes.browser.opened.borrow().clone();
    let (page, query) = url.split_once('?').unwrap();
    assert_eq!(page, "https://login.test/consumers/oauth2/v2.0/authorize");
    for field in [
        "response_type=code",
        "client_id=configured-id",
        "redirect_uri=http%3A%2F%2Flocalhost%3A4711",
        "response_mode=query",
        "scope=https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20offline_access%20openid%20email",
        "code_challenge_method=S256",
        "prompt=select_account",
        "login_hint=me%40outlook.com",
    ] {
        assert!(query.split('&').any(|one| one == field), "{field} in {query}");
    }
    let request = fakes.https.requests.borrow()[0].clone();
    assert!(request.contains(" grant_type=authorization_code client_id=configured-id code=C1! "), "{request}");
    assert!(request.contains(" redirect_uri=http://localhost:4711 code_verifier="), "{request}");
    let (out, err) = (fakes.paper.out.borrow(), fakes.paper.err.borrow());
    assert!(out.contains(&format!("\n\n{url}\n\n")), "{out}");
    assert!(!out.contains("C1") && !err.contains("C1"));
}

#[test]
fn the_last_page_may_be_pasted() {
    use FakeVisit::Types;
    let fakes = Fakes::default();
    fakes.answers(200, &tokens(r#"{"email":"me@outlook.com"}"#));
    let visits = [
        Types(""),
        Types("http://localhost:4711/"),
        Types("http://localhost:4711/?code=C0&state=other"),
        Types("  http://localhost:4711/?code=C1&state=STATE#  "),
    ];
    assert!(in_browser(&fakes, &visits).is_ok());
    assert!(fakes.https.requests.borrow()[0].contains(" code=C1 "));
    let err = fakes.paper.err.borrow();
    assert!(err.contains("begins with http://localhost:4711/?") && err.contains("another sign-in"), "{err}");
}

#[test]
fn a_browser_sign_in_ends_in_one_clear_cause() {
    use FakeVisit::Asks;
    for (target, cause) in [
        ("/?error=access_denied&error_description=The+user+has%20denied&state=STATE", Cause::SignInDeclined),
        ("/?error=access_denied&code=C1&state=STATE", Cause::SignInDeclined),
        ("/?error=interaction_required&state=STATE", Cause::SignInDeclined),
        ("/?error=unauthorized_client&state=STATE", Cause::ClientRejected),
        ("/?error=invalid_scope&state=STATE", Cause::ScopeRejected),
        ("/?error=&state=STATE", Cause::ScopeRejected),
        ("/?error=server_error&state=STATE", Cause::TokenUnavailable),
        // None of ours: the time runs out.
        ("/?error=access_denied&state=x", Cause::SignInDeclined),
        ("/?code=C1&state=STATEx", Cause::SignInDeclined),
        ("/?code=C1&state=", Cause::SignInDeclined),
        ("/?code=C1", Cause::SignInDeclined),
        ("/?code=%zz&state=STATE", Cause::SignInDeclined),
    ] {
        let fakes = Fakes::default();
        let failure = in_browser(&fakes, &[Asks(target)]).err().unwrap();
        assert_eq!(failure.cause, cause, "{target}");
        assert!(fakes.https.requests.borrow().is_empty());
    }
    let fakes = Fakes::default();
    fakes.answers(400, &error("invalid_grant").replace("D1", "C1"));
    let failure = in_browser(&fakes, &[Asks("/?code=C1&state=STATE")]).err().unwrap();
    assert_eq!(failure.cause, Cause::SignInDeclined);
    assert!(!failure.record().contains("C1"), "{}", failure.record());
    assert_eq!(*fakes.browser.answered.borrow(), [Status::Ok]);

    let fakes = Fakes::default();
    fakes.browser.deaf.set(true);
    assert_eq!(in_browser(&fakes, &[]).err().unwrap().cause, Cause::LoopbackUnavailable);
}

#[test]
fn nobody_is_waited_for_longer_than_a_quarter_of_an_hour() {
    let fakes = Fakes::default();
    let failure = in_browser(&fakes, &[]).err().unwrap();
    assert!(failure.line().contains("15 minutes"), "{}", failure.line());
    assert_eq!(fakes.clock.slept.borrow().iter().sum::<u64>(), 900);
}
