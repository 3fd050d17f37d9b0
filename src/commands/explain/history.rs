//! What became of each header field, put together from what was noted: the way from the field that came to the one that
//! leaves.

use std::collections::VecDeque;

use crate::envelope::{Noted, Reason};
use crate::message::Field;

/// What became of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Kept,
    Changed,
    Added,
    Left,
}

/// One field's way.
#[derive(Debug)]
pub(super) struct FieldHistory {
    pub(super) mark: Mark,
    /// As it came; `None` for a new one.
    pub(super) came: Option<Field>,
    /// As it leaves, octet for octet; empty for one that does not.
    pub(super) leaves: Vec<u8>,
    /// Why, in order.
    pub(super) reasons: Vec<Reason>,
}

/// Every field that came or leaves: those that leave in their order, those that do not where they stood.
pub(super) fn histories(noted: &Noted) -> Vec<FieldHistory> {
    let mut unused: Vec<bool> = vec![true; noted.changes.len()];
    let old: VecDeque<Way> = noted.came.iter().map(|field| follow(Some(field), 0, noted, &mut unused)).collect();
    let mut new: Vec<Way> = Vec::new();
    while let Some(start) = (0..unused.len()).find(|at| is_new(*at, noted, &unused)) {
        new.push(follow(None, start, noted, &mut unused));
    }
    in_order(old, new, noted)
}

struct Way {
    came: Option<Field>,
    now: Option<Field>,
    reasons: Vec<Reason>,
}

fn is_new(at: usize, noted: &Noted, unused: &[bool]) -> bool {
    unused.get(at) == Some(&true) && noted.changes.get(at).is_some_and(|change| change.before.is_none())
}

/// Goes from change to change as long as one begins with what the last one made. Equal fields are as good as each other.
fn follow(came: Option<&Field>, start: usize, noted: &Noted, unused: &mut [bool]) -> Way {
    let mut way = Way { came: came.cloned(), now: came.cloned(), reasons: Vec::new() };
    for (change, unused) in noted.changes.iter().zip(unused.iter_mut()).skip(start) {
        let begins = *unused && change.before == way.now;
        if begins && (way.now.is_some() || way.reasons.is_empty()) {
            *unused = false;
            way.now.clone_from(&change.after);
            way.reasons.push(change.reason.clone());
        }
        if way.now.is_none() && !way.reasons.is_empty() {
            break;
        }
    }
    way
}

/// Those that leave kept their order among each other. What does not leave stands before what stood behind it, or before
/// what was added at the end.
fn in_order(mut old: VecDeque<Way>, mut new: Vec<Way>, noted: &Noted) -> Vec<FieldHistory> {
    let mut histories = Vec::new();
    for (field, octets) in &noted.leaving {
        let is_it = |way: &Way| way.now.as_ref() == Some(field);
        let next = old.iter().position(|way| way.now.is_some());
        let is_next = next.and_then(|at| old.get(at)).is_some_and(is_it);
        if is_next || next.is_none() {
            histories.extend(old.drain(..next.unwrap_or(old.len())).map(|way| history(way, Vec::new())));
        }
        let way = match is_next {
            true => old.pop_front(),
            false => new.iter().position(is_it).map(|at| new.remove(at)),
        };
        histories.extend(way.map(|way| history(way, octets.clone())));
    }
    histories.extend(old.into_iter().map(|way| history(way, Vec::new())));
    histories
}

fn history(way: Way, leaves: Vec<u8>) -> FieldHistory {
    let mark = match (&way.came, &way.now) {
        (_, None) => Mark::Left,
        (None, Some(_)) => Mark::Added,
        (Some(_), Some(_)) if way.reasons.is_empty() => Mark::Kept,
        (Some(_), Some(_)) => Mark::Changed,
    };
    FieldHistory { mark, came: way.came, leaves, reasons: way.reasons }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Change;

    fn field(name: &str, value: &str) -> Field {
        Field::new(name, value)
    }

    fn change(before: Option<Field>, after: Option<Field>, reason: Reason) -> Change {
        Change { before, after, reason }
    }

    #[test]
    fn every_field_is_followed_and_stays_in_its_place() {
        let came = vec![field("Bcc", "x"), field("From", "root"), field("X", "1"), field("X", "1"), field("Bcc", "y")];
        let (from, again) = (field("From", "me"), field("From", "=?me"));
        let noted = Noted {
            changes: vec![
                change(Some(field("Bcc", "x")), None, Reason::Empty),
                change(Some(field("Bcc", "y")), None, Reason::Empty),
                change(Some(field("From", "root")), Some(from.clone()), Reason::ForeignFrom),
                change(None, Some(field("Date", "d")), Reason::Missing),
                change(Some(from), Some(again.clone()), Reason::EightBit),
            ],
            came,
            leaving: [again, field("X", "1"), field("X", "1"), field("Date", "d")]
                .map(|field| (field.clone(), field.name.into_bytes()))
                .to_vec(),
            ..Noted::default()
        };
        let shown: Vec<_> = histories(&noted)
            .iter()
            .map(|one| format!("{:?} {} {:?}", one.mark, String::from_utf8_lossy(&one.leaves), one.reasons))
            .collect();
        assert_eq!(
            shown,
            [
                "Left  [Empty]",
                "Changed From [ForeignFrom, EightBit]",
                "Kept X []",
                "Kept X []",
                "Left  [Empty]",
                "Added Date [Missing]"
            ]
        );
    }
}
