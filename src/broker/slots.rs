//! How much one user may have under way at the broker, so that none locks out the rest.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::world::Party;

/// Connections of one party that are served at a time.
const SERVED: u32 = 8;
/// Of all but root; root has its own on top.
const SERVED_IN_ALL: u32 = 24;
/// The same with those who have nothing else under way: three users in league must not keep out all others.
const SERVED_WITH_NEWCOMERS: u32 = 48;
/// Of all that are in no user database: what is left is for those who are.
const SERVED_OUTSIDE: u32 = 32;
/// Connections of one party that wait to be served: a web server's burst.
const WAITING: u32 = 32;
/// Of all but root.
const WAITING_IN_ALL: u32 = 192;
/// Of all that are in no user database.
const WAITING_OUTSIDE: u32 = 96;
/// Connections a party may make at once,
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

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// This party has all it may have.
    OfYours,
    /// All of them together have.
    OfOthers,
}

/// Who has taken what.
#[derive(Debug, Default)]
pub struct Slots {
    parties: BTreeMap<Party, Taken>,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    served: u32,
    waiting: u32,
    /// Connections it may still make at once.
    tokens: f64,
    counted: Instant,
}

impl Slots {
    /// Takes a place.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&mut self, party: Party, place: Place, now: Instant) -> Result<(), Full> {
        let (in_all, outside) = (self.sum(place, |party| party != Party::ROOT), self.sum(place, is_outside));
        let taken = self.parties.entry(party).or_insert(Taken { served: 0, waiting: 0, tokens: BURST, counted: now });
        taken.tokens =
            (taken.tokens + now.saturating_duration_since(taken.counted).as_secs_f64() * PER_SECOND).min(BURST);
        taken.counted = now;
        let (own, most, most_in_all, most_outside) = match place {
            Place::Served => {
                let most_in_all = if taken.served == 0 { SERVED_WITH_NEWCOMERS } else { SERVED_IN_ALL };
                (&mut taken.served, SERVED, most_in_all, SERVED_OUTSIDE)
            }
            Place::Waiting => (&mut taken.waiting, WAITING, WAITING_IN_ALL, WAITING_OUTSIDE),
        };
        let is_hurried = place == Place::Served && party != Party::ROOT && taken.tokens < 1.0;
        if *own >= most || is_hurried {
            return Err(Full::OfYours);
        }
        let is_crowded = in_all >= most_in_all || (is_outside(party) && outside >= most_outside);
        if party != Party::ROOT && is_crowded {
            return Err(Full::OfOthers);
        }
        *own += 1;
        if place == Place::Served {
            taken.tokens = (taken.tokens - 1.0).max(0.0);
        }
        Ok(())
    }

    /// How many connections of this party are served.
    pub fn served(&self, party: Party) -> u32 {
        self.parties.get(&party).map_or(0, |taken| taken.served)
    }

    /// Gives a place back.
    pub fn give_back(&mut self, party: Party, place: Place) {
        if let Some(taken) = self.parties.get_mut(&party) {
            match place {
                Place::Served => taken.served = taken.served.saturating_sub(1),
                Place::Waiting => taken.waiting = taken.waiting.saturating_sub(1),
            }
        }
    }

    /// Forgets who has nothing under way and has rested: units with a user of their own leave many behind.
    pub fn forget_rested(&mut self, now: Instant) {
        let rest = Duration::from_secs_f64(BURST / PER_SECOND);
        self.parties.retain(|_, taken| {
            taken.served > 0 || taken.waiting > 0 || now.saturating_duration_since(taken.counted) < rest
        });
    }

    fn sum(&self, place: Place, counts: fn(Party) -> bool) -> u32 {
        let counted = self.parties.iter().filter(|(party, _)| counts(**party)).map(|(_, taken)| taken);
        counted
            .map(|taken| match place {
                Place::Served => taken.served,
                Place::Waiting => taken.waiting,
            })
            .sum()
    }
}

/// Units and strangers: somebody may have any number of these.
fn is_outside(party: Party) -> bool {
    match party {
        Party::User(_) => false,
        Party::Unit(_) | Party::Strangers => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(slots: &mut Slots, party: Party, place: Place, now: Instant) -> usize {
        (0..1000).take_while(|_| slots.take(party, place, now).is_ok()).count()
    }

    #[test]
    fn one_user_leaves_room_for_others_and_all_of_them_for_root() {
        let (mut slots, now) = (Slots::default(), Instant::now());
        for uid in [33, 34, 35] {
            assert_eq!(taken(&mut slots, Party::User(uid), Place::Served, now), 8);
            assert_eq!(slots.take(Party::User(uid), Place::Served, now), Err(Full::OfYours));
        }
        // A newcomer has one place still, as long as they are not too many.
        assert_eq!(taken(&mut slots, Party::User(36), Place::Served, now), 1);
        assert_eq!(slots.take(Party::User(36), Place::Served, now), Err(Full::OfOthers));
        assert_eq!(taken(&mut slots, Party::ROOT, Place::Served, now), 8);
        let newcomers = (100..200).filter(|uid| slots.take(Party::User(*uid), Place::Served, now).is_ok()).count();
        assert_eq!(newcomers, 23);
        for uid in 40..46 {
            assert_eq!(taken(&mut slots, Party::User(uid), Place::Waiting, now), 32);
        }
        assert_eq!(taken(&mut slots, Party::User(46), Place::Waiting, now), 0);
        assert_eq!(taken(&mut slots, Party::ROOT, Place::Waiting, now), 32);
    }

    #[test]
    fn whoever_is_in_no_database_leaves_room_for_those_who_are() {
        let (mut slots, now) = (Slots::default(), Instant::now());
        assert_eq!(taken(&mut slots, Party::Strangers, Place::Served, now), 8, "all of them are one");
        assert_eq!(slots.take(Party::Strangers, Place::Served, now), Err(Full::OfYours));
        let units = |slots: &mut Slots, place| {
            (61_184..=65_519).map(|uid| taken(slots, Party::Unit(uid), place, now)).sum::<usize>()
        };
        assert_eq!(units(&mut slots, Place::Served), 24);
        assert_eq!(units(&mut slots, Place::Waiting), 96);
        let users = (1000..1100).filter(|uid| slots.take(Party::User(*uid), Place::Served, now).is_ok()).count();
        assert_eq!(users, 16);
        assert_eq!(taken(&mut slots, Party::User(1000), Place::Waiting, now), 32);
    }

    #[test]
    fn a_user_in_a_hurry_is_slowed_down_and_root_is_not() {
        let (mut slots, mut now) = (Slots::default(), Instant::now());
        let mut one_after_another = |uid: u32, now: Instant| {
            let served = |_: &i32| {
                let served = slots.take(Party::User(uid), Place::Served, now);
                slots.give_back(Party::User(uid), Place::Served);
                served.is_ok()
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
        for uid in [33, 34] {
            slots.take(Party::User(uid), Place::Served, now).unwrap();
        }
        slots.give_back(Party::User(33), Place::Served);
        slots.forget_rested(now + Duration::from_secs(60));
        assert_eq!(slots.parties.len(), 1);
    }
}
