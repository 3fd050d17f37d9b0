//! What starts programs for one user at their times: systemd's user manager, where there is one.

use crate::words::Words;

/// Why a unit was not enabled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UnitFault {
    /// No user manager runs here.
    NoManager,
    /// The unit is not installed.
    NotInstalled,
    /// The manager did not do it, in its words.
    Failed(Words),
}

/// The user's own service manager.
pub trait UserUnits {
    /// Enables and starts a unit, within some seconds. One that the user has masked is left alone, which is no fault.
    fn enable(&self, unit: &str) -> Result<(), UnitFault>;
    /// Whether it runs now.
    fn is_active(&self, unit: &str) -> bool;
}
