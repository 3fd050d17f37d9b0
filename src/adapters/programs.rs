//! Whose a mail program is: ours, or whose name or text gives it away.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use memchr::memmem;

use crate::world::{Identity, MailProgram};

/// This process's own file.
const OURSELVES: &str = "/proc/self/exe";

/// How much of a program is read for names.
const LONGEST: u64 = 16 * 1024 * 1024;

/// By what the file is called, links followed.
const BY_NAME: &[(&str, &str)] = &[
    ("exim", "Exim"),
    ("msmtp", "msmtp"),
    ("esmtp", "esmtp"),
    ("ssmtp", "sSMTP"),
    ("nullmailer", "nullmailer"),
    ("smtpctl", "OpenSMTPD"),
    ("dma", "DragonFly Mail Agent"),
    ("busybox", "BusyBox"),
    ("qmail", "qmail"),
    ("courier", "Courier"),
];

/// By a word only their files hold, for those that are called `sendmail`.
const BY_TEXT: &[(&str, &str)] = &[
    ("postdrop", "Postfix"),
    ("nullmailer", "nullmailer"),
    ("qmail-inject", "qmail"),
    ("exim", "Exim"),
    ("sendmail.cf", "Sendmail"),
    ("#!/", "a script"),
];

/// What lies behind a path; `None` when there is no file.
pub(super) fn mail_program(path: &Path) -> Option<MailProgram> {
    let resolved = fs::canonicalize(path).ok()?;
    let same_file = match (fs::metadata(&resolved), fs::metadata(OURSELVES)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    };
    let identity = if same_file { Identity::ThisOne } else { identify(&resolved) };
    Some(MailProgram { resolved, identity })
}

fn identify(resolved: &Path) -> Identity {
    let name = resolved.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let mut content = Vec::new();
    let _ = File::open(resolved).and_then(|file| file.take(LONGEST).read_to_end(&mut content));
    // What our own help text says.
    let ours = concat!("outlook-", "sendmail [--config FILE] -flags");
    if memmem::find(&content, ours.as_bytes()).is_some() {
        return Identity::AnotherCopy;
    }
    let by_name = BY_NAME.iter().find(|(part, _)| name.starts_with(part));
    let by_text = || BY_TEXT.iter().find(|(word, _)| memmem::find(&content, word.as_bytes()).is_some());
    by_name.or_else(by_text).map_or(Identity::Unknown, |(_, product)| Identity::Known(product))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_name_and_by_text() {
        let folder = tempfile::tempdir().unwrap();
        let identity = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            mail_program(&path).unwrap().identity
        };
        assert_eq!(identity("exim4", ""), Identity::Known("Exim"));
        assert_eq!(identity("msmtp-mta", ""), Identity::Known("msmtp"));
        assert_eq!(identity("sendmail", "\0postdrop\0"), Identity::Known("Postfix"));
        assert_eq!(identity("sendmail", "/etc/mail/sendmail.cf"), Identity::Known("Sendmail"));
        assert_eq!(identity("sendmail", "#!/bin/sh\n"), Identity::Known("a script"));
        assert_eq!(identity("sendmail", "?"), Identity::Unknown);
        assert_eq!(mail_program(Path::new(OURSELVES)).unwrap().identity, Identity::ThisOne);
        assert_eq!(mail_program(&folder.path().join("nothing")), None);
    }
}
