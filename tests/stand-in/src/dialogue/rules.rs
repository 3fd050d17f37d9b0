//! Which rule is next: rules with the count of how often each was used.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Action, Dialogue, Rule, Stage};

/// The rules of one running server.
#[derive(Default)]
pub(crate) struct Rules {
    rules: Vec<(Rule, AtomicUsize)>,
}

impl Rules {
    pub(crate) fn of(dialogue: &Dialogue) -> Self {
        Self { rules: dialogue.rules.iter().map(|rule| (rule.clone(), AtomicUsize::new(0))).collect() }
    }

    /// The actions of the first rule that fits, if one does; counts its use.
    pub(crate) fn actions(&self, stage: Stage, nth: usize, line: &[u8]) -> Option<&[Action]> {
        self.rules
            .iter()
            .find(|(rule, used)| fits(rule, stage, nth, line) && is_left(rule, used))
            .map(|(rule, _)| rule.actions.as_slice())
    }
}

fn fits(rule: &Rule, stage: Stage, nth: usize, line: &[u8]) -> bool {
    let selector = &rule.selector;
    rule.stage == stage
        && selector.nth.is_none_or(|wanted| wanted == nth)
        && selector.longer_than.is_none_or(|limit| line.len() > limit)
        && selector.containing.as_ref().is_none_or(|wanted| contains(line, wanted))
}

fn contains(line: &[u8], wanted_lowercase: &[u8]) -> bool {
    wanted_lowercase.is_empty()
        || line.to_ascii_lowercase().windows(wanted_lowercase.len()).any(|window| window == wanted_lowercase)
}

/// Takes one use of the rule, when one is left.
fn is_left(rule: &Rule, used: &AtomicUsize) -> bool {
    used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
        rule.selector.times.is_none_or(|times| count < times).then_some(count + 1)
    })
    .is_ok()
}
