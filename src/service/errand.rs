//! Everything that can be asked of the broker.

use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::frames::{self, Frames};
use super::tags::Detail;
use super::{Request, RequestFault, read_preamble, write_preamble};
use crate::secret::Secret;
use crate::world::Spools;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $octet:literal;)+) => {
        /// What is asked, before anything else is known.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name = $octet,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The kind with this octet.
            pub(super) fn of(octet: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|&kind| kind as u8 == octet)
            }
        }
    };
}

kinds! {
    /// [`Errand::Submit`].
    Submit = 1;
    /// [`Errand::ListQueue`].
    ListQueue = 2;
    /// [`Errand::ShowEntry`].
    ShowEntry = 3;
    /// [`Errand::RetryEntry`].
    RetryEntry = 4;
    /// [`Errand::DropEntry`].
    DropEntry = 5;
    /// [`Errand::RunQueue`].
    RunQueue = 6;
    /// [`Errand::Status`].
    Status = 7;
    /// [`Errand::KeepGrant`].
    KeepGrant = 8;
    /// [`Errand::Forget`].
    Forget = 9;
    /// [`Errand::Renew`].
    Renew = 10;
}

/// What a client wants.
pub enum Errand {
    /// Send a message.
    Submit(Box<Request>),
    /// List the outbox: root all of it, others their own.
    ListQueue,
    /// Show one message of it.
    ShowEntry(EntryId),
    /// Try one again now.
    RetryEntry(EntryId, Duplicate),
    /// Give one up.
    DropEntry(EntryId),
    /// Send what is due.
    RunQueue,
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

/// Which message of the outbox: letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryId(String);

/// Whether a message that was perhaps sent may be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duplicate {
    /// It may not.
    Never,
    /// A person prefers two to none.
    Possible,
}

/// What a sign-in gave, on its way into the broker's store.
pub struct SignIn {
    /// What the account is called in the system's configuration.
    pub account: String,
    /// The grant as it is stored: JSON.
    pub grant: Secret,
    /// What it opens for the next hour.
    pub token: Secret,
    /// When that ends.
    pub expires_at: SystemTime,
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

impl Kind {
    /// Reads what is asked; the rest is left for [`Errand::read_rest`].
    ///
    /// # Errors
    /// Each [`RequestFault`].
    pub fn read(source: &mut dyn Read) -> Result<Self, RequestFault> {
        read_preamble(source)
    }
}

impl Errand {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Submit(_) => Kind::Submit,
            Self::ListQueue => Kind::ListQueue,
            Self::ShowEntry(_) => Kind::ShowEntry,
            Self::RetryEntry(..) => Kind::RetryEntry,
            Self::DropEntry(_) => Kind::DropEntry,
            Self::RunQueue => Kind::RunQueue,
            Self::Status(_) => Kind::Status,
            Self::KeepGrant(_) => Kind::KeepGrant,
            Self::Forget(_) => Kind::Forget,
            Self::Renew => Kind::Renew,
        }
    }

    /// Writes it out.
    ///
    /// # Errors
    /// As [`Request::write`].
    pub fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        write_preamble(sink, self.kind())?;
        match self {
            Self::Submit(request) => return request.write_frames(sink),
            Self::ListQueue | Self::RunQueue | Self::Status(None) | Self::Renew => {}
            Self::Status(Some(columns)) => frames::write(sink, Detail::Columns, &columns.to_be_bytes())?,
            Self::ShowEntry(id) | Self::DropEntry(id) => frames::write(sink, Detail::Entry, id.0.as_bytes())?,
            Self::RetryEntry(id, duplicate) => {
                frames::write(sink, Detail::Entry, id.0.as_bytes())?;
                match duplicate {
                    Duplicate::Never => {}
                    Duplicate::Possible => frames::write(sink, Detail::DuplicatePossible, b"")?,
                }
            }
            Self::KeepGrant(SignIn { account, grant, token, expires_at }) => {
                frames::write(sink, Detail::Account, account.as_bytes())?;
                frames::write(sink, Detail::Grant, grant.reveal())?;
                frames::write(sink, Detail::Token, token.reveal())?;
                let expiry = expires_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                frames::write(sink, Detail::Expiry, &expiry.to_be_bytes())?;
            }
            Self::Forget(account) => frames::write(sink, Detail::Account, account.as_bytes())?,
        }
        frames::write(sink, Detail::Complete, b"")
    }

    /// Reads the rest of it, its kind being known: who may not ask for that is refused before.
    ///
    /// # Errors
    /// Each [`RequestFault`].
    pub fn read_rest(kind: Kind, source: &mut dyn Read, spools: &dyn Spools) -> Result<Self, RequestFault> {
        let mut frames = Frames::new(source);
        if kind == Kind::Submit {
            return Request::read_frames(&mut frames, spools).map(|request| Self::Submit(Box::new(request)));
        }
        let details = Details::read(&mut frames)?;
        match kind {
            Kind::Submit => Err(RequestFault::Unexpected(kind as u8)),
            Kind::ListQueue => Ok(Self::ListQueue),
            Kind::ShowEntry => Ok(Self::ShowEntry(details.entry()?)),
            Kind::RetryEntry => Ok(Self::RetryEntry(details.entry()?, details.duplicate)),
            Kind::DropEntry => Ok(Self::DropEntry(details.entry()?)),
            Kind::RunQueue => Ok(Self::RunQueue),
            Kind::Status => Ok(Self::Status(details.columns)),
            Kind::KeepGrant => details.sign_in().map(Self::KeepGrant),
            Kind::Forget => details.account.map(Self::Forget).ok_or(RequestFault::Malformed("no account")),
            Kind::Renew => Ok(Self::Renew),
        }
    }
}

/// What may follow the kind of an errand without a message.
struct Details {
    entry: Option<EntryId>,
    duplicate: Duplicate,
    account: Option<String>,
    grant: Option<Secret>,
    token: Option<Secret>,
    expires_at: Option<SystemTime>,
    columns: Option<u16>,
}

impl Details {
    fn read(frames: &mut Frames<'_>) -> Result<Self, RequestFault> {
        let mut details = Self {
            entry: None,
            duplicate: Duplicate::Never,
            account: None,
            grant: None,
            token: None,
            expires_at: None,
            columns: None,
        };
        loop {
            let (tag, length) = frames.head()?;
            match tag {
                Detail::Complete => return Ok(details),
                Detail::Entry => {
                    let id = text(frames.octets(length)?)?;
                    details.entry = Some(EntryId::parse(&id).ok_or(RequestFault::Malformed("no such name"))?);
                }
                Detail::DuplicatePossible => details.duplicate = Duplicate::Possible,
                Detail::Columns => {
                    let octets = frames.octets(length)?;
                    let octets: [u8; 2] = octets.try_into().map_err(|_| RequestFault::Malformed("columns"))?;
                    details.columns = Some(u16::from_be_bytes(octets));
                }
                Detail::Account => details.account = Some(text(frames.octets(length)?)?),
                Detail::Grant => details.grant = Some(Secret::new(frames.secret_octets(length)?)),
                Detail::Token => details.token = Some(Secret::new(frames.secret_octets(length)?)),
                Detail::Expiry => {
                    let octets = frames.octets(length)?;
                    let seconds: [u8; 8] = octets.try_into().map_err(|_| RequestFault::Malformed("expiry"))?;
                    let seconds = Duration::from_secs(u64::from_be_bytes(seconds));
                    let expires_at = UNIX_EPOCH.checked_add(seconds).ok_or(RequestFault::Malformed("expiry"))?;
                    details.expires_at = Some(expires_at);
                }
            }
        }
    }

    fn entry(&self) -> Result<EntryId, RequestFault> {
        self.entry.clone().ok_or(RequestFault::Malformed("no name of a message"))
    }

    fn sign_in(self) -> Result<SignIn, RequestFault> {
        match (self.account, self.grant, self.token, self.expires_at) {
            (Some(account), Some(grant), Some(token), Some(expires_at)) => {
                Ok(SignIn { account, grant, token, expires_at })
            }
            _ => Err(RequestFault::Malformed("half a sign-in")),
        }
    }
}

fn text(octets: Vec<u8>) -> Result<String, RequestFault> {
    String::from_utf8(octets).map_err(|_| RequestFault::Malformed("not UTF-8"))
}
