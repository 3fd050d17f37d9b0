//! When a message is tried again, when it is given up, and which failures are worth waiting for.

use std::time::Duration;

use super::entry::{Progress, State, Trouble};
use crate::failure::{Cause, ExitStatus, Failure, Kind, Stage};

/// Minutes until the next attempt, by how many there were; the last one for all that follow.
const MINUTES: [u64; 8] = [1, 2, 5, 10, 20, 40, 60, 60];

/// What only time or Microsoft's account page mends: trying at once makes it worse.
const SLOW: u64 = 4 * 60;

/// How long a message waits before it is given up.
const PATIENCE: Duration = Duration::from_secs(5 * 24 * 3600);

/// Seconds in 1970 at the beginning of 2026: an earlier clock has not been set yet.
const CLOCK_IS_SET: u64 = 1_767_225_600;

/// Whether a failure passes or can be mended without the message being another: it is worth keeping. What the message
/// or its addresses are to blame for is not.
pub(super) fn may_pass(failure: &Failure) -> bool {
    if matches!(failure.cause, Cause::OutboxUnwritable | Cause::OutboxFull) {
        return false;
    }
    // Something the mailbox's owner has to do, as with a sign-in.
    if owner_has_to_act(failure.cause) || failure.cause == Cause::GraphDenied {
        return true;
    }
    let row = failure.cause.row();
    match (failure.stage, row.status) {
        (_, ExitStatus::Temporary) => true,
        // What is written in a configuration, an alias file or the machine's certificates somebody mends.
        (_, ExitStatus::Config) => true,
        (Stage::Credentials, _) => true,
        (Stage::Submission, ExitStatus::Protocol) => true,
        (Stage::Submission, ExitStatus::NoPermission) => matches!(row.enhanced, "5.7.8" | "5.7.139"),
        (
            Stage::Submission,
            ExitStatus::Usage
            | ExitStatus::Data
            | ExitStatus::NoUser
            | ExitStatus::Unavailable
            | ExitStatus::Software
            | ExitStatus::OsError
            | ExitStatus::CannotCreate
            | ExitStatus::PerhapsSent,
        ) => false,
        (Stage::Invocation | Stage::Message | Stage::Account | Stage::Envelope | Stage::Outbox, _) => false,
    }
}

/// Whether a message that is in the outbox already is given up for this. Not for what this machine is to blame for:
/// nobody waits who could be told.
pub(super) fn is_final(failure: &Failure) -> bool {
    let blames_message = match failure.cause.row().status {
        ExitStatus::Usage | ExitStatus::Data | ExitStatus::NoUser => true,
        ExitStatus::Unavailable | ExitStatus::NoPermission => true,
        ExitStatus::Temporary | ExitStatus::Config | ExitStatus::Protocol | ExitStatus::Software => false,
        ExitStatus::OsError | ExitStatus::CannotCreate | ExitStatus::PerhapsSent => false,
    };
    // Those who are left may be few enough next time.
    blames_message && !may_pass(failure) && failure.cause != Cause::TooManyRecipients
}

/// Whether the next message of the same account would fail alike.
pub(super) fn concerns_account(failure: &Failure) -> bool {
    let one_message = matches!(
        failure.cause,
        Cause::RecipientDeferred | Cause::TooManyRecipients | Cause::Deferred | Cause::OutboxUnwritable
    );
    may_pass(failure) && !one_message
}

/// The progress of a message that was tried and not sent.
pub(super) fn after(earlier: &Progress, failure: &Failure, now: u64, chance: u8) -> Progress {
    let attempts = earlier.attempts.saturating_add(1);
    let slow = failure.cause.kind() == Kind::Quota || owner_has_to_act(failure.cause);
    let minutes =
        if slow { SLOW } else { MINUTES.get(attempts as usize - 1).or(MINUTES.last()).copied().unwrap_or(60) };
    Progress {
        state: State::Waiting,
        attempts,
        next: now + spread(minutes * 60, chance),
        trouble: Some(trouble(failure)),
        ..earlier.clone()
    }
}

/// At outlook.com, before Microsoft lets the mailbox send again.
fn owner_has_to_act(cause: Cause) -> bool {
    matches!(cause, Cause::VerificationNeeded | Cause::Suspended | Cause::PoorReputation)
}

/// Up to a fifth more or less, so that machines that failed together do not come back together.
fn spread(seconds: u64, chance: u8) -> u64 {
    seconds * 4 / 5 + seconds * 2 / 5 * u64::from(chance) / 255
}

/// A failure as it is kept.
pub(super) fn trouble(failure: &Failure) -> Trouble {
    let row = failure.cause.row();
    Trouble { status: row.status as u8, dsn: row.enhanced.to_owned(), line: failure.line() }
}

/// Whether it is time to try. A time further off than any we set was set by a clock that was wrong.
pub(super) fn is_due(progress: &Progress, now: u64) -> bool {
    progress.state == State::Waiting && (progress.next <= now || progress.next > now + 2 * SLOW * 60)
}

/// Whether it has waited long enough.
pub(super) fn is_expired(progress: &Progress, now: u64) -> bool {
    progress.state == State::Waiting && progress.since >= CLOCK_IS_SET && now > progress.since + PATIENCE.as_secs()
}

/// Whether its waiting began before the clock was set: it begins when that is done.
pub(super) fn began_without_clock(progress: &Progress, now: u64) -> bool {
    progress.since < CLOCK_IS_SET && now >= CLOCK_IS_SET
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn the_waits_grow_to_an_hour() {
        let failure = Failure::new(Stage::Submission, Cause::Unreachable, "");
        let mut progress = Progress::untried(NOW);
        let mut minutes = Vec::new();
        for _ in 0..9 {
            let next = after(&progress, &failure, NOW, 128);
            minutes.push((next.next - NOW + 30) / 60);
            assert!(!is_due(&next, NOW) && is_due(&next, next.next));
            progress = next;
        }
        assert_eq!(minutes, [1, 2, 5, 10, 20, 40, 60, 60, 60]);
        let quota = Failure::new(Stage::Submission, Cause::QuotaReached, "");
        assert!(after(&progress, &quota, NOW, 0).next >= NOW + 3 * 3600);
        assert_eq!((spread(600, 0), spread(600, 255)), (480, 720));
    }

    #[test]
    fn five_days_are_counted_by_a_clock_that_is_set() {
        let progress = Progress::untried(NOW);
        assert!(!is_expired(&progress, NOW + 5 * 86_400) && is_expired(&progress, NOW + 5 * 86_400 + 1));
        let early = Progress::untried(60);
        assert!(!is_expired(&early, NOW) && began_without_clock(&early, NOW) && !began_without_clock(&early, 90));
        // Set back by years: what was to come in an hour would come in years.
        assert!(is_due(&Progress { next: NOW + 3600, ..Progress::untried(NOW) }, NOW - 100_000_000));
    }

    #[test]
    fn what_the_message_is_to_blame_for_is_not_kept() {
        let passes = |stage, cause| may_pass(&Failure::new(stage, cause, ""));
        for cause in Cause::ALL {
            let status = cause.row().status;
            let ours = matches!(cause, Cause::OutboxUnwritable | Cause::OutboxFull);
            if status == ExitStatus::Temporary && !ours {
                assert!(passes(Stage::Submission, *cause), "{cause:?}");
            }
            if matches!(status, ExitStatus::Data | ExitStatus::NoUser | ExitStatus::PerhapsSent) {
                assert!(!passes(Stage::Submission, *cause), "{cause:?}");
            }
        }
        for cause in [Cause::NoGrant, Cause::GrantRejected, Cause::NoClientId, Cause::KeyringMissing] {
            assert!(passes(Stage::Credentials, cause), "{cause:?}");
        }
        for cause in [Cause::AuthRejected, Cause::SmtpAuthDisabled, Cause::Certificate, Cause::StarttlsMissing] {
            assert!(passes(Stage::Submission, cause), "{cause:?}");
        }
        for (stage, cause) in [
            (Stage::Account, Cause::ConfigSyntax),
            (Stage::Account, Cause::UnknownAccount),
            (Stage::Envelope, Cause::Aliases),
            (Stage::Submission, Cause::TrustAnchors),
        ] {
            assert!(passes(stage, cause), "{cause:?}");
        }
        for (stage, cause) in [
            (Stage::Submission, Cause::SenderDenied),
            (Stage::Submission, Cause::Refused),
            (Stage::Submission, Cause::TooManyRecipients),
            (Stage::Envelope, Cause::ForeignFrom),
            (Stage::Message, Cause::InputUnreadable),
        ] {
            assert!(!passes(stage, cause), "{cause:?}");
        }
        assert!(is_final(&Failure::new(Stage::Submission, Cause::Refused, "")));
        assert!(!is_final(&Failure::new(Stage::Account, Cause::ConfigSyntax, "")));
    }
}
