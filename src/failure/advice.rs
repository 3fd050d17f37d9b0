//! The commands in an advice, as they are given for one account.

/// An advice's commands for the machine's account.
pub fn for_the_system(advice: &str) -> String {
    ["outlook-sendmail login", "outlook-sendmail renew"]
        .iter()
        .fold(advice.to_owned(), |advice, command| advice.replace(command, &format!("{command} --system")))
}

/// An advice's commands with the option that picks this account, where there are several.
pub fn for_account(advice: &str, name: &str) -> String {
    const COMMANDS: [&str; 2] = ["outlook-sendmail login", "outlook-sendmail test"];
    let mut told = String::new();
    let mut rest = advice;
    loop {
        let places = COMMANDS.iter().filter_map(|command| Some(rest.find(command)? + command.len()));
        let Some((before, after)) = places.min().and_then(|end| rest.split_at_checked(end)) else { break };
        told.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix(" --system") {
            told.push_str(" --system");
            rest = after;
        }
        if !rest.starts_with(" --account") {
            told.push_str(&format!(" --account {}", shell_word(name)));
        }
    }
    told + rest
}

/// A word as a shell takes it.
fn shell_word(text: &str) -> String {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.@+".contains(&octet);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Failure, Stage, Whose};

    #[test]
    fn an_advice_picks_the_account_it_is_about() {
        for (advice, told) in [
            ("run: outlook-sendmail login", "run: outlook-sendmail login --account work"),
            ("run outlook-sendmail login again", "run outlook-sendmail login --account work again"),
            ("run: outlook-sendmail login --account NAME", "run: outlook-sendmail login --account NAME"),
            ("run: outlook-sendmail login --store file", "run: outlook-sendmail login --account work --store file"),
            (
                "see: outlook-sendmail login, or outlook-sendmail test",
                "see: outlook-sendmail login --account work, or outlook-sendmail test --account work",
            ),
            ("try again later", "try again later"),
        ] {
            assert_eq!(for_account(advice, "work"), told);
        }
        let login = |name| for_account("outlook-sendmail login", name);
        assert_eq!(login("the other"), "outlook-sendmail login --account 'the other'");
        assert_eq!(login("it's"), r"outlook-sendmail login --account 'it'\''s'");
        assert_eq!(for_account("run: outlook-sendmail renew", "work"), "run: outlook-sendmail renew");
        let failure = Failure::new(Stage::Credentials, Cause::NoGrant, "").of_account("work");
        let line = failure.clone().about(Whose::System).line();
        assert!(line.contains(" (account work) -- ") && line.contains("login --system --account work"), "{line}");
    }
}
