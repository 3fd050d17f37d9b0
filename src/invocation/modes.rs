//! The modes: the values of -b, and the names this program can be called under.

use super::StandardInput;
use super::disposition::Disposition::{self, Honoured, Refused};

/// What there is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Send one message.
    Send,
    /// Be an SMTP server on standard input and output.
    SmtpOnStdio,
    /// Print the queue.
    PrintQueue,
    /// Send what is in the queue.
    RunQueue,
    /// Check the alias file.
    CheckAliases,
    /// Say whom addresses lead to.
    Verify,
}

/// A value of -b.
#[derive(Clone, Copy, Debug)]
pub struct ModeRow {
    /// The letter behind -b.
    pub letter: char,
    /// What standard input is in this mode.
    pub input: StandardInput,
    /// What becomes of it.
    pub disposition: Disposition<Mode>,
    /// What it asks for.
    pub doc: &'static str,
}

/// A name this program may be called under that asks for something else than sending.
#[derive(Clone, Copy, Debug)]
pub struct OtherName {
    /// The last component of argv\[0].
    pub name: &'static str,
    /// What standard input is then.
    pub input: StandardInput,
    /// What becomes of the call.
    pub disposition: Disposition<Mode>,
}

const NO_SERVER: &str = "this program is not a server";
const NO_ARPANET: &str = "SMTP on standard input and output is -bs";
const NO_TESTS: &str = "addresses are tested with -bv";

const fn mode(letter: char, input: StandardInput, disposition: Disposition<Mode>, doc: &'static str) -> ModeRow {
    ModeRow { letter, input, disposition, doc }
}

/// Every value of -b.
#[rustfmt::skip]
pub const MODES: &[ModeRow] = &[
    mode('m', StandardInput::Message, Honoured(Mode::Send), "send the message on standard input (the default)"),
    mode('a', StandardInput::Dialogue, Refused(NO_ARPANET), "ARPANET mode"),
    mode('C', StandardInput::Unused, Refused("outlook-sendmail doctor checks the configuration"), "check the configuration"),
    mode('D', StandardInput::Unused, Refused(NO_SERVER), "be a server in the foreground"),
    mode('d', StandardInput::Unused, Refused(NO_SERVER), "be a server"),
    mode('H', StandardInput::Unused, Refused(NO_SERVER), "purge host status"),
    mode('h', StandardInput::Unused, Refused(NO_SERVER), "print host status"),
    mode('i', StandardInput::Unused, Honoured(Mode::CheckAliases), "check the alias file; there is no database to build"),
    mode('l', StandardInput::Unused, Refused(NO_SERVER), "be a server (Postfix)"),
    mode('P', StandardInput::Unused, Refused("the queue is printed with -bp"), "print the queue's length"),
    mode('p', StandardInput::Unused, Honoured(Mode::PrintQueue), "print what is in the queue: messages that wait, failed, or were perhaps sent"),
    mode('s', StandardInput::Dialogue, Honoured(Mode::SmtpOnStdio), "be an SMTP server on standard input and output"),
    mode('t', StandardInput::Unused, Refused(NO_TESTS), "test addresses"),
    mode('v', StandardInput::Unused, Honoured(Mode::Verify), "say whom each recipient leads to, and send nothing"),
];

const fn other_name(name: &'static str, input: StandardInput, disposition: Disposition<Mode>) -> OtherName {
    OtherName { name, input, disposition }
}

/// Every name that is not one for sending; compared with argv\[0]'s last component.
#[rustfmt::skip]
pub const OTHER_NAMES: &[OtherName] = &[
    other_name("hoststat", StandardInput::Unused, Refused(NO_SERVER)),
    other_name("mailq", StandardInput::Unused, Honoured(Mode::PrintQueue)),
    other_name("newaliases", StandardInput::Unused, Honoured(Mode::CheckAliases)),
    other_name("purgestat", StandardInput::Unused, Refused(NO_SERVER)),
    other_name("rmail", StandardInput::Message, Refused("UUCP mail is not taken")),
    other_name("rsmtp", StandardInput::Message, Refused("batched SMTP is not taken; a dialogue is: -bs")),
    other_name("runq", StandardInput::Unused, Honoured(Mode::RunQueue)),
    other_name("smtpd", StandardInput::Unused, Refused(NO_SERVER)),
];

/// The row of a -b value; as in Sendmail only its first octet counts.
pub fn mode_named(value: &[u8]) -> Option<&'static ModeRow> {
    let letter = char::from(*value.first()?);
    MODES.iter().find(|mode| mode.letter == letter)
}
