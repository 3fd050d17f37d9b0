//! Renewal, races, rotation and refusals, against a scripted endpoint.

use std::rc::Rc;

use super::*;
use crate::account::TransportKind;
use crate::fake_world::{Fakes, START, account};
use crate::world::{HttpsAnswer, HttpsFault, StoreFault};

const RENEWED: &str = r#"{"token_type":"Bearer","access_token":"A2","refresh_token":"R2","expires_in":3600}"#;

fn token_text(token: &AccessToken) -> &str {
    token.token.reveal_text().unwrap()
}

fn cause(fakes: &Fakes) -> Cause {
    access_token(&fakes.world(), &account(), fakes.deadline()).unwrap_err().cause
}

#[test]
fn a_cached_token_costs_nothing() {
    let fakes = Fakes::default();
    fakes.cache.put("A1", START + 600);
    let token = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!((token_text(&token), token.origin), ("A1", Origin::Cached));
    assert_eq!(fakes.store.opened.get(), 0, "the keyring is left alone");
    assert!(fakes.locks.acquired.borrow().is_empty());
}

#[test]
fn a_token_in_memory_is_not_given_to_another_configurations_account_of_the_same_name() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.put("A1", START + 3600);
    // Another mailbox has another grant as well.
    fakes.store.put("grant:you@outlook.com", r#"{"refresh_token":"R1"}"#);
    let others = [
        Account { address: "You@outlook.com".parse().unwrap(), ..account() },
        Account { authority: "https://elsewhere.test".into(), ..account() },
        Account { host: "smtp.elsewhere.test".into(), ..account() },
    ];
    for other in others {
        fakes.answers(200, r#"{"access_token":"A2","refresh_token":"R1"}"#);
        let token = access_token(&fakes.world(), &other, fakes.deadline()).unwrap();
        assert_eq!((token_text(&token), token.origin), ("A2", Origin::Renewed));
    }
    let token = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!(token_text(&token), "A1");
}

#[test]
fn a_token_in_the_store_is_not_either_and_a_refresh_token_stays_with_its_authority() {
    let fakes = Fakes::default();
    fakes.cache.works.set(false);
    fakes.grant();
    fakes.answers(200, RENEWED);
    access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    let other = Account { host: "smtp.elsewhere.test".into(), ..account() };
    fakes.answers(200, r#"{"access_token":"A3","refresh_token":"R2","expires_in":3600}"#);
    assert_eq!(token_text(&access_token(&fakes.world(), &other, fakes.deadline()).unwrap()), "A3");

    fakes
        .store
        .put("grant:me@outlook.com", r#"{"refresh_token":"R1","client_id":"c","authority":"https://elsewhere.test"}"#);
    fakes.store.put("access:me", "{}");
    let requests = fakes.https.requests.borrow().len();
    let failure = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap_err();
    assert_eq!((failure.cause, fakes.https.requests.borrow().len()), (Cause::NoGrant, requests));
}

#[test]
fn one_with_less_than_ten_minutes_is_renewed() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.put("A1", START + 599);
    fakes.answers(200, RENEWED);
    let token = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!((token_text(&token), token.origin), ("A2", Origin::Renewed));
    assert_eq!(
        *fakes.https.requests.borrow(),
        ["https://login.test/consumers/oauth2/v2.0/token client_id=configured-id grant_type=refresh_token \
          refresh_token=R1 scope=S offline_access"]
    );
    assert!(fakes.cache.text().contains("A2"));
    assert!(fakes.cache.text().contains(&format!("{}", START + 3600)));
    assert!(fakes.store.text("grant:me@outlook.com").contains(r#""refresh_token":"R2","client_id":"grant-id""#));
    assert_eq!(*fakes.locks.acquired.borrow(), ["token:me"]);
    let again = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!(token_text(&again), "A2");
}

#[test]
fn who_waited_for_the_lock_uses_what_the_other_process_got() {
    let fakes = Fakes::default();
    fakes.grant();
    let cache = Rc::clone(&fakes.cache);
    *fakes.locks.meanwhile.borrow_mut() = Some(Box::new(move || cache.put("A9", START + 3600)));
    let token = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!(token_text(&token), "A9");
    assert!(fakes.https.requests.borrow().is_empty());
}

#[test]
fn without_a_lock_it_renews_all_the_same() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.locks.broken.set(true);
    fakes.answers(200, RENEWED);
    assert!(access_token(&fakes.world(), &account(), fakes.deadline()).is_ok());
}

#[test]
fn a_refused_token_is_renewed_unless_another_process_did() {
    let refused = AccessToken {
        token: Secret::from("A1"),
        expires_at: SystemTime::UNIX_EPOCH + Duration::from_secs(START + 3000),
        origin: Origin::Cached,
    };
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.put("A1", START + 3000);
    fakes.answers(200, RENEWED);
    let token = renewed(&fakes.world(), &account(), &refused, fakes.deadline()).unwrap();
    assert_eq!(token_text(&token), "A2");
    let token = renewed(&fakes.world(), &account(), &refused, fakes.deadline()).unwrap();
    assert_eq!((token_text(&token), token.origin), ("A2", Origin::Cached));
    assert_eq!(fakes.https.requests.borrow().len(), 1);
}

#[test]
fn without_a_kernel_keyring_the_store_keeps_the_token() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.works.set(false);
    fakes.answers(200, RENEWED);
    access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert!(fakes.store.text("access:me").contains("A2"));
    let token = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!((token_text(&token), token.origin), ("A2", Origin::Cached));
}

#[test]
fn an_unchanged_refresh_token_is_not_written_again_the_same_day() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.answers(200, r#"{"access_token":"A2","refresh_token":"R1"}"#);
    access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert!(fakes.store.saves.borrow().is_empty());
}

#[test]
fn a_store_that_cannot_be_written_does_not_stop_the_mail() {
    let fakes = Fakes::default();
    fakes.grant();
    *fakes.store.saving.borrow_mut() = Some(StoreFault::Unwritable("disk full".into()));
    fakes.answers(200, RENEWED);
    let token = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!(token_text(&token), "A2");
    let log = fakes.paper.log.borrow();
    assert!(log.contains("Warning account=me") && log.contains("disk full"), "{log}");
    assert!(!log.contains("R2") && !log.contains("A2"), "{log}");
}

#[test]
fn neither_cache_nor_store_does_not_stop_the_mail() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.works.set(false);
    *fakes.store.saving.borrow_mut() = Some(StoreFault::Locked);
    fakes.answers(200, RENEWED);
    assert!(access_token(&fakes.world(), &account(), fakes.deadline()).is_ok());
}

#[test]
fn every_refusal_has_its_cause() {
    let cases = [
        (400, "invalid_grant", Cause::GrantRejected),
        (400, "interaction_required", Cause::GrantRejected),
        (400, "consent_required", Cause::GrantRejected),
        (400, "login_required", Cause::GrantRejected),
        (401, "invalid_client", Cause::ClientRejected),
        (400, "unauthorized_client", Cause::ClientRejected),
        (400, "invalid_scope", Cause::ScopeRejected),
        (400, "invalid_resource", Cause::ScopeRejected),
        (400, "invalid_request", Cause::ScopeRejected),
        (400, "something_new", Cause::ScopeRejected),
        (400, "temporarily_unavailable", Cause::TokenUnavailable),
        (400, "server_error", Cause::TokenUnavailable),
        (429, "invalid_request", Cause::TokenUnavailable),
        (503, "invalid_grant", Cause::TokenUnavailable),
    ];
    for (status, code, expected) in cases {
        let fakes = Fakes::default();
        fakes.grant();
        let body = format!(r#"{{"error":"{code}","error_description":"AADSTS1: token R1 is bad.\r\nTrace ID: 7"}}"#);
        fakes.answers(status, &body);
        let failure = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap_err();
        assert_eq!(failure.cause, expected, "{status} {code}");
        assert_eq!(failure.detail.short(), format!("{code}: AADSTS1: token (redacted) is bad."));
        assert!(fakes.store.saves.borrow().is_empty(), "a refusal never spoils the grant");
    }
}

#[test]
fn what_is_no_oauth_has_its_cause() {
    let cases = [
        (200, "<html>sign in to the Wi-Fi</html>", Cause::TokenNonsense),
        (200, r#"{"access_token":""}"#, Cause::TokenNonsense),
        (200, r#"{"access_token":"a\u0001auth=Bearer b"}"#, Cause::TokenNonsense),
        (200, r#"{"refresh_token":"R2"}"#, Cause::TokenNonsense),
        (302, "", Cause::TokenNonsense),
        (400, "Bad Request", Cause::TokenNonsense),
        (404, "<html>", Cause::TokenNonsense),
        (502, "<html>", Cause::TokenUnavailable),
    ];
    for (status, body, expected) in cases {
        let fakes = Fakes::default();
        fakes.grant();
        fakes.answers(status, body);
        assert_eq!(cause(&fakes), expected, "{status} {body}");
    }
}

#[test]
fn faults_of_the_connection_have_their_causes() {
    for (fault, expected) in [
        (HttpsFault::Network("no route".into()), Cause::TokenUnavailable),
        (HttpsFault::Certificate("UnknownIssuer".into()), Cause::TokenCertificate),
        (HttpsFault::Nonsense("not https".into()), Cause::TokenNonsense),
    ] {
        let fakes = Fakes::default();
        fakes.grant();
        fakes.fails(fault);
        assert_eq!(cause(&fakes), expected);
    }
}

#[test]
fn a_busy_endpoint_is_waited_for_once_when_there_is_time() {
    let busy = |seconds| Ok(HttpsAnswer { status: 429, retry_after: Some(seconds), body: "".into() });
    let fakes = Fakes::default();
    fakes.grant();
    fakes.https.answers.borrow_mut().push_back(busy(20));
    fakes.answers(200, RENEWED);
    assert!(access_token(&fakes.world(), &account(), fakes.deadline()).is_ok());
    assert_eq!(*fakes.clock.slept.borrow(), [20]);

    let fakes = Fakes::default();
    fakes.grant();
    fakes.https.answers.borrow_mut().push_back(busy(31));
    assert_eq!(cause(&fakes), Cause::TokenUnavailable);
    assert!(fakes.clock.slept.borrow().is_empty());
}

#[test]
fn faults_of_the_store_have_their_causes() {
    for (fault, expected) in [
        (StoreFault::Locked, Cause::KeyringLocked),
        (StoreFault::Missing("no bus".into()), Cause::KeyringMissing),
        (StoreFault::Hung, Cause::KeyringHung),
        (StoreFault::Exposed("0644".into()), Cause::SecretExposed),
        (StoreFault::Unreadable("EIO".into()), Cause::SecretUnreadable),
    ] {
        let fakes = Fakes::default();
        *fakes.store.loading.borrow_mut() = Some(fault.clone());
        assert_eq!(cause(&fakes), expected);
        let fakes = Fakes::default();
        *fakes.store.opening.borrow_mut() = Some(fault);
        assert_eq!(cause(&fakes), expected);
    }
}

#[test]
fn without_a_grant_or_with_a_broken_one_a_person_has_to_sign_in() {
    let fakes = Fakes::default();
    assert_eq!(cause(&fakes), Cause::NoGrant);
    for broken in ["", "{}", "not JSON: R1", r#"{"refresh_token":""}"#, r#"{"refresh_token":["R1"]}"#] {
        fakes.store.put("grant:me@outlook.com", broken);
        let failure = access_token(&fakes.world(), &account(), fakes.deadline()).unwrap_err();
        assert_eq!(failure.cause, Cause::SecretUnreadable, "{broken}");
        assert!(!failure.log_text().contains("R1"), "{}", failure.log_text());
    }
}

#[test]
fn a_spoiled_cache_is_no_cache() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.store.put("access:me", "not JSON");
    fakes.answers(200, RENEWED);
    assert!(access_token(&fakes.world(), &account(), fakes.deadline()).is_ok());
}

#[test]
fn the_client_id_is_the_configurations_else_the_grants() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.answers(200, RENEWED);
    let unconfigured = Account { client_id: None, ..account() };
    access_token(&fakes.world(), &unconfigured, fakes.deadline()).unwrap();
    assert!(fakes.https.requests.borrow()[0].contains("client_id=grant-id "));

    if PACKAGED_CLIENT_ID.is_none() {
        let fakes = Fakes::default();
        fakes.store.put("grant:me@outlook.com", r#"{"refresh_token":"R1"}"#);
        let failure = access_token(&fakes.world(), &unconfigured, fakes.deadline()).unwrap_err();
        assert_eq!(failure.cause, Cause::NoClientId);
    }
}

#[test]
fn a_sign_in_waits_for_a_renewal_under_way() {
    let fakes = Fakes::default();
    fakes.grant();
    let store = Rc::clone(&fakes.store);
    *fakes.locks.meanwhile.borrow_mut() =
        Some(Box::new(move || store.put("grant:me@outlook.com", r#"{"refresh_token":"R2"}"#)));
    let grant: Grant = serde_json::from_str(r#"{"refresh_token":"fresh"}"#).unwrap();
    let token = AccessToken {
        token: Secret::from("A5"),
        expires_at: SystemTime::UNIX_EPOCH + Duration::from_secs(START + 3600),
        origin: Origin::Renewed,
    };
    keep(&fakes.world(), &account(), &grant, &token).unwrap();
    assert_eq!(*fakes.locks.acquired.borrow(), ["token:me"]);
    assert!(fakes.store.text("grant:me@outlook.com").contains("fresh"));
    assert!(fakes.cache.text().contains("A5"));
}

#[test]
fn forgetting_leaves_nothing() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.put("A1", START + 3000);
    fakes.store.put("access:me", "{}");
    forget(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!(fakes.cache.text() + &fakes.store.text("grant:me@outlook.com") + &fakes.store.text("access:me"), "");
}

#[test]
fn each_transport_renews_its_own_grant_with_its_own_scope() {
    let fakes = Fakes::default();
    fakes.grant();
    fakes.cache.put("A1", START + 3600);
    let graph = Account { transport: TransportKind::Graph, ..account() };
    let renewal = || access_token(&fakes.world(), &graph, fakes.deadline());
    assert_eq!(renewal().unwrap_err().cause, Cause::NoGrant, "neither SMTP's token nor its grant is one for Graph");
    let grant = |scope: &str| format!(r#"{{"refresh_token":"G1","client_id":"id","scope":"{scope}"}}"#);
    fakes.store.put("grant:graph:me@outlook.com", &grant("https://graph.microsoft.com/Mail.Send offline_access"));
    assert_eq!(renewal().unwrap_err().cause, Cause::NoGrant, "another cloud's grant is none for this one");
    assert!(fakes.https.requests.borrow().is_empty());
    fakes.store.put("grant:graph:me@outlook.com", &grant("https://graph.test/Mail.Send offline_access"));
    fakes.answers(200, RENEWED);
    assert_eq!(token_text(&renewal().unwrap()), "A2");
    let request = fakes.https.requests.borrow()[0].clone();
    assert!(request.contains("refresh_token=G1 scope=https://graph.test/Mail.Send offline_access"), "{request}");
    assert!(fakes.store.text("grant:graph:me@outlook.com").contains("R2"));
    assert!(fakes.store.text("grant:me@outlook.com").contains("R1"));
    assert_eq!(renewal().unwrap().origin, Origin::Cached);

    forget(&fakes.world(), &account(), fakes.deadline()).unwrap();
    assert_eq!(renewal().unwrap_err().cause, Cause::NoGrant, "signing out is from every transport");
    assert_eq!(cause(&fakes), Cause::NoGrant);
}
