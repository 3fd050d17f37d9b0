//! A user manager that remembers what it was asked for.

use std::cell::RefCell;
use std::rc::Rc;

use crate::world::{UnitFault, UserUnits};

/// A manager that does as asked, unless it has a reason not to.
#[derive(Default)]
pub(crate) struct FakeUserUnits {
    pub(crate) enabled: RefCell<Vec<String>>,
    pub(crate) fault: RefCell<Option<UnitFault>>,
}

impl UserUnits for Rc<FakeUserUnits> {
    fn enable(&self, unit: &str) -> Result<(), UnitFault> {
        if let Some(fault) = &*self.fault.borrow() {
            return Err(fault.clone());
        }
        self.enabled.borrow_mut().push(unit.into());
        Ok(())
    }
    fn is_active(&self, unit: &str) -> bool {
        self.enabled.borrow().iter().any(|enabled| enabled == unit)
    }
}
