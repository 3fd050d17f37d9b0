//! How much one user may have under way at the broker, so that none locks out the rest.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Connections of one user that are served at a time.
const SERVED: u32 = 8;
/// Of all users but root; root has its own on top.
const SERVED_IN_ALL: u32 = 24;
/// The same with those who have nothing else under way: three users in league must not keep out all others.
const SERVED_WITH_NEWCOMERS: u32 = 48;
/// Connections of one user that wait to be served: a web server's burst.
const WAITING: u32 = 32;
/// Of all users but root.
const WAITING_IN_ALL: u32 = 192;
/// Connections a user may make at once,
const BURST: f64 = 500.0;
/// and so many a second after that: two processor milliseconds each.
const PER_SECOND: f64 = 50.0;

/// What a connection takes up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A process of its own.
    Served,
    /// A descriptor, until there is room for the process.
    Waiting,
}

/// Who has taken what.
#[derive(Debug, Default)]
pub struct Slots {
    users: BTreeMap<u32, User>,
}

#[derive(Clone, Copy, Debug)]
struct User {
    served: u32,
    waiting: u32,
    /// Connections it may still make at once.
    tokens: f64,
    counted: Instant,
}

impl Slots {
    /// Takes a place; says whether there was one.
    pub fn take(&mut self, uid: u32, place: Place, now: Instant) -> bool {
        let in_all = self.in_all(place);
        let user = self.users.entry(uid).or_insert(User { served: 0, waiting: 0, tokens: BURST, counted: now });
        user.tokens = (user.tokens + now.saturating_duration_since(user.counted).as_secs_f64() * PER_SECOND).min(BURST);
        user.counted = now;
        match place {
            Place::Served => {
                let most = if user.served == 0 { SERVED_WITH_NEWCOMERS } else { SERVED_IN_ALL };
                let is_free = user.served < SERVED && (uid == 0 || (in_all < most && user.tokens >= 1.0));
                if is_free {
                    user.served += 1;
                    user.tokens = (user.tokens - 1.0).max(0.0);
                }
                is_free
            }
            Place::Waiting => {
                let is_free = user.waiting < WAITING && (uid == 0 || in_all < WAITING_IN_ALL);
                if is_free {
                    user.waiting += 1;
                }
                is_free
            }
        }
    }

    /// How many connections of this user are served.
    pub fn served(&self, uid: u32) -> u32 {
        self.users.get(&uid).map_or(0, |user| user.served)
    }

    /// Gives a place back.
    pub fn give_back(&mut self, uid: u32, place: Place) {
        if let Some(user) = self.users.get_mut(&uid) {
            match place {
                Place::Served => user.served = user.served.saturating_sub(1),
                Place::Waiting => user.waiting = user.waiting.saturating_sub(1),
            }
        }
    }

    /// Forgets users who have nothing under way and have rested: units with a user of their own leave many behind.
    pub fn forget_rested(&mut self, now: Instant) {
        let rest = Duration::from_secs_f64(BURST / PER_SECOND);
        self.users.retain(|_, user| {
            user.served > 0 || user.waiting > 0 || now.saturating_duration_since(user.counted) < rest
        });
    }

    fn in_all(&self, place: Place) -> u32 {
        let others = self.users.iter().filter(|(uid, _)| **uid != 0).map(|(_, user)| user);
        others
            .map(|user| match place {
                Place::Served => user.served,
                Place::Waiting => user.waiting,
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(slots: &mut Slots, uid: u32, place: Place, now: Instant) -> usize {
        (0..1000).take_while(|_| slots.take(uid, place, now)).count()
    }

    #[test]
    fn one_user_leaves_room_for_others_and_all_of_them_for_root() {
        let (mut slots, now) = (Slots::default(), Instant::now());
        assert_eq!(taken(&mut slots, 33, Place::Served, now), 8);
        assert_eq!(taken(&mut slots, 34, Place::Served, now), 8);
        assert_eq!(taken(&mut slots, 35, Place::Served, now), 8);
        // A newcomer has one place still, as long as they are not too many.
        assert_eq!(taken(&mut slots, 36, Place::Served, now), 1);
        assert_eq!(taken(&mut slots, 0, Place::Served, now), 8);
        let newcomers = (100..200).filter(|uid| slots.take(*uid, Place::Served, now)).count();
        assert_eq!(newcomers, 23);
        for uid in 40..46 {
            assert_eq!(taken(&mut slots, uid, Place::Waiting, now), 32);
        }
        assert_eq!(taken(&mut slots, 46, Place::Waiting, now), 0);
        assert_eq!(taken(&mut slots, 0, Place::Waiting, now), 32);
    }

    #[test]
    fn a_user_in_a_hurry_is_slowed_down_and_root_is_not() {
        let (mut slots, mut now) = (Slots::default(), Instant::now());
        let mut one_after_another = |uid: u32, now: Instant| {
            let served = |_: &i32| {
                let served = slots.take(uid, Place::Served, now);
                slots.give_back(uid, Place::Served);
                served
            };
            (0..2000).take_while(served).count()
        };
        assert_eq!(one_after_another(33, now), 500);
        now += Duration::from_secs(2);
        assert_eq!(one_after_another(33, now), 100);
        assert_eq!(one_after_another(34, now), 500);
        assert_eq!(one_after_another(0, now), 2000);
    }

    #[test]
    fn whoever_has_rested_is_forgotten() {
        let (mut slots, now) = (Slots::default(), Instant::now());
        assert!(slots.take(33, Place::Served, now) && slots.take(34, Place::Served, now));
        slots.give_back(33, Place::Served);
        slots.forget_rested(now + Duration::from_secs(60));
        assert_eq!(slots.users.len(), 1);
    }
}
