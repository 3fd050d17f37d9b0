//! What is to be done to a body, entity by entity.

use super::entity::Encoding;
use super::note::Note;

/// What is done to a leaf's octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    QuotedPrintable,
    Base64,
    /// Base64 of the octets as they came.
    Octets,
    RepairQuotedPrintable,
    RepairBase64,
}

/// What is done to one entity.
#[derive(Clone, Default, Debug)]
pub(super) struct Decision {
    /// To its content, when it is a leaf.
    pub(super) coding: Option<Coding>,
    /// What Content-Transfer-Encoding has to say from now on.
    pub(super) label: Option<Encoding>,
    /// The charset Content-Type has to name from now on.
    pub(super) charset: Option<String>,
    /// The type it has to name.
    pub(super) media: Option<&'static str>,
    /// Whether anything of it changes, in its header or below.
    pub(super) changed: bool,
}

/// The first pass's result.
pub(super) struct Plan {
    pub(super) decisions: Vec<Decision>,
    pub(super) notes: Vec<Note>,
    /// 8-bit octets leave as they are.
    pub(super) eight_bit_remains: bool,
    /// The second pass has something to do; otherwise only the message's own fields change.
    pub(super) body_changes: bool,
}
