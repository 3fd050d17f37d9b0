//! What becomes of what a caller asks for.

use Disposition::{Honoured, Ignored, Refused};

/// What becomes of a flag; `A` says what to do about an honoured one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition<A> {
    /// It does something.
    Honoured(A),
    /// It is read over, for this reason.
    Ignored(&'static str),
    /// The call ends with 64 and nothing is sent, for this reason.
    Refused(&'static str),
}

impl<A> Disposition<A> {
    /// What a text about it needs to know.
    pub(crate) fn without_action(self) -> Disposition<()> {
        match self {
            Self::Honoured(_) => Honoured(()),
            Self::Ignored(reason) => Ignored(reason),
            Self::Refused(reason) => Refused(reason),
        }
    }
}
