//! The help and version texts, from the tables.

use std::fmt::Write as _;

use super::HelpTopic;
use super::commands::{COMMANDS, Command, CommandRow, OPTIONS};
use super::disposition::Disposition;
use super::flags::{Arity, FLAGS, Flag, SETTINGS};
use super::modes::MODES;

/// No line is wider.
const WIDTH: usize = 80;
/// Where the right column begins.
const RIGHT: usize = 24;

/// Name and version, with a line end.
pub fn version() -> String {
    concat!("outlook-sendmail ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

/// The help text, with a line end.
pub fn help(topic: HelpTopic) -> String {
    match topic {
        HelpTopic::Sendmail => sendmail(),
        HelpTopic::Tool => tool(),
        HelpTopic::Command(command) => command.row().map_or_else(tool, of_command),
    }
}

fn sendmail() -> String {
    let mut text = String::from(
        "Sends one message from standard input through an Outlook.com account.\n\n\
         usage: sendmail [flags] [recipient ...] < message\n\n",
    );
    for (flag, disposition, doc) in rows() {
        if disposition == Disposition::Honoured(()) {
            row(&mut text, &flag, doc);
        }
    }
    row(&mut text, "--help, --version", "as the first argument: show this text, or the version");
    text.push_str("\nAccepted, without effect:\n");
    for (flag, disposition, _) in rows() {
        if let Disposition::Ignored(reason) = disposition {
            row(&mut text, &flag, reason);
        }
    }
    row(&mut text, "-o x, -O name=value", "any other one");
    text.push_str("\nRefused, with status 64:\n");
    for (flag, disposition, _) in rows() {
        if let Disposition::Refused(reason) = disposition {
            row(&mut text, &flag, reason);
        }
    }
    text.push_str("\nTo sign in: outlook-sendmail login\n");
    text
}

/// Every flag, mode and setting, what becomes of it, and what it asks for.
fn rows() -> impl Iterator<Item = (String, Disposition<()>, &'static str)> {
    let flags = FLAGS.iter().filter(|row| !row.is_looked_up());
    let flags = flags.map(|row| (spelling(row), row.disposition.without_action(), row.doc));
    let modes = MODES.iter().map(|row| (format!("-b{}", row.letter), row.disposition.without_action(), row.doc));
    let settings = SETTINGS
        .iter()
        .map(|row| (format!("-o{}, -O {}", row.letter, row.name), row.disposition.without_action(), row.doc));
    flags.chain(modes).chain(settings)
}

fn tool() -> String {
    let mut text = String::from(
        "Sends mail through an Outlook.com account.\n\n\
         usage: outlook-sendmail [--config FILE] command [arguments]\n       \
         outlook-sendmail [--config FILE] -flags [recipient ...] < message\n\n",
    );
    for command in COMMANDS {
        row(&mut text, &synopsis(command), command.doc);
    }
    row(&mut text, "--help, --version", "show this text, or the version");
    text.push_str("\nTheir options:\n");
    for option in OPTIONS {
        let takers: Vec<_> = option.takers().map(|command| command.name).collect();
        row(&mut text, &left(option.name, option.value), &format!("{} ({})", option.doc, takers.join(", ")));
    }
    text.push_str(
        "\nMore about a command: outlook-sendmail help COMMAND\n\
         What starts with a dash is classic sendmail's: see sendmail --help.\n",
    );
    text
}

fn of_command(command: &CommandRow) -> String {
    let options = if command.options.is_empty() { "" } else { " [options]" };
    let mut text = format!("{}.\n\n", capitalised(command.doc));
    let _ = writeln!(text, "usage: outlook-sendmail {}{options}\n", synopsis(command));
    for option in command.options() {
        row(&mut text, &left(option.name, option.value), option.doc);
    }
    row(&mut text, "--help", "show this text");
    if command.command == Command::Explain {
        text.push_str("\nIts options stand first; what follows them is sendmail's.\n");
    }
    let _ = writeln!(text, "\nFor example:\n\n    outlook-sendmail {}\n", command.example);
    text.push_str("The manual outlook-sendmail(1) says more.\n");
    text
}

fn capitalised(doc: &str) -> String {
    let mut letters = doc.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// `login [ADDRESS]`.
fn synopsis(command: &CommandRow) -> String {
    [&[command.name], command.operands].concat().join(" ")
}

/// `--account NAME`, `--json`.
fn left(name: &str, value: &str) -> String {
    let space = if value.is_empty() { "" } else { " " };
    format!("--{name}{space}{value}")
}

/// `-f address`, `-C [file]`, `-d[level]`, `-t`.
fn spelling(flag: &Flag) -> String {
    let (letter, value) = (flag.letter, flag.value);
    match flag.arity {
        Arity::None => format!("-{letter}"),
        Arity::Required => format!("-{letter} {value}"),
        Arity::UnlessDash => format!("-{letter} [{value}]"),
        Arity::Attached => format!("-{letter}[{value}]"),
    }
}

/// One entry; what does not fit goes on below itself.
fn row(text: &mut String, left: &str, right: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "  {left:<width$}", width = RIGHT - 3);
    let mut column = left.chars().count().max(RIGHT - 3) + 2;
    for word in right.split(' ') {
        let is_left_too_wide = column > RIGHT - 1 && text.ends_with(left);
        if is_left_too_wide || column + 1 + word.chars().count() > WIDTH {
            let _ = write!(text, "\n{:width$}", "", width = RIGHT - 1);
            column = RIGHT - 1;
        }
        let _ = write!(text, " {word}");
        column += 1 + word.chars().count();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::Invocation;

    #[test]
    fn nothing_is_wider_than_a_terminal() {
        let topics = COMMANDS.iter().map(|row| HelpTopic::Command(row.command));
        for topic in topics.chain([HelpTopic::Sendmail, HelpTopic::Tool]) {
            for line in help(topic).lines() {
                assert!(line.chars().count() <= 80, "{line}");
                assert_eq!(line, line.trim_end(), "{topic:?}");
            }
        }
    }

    #[test]
    fn help_names_every_flag() {
        let text = help(HelpTopic::Sendmail);
        for flag in FLAGS.iter().filter(|flag| !matches!(flag.letter, 'b' | 'o' | 'O')) {
            assert!(text.contains(&format!("\n  -{}", flag.letter)), "-{}", flag.letter);
        }
        for mode in MODES {
            assert!(text.contains(&format!("\n  -b{} ", mode.letter)), "-b{}", mode.letter);
        }
    }

    #[test]
    fn help_names_every_command_and_option() {
        let text = help(HelpTopic::Tool);
        for command in COMMANDS {
            assert!(text.contains(&format!("\n  {}", command.name)), "{}", command.name);
        }
        for option in OPTIONS {
            assert!(text.contains(&format!("\n  --{}", option.name)), "{}", option.name);
        }
        assert!(text.contains("login [ADDRESS]"));
    }

    #[test]
    fn a_commands_help_has_its_options_and_an_example_that_it_takes() {
        for command in COMMANDS {
            let text = help(HelpTopic::Command(command.command));
            for option in command.options() {
                assert!(text.contains(&format!("\n  --{}", option.name)), "{} --{}", command.name, option.name);
            }
            assert!(text.contains(&format!("\n    outlook-sendmail {}\n", command.example)), "{}", command.name);
            let words = command.example.split(" < ").next().unwrap().split(' ').map(Into::into).collect();
            let read = crate::invocation::read("outlook-sendmail".into(), words).unwrap();
            let taken = if let Invocation::Tool(taken, _) = &read {
                *taken
            } else {
                assert_eq!(read, Invocation::Help(HelpTopic::Command(Command::Login)));
                Command::Help
            };
            assert_eq!(taken, command.command, "{}", command.example);
        }
    }

    #[test]
    fn version_is_the_crates() {
        assert_eq!(version(), format!("outlook-sendmail {}\n", env!("CARGO_PKG_VERSION")));
    }
}
