//! packaging/outlook-sendmail.bash, generated: commands and options from their tables. A test keeps the committed file
//! up to date (UPDATE_COMPLETION=1 rewrites it).

use super::commands::{COMMANDS, LOGIN_OPTIONS, LoginOption};
use super::flags::Disposition;
use super::man::compare;
use crate::account::StoreKind;

fn script() -> String {
    let commands = COMMANDS.iter().filter(|row| matches!(row.disposition, Disposition::Honoured(_)));
    let commands: Vec<&str> = commands.map(|row| row.name).collect();
    let options = || LOGIN_OPTIONS.iter().filter(|row| matches!(row.disposition, Disposition::Honoured(_)));
    let names: Vec<String> = options().map(|row| format!("--{}", row.name)).collect();
    let values: String = options().map(value).collect();
    TEMPLATE
        .replace("@COMMANDS@", &commands.join(" "))
        .replace("@OPTIONS@", &names.join(" "))
        .replace("        @VALUES@\n", &values)
}

/// What may follow an option of `login`; nothing is offered for what only its user knows.
fn value(option: &LoginOption) -> String {
    let offered = match option.name {
        "config" => "_outlook_sendmail_files \"$word\"".to_owned(),
        "store" => {
            let stores = [StoreKind::SecretService.word(), StoreKind::File.word()].join(" ");
            format!("_outlook_sendmail_words '{stores}' \"$word\"")
        }
        _ => ":".to_owned(),
    };
    format!("        login:--{}) {offered} ;;\n", option.name)
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
        login:*) _outlook_sendmail_words '@OPTIONS@' "$word" ;;
    esac
}

complete -F _outlook_sendmail outlook-sendmail
"#;

#[test]
fn the_committed_completion_is_the_generated_one() {
    compare("packaging/outlook-sendmail.bash", &script(), "UPDATE_COMPLETION");
}
