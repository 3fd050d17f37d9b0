//! Why there is no message.

use crate::failure::{Cause, Failure, Stage};
use crate::words::Words;

/// Why there is no message. Except after [`IntakeFault::Unreadable`] and on a terminal, standard input has been read
/// to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IntakeFault {
    /// Standard input could not be read, in the system's words.
    Unreadable(Words),
    /// The spool could not be written, in the system's words.
    Spool(Words),
    /// The header is over 2 MiB, or has over 10,000 fields.
    HeaderTooLarge,
    /// A CR in the header of which nobody can say whether it ends a line.
    BareReturn,
    /// The same in a field that names recipients.
    ReturnInRecipients,
    /// The whole is over the limit: this many octets.
    TooLarge(u64),
}

impl From<IntakeFault> for Failure {
    fn from(fault: IntakeFault) -> Self {
        let (cause, detail) = match fault {
            IntakeFault::Unreadable(words) => (Cause::InputUnreadable, words),
            IntakeFault::Spool(words) => (Cause::SpoolUnwritable, words),
            IntakeFault::HeaderTooLarge => (Cause::HeaderTooLarge, Words::default()),
            IntakeFault::ReturnInRecipients => (Cause::AddressControl, Words::default()),
            IntakeFault::BareReturn => (Cause::HeaderReturn, Words::default()),
            IntakeFault::TooLarge(octets) => (Cause::MessageTooLarge, Words::from(format!("{octets} octets"))),
        };
        Self::new(Stage::Message, cause, detail)
    }
}
