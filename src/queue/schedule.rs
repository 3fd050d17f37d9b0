//! When a message is tried again, when it is given up, and which failures are worth waiting for.

use std::time::Duration;

use super::entry::{Progress, State};
use crate::failure::{Blame, ExitStatus, Failure, Kind, Row, Stage};

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
    let Row { kind, status, .. } = failure.cause.row();
    match (failure.stage, status) {
        // What the queue cannot do is not mended by waiting in it.
        (Stage::Outbox, _) => false,
        // What is written in a configuration, an alias file or the machine's certificates somebody mends.
        (_, ExitStatus::Config) => true,
        (Stage::Credentials | Stage::Submission, _) => kind.passes() || kind.can_be_mended(),
        // Before it is known which account sends it, there is nothing to wait for.
        (Stage::Invocation | Stage::Message | Stage::Account | Stage::Envelope, _) => kind.passes(),
    }
}

/// Whether a message that is in the queue already is given up for this. Not for what somebody can mend, nor for what
/// this machine is to blame for: nobody waits who could be told.
pub(super) fn is_final(failure: &Failure) -> bool {
    let row = failure.cause.row();
    row.kind == Kind::Permanent && row.blame != Blame::Machine
}

/// Whether the next message of the same account would fail alike.
pub(super) fn concerns_account(failure: &Failure) -> bool {
    may_pass(failure) && failure.cause.row().blame != Blame::Message
}

/// The progress of a message that was tried and not sent.
pub(super) fn after(earlier: &Progress, failure: &Failure, now: u64, chance: u8) -> Progress {
    let attempts = earlier.attempts.saturating_add(1);
    let minutes = if failure.cause.kind().takes_hours() {
        SLOW
    } else {
        MINUTES.get(attempts as usize - 1).or(MINUTES.last()).copied().unwrap_or(60)
    };
    Progress {
        state: State::Waiting,
        attempts,
        next: now + spread(minutes * 60, chance),
        trouble: Some(failure.clone()),
        ..earlier.clone()
    }
}

/// Up to a fifth more or less, so that machines that failed together do not come back together.
fn spread(seconds: u64, chance: u8) -> u64 {
    seconds * 4 / 5 + seconds * 2 / 5 * u64::from(chance) / 255
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
    use crate::failure::Cause;

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
    fn a_message_waits_for_what_passes_or_can_be_mended() {
        for cause in Cause::ALL {
            let row = cause.row();
            let at = |stage| may_pass(&Failure::new(stage, *cause, ""));
            let is_ours = matches!(row.status, ExitStatus::Config | ExitStatus::Protocol);
            let without_account = matches!(row.status, ExitStatus::Temporary | ExitStatus::Config);
            assert_eq!(at(Stage::Account), without_account, "{cause:?}");
            if row.status == ExitStatus::Temporary || is_ours || row.enhanced == "5.7.8" {
                assert!(at(Stage::Credentials) && at(Stage::Submission), "{cause:?}");
            }
            if matches!(row.status, ExitStatus::Data | ExitStatus::NoUser | ExitStatus::PerhapsSent) {
                assert!(!at(Stage::Submission), "{cause:?}");
            }
            assert!(!at(Stage::Outbox), "{cause:?}");
        }
        let passes = |stage, cause| may_pass(&Failure::new(stage, cause, ""));
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
    }

    #[test]
    fn what_waits_is_never_given_up_and_holds_up_others_only_where_they_would_fail_alike() {
        for cause in Cause::ALL {
            let failure = Failure::new(Stage::Submission, *cause, "");
            assert!(!(may_pass(&failure) && is_final(&failure)), "{cause:?}");
            assert!(!concerns_account(&failure) || may_pass(&failure), "{cause:?}");
        }
        let concerns = |cause| concerns_account(&Failure::new(Stage::Submission, cause, ""));
        assert!(concerns(Cause::Unreachable) && concerns(Cause::Suspended) && concerns(Cause::QuotaReached));
        assert!(!concerns(Cause::RecipientDeferred) && !concerns(Cause::Deferred));
        let ends = |cause| is_final(&Failure::new(Stage::Submission, cause, ""));
        assert!(ends(Cause::Refused) && ends(Cause::SenderDenied) && ends(Cause::Throttled));
        assert!(!ends(Cause::TooManyRecipients) && !ends(Cause::ConfigSyntax) && !ends(Cause::InputUnreadable));
    }

    #[test]
    fn what_the_owner_has_to_do_at_the_provider_is_not_asked_for_every_minute() {
        for cause in [Cause::VerificationNeeded, Cause::Suspended, Cause::PoorReputation, Cause::MailboxFull] {
            let next = after(&Progress::untried(NOW), &Failure::new(Stage::Submission, cause, ""), NOW, 0).next;
            assert!(next >= NOW + 3 * 3600, "{cause:?}");
        }
    }
}
