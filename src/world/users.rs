//! The user database, as far as it decides who may have what.

/// Who belongs where, and who answers for whom.
pub trait Users {
    /// Whether this user, or a process of this group, belongs to the group of that name.
    fn belongs_to(&self, uid: u32, gid: u32, group: &str) -> bool;
    /// Who answers for what processes with this user id do.
    fn party(&self, uid: u32) -> Party;
}

/// Who shares one allowance: of places at the broker, and of room in its queue. A user id costs nothing where somebody
/// has 65,536 of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Party {
    /// A user of the database, or whoever the user id was handed to as a subordinate one (subuid(5)).
    User(u32),
    /// A unit of systemd's with a user of its own.
    Unit(u32),
    /// All others together: nobody knows whose they are.
    Strangers,
}

impl Party {
    /// Root's, which no limit of others' shuts out.
    pub const ROOT: Self = Self::User(0);
}
