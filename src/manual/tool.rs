//! man/outlook-sendmail.1: commands, options, registration and replies from their tables.

use super::roff::sentence;
use super::{compare, page, replies, source};
use crate::commands::REGISTRATION_STEPS;
use crate::invocation::commands::{COMMANDS, OPTIONS, OptionRow};
use crate::status::State;
use crate::world::StoreKind;

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

#[test]
fn the_committed_manual_of_the_tool_is_the_generated_one() {
    let behind_store = OPTIONS.iter().position(|row| row.name == "store").unwrap() + 1;
    let fillings = [
        ("COMMANDS", commands()),
        // The stores are described where the option is.
        ("OPTIONS_TO_STORE", OPTIONS[..behind_store].iter().map(option).collect()),
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
    for word in StoreKind::WORDS {
        assert!(source.contains(&format!(".Cm {word}")), "{word}");
    }
}
