//! Reads a command's arguments.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use lexopt::Arg;

use super::{COMMANDS, CommandArguments, CommandRow, OPTIONS, OptionRow};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::suggestion::nearest;
use crate::invocation::{HelpTopic, Invocation, Refusal, StandardInput};
use crate::words::Words;

/// What may stand in front of a command, without the dashes.
const LEADING: [&str; 3] = ["config", "help", "version"];

/// An unknown first word is never a recipient, or a mistyped command would send mail.
pub(in crate::invocation) fn named(word: &OsStr) -> Result<&'static CommandRow, Refusal> {
    let row = COMMANDS.iter().find(|row| word == row.name);
    row.ok_or_else(|| refusal(Cause::UnknownCommand, unknown(word)))
}

/// `help`, and `help COMMAND`.
pub(in crate::invocation) fn help(row: &'static CommandRow, rest: &[OsString]) -> Result<Invocation, Refusal> {
    let topic = match rest {
        [] => HelpTopic::Tool,
        [only] if only == "--help" || only == "-h" => HelpTopic::Command(row.command),
        [word] => HelpTopic::Command(named(word)?.command),
        [_, more, ..] => {
            return Err(refusal(Cause::BadValue, superfluous(row, &Words::from_octets(more.as_bytes()))));
        }
    };
    Ok(Invocation::Help(topic))
}

/// A command's options and operands.
pub(in crate::invocation) fn arguments(
    row: &'static CommandRow,
    arguments: Vec<OsString>,
    config: Option<PathBuf>,
) -> Result<Invocation, Refusal> {
    let mut given = CommandArguments::of(config);
    let mut parser = lexopt::Parser::from_args(arguments);
    loop {
        let argument = parser.next().map_err(|error| refusal(Cause::BadValue, Words::from(error.to_string())))?;
        match argument {
            None => return Ok(Invocation::Tool(row.command, given)),
            Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Invocation::Help(HelpTopic::Command(row.command))),
            Some(Arg::Long(name)) => {
                let Some(option) = row.options().find(|option| option.name == name) else {
                    return Err(refusal(Cause::UnknownOption, unknown_option(row, name)));
                };
                let value = if option.value.is_empty() { String::new() } else { value(&mut parser, row, option)? };
                given.take(option, value);
            }
            Some(Arg::Short(letter)) => {
                return Err(refusal(Cause::UnknownOption, Words::from(format!("{} -{letter}", row.name))));
            }
            Some(Arg::Value(value)) => {
                let words = Words::from_octets(value.as_bytes());
                match value.into_string() {
                    Ok(operand) if given.operands.len() < row.operands.len() => given.operands.push(operand),
                    Ok(_) | Err(_) => return Err(refusal(Cause::BadValue, superfluous(row, &words))),
                }
            }
        }
    }
}

fn value(parser: &mut lexopt::Parser, row: &CommandRow, option: &OptionRow) -> Result<String, Refusal> {
    let named = || Words::from(format!("{} --{}", row.name, option.name));
    let value = parser.value().map_err(|_| refusal(Cause::MissingValue, named()))?;
    value.into_string().map_err(|_| refusal(Cause::BadValue, named()))
}

fn superfluous(row: &CommandRow, words: &Words) -> Words {
    let takes = match row.operands {
        [] => "no argument".to_owned(),
        operands => operands.join(" ").replace(['[', ']'], ""),
    };
    Words::from(format!("{} takes {takes}, not also {}", row.name, words.short()))
}

fn unknown_option(row: &CommandRow, name: &str) -> Words {
    let known = row.options().map(|option| option.name).chain(["help"]);
    let hint = match nearest(name, known) {
        Some(option) => format!("; did you mean --{option}?"),
        None => match OPTIONS.iter().find(|option| option.name == name) {
            Some(option) => format!("; {} takes it", takers(option)),
            None => String::new(),
        },
    };
    Words::from(format!("{} --{name}{hint}", row.name))
}

fn takers(option: &OptionRow) -> String {
    option.takers().map(|row| row.name).collect::<Vec<_>>().join(", ")
}

/// Whether this is an option, and none that may stand in front of a command.
pub(in crate::invocation) fn is_unknown_option(argument: &OsStr) -> bool {
    let option = argument.as_bytes().strip_prefix(b"--").filter(|name| !name.is_empty());
    option.is_some_and(|name| !LEADING.iter().any(|known| known.as_bytes() == name))
}

/// What to say about it.
pub(in crate::invocation) fn misplaced(argument: &OsStr) -> Words {
    let shown = Words::from_octets(argument.as_bytes()).short();
    let name = shown.trim_start_matches('-').split('=').next().unwrap_or_default();
    let hint = match (OPTIONS.iter().find(|option| option.name == name), nearest(name, LEADING.into_iter())) {
        (Some(option), _) => format!("; it goes behind a command: {}", takers(option)),
        (None, Some(known)) => format!("; did you mean --{known}?"),
        (None, None) => String::new(),
    };
    Words::from(format!("{shown}{hint}"))
}

fn unknown(word: &OsStr) -> Words {
    let shown = Words::from_octets(word.as_bytes()).short();
    let hint = match nearest(&shown, COMMANDS.iter().map(|row| row.name)) {
        Some(command) => format!("; did you mean {command}?"),
        None if shown.contains('@') => format!("; to send to an address: sendmail {shown}"),
        None => String::new(),
    };
    Words::from(format!("{shown}{hint}"))
}

/// A command takes nothing from standard input that could be lost: its caller is a person.
fn refusal(cause: Cause, detail: Words) -> Refusal {
    Refusal { failure: Failure::new(Stage::Invocation, cause, detail), input: StandardInput::Unused }
}

#[cfg(test)]
mod tests {
    use super::super::{Command, CommandOption};
    use super::*;

    fn call(words: &[&str]) -> Result<Invocation, Refusal> {
        crate::invocation::read("outlook-sendmail".into(), words.iter().map(OsString::from).collect())
    }

    fn detail(words: &[&str]) -> (Cause, String) {
        let failure = call(words).unwrap_err().failure;
        (failure.cause, failure.detail.whole().to_owned())
    }

    #[test]
    fn login_takes_one_address_and_its_options_in_any_order() {
        let mut wanted = CommandArguments::default()
            .with(CommandOption::Account, "me")
            .with(CommandOption::ClientId, "id")
            .with(CommandOption::Tenant, "consumers")
            .with(CommandOption::Store, "file")
            .with(CommandOption::Config, "/c");
        wanted.operands.push("me@outlook.com".to_owned());
        let words = ["login", "--account", "me", "me@outlook.com", "--client-id=id", "--tenant", "consumers"];
        let more = ["--store=file", "--config", "/c"];
        assert_eq!(call(&[&words[..], &more[..]].concat()), Ok(Invocation::Tool(Command::Login, wanted)));
        assert_eq!(call(&["login"]), Ok(Invocation::Tool(Command::Login, CommandArguments::default())));
    }

    #[test]
    fn every_command_has_a_help_text_of_its_own() {
        for row in COMMANDS {
            let help = Ok(Invocation::Help(HelpTopic::Command(row.command)));
            for words in [[row.name, "--help"], [row.name, "-h"], ["help", row.name]] {
                assert_eq!(call(&words), help, "{words:?}");
            }
        }
        assert_eq!(detail(&["help", "lgoin"]), (Cause::UnknownCommand, "lgoin; did you mean login?".to_owned()));
        assert_eq!(detail(&["help", "login", "now"]).0, Cause::BadValue);
    }

    #[test]
    fn what_login_cannot_read_is_said() {
        assert_eq!(detail(&["login", "a@b", "c@d"]).1, "login takes ADDRESS, not also c@d");
        assert_eq!(detail(&["login", "--account"]), (Cause::MissingValue, "login --account".to_owned()));
        assert_eq!(detail(&["login", "-x"]), (Cause::UnknownOption, "login -x".to_owned()));
        assert_eq!(detail(&["login", "--json"]), (Cause::UnknownOption, "login --json; status takes it".to_owned()));
    }

    /// A letter too few, one too many, one changed, in the names of all options.
    #[test]
    fn a_mistyped_option_gets_a_suggestion() {
        for (row, option) in COMMANDS.iter().flat_map(|row| row.options().map(move |option| (row, option))) {
            if row.command == Command::Explain {
                continue;
            }
            let name = option.name;
            for typo in [name[..name.len() - 1].to_owned(), format!("{name}e"), name.replacen(&name[1..2], "#", 1)] {
                let said = detail(&[row.name, &format!("--{typo}")]);
                let words = format!("{} --{typo}; did you mean --{name}?", row.name);
                assert_eq!(said, (Cause::UnknownOption, words));
            }
        }
    }

    #[test]
    fn an_unknown_word_gets_a_suggestion_and_is_never_a_recipient() {
        assert_eq!(detail(&["lgoin"]), (Cause::UnknownCommand, "lgoin; did you mean login?".to_owned()));
        assert_eq!(detail(&["logn"]).1, "logn; did you mean login?");
        assert_eq!(detail(&["root"]).1, "root");
        assert_eq!(detail(&["outbox"]).1, "outbox");
        assert_eq!(detail(&["a@x"]).1, "a@x; to send to an address: sendmail a@x");
    }
}
