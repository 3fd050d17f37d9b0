//! Who gets the message, from whom, and with which header: the letter that goes out.

use std::io::{self, Write};

use lettre::Address;
use lettre::address::Envelope;

use crate::account::{Account, LoneDot};
use crate::address::AddrSpec;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::FlagValue;
use crate::invocation::{Dsn, Submit};
use crate::memory::send_as::KnownSenders;
use crate::memory::threads::KnownIds;
use crate::message::{Body, Ending, Message, Stuffing};
use crate::world::{Caller, Files, Log, Priority, World};

mod aliases;
mod changes;
mod claimed;
mod date;
mod fates;
mod field_writer;
mod header;
mod header_lines;
mod header_rules;
mod local_names;
mod recipients;
mod references;
mod sender;
pub mod seven_bit;
mod signatures;

#[cfg(test)]
pub(crate) use changes::Change;
pub use changes::{ChangeLog, DotReason, Noted, NotedBody, NotedRecipient, Reason, RecipientSource, SenderReason, Via};
use header::PassingOn;
pub use header::Stamp;
use header_lines::WrittenHeader;
pub use local_names::{LocalNames, address_failure};
pub use recipients::read_recipient;
pub use sender::FromOutcome;
use sender::{SenderPolicy, named_in};
use seven_bit::{Conversion, PlanFault};
use signatures::Signed;

/// A message that may go out: recipients certain, header final, content fit for the wire.
pub struct Letter {
    envelope: Envelope,
    header: Vec<u8>,
    transfer: Transfer,
    alphabet: Alphabet,
    body: Body,
    conversion: Conversion,
    size: u64,
    dsn: Dsn,
    message_id: String,
    authors: Vec<Address>,
    senders: Vec<Address>,
    from: FromOutcome,
    signature: Signature,
}

/// What became of a DKIM signature, if there was one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signature {
    /// It stays, or there was none.
    AsItCame,
    /// What was signed has changed.
    Dropped,
}

/// What addressing a letter needs to know of the outside.
pub struct Desk<'a> {
    /// The account it goes out through.
    pub account: &'a Account,
    /// Who called.
    pub caller: &'a Caller,
    /// For the alias file.
    pub files: &'a dyn Files,
    /// For what is odd in it.
    pub log: &'a dyn Log,
    /// For Date and Message-ID.
    pub stamp: Stamp,
    /// What Outlook made of the ids of earlier messages.
    pub known_ids: KnownIds<'a>,
    /// What it said of the mailbox's addresses.
    pub known_senders: KnownSenders,
}

impl<'a> Desk<'a> {
    /// For a message of this caller's.
    pub fn new(world: &'a World, account: &'a Account, caller: &'a Caller, stamp: Stamp) -> Self {
        let known_senders = KnownSenders::for_policy(world, account);
        let known_ids = KnownIds::of(world, account, caller.uid);
        Self { account, caller, files: &*world.files, log: &*world.log, stamp, known_ids, known_senders }
    }
}

impl Letter {
    /// Decides recipients, sender, header and encoding. The only way to a letter.
    ///
    /// # Errors
    /// Unreadable addresses, no recipients, a From the policy refuses, alias file faults, content that cannot be
    /// made fit, a message over the provider's limit.
    pub fn address(submit: &Submit, message: Message, desk: &Desk<'_>) -> Result<Self, Failure> {
        Self::address_noting(submit, message, desk, &ChangeLog::unwanted())
    }

    /// The same, noting in `changes` what is done and why.
    ///
    /// # Errors
    /// Those of [`Self::address`].
    pub fn address_noting(
        submit: &Submit,
        message: Message,
        desk: &Desk<'_>,
        changes: &ChangeLog,
    ) -> Result<Self, Failure> {
        let Message { mut fields, mut body } = message;
        changes.note(|noted| noted.came.clone_from(&fields));
        let signed = Signed::of(&fields);
        let account = desk.account;
        let names = LocalNames::new(account, desk.caller, desk.files, desk.log);
        let charset = seven_bit::declared_charset(&fields, &mut body).map_err(spool_failure)?;
        header_lines::decode_alphabets(&mut fields, &charset, changes);
        let policy = SenderPolicy {
            account,
            caller: desk.caller,
            names: &names,
            known: &desk.known_senders,
            log: desk.log,
            charset: &charset,
            changes,
        };

        let recipients = recipients::recipients(submit, &fields, &names, changes)?;
        let reverse_path = policy.reverse_path(submit)?;
        let envelope = Envelope::new(Some(reverse_path), recipients)
            .map_err(|_| Failure::new(Stage::Envelope, Cause::NoRecipients, ""))?;

        let passing_on = PassingOn::of(&fields);
        fates::apply_fates(&mut fields, changes);
        header::refuse_control_characters(&fields)?;
        header::replace_local_names(&mut fields, &names, &charset, changes)?;
        let from = policy.apply(submit, &mut fields)?;
        header::complete(&mut fields, passing_on, account, &desk.stamp, changes);
        let (lines, came, lone_dot) = (body.content.lines, body.length, body.first_lone_dot.is_some());
        if account.lone_dot == LoneDot::EndsMessage {
            body.end_at_lone_dot();
        }
        let dots = [
            (lone_dot && account.lone_dot == LoneDot::Content).then_some(DotReason::Content),
            (body.length < came).then_some(DotReason::CutOff),
            (body.stuffing == Stuffing::Stuffed).then_some(DotReason::Unstuffed),
            (body.ending == Ending::LoneDot).then_some(DotReason::Ended),
        ];
        let conversion = Conversion::plan_noting(&mut fields, &mut body, changes).map_err(plan_failure)?;
        references::mend(&desk.known_ids, &mut fields, changes);
        let signature = signed.map_or(Signature::AsItCame, |signed| {
            signed.drop_broken(&mut fields, conversion.changed(), &charset, changes)
        });
        let header = header_lines::write(&fields, &charset, changes)?;
        note_eight_bit(&header, &conversion, desk.log);
        let leaves = conversion.length(&mut body).map_err(spool_failure)?;
        changes.note(|noted| {
            let dots = dots.into_iter().flatten().collect();
            noted.body = Some(NotedBody { lines, came, leaves, dots, notes: conversion.notes().to_vec() });
        });
        let size = header.octets.len() as u64 + 2 + leaves;
        if size > account.provider.size_limit {
            let words = format!("{size} octets, the limit is {}", account.provider.size_limit);
            return Err(Failure::new(Stage::Envelope, Cause::MessageTooLarge, words));
        }
        let message_id = fields.iter().find(|field| field.is("Message-ID"));
        let message_id = message_id.map(|field| String::from_utf8_lossy(&field.unfolded()).into_owned());
        Ok(Self {
            envelope,
            transfer: if header.eight_bit.is_empty() { conversion.transfer() } else { Transfer::EightBitMime },
            alphabet: if header.has_utf8 { Alphabet::Utf8 } else { Alphabet::Ascii },
            header: header.octets,
            body,
            conversion,
            size,
            dsn: Dsn {
                notify: text(submit, FlagValue::Notify),
                ret: text(submit, FlagValue::Return),
                envid: text(submit, FlagValue::EnvelopeId),
            },
            message_id: message_id.unwrap_or_default(),
            authors: named_in("From", &fields),
            senders: named_in("Sender", &fields),
            from,
            signature,
        })
    }

    /// Reverse path and recipients.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Addresses it to those only, where others have had the message already: exactly to whom the server would not have
    /// then, whatever the alias file says by now. Otherwise who has it would get it again, or who lacks it never would.
    pub fn address_only(&mut self, left: &[String]) {
        let parts = left.iter().filter_map(|address| address.rsplit_once('@'));
        let to = parts.map(|(user, domain)| Address::new_dangerous(user, domain)).collect();
        if let Ok(envelope) = Envelope::new(self.envelope.from().cloned(), to) {
            self.envelope = envelope;
        }
    }

    /// The Message-ID it goes out with, angle brackets included.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// Whom From names, as far as SMTP can express it.
    pub fn authors(&self) -> &[Address] {
        &self.authors
    }

    /// Whom Sender names.
    pub fn senders(&self) -> &[Address] {
        &self.senders
    }

    /// Whether From had to be rewritten.
    pub fn from_outcome(&self) -> FromOutcome {
        self.from
    }

    /// Whether a DKIM signature had to go.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// The header as it goes out, without the blank line.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Octets on the wire before dot-stuffing, for SIZE= (RFC 1870 section 3).
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the content needs of the server.
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// What the header is written in.
    pub fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// Delivery status notification wishes.
    pub fn dsn(&self) -> &Dsn {
        &self.dsn
    }

    /// Writes the message, every line ending CRLF, dots not stuffed.
    ///
    /// # Errors
    /// Those of `sink`, and those of the spool.
    pub fn write(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        sink.write_all(&self.header)?;
        sink.write_all(b"\r\n")?;
        self.conversion.write(&mut self.body, sink)
    }
}

/// Whether mail for `address` can be addressed at all, as far as that is certain before there is a message.
///
/// # Errors
/// Alias file faults; an address SMTP cannot express.
pub fn check_recipient(
    address: &AddrSpec,
    account: &Account,
    caller: &Caller,
    files: &dyn Files,
    log: &dyn Log,
) -> Result<(), Failure> {
    LocalNames::new(account, caller, files, log).resolve(address).map(drop)
}

/// What the content needs of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transfer {
    /// 7-bit lines of at most 998 octets.
    SevenBit,
    /// It holds 8-bit octets that nothing may encode: BODY=8BITMIME, or it cannot go.
    EightBitMime,
}

/// What a header is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alphabet {
    /// US-ASCII.
    Ascii,
    /// An address or identifier in it cannot be written in ASCII: SMTPUTF8 (RFC 6531), or it cannot go.
    Utf8,
}

/// Says in the log what leaves 8-bit, because no rule encodes it.
fn note_eight_bit(header: &WrittenHeader, conversion: &Conversion, log: &dyn Log) {
    let fields =
        header.eight_bit.iter().map(|name| format!("the field {name} holds 8-bit octets and is sent as it is"));
    let parts = conversion.notes().iter().filter(|note| note.is_about_8bit()).map(ToString::to_string);
    for words in fields.chain(parts).take(10) {
        log.record(Priority::Warning, &format!("{words} (BODY=8BITMIME)"));
    }
}

fn plan_failure(fault: PlanFault) -> Failure {
    match fault {
        PlanFault::Protected(words) => Failure::new(Stage::Envelope, Cause::CannotConvert, words),
        PlanFault::Spool(error) => spool_failure(error),
    }
}

fn spool_failure(error: io::Error) -> Failure {
    Failure::new(Stage::Envelope, Cause::SpoolUnwritable, error.to_string())
}
/// What a flag gave, which is US-ASCII by the rule of its row.
fn text(submit: &Submit, of: FlagValue) -> Option<String> {
    submit.value(of).and_then(|value| String::from_utf8(value.to_vec()).ok())
}
