//! The help and version texts, from the tables.

use std::fmt::Write as _;

use super::Program;
use super::commands::{COMMANDS, Command, OPTIONS};
use super::flags::{Arity, Disposition, FLAGS, Flag, MODES, SETTINGS};

/// Name and version, with a line end.
pub fn version() -> String {
    concat!("outlook-sendmail ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

/// The help text, with a line end.
pub fn help(program: Program) -> String {
    match program {
        Program::Sendmail => sendmail(),
        Program::Tool => tool(),
    }
}

fn sendmail() -> String {
    let mut text = String::from(
        "Sends one message from standard input through an Outlook.com account.\n\n\
         usage: sendmail [flags] [recipient ...] < message\n\n",
    );
    let rows = |wanted: fn(&Disposition<()>) -> bool| {
        let flags = FLAGS.iter().map(|row| (spelling(row), without_job(row.disposition), row.doc));
        let modes = MODES.iter().map(|row| (format!("-b{}", row.letter), without_job(row.disposition), row.doc));
        let settings =
            SETTINGS.iter().map(|row| (format!("-o{}, -O {}", row.letter, row.name), row.disposition, row.doc));
        flags
            .filter(|row| !row.0.starts_with("-b ") && !row.0.to_ascii_lowercase().starts_with("-o "))
            .chain(modes)
            .chain(settings)
            .filter(move |row| wanted(&row.1))
    };
    for (flag, _, doc) in rows(|disposition| matches!(disposition, Disposition::Honoured(()))) {
        row(&mut text, &flag, doc);
    }
    row(&mut text, "--help, --version", "as the first argument: show this text, or the version");
    text.push_str("\nAccepted, without effect:\n");
    for (flag, disposition, _) in rows(|disposition| matches!(disposition, Disposition::Ignored(_))) {
        if let Disposition::Ignored(reason) = disposition {
            row(&mut text, &flag, reason);
        }
    }
    row(&mut text, "-o x, -O name=value", "any other one");
    text.push_str("\nRefused, with status 64:\n");
    for (flag, disposition, _) in rows(|disposition| matches!(disposition, Disposition::Refused(_))) {
        if let Disposition::Refused(reason) = disposition {
            row(&mut text, &flag, reason);
        }
    }
    text.push_str("\nTo sign in: outlook-sendmail login\n");
    text
}

fn tool() -> String {
    let mut text = String::from(
        "Sends mail through an Outlook.com account.\n\n\
         usage: outlook-sendmail [--config FILE] command [arguments]\n       outlook-sendmail [--config FILE] -flags [recipient ...] < message\n\n",
    );
    for command in offered() {
        row(&mut text, synopsis(command).trim_end(), command.doc);
    }
    row(&mut text, "--help, --version", "show this text, or the version");
    text.push_str("\nTheir options:\n");
    for option in OPTIONS {
        let takers: Vec<_> = offered().filter(|command| command.options.contains(&option.name)).collect();
        if !takers.is_empty() {
            let left = format!("--{} {}", option.name, option.value);
            let names: Vec<_> = takers.iter().map(|command| command.name).collect();
            row(&mut text, left.trim_end(), &format!("{} ({})", option.doc, names.join(", ")));
        }
    }
    text.push_str("\nWhat starts with a dash is classic sendmail's: see sendmail --help.\n");
    text
}

/// The commands this version has.
pub(super) fn offered() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| matches!(command.disposition, Disposition::Honoured(_)))
}

/// `login [ADDRESS]`.
fn synopsis(command: &Command) -> String {
    match command.operands {
        [] => command.name.to_owned(),
        [optional @ ("ADDRESS" | "ARGUMENTS")] => format!("{} [{optional}]", command.name),
        operands => format!("{} {}", command.name, operands.join(" ")),
    }
}

/// `-f address`, `-C [file]`, `-d[level]`, `-t`.
pub(super) fn spelling(flag: &Flag) -> String {
    let (letter, value) = (flag.letter, flag.value);
    match flag.arity {
        Arity::None => format!("-{letter}"),
        Arity::Required => format!("-{letter} {value}"),
        Arity::UnlessDash => format!("-{letter} [{value}]"),
        Arity::Attached => format!("-{letter}[{value}]"),
    }
}

pub(super) fn without_job<A>(disposition: Disposition<A>) -> Disposition<()> {
    match disposition {
        Disposition::Honoured(_) => Disposition::Honoured(()),
        Disposition::Ignored(reason) => Disposition::Ignored(reason),
        Disposition::Refused(reason) => Disposition::Refused(reason),
    }
}

fn row(text: &mut String, left: &str, right: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {left:<21} {right}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_a_page_width_and_names_every_flag() {
        let text = help(Program::Sendmail);
        for flag in FLAGS.iter().filter(|flag| !matches!(flag.letter, 'b' | 'o' | 'O')) {
            assert!(text.contains(&format!("\n  -{}", flag.letter)), "-{}", flag.letter);
        }
        for mode in MODES {
            assert!(text.contains(&format!("\n  -b{} ", mode.letter)), "-b{}", mode.letter);
        }
        for line in text.lines().chain(help(Program::Tool).lines()) {
            assert!(line.chars().count() <= 120, "{line}");
        }
    }

    #[test]
    fn help_names_every_command_and_option() {
        let text = help(Program::Tool);
        for command in COMMANDS {
            assert!(text.contains(&format!("\n  {}", command.name)), "{}", command.name);
            assert!(command.options().count() == command.options.len(), "{}: an option without a row", command.name);
        }
        assert!(text.contains("login [ADDRESS]") && text.contains("  --duplicate-possible"));
    }

    #[test]
    fn version_is_the_crates() {
        assert_eq!(version(), format!("outlook-sendmail {}\n", env!("CARGO_PKG_VERSION")));
    }
}
