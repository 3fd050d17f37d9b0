//! packaging/outlook-sendmail.bash, generated: commands and options from their tables. A test keeps the committed file
//! up to date (UPDATE_COMPLETION=1 rewrites it).

use super::commands::{Command, CommandOption};
use super::help::offered;
use super::man::compare;
use crate::world::STORES;

fn script() -> String {
    let commands: Vec<&str> = offered().map(|row| row.name).collect();
    let values: String = offered().flat_map(|command| command.options().map(|option| value(command, option))).collect();
    let names: String = offered().map(names).collect();
    TEMPLATE
        .replace("@COMMANDS@", &commands.join(" "))
        .replace("        @VALUES@\n", &values)
        .replace("        @OPTIONS@\n", &names)
}

/// What may follow an option; nothing is offered for what only its user knows.
fn value(command: &Command, option: &CommandOption) -> String {
    let offered = match (option.name, option.value) {
        (_, "") => return String::new(),
        ("config" | "listen", _) => "_outlook_sendmail_files \"$word\"".to_owned(),
        ("store", _) => {
            let stores = STORES.map(|row| row.word).join(" ");
            format!("_outlook_sendmail_words '{stores}' \"$word\"")
        }
        ("transport", _) => "_outlook_sendmail_words 'smtp graph' \"$word\"".to_owned(),
        _ => ":".to_owned(),
    };
    format!("        {}:--{}) {offered} ;;\n", command.name, option.name)
}

fn names(command: &Command) -> String {
    let mut words: Vec<String> = command.options().map(|row| format!("--{}", row.name)).collect();
    let first = command.operands.first().filter(|operand| operand.contains('|'));
    words.extend(first.map(|operand| operand.replace('|', " ")));
    match words.as_slice() {
        [] => String::new(),
        words => {
            let words = words.join(" ");
            format!("        {}:*) _outlook_sendmail_words '{words}' \"$word\" ;;\n", command.name)
        }
    }
}

const TEMPLATE: &str = r#"# bash completion for outlook-sendmail.
# Generated from src/invocation/{commands,completion}.rs: UPDATE_COMPLETION=1 cargo test committed

_outlook_sendmail_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_outlook_sendmail_files() {
    # Not there when the function is called by hand.
    compopt -o filenames 2> /dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_outlook_sendmail() {
    local word=${COMP_WORDS[COMP_CWORD]} option='' command='' at=1
    COMPREPLY=()
    # bash takes --option=value for three words.
    if [[ $word == = ]]; then
        word='' option=${COMP_WORDS[COMP_CWORD - 1]}
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    else
        option=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    # The command is the first word behind any --config FILE.
    while ((at < COMP_CWORD)) && [[ ${COMP_WORDS[at]} == --config ]]; do
        ((at += 2))
        [[ ${COMP_WORDS[at - 1]} != = ]] || ((at += 1))
    done
    ((at >= COMP_CWORD)) || command=${COMP_WORDS[at]}

    case $command:$option in
        :--config) _outlook_sendmail_files "$word" ;;
        @VALUES@
        :*) _outlook_sendmail_words '@COMMANDS@ --config --help --version' "$word" ;;
        @OPTIONS@
    esac
}

complete -F _outlook_sendmail outlook-sendmail
"#;

#[test]
fn the_committed_completion_is_the_generated_one() {
    compare("packaging/outlook-sendmail.bash", &script(), "UPDATE_COMPLETION");
}
