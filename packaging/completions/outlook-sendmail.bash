# bash completion for outlook-sendmail.
# Made from packaging/completions/outlook-sendmail.bash.in and the tables of src: UPDATE_PAGES=1 cargo test --lib manual

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
        login:--account) : ;;
        login:--client-id) : ;;
        login:--tenant) : ;;
        login:--store) _outlook_sendmail_words 'secret-service file command sealed' "$word" ;;
        login:--transport) _outlook_sendmail_words 'smtp graph' "$word" ;;
        login:--config) _outlook_sendmail_files "$word" ;;
        logout:--account) : ;;
        logout:--config) _outlook_sendmail_files "$word" ;;
        status:--config) _outlook_sendmail_files "$word" ;;
        renew:--config) _outlook_sendmail_files "$word" ;;
        test:--account) : ;;
        test:--config) _outlook_sendmail_files "$word" ;;
        explain:--config) _outlook_sendmail_files "$word" ;;
        doctor:--config) _outlook_sendmail_files "$word" ;;
        broker:--listen) _outlook_sendmail_files "$word" ;;
        mailq:--config) _outlook_sendmail_files "$word" ;;
        queue:--config) _outlook_sendmail_files "$word" ;;
        :*) _outlook_sendmail_words 'login help logout status renew test explain doctor broker mailq queue --config --help --version' "$word" ;;
        login:*) _outlook_sendmail_words '--account --client-id --tenant --store --transport --browser --system --config --help' "$word" ;;
        help:*) _outlook_sendmail_words '--help login help logout status renew test explain doctor broker mailq queue' "$word" ;;
        logout:*) _outlook_sendmail_words '--account --system --config --help' "$word" ;;
        status:*) _outlook_sendmail_words '--system --json --config --help' "$word" ;;
        renew:*) _outlook_sendmail_words '--system --config --help' "$word" ;;
        test:*) _outlook_sendmail_words '--account --system --config --help' "$word" ;;
        explain:*) _outlook_sendmail_words '--config --help' "$word" ;;
        doctor:*) _outlook_sendmail_words '--system --config --help' "$word" ;;
        broker:*) _outlook_sendmail_words '--listen --help' "$word" ;;
        mailq:*) _outlook_sendmail_words '--system --config --help' "$word" ;;
        queue:*) _outlook_sendmail_words '--system --duplicate-possible --config --help show retry drop run' "$word" ;;
    esac
}

complete -F _outlook_sendmail outlook-sendmail
