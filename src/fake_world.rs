//! A world for tests: a clock that only sleeping moves, a store, a cache and a scripted token endpoint.

use std::cell::{Cell, LazyCell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use crate::account::{
    Account, AuthKind, CallerShown, FromPolicy, LoneDot, MessageIds, OnFailure, PROVIDERS, TransportKind,
};
pub(crate) use crate::adapters::outbox_folder::FolderOnDisk;
pub(crate) use crate::adapters::wire::parse_reply;
use crate::envelope::{Desk, Letter, Stamp};
use crate::invocation::Submit;
use crate::message::{Dots, Message};
use crate::secret::Secret;
use crate::words::Words;
use crate::world::StoreKind;
use crate::world::*;

mod user_units;

pub(crate) use user_units::FakeUserUnits;

/// The wall clock when a test begins, in Unix seconds.
pub(crate) const START: u64 = 1_800_000_000;

/// Handles on everything the world under test touches.
#[derive(Default)]
pub(crate) struct Fakes {
    pub(crate) clock: Rc<FakeClock>,
    pub(crate) store: Rc<FakeStore>,
    pub(crate) cache: Rc<FakeCache>,
    pub(crate) state: Rc<FakeState>,
    pub(crate) locks: Rc<FakeLocks>,
    pub(crate) https: Rc<FakeHttps>,
    pub(crate) paper: Rc<Paper>,
    pub(crate) person: Rc<FakePerson>,
    pub(crate) user_units: Rc<FakeUserUnits>,
    pub(crate) browser: Rc<FakeBrowser>,
}

impl Fakes {
    pub(crate) fn world(&self) -> World {
        *self.browser.clock.borrow_mut() = Some(Rc::clone(&self.clock));
        World {
            caller: LazyCell::new(Box::new(Caller::default)),
            places: Places::default(),
            clock: Box::new(Rc::clone(&self.clock)),
            random: Box::new(Nothing),
            input: Box::new(Nothing),
            spools: Box::new(Nothing),
            files: Box::new(Nothing),
            secrets: Box::new(Rc::clone(&self.store)),
            token_cache: Box::new(Rc::clone(&self.cache)),
            state: Box::new(Rc::clone(&self.state)),
            outbox: Box::new(Nothing),
            incoming: Box::new(Nothing),
            locks: Box::new(Rc::clone(&self.locks)),
            https: Box::new(Rc::clone(&self.https)),
            network: Box::new(Nothing),
            machine: Box::new(Nothing),
            log: Box::new(Rc::clone(&self.paper)),
            signals: Box::new(Nothing),
            terminal: Box::new(Rc::clone(&self.paper)),
            person: Box::new(Rc::clone(&self.person)),
            user_units: Box::new(Rc::clone(&self.user_units)),
            browser: Box::new(Rc::clone(&self.browser)),
            brokers: Box::new(Nothing),
            users: Box::new(Nothing),
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.clock.instant() + Duration::from_secs(45)
    }

    /// Scripts the endpoint's next answer.
    pub(crate) fn answers(&self, status: u16, body: &str) -> &Self {
        self.https.answers.borrow_mut().push_back(Ok(HttpsAnswer { status, retry_after: None, body: body.into() }));
        self
    }

    /// Scripts a fault in place of an answer.
    pub(crate) fn fails(&self, fault: HttpsFault) -> &Self {
        self.https.answers.borrow_mut().push_back(Err(fault));
        self
    }

    pub(crate) fn grant(&self) {
        let json =
            r#"{"refresh_token":"R1","client_id":"grant-id","scope":"S offline_access","renewed_at":1800000000}"#;
        self.store.put("grant:me@outlook.com", json);
    }
}

pub(crate) fn account() -> Account {
    Account {
        name: "me".into(),
        address: "me@outlook.com".parse().unwrap(),
        provider: &PROVIDERS[0],
        client_id: Some("configured-id".into()),
        display_name: None,
        caller: CallerShown::LastResort,
        send_as: Vec::new(),
        from: FromPolicy::Rewrite,
        on_failure: OnFailure::Report,
        store: StoreKind::File,
        auth: AuthKind::OAuth2,
        transport: TransportKind::Smtp,
        graph: "https://graph.test".into(),
        message_ids: MessageIds::Repair,
        allow: Vec::new(),
        is_one_of_several: false,
        host: "localhost".into(),
        port: 587,
        ehlo: None,
        tls_ca_file: None,
        tenant: "consumers".into(),
        authority: "https://login.test".into(),
        deadline: Duration::from_secs(45),
        final_wait: Duration::from_secs(600),
        lone_dot: LoneDot::Content,
        aliases: "/etc/aliases".into(),
        local_mail_to: None,
    }
}

/// A letter of this content, addressed as any message is.
pub(crate) fn letter(
    world: &World,
    account: &Account,
    submit: &Submit,
    mut octets: &[u8],
    spool: Box<dyn Spool>,
) -> Letter {
    let message = Message::read(&mut octets, false, Dots::Content, spool, 1 << 30).unwrap();
    Letter::address(submit, message, &Desk::new(world, account, &world.caller, Stamp::now(world))).unwrap()
}

pub(crate) struct FakeClock {
    start: Instant,
    elapsed: Cell<Duration>,
    pub(crate) slept: RefCell<Vec<u64>>,
}

impl Default for FakeClock {
    fn default() -> Self {
        Self { start: Instant::now(), elapsed: Cell::default(), slept: RefCell::default() }
    }
}

impl Clock for Rc<FakeClock> {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(START) + self.elapsed.get()
    }
    fn utc_offset(&self) -> i32 {
        0
    }
    fn instant(&self) -> Instant {
        self.start + self.elapsed.get()
    }
    fn sleep(&self, duration: Duration) {
        self.slept.borrow_mut().push(duration.as_secs());
        self.elapsed.set(self.elapsed.get() + duration);
    }
}

#[derive(Default)]
pub(crate) struct FakeStore {
    secrets: RefCell<BTreeMap<String, Secret>>,
    pub(crate) opening: RefCell<Option<StoreFault>>,
    pub(crate) loading: RefCell<Option<StoreFault>>,
    pub(crate) saving: RefCell<Option<StoreFault>>,
    pub(crate) opened: Cell<usize>,
    pub(crate) saves: RefCell<Vec<String>>,
}

impl FakeStore {
    pub(crate) fn put(&self, name: &str, secret: &str) {
        self.secrets.borrow_mut().insert(name.into(), secret.into());
    }
    pub(crate) fn text(&self, name: &str) -> String {
        self.secrets.borrow().get(name).and_then(Secret::reveal_text).unwrap_or_default().into()
    }
}

impl SecretStores for Rc<FakeStore> {
    fn open(&self, _: StoreKind, _: Duration) -> Result<Box<dyn SecretStore>, StoreFault> {
        self.opened.set(self.opened.get() + 1);
        match &*self.opening.borrow() {
            Some(fault) => Err(fault.clone()),
            None => Ok(Box::new(Rc::clone(self))),
        }
    }
}

impl SecretStore for Rc<FakeStore> {
    fn load(&self, name: &str) -> Result<Option<Secret>, StoreFault> {
        match &*self.loading.borrow() {
            Some(fault) => Err(fault.clone()),
            None => Ok(self.secrets.borrow().get(name).cloned()),
        }
    }
    fn save(&self, name: &str, secret: &Secret) -> Result<(), StoreFault> {
        if let Some(fault) = &*self.saving.borrow() {
            return Err(fault.clone());
        }
        if !name.starts_with("proof:") {
            self.saves.borrow_mut().push(name.into());
        }
        self.secrets.borrow_mut().insert(name.into(), secret.clone());
        Ok(())
    }
    fn delete(&self, name: &str) -> Result<(), StoreFault> {
        self.secrets.borrow_mut().remove(name);
        Ok(())
    }
}

/// Where [`account`]'s token is.
const IN_MEMORY: &str = "access:me me@outlook.com https://login.test localhost:587 ";

pub(crate) struct FakeCache {
    pub(crate) works: Cell<bool>,
    secrets: RefCell<BTreeMap<String, Secret>>,
}

impl Default for FakeCache {
    fn default() -> Self {
        Self { works: Cell::new(true), secrets: RefCell::default() }
    }
}

impl FakeCache {
    pub(crate) fn put(&self, token: &str, expires_at: u64) {
        let record = format!(r#"{{"access_token":"{token}","expires_at":{expires_at}}}"#);
        self.secrets.borrow_mut().insert(IN_MEMORY.into(), record.as_str().into());
    }
    pub(crate) fn text(&self) -> String {
        self.secrets.borrow().get(IN_MEMORY).and_then(Secret::reveal_text).unwrap_or_default().into()
    }
}

impl TokenCache for Rc<FakeCache> {
    fn load(&self, name: &str) -> Option<Secret> {
        self.secrets.borrow().get(name).cloned()
    }
    fn save(&self, name: &str, token: &Secret, _: Duration) -> bool {
        if self.works.get() {
            self.secrets.borrow_mut().insert(name.into(), token.clone());
        }
        self.works.get()
    }
    fn delete(&self, name: &str) {
        self.secrets.borrow_mut().remove(name);
    }
}

#[derive(Default)]
pub(crate) struct FakeState {
    pub(crate) records: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl State for Rc<FakeState> {
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.records.borrow().get(name).cloned()
    }
    fn replace(&self, name: &str, content: &[u8]) -> bool {
        self.records.borrow_mut().insert(name.into(), content.into());
        true
    }
    fn append(&self, name: &str, content: &[u8]) -> Option<u64> {
        let mut records = self.records.borrow_mut();
        let record = records.entry(name.into()).or_default();
        record.extend_from_slice(content);
        Some(record.len() as u64)
    }
    fn remove(&self, name: &str) {
        self.records.borrow_mut().remove(name);
    }
}

#[derive(Default)]
pub(crate) struct FakeLocks {
    pub(crate) broken: Cell<bool>,
    pub(crate) acquired: RefCell<Vec<String>>,
    /// What others hold, and for how long already.
    pub(crate) elsewhere: RefCell<BTreeMap<String, Duration>>,
    /// What another process does while we wait.
    pub(crate) meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Locks for Rc<FakeLocks> {
    fn acquire(&self, name: &str, _: Instant) -> Option<Box<dyn LockGuard>> {
        self.acquired.borrow_mut().push(name.into());
        if let Some(act) = self.meanwhile.borrow_mut().take() {
            act();
        }
        let is_free = !self.broken.get() && !self.elsewhere.borrow().contains_key(name);
        is_free.then(|| Box::new(Nothing) as Box<dyn LockGuard>)
    }
    fn disown(&self, name: &str, limit: Duration) {
        self.elsewhere.borrow_mut().retain(|other, held| other != name || *held <= limit);
    }
}

#[derive(Default)]
pub(crate) struct FakeHttps {
    pub(crate) answers: RefCell<VecDeque<Result<HttpsAnswer, HttpsFault>>>,
    pub(crate) requests: RefCell<Vec<String>>,
    pub(crate) post_answers: RefCell<VecDeque<Result<PostAnswer, PostFault>>>,
    pub(crate) posts: RefCell<Vec<Vec<u8>>>,
}

impl Https for Rc<FakeHttps> {
    fn post(&self, _: Option<&Path>, post: Post<'_>) -> Result<PostAnswer, PostFault> {
        (post.heard)(PostStep::Connection("connected"));
        let mut content = Vec::new();
        (post.content)(&mut content).unwrap();
        assert_eq!(content.len() as u64, post.length);
        self.requests.borrow_mut().push(format!("{} {}", post.url, post.content_type));
        self.posts.borrow_mut().push(content);
        self.post_answers.borrow_mut().pop_front().expect("a post nobody scripted an answer for")
    }
    fn post_form(
        &self,
        _: Option<&Path>,
        url: &str,
        form: &[(&str, &Secret)],
        _: Instant,
    ) -> Result<HttpsAnswer, HttpsFault> {
        let fields = form.iter().map(|(name, value)| format!(" {name}={}", value.reveal_text().unwrap()));
        self.requests.borrow_mut().push(format!("{url}{}", fields.collect::<String>()));
        self.answers.borrow_mut().pop_front().expect("a request nobody scripted an answer for")
    }
}

#[derive(Default)]
pub(crate) struct Paper {
    pub(crate) log: RefCell<String>,
    pub(crate) out: RefCell<String>,
    pub(crate) err: RefCell<String>,
}

impl Log for Rc<Paper> {
    fn record(&self, priority: Priority, text: &str) {
        self.log.borrow_mut().push_str(&format!("{priority:?} {text}\n"));
    }
}

impl Terminal for Rc<Paper> {
    fn out(&self, text: &str) {
        self.out.borrow_mut().push_str(text);
    }
    fn err(&self, text: &str) {
        self.err.borrow_mut().push_str(text);
    }
    fn reply(&self, text: &str) -> bool {
        self.out(text);
        true
    }
    fn is_attended(&self) -> bool {
        true
    }
}

/// Somebody who answers as scripted, in front of a screen if there is one.
#[derive(Default)]
pub(crate) struct FakePerson {
    pub(crate) answers: RefCell<VecDeque<&'static str>>,
    pub(crate) questions: RefCell<Vec<(String, Echo)>>,
    pub(crate) screen: Cell<Option<Screen>>,
}

impl Person for Rc<FakePerson> {
    fn ask(&self, question: &str, echo: Echo) -> Option<Secret> {
        self.questions.borrow_mut().push((question.into(), echo));
        self.answers.borrow_mut().pop_front().map(Secret::from)
    }
    fn screen(&self, _: Stream) -> Option<Screen> {
        self.screen.get()
    }
}

/// What a browser does when it is listened for. STATE in a text stands for the state of the page that was opened.
#[derive(Default)]
pub(crate) struct FakeBrowser {
    pub(crate) visits: RefCell<VecDeque<FakeVisit>>,
    pub(crate) opened: RefCell<String>,
    pub(crate) answered: RefCell<Vec<Status>>,
    pub(crate) deaf: Cell<bool>,
    clock: RefCell<Option<Rc<FakeClock>>>,
}

#[derive(Clone, Copy)]
pub(crate) enum FakeVisit {
    Asks(&'static str),
    Types(&'static str),
}

impl FakeBrowser {
    fn filled_in(&self, text: &str) -> Secret {
        let url = self.opened.borrow();
        let state = url.split("&state=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
        Secret::from(text.replace("STATE", state).as_str())
    }
}

impl Browser for Rc<FakeBrowser> {
    fn open(&self, url: &str) -> bool {
        url.clone_into(&mut self.opened.borrow_mut());
        false
    }
    fn listen(&self) -> Result<Box<dyn Loopback>, Words> {
        if self.deaf.get() { Err("no port".into()) } else { Ok(Box::new(Rc::clone(self))) }
    }
}

impl Loopback for Rc<FakeBrowser> {
    fn port(&self) -> u16 {
        4711
    }
    fn next(&mut self, until: Instant) -> Arrival {
        match self.visits.borrow_mut().pop_front() {
            Some(FakeVisit::Asks(target)) => {
                Arrival::Visit(Box::new(FakeCaller { browser: Rc::clone(self), target: self.filled_in(target) }))
            }
            Some(FakeVisit::Types(line)) => Arrival::Line(self.filled_in(line)),
            None => {
                if let Some(clock) = &*self.clock.borrow() {
                    clock.sleep(until.saturating_duration_since(clock.instant()));
                }
                Arrival::Nothing
            }
        }
    }
}

struct FakeCaller {
    browser: Rc<FakeBrowser>,
    target: Secret,
}

impl Visit for FakeCaller {
    fn target(&self) -> &Secret {
        &self.target
    }
    fn answer(self: Box<Self>, status: Status, _: &str) {
        self.browser.answered.borrow_mut().push(status);
    }
}

/// Ports that must not be touched.
struct Nothing;

impl LockGuard for Nothing {}
impl OutboxFolder for Nothing {
    fn owner(&self) -> u32 {
        0
    }
    fn list(&self) -> io::Result<Vec<Lying>> {
        Ok(Vec::new())
    }
    fn create(&self, _: &str) -> io::Result<Box<dyn OutboxFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn open(&self, _: &str) -> io::Result<Box<dyn OutboxFile>> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn remove(&self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
impl Random for Nothing {
    fn fill(&self, _: &mut [u8]) {}
}
impl Input for Nothing {
    fn reader(&self) -> Box<dyn Read + '_> {
        Box::new(io::empty())
    }
    fn is_terminal(&self) -> bool {
        true
    }
}
impl Spools for Nothing {
    fn spool(&self) -> Box<dyn Spool> {
        memory_spool()
    }
}
impl Files for Nothing {
    fn read(&self, _: &Path) -> Result<Option<Vec<u8>>, FileFault> {
        Ok(None)
    }
    fn read_alias_include(&self, _: &Path) -> Result<Vec<u8>, FileFault> {
        Err(FileFault::NotRegular)
    }
    fn write(&self, _: &Path, _: &[u8], _: Readers) -> Result<(), FileFault> {
        Err(FileFault::NotRegular)
    }
}
impl Machine for Nothing {
    fn resolve(&self, _: &str, _: Instant) -> Result<Vec<String>, WireFault> {
        Err(WireFault::TimedOut)
    }
    fn anchors(&self, _: Option<&Path>) -> Result<Anchors, Words> {
        Ok(Anchors { place: None, count: 0 })
    }
    fn https_date(&self, _: Option<&Path>, _: &str, _: Instant) -> Result<String, HttpsFault> {
        Err(HttpsFault::Network("nothing".into()))
    }
    fn mail_program(&self, _: &Path) -> Option<MailProgram> {
        None
    }
    fn program_in_path(&self, _: &str) -> Option<PathBuf> {
        None
    }
    fn php_settings(&self) -> Vec<(PathBuf, String)> {
        Vec::new()
    }
    fn git_setting(&self, _: &str, _: Instant) -> Option<Vec<String>> {
        None
    }
}
impl Network for Nothing {
    fn connect(&self, _: Server<'_>, _: Instant) -> Result<Box<dyn Wire>, WireFault> {
        Err(WireFault::TimedOut)
    }
}
impl Brokers for Nothing {
    fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault> {
        Err(ConnectFault::Away)
    }
    fn on_standard_input(&self) -> OnStandardInput {
        OnStandardInput::Nothing
    }
    fn may_be_there(&self) -> bool {
        false
    }
    fn supervise(&self, _: ListeningSocket<'_>) -> Result<(), crate::failure::Failure> {
        Ok(())
    }
}
impl Users for Nothing {
    fn belongs_to(&self, _: u32, _: u32, _: &str) -> bool {
        false
    }
    fn party(&self, uid: u32) -> Party {
        Party::User(uid)
    }
}
impl Signals for Nothing {
    fn allow_interrupt(&self) {}
    fn heed_interrupt(&self, _: &str, _: &str) {}
    fn hold_back_interrupt(&self) {}

    fn hold_back(&self) {}
    fn release(&self) {}
}
