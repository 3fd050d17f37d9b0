//! Who really takes this machine's mail: the programs called `sendmail`, PHP's settings and git's.

use std::path::{Path, PathBuf};

use crate::account::Accounts;
use crate::address::parse_sender;
use crate::commands::doctor::deadline;
use crate::commands::doctor::finding::{Finding, Sheet};
use crate::words::Words;
use crate::world::{Identity, World};

/// Where everything that sends mail looks.
const SENDMAIL: &str = "/usr/sbin/sendmail";

/// Where git looks, before PATH.
const GITS_SENDMAIL: [&str; 2] = [SENDMAIL, "/usr/lib/sendmail"];

const INSTALL: &str = "install outlook-sendmail's package, or make it a link to this program";

/// The one at the usual place, and the one a shell finds when that is another.
pub(super) fn mail_programs(world: &World, sheet: &mut Sheet<'_>) {
    sheet.tell("sendmail", at(world, Path::new(SENDMAIL), SENDMAIL));
    if let Some(found) = world.machine.program_in_path("sendmail").filter(|found| found != Path::new(SENDMAIL)) {
        let same = |path: &Path| world.machine.mail_program(path).map(|program| program.resolved);
        if same(&found) != same(Path::new(SENDMAIL)) {
            sheet.tell("sendmail", at(world, &found, &format!("{}, first in PATH,", found.display())));
        }
    }
}

/// What lies at `path`, which `name` speaks of.
fn at(world: &World, path: &Path, name: &str) -> Finding {
    let install = INSTALL.to_owned();
    let Some(program) = world.machine.mail_program(path) else {
        return Finding::Odd(format!("there is no {name}: cron, PHP and others cannot send mail"), install);
    };
    match program.identity {
        Identity::ThisOne => Finding::Fine(format!("{name} is this program")),
        Identity::AnotherCopy => {
            Finding::Fine(format!("{name} is another copy of this program, {}", program.resolved.display()))
        }
        Identity::Known(product) => {
            Finding::Odd(format!("{name} is {product}: mail goes there, not to Outlook"), install)
        }
        Identity::Unknown => Finding::Odd(format!("{name} is not this program: mail goes elsewhere"), install),
    }
}

fn is_ours(world: &World, path: &Path) -> bool {
    world
        .machine
        .mail_program(path)
        .is_some_and(|program| matches!(program.identity, Identity::ThisOne | Identity::AnotherCopy))
}

/// Every `sendmail_path` that leads elsewhere; nothing without PHP.
pub(super) fn php(world: &World, sheet: &mut Sheet<'_>) {
    let files = world.machine.php_settings();
    if files.is_empty() {
        return;
    }
    let set: Vec<(PathBuf, String)> =
        files.into_iter().filter_map(|(file, text)| Some((file, sendmail_path(&text)?))).collect();
    let mut is_fine = true;
    for (file, command) in &set {
        let program = command.split_ascii_whitespace().next().unwrap_or_default();
        if !is_ours(world, Path::new(program)) {
            is_fine = false;
            let words = Words::from(command.as_str()).short();
            let remedy = match Path::new(program) == Path::new(SENDMAIL) {
                true => INSTALL.to_owned(),
                false => format!("remove sendmail_path from {}, and restart PHP", file.display()),
            };
            sheet.tell("PHP", Finding::Odd(format!("mail() runs {words}"), remedy));
        }
    }
    // Built with the first sendmail that was there then: the usual one.
    if set.is_empty() && !is_ours(world, Path::new(SENDMAIL)) {
        let words = format!("mail() runs {SENDMAIL}, which is not this program");
        sheet.tell("PHP", Finding::Odd(words, INSTALL.to_owned()));
    } else if is_fine {
        let how = if set.is_empty() { "as built, with sendmail -t -i" } else { "this program" };
        sheet.tell("PHP", Finding::Fine(format!("mail() runs {how}")));
    }
}

/// Its name in php.ini, and in a pool of PHP's process manager.
const SENDMAIL_PATH: [&str; 3] = ["sendmail_path", "php_admin_value[sendmail_path]", "php_value[sendmail_path]"];

/// The last value counts, as in PHP; an empty one is none.
fn sendmail_path(text: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| {
        let (key, value) = line.trim_start().split_once('=')?;
        SENDMAIL_PATH.contains(&key.trim_end()).then(|| value.trim())
    });
    let value = lines.next_back()?;
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => value.split(';').next().unwrap_or_default().trim_end(),
    };
    (!value.is_empty()).then(|| value.to_owned())
}

/// How `git send-email` sends; nothing without git.
pub(super) fn git(world: &World, sheet: &mut Sheet<'_>) {
    let setting = |key: &str| world.machine.git_setting(key, deadline(world));
    let (Some(servers), Some(commands)) = (setting("sendemail.smtpserver"), setting("sendemail.sendmailcmd")) else {
        return;
    };
    // sendmailCmd goes before smtpServer, and the last value counts.
    let (key, value) = match (commands.last(), servers.last()) {
        (Some(command), _) => ("sendmailCmd", command),
        (None, Some(server)) => ("smtpServer", server),
        (None, None) => {
            sheet.tell("git", by_default(world));
            git_sender(world, sheet);
            return;
        }
    };
    let program = value.split_ascii_whitespace().next().unwrap_or_default();
    let path = match program.starts_with('/') {
        true => Some(PathBuf::from(program)),
        false if key == "sendmailCmd" => world.machine.program_in_path(program),
        false => None,
    };
    let words = Words::from(value.as_str()).short();
    let is_through_us = path.as_ref().is_some_and(|path| is_ours(world, path));
    let finding = match path {
        Some(path) if is_ours(world, &path) => Finding::Fine(format!("send-email runs this program ({key})")),
        Some(_) => Finding::Odd(format!("send-email runs {words}, by sendemail.{key}"), unset(key)),
        None => Finding::Odd(format!("send-email talks to {words} itself, by sendemail.{key}"), unset(key)),
    };
    sheet.tell("git", finding);
    if is_through_us {
        git_sender(world, sheet);
    }
}

/// Whom `git send-email` writes as. Where that is not the account, From is rewritten, and whoever applies the patch records
/// the account as its author; where it is, git itself puts another author on the first line of the text.
fn git_sender(world: &World, sheet: &mut Sheet<'_>) {
    let setting = |key: &str| world.machine.git_setting(key, deadline(world)).and_then(|mut values| values.pop());
    let Some(written) = setting("sendemail.from").or_else(|| setting("user.email")) else { return };
    let (Ok(accounts), Ok(Some(sender))) = (Accounts::load(world), parse_sender(written.as_bytes())) else { return };
    let (Ok(account), Ok(sender)) = (accounts.for_sender(&[]), sender.to_lettre()) else { return };
    if accounts.owner_of(&sender).is_none() {
        let finding = Finding::Odd(
            format!(
                "send-email writes as {sender}, which is rewritten to {}: authors of patches get lost",
                account.address
            ),
            format!("run: git config --global sendemail.from {}", account.address),
        );
        sheet.tell("git", finding);
    }
}

/// The first sendmail of those git knows, else a server on this machine.
fn by_default(world: &World) -> Finding {
    let known = GITS_SENDMAIL.iter().map(PathBuf::from).find(|path| world.machine.mail_program(path).is_some());
    match known.or_else(|| world.machine.program_in_path("sendmail")) {
        Some(path) if is_ours(world, &path) => Finding::Fine("send-email runs sendmail, this program".to_owned()),
        Some(path) => {
            let words = format!("send-email runs {}, which is not this program", path.display());
            Finding::Odd(words, INSTALL.to_owned())
        }
        None => Finding::Odd("send-email finds no sendmail, and talks to localhost".to_owned(), INSTALL.to_owned()),
    }
}

fn unset(key: &str) -> String {
    format!("to send through this program, run: git config --global --unset-all sendemail.{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn php_settings_are_read_as_php_does() {
        let found = |text: &str| sendmail_path(text);
        assert_eq!(found("; sendmail_path = \"/x\"\n;sendmail_path =\nsendmail_path =\n"), None);
        assert_eq!(
            found("[mail function]\nsendmail_path = \"/usr/bin/msmtp -t; -i\"\n").as_deref(),
            Some("/usr/bin/msmtp -t; -i")
        );
        assert_eq!(found("sendmail_path=/a -t\n sendmail_path = /b ; why\n").as_deref(), Some("/b"));
        let pool = "[www]\nuser = www-data\nphp_admin_value[sendmail_path] = /usr/bin/msmtp -t\n";
        assert_eq!(found(pool).as_deref(), Some("/usr/bin/msmtp -t"));
        assert_eq!(
            found("php_value[sendmail_path] = /x\n;php_admin_value[sendmail_path] = /y\n").as_deref(),
            Some("/x")
        );
    }
}
