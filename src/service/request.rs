//! Everything that can be asked besides sending, of this process or of the broker.

use std::io::{self, Read, Write};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::fault::RequestFault;
use super::frames::{self, Frame};
use super::head::Head;
use crate::secret::Secret;

/// What somebody wants, other than to send a message.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceRequest {
    /// List the queue: its owner and root all of it, others their own.
    ListQueue,
    /// Show one message of it.
    ShowEntry(EntryId),
    /// Try one again now.
    RetryEntry(EntryId, Duplicate),
    /// Give one up.
    DropEntry(EntryId),
    /// Send what waits.
    RunQueue(Pace),
    /// Say where every account stands: to a person whose screen has so many columns (none where it is not a screen), or
    /// as JSON.
    Status(Option<u16>),
    /// Keep what a sign-in gave; root only.
    KeepGrant(SignIn),
    /// Forget an account's sign-in; root only.
    Forget(String),
    /// Renew every grant, so that none lapses.
    Renew,
}

/// Which message of the queue: letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EntryId(String);

/// Whether a message that was perhaps sent may be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicate {
    /// It may not.
    Never,
    /// A person prefers two to none.
    Possible,
}

/// How the queue is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// By the clock: what is due, of that which was tried before one a minute.
    Due,
    /// By a person: everything that waits, now.
    Everything,
}

/// What a sign-in gave, on its way into the broker's store.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// What the account is called in the system's configuration.
    pub account: String,
    /// The grant as it is stored: JSON.
    #[serde(serialize_with = "write_secret", deserialize_with = "read_secret")]
    pub grant: Secret,
    /// What it opens for the next hour.
    #[serde(serialize_with = "write_secret", deserialize_with = "read_secret")]
    pub token: Secret,
    /// When that ends.
    pub expires_at: SystemTime,
}

/// What a client asks, as far as one frame tells.
pub enum ClientRequest {
    /// To send a message, which comes next: [`Head::read_message`].
    Submit(Box<Head>),
    /// Anything else.
    Serve(ServiceRequest),
}

impl EntryId {
    /// Reads one; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let good = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(good);
        fits.then(|| Self(text.to_owned()))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EntryId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no name of a message")
    }
}

impl From<EntryId> for String {
    fn from(id: EntryId) -> Self {
        id.0
    }
}

impl ServiceRequest {
    /// Writes it out.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn write(&self, sink: &mut dyn Write) -> io::Result<()> {
        frames::write_preamble(sink)?;
        frames::write_secret_json(sink, Frame::Request, self)
    }
}

impl ClientRequest {
    /// Reads it.
    ///
    /// # Errors
    /// Each [`RequestFault`].
    pub fn read(source: &mut dyn Read) -> Result<Self, RequestFault> {
        frames::read_preamble(source)?;
        match frames::head(source)? {
            (Frame::Head, length) => Head::read_rest(source, length).map(|head| Self::Submit(Box::new(head))),
            // No buffer of ours keeps a copy of a secret.
            (Frame::Request, length) => frames::secret_json(source, length).map(Self::Serve),
            (other @ (Frame::Chunk | Frame::End | Frame::Answer), _) => Err(RequestFault::Unexpected(other.octet())),
        }
    }
}

/// In base 64, as that has nothing to be escaped: JSON's reader makes no copy of such text.
fn write_secret<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&Zeroizing::new(STANDARD.encode(secret.reveal())))
}

fn read_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = Secret::deserialize(deserializer)?;
    STANDARD.decode(text.reveal()).map(Secret::new).map_err(|_| D::Error::custom("no base 64"))
}
