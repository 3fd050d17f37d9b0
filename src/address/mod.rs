//! Addresses and address lists as people and programs write them (RFC 5322 section 3.4, obsolete forms included).

use crate::words::SafeText;

mod addr_spec;
mod domain;
mod fault;
mod item;
mod list;
mod render;
mod strict;
mod tokenizer;

#[cfg(test)]
mod peers;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use list::{Form, List, line_end_in, only_address, parse_list, parse_operand, parse_sender, read_list};
pub use render::render_list;

/// One address. The domain is absent in local names such as `root`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AddrSpec {
    /// The local part without quoting: `quoted local` for `"quoted local"@example.com`. Never empty.
    pub local: String,
    /// The domain in ASCII: A-labels or a literal such as `[192.0.2.1]`. Case as written.
    pub domain: Option<String>,
}

/// One address with the name beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    /// The display name as octets, unquoted, encoded-words left encoded; the comment of `root (Cron Daemon)` counts
    /// as one. Empty when there is none.
    pub display: Vec<u8>,
    /// The address.
    pub address: AddrSpec,
}

/// An item of an address list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// `Name <a@b>` or `a@b`.
    Mailbox(Mailbox),
    /// `Name: a@b, c@d;`, possibly without members.
    Group {
        /// The group's display name, as [`Mailbox::display`].
        display: Vec<u8>,
        /// Who is in it.
        members: Vec<Mailbox>,
    },
}

/// Why an address or list was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AddressFault {
    /// It contains CR, LF (outside folding) or NUL, or a control character inside an address.
    Control(SafeText),
    /// It cannot be read; the words quote the item.
    Syntax(SafeText),
}

impl Entry {
    /// Everybody the entry names, in order.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
        match self {
            Self::Mailbox(mailbox) => std::slice::from_ref(mailbox),
            Self::Group { members, .. } => members.as_slice(),
        }
        .iter()
    }
}
