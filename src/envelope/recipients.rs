//! Who gets the message: operands, and with -t the header's recipients (decision 12 of DECISIONS.md).

use lettre::Address;

use crate::address::{AddrSpec, AddressFault, Entry, line_end_in, parse_list, parse_operand};
use crate::envelope::header::PassingOn;
use crate::envelope::header_rules::{Role, rule_of};
use crate::envelope::local_names::{LocalNames, address_failure};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{HeaderRecipients, Submit};
use crate::message::{Field, Replaced};

/// Every recipient once, operands first, then the header's in its order; local names resolved.
///
/// # Errors
/// [`Cause::NoRecipients`]; [`Cause::AddressSyntax`] and [`Cause::AddressControl`] for the first address that cannot
/// be read: sending to the others would hide that one is missing.
pub fn recipients(submit: &Submit, fields: &[Field], names: &LocalNames<'_>) -> Result<Vec<Address>, Failure> {
    let mut found: Vec<Address> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for written in written(submit, fields).map_err(|fault| address_failure(&fault))? {
        for address in names.resolve(&written)? {
            // RFC 5321 section 2.4: domains have no case, local parts may.
            if seen.insert((address.user().to_owned(), address.domain().to_ascii_lowercase())) {
                found.push(address);
            }
        }
    }
    if found.is_empty() {
        return Err(Failure::new(Stage::Envelope, Cause::NoRecipients, ""));
    }
    Ok(found)
}

fn written(submit: &Submit, fields: &[Field]) -> Result<Vec<AddrSpec>, AddressFault> {
    let mut lists: Vec<Vec<Entry>> = Vec::new();
    for operand in &submit.operands {
        lists.push(read_recipient(operand)?);
    }
    if submit.header_recipients == HeaderRecipients::Taken {
        let wanted = match PassingOn::of(fields) {
            PassingOn::Yes => Role::ResentRecipient,
            PassingOn::No => Role::Recipient,
        };
        for field in fields.iter().filter(|field| role(field) == wanted) {
            lists.push(match field.replaced {
                Replaced::Nothing => parse_list(&field.value)?,
                Replaced::LineEnd => return Err(line_end_in(&field.value)),
            });
        }
    }
    Ok(lists.iter().flatten().flat_map(Entry::mailboxes).map(|mailbox| mailbox.address.clone()).collect())
}

/// Reads an operand that names recipients. `\root` means root here, not an alias of that name; there is no mailbox
/// behind it but the one mail for root goes to.
///
/// # Errors
/// Those of [`parse_operand`].
pub fn read_recipient(operand: &[u8]) -> Result<Vec<Entry>, AddressFault> {
    parse_operand(operand.strip_prefix(b"\\").unwrap_or(operand))
}

fn role(field: &Field) -> Role {
    rule_of(&field.name).map_or(Role::None, |rule| rule.role)
}
