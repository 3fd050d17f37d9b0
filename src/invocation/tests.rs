//! Every row of the tables is used, and nothing else is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::commands::{COMMANDS, OPTIONS};
use super::disposition::Disposition;
use super::flags::{FLAGS, FlagAction};

/// The variants of a type that the program names, tests and the tables' own files left out.
fn named(kind: &str, tables: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |path, text| {
        if tables.iter().any(|table| path.ends_with(table)) {
            return;
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for rest in code.split(&format!("{kind}::")).skip(1) {
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            if name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
                names.insert(name);
            }
        }
    });
    names
}

fn read_folder(folder: &Path, each: &mut dyn FnMut(&str, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        if path.is_dir() {
            read_folder(&path, each);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && !name.contains("/manual/") {
            each(name, &fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_value_of_a_flag_has_a_row_and_a_reader() {
    let kept = FLAGS.iter().filter_map(|row| match row.disposition {
        Disposition::Honoured(FlagAction::Keep(value, _)) => Some(format!("{value:?}")),
        Disposition::Honoured(_) | Disposition::Ignored(_) | Disposition::Refused(_) => None,
    });
    assert_eq!(
        kept.collect::<BTreeSet<_>>(),
        named("FlagValue", &["invocation/flags.rs", "stdio_server/transaction.rs"])
    );
}

#[test]
fn every_option_of_the_commands_has_a_row_and_a_reader() {
    let rows: BTreeSet<String> = OPTIONS.iter().map(|row| format!("{:?}", row.option)).collect();
    assert_eq!(rows, named("CommandOption", &["invocation/commands.rs"]));
    for row in OPTIONS {
        assert!(row.takers().next().is_some(), "no command takes --{}", row.name);
        let twice = OPTIONS.iter().filter(|other| other.name == row.name).count();
        assert_eq!(twice, 1, "--{}", row.name);
    }
}

#[test]
fn every_command_has_one_row() {
    for row in COMMANDS {
        assert_eq!(COMMANDS.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
        assert_eq!(row.command.row(), Some(row));
    }
}
