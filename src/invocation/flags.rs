//! The flag table: every flag of Sendmail 8, what it takes and what becomes of it here.

use super::disposition::Disposition::{self, Honoured, Ignored, Refused};
use super::dsn::{envelope_id, notify, return_what};
use super::modes::Mode;

/// Sendmail 8.18's getopt string: its arity is ours, so no argument ever becomes a recipient or eats one.
#[cfg(test)]
pub(super) const GETOPT: &str = "A:B:b:C:cD:d:e:F:f:Gh:IiL:M:mN:nO:o:p:Q:q:R:r:sTtUV:vX:x";

/// What a flag takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arity {
    /// Nothing.
    None,
    /// The rest of the argument, or else the whole next one.
    Required,
    /// The rest of the argument, or else the next one unless that starts with a dash (Sendmail's `obsolete()`).
    UnlessDash,
    /// The rest of the argument only, possibly nothing.
    Attached,
}

/// A value that a flag gives to whoever asks [`super::Submit::value`] for it. A new one is a row of [`FLAGS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FlagValue {
    /// The envelope sender; empty and `<>` are the null sender.
    Sender,
    /// The sender's full name.
    FullName,
    /// `NEVER`, or a list of `SUCCESS`, `FAILURE`, `DELAY`.
    Notify,
    /// `FULL` or `HDRS`.
    Return,
    /// The envelope id, not yet xtext-encoded.
    EnvelopeId,
}

/// Reads a value: what is kept of it, or `None` when it cannot be one.
pub type ReadValue = fn(&[u8]) -> Option<Vec<u8>>;

/// What an honoured flag does.
#[derive(Clone, Copy, Debug)]
pub enum FlagAction {
    /// -b: look the value up in [`super::modes::MODES`].
    Mode,
    /// Do something else than sending, unless -b says what.
    Instead(Mode),
    /// -o: look the value's first letter up in [`SETTINGS`].
    LetterSetting,
    /// -O: look the value's name up in [`SETTINGS`].
    NamedSetting,
    /// Keep the value for whoever needs it.
    Keep(FlagValue, ReadValue),
    /// -i: dots are content.
    IgnoreDots,
    /// -t: recipients from the header.
    HeaderRecipients,
    /// -v: a transcript.
    Transcript,
}

/// One flag.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Its letter.
    pub letter: char,
    /// What it takes.
    pub arity: Arity,
    /// What its value is called; empty without one.
    pub value: &'static str,
    /// What becomes of it.
    pub disposition: Disposition<FlagAction>,
    /// What it asks for, in one line without a full stop.
    pub doc: &'static str,
}

impl Flag {
    /// Whether another table says what becomes of it, by its value.
    pub(crate) fn is_looked_up(&self) -> bool {
        matches!(self.disposition, Honoured(FlagAction::Mode | FlagAction::LetterSetting | FlagAction::NamedSetting))
    }

    /// What it keeps, and how that is read.
    fn keeps(&self) -> Option<(FlagValue, ReadValue)> {
        match self.disposition {
            Honoured(FlagAction::Keep(value, read)) => Some((value, read)),
            Honoured(_) | Ignored(_) | Refused(_) => None,
        }
    }
}

/// An option of -o and -O.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The letter behind -o.
    pub letter: char,
    /// The name behind -O.
    pub name: &'static str,
    /// What becomes of it.
    pub disposition: Disposition<SettingAction>,
    /// What it asks for.
    pub doc: &'static str,
}

/// What an honoured option of -o and -O does, by its truth value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingAction {
    /// The same as -i, or not.
    IgnoreDots,
}

const NO_CONFIGURATION: &str = "arguments never choose a configuration; outlook-sendmail.toml(5) says where it is";
const NO_FILE: &str = "arguments never choose a file to write; -v shows the transcript, the system log the outcome";

use Arity::{Attached, None as Nothing, Required, UnlessDash};

const fn flag(
    letter: char,
    arity: Arity,
    value: &'static str,
    disposition: Disposition<FlagAction>,
    doc: &'static str,
) -> Flag {
    Flag { letter, arity, value, disposition, doc }
}

fn as_given(value: &[u8]) -> Option<Vec<u8>> {
    Some(value.to_vec())
}

/// Every flag, in alphabetical order.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    flag('A', Required, "c|m", Ignored(NO_CONFIGURATION), "use submit.cf or sendmail.cf"),
    flag('B', Required, "type", Ignored("the content itself is looked at"), "the body's type, 7BIT or 8BITMIME"),
    flag('b', Required, "mode", Honoured(FlagAction::Mode), "choose a mode of operation"),
    flag('C', UnlessDash, "file", Ignored(NO_CONFIGURATION), "use another configuration"),
    flag('c', Nothing, "", Ignored("no mailer here is expensive"), "hold mail for expensive mailers"),
    flag('D', Required, "file", Ignored(NO_FILE), "write debugging output to a file"),
    flag('d', Attached, "level", Ignored("there is no debugging output; -v shows the transcript"), "debug"),
    flag('e', Required, "mode", Ignored("an error goes to standard error, the exit status and the system log"), "what to do with errors"),
    flag('F', Required, "name", Honoured(FlagAction::Keep(FlagValue::FullName, as_given)), "the sender's full name, for a message without a From field"),
    flag('f', Required, "address", Honoured(FlagAction::Keep(FlagValue::Sender, as_given)), "the envelope sender; empty or <> is the null sender"),
    flag('G', Nothing, "", Ignored("every message is treated alike"), "relay for a gateway"),
    flag('h', Required, "count", Ignored("hops are not counted here"), "the number of hops so far"),
    flag('I', Nothing, "", Honoured(FlagAction::Instead(Mode::CheckAliases)), "check the alias file, as newaliases does"),
    flag('i', Nothing, "", Honoured(FlagAction::IgnoreDots), "a line with a lone dot is content and does not end the message"),
    flag('L', Required, "tag", Ignored("the log always knows us by one name"), "name to log under"),
    flag('M', Required, "macro", Ignored("there are no macros"), "set a macro"),
    flag('m', Nothing, "", Ignored("the sender is never taken out of the recipients"), "send to me too"),
    flag('N', Required, "when", Honoured(FlagAction::Keep(FlagValue::Notify, notify)), "notify never, or on any of success,failure,delay"),
    flag('n', Nothing, "", Ignored("a local name can be reached through an alias only"), "do not use aliases"),
    flag('O', Required, "name=value", Honoured(FlagAction::NamedSetting), "set an option by its name"),
    flag('o', Required, "letter", Honoured(FlagAction::LetterSetting), "set an option by its letter"),
    flag('p', Required, "protocol", Ignored("the log names the calling process instead"), "where the message came from"),
    flag('Q', UnlessDash, "reason", Ignored("nothing is quarantined here"), "quarantine"),
    flag('q', UnlessDash, "interval", Honoured(FlagAction::Instead(Mode::RunQueue)), "try everything in the queue that waits, now and once; at intervals a timer does so"),
    flag('R', Required, "full|hdrs", Honoured(FlagAction::Keep(FlagValue::Return, return_what)), "how much of the message a notification returns"),
    flag('r', Required, "address", Honoured(FlagAction::Keep(FlagValue::Sender, as_given)), "the same as -f"),
    flag('s', Nothing, "", Ignored("a From line in front of the header is always dropped"), "keep From lines"),
    flag('T', Nothing, "", Ignored("deadline and final_wait in the configuration say how long to wait"), "set a time-out"),
    flag('t', Nothing, "", Honoured(FlagAction::HeaderRecipients), "send to the addresses in To, Cc and Bcc as well"),
    flag('U', Nothing, "", Ignored("the addresses themselves are looked at"), "this is an initial submission, or needs SMTPUTF8"),
    flag('V', Required, "id", Honoured(FlagAction::Keep(FlagValue::EnvelopeId, envelope_id)), "the envelope id that notifications repeat"),
    flag('v', Nothing, "", Honoured(FlagAction::Transcript), "write a transcript to standard error"),
    flag('X', Required, "file", Ignored(NO_FILE), "write a transcript to a file"),
    flag('x', Nothing, "", Ignored("it means nothing outside AIX"), "an AIX flag"),
];

const fn setting(
    letter: char,
    name: &'static str,
    disposition: Disposition<SettingAction>,
    doc: &'static str,
) -> Setting {
    Setting { letter, name, disposition, doc }
}

/// The options of -o and -O worth a word.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting('7', "SevenBitInput", Ignored("content is made 7-bit by encoding it, never by cutting bits off"), "7-bit input"),
    setting('8', "EightBitMode", Ignored("content is made 7-bit by encoding it, never by cutting bits off"), "8-bit input"),
    setting('d', "DeliveryMode", Ignored("the caller always waits for the verdict"), "background, queue or interactive"),
    setting('e', "ErrorMode", Ignored("an error goes to standard error, the exit status and the system log"), "what to do with errors"),
    setting('i', "IgnoreDots", Honoured(SettingAction::IgnoreDots), "the same as -i"),
    setting('m', "MeToo", Ignored("the sender is never taken out of the recipients"), "send to me too"),
    setting('o', "OldStyleHeaders", Ignored("addresses are separated by commas"), "spaces separate addresses"),
    setting('s', "SuperSafe", Ignored("a message that may be kept is on the disk before it goes out, always"), "queue before sending"),
];

/// What becomes of every other option of -o and -O.
pub const OTHER_SETTINGS: Disposition<SettingAction> =
    Ignored("it configures a mail server; this program has its own configuration");

/// How the value that this flag gives is read.
pub(super) fn kept_by(letter: char) -> Option<(FlagValue, ReadValue)> {
    flag_named(letter)?.keeps()
}

/// The flag that gives this value: the first of them.
pub(super) fn letter_of(value: FlagValue) -> Option<char> {
    let row = FLAGS.iter().find(|row| row.keeps().is_some_and(|(kept, _)| kept == value));
    row.map(|row| row.letter)
}

/// The row of a flag letter.
pub fn flag_named(letter: char) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.letter == letter)
}

/// What becomes of a -o or -O setting.
pub fn setting_named(is_it: impl Fn(&Setting) -> bool) -> Disposition<SettingAction> {
    let row = SETTINGS.iter().find(|setting| is_it(setting));
    row.map_or(OTHER_SETTINGS, |row| row.disposition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::modes::{MODES, OTHER_NAMES};

    #[test]
    fn arity_is_that_of_sendmails_getopt_string() {
        let mut wanted: Vec<(char, bool)> = Vec::new();
        for character in GETOPT.chars() {
            match character {
                ':' => wanted.last_mut().unwrap().1 = true,
                letter => wanted.push((letter, false)),
            }
        }
        let ours: Vec<(char, bool)> = FLAGS.iter().map(|flag| (flag.letter, flag.arity != Nothing)).collect();
        let sorted = |mut list: Vec<(char, bool)>| {
            list.sort_unstable();
            list
        };
        assert_eq!(sorted(ours), sorted(wanted));
    }

    #[test]
    fn every_letter_has_one_row() {
        fn distinct(letters: impl Iterator<Item = char>) {
            let mut seen = std::collections::BTreeSet::new();
            for letter in letters {
                assert!(seen.insert(letter), "{letter} twice");
            }
        }
        distinct(FLAGS.iter().map(|row| row.letter));
        distinct(MODES.iter().map(|row| row.letter));
        distinct(SETTINGS.iter().map(|row| row.letter));
    }

    #[test]
    fn a_value_has_a_name_exactly_when_one_is_taken() {
        for row in FLAGS {
            assert_eq!(row.arity == Nothing, row.value.is_empty(), "-{}", row.letter);
        }
    }

    #[test]
    fn whatever_does_nothing_says_why() {
        fn check<A>(what: &str, disposition: Disposition<A>, doc: &str) {
            match disposition {
                Honoured(_) => {}
                Ignored(reason) | Refused(reason) => assert!(reason.len() > 10 && !reason.ends_with('.'), "{what}"),
            }
            assert!(!doc.is_empty() && !doc.ends_with('.'), "{what}");
        }
        for row in FLAGS {
            check(&format!("-{}", row.letter), row.disposition, row.doc);
        }
        for row in MODES {
            check(&format!("-b{}", row.letter), row.disposition, row.doc);
        }
        for row in SETTINGS {
            check(&format!("-o{}", row.letter), row.disposition, row.doc);
        }
        for row in OTHER_NAMES {
            check(row.name, row.disposition, row.name);
        }
    }
}
