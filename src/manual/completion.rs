//! packaging/completions: commands and options for bash, zsh and fish, from their tables.

use super::{compare, filled, source};
use crate::invocation::commands::{COMMANDS, CommandRow, OptionRow, OptionValues};
use crate::world::STORES;

/// The words an option's value can be, `None` for a file, empty when only its user knows.
fn words(row: &OptionRow) -> Option<String> {
    match row.values {
        OptionValues::Free => Some(String::new()),
        OptionValues::File => None,
        OptionValues::Store => Some(STORES.map(|row| row.word).join(" ")),
        OptionValues::Words(words) => Some(words.join(" ")),
    }
}

/// The words that a command's first operand can be.
fn operands(row: &CommandRow) -> Vec<&'static str> {
    match row.operands.first() {
        Some(&"[COMMAND]") => COMMANDS.iter().map(|row| row.name).collect(),
        Some(words) if words.contains('|') => words.split('|').collect(),
        Some(_) | None => Vec::new(),
    }
}

fn of_each(fill: fn(&CommandRow) -> String) -> String {
    COMMANDS.iter().map(fill).collect()
}

fn bash_values(command: &CommandRow) -> String {
    let value = |row: &OptionRow| {
        let offered = match words(row).as_deref() {
            None => "_outlook_sendmail_files \"$word\"".to_owned(),
            Some("") => ":".to_owned(),
            Some(words) => format!("_outlook_sendmail_words '{words}' \"$word\""),
        };
        format!("        {}:--{}) {offered} ;;\n", command.name, row.name)
    };
    command.options().filter(|row| !row.value.is_empty()).map(value).collect()
}

fn bash_words(command: &CommandRow) -> String {
    let options = command.options().map(|row| format!("--{}", row.name)).chain(["--help".to_owned()]);
    let words: Vec<String> = options.chain(operands(command).into_iter().map(str::to_owned)).collect();
    format!("        {}:*) _outlook_sendmail_words '{}' \"$word\" ;;\n", command.name, words.join(" "))
}

fn bash_commands() -> String {
    let names: Vec<&str> = COMMANDS.iter().map(|row| row.name).collect();
    let words = names.join(" ");
    format!("        :*) _outlook_sendmail_words '{words} --config --help --version' \"$word\" ;;\n")
}

/// For zsh, inside single quotes and brackets.
fn quoted(doc: &str) -> String {
    assert!(!doc.contains(['[', ']', '"', '$', '`', '\\']), "{doc} would have to be escaped");
    doc.replace('\'', "'\\''")
}

fn zsh_command(command: &CommandRow) -> String {
    format!("            '{}:{}'\n", command.name, quoted(command.doc))
}

fn zsh_arguments(command: &CommandRow) -> String {
    let option = |row: &OptionRow| {
        let value = match (row.value, words(row).as_deref()) {
            ("", _) => String::new(),
            (value, None) => format!(":{value}:_files"),
            (value, Some("")) => format!(":{value}: "),
            (value, Some(words)) => format!(":{value}:({words})"),
        };
        let equals = if row.value.is_empty() { "" } else { "=" };
        format!(" \\\n                '--{}{equals}[{}]{value}'", row.name, quoted(row.doc))
    };
    let options: String = command.options().map(option).collect();
    let operands = match operands(command).join(" ") {
        words if words.is_empty() => String::new(),
        words => format!(" \\\n                '1:argument:({words})'"),
    };
    format!(
        "        {})\n            _arguments '(- *)--help[show a help text]'{options}{operands}\n            ;;\n",
        command.name
    )
}

fn fish_command(command: &CommandRow) -> String {
    let mut text =
        format!("complete -c outlook-sendmail -n __fish_use_subcommand -a {} -d \"{}\"\n", command.name, command.doc);
    let seen = format!("complete -c outlook-sendmail -n '__fish_seen_subcommand_from {}'", command.name);
    for row in command.options() {
        let value = match (row.value, words(row).as_deref()) {
            ("", _) => String::new(),
            (_, None) => " -r -F".to_owned(),
            (_, Some("")) => " -x".to_owned(),
            (_, Some(words)) => format!(" -x -a '{words}'"),
        };
        text.push_str(&format!("{seen} -l {}{value} -d \"{}\"\n", row.name, row.doc));
    }
    let words = operands(command).join(" ");
    if !words.is_empty() {
        text.push_str(&format!("{seen} -a '{words}'\n"));
    }
    text
}

/// Completes a page of packaging/completions.
fn committed(page: &str, fillings: &[super::Filling<'_>]) {
    let page = format!("packaging/completions/{page}");
    compare(&page, &filled(&source(&page), fillings));
}

#[test]
fn the_committed_completion_of_bash_is_the_generated_one() {
    let fillings = [("VALUES", of_each(bash_values)), ("COMMANDS", bash_commands()), ("WORDS", of_each(bash_words))];
    committed("outlook-sendmail.bash", &fillings);
}

#[test]
fn the_committed_completion_of_zsh_is_the_generated_one() {
    committed("_outlook-sendmail", &[("COMMANDS", of_each(zsh_command)), ("ARGUMENTS", of_each(zsh_arguments))]);
}

#[test]
fn the_committed_completion_of_fish_is_the_generated_one() {
    committed("outlook-sendmail.fish", &[("COMMANDS", of_each(fish_command))]);
}
