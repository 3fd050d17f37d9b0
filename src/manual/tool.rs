//! man/outlook-sendmail.1: commands, options, registration and replies from their tables.

use super::roff::sentence;
use super::{compare, page, replies, source};
use crate::commands::REGISTRATION_STEPS;
use crate::invocation::commands::{COMMANDS, OPTIONS, OptionRow};
use crate::status::State;
use crate::world::STORES;

fn commands() -> String {
    let item = |row: &crate::invocation::commands::CommandRow| {
        format!(".It Cm {}{}\n{}", row.name, synopsis(row.operands), sentence(row.doc))
    };
    COMMANDS.iter().map(item).collect()
}

/// `[ADDRESS]`, or `ID`, in mdoc.
fn synopsis(operands: &[&str]) -> String {
    let written = operands.iter().map(|operand| match operand.strip_prefix('[') {
        Some(optional) => format!(" Oo Ar {} Oc", optional.trim_end_matches(']').to_lowercase()),
        None if operand.contains('|') => format!(" Cm {}", operand.replace('|', " | ")),
        None => format!(" Ar {}", operand.to_lowercase()),
    });
    written.collect()
}

fn option(row: &OptionRow) -> String {
    let value = match row.value {
        "" => String::new(),
        value => format!(" Ar {}", value.to_lowercase()),
    };
    let takers: Vec<_> = row.takers().map(|command| format!(".Cm {}", command.name)).collect();
    format!(".It Fl -{}{value}\n{}For\n{} .\n", row.name, sentence(row.doc), takers.join(" ,\n"))
}

/// The kinds of store, from their rows.
fn stores() -> String {
    let rows = STORES.map(|row| {
        let manual = row.manual.replace(" secret_command ", "\n.Li secret_command\n");
        format!(".Cm {} ,\n{manual}", row.word)
    });
    format!("One of\n{}.\n", rows.join(";\n"))
}

#[test]
fn the_committed_manual_of_the_tool_is_the_generated_one() {
    let behind_store = OPTIONS.iter().position(|row| row.name == "store").unwrap() + 1;
    let fillings = [
        ("COMMANDS", commands()),
        // The stores are described where the option is.
        ("OPTIONS_TO_STORE", OPTIONS[..behind_store].iter().map(option).collect()),
        ("STORES", stores()),
        ("OPTIONS_BEHIND_STORE", OPTIONS[behind_store..].iter().map(option).collect()),
        (
            "REGISTRATION_STEPS",
            REGISTRATION_STEPS.iter().map(|step| format!(".It\n{}\n", step.replace(". ", ".\n"))).collect(),
        ),
        ("REPLIES", replies::items()),
    ];
    compare("man/outlook-sendmail.1", &page("outlook-sendmail.1", &fillings));
}

#[test]
fn every_state_and_store_is_described() {
    let source = source("man/outlook-sendmail.1");
    for state in State::ALL {
        assert!(source.contains(state.word()), "{}", state.word());
    }
    let committed = include_str!("../../man/outlook-sendmail.toml.5").replace('\n', " ");
    for row in STORES {
        assert!(stores().contains(&format!(".Cm {} ,", row.word)), "{}", row.word);
        let start = row.manual.split(" secret_command").next().unwrap();
        assert!(committed.contains(&format!("{} is {start}", row.word)), "{}", row.word);
    }
}
