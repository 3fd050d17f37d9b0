//! Who gets the message: operands, and with -t the header's recipients (decision 12 of DECISIONS.md).

use lettre::Address;

use crate::address::{AddrSpec, AddressFault, Entry, line_end_in, parse_list, parse_operand};
use crate::envelope::changes::{ChangeLog, NotedRecipient, RecipientSource};
use crate::envelope::header::PassingOn;
use crate::envelope::header_rules::{Role, rule_of};
use crate::envelope::local_names::{LocalNames, address_failure};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{HeaderRecipients, Submit};
use crate::message::{Field, Replaced};
use crate::words::SafeText;

/// Every recipient once, operands first, then the header's in its order; local names resolved.
///
/// # Errors
/// [`Cause::NoRecipients`]; [`Cause::AddressSyntax`] and [`Cause::AddressControl`] for the first address that cannot
/// be read: sending to the others would hide that one is missing.
pub fn recipients(
    submit: &Submit,
    fields: &[Field],
    names: &LocalNames<'_>,
    changes: &ChangeLog,
) -> Result<Vec<Address>, Failure> {
    let mut found: Vec<Address> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (source, written) in written(submit, fields).map_err(|fault| address_failure(&fault))? {
        for (address, via) in names.trace(&written)? {
            changes.note(|noted| {
                let (address, written) = (address.clone(), SafeText::from(written.to_string()));
                let source = source.map_or(RecipientSource::Argument, |name| RecipientSource::Field(name.to_owned()));
                noted.recipients.push(NotedRecipient { address, written, source, via });
            });
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

/// Every address named, with the name of its field; without one it is an operand's.
fn written<'f>(submit: &Submit, fields: &'f [Field]) -> Result<Vec<(Option<&'f str>, AddrSpec)>, AddressFault> {
    let mut lists: Vec<(Option<&str>, Vec<Entry>)> = Vec::new();
    for operand in &submit.operands {
        lists.push((None, read_recipient(operand)?));
    }
    if submit.header_recipients == HeaderRecipients::Taken {
        let wanted = match PassingOn::of(fields) {
            PassingOn::Yes => Role::ResentRecipient,
            PassingOn::No => Role::Recipient,
        };
        for field in fields.iter().filter(|field| names_recipients(field, wanted)) {
            let list = match field.replaced {
                Replaced::Nothing => parse_list(&field.value)?,
                Replaced::LineEnd => return Err(line_end_in(&field.value)),
            };
            lists.push((Some(&field.name), list));
        }
    }
    let mailboxes = |(source, list): (_, Vec<Entry>)| {
        list.into_iter().flat_map(move |entry| {
            let addresses: Vec<_> = entry.mailboxes().map(|mailbox| (source, mailbox.address.clone())).collect();
            addresses
        })
    };
    Ok(lists.into_iter().flat_map(mailboxes).collect())
}

/// Reads an operand that names recipients. `\root` means root here, not an alias of that name; there is no mailbox
/// behind it but the one mail for root goes to.
///
/// # Errors
/// Those of [`parse_operand`].
pub fn read_recipient(operand: &[u8]) -> Result<Vec<Entry>, AddressFault> {
    parse_operand(operand.strip_prefix(b"\\").unwrap_or(operand))
}

/// Whether a field has that role, and names anybody.
fn names_recipients(field: &Field, wanted: Role) -> bool {
    rule_of(&field.name).is_some_and(|rule| rule.role == wanted && rule.substance.is_in(&field.value))
}
