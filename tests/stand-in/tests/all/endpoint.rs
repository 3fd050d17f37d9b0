//! The token endpoint as a client sees it.

use std::time::Duration;

use crate::client::{Client, exchange, outlook, post, xoauth2};
use serde_json::Value;
use stand_in::{Answer, DeviceFlow, DeviceOutcome, Options, Outlook};

const TOKEN: &str = "/consumers/oauth2/v2.0/token";
const DEVICE: &str = "/consumers/oauth2/v2.0/devicecode";
const SCOPE: &str = "https%3A%2F%2Foutlook.office.com%2FSMTP.Send+offline_access+openid+email";
const CLIENT: &str = "client_id=11111111-2222-3333-4444-555555555555";

fn json(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

fn refresh(outlook: &Outlook, token: &str) -> (u16, Value) {
    let form = format!("{CLIENT}&grant_type=refresh_token&refresh_token={token}&scope={SCOPE}");
    let (status, body) = post(outlook, TOKEN, &form);
    (status, json(&body))
}

#[test]
fn refresh_tokens_rotate_and_the_old_one_stays() {
    let outlook = outlook();
    let first = outlook.refresh_token();
    let (status, answer) = refresh(&outlook, &first);
    assert_eq!((status, answer["expires_in"].as_u64()), (200, Some(3599)));
    let second = answer["refresh_token"].as_str().unwrap();
    assert_ne!(second, first);
    assert_eq!(outlook.endpoint.newest_refresh_token().as_deref(), Some(second));
    assert_eq!((refresh(&outlook, &first).0, refresh(&outlook, second).0), (200, 200));
    assert_eq!(outlook.endpoint.refreshes(), 3);
    let token = answer["access_token"].as_str().unwrap();
    let auth = format!("AUTH XOAUTH2 {}", xoauth2("someone@outlook.com", token));
    assert!(Client::in_tls(&outlook).say(&auth).starts_with("235"));
    outlook.tokens.revoke_all_refresh();
    let (status, answer) = refresh(&outlook, second);
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")));
}

#[test]
fn reuse_can_be_punished() {
    let outlook = Outlook::start(Options { revoke_on_reuse: true, ..Options::new(crate::client::ca_file()) }).unwrap();
    let first = outlook.refresh_token();
    assert_eq!((refresh(&outlook, &first).0, refresh(&outlook, &first).0), (200, 400));
}

#[test]
fn a_browser_is_sent_back_or_shown_why_not() {
    let outlook = outlook();
    let good = format!(
        "{CLIENT}&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A4711&response_mode=query&scope={SCOPE}\
         &state=0123456789012345678901234&prompt=select_account&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let page = |query: &str| {
        let path = "/consumers/oauth2/v2.0/authorize";
        exchange(&outlook, &format!("GET {path}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    };
    let sent_back = page(&good);
    assert!(sent_back.starts_with("HTTP/1.1 302 "), "{sent_back}");
    assert!(sent_back.contains("\r\nLocation: http://localhost:4711/?code=M.C5"), "{sent_back}");
    assert!(sent_back.contains("&state=0123456789012345678901234\r\n"), "{sent_back}");
    for (from, to) in [("S256", "plain"), ("code_challenge=E9", "code_challenge="), ("select_account", "none")] {
        let answer = page(&good.replace(from, to));
        assert!(answer.contains("\r\nLocation: http://localhost:4711/?error=invalid_request&"), "{answer}");
    }
    for (from, to, code) in [("localhost", "127.0.0.1", "AADSTS50011"), ("11111111-", "x", "AADSTS700016")] {
        let answer = page(&good.replace(from, to));
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(code), "{answer}");
    }
    assert!(post(&outlook, "/consumers/oauth2/v2.0/authorize", &good).0 >= 400);
}

#[test]
fn wrong_requests_are_refused() {
    let outlook = outlook();
    let error = |path: &str, form: &str| json(&post(&outlook, path, form).1)["error"].as_str().unwrap().to_owned();
    assert_eq!(error("/common/oauth2/v2.0/token", CLIENT), "invalid_request");
    assert_eq!(error(TOKEN, "client_id=x&grant_type=refresh_token"), "unauthorized_client");
    assert_eq!(error(TOKEN, &format!("{CLIENT}&grant_type=refresh_token&refresh_token=x")), "invalid_scope");
    assert_eq!(error(TOKEN, &format!("{CLIENT}&client_secret=x&grant_type=refresh_token")), "invalid_request");
    assert_eq!(post(&outlook, "/", CLIENT).0, 404);
    assert_eq!(outlook.endpoint.requests()[1].field("client_id"), Some("x"));
}

#[test]
fn a_device_signs_in() {
    use base64::Engine;
    let outlook = outlook();
    outlook.endpoint.set_device_flow(DeviceFlow { pending: 2, slow_down: 1, ..DeviceFlow::default() });
    let (status, body) = post(&outlook, DEVICE, &format!("{CLIENT}&scope={SCOPE}"));
    assert_eq!(status, 200);
    let code = json(&body)["device_code"].as_str().unwrap().to_owned();
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
    let poll = || post(&outlook, TOKEN, &format!("{CLIENT}&grant_type={grant}&device_code={code}"));
    let errors: Vec<_> = (0..3).map(|_| json(&poll().1)["error"].as_str().unwrap().to_owned()).collect();
    assert_eq!(errors, ["authorization_pending", "authorization_pending", "slow_down"]);
    let (status, body) = poll();
    assert_eq!(status, 200);
    let answer = json(&body);
    let claims = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    assert_eq!(json(std::str::from_utf8(&claims).unwrap())["email"], "someone@outlook.com");
    assert_eq!(refresh(&outlook, answer["refresh_token"].as_str().unwrap()).0, 200);
    assert_eq!(json(&poll().1)["error"], "bad_verification_code");
}

#[test]
fn a_device_is_declined_or_too_late() {
    for (outcome, error) in
        [(DeviceOutcome::Declined, "authorization_declined"), (DeviceOutcome::Expired, "expired_token")]
    {
        let outlook = outlook();
        outlook.endpoint.set_device_flow(DeviceFlow { pending: 0, outcome, ..DeviceFlow::default() });
        let (_, body) = post(&outlook, DEVICE, &format!("{CLIENT}&scope={SCOPE}"));
        let code = json(&body)["device_code"].as_str().unwrap().to_owned();
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        let (status, body) = post(&outlook, TOKEN, &format!("{CLIENT}&grant_type={grant}&device_code={code}"));
        assert_eq!((status, json(&body)["error"].as_str()), (400, Some(error)));
    }
}

#[test]
fn scripted_answers_come_first() {
    let outlook = outlook();
    let token = outlook.refresh_token();
    outlook.endpoint.answer_next([
        Answer::grant_expired(),
        Answer::client_not_public(),
        Answer::too_many_requests(30),
        Answer::unavailable(5),
        Answer::html(),
        Answer::garbage(),
        Answer::huge(3_000_000),
        Answer::Drop,
        Answer::Delayed(Duration::from_millis(20), Box::new(Answer::Usual)),
    ]);
    let (status, answer) = refresh(&outlook, &token);
    assert!(status == 400 && answer["error_description"].as_str().unwrap().starts_with("AADSTS700082: "));
    let form = format!("{CLIENT}&grant_type=refresh_token&refresh_token={token}&scope={SCOPE}");
    let statuses: Vec<_> = (0..7).map(|_| post(&outlook, TOKEN, &form).0).collect();
    assert_eq!(statuses, [401, 429, 503, 200, 200, 200, 0]);
    assert_eq!((refresh(&outlook, &token).0, refresh(&outlook, &token).0), (200, 200));
    assert_eq!(outlook.endpoint.requests().len(), 10);
}

#[test]
fn the_configuration_names_everything() {
    let outlook = outlook();
    let text =
        outlook.config_toml_with(&[("deadline".to_owned(), "2".to_owned()), ("port".to_owned(), "1".to_owned())]);
    assert!(text.contains("\ndeadline = 2\n") && text.contains("\nport = 1\n"));
    let endpoints = format!(
        "endpoints = {{ authority = \"https://localhost:{}\", graph = \"{}\" }}",
        outlook.endpoint.port(),
        outlook.graph.url()
    );
    assert!(text.contains(&endpoints), "{text}");
    assert_eq!(text.matches("port = ").count(), 1);
    assert!(std::fs::read_to_string(&outlook.options().ca_file).unwrap().contains("BEGIN CERTIFICATE"));
}
