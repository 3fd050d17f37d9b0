//! The commands of `outlook-sendmail`, the tool for people: their table, and how their arguments are read.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use lexopt::Arg;

use super::flags::Disposition::{self, Honoured, Ignored, Refused};
use super::{Asked, Invocation, Program, Refusal, StandardInput};
use crate::failure::{Cause, Failure, Stage};
use crate::words::Words;

/// One command.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// The word that chooses it.
    pub name: &'static str,
    /// What may follow the word, besides options.
    pub operands: &'static [&'static str],
    /// The names of its options.
    pub options: &'static [&'static str],
    /// What becomes of it.
    pub disposition: Disposition<Task>,
    /// What it does, in one line without a full stop.
    pub doc: &'static str,
}

/// What an honoured command starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// Sign in.
    Login,
    /// Forget a sign-in.
    Logout,
    /// Say where every account stands.
    Status,
    /// Renew every grant, so that none lapses from disuse.
    Renew,
    /// Send a message to oneself.
    Test,
    /// Show what would be sent.
    Explain,
    /// Say what stands in the way.
    Doctor,
    /// Serve the system account.
    Broker,
    /// List the outbox.
    Queue,
    /// Look after one message of the outbox.
    Outbox,
    /// Explain ourselves.
    Help,
}

/// One option of a command.
#[derive(Clone, Copy, Debug)]
pub struct CommandOption {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// What its value is called; empty without one.
    pub value: &'static str,
    /// Takes it down.
    pub set: fn(&mut Asked, String),
    /// What it does.
    pub doc: &'static str,
}

/// Every command.
#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    Command { name: "login", operands: &["ADDRESS"], options: &["account", "client-id", "tenant", "store", "browser", "transport", "system", "config"], disposition: Honoured(Task::Login), doc: "sign in to an account" },
    Command { name: "help", operands: &[], options: &[], disposition: Honoured(Task::Help), doc: "show the help text" },
    Command { name: "logout", operands: &[], options: &["account", "system", "config"], disposition: Honoured(Task::Logout), doc: "forget a sign-in" },
    Command { name: "status", operands: &[], options: &["json", "system", "config"], disposition: Honoured(Task::Status), doc: "show where every account stands" },
    Command { name: "renew", operands: &[], options: &["system", "config"], disposition: Honoured(Task::Renew), doc: "renew every sign-in, so that none lapses from disuse" },
    Command { name: "test", operands: &["ADDRESS"], options: &["account", "system", "config"], disposition: Honoured(Task::Test), doc: "send a message to yourself, telling each step" },
    Command { name: "explain", operands: &["ARGUMENTS"], options: &["config"], disposition: Honoured(Task::Explain), doc: "show what sendmail would make of a message, sending nothing" },
    Command { name: "doctor", operands: &[], options: &["system", "config"], disposition: Honoured(Task::Doctor), doc: "show what stands in the way on this machine" },
    Command { name: "broker", operands: &[], options: &["listen"], disposition: Honoured(Task::Broker), doc: "serve the system account" },
    Command { name: "mailq", operands: &[], options: &["system", "config"], disposition: Honoured(Task::Queue), doc: "list the outbox: what waits, failed, or was perhaps sent" },
    Command { name: "outbox", operands: &["show|retry|drop|run", "ID"], options: &["duplicate-possible", "system", "config"], disposition: Honoured(Task::Outbox), doc: "show one message, try it now, give it up; run: try all that are due" },
];

/// Every option of the commands. Those of one command are named in its row.
#[rustfmt::skip]
pub const OPTIONS: &[CommandOption] = &[
    CommandOption { name: "account", value: "NAME", set: |asked, value| asked.account = Some(value), doc: "what the account is called in the configuration" },
    CommandOption { name: "client-id", value: "ID", set: |asked, value| asked.client_id = Some(value), doc: "the application registered with Microsoft" },
    CommandOption { name: "tenant", value: "T", set: |asked, value| asked.tenant = Some(value), doc: "the directory the account is in; consumers for Outlook.com" },
    CommandOption { name: "store", value: "S", set: |asked, value| asked.store = Some(value), doc: "where the grant is kept" },
    CommandOption { name: "transport", value: "T", set: |asked, value| asked.transport = Some(value), doc: "how messages travel: smtp or graph" },
    CommandOption { name: "browser", value: "", set: |asked, _| asked.browser = true, doc: "sign in through a browser instead of a code" },
    CommandOption { name: "system", value: "", set: |asked, _| asked.system = true, doc: "this machine's account" },
    CommandOption { name: "json", value: "", set: |asked, _| asked.json = true, doc: "write JSON, for monitoring" },
    CommandOption { name: "listen", value: "PATH", set: |asked, value| asked.listen = Some(PathBuf::from(value)), doc: "listen at this socket, where systemd does not" },
    CommandOption { name: "duplicate-possible", value: "", set: |asked, _| asked.duplicate_possible = true, doc: "send again what was perhaps sent" },
    CommandOption { name: "config", value: "FILE", set: |asked, value| asked.config = Some(PathBuf::from(value)), doc: "the configuration file" },
];

impl Command {
    /// The rows of its options.
    pub fn options(&self) -> impl Iterator<Item = &'static CommandOption> {
        OPTIONS.iter().filter(|option| self.options.contains(&option.name))
    }
}

/// Reads a command and its arguments.
pub(super) fn read(word: &OsStr, rest: Vec<OsString>, config: Option<PathBuf>) -> Result<Invocation, Refusal> {
    let Some(command) = COMMANDS.iter().find(|command| word == command.name) else {
        return Err(refusal(Cause::UnknownCommand, unknown(word)));
    };
    match command.disposition {
        Honoured(Task::Help) => Ok(Invocation::Help(Program::Tool)),
        Honoured(Task::Explain) => super::parse::explained(rest, config),
        Honoured(task) => asked(command, task, rest, config),
        Ignored(reason) | Refused(reason) => {
            Err(refusal(Cause::RefusedMode, Words::from(format!("{}: {reason}", command.name))))
        }
    }
}

fn asked(
    command: &'static Command,
    task: Task,
    arguments: Vec<OsString>,
    config: Option<PathBuf>,
) -> Result<Invocation, Refusal> {
    let mut asked = Asked { config, ..Asked::default() };
    let mut parser = lexopt::Parser::from_args(arguments);
    loop {
        let argument = parser.next().map_err(|error| refusal(Cause::BadValue, Words::from(error.to_string())))?;
        match argument {
            None => return Ok(Invocation::Tool(task, asked)),
            Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Invocation::Help(Program::Tool)),
            Some(Arg::Long(name)) => {
                let Some(option) = command.options().find(|option| option.name == name) else {
                    let words = format!("{} --{name}", command.name);
                    return Err(refusal(Cause::UnknownOption, Words::from(words)));
                };
                let value = match option.value {
                    "" => String::new(),
                    _ => value(&mut parser, command, option)?,
                };
                (option.set)(&mut asked, value);
            }
            Some(Arg::Short(letter)) => {
                let words = format!("{} -{letter}", command.name);
                return Err(refusal(Cause::UnknownOption, Words::from(words)));
            }
            Some(Arg::Value(value)) => {
                let words = Words::from_octets(value.as_bytes());
                match value.into_string() {
                    Ok(operand) if asked.operands.len() < command.operands.len() => asked.operands.push(operand),
                    Ok(_) | Err(_) => return Err(refusal(Cause::BadValue, superfluous(command, &words))),
                }
            }
        }
    }
}

fn value(parser: &mut lexopt::Parser, command: &Command, option: &CommandOption) -> Result<String, Refusal> {
    let named = || Words::from(format!("{} --{}", command.name, option.name));
    let value = parser.value().map_err(|_| refusal(Cause::MissingValue, named()))?;
    value.into_string().map_err(|_| refusal(Cause::BadValue, named()))
}

fn superfluous(command: &Command, words: &Words) -> Words {
    let takes = match command.operands {
        [] => "no argument".to_owned(),
        operands => operands.join(" "),
    };
    Words::from(format!("{} takes {takes}, not also {}", command.name, words.short()))
}

/// A command takes nothing from standard input that could be lost: its caller is a person.
fn refusal(cause: Cause, detail: Words) -> Refusal {
    Refusal { failure: Failure::new(Stage::Invocation, cause, detail), input: StandardInput::Unused }
}

/// An unknown first word is never a recipient, or a mistyped command would send mail.
fn unknown(word: &OsStr) -> Words {
    let shown = Words::from_octets(word.as_bytes()).short();
    let hint = match nearest(&shown) {
        Some(command) => format!("; did you mean {command}?"),
        None if shown.contains('@') => format!("; to send to an address: sendmail {shown}"),
        None => String::new(),
    };
    Words::from(format!("{shown}{hint}"))
}

fn nearest(word: &str) -> Option<&'static str> {
    COMMANDS
        .iter()
        .map(|command| (distance(word, command.name), command.name))
        .filter(|(distance, name)| *distance <= 2 && *distance <= name.len() / 2)
        .min()
        .map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    if from.len() > 20 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (taken, letter) in from.chars().enumerate() {
        let mut diagonal = taken;
        let mut left = taken + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(to.chars()) {
            let changed = diagonal + usize::from(letter != other);
            diagonal = *cell;
            left = changed.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(words: &[&str]) -> Result<Invocation, Refusal> {
        let rest = words[1..].iter().map(OsString::from).collect();
        read(OsStr::new(words[0]), rest, None)
    }

    fn detail(words: &[&str]) -> (Cause, String) {
        let failure = call(words).unwrap_err().failure;
        (failure.cause, failure.detail.whole().to_owned())
    }

    #[test]
    fn login_takes_one_address_and_its_options_in_any_order() {
        let wanted = Asked {
            operands: vec!["me@outlook.com".to_owned()],
            account: Some("me".to_owned()),
            client_id: Some("id".to_owned()),
            tenant: Some("consumers".to_owned()),
            store: Some("file".to_owned()),
            config: Some(PathBuf::from("/c")),
            ..Asked::default()
        };
        let words = ["login", "--account", "me", "me@outlook.com", "--client-id=id", "--tenant", "consumers"];
        let more = ["--store=file", "--config", "/c"];
        assert_eq!(call(&[&words[..], &more[..]].concat()), Ok(Invocation::Tool(Task::Login, wanted)));
        assert_eq!(call(&["login"]), Ok(Invocation::Tool(Task::Login, Asked::default())));
        assert_eq!(call(&["login", "--help"]), Ok(Invocation::Help(Program::Tool)));
    }

    #[test]
    fn what_login_cannot_read_is_said() {
        assert_eq!(detail(&["login", "a@b", "c@d"]).0, Cause::BadValue);
        assert_eq!(detail(&["login", "--account"]), (Cause::MissingValue, "login --account".to_owned()));
        assert_eq!(detail(&["login", "--acount", "x"]), (Cause::UnknownOption, "login --acount".to_owned()));
        assert_eq!(detail(&["login", "-x"]), (Cause::UnknownOption, "login -x".to_owned()));
        assert_eq!(detail(&["login", "--json"]), (Cause::UnknownOption, "login --json".to_owned()));
    }

    #[test]
    fn an_unknown_word_gets_a_suggestion_and_is_never_a_recipient() {
        assert_eq!(detail(&["lgoin"]), (Cause::UnknownCommand, "lgoin; did you mean login?".to_owned()));
        assert_eq!(detail(&["logn"]).1, "logn; did you mean login?");
        assert_eq!(detail(&["root"]).1, "root");
        assert_eq!(detail(&["a@x"]).1, "a@x; to send to an address: sendmail a@x");
    }

    #[test]
    fn distance_is_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("login", "login"), 0);
    }
}
