//! Reads the arguments as Sendmail 8 does: getopt's spelling, stopping at the first operand.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use lexopt::Arg;

use super::disposition::Disposition;
use super::flags::{Arity, Flag, FlagAction, FlagValue, SettingAction, flag_named, setting_named};
use super::modes::{Mode, ModeRow, OTHER_NAMES, mode_named};
use super::{
    Command, CommandArguments, HeaderRecipients, HelpTopic, Invocation, Refusal, SmtpOnStdio, StandardInput, Submit,
    Verbosity, commands,
};
use crate::failure::{Cause, Failure, Stage};
use crate::message::Dots;
use crate::words::Words;

/// What the caller wants, or why that is not done.
pub fn read(argv0: OsString, arguments: Vec<OsString>) -> Result<Invocation, Refusal> {
    let name = Path::new(&argv0).file_name().unwrap_or_default();
    if let Some(other) = OTHER_NAMES.iter().find(|other| name == other.name) {
        // Their arguments mean nothing here: Debian's maintainer scripts call newaliases with odd ones.
        return match other.disposition {
            Disposition::Honoured(mode) => Ok(invocation(mode, Submit::default())),
            Disposition::Ignored(reason) | Disposition::Refused(reason) => {
                Err(refused_mode(other.input, format!("{}: {reason}", other.name)))
            }
        };
    }
    if name == "outlook-sendmail" { tool(arguments) } else { classic(HelpTopic::Sendmail, arguments, None) }
}

/// `outlook-sendmail`: a word is a command, a dash starts sendmail's flags.
fn tool(mut arguments: Vec<OsString>) -> Result<Invocation, Refusal> {
    let mut config = None;
    while let Some((value, taken)) = leading_config(&arguments)? {
        config = Some(value);
        arguments.drain(..taken);
    }
    match arguments.first() {
        None => Ok(Invocation::Usage),
        // Alone it can be no count of hops: whoever types it wants to know what there is.
        Some(first) if first == "-h" && arguments.len() == 1 => Ok(Invocation::Help(HelpTopic::Tool)),
        Some(first) if commands::is_unknown_option(first) => {
            Err(usage(Cause::UnknownOption, commands::misplaced(first).whole().as_bytes()))
        }
        Some(first) if first.as_bytes().starts_with(b"-") => classic(HelpTopic::Tool, arguments, config),
        Some(_) => {
            let word = arguments.remove(0);
            command(&word, arguments, config)
        }
    }
}

/// A command and its arguments.
fn command(word: &OsStr, rest: Vec<OsString>, config: Option<PathBuf>) -> Result<Invocation, Refusal> {
    let row = commands::named(word)?;
    match row.command {
        Command::Explain => explained(rest, config),
        Command::Help => commands::help(row, &rest),
        Command::Login
        | Command::Logout
        | Command::Status
        | Command::Renew
        | Command::Test
        | Command::Doctor
        | Command::Broker
        | Command::Mailq
        | Command::Queue => commands::arguments(row, rest, config),
    }
}

/// `--config FILE` or `--config=FILE` at the front, and how many arguments that is. For the tool only: whoever can
/// pass arguments to sendmail must not choose its configuration (CVE-2016-10033).
fn leading_config(arguments: &[OsString]) -> Result<Option<(PathBuf, usize)>, Refusal> {
    let Some(first) = arguments.first() else { return Ok(None) };
    if first == "--config" {
        let value = arguments.get(1).ok_or_else(|| usage(Cause::MissingValue, b"--config"))?;
        return Ok(Some((PathBuf::from(value), 2)));
    }
    let attached = first.as_bytes().strip_prefix(b"--config=");
    Ok(attached.map(|value| (PathBuf::from(OsStr::from_bytes(value)), 1)))
}

/// `explain`: the arguments are sendmail's, and so is what may be wrong with them. Standard input is a message, and
/// drained like one.
fn explained(mut arguments: Vec<OsString>, mut config: Option<PathBuf>) -> Result<Invocation, Refusal> {
    while let Some((value, taken)) = leading_config(&arguments)? {
        config = Some(value);
        arguments.drain(..taken);
    }
    if arguments.first().is_some_and(|first| first == "-h") && arguments.len() == 1 {
        return Ok(Invocation::Help(HelpTopic::Command(Command::Explain)));
    }
    match classic(HelpTopic::Command(Command::Explain), arguments, config.clone()) {
        Ok(Invocation::Submit(submit)) => {
            let mut arguments = CommandArguments::of(config);
            *arguments.submit = submit;
            Ok(Invocation::Tool(Command::Explain, arguments))
        }
        Ok(help @ Invocation::Help(_)) => Ok(help),
        Ok(_) => Err(usage(Cause::BadValue, b"explain: only calls that send a message can be explained")),
        // There is no client that waits for a greeting.
        Err(refusal) => Err(Refusal { input: StandardInput::Message, ..refusal }),
    }
}

fn classic(help: HelpTopic, arguments: Vec<OsString>, config: Option<PathBuf>) -> Result<Invocation, Refusal> {
    // In first place only: further back an attacker's argument could turn a message into a help text, status 0.
    match arguments.first() {
        Some(first) if first == "--help" => return Ok(Invocation::Help(help)),
        Some(first) if first == "--version" => return Ok(Invocation::Version),
        Some(_) | None => {}
    }
    let dialogue = says_bs(&arguments);
    let mut call = Call { submit: Submit { config, ..Submit::default() }, mode: Mode::Send, refused: None };
    let read = call.read(arguments);
    let Call { submit, mode, refused } = call;
    match refused.map_or(read, Err) {
        // Whoever names recipients has a message to send, and 0 would say that it was.
        Ok(()) if matches!(mode, Mode::RunQueue | Mode::CheckAliases) && submit.names_recipients() => {
            Err(refused_mode(StandardInput::Message, "-q, -I and -bi send no message".to_owned()))
        }
        Ok(()) => Ok(invocation(mode, submit)),
        // Whoever says -bs is waiting for a greeting, also when the mistake stands in front of it: both would wait.
        Err(refusal) if dialogue => Err(Refusal { input: StandardInput::Dialogue, ..refusal }),
        // Whoever names recipients beside -ba writes a message and reads no greeting.
        Err(refusal) if refusal.input == StandardInput::Dialogue && submit.names_recipients() => {
            Err(Refusal { input: StandardInput::Message, ..refusal })
        }
        Err(refusal) if matches!(mode, Mode::PrintQueue | Mode::Verify) => {
            Err(Refusal { input: StandardInput::Unused, ..refusal })
        }
        Err(refusal) => Err(refusal),
    }
}

/// Whether -bs is among the flags. A value that looks like it is taken for it: the call is wrong anyway.
fn says_bs(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|&argument| argument != "--").any(|argument| argument.as_bytes().starts_with(b"-bs"))
}

/// The invocation for what there is to do.
fn invocation(mode: Mode, submit: Submit) -> Invocation {
    match mode {
        Mode::Send => Invocation::Submit(submit),
        Mode::SmtpOnStdio => {
            let full_name = submit.value(FlagValue::FullName).map(<[u8]>::to_vec);
            Invocation::SmtpOnStdio(SmtpOnStdio { full_name, config: submit.config })
        }
        Mode::PrintQueue => Invocation::PrintQueue,
        Mode::RunQueue => Invocation::RunQueue,
        Mode::CheckAliases => Invocation::CheckAliases,
        Mode::Verify => Invocation::Verify(submit),
    }
}

/// What the arguments have said so far.
struct Call {
    submit: Submit,
    mode: Mode,
    /// A mode that is not offered and takes a dialogue, unless what else is said makes it a message.
    refused: Option<Refusal>,
}

impl Call {
    /// Reads the flags up to the first operand, and the operands.
    fn read(&mut self, arguments: Vec<OsString>) -> Result<(), Refusal> {
        let mut parser = lexopt::Parser::from_args(arguments);
        parser.set_short_equals(false);
        loop {
            let letter = match parser.next() {
                Ok(None) => break,
                Ok(Some(Arg::Short(letter))) => letter,
                Ok(Some(Arg::Long(name))) => return Err(usage(Cause::UnknownOption, format!("--{name}").as_bytes())),
                // The first operand ends the flags: permuting would let an address become one.
                Ok(Some(Arg::Value(first))) => {
                    self.submit.operands.push(first.into_vec());
                    if let Some(rest) = parser.try_raw_args() {
                        self.submit.operands.extend(rest.map(OsString::into_vec));
                    }
                    break;
                }
                Err(error) => return Err(usage(Cause::UnknownOption, error.to_string().as_bytes())),
            };
            let flag =
                flag_named(letter).ok_or_else(|| usage(Cause::UnknownOption, format!("-{letter}").as_bytes()))?;
            let value = value_of(flag, &mut parser)?;
            self.take(flag, value)?;
        }
        if self.submit.dots == Dots::MayBeStuffed
            && (self.submit.header_recipients == HeaderRecipients::Taken || self.submit.operands.is_empty())
        {
            self.submit.dots = Dots::LoneDotMayEnd;
        }
        Ok(())
    }

    fn take(&mut self, flag: &Flag, value: Vec<u8>) -> Result<(), Refusal> {
        match flag.disposition {
            Disposition::Honoured(action) => self.carry_out(flag, action, value),
            Disposition::Ignored(_) => Ok(()),
            Disposition::Refused(reason) => {
                Err(refused_mode(StandardInput::Unused, format!("-{}: {reason}", flag.letter)))
            }
        }
    }

    fn carry_out(&mut self, flag: &Flag, action: FlagAction, value: Vec<u8>) -> Result<(), Refusal> {
        let bad_value = || bad_value(flag, &value);
        match action {
            FlagAction::Mode => return self.choose(mode_named(&value).ok_or_else(bad_value)?),
            // `-q bob@example.org` is no time and no selection: somebody took it for a recipient, and 0 would say "sent".
            FlagAction::Instead(_) if !value.first().is_none_or(|first| b"0123456789fGp!IRSQL".contains(first)) => {
                return Err(bad_value());
            }
            FlagAction::Instead(mode) => {
                if self.mode == Mode::Send {
                    self.mode = mode;
                }
            }
            FlagAction::LetterSetting => {
                let (&letter, word) = value.split_first().ok_or_else(bad_value)?;
                set(|row| row.letter == char::from(letter), word, &mut self.submit);
            }
            FlagAction::NamedSetting => {
                let mut halves = value.splitn(2, |&octet| octet == b'=');
                let name = halves.next().unwrap_or_default().trim_ascii();
                let word = halves.next().unwrap_or_default().trim_ascii();
                set(|row| name.eq_ignore_ascii_case(row.name.as_bytes()), word, &mut self.submit);
            }
            FlagAction::Keep(kept, read) => self.submit.values.keep(kept, read(&value).ok_or_else(bad_value)?),
            FlagAction::IgnoreDots => self.submit.dots = Dots::Content,
            FlagAction::HeaderRecipients => self.submit.header_recipients = HeaderRecipients::Taken,
            FlagAction::Transcript => self.submit.verbosity = Verbosity::Transcript,
        }
        Ok(())
    }

    /// -b. What is refused in place of a dialogue waits for the other arguments.
    fn choose(&mut self, row: &ModeRow) -> Result<(), Refusal> {
        match row.disposition {
            Disposition::Honoured(mode) => self.mode = mode,
            Disposition::Ignored(_) => {}
            Disposition::Refused(reason) => {
                let refusal = refused_mode(row.input, format!("-b{}: {reason}", row.letter));
                if row.input != StandardInput::Dialogue {
                    return Err(refusal);
                }
                self.refused.get_or_insert(refusal);
            }
        }
        Ok(())
    }
}

/// The flag's value as getopt finds it; empty when it takes none.
fn value_of(flag: &Flag, parser: &mut lexopt::Parser) -> Result<Vec<u8>, Refusal> {
    let value = match flag.arity {
        Arity::None => OsString::new(),
        Arity::Required => {
            parser.value().map_err(|_| usage(Cause::MissingValue, format!("-{}", flag.letter).as_bytes()))?
        }
        Arity::Attached => parser.optional_value().unwrap_or_default(),
        Arity::UnlessDash => match parser.optional_value() {
            Some(attached) => attached,
            None => parser
                .try_raw_args()
                .and_then(|mut rest| rest.next_if(|next| !next.as_bytes().starts_with(b"-")))
                .unwrap_or_default(),
        },
    };
    Ok(value.into_vec())
}

/// -o and -O, with Sendmail's truth values.
fn set(is_it: impl Fn(&super::flags::Setting) -> bool, word: &[u8], submit: &mut Submit) {
    let is_true = matches!(word.first(), None | Some(b't' | b'T' | b'y' | b'Y'));
    match setting_named(is_it) {
        Disposition::Honoured(SettingAction::IgnoreDots) => {
            submit.dots = if is_true { Dots::Content } else { Dots::MayBeStuffed };
        }
        Disposition::Ignored(_) | Disposition::Refused(_) => {}
    }
}

fn bad_value(flag: &Flag, value: &[u8]) -> Refusal {
    let mut words = format!("-{} ", flag.letter).into_bytes();
    words.extend_from_slice(value);
    usage(Cause::BadValue, &words)
}

/// A mistake in a call that sends: somebody is writing a message to standard input.
fn usage(cause: Cause, words: &[u8]) -> Refusal {
    let failure = Failure::new(Stage::Invocation, cause, Words::from_octets(words));
    Refusal { failure, input: StandardInput::Message }
}

fn refused_mode(input: StandardInput, words: String) -> Refusal {
    Refusal { failure: Failure::new(Stage::Invocation, Cause::RefusedMode, words), input }
}

#[cfg(test)]
mod tests;
