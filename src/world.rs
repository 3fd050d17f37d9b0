//! Everything this program may touch outside itself: one trait or record per thing, implemented in `adapters`.

mod outbox;

pub use outbox::{Locked, Lying, Odd, OutboxFile, OutboxFolder};

use std::cell::LazyCell;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::words::Words;

mod browser;
mod deadlines;
mod machine;
mod person;
mod post;
mod secrets;
mod user_units;
mod users;
mod wire;

pub use browser::{Arrival, Browser, Loopback, Status, Visit};
pub use deadlines::Deadlines;
pub use machine::{Anchors, Identity, Machine, MailProgram};
pub use person::{Echo, Escapes, Person, Screen, Stream};
pub use post::{Post, PostAnswer, PostFault, PostStep};
pub use secrets::{
    KeyPlace, STORES, SecretCommand, SecretStore, SecretStores, StoreFault, StoreKind, StoreRow, not_for_the_machine,
};
pub use user_units::{UnitFault, UserUnits};
pub use users::{Party, Users};
pub use wire::{Network, Server, Wire, WireFault};
mod broker;

pub use broker::{Accepted, Brokers, ConnectFault, Connection, ListeningSocket, OnStandardInput, Route, SYSTEM_CONFIG};

/// All of it, handed down the pipeline.
pub struct World {
    /// Who called us, found out when it is first asked for.
    pub caller: LazyCell<Caller, Box<dyn FnOnce() -> Caller>>,
    /// Where this user's files are.
    pub places: Places,
    /// Time.
    pub clock: Box<dyn Clock>,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// Standard input.
    pub input: Box<dyn Input>,
    /// Room for large bodies.
    pub spools: Box<dyn Spools>,
    /// Configuration and alias files.
    pub files: Box<dyn Files>,
    /// Where grants are kept.
    pub secrets: Box<dyn SecretStores>,
    /// Where access tokens wait for the next message.
    pub token_cache: Box<dyn TokenCache>,
    /// What one run leaves for the next to know.
    pub state: Box<dyn State>,
    /// Messages that wait.
    pub outbox: Box<dyn OutboxFolder>,
    /// What root left for the broker while nobody listened.
    pub incoming: Box<dyn OutboxFolder>,
    /// One renewal at a time.
    pub locks: Box<dyn Locks>,
    /// The token endpoint, and Microsoft Graph.
    pub https: Box<dyn Https>,
    /// The submission server.
    pub network: Box<dyn Network>,
    /// What `doctor` looks at.
    pub machine: Box<dyn Machine>,
    /// The system log.
    pub log: Box<dyn Log>,
    /// Signals that would end us.
    pub signals: Box<dyn Signals>,
    /// Standard output and standard error.
    pub terminal: Box<dyn Terminal>,
    /// Whoever sits at it.
    pub person: Box<dyn Person>,
    /// What starts programs for this user at their times.
    pub user_units: Box<dyn UserUnits>,
    /// And their browser.
    pub browser: Box<dyn Browser>,
    /// The system account's broker.
    pub brokers: Box<dyn Brokers>,
    /// The user database.
    pub users: Box<dyn Users>,
}

/// Who called, as the kernel and the user database know it; nothing the message or environment claims.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// Real user id.
    pub uid: u32,
    /// Real group id.
    pub gid: u32,
    /// Login name, or the uid in decimal when it has none.
    pub login: String,
    /// Full name from the user database (GECOS up to the first comma), possibly empty.
    pub full_name: String,
    /// Name of the parent process, possibly empty.
    pub parent: String,
    /// This machine's name, as its administrator set it.
    pub host_name: String,
    /// Every name that means this machine: localhost, the host name, its names in /etc/hosts, /etc/mailname.
    pub local_domains: Vec<String>,
}

/// Paths of this user's files; environment variables have been judged already.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The configuration file.
    pub config: PathBuf,
    /// Folder for state (locks), mode 0700.
    pub state: PathBuf,
    /// Who carries messages out.
    pub route: Route,
}

/// Time, and waiting.
pub trait Clock {
    /// Wall-clock time.
    fn now(&self) -> SystemTime;
    /// Offset of local time from UTC at this moment, in seconds east.
    fn utc_offset(&self) -> i32;
    /// Monotonic time, for deadlines.
    fn instant(&self) -> Instant;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// Unpredictable octets.
pub trait Random {
    /// Fills `octets` from the system's generator.
    fn fill(&self, octets: &mut [u8]);
}

/// Standard input.
pub trait Input {
    /// A reader on what has not been read yet.
    fn reader(&self) -> Box<dyn Read + '_>;
    /// Whether a person types it.
    fn is_terminal(&self) -> bool;
}

/// Somewhere to write a body and read it back, as often as needed.
pub trait Spool: Read + Write + Seek {}
impl<T: Read + Write + Seek> Spool for T {}

/// Makes spools.
pub trait Spools {
    /// An empty spool: memory while small, an unnamed file when large.
    fn spool(&self) -> Box<dyn Spool>;
}

/// Why a file was not used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileFault {
    /// It could not be read, in the system's words.
    Unreadable(String),
    /// It or its folder belongs to somebody else, or others may write to it.
    WritableByOthers,
    /// This folder or link on the way to it is somebody else's, or others may write to it.
    ByWayOfOthers(PathBuf),
    /// It is not a regular file.
    NotRegular,
    /// It is larger than any such file should be.
    TooLarge,
}

/// Files that steer us. All belong to the effective user or root and are not writable by group or others; nor is any folder on
/// the way to them, through every link.
pub trait Files {
    /// The file's content; `None` when it does not exist.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileFault>;
    /// An alias `:include:` file: root's, regular, not through a symbolic link, never blocking, at most 64 KiB.
    fn read_alias_include(&self, path: &Path) -> Result<Vec<u8>, FileFault>;
    /// Writes a file whole or not at all, making its folder when missing.
    fn write(&self, path: &Path, content: &[u8], readers: Readers) -> Result<(), FileFault>;
}

/// Who may read a file of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readers {
    /// Its owner: mode 0600 in a folder of mode 0700.
    Owner,
    /// Everybody: 0644 and 0755.
    Everybody,
}

/// Access tokens between processes of one user, in memory only.
pub trait TokenCache {
    /// The cached token, unless it expired or there is no cache.
    fn load(&self, name: &str) -> Option<Secret>;
    /// Caches it until it expires; says whether that worked.
    fn save(&self, name: &str, token: &Secret, lifetime: Duration) -> bool;
    /// Forgets it.
    fn delete(&self, name: &str);
}

/// Small records in the state folder, one file each, that one run leaves for the next. Losing one costs knowledge, never
/// mail: nothing here fails a run.
pub trait State {
    /// The record called `name`, at most 1 MiB; `None` when it is missing, somebody else's, or unreadable.
    fn read(&self, name: &str) -> Option<Vec<u8>>;
    /// Writes it whole or not at all; says whether that worked.
    fn replace(&self, name: &str, content: &[u8]) -> bool;
    /// Writes behind what is there, making the record where it is missing; says how long it is then. Whoever ends in the
    /// middle leaves the beginning there.
    fn append(&self, name: &str, content: &[u8]) -> Option<u64>;
    /// Forgets it.
    fn remove(&self, name: &str);
}

/// Advisory locks between processes of one user.
pub trait Locks {
    /// Waits until `deadline` for the lock called `name`, behind those who wait already. The guard releases it on drop.
    /// `None`: not to be had (no state folder, or no time left); the caller goes on without, which costs at most a
    /// duplicate renewal.
    fn acquire(&self, name: &str, deadline: Instant) -> Option<Box<dyn LockGuard>>;
    /// Takes the lock called `name` away from who has held it for longer than `limit`; it is free then, and who held it
    /// does not learn of it. Only where no two processes acquire it at the same moment.
    fn disown(&self, name: &str, limit: Duration);
}

/// A held lock.
pub trait LockGuard {}

/// An HTTPS answer.
#[derive(Debug)]
pub struct HttpsAnswer {
    /// HTTP status.
    pub status: u16,
    /// Seconds the server asks us to wait.
    pub retry_after: Option<u64>,
    /// At most 1 MiB of body.
    pub body: Secret,
}

/// Why there is no HTTPS answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HttpsFault {
    /// The certificate is not to be trusted.
    Certificate(Words),
    /// No connection, or it broke, or time ran out.
    Network(Words),
    /// The URL is not an https one, or the answer is not HTTP.
    Nonsense(Words),
}

/// HTTPS POST: certificates verified, no redirects, no plain HTTP.
pub trait Https {
    /// Posts a message, once; trust anchors as for [`Self::post_form`].
    fn post(&self, ca_file: Option<&Path>, post: Post<'_>) -> Result<PostAnswer, PostFault>;

    /// Posts `form` to `url`; `ca_file` has more trust anchors.
    fn post_form(
        &self,
        ca_file: Option<&Path>,
        url: &str,
        form: &[(&str, &Secret)],
        deadline: Instant,
    ) -> Result<HttpsAnswer, HttpsFault>;
}

/// How loud a log record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Priority {
    /// A message went out.
    Info,
    /// Something is odd, the message went out all the same.
    Warning,
    /// A message did not go out.
    Error,
}

/// The system log, facility mail.
pub trait Log {
    /// One record. Never fails: a machine without syslog still sends mail.
    fn record(&self, priority: Priority, text: &str);
}

/// Signals that ask us to end.
pub trait Signals {
    /// From now on TERM, INT and HUP wait until we are done.
    fn hold_back(&self);
    /// No longer: one that came meanwhile ends us now.
    fn release(&self);
    /// Whoever called us has one message only: an interrupt may end it.
    fn allow_interrupt(&self);
    /// Where that is allowed: from now on INT, held back or not, ends us at once, with this line on standard error and this record in the log.
    fn heed_interrupt(&self, line: &str, record: &str);
    /// INT waits again, as before [`Self::heed_interrupt`]. Does not return when it has come already.
    fn hold_back_interrupt(&self);
}

/// Standard output and standard error; a closed one is not an error.
pub trait Terminal {
    /// Writes to standard output.
    fn out(&self, text: &str);
    /// Writes to standard error.
    fn err(&self, text: &str);
    /// Writes to standard output, however long the reader takes; says whether it was written.
    fn reply(&self, text: &str) -> bool;
    /// Whether there is a controlling terminal: somebody who reads what we say and can try again.
    fn is_attended(&self) -> bool;
}

/// An in-memory spool, for small bodies and for tests.
pub fn memory_spool() -> Box<dyn Spool> {
    Box::new(io::Cursor::new(Vec::new()))
}
