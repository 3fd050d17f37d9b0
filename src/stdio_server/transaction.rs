//! One message's envelope, from MAIL to DATA, each address judged as it comes.

use super::parameters::MailParameters;
use super::replies::Reply;
use crate::account::{Account, Accounts};
use crate::address::{AddressFault, Entry, parse_operand, parse_sender};
use crate::envelope::check_recipient;
use crate::failure::Failure;
use crate::invocation::{FlagValue, FlagValues, HeaderRecipients, SmtpOnStdio, Submit, Verbosity};
use crate::message::{Dots, standard_input};
use crate::report::{self, LogRecord};
use crate::words::SafeText;
use crate::world::{Log, Priority, Route, World};

/// The most recipients of one message: Exchange Online's highest setting; RFC 5321 section 4.5.3.1.8 asks for 100.
const RECIPIENTS: usize = 1000;

/// What is known before there is a message.
pub(super) struct Transaction {
    /// `None` when only the broker may read them: it says at the final dot what there is to say.
    accounts: Option<Accounts>,
    sender: Vec<u8>,
    recipients: Vec<Vec<u8>>,
    notify: Vec<Option<String>>,
    ret: Option<Vec<u8>>,
    envid: Option<Vec<u8>>,
}

impl Transaction {
    /// Opens one for a sender. A configuration that cannot be used is told now: before the client sends its message,
    /// and at a reply all clients show to somebody.
    pub(super) fn open(world: &World, sender: Vec<u8>, parameters: MailParameters) -> Result<Self, Reply> {
        if let Err(AddressFault::Control(words)) = parse_sender(&sender) {
            return Err(Reply::new(501, "5.1.7", words.whole()));
        }
        let MailParameters { size, ret, envid } = parameters;
        let accounts = match (Accounts::load(world), world.places.route) {
            (Ok(accounts), _) => Some(accounts),
            (Err(failure), Route::Here) => return Err(refused(world, &sender, &[], &failure, 550)),
            (Err(_), Route::Broker | Route::Incoming) => None,
        };
        let transaction = Self { accounts, sender, recipients: Vec::new(), notify: Vec::new(), ret, envid };
        let limit =
            transaction.account().map_or_else(standard_input::size_limit, |account| account.provider.size_limit);
        if size > limit {
            return Err(Reply::new(552, "5.3.4", &format!("message too large: the limit is {limit} octets")));
        }
        Ok(transaction)
    }

    /// Adds a recipient, unless it is certain that it cannot be reached.
    pub(super) fn add(&mut self, world: &World, address: &[u8], notify: Option<String>) -> Result<(), Reply> {
        if self.recipients.len() >= RECIPIENTS {
            return Err(Reply::new(452, "4.5.3", "too many recipients"));
        }
        let unreadable = |words: &SafeText| Reply::new(501, "5.1.3", words.whole());
        let entries = parse_operand(address).map_err(|fault| match fault {
            AddressFault::Control(words) | AddressFault::Syntax(words) => unreadable(&words),
        })?;
        let [Entry::Mailbox(mailbox)] = entries.as_slice() else {
            return Err(unreadable(&SafeText::from("one address is expected")));
        };
        if let Some(account) = self.account() {
            check_recipient(&mailbox.address, account, &world.caller, &*world.files, &Later)
                .map_err(|failure| refused(world, &self.sender, address, &failure, 553))?;
        }
        self.recipients.push(address.to_vec());
        self.notify.push(notify);
        Ok(())
    }

    /// Whether there is nobody to send to.
    pub(super) fn is_without_recipients(&self) -> bool {
        self.recipients.is_empty()
    }

    /// The same as arguments: recipients are operands, the sender is -f's.
    pub(super) fn into_submit(self, wanted: &SmtpOnStdio) -> Submit {
        let given = [
            (FlagValue::Sender, Some(self.sender)),
            (FlagValue::FullName, wanted.full_name.clone()),
            (FlagValue::Notify, common_wish(&self.notify).map(String::into_bytes)),
            (FlagValue::Return, self.ret),
            (FlagValue::EnvelopeId, self.envid),
        ];
        let given = given.into_iter().filter_map(|(of, value)| Some((of, value?)));
        Submit {
            header_recipients: HeaderRecipients::Ignored,
            operands: self.recipients,
            values: given.fold(FlagValues::default(), |values, (of, value)| values.with(of, value)),
            dots: Dots::Content,
            verbosity: Verbosity::Silent,
            config: None,
        }
    }

    /// The account the message will go through, as far as the sender decides; else From will.
    fn account(&self) -> Option<&Account> {
        let sender = parse_sender(&self.sender).ok().flatten().and_then(|sender| sender.to_lettre().ok());
        self.accounts.as_ref()?.for_sender(sender.as_slice()).ok()
    }
}

/// Every recipient of a submission has the same NOTIFY: whatever any of them wishes, and `NEVER` when all wish it.
fn common_wish(wishes: &[Option<String>]) -> Option<String> {
    let words = || wishes.iter().flatten().flat_map(|wish| wish.split(','));
    let wished: Vec<&str> =
        ["SUCCESS", "FAILURE", "DELAY"].into_iter().filter(|&word| words().any(|it| it == word)).collect();
    if !wished.is_empty() {
        return Some(wished.join(","));
    }
    let never = !wishes.is_empty() && wishes.iter().all(|wish| wish.as_deref() == Some("NEVER"));
    never.then(|| "NEVER".to_owned())
}

/// Tells the log and the client.
fn refused(world: &World, sender: &[u8], recipient: &[u8], failure: &Failure, permanent: u16) -> Reply {
    report::write_log_record(world, &LogRecord::of_envelope(sender, &[recipient]), Err(failure));
    Reply::failed(failure, permanent)
}

/// What is odd in the alias file is logged when the message goes out, once.
struct Later;

impl Log for Later {
    fn record(&self, _: Priority, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_of_several_recipients_become_one() {
        let common = |wishes: &[&str]| {
            let wishes: Vec<_> = wishes.iter().map(|wish| (!wish.is_empty()).then(|| (*wish).to_owned())).collect();
            common_wish(&wishes)
        };
        assert_eq!(common(&[]), None);
        assert_eq!(common(&["", ""]), None);
        assert_eq!(common(&["NEVER", "NEVER"]).as_deref(), Some("NEVER"));
        assert_eq!(common(&["NEVER", ""]), None);
        assert_eq!(common(&["DELAY", "", "NEVER", "SUCCESS,DELAY"]).as_deref(), Some("SUCCESS,DELAY"));
    }
}
