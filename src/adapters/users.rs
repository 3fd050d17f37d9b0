//! The user database: passwd(5) and group(5) or whatever nsswitch.conf names, and subuid(5).

use std::fs::File;
use std::io::Read as _;

use nix::unistd::{Gid, Group, Uid, User};

use crate::world::{Party, Users};

/// What systemd takes for units with `DynamicUser=yes`.
const DYNAMIC: std::ops::RangeInclusive<u32> = 61_184..=65_519;

const SUBORDINATE_IDS: &str = "/etc/subuid";

/// Such a file has a line for each user.
const LONGEST_FILE: u64 = 1024 * 1024;

/// The user database of this machine.
#[derive(Clone, Copy, Debug)]
pub struct UserDatabase;

impl Users for UserDatabase {
    fn belongs_to(&self, uid: u32, gid: u32, group: &str) -> bool {
        let Ok(Some(group)) = Group::from_name(group) else { return false };
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let listed = user.is_some_and(|user| user.gid == group.gid || group.mem.contains(&user.name));
        listed || Gid::from_raw(gid) == group.gid
    }

    fn party(&self, uid: u32) -> Party {
        if uid == 0 || matches!(User::from_uid(Uid::from_raw(uid)), Ok(Some(_))) {
            return Party::User(uid);
        }
        if DYNAMIC.contains(&uid) {
            return Party::Unit(uid);
        }
        let mut text = String::new();
        let read = File::open(SUBORDINATE_IDS).and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text));
        let owner = read.ok().and_then(|_| owner_in(&text, uid));
        owner.and_then(uid_of).map_or(Party::Strangers, Party::User)
    }
}

/// The first user or user id whose range has this one: lines of `name:first:count`.
fn owner_in(text: &str, uid: u32) -> Option<&str> {
    text.lines().find_map(|line| {
        let mut parts = line.trim().split(':');
        let (name, first, count) =
            (parts.next()?, parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?);
        (uid.checked_sub(first)? < count).then_some(name)
    })
}

fn uid_of(name: &str) -> Option<u32> {
    let user = User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
    user.or_else(|| name.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subordinate_id_is_its_owners() {
        let text =
            "# made by useradd\nalice:100000:65536\n\nbroken\nbob:x:1\n1001:165536:65536\ncarol:4294967295:65536\n";
        for (uid, owner) in [
            (100_000, Some("alice")),
            (165_535, Some("alice")),
            (165_536, Some("1001")),
            (u32::MAX, Some("carol")),
            (99_999, None),
            (231_072, None),
        ] {
            assert_eq!(owner_in(text, uid), owner, "{uid}");
        }
        assert_eq!(uid_of("root"), Some(0));
        assert_eq!(uid_of("4711"), Some(4711));
    }

    #[test]
    fn whoever_is_in_no_database_shares() {
        assert_eq!(UserDatabase.party(0), Party::ROOT);
        assert_eq!(UserDatabase.party(62_611), Party::Unit(62_611));
        assert_eq!(UserDatabase.party(3_000_000_000), Party::Strangers);
        assert_eq!(UserDatabase.party(3_000_000_001), Party::Strangers);
        assert!(
            UserDatabase.belongs_to(0, 0, "root") && !UserDatabase.belongs_to(3_000_000_000, 3_000_000_000, "root")
        );
    }
}
