//! The real program against an authorization server nobody here wrote: oidc-provider, with device code, PKCE, and
//! refresh tokens that rotate and whose second use revokes the grant. A person's part is played over HTTP, on its
//! own pages.
//!
//! Needs node, and oidc-provider by tests/authority/install. Without them the tests say SKIPPED, and fail where
//! CI=true.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;

use harness::bounded::Bounded as _;
use harness::{ACCOUNT, Machine, Run, installed, skipped};
use serde_json::Value;
use stand_in::CertificateKind;
use stand_in::certificates::{Authority, LOOPBACK_NAMES};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

const MESSAGE: &[u8] = b"Subject: A foreign authority\nTo: a@example.org\n\nThe text.\n";

/// Too short for a cached token: every message renews.
const UNCACHED: u64 = 60;
/// Long enough to be cached.
const CACHED: u64 = 3600;

// -- the server

struct Provider {
    process: Child,
    port: u16,
}

impl Provider {
    /// Starts one with a certificate of this machine's authority, at this port or any (0).
    fn start(machine: &Machine, port: u16) -> Self {
        let identity = machine.outlook.authority.identity(CertificateKind::Good, &LOOPBACK_NAMES).unwrap();
        let file = |name: &str, text: String| {
            let path = machine.folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let options = machine.outlook.options();
        let mut process = Command::new("node")
            .arg(folder().join("server.mjs"))
            .args([file("provider.pem", identity.certificate_pem.clone()), file("provider.key", identity.key_pem())])
            .args([&options.client_id, &options.tenant, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = process.stderr.take().unwrap();
        // Its warnings for production, which must not fill the pipe.
        let said = thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            text
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(port) = line.trim().parse() else {
            let _ = process.kill();
            panic!("the authorization server did not start: {}", said.join().unwrap());
        };
        Self { process, port }
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/authority"))
}

/// A machine whose authority is the foreign one.
struct World {
    machine: Machine,
    provider: Provider,
}

impl World {
    /// With access tokens of this lifetime, nobody signed in; `None` when there is no node or no provider.
    fn new(access_token_lifetime: u64) -> Option<Self> {
        if !installed("node") {
            return None;
        }
        if !folder().join("node_modules/oidc-provider").exists() {
            skipped("oidc-provider is not installed; run tests/authority/install");
            return None;
        }
        let machine = Machine::signed_out(|_| {}, &[]);
        let provider = Provider::start(&machine, 0);
        let config = fs::read_to_string(machine.config()).unwrap();
        let authority = format!("https://localhost:{}", provider.port);
        fs::write(machine.config(), config.replace(&machine.outlook.authority_url(), &authority)).unwrap();
        let world = Self { machine, provider };
        world.machine.outlook.tokens.honour(world.introspection());
        world.set("AccessToken", access_token_lifetime);
        Some(world)
    }

    /// The same, somebody signed in.
    fn signed_in(access_token_lifetime: u64) -> Option<Self> {
        let world = Self::new(access_token_lifetime)?;
        let (run, last_page) = world.login(Person::approve);
        assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
        assert!(last_page.contains("Sign-in Success"), "{last_page}");
        Some(world)
    }

    /// Asks the provider whether an access token may send.
    fn introspection(&self) -> impl Fn(&str) -> bool + Send + Sync + 'static {
        let (client_id, url) = (self.machine.outlook.options().client_id.clone(), self.url("/token/introspection"));
        let agent = self.agent();
        move |token| {
            let answer = json(&agent, &url, &[("token", token), ("client_id", &client_id)]);
            answer["active"] == true && answer["scope"].as_str().is_some_and(|scope| scope.contains("SMTP.Send"))
        }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.provider.port)
    }

    fn agent(&self) -> Agent {
        agent(&self.machine.outlook.authority)
    }

    /// From now on the provider gives such things this lifetime, in seconds.
    fn set(&self, what: &str, seconds: u64) {
        let url = self.url(&format!("/settings?{what}={seconds}"));
        assert_eq!(self.agent().get(&url).call().unwrap().status(), 200);
    }

    /// How often something happened at the provider, with this grant type.
    fn count(&self, event: &str, grant_type: &str) -> usize {
        let text = self.agent().get(self.url("/events")).call().unwrap().into_body().read_to_string().unwrap();
        let events: Value = serde_json::from_str(&text).unwrap();
        let events = events.as_array().unwrap().iter();
        events.filter(|one| one["name"] == event && (grant_type.is_empty() || one["grant_type"] == grant_type)).count()
    }

    fn renewals(&self) -> usize {
        self.count("grant.success", "refresh_token")
    }

    /// Runs `login` with a code; the person acts on the page and with the code it shows.
    fn login(&self, act: fn(&mut Person, &str, &str) -> String) -> (Run, String) {
        self.login_by(&[], |line| line.len() == 9 && line.as_bytes()[4] == b'-', act)
    }

    /// Runs `login --browser`; the person acts on the page it shows.
    fn login_by_browser(&self, act: fn(&mut Person, &str, &str) -> String) -> (Run, String) {
        self.login_by(&["--browser"], str::is_empty, act)
    }

    fn login_by(
        &self,
        arguments: &[&str],
        is_code: fn(&str) -> bool,
        act: fn(&mut Person, &str, &str) -> String,
    ) -> (Run, String) {
        let mut command = self.machine.command(self.machine.program("outlook-sendmail"));
        let mut process = command
            .arg("login")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut stdout = String::new();
        let mut find = |wanted: &dyn Fn(&str) -> bool| {
            for line in lines.by_ref() {
                stdout.push_str(&line);
                stdout.push('\n');
                if wanted(line.trim()) {
                    return line.trim().to_owned();
                }
            }
            String::new()
        };
        let page = find(&|line| line.starts_with("https://"));
        let code = find(&is_code);
        let last_page = if page.is_empty() { String::new() } else { act(&mut Person::new(self.agent()), &page, &code) };
        find(&|_| false);
        let output = process.ended_with_output();
        let stderr = String::from_utf8(output.stderr).unwrap();
        (Run { pid: 0, status: output.status.code().unwrap_or(-1), stdout, stderr }, last_page)
    }

    fn send(&self) -> Run {
        self.machine.sendmail(["-i", "a@example.org"], MESSAGE)
    }

    /// The refresh token as stored.
    fn refresh_token(&self) -> String {
        let file = self.machine.state().join(format!("outlook-sendmail/secrets/grant:{ACCOUNT}"));
        let grant: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        grant["refresh_token"].as_str().unwrap().to_owned()
    }

    /// What anybody who has a refresh token can do with it.
    fn redeem(&self, refresh_token: &str) -> Value {
        let client_id = &self.machine.outlook.options().client_id;
        let form =
            [("client_id", client_id.as_str()), ("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        json(&self.agent(), &self.url("/consumers/oauth2/v2.0/token"), &form)
    }
}

fn agent(authority: &Authority) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from([Certificate::from_der(&authority.der()).to_owned()]))
        .build();
    let config = Agent::config_builder().tls_config(tls).proxy(None).max_redirects(0).http_status_as_error(false);
    config.build().into()
}

fn json(agent: &Agent, url: &str, form: &[(&str, &str)]) -> Value {
    let text = agent.post(url).send_form(form.iter().copied()).unwrap().into_body().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

// -- the person

/// Somebody at a browser, with nothing but what the pages say.
struct Person {
    agent: Agent,
    cookies: BTreeMap<String, String>,
}

impl Person {
    fn new(agent: Agent) -> Self {
        Self { agent, cookies: BTreeMap::new() }
    }

    /// Types the code, says who they are, agrees. Gives the last page.
    fn approve(&mut self, page: &str, code: &str) -> String {
        let page = self.open(page);
        let confirm = self.submit(&page, &[("user_code", code)]);
        let page = self.submit(&confirm, &[]);
        self.sign_in_and_consent(&page)
    }

    /// Types the code and does not recognise the device.
    fn decline(&mut self, page: &str, code: &str) -> String {
        let page = self.open(page);
        let confirm = self.submit(&page, &[("user_code", code)]);
        self.submit(&confirm, &[("abort", "yes")])
    }

    /// Says who they are, agrees, and is sent back to the program.
    fn approve_in_browser(&mut self, page: &str, _: &str) -> String {
        let page = self.open(page);
        self.sign_in_and_consent(&page)
    }

    /// Says who they are and does not agree.
    fn cancel_in_browser(&mut self, page: &str, _: &str) -> String {
        let page = self.open(page);
        let consent = self.submit(&page, &[("login", ACCOUNT), ("password", "secret")]);
        let cancel = consent.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let cancel = cancel.filter(|link| link.ends_with("/abort")).last().unwrap_or_else(|| panic!("{consent}"));
        self.open(cancel)
    }

    /// As before; but somebody on this machine is at the port first, with a code and a state of his own.
    fn approve_beside_an_intruder(&mut self, page: &str, _: &str) -> String {
        let redirect_uri = page.split("redirect_uri=http%3A%2F%2F").nth(1).unwrap().split('&').next().unwrap();
        let intruder = format!("http://{}/?code=stolen&state=made-up", redirect_uri.replace("%3A", ":"));
        let answer = self.agent.get(&intruder).call().unwrap();
        assert_eq!(answer.status(), 400);
        self.approve_in_browser(page, "")
    }

    /// Goes away.
    fn ignore(&mut self, _: &str, _: &str) -> String {
        String::new()
    }

    fn sign_in_and_consent(&mut self, page: &str) -> String {
        assert!(page.contains("Enter any login"), "{page}");
        let consent = self.submit(page, &[("login", ACCOUNT), ("password", "secret")]);
        assert!(consent.contains("SMTP.Send"), "{consent}");
        self.submit(&consent, &[])
    }

    fn open(&mut self, url: &str) -> String {
        self.follow(url, None)
    }

    /// Sends the page's form with its hidden fields and these.
    fn submit(&mut self, page: &str, filled: &[(&str, &str)]) -> String {
        let form = page.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {page}"));
        let form = form.split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let rest = tag.split_once(&format!("{name}=\""))?.1;
            Some(rest.split('"').next().unwrap().replace("&amp;", "&"))
        };
        let action = attribute(form, "action").unwrap();
        let hidden = form.split("<input").skip(1).filter(|tag| tag.contains("type=\"hidden\""));
        let mut fields: Vec<(String, String)> =
            hidden.map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap())).collect();
        fields.extend(filled.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.follow(&action, Some(fields))
    }

    /// As a browser does: cookies kept and sent back, redirections followed with GET.
    fn follow(&mut self, url: &str, mut form: Option<Vec<(String, String)>>) -> String {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let cookies = cookies.join("; ");
            let answer = match form.take() {
                Some(fields) => self.agent.post(&url).header("Cookie", &cookies).send_form(fields),
                None => self.agent.get(&url).header("Cookie", &cookies).call(),
            };
            let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
            for cookie in answer.headers().get_all("set-cookie") {
                let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            self.cookies.retain(|_, value| !value.is_empty());
            let Some(next) = answer.headers().get("location") else {
                return answer.into_body().read_to_string().unwrap();
            };
            let next = next.to_str().unwrap();
            let origin: String = url.split('/').take(3).collect::<Vec<_>>().join("/");
            url = if next.starts_with('/') { origin + next } else { next.to_owned() };
        }
        panic!("redirected for ever: {url}")
    }
}

// -- signing in

#[test]
fn a_code_approved_on_its_pages_signs_in_and_sends() {
    let Some(world) = World::signed_in(CACHED) else { return };
    assert_eq!(world.count("grant.success", "urn:ietf:params:oauth:grant-type:device_code"), 1);
    let grant = world.machine.state().join(format!("outlook-sendmail/secrets/grant:{ACCOUNT}"));
    let grant: Value = serde_json::from_slice(&fs::read(grant).unwrap()).unwrap();
    // From the id_token's claim.
    assert_eq!(grant["address"], ACCOUNT);
    assert_eq!(grant["authority"], world.url(""));
    world.send().assert_silent_success();
    assert_eq!(world.machine.outlook.smtp.received().len(), 1);
    assert_eq!(world.renewals(), 0, "the sign-in's own token is good for an hour");
}

#[test]
fn a_code_declined_on_its_pages_ends_in_one_line() {
    let Some(world) = World::new(CACHED) else { return };
    let (run, last_page) = world.login(Person::decline);
    assert!(last_page.contains("interrupted"), "{last_page}");
    assert_eq!(run.status, 77, "{}", run.stderr);
    assert_eq!(run.stderr.matches('\n').count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("the sign-in was not completed: access_denied"), "{}", run.stderr);
    assert!(world.machine.secrets().is_empty());
}

#[test]
fn a_code_that_runs_out_ends_in_one_line() {
    let Some(world) = World::new(CACHED) else { return };
    world.set("DeviceCode", 2);
    let (run, _) = world.login(Person::ignore);
    assert_eq!(run.status, 77, "{}", run.stderr);
    assert_eq!(run.stderr.matches('\n').count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("the sign-in was not completed"), "{}", run.stderr);
    assert!(world.machine.secrets().is_empty());
}

#[test]
fn a_browser_signs_in_with_a_proof_key_and_sends() {
    let Some(world) = World::new(UNCACHED) else { return };
    let (run, last_page) = world.login_by_browser(Person::approve_in_browser);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(last_page.contains("go back to the terminal"), "{last_page}");
    // The provider knows S256 alone, and asks everybody for it.
    assert_eq!(world.count("grant.success", "authorization_code"), 1);
    world.send().assert_silent_success();
    assert_eq!((world.machine.outlook.smtp.received().len(), world.renewals()), (1, 1));
}

#[test]
fn a_browser_that_comes_back_with_another_state_is_not_believed() {
    let Some(world) = World::new(CACHED) else { return };
    let (run, last_page) = world.login_by_browser(Person::approve_beside_an_intruder);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(last_page.contains("go back to the terminal"), "{last_page}");
    assert_eq!(world.count("grant.error", "authorization_code"), 0, "the other code was not even tried");
}

#[test]
fn a_sign_in_cancelled_in_the_browser_ends_in_one_line() {
    let Some(world) = World::new(CACHED) else { return };
    let (run, last_page) = world.login_by_browser(Person::cancel_in_browser);
    assert!(last_page.contains("The terminal says why"), "{last_page}");
    assert_eq!(run.status, 77, "{}", run.stderr);
    assert_eq!(run.stderr.matches('\n').count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("the sign-in was not completed: access_denied"), "{}", run.stderr);
    assert!(world.machine.secrets().is_empty());
}

// -- staying signed in

#[test]
fn every_renewal_keeps_the_newest_refresh_token() {
    let Some(world) = World::signed_in(UNCACHED) else { return };
    let mut seen = vec![world.refresh_token()];
    for round in 1..4 {
        world.send().assert_silent_success();
        assert_eq!(world.renewals(), round);
        assert!(!seen.contains(&world.refresh_token()), "rotated");
        seen.push(world.refresh_token());
    }
    assert_eq!(world.machine.outlook.smtp.received().len(), 3);
    assert_eq!(world.count("grant.revoked", ""), 0);
}

/// So many at once, none of which has a token that still works.
fn at_once(count: usize) {
    let Some(world) = World::signed_in(UNCACHED) else { return };
    world.set("AccessToken", CACHED);
    thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| world.send().assert_silent_success());
        }
    });
    assert_eq!(world.machine.outlook.smtp.received().len(), count);
    assert_eq!((world.renewals(), world.count("grant.error", "refresh_token")), (1, 0));
    assert_eq!(world.count("grant.revoked", ""), 0);

    // No rotation was lost: what is stored renews once more, after the cached token is refused.
    let (introspection, cached) = (world.introspection(), OnceLock::new());
    world
        .machine
        .outlook
        .tokens
        .honour(move |token| cached.get_or_init(|| token.to_owned()) != token && introspection(token));
    world.send().assert_silent_success();
    assert_eq!(world.machine.outlook.smtp.received().len(), count + 1);
    assert_eq!((world.renewals(), world.count("grant.error", "refresh_token")), (2, 0));
    assert_eq!(world.count("grant.revoked", ""), 0);
}

#[test]
fn two_at_once_renew_once() {
    at_once(2);
}

#[test]
fn twenty_at_once_renew_once() {
    at_once(20);
}

// -- losing it

fn assert_signed_out(world: &World) {
    let before = world.machine.outlook.smtp.connections().len();
    let run = world.send();
    run.assert_failure(77, "Microsoft wants you to sign in again: invalid_grant");
    assert!(run.stderr.ends_with(" -- run: outlook-sendmail login; nothing was sent\n"), "{}", run.stderr);
    assert_eq!(world.machine.outlook.smtp.connections().len(), before, "no token, no connection");
}

#[test]
fn a_refresh_token_used_by_somebody_else_ends_in_one_line_and_a_new_sign_in_mends_it() {
    let Some(world) = World::signed_in(UNCACHED) else { return };
    let stolen = world.refresh_token();
    world.send().assert_silent_success();
    // The provider sees one token twice, and revokes the grant with all that came of it.
    assert_eq!(world.redeem(&stolen)["error"], "invalid_grant");
    assert_eq!(world.count("grant.revoked", ""), 1);
    assert_signed_out(&world);
    let (run, _) = world.login(Person::approve);
    assert_eq!(run.status, 0, "{}", run.stderr);
    world.send().assert_silent_success();
}

#[test]
fn a_grant_revoked_at_the_provider_ends_in_one_line() {
    let Some(world) = World::signed_in(UNCACHED) else { return };
    let (client_id, token) = (&world.machine.outlook.options().client_id, world.refresh_token());
    let form = [("client_id", client_id.as_str()), ("token", token.as_str())];
    let answer = world.agent().post(world.url("/token/revocation")).send_form(form).unwrap();
    assert_eq!(answer.status(), 200);
    assert_signed_out(&world);
}

#[test]
fn a_provider_that_has_forgotten_everything_ends_in_one_line() {
    let Some(mut world) = World::signed_in(UNCACHED) else { return };
    world.provider.stop();
    world.send().assert_failure(75, "cannot renew the sign-in now");
    world.provider = Provider::start(&world.machine, world.provider.port);
    assert_signed_out(&world);
}
