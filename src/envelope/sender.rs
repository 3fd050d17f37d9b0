//! The From policy (decision 14 of DECISIONS.md): Outlook refuses a foreign From, so it becomes the account's own,
//! with the original and the real caller still to be seen.

use lettre::Address;

use crate::account::{Account, CallerShown, FromPolicy};
use crate::address::{AddrSpec, AddressFault, Entry, Form, Mailbox, parse_list, parse_sender, read_list, render_list};
use crate::envelope::changes::{ChangeLog, Reason, SenderReason};
use crate::envelope::claimed::{first_name, salvaged};
use crate::envelope::local_names::{LocalNames, address_failure};
use crate::failure::{Cause, Failure, Stage};
use crate::header_text::{encode_phrase, encode_unstructured, holds_encoded_word};
use crate::invocation::FlagValue;
use crate::invocation::Submit;
use crate::memory::send_as::{KnownSenders, Refusal};
use crate::message::Field;
use crate::words::Words;
use crate::world::{Caller, Log, Priority};

/// Who the message is from, as far as the policy needs to know.
pub struct SenderPolicy<'a> {
    /// The account it goes out through.
    pub account: &'a Account,
    /// Who really called.
    pub caller: &'a Caller,
    /// What is local here.
    pub names: &'a LocalNames<'a>,
    /// What was said of the account's addresses.
    pub known: &'a KnownSenders,
    /// For an address that is not to be used although `send_as` has it.
    pub log: &'a dyn Log,
    /// For text that is not UTF-8.
    pub charset: &'a str,
    /// Where it notes what it does.
    pub changes: &'a ChangeLog,
}

/// Whether a From was changed: a DKIM signature over it is then broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FromOutcome {
    /// It stays as it was.
    Untouched,
    /// It is the account's now.
    Rewritten,
}

impl SenderPolicy<'_> {
    /// The reverse path: what -f says if the account owns it (or the policy passes all), else the account.
    ///
    /// # Errors
    /// [`Cause::AddressControl`] for -f.
    pub fn reverse_path(&self, submit: &Submit) -> Result<Address, Failure> {
        let wanted = self.wanted_sender(submit)?.and_then(|sender| sender.to_lettre().ok());
        let (sender, reason) = match wanted {
            Some(sender) if self.may_use(&sender) => (sender, SenderReason::Option),
            other => (self.account.address.clone(), self.why_not(submit, other.as_ref())),
        };
        self.changes.note(|noted| noted.reverse_path = Some(reason));
        Ok(sender)
    }

    /// Why -f does not decide the reverse path.
    fn why_not(&self, submit: &Submit, sender: Option<&Address>) -> SenderReason {
        match (submit.value(FlagValue::Sender), sender.and_then(|sender| self.refusal(sender))) {
            (None | Some(b"" | b"<>"), _) => SenderReason::NoOption,
            (Some(other), Some(refusal)) => SenderReason::RefusedLately(Words::from_octets(other), refusal),
            (Some(other), None) => SenderReason::NotTheAccounts(Words::from_octets(other)),
        }
    }

    /// Puts From, Sender, Reply-To and X-Original-From right.
    ///
    /// # Errors
    /// [`Cause::ForeignFrom`] when the policy refuses; those of `-f`.
    pub fn apply(&self, submit: &Submit, fields: &mut Vec<Field>) -> Result<FromOutcome, Failure> {
        if self.account.from == FromPolicy::Pass {
            return match fields.iter().any(|field| field.is("From")) {
                true => Ok(FromOutcome::Untouched),
                false => self.add_from(submit, fields),
            };
        }
        self.changes.retain(fields, &Reason::ForeignSender, |field| !is_sender(field) || self.own_addresses(field));
        self.rewrite_resent(fields);
        let Some(place) = fields.iter().position(|field| field.is("From")) else {
            return self.add_from(submit, fields);
        };
        match fields.get(place).cloned() {
            Some(field) if !self.own_addresses(&field) => self.rewrite(place, &field, fields),
            Some(field) => {
                self.add_sender(&field, fields);
                Ok(FromOutcome::Untouched)
            }
            None => Ok(FromOutcome::Untouched),
        }
    }

    /// Several authors need somebody who sends for them (RFC 5322 section 3.6.2); Outlook refuses them without.
    fn add_sender(&self, from: &Field, fields: &mut Vec<Field>) {
        let authors = parse_list(&from.value).map_or(0, |entries| entries.iter().flat_map(Entry::mailboxes).count());
        if authors > 1 && !fields.iter().any(|field| field.is("Sender")) {
            self.add(Field::new("Sender", self.account.address.to_string()), Reason::SeveralAuthors, fields);
        }
    }

    fn wanted_sender(&self, submit: &Submit) -> Result<Option<AddrSpec>, Failure> {
        match submit.value(FlagValue::Sender).map(parse_sender) {
            Some(Ok(sender)) => Ok(sender),
            // `root@` and its like are no reason to lose a message: the account takes their place.
            None | Some(Err(AddressFault::Syntax(_))) => Ok(None),
            Some(Err(fault @ AddressFault::Control(_))) => Err(address_failure(&fault)),
        }
    }

    /// Whether the field is a list of the account's own addresses and nothing else.
    fn own_addresses(&self, field: &Field) -> bool {
        let Ok(entries) = parse_list(&field.value) else { return false };
        let mut mailboxes = entries.iter().flat_map(Entry::mailboxes).peekable();
        mailboxes.peek().is_some() && mailboxes.all(|mailbox| self.owns(&mailbox.address))
    }

    fn owns(&self, address: &AddrSpec) -> bool {
        address.to_lettre().is_ok_and(|address| self.may_use(&address))
    }

    fn may_use(&self, address: &Address) -> bool {
        match self.account.from {
            FromPolicy::Pass => true,
            FromPolicy::Rewrite => self.account.owns(address) && self.known.refusal(address).is_none(),
            FromPolicy::Refuse => self.account.owns(address),
        }
    }

    /// Why an address of the account's is not used.
    fn refusal(&self, address: &Address) -> Option<Refusal> {
        self.known.refusal(address).filter(|_| self.account.owns(address))
    }

    /// A message without From gets one: the sender -f names, judged like any other.
    fn add_from(&self, submit: &Submit, fields: &mut Vec<Field>) -> Result<FromOutcome, Failure> {
        let name = submit.value(FlagValue::FullName).filter(|name| !name.is_empty());
        match self.wanted_sender(submit)? {
            Some(sender) if self.owns(&sender) => {
                let display = self.own_display(name);
                self.add(Field::new("From", self.mailbox(&display, &sender.to_wire())), Reason::NoFrom, fields);
                Ok(FromOutcome::Untouched)
            }
            Some(sender) if self.account.from == FromPolicy::Rewrite => {
                let display = name.unwrap_or_default().to_vec();
                let original = Entry::Mailbox(Mailbox { display, address: sender });
                let field = Field::new("From", render_list(&[original], self.charset));
                self.add(field.clone(), Reason::NoFrom, fields);
                self.rewrite(fields.len() - 1, &field, fields)
            }
            _ => {
                let display = self.own_display(name);
                let value = self.mailbox(&display, self.account.address.as_ref());
                self.add(Field::new("From", value), Reason::NoFrom, fields);
                Ok(FromOutcome::Untouched)
            }
        }
    }

    /// -F, else the configured name, else the caller's, else who and where.
    fn own_display(&self, name: Option<&[u8]>) -> Vec<u8> {
        let person = &self.caller.full_name;
        let display = match (name, &self.account.display_name) {
            (Some(name), _) => name.to_vec(),
            (None, Some(name)) => name.clone().into_bytes(),
            // "root" as a full name says nothing about which machine's.
            (None, None) if !person.is_empty() && *person != self.caller.login => person.clone().into_bytes(),
            (None, None) => match self.account.caller {
                CallerShown::Always | CallerShown::LastResort => self.who_and_where().into_bytes(),
                CallerShown::Never => Vec::new(),
            },
        };
        self.phrase(&display)
    }

    /// The real user and this machine, never what the message claims.
    fn who_and_where(&self) -> String {
        match self.caller.host_name.split('.').next() {
            None | Some("") => self.caller.login.clone(),
            Some(host) => format!("{} on {host}", self.caller.login),
        }
    }

    fn mailbox(&self, phrase: &[u8], address: &str) -> Vec<u8> {
        match phrase {
            [] => address.as_bytes().to_vec(),
            [..] => [phrase, format!(" <{address}>").as_bytes()].concat(),
        }
    }

    /// On the machine's account, `From: Cron Daemon <root>` becomes `From: "Cron Daemon, root on web1" <account>`.
    fn rewrite(&self, place: usize, original: &Field, fields: &mut Vec<Field>) -> Result<FromOutcome, Failure> {
        if self.account.from == FromPolicy::Refuse {
            let words = Words::from_octets(&original.unfolded());
            return Err(Failure::new(Stage::Envelope, Cause::ForeignFrom, words));
        }
        let entries = parse_list(&original.value).unwrap_or_else(|_| salvaged(original));
        let mailboxes: Vec<_> = entries.iter().flat_map(Entry::mailboxes).collect();
        let display = first_name(&entries, &original.unfolded());
        let value = self.mailbox(&self.named(&display), self.account.address.as_ref());
        let reason = self.why_rewritten(&mailboxes);
        if let Some(field) = fields.get_mut(place) {
            let before = self.changes.copy(field);
            field.value = value;
            self.changes.replaced(before, field, reason);
        }
        let routable: Vec<_> = mailboxes
            .iter()
            .filter(|mailbox| self.is_routable(&mailbox.address) && !mailbox.address.needs_smtputf8())
            .map(|&mailbox| mailbox.clone())
            .collect();
        if !routable.is_empty() && !fields.iter().any(|field| field.is("Reply-To")) {
            let entries: Vec<_> = routable.into_iter().map(Entry::Mailbox).collect();
            let field = Field::new("Reply-To", render_list(&entries, self.charset));
            self.add(field, Reason::RepliesToOriginal, fields);
        }
        self.changes.retain(fields, &Reason::ClaimedOriginal, |field| !field.is("X-Original-From"));
        self.add(Field::new("X-Original-From", self.kept(original)), Reason::OriginalFrom, fields);
        Ok(FromOutcome::Rewritten)
    }

    /// What From was, as text; encoded words that cannot be read where they stand are put right.
    fn kept(&self, original: &Field) -> Vec<u8> {
        let text = original.unfolded();
        match read_list(&text) {
            Ok(list) if list.form == Form::Loose && text.is_ascii() && holds_encoded_word(&text) => {
                render_list(&list.entries, self.charset)
            }
            Ok(_) | Err(_) => encode_unstructured(&text, self.charset),
        }
    }

    /// A From of the account's that was refused lately is said to the log, as its person expects it to go out.
    fn why_rewritten(&self, mailboxes: &[&Mailbox]) -> Reason {
        let addresses = mailboxes.iter().filter_map(|mailbox| mailbox.address.to_lettre().ok());
        let refused = addresses.filter_map(|address| Some((self.refusal(&address)?, address))).next();
        let Some((refusal, address)) = refused else { return Reason::ForeignFrom };
        let Refusal { on, until } = &refusal;
        let server = self.account.provider.server.called();
        let text = format!(
            "{address} of send_as was refused by {server} on {on}: until {until} it is rewritten to {}",
            self.account.address
        );
        self.log.record(Priority::Warning, &text);
        Reason::RefusedLately(refusal)
    }

    fn add(&self, field: Field, reason: Reason, fields: &mut Vec<Field>) {
        self.changes.added(&field, reason);
        fields.push(field);
    }

    /// The original name as a phrase, with the real caller behind it where he is shown.
    fn named(&self, display: &[u8]) -> Vec<u8> {
        let nobody = display.is_empty() || display.eq_ignore_ascii_case(self.caller.login.as_bytes());
        match self.account.caller {
            _ if nobody && self.account.display_name.is_some() => self.own_display(None),
            CallerShown::Never if nobody => self.own_display(None),
            CallerShown::Always | CallerShown::LastResort if nobody => self.phrase(self.who_and_where().as_bytes()),
            CallerShown::Always => self.with_caller(display),
            CallerShown::LastResort | CallerShown::Never => self.phrase(display),
        }
    }

    fn phrase(&self, name: &[u8]) -> Vec<u8> {
        encode_phrase(name, self.charset).into_bytes()
    }

    fn with_caller(&self, display: &[u8]) -> Vec<u8> {
        let real = self.who_and_where();
        let before_real = display.strip_suffix(real.as_bytes());
        if before_real.is_some_and(|before| before.is_empty() || before.ends_with(b", ")) {
            // It came through here before; once is enough.
            return self.phrase(display);
        }
        self.phrase(&[display, b", ", real.as_bytes()].concat())
    }

    /// Whether a reply could get there: a domain with a dot that is not this machine's.
    fn is_routable(&self, address: &AddrSpec) -> bool {
        !self.names.is_local(address) && address.domain.as_ref().is_some_and(|domain| domain.contains('.'))
    }

    /// Who resent it is the account; there is nobody else it could be.
    fn rewrite_resent(&self, fields: &mut [Field]) {
        for field in fields.iter_mut().filter(|field| field.is("Resent-From")) {
            if !self.own_addresses(field) {
                let entries = parse_list(&field.value).unwrap_or_default();
                let display = first_name(&entries, &field.unfolded());
                let before = self.changes.copy(field);
                field.value = self.mailbox(&self.named(&display), self.account.address.as_ref());
                self.changes.replaced(before, field, Reason::ForeignResentFrom);
            }
        }
    }
}

/// Whom the field of this name names, as far as SMTP can express it.
pub fn named_in(name: &str, fields: &[Field]) -> Vec<Address> {
    let entries = fields.iter().filter(|field| field.is(name)).filter_map(|field| parse_list(&field.value).ok());
    let mailboxes: Vec<_> =
        entries.flatten().flat_map(|entry| entry.mailboxes().cloned().collect::<Vec<_>>()).collect();
    mailboxes.iter().filter_map(|mailbox| mailbox.address.to_lettre().ok()).collect()
}

fn is_sender(field: &Field) -> bool {
    field.is("Sender") || field.is("Resent-Sender")
}
