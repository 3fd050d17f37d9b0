//! The one line a waiting person looks at, rewritten as time passes.

use std::cell::Cell;
use std::time::Duration;

use crate::world::{Escapes, Screen, Stream, World};

/// Back to the line's start, and clear it (ECMA-48 EL).
const ERASE_LINE: &str = "\r\x1b[K";

/// A line on standard error, where that is a terminal.
pub(super) struct StatusLine<'a> {
    world: &'a World,
    screen: Option<Screen>,
    shown: Cell<bool>,
}

impl<'a> StatusLine<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, screen: world.person.screen(Stream::Error), shown: Cell::new(false) }
    }

    /// Shows this in place of what it showed before; a terminal that cannot do that gets it once.
    pub(super) fn show(&self, text: &str) {
        match self.screen {
            None => {}
            Some(Screen { escapes: Escapes::None, .. }) if self.shown.get() => {}
            Some(Screen { escapes: Escapes::None, .. }) => self.world.terminal.err(&format!("{text}\n")),
            Some(Screen { columns, escapes: Escapes::Lines | Escapes::Colours }) => {
                // What goes on in the next line would stay there.
                let fits: String = text.chars().take(usize::from(columns).saturating_sub(1)).collect();
                self.world.terminal.err(&format!("{ERASE_LINE}{fits}"));
            }
        }
        self.shown.set(true);
    }

    /// Takes it away.
    pub(super) fn erase(&self) {
        if self.shown.take() && self.screen.is_some_and(|screen| screen.escapes > Escapes::None) {
            self.world.terminal.err(ERASE_LINE);
        }
    }
}

/// `14:59`.
pub(super) fn minutes_and_seconds(left: Duration) -> String {
    // A second that has begun counts, or the first thing shown would be 14:59.
    let seconds = left.as_millis().div_ceil(1000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
