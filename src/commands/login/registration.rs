//! The client id to sign in under: the one there is, else a person is shown how to register one.

use crate::account::Account;
use crate::commands::columns::wrapped;
use crate::credentials::{self, Grant};
use crate::failure::{Cause, Failure};
use crate::world::World;

use super::answers;

/// How a client id is registered with Microsoft, for the manual and for whoever has none.
pub const REGISTRATION_STEPS: &[&str] = &[
    "Sign in at https://entra.microsoft.com with an account that has a directory: a work or school account, or a free \
     Azure sign-up, which asks for a card. A personal account alone has none any more.",
    "Under \"App registrations\" choose \"New registration\". Supported account types: personal Microsoft accounts \
     only, or any directory and personal accounts.",
    "Under \"Authentication\" add the platform \"Mobile and desktop applications\" with the redirect URI \
     http://localhost (login --browser needs it), and set \"Allow public client flows\" to \"Yes\".",
    "Under \"API permissions\" add the delegated permissions SMTP.Send, Mail.Send and offline_access of Microsoft Graph.",
    "Copy the \"Application (client) ID\".",
];

/// The usual width of text for people.
const COLUMNS: usize = 76;

/// The registration to sign in under.
pub(super) fn client_id(world: &World, account: &Account, previous: Option<&Grant>) -> Result<String, Failure> {
    match credentials::client_id(account, previous) {
        Err(missing) if missing.cause == Cause::NoClientId && world.input.is_terminal() => {
            world.terminal.out(&instructions());
            let otherwise = "That is no client id; one looks like 11111111-2222-3333-4444-555555555555.\n";
            answers(world, "Paste it here: ", otherwise, guid).ok_or(missing)
        }
        outcome => outcome,
    }
}

fn instructions() -> String {
    let mut text = String::from(
        "Microsoft lets a program sign in only under a registered client id, and none is\n\
         configured. To register one, which serves any number of mailboxes and machines:\n\n",
    );
    for (number, step) in (1..).zip(REGISTRATION_STEPS) {
        text.push_str(&wrapped(step, &format!(" {number}. "), "    ", COLUMNS));
    }
    text.push('\n');
    text
}

/// Eight, four, four, four and twelve hexadecimal digits, in lower case.
fn guid(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = groups.iter().all(|group| group.bytes().all(|octet| octet.is_ascii_hexdigit()));
    (lengths == [8, 4, 4, 4, 12] && digits).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_a_guid() {
        let id = "11111111-2222-3333-aaaa-BBBBBBBBBBBB";
        assert_eq!(guid(id).as_deref(), Some("11111111-2222-3333-aaaa-bbbbbbbbbbbb"));
        for nonsense in [
            "",
            "1",
            "11111111-2222-3333-4444-55555555555",
            "11111111222233334444555555555555",
            "x1111111-2222-3333-4444-555555555555",
        ] {
            assert_eq!(guid(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_readme_has_the_same_steps() {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let readme = words(include_str!("../../../README.md"));
        for (number, step) in (1..).zip(REGISTRATION_STEPS) {
            assert!(readme.contains(&format!(" {number}. {step}")), "{step}");
        }
    }

    #[test]
    fn the_steps_fit_the_screen() {
        let text = instructions();
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(text.contains("\n 1. Sign in at https://entra.microsoft.com") && text.contains("\n 5. Copy"), "{text}");
    }
}
