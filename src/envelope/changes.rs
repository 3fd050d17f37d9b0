//! What is done to a message on its way to a letter, and why: noted where it is done, and only when somebody asks.

use std::cell::RefCell;
use std::fmt;

use lettre::Address;

use crate::envelope::header_rules::Substance;
use crate::envelope::seven_bit::Note;
use crate::memory::send_as::Refusal;
use crate::message::Field;
use crate::words::Words;

/// Where the stages of a letter note what they do. Costs nothing when nobody asks.
pub struct ChangeLog(Option<RefCell<Noted>>);

/// All that was noted.
#[derive(Debug, Default)]
pub struct Noted {
    /// Why the reverse path is what it is.
    pub reverse_path: Option<SenderReason>,
    /// Every recipient as often as it was named, in order.
    pub recipients: Vec<NotedRecipient>,
    /// What happened to fields, in order.
    pub changes: Vec<Change>,
    /// The fields as they came.
    pub came: Vec<Field>,
    /// What became of the body.
    pub body: Option<NotedBody>,
    /// The fields as they leave, each with its octets on the wire.
    pub leaving: Vec<(Field, Vec<u8>)>,
}

/// What became of the body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotedBody {
    /// Lines of it as they came.
    pub lines: u64,
    /// Octets of it as they came, with CRLF line ends.
    pub came: u64,
    /// Octets of it as they leave, dots not stuffed.
    pub leaves: u64,
    /// What its dots meant.
    pub dots: Vec<DotReason>,
    /// What was encoded.
    pub notes: Vec<Note>,
}

/// What a dot meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DotReason {
    /// The last line was one: the end.
    Ended,
    /// One in the middle is text.
    Content,
    /// What follows the first one is cut off.
    CutOff,
    /// Leading dots lose one.
    Unstuffed,
}

/// One thing that happened to one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The field before; `None` for a new one.
    pub before: Option<Field>,
    /// The field after; `None` for one that is gone.
    pub after: Option<Field>,
    /// Why.
    pub reason: Reason,
}

/// One recipient as it was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotedRecipient {
    /// Who gets the message.
    pub address: Address,
    /// What stood there.
    pub written: Words,
    /// Where it stood.
    pub source: RecipientSource,
    /// What led from there to the address.
    pub via: Via,
}

/// Where a recipient was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecipientSource {
    /// In the arguments.
    Argument,
    /// In the field of this name, with -t.
    Field(String),
}

/// What led from a name to an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// It is one.
    AsWritten,
    /// The alias file.
    Aliases,
    /// A name of this machine that nobody claims: `local_mail_to`.
    LocalMailTo,
    /// The same without `local_mail_to`: the account.
    Account,
}

/// Why the reverse path is what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SenderReason {
    /// -f names it.
    Option,
    /// -f names another, which the account may not use.
    NotTheAccounts(Words),
    /// -f names one of `send_as` that was refused lately.
    RefusedLately(Words, Refusal),
    /// There is no -f, or an empty one.
    NoOption,
}

/// Why a field changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It never goes out: the words of its rule.
    Dropped(&'static str),
    /// Several became one list.
    Merged,
    /// Only the first that says something stays.
    Repeated,
    /// There may be only one, and this one said something too: it is kept under another name.
    RepeatedOriginal,
    /// It says nothing.
    Empty,
    /// It should hold something that it does not: this.
    Lacks(Substance),
    /// Names of this machine are shown as whom they lead to.
    LocalNames,
    /// The message had none.
    Missing,
    /// A resending had none.
    MissingResent,
    /// The message had no From; -f or the account is it.
    NoFrom,
    /// From was not the account's.
    ForeignFrom,
    /// From was one of `send_as` that was refused lately.
    RefusedLately(Refusal),
    /// Somebody else than the account resends.
    ForeignResentFrom,
    /// Sender was not the account's.
    ForeignSender,
    /// Several authors.
    SeveralAuthors,
    /// From was rewritten, and a reply could reach who it named.
    RepliesToOriginal,
    /// From was rewritten: what it was.
    OriginalFrom,
    /// The message claimed what only we say.
    ClaimedOriginal,
    /// A signature over what has changed.
    BrokenSignature,
    /// Raw 8-bit text.
    EightBit,
    /// An address that cannot be written in ASCII.
    NeedsUtf8,
    /// Addresses written in a way that not everybody reads alike.
    ReadOtherwise,
    /// A trace field with a word that fits no line.
    TraceTooLong,
    /// Octets above 127 where nothing can be encoded.
    StaysEightBit,
    /// Lines that were too long, or folded badly.
    Folded,
    /// The content was encoded.
    EncodedContent,
    /// The content was encoded, and this charset was not named.
    Charset(String),
    /// It names a message that Outlook has given another id.
    RenamedByOutlook,
    /// What the content is sent as.
    Label(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dropped(why) => why,
            Self::Merged => "there may be only one: the lists are joined (RFC 5322 section 3.6)",
            Self::Repeated => "there may be only one: the first that says something stays (RFC 5322 section 3.6)",
            Self::RepeatedOriginal => "there may be only one (RFC 5322 section 3.6): keeps what another said",
            Self::Empty | Self::Lacks(Substance::Anything | Substance::Text) => "it is empty",
            Self::Lacks(Substance::Date) => "it is no date that a calendar has",
            Self::Lacks(Substance::Identifiers) => "it names no message",
            Self::Lacks(Substance::Identifier) => "it holds no identifier in angle brackets",
            Self::Lacks(Substance::Addresses) => "it holds no address",
            Self::LocalNames => "a name of this machine, shown as where its mail goes (as an empty group for several)",
            Self::Missing => "the message had none",
            Self::MissingResent => "every resending needs its own (RFC 5322 section 3.6.6)",
            Self::NoFrom => "the message had none: whom -f names takes its place, or the account",
            Self::ForeignFrom => {
                "a From that is not the account's is refused: its name stays, and who called is shown as caller says"
            }
            Self::RefusedLately(Refusal { on, until }) => {
                return write!(
                    f,
                    "this address of send_as was refused on {on}: until {until} it is treated as one that is not the \
                     account's",
                );
            }
            Self::ForeignResentFrom => "one that is not the account's is refused",
            Self::ForeignSender => "one that is not the account's is refused",
            Self::SeveralAuthors => "with several authors somebody has to send for them (RFC 5322 section 3.6.2)",
            Self::RepliesToOriginal => "so that replies reach whom From named",
            Self::OriginalFrom => "keeps what From was",
            Self::ClaimedOriginal => "the rewritten From needs it for the true one",
            Self::BrokenSignature => "it no longer fits what changed, and a broken one is worse than none",
            Self::EightBit => "8-bit text, encoded: a header is ASCII (RFC 2047)",
            Self::NeedsUtf8 => "an address that ASCII cannot express: sent as UTF-8, if the server can (SMTPUTF8)",
            Self::ReadOtherwise => "the same addresses in the form that everybody reads alike (RFC 5322 section 3.4)",
            Self::TraceTooLong => "a word in it is longer than a line may be: it goes as text under another name",
            Self::StaysEightBit => "8-bit octets that no rule encodes: sent as they are, if the server can (8BITMIME)",
            Self::Folded => "folded anew: a line was too long, or broken in a way that others misread",
            Self::RenamedByOutlook => "Outlook gave the message it refers to another Message-ID",
            Self::EncodedContent => "the content is encoded",
            Self::Charset(charset) => {
                return write!(f, "the text is 8-bit and its charset was not named: it is {charset}");
            }
            Self::Label(encoding) => return write!(f, "the content is sent as {encoding}"),
        })
    }
}

impl fmt::Display for DotReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the line with a lone dot at the end only ends the message",
            Self::Content => "a lone dot that more text follows is text (with -i any is)",
            Self::CutOff => "what follows the first lone dot is left out: lone_dot = \"ends-message\"",
            Self::Unstuffed => "lines that start with two dots lose one, as they came stuffed (with -i none does)",
        })
    }
}

impl ChangeLog {
    /// Nobody asks.
    pub const fn unwanted() -> Self {
        Self(None)
    }

    /// Somebody does.
    pub fn wanted() -> Self {
        Self(Some(RefCell::default()))
    }

    /// What was noted.
    pub fn into_noted(self) -> Noted {
        self.0.map(RefCell::into_inner).unwrap_or_default()
    }

    /// Writes down what `note` says; it is not asked when nobody wants to know.
    pub fn note(&self, note: impl FnOnce(&mut Noted)) {
        if let Some(noted) = &self.0 {
            note(&mut noted.borrow_mut());
        }
    }

    /// A copy of what is about to change.
    pub fn copy(&self, field: &Field) -> Option<Field> {
        self.0.is_some().then(|| field.clone())
    }

    /// A new field.
    pub fn added(&self, field: &Field, reason: Reason) {
        self.change(None, Some(field), reason);
    }

    /// A field that goes.
    pub fn removed(&self, field: &Field, reason: Reason) {
        self.change(Some(field), None, reason);
    }

    /// A field that became another; `before` is what [`Self::copy`] gave.
    pub fn replaced(&self, before: Option<Field>, after: &Field, reason: Reason) {
        if before.as_ref() != Some(after) {
            self.change(before.as_ref(), Some(after), reason);
        }
    }

    /// Keeps the fields that `keep` says, and notes the others.
    pub fn retain(&self, fields: &mut Vec<Field>, reason: &Reason, keep: impl Fn(&Field) -> bool) {
        fields.retain(|field| {
            let stays = keep(field);
            if !stays {
                self.removed(field, reason.clone());
            }
            stays
        });
    }

    fn change(&self, before: Option<&Field>, after: Option<&Field>, reason: Reason) {
        self.note(|noted| noted.changes.push(Change { before: before.cloned(), after: after.cloned(), reason }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_noted_for_nobody() {
        let changes = ChangeLog::unwanted();
        changes.note(|_| panic!("nobody asks"));
        let field = Field::new("A", "1");
        assert_eq!(changes.copy(&field), None);
        changes.added(&field, Reason::Missing);
        assert!(changes.into_noted().changes.is_empty());
    }

    #[test]
    fn what_stays_the_same_is_no_change() {
        let changes = ChangeLog::wanted();
        let field = Field::new("A", "1");
        changes.replaced(changes.copy(&field), &field, Reason::Folded);
        let mut fields = vec![field.clone(), Field::new("B", "2")];
        changes.retain(&mut fields, &Reason::Empty, |field| field.is("B"));
        let noted = changes.into_noted().changes;
        assert_eq!(noted, [Change { before: Some(field), after: None, reason: Reason::Empty }]);
    }
}
