//! What became of a mailbox's messages and renewals lately, in small records that one run leaves for the next.
//!
//! Each fact has a record of its own, replaced whole: parallel runs need no lock, the last writer wins, and a failure
//! never takes the last success away.

use lettre::Address;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::{Cause, ExitStatus, Failure};
use crate::memory::record;
use crate::moments::unix_seconds;
use crate::outcome::Taken;
use crate::words::Words;
use crate::world::World;

/// As much of a failure's line as is ever shown, in characters.
const LONGEST_LINE: usize = 1000;

/// A failure that took down what was said about it. Its words may name recipients; the folder is the user's own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PastFailure {
    /// When, in Unix seconds.
    pub at: u64,
    /// The exit status.
    pub status: u8,
    /// The enhanced status (RFC 3463).
    pub dsn: String,
    /// The line a person was shown.
    pub line: String,
    /// Whether every message would fail so, not only this one.
    #[serde(default)]
    pub blocks: bool,
}

/// What Outlook says about the mailbox, and not about the message.
const BLOCKING: &[Cause] = &[
    Cause::AuthRejected,
    Cause::SignInRefused,
    Cause::PasswordDead,
    Cause::PolicyRefused,
    Cause::SmtpAuthDisabled,
    Cause::VerificationNeeded,
    Cause::Suspended,
    Cause::MailboxFull,
];

impl PastFailure {
    /// Leaves of what was said what we always say of such a failure.
    pub fn keep_sentence(&mut self) {
        let end = [": ", " -- "].iter().filter_map(|mark| self.line.find(mark)).min();
        self.line.truncate(end.unwrap_or(self.line.len()));
    }

    fn new(world: &World, failure: &Failure) -> Self {
        let row = failure.cause.row();
        let failure = failure.clone().about(world.places.whose());
        Self {
            at: unix_seconds(world.clock.now()),
            status: row.status as u8,
            dsn: row.enhanced.to_owned(),
            line: failure.line(),
            blocks: BLOCKING.contains(&failure.cause),
        }
    }

    /// As read from a file, which may hold anything.
    fn cleaned(self) -> Self {
        let clean = |text: &str| Words::from(text).whole().chars().take(LONGEST_LINE).collect();
        Self { dsn: clean(&self.dsn), line: clean(&self.line), ..self }
    }
}

/// A success.
#[derive(Serialize, Deserialize)]
struct PastSuccess {
    at: u64,
}

/// What is known about one mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    /// The last message that Outlook took, in Unix seconds.
    pub sent: Option<u64>,
    /// The last message that failed.
    pub failed: Option<PastFailure>,
    /// The last renewal, in Unix seconds.
    pub renewed: Option<u64>,
    /// Why it cannot be renewed, since the last renewal that worked.
    pub unrenewed: Option<PastFailure>,
}

/// The records of a mailbox.
#[derive(Clone, Copy)]
enum Record {
    Sent,
    Failed,
    Renewed,
    Unrenewed,
    /// A failed renewal nobody has been told about.
    Untold,
}

impl Record {
    const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Renewed => "renewed",
            Self::Unrenewed => "unrenewed",
            Self::Untold => "untold",
        }
    }

    /// Named for the mailbox, as its grant is: several configurations may call theirs `me`.
    fn name(self, mailbox: &Address) -> String {
        format!("history:{}:{}", mailbox.to_string().to_ascii_lowercase(), self.word())
    }

    fn read<T: DeserializeOwned>(self, world: &World, mailbox: &Address) -> Option<T> {
        record::read(world, &self.name(mailbox))
    }

    fn write(self, world: &World, mailbox: &Address, fact: &impl Serialize) {
        record::write(world, &self.name(mailbox), fact);
    }

    fn succeeded(self, world: &World, mailbox: &Address) {
        self.write(world, mailbox, &PastSuccess { at: unix_seconds(world.clock.now()) });
    }

    fn remove(self, world: &World, mailbox: &Address) {
        world.state.remove(&self.name(mailbox));
    }
}

impl History {
    /// What the records say.
    pub fn read(world: &World, mailbox: &Address) -> Self {
        let success = |record: Record| record.read::<PastSuccess>(world, mailbox).map(|success| success.at);
        let failure = |record: Record| record.read(world, mailbox).map(PastFailure::cleaned);
        Self {
            sent: success(Record::Sent),
            failed: failure(Record::Failed),
            renewed: success(Record::Renewed),
            unrenewed: failure(Record::Unrenewed),
        }
    }
}

/// Takes down what became of a message.
pub fn message(world: &World, mailbox: &Address, verdict: Result<&Taken, &Failure>) {
    match verdict {
        Ok(Taken::Sent(_)) => Record::Sent.succeeded(world, mailbox),
        Ok(Taken::Kept { why: failure, .. }) | Err(failure) => {
            Record::Failed.write(world, mailbox, &PastFailure::new(world, failure))
        }
    }
}

/// The sign-in works: a renewal, or somebody signed in.
pub fn renewed(world: &World, mailbox: &Address) {
    Record::Renewed.succeeded(world, mailbox);
    Record::Unrenewed.remove(world, mailbox);
    Record::Untold.remove(world, mailbox);
}

/// The endpoint refused a renewal. What passes by itself is no news.
pub fn refused(world: &World, mailbox: &Address, failure: &Failure) {
    if failure.exit_status() != ExitStatus::Temporary {
        Record::Unrenewed.write(world, mailbox, &PastFailure::new(world, failure));
    }
}

/// A timer's renewal failed, and nobody was there to see it.
pub fn failed_unseen(world: &World, mailbox: &Address, failure: &Failure) {
    let past = PastFailure::new(world, failure);
    Record::Unrenewed.write(world, mailbox, &past);
    Record::Untold.write(world, mailbox, &past);
}

/// The failed renewal nobody has been told about, which is told by asking.
pub fn untold(world: &World, mailbox: &Address) -> Option<PastFailure> {
    let told = Record::Untold.read(world, mailbox).map(PastFailure::cleaned);
    if told.is_some() {
        Record::Untold.remove(world, mailbox);
    }
    told
}

/// Somebody signed out: nothing is left to renew.
pub fn signed_out(world: &World, mailbox: &Address) {
    for record in [Record::Renewed, Record::Unrenewed, Record::Untold] {
        record.remove(world, mailbox);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::failure::Stage;
    use crate::fake_world::{Fakes, START, account};
    use crate::outcome::Receipt;

    fn failure(cause: Cause, words: &str) -> Failure {
        Failure::new(Stage::Submission, cause, words)
    }

    #[test]
    fn a_failure_does_not_take_the_last_success_away() {
        let fakes = Fakes::default();
        let (world, mailbox) = (fakes.world(), account().address);
        assert_eq!(History::read(&world, &mailbox), History::default());
        message(&world, &mailbox, Ok(&Taken::Sent(Receipt::new("2.0.0 OK".into()))));
        world.clock.sleep(Duration::from_secs(60));
        message(&world, &mailbox, Err(&failure(Cause::Refused, "554 no\r\nway")));
        let history = History::read(&world, &mailbox);
        assert_eq!(history.sent, Some(START));
        let failed = history.failed.unwrap();
        assert_eq!((failed.at, failed.status, failed.dsn.as_str()), (START + 60, 69, "5.0.0"));
        assert_eq!(failed.line, "Outlook refuses: 554 no way -- nothing was sent");
    }

    #[test]
    fn a_failed_renewal_is_told_once_and_a_good_one_clears_it() {
        let fakes = Fakes::default();
        let (world, mailbox) = (fakes.world(), account().address);
        refused(&world, &mailbox, &failure(Cause::TokenUnavailable, ""));
        assert_eq!(History::read(&world, &mailbox).unrenewed, None, "passes by itself");
        refused(&world, &mailbox, &failure(Cause::GrantRejected, ""));
        assert_eq!(untold(&world, &mailbox), None, "whoever sent the message was told");
        failed_unseen(&world, &mailbox, &failure(Cause::GrantRejected, "AADSTS70000"));
        assert!(untold(&world, &mailbox).unwrap().line.contains("AADSTS70000"));
        assert_eq!(untold(&world, &mailbox), None);
        assert_eq!(History::read(&world, &mailbox).unrenewed.unwrap().status, 77);
        failed_unseen(&world, &mailbox, &failure(Cause::GrantRejected, ""));
        renewed(&world, &mailbox);
        assert_eq!((untold(&world, &mailbox), History::read(&world, &mailbox).unrenewed), (None, None));
        assert_eq!(History::read(&world, &mailbox).renewed, Some(START));
    }

    #[test]
    fn a_spoiled_record_counts_as_none() {
        let fakes = Fakes::default();
        let (world, mailbox) = (fakes.world(), account().address);
        let failed = "history:me@outlook.com:failed";
        let whole = |line: &str| format!(r#"{{"at":1,"status":77,"dsn":"5.7.8","line":"{line}"}}"#);
        for spoiled in ["", "{", "\0\0\0", "[1]", r#"{"at":-1,"status":700}"#] {
            world.state.replace(failed, spoiled.as_bytes());
            assert_eq!(History::read(&world, &mailbox).failed, None, "{spoiled:.40}");
        }
        world.state.replace(failed, whole(&format!("a\\u001b[2Jb\\n{}", "x".repeat(5000))).as_bytes());
        let read = History::read(&world, &mailbox).failed.unwrap();
        assert!(read.line.starts_with("a [2Jb x") && read.line.len() == LONGEST_LINE, "{}", read.line);
    }
}
