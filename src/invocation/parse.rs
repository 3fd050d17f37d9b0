//! Reads the arguments as Sendmail 8 does: getopt's spelling, stopping at the first operand.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use lexopt::Arg;

use super::flags::{Arity, Disposition, Flag, Job, OTHER_NAMES, Operation, flag_named, mode_named, setting_named};
use super::{
    Asked, HeaderRecipients, Invocation, Program, Refusal, SmtpOnStdio, StandardInput, Submit, Task, Verbosity,
    commands,
};
use crate::failure::{Cause, Failure, Stage};
use crate::message::Dots;
use crate::words::Words;

/// The longest envelope id, xtext-encoded (RFC 3461 section 4.4).
const ENVELOPE_ID: usize = 100;

/// What the caller wants, or why that is not done.
pub fn read(argv0: OsString, arguments: Vec<OsString>) -> Result<Invocation, Refusal> {
    let name = Path::new(&argv0).file_name().unwrap_or_default();
    if let Some(other) = OTHER_NAMES.iter().find(|other| name == other.name) {
        // Their arguments mean nothing here: Debian's maintainer scripts call newaliases with odd ones.
        return match other.disposition {
            Disposition::Honoured(operation) => Ok(invocation(operation, Submit::default())),
            Disposition::Ignored(reason) | Disposition::Refused(reason) => {
                Err(refused(other.input, format!("{}: {reason}", other.name)))
            }
        };
    }
    if name == "outlook-sendmail" { tool(arguments) } else { classic(Program::Sendmail, arguments, None) }
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
        Some(first) if first.as_bytes().starts_with(b"-") => classic(Program::Tool, arguments, config),
        Some(_) => {
            let word = arguments.remove(0);
            commands::read(&word, arguments, config)
        }
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
pub(super) fn explained(mut arguments: Vec<OsString>, mut config: Option<PathBuf>) -> Result<Invocation, Refusal> {
    while let Some((value, taken)) = leading_config(&arguments)? {
        config = Some(value);
        arguments.drain(..taken);
    }
    match classic(Program::Tool, arguments, config.clone()) {
        Ok(Invocation::Submit(submit)) => {
            Ok(Invocation::Tool(Task::Explain, Asked { config, submit: Box::new(submit), ..Asked::default() }))
        }
        Ok(help @ Invocation::Help(_)) => Ok(help),
        Ok(_) => Err(usage(Cause::BadValue, b"explain: only calls that send a message can be explained")),
        // There is no client that waits for a greeting.
        Err(refusal) => Err(Refusal { input: StandardInput::Message, ..refusal }),
    }
}

fn classic(program: Program, arguments: Vec<OsString>, config: Option<PathBuf>) -> Result<Invocation, Refusal> {
    // In first place only: further back an attacker's argument could turn a message into a help text, status 0.
    match arguments.first() {
        Some(first) if first == "--help" => return Ok(Invocation::Help(program)),
        Some(first) if first == "--version" => return Ok(Invocation::Version),
        Some(_) | None => {}
    }
    let mut submit = Submit { config, ..Submit::default() };
    let mut operation = Operation::Send;
    let (dialogue, message) = (says_bs(&arguments), says_t(&arguments));
    match flags(arguments, &mut submit, &mut operation) {
        // Whoever names recipients has a message to send, and 0 would say that it was.
        Ok(()) if matches!(operation, Operation::RunQueue | Operation::CheckAliases) && submit.names_recipients() => {
            Err(refused(StandardInput::Message, "-q, -I and -bi send no message".to_owned()))
        }
        Ok(()) => Ok(invocation(operation, submit)),
        // Whoever says -bs is waiting for a greeting, also when the mistake stands in front of it: both would wait.
        Err(refusal) if dialogue => Err(Refusal { input: StandardInput::Dialogue, ..refusal }),
        // Whoever says -t has a message there, and nobody who reads replies.
        Err(refusal) if message && refusal.input == StandardInput::Dialogue => {
            Err(Refusal { input: StandardInput::Message, ..refusal })
        }
        Err(refusal) if matches!(operation, Operation::PrintQueue | Operation::Verify) => {
            Err(Refusal { input: StandardInput::Unused, ..refusal })
        }
        Err(refusal) => Err(refusal),
    }
}

/// Whether -bs is among the flags. A value that looks like it is taken for it: the call is wrong anyway.
fn says_bs(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|&argument| argument != "--").any(|argument| argument.as_bytes().starts_with(b"-bs"))
}

/// Whether -t is among the flags, alone or with others that take no value.
fn says_t(arguments: &[OsString]) -> bool {
    let is_it = |argument: &OsString| match argument.as_bytes() {
        [b'-', letters @ ..] => letters.contains(&b't') && letters.iter().all(|letter| b"imntvU".contains(letter)),
        _ => false,
    };
    arguments.iter().take_while(|&argument| argument != "--").any(is_it)
}

/// The invocation for what there is to do.
fn invocation(operation: Operation, submit: Submit) -> Invocation {
    match operation {
        Operation::Send => Invocation::Submit(submit),
        Operation::SmtpOnStdio => {
            Invocation::SmtpOnStdio(SmtpOnStdio { full_name: submit.full_name, config: submit.config })
        }
        Operation::PrintQueue => Invocation::PrintQueue,
        Operation::RunQueue => Invocation::RunQueue,
        Operation::CheckAliases => Invocation::CheckAliases,
        Operation::Verify => Invocation::Verify(submit),
    }
}

/// Reads the flags up to the first operand, and the operands.
fn flags(arguments: Vec<OsString>, submit: &mut Submit, operation: &mut Operation) -> Result<(), Refusal> {
    let mut parser = lexopt::Parser::from_args(arguments);
    parser.set_short_equals(false);
    loop {
        let letter = match parser.next() {
            Ok(None) => break,
            Ok(Some(Arg::Short(letter))) => letter,
            Ok(Some(Arg::Long(name))) => return Err(usage(Cause::UnknownOption, format!("--{name}").as_bytes())),
            // The first operand ends the flags: permuting would let an address become one.
            Ok(Some(Arg::Value(first))) => {
                submit.operands.push(first.into_vec());
                if let Some(rest) = parser.try_raw_args() {
                    submit.operands.extend(rest.map(OsString::into_vec));
                }
                break;
            }
            Err(error) => return Err(usage(Cause::UnknownOption, error.to_string().as_bytes())),
        };
        let flag = flag_named(letter).ok_or_else(|| usage(Cause::UnknownOption, format!("-{letter}").as_bytes()))?;
        let value = value_of(flag, &mut parser)?;
        match flag.disposition {
            Disposition::Honoured(job) => carry_out(flag, job, value, submit, operation)?,
            Disposition::Ignored(_) => {}
            Disposition::Refused(reason) => {
                return Err(refused(StandardInput::Unused, format!("-{letter}: {reason}")));
            }
        }
    }
    if submit.dots == Dots::MayBeStuffed
        && (submit.header_recipients == HeaderRecipients::Taken || submit.operands.is_empty())
    {
        submit.dots = Dots::LoneDotMayEnd;
    }
    Ok(())
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

fn carry_out(
    flag: &Flag,
    job: Job,
    value: Vec<u8>,
    submit: &mut Submit,
    operation: &mut Operation,
) -> Result<(), Refusal> {
    match job {
        Job::Mode => {
            let mode = mode_named(&value).ok_or_else(|| bad_value(flag, &value))?;
            match mode.disposition {
                Disposition::Honoured(wanted) => *operation = wanted,
                Disposition::Ignored(_) => {}
                Disposition::Refused(reason) => {
                    return Err(refused(mode.input, format!("-b{}: {reason}", mode.letter)));
                }
            }
        }
        // `-q bob@example.org` is no time and no selection: somebody took it for a recipient, and 0 would say "sent".
        Job::Instead(_) if !value.first().is_none_or(|first| b"0123456789fGp!IRSQL".contains(first)) => {
            return Err(bad_value(flag, &value));
        }
        Job::Instead(wanted) => {
            if *operation == Operation::Send {
                *operation = wanted;
            }
        }
        Job::LetterSetting => match value.split_first() {
            Some((&letter, word)) => set(|row| row.letter == char::from(letter), word, submit),
            None => return Err(bad_value(flag, &value)),
        },
        Job::NamedSetting => {
            let mut halves = value.splitn(2, |&octet| octet == b'=');
            let name = halves.next().unwrap_or_default().trim_ascii();
            let word = halves.next().unwrap_or_default().trim_ascii();
            set(|row| name.eq_ignore_ascii_case(row.name.as_bytes()), word, submit);
        }
        Job::FullName => submit.full_name = Some(value),
        Job::Sender => submit.sender = Some(value),
        Job::IgnoreDots => submit.dots = Dots::Content,
        Job::HeaderRecipients => submit.header_recipients = HeaderRecipients::Taken,
        Job::Transcript => submit.verbosity = Verbosity::Transcript,
        Job::Notify => submit.dsn.notify = Some(notify(&value).ok_or_else(|| bad_value(flag, &value))?),
        Job::Return => submit.dsn.ret = Some(return_what(&value).ok_or_else(|| bad_value(flag, &value))?),
        Job::EnvelopeId => submit.dsn.envid = Some(envelope_id(&value).ok_or_else(|| bad_value(flag, &value))?),
    }
    Ok(())
}

/// -o and -O. IgnoreDots is the only one that does anything; it takes Sendmail's truth values.
fn set(is_it: impl Fn(&super::flags::Setting) -> bool, word: &[u8], submit: &mut Submit) {
    let (disposition, _) = setting_named(is_it);
    match (disposition, word.first()) {
        (Disposition::Honoured(()), None | Some(b't' | b'T' | b'y' | b'Y')) => submit.dots = Dots::Content,
        (Disposition::Honoured(()), Some(_)) => submit.dots = Dots::MayBeStuffed,
        (Disposition::Ignored(_) | Disposition::Refused(_), _) => {}
    }
}

/// `never`, or a list of `success`, `failure`, `delay` (RFC 3461 section 4.1).
pub(crate) fn notify(value: &[u8]) -> Option<String> {
    let value = str::from_utf8(value).ok()?.to_ascii_uppercase();
    let mut words: Vec<&str> = Vec::new();
    for word in value.split(',').map(str::trim) {
        if !matches!(word, "NEVER" | "SUCCESS" | "FAILURE" | "DELAY") {
            return None;
        }
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.contains(&"NEVER") && words.len() > 1 {
        return None;
    }
    Some(words.join(","))
}

/// `full` or `hdrs` (RFC 3461 section 4.3).
pub(crate) fn return_what(value: &[u8]) -> Option<String> {
    let value = str::from_utf8(value).ok()?.to_ascii_uppercase();
    matches!(value.as_str(), "FULL" | "HDRS").then_some(value)
}

/// Printable US-ASCII, at most 100 octets as xtext (RFC 3461 section 4.4).
pub(crate) fn envelope_id(value: &[u8]) -> Option<String> {
    let printable = value.iter().all(|octet| matches!(octet, b' '..=b'~'));
    let encoded: usize = value.iter().map(|octet| if matches!(octet, b' ' | b'+' | b'=') { 3 } else { 1 }).sum();
    if !printable || value.is_empty() || encoded > ENVELOPE_ID {
        return None;
    }
    str::from_utf8(value).ok().map(str::to_owned)
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

fn refused(input: StandardInput, words: String) -> Refusal {
    Refusal { failure: Failure::new(Stage::Invocation, Cause::RefusedMode, words), input }
}

#[cfg(test)]
mod tests;
