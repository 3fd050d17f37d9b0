//! Which account a message goes through.

use crate::account::{Account, Accounts};
use crate::address::{parse_list, parse_sender};
use crate::failure::Failure;
use crate::invocation::{FlagValue, Submit};
use crate::message::Message;

/// What decided which account a message goes through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// -f is an address of it.
    SenderOption,
    /// From is.
    From,
    /// The configuration prefers it.
    Preferred,
    /// There is no other.
    Only,
}

/// The account a message goes through: -f decides before From.
///
/// # Errors
/// Those of [`Accounts::for_sender`].
pub fn account_for<'a>(accounts: &'a Accounts, submit: &Submit, message: &Message) -> Result<&'a Account, Failure> {
    choose_account(accounts, submit, message).map(|(account, _)| account)
}

/// The same, and what decided.
///
/// # Errors
/// Those of [`Accounts::for_sender`].
pub fn choose_account<'a>(
    accounts: &'a Accounts,
    submit: &Submit,
    message: &Message,
) -> Result<(&'a Account, Choice), Failure> {
    let option = submit.value(FlagValue::Sender).and_then(|sender| parse_sender(sender).ok().flatten());
    let header = message.fields.iter().filter(|field| field.is("From"));
    let header = header.flat_map(|field| parse_list(&field.value).unwrap_or_default());
    let header: Vec<_> = header.flat_map(|entry| entry.mailboxes().cloned().collect::<Vec<_>>()).collect();
    let option = option.map(|address| (address, Choice::SenderOption));
    let all = option.into_iter().chain(header.into_iter().map(|mailbox| (mailbox.address, Choice::From)));
    let mut senders = all.filter_map(|(address, choice)| Some((address.to_lettre().ok()?, choice)));
    match senders.find_map(|(sender, choice)| Some((accounts.owner_of(&sender)?, choice))) {
        Some(chosen) => Ok(chosen),
        None => {
            let choice = if accounts.has_preferred() { Choice::Preferred } else { Choice::Only };
            accounts.for_sender(&[]).map(|account| (account, choice))
        }
    }
}
