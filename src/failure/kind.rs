//! Whether a failure passes, and what has to happen first: what another attempt at the same message goes by.

/// What becomes of a failure with time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It passes by itself: the same message may go in seconds or minutes.
    Temporary,
    /// It passes by itself in hours, and every earlier attempt prolongs it.
    Quota,
    /// Nothing is wrong with the message; somebody has to do what the advice says first.
    HumanNeeded,
    /// The same, and it is the mailbox's owner who has to do it, at the provider: earlier attempts make it worse.
    OwnerNeeded,
    /// It went to too many at a time: those who are left may be few enough next time.
    Fewer,
    /// The same message fails again, or trying again does harm: it was perhaps sent, or the mailbox is being punished.
    Permanent,
}

impl Kind {
    /// Whether it passes by itself.
    pub const fn passes(self) -> bool {
        match self {
            Self::Temporary | Self::Quota => true,
            Self::HumanNeeded | Self::OwnerNeeded | Self::Fewer | Self::Permanent => false,
        }
    }

    /// Whether somebody can mend it without changing the message.
    pub const fn can_be_mended(self) -> bool {
        match self {
            Self::HumanNeeded | Self::OwnerNeeded => true,
            Self::Temporary | Self::Quota | Self::Fewer | Self::Permanent => false,
        }
    }

    /// Whether a recipient refused so may get the message another time.
    pub const fn passes_for_recipient(self) -> bool {
        match self {
            Self::Temporary | Self::Quota | Self::Fewer => true,
            Self::HumanNeeded | Self::OwnerNeeded | Self::Permanent => false,
        }
    }

    /// Whether an earlier attempt makes it worse.
    pub const fn takes_hours(self) -> bool {
        match self {
            Self::Quota | Self::OwnerNeeded => true,
            Self::Temporary | Self::HumanNeeded | Self::Fewer | Self::Permanent => false,
        }
    }
}
