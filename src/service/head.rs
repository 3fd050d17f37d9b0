//! Caller, arguments and stamp as one frame. What the arguments' parser would not have let through is refused here too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::fault::RequestFault;
use crate::envelope::Stamp;
use crate::invocation::{FlagValues, HeaderRecipients, Submit, Verbosity};
use crate::message::Dots;
use crate::world::Caller;

/// Names of this machine that are worth keeping: /etc/hosts has no end.
const LOCAL_DOMAINS: usize = 1000;

/// A name in a user database, or a word, in octets.
const NAME: usize = 1024;

/// No zone is further from UTC (RFC 5322 section 3.3 has two digits for the hours).
const FARTHEST_ZONE: i32 = 24 * 3600;

/// A request without its message.
#[derive(Clone, Debug)]
pub struct Head {
    /// Who called.
    pub caller: Caller,
    /// The arguments.
    pub submit: Submit,
    /// What a message without Date or Message-ID gets.
    pub stamp: Stamp,
}

/// A head as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadRecord {
    caller: Caller,
    arguments: ArgumentsRecord,
    stamp: StampRecord,
}

/// The arguments. The configuration is the reader's own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArgumentsRecord {
    header_recipients: HeaderRecipients,
    dots: Dots,
    verbosity: Verbosity,
    operands: Vec<Octets>,
    /// The letters of flags, and their values.
    values: Vec<(char, Octets)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StampRecord {
    seconds: u64,
    nanoseconds: u32,
    utc_offset: i32,
    unique: [u8; 16],
}

/// An argument: text where it is UTF-8, else its octets.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Octets {
    Text(String),
    Octets(Vec<u8>),
}

impl HeadRecord {
    pub(super) fn of(caller: &Caller, submit: &Submit, stamp: &Stamp) -> Self {
        let Submit { header_recipients, operands, values, dots, verbosity, config: _ } = submit;
        let since = stamp.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            caller: shortened(caller),
            arguments: ArgumentsRecord {
                header_recipients: *header_recipients,
                dots: *dots,
                verbosity: match verbosity {
                    // Nobody at the other end sees our terminal.
                    Verbosity::Silent | Verbosity::Progress => Verbosity::Silent,
                    Verbosity::Transcript => Verbosity::Transcript,
                },
                operands: operands.iter().map(|operand| Octets::from(operand.as_slice())).collect(),
                values: values.letters().map(|(letter, value)| (letter, Octets::from(value))).collect(),
            },
            stamp: StampRecord {
                seconds: since.as_secs(),
                nanoseconds: since.subsec_nanos(),
                utc_offset: stamp.utc_offset,
                unique: stamp.unique,
            },
        }
    }

    pub(super) fn checked(self) -> Result<Head, RequestFault> {
        Ok(Head { caller: self.caller, submit: self.arguments.checked()?, stamp: self.stamp.checked()? })
    }
}

impl ArgumentsRecord {
    fn checked(self) -> Result<Submit, RequestFault> {
        let mut values = FlagValues::default();
        for (letter, value) in self.values {
            let read = values.read(letter, &value.checked()?);
            read.ok_or_else(|| RequestFault::Malformed(format!("the value of -{}", letter.escape_default())))?;
        }
        Ok(Submit {
            header_recipients: self.header_recipients,
            operands: self.operands.into_iter().map(Octets::checked).collect::<Result<_, _>>()?,
            values,
            dots: self.dots,
            verbosity: self.verbosity,
            config: None,
        })
    }
}

impl StampRecord {
    fn checked(self) -> Result<Stamp, RequestFault> {
        let Self { seconds, nanoseconds, utc_offset, unique } = self;
        let now = (nanoseconds < 1_000_000_000).then(|| Duration::new(seconds, nanoseconds));
        let now = now.and_then(|since| year_has_four_digits(UNIX_EPOCH.checked_add(since)?));
        let is_zone = (-FARTHEST_ZONE..FARTHEST_ZONE).contains(&utc_offset);
        let now = now.filter(|_| is_zone).ok_or_else(|| RequestFault::Malformed("stamp".to_owned()))?;
        Ok(Stamp { now, utc_offset, unique })
    }
}

/// A Date field can say no other (RFC 5322 section 3.3).
fn year_has_four_digits(time: SystemTime) -> Option<SystemTime> {
    const YEAR_9999: u64 = 253_370_764_800;
    time.duration_since(UNIX_EPOCH).ok().filter(|since| since.as_secs() < YEAR_9999).map(|_| time)
}

impl From<&[u8]> for Octets {
    fn from(octets: &[u8]) -> Self {
        match std::str::from_utf8(octets) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Octets(octets.to_vec()),
        }
    }
}

impl Octets {
    /// No argument of a program holds a NUL.
    fn checked(self) -> Result<Vec<u8>, RequestFault> {
        let octets = match self {
            Self::Text(text) => text.into_bytes(),
            Self::Octets(octets) => octets,
        };
        if octets.contains(&0) {
            return Err(RequestFault::Malformed("NUL in an argument".to_owned()));
        }
        Ok(octets)
    }
}

/// A caller with as much of every name as is worth keeping.
fn shortened(caller: &Caller) -> Caller {
    let Caller { uid, gid, login, full_name, parent, host_name, local_domains } = caller;
    let name = |text: &String| {
        let end = (0..=NAME.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
        text.get(..end).unwrap_or_default().to_owned()
    };
    Caller {
        uid: *uid,
        gid: *gid,
        login: name(login),
        full_name: name(full_name),
        parent: name(parent),
        host_name: name(host_name),
        local_domains: local_domains.iter().take(LOCAL_DOMAINS).map(name).collect(),
    }
}
