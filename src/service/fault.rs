//! Why what came is no request.

use std::io::{self, ErrorKind};

use crate::failure::{Cause, Failure, Stage};
use crate::message::IntakeFault;
use crate::words::Words;

/// Why there is no request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestFault {
    /// It ended in the middle: whoever wrote it is gone.
    Incomplete,
    /// It could not be read, in the system's words.
    Unreadable(Words),
    /// It is no request of this program's.
    Foreign,
    /// It was written by a version this one does not know.
    Version(u8),
    /// A frame this version does not know, or not in this place; the octet is its letter.
    Unexpected(u8),
    /// A frame longer than its kind may be; the octet is its letter.
    TooLong(u8),
    /// A frame whose content makes no sense.
    Malformed(String),
    /// The message in it cannot be taken.
    Message(IntakeFault),
}

impl From<RequestFault> for Failure {
    fn from(fault: RequestFault) -> Self {
        let nonsense = |words: String| Self::new(Stage::Message, Cause::RequestNonsense, words);
        match fault {
            RequestFault::Message(fault) => fault.into(),
            RequestFault::Unreadable(words) => Self::new(Stage::Message, Cause::InputUnreadable, words),
            RequestFault::Incomplete => nonsense("it ends in the middle".to_owned()),
            RequestFault::Foreign => nonsense("it does not begin like one".to_owned()),
            RequestFault::Version(version) => nonsense(format!("it has version {version}")),
            RequestFault::Unexpected(tag) => nonsense(format!("frame {tag} is not expected")),
            RequestFault::TooLong(tag) => nonsense(format!("frame {tag} is too long")),
            RequestFault::Malformed(what) => nonsense(what),
        }
    }
}

impl From<RequestFault> for io::Error {
    fn from(fault: RequestFault) -> Self {
        Self::new(ErrorKind::InvalidData, Failure::from(fault).line())
    }
}
