//! Somebody who looks after the queue, or nobody.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use crate::world::{QueueRunner, QueueRunners};

/// Somebody who tries again, or nobody; and how often a run behind a message was started.
#[derive(Default)]
pub(crate) struct FakeQueueRunners {
    pub(crate) active: Cell<Option<QueueRunner>>,
    pub(crate) started: Cell<usize>,
}

impl QueueRunners for Rc<FakeQueueRunners> {
    fn active(&self) -> Option<QueueRunner> {
        self.active.get()
    }
    fn start(&self, _: &Path) -> bool {
        self.started.set(self.started.get() + 1);
        true
    }
}
