//! A world for tests: a clock that only sleeping moves, a store, a cache and a scripted token endpoint.

use std::cell::{Cell, LazyCell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use super::Secret;
use crate::account::{Account, AuthKind, FromPolicy, LoneDot, OnFailure, PROVIDERS, StoreKind, TransportKind};
use crate::world::*;

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
}

impl Fakes {
    pub(crate) fn world(&self) -> World {
        World {
            caller: LazyCell::new(Caller::default),
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
            log: Box::new(Rc::clone(&self.paper)),
            signals: Box::new(Nothing),
            terminal: Box::new(Rc::clone(&self.paper)),
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
        send_as: Vec::new(),
        from: FromPolicy::Rewrite,
        on_failure: OnFailure::Report,
        store: StoreKind::File,
        auth: AuthKind::OAuth2,
        transport: TransportKind::Smtp,
        graph: "https://graph.test".into(),
        allow: Vec::new(),
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
        self.saves.borrow_mut().push(name.into());
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
    fn remove(&self, name: &str) {
        self.records.borrow_mut().remove(name);
    }
}

#[derive(Default)]
pub(crate) struct FakeLocks {
    pub(crate) broken: Cell<bool>,
    pub(crate) acquired: RefCell<Vec<String>>,
    /// What another process does while we wait.
    pub(crate) meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Locks for Rc<FakeLocks> {
    fn acquire(&self, name: &str, _: Instant) -> Option<Box<dyn LockGuard>> {
        self.acquired.borrow_mut().push(name.into());
        if let Some(act) = self.meanwhile.borrow_mut().take() {
            act();
        }
        (!self.broken.get()).then(|| Box::new(Nothing) as Box<dyn LockGuard>)
    }
}

#[derive(Default)]
pub(crate) struct FakeHttps {
    pub(crate) answers: RefCell<VecDeque<Result<HttpsAnswer, HttpsFault>>>,
    pub(crate) requests: RefCell<Vec<String>>,
}

impl Https for Rc<FakeHttps> {
    fn post_form(
        &self,
        _: &Account,
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
    fn write(&self, _: &Path, _: &[u8]) -> Result<(), FileFault> {
        Err(FileFault::NotRegular)
    }
}
impl Network for Nothing {
    fn connect(&self, _: &Account, _: Instant) -> Result<Box<dyn Wire>, WireFault> {
        Err(WireFault::TimedOut)
    }
}
impl Signals for Nothing {
    fn hold_back(&self) {}
    fn release(&self) {}
}
