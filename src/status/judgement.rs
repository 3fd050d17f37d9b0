//! Whether an account is fine, and if not, why and how bad that is.

use super::text::{MAILQ, outbox_words};
use super::{SignIn, State};
use crate::account::Account;
use crate::failure::Wording;
use crate::failure::{Cause, ExitStatus, Failure, Stage};
use crate::memory::history::{History, PastFailure};
use crate::moments::{self, DAY};
use crate::queue::Tally;

/// With so few days left a renewal every week has been missed, and nobody should wait for the next.
const SHORT: u64 = 14;

/// A message that has waited for so many seconds has seen more than a passing trouble.
const LONG: u64 = 3600;

/// When a grant lapses if nobody uses it, in Unix seconds; `None` when that is not known. A moment that is yet to come
/// was written by a clock that has been set back since, and counts as now.
pub(super) fn lapses_at(account: &Account, signed_in_at: u64, renewed_at: u64, now: u64) -> Option<u64> {
    let used = signed_in_at.max(renewed_at);
    let life = account.provider.unused_days?.checked_mul(DAY)?;
    (used > 0).then(|| used.min(now).saturating_add(life))
}

/// What is wrong, if anything: what keeps all mail from going comes before what will.
pub(super) fn judge(sign_in: &Result<SignIn, Failure>, history: &History, now: u64) -> (State, Option<Failure>) {
    let times = match sign_in {
        Err(failure) => {
            let state = if failure.cause == Cause::NoGrant { State::SignInNeeded } else { State::StoreAway };
            return (state, Some(failure.clone()));
        }
        Ok(SignIn::Password) => None,
        Ok(SignIn::Grant(times)) => Some(times),
    };
    if let Some(PastFailure { failure, .. }) = &history.unrenewed {
        let is_sign_in = failure.exit_status() == ExitStatus::NoPermission;
        let state = if is_sign_in { State::SignInNeeded } else { State::RenewalFails };
        return (state, Some(failure.clone()));
    }
    // A grant's renewal proves nothing about the mailbox; with a password there is none, only somebody signing in.
    let signed_in_at = times.map_or(history.renewed, |times| Some(times.signed_in_at));
    let settled = history.sent.max(signed_in_at);
    if let Some(failure) = history.failed.as_ref().filter(|failure| blocks(failure, settled, now)) {
        return (State::Blocked, Some(failure.failure.clone()));
    }
    match times.and_then(|times| times.lapses_at) {
        Some(lapses_at) if lapses_at <= now => {
            let words = format!("{} too late", moments::count((now - lapses_at) / DAY, "day"));
            (State::SignInNeeded, Some(problem(Cause::GrantLapsed, words)))
        }
        Some(lapses_at) if lapses_at - now < SHORT * DAY => {
            let words = format!("{} left", moments::count((lapses_at - now).div_ceil(DAY), "day"));
            (State::LapsesSoon, Some(problem(Cause::GrantLapsing, words)))
        }
        Some(_) | None => (State::SignedIn, None),
    }
}

/// What is wrong with the queue, if anything: what nobody tries again any more comes before what takes long.
pub(super) fn judge_queue(tally: &Tally, now: u64) -> Option<(State, Failure)> {
    let gone = tally.failed + tally.perhaps_sent;
    if gone > 0 {
        let words = outbox_words([0, tally.failed, tally.perhaps_sent]);
        let words = words.strip_suffix(MAILQ).unwrap_or(&words);
        let advice = "see mailq, then: outlook-sendmail queue retry ID, or queue drop ID";
        return Some((State::MailFailed, queue_problem(Cause::QueueFailed, words.to_owned(), advice)));
    }
    let waits = |words, advice| Some((State::MailWaits, queue_problem(Cause::QueueWaits, words, advice)));
    let count = moments::count(tally.waiting as u64, "message");
    if tally.waiting > 0 && tally.oldest.is_some() && tally.runner.is_none() {
        return waits(
            format!("{count} in the queue, and nothing on this machine tries again by itself"),
            "run: outlook-sendmail queue run; \
             for always: systemctl --user enable --now outlook-sendmail-queue.timer, or cron",
        );
    }
    let age = tally.oldest.map(|oldest| now.saturating_sub(oldest)).filter(|age| *age > LONG)?;
    let hours = moments::count(age / 3600, "hour");
    waits(format!("{count} in the queue, the oldest for {hours}"), "mailq shows what stands in the way")
}

fn queue_problem(cause: Cause, sentence: String, advice: &'static str) -> Failure {
    let wording = Some(Wording { sentence: sentence.into(), advice: advice.into() });
    Failure { wording, ..Failure::new(Stage::Outbox, cause, "") }
}

/// Whether mail has not worked since. What a clock that was set back has written decides nothing.
fn blocks(failure: &PastFailure, settled: Option<u64>, now: u64) -> bool {
    failure.is_about_mailbox() && failure.at <= now && settled.is_none_or(|settled| settled < failure.at)
}

fn problem(cause: Cause, words: String) -> Failure {
    Failure::new(Stage::Credentials, cause, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_world::account;
    use crate::status::GrantTimes;
    use crate::world::QueueRunner;

    const NOW: u64 = 1_800_000_000;

    fn used(days_ago: u64) -> Result<SignIn, Failure> {
        let renewed_at = NOW - days_ago * DAY;
        let lapses_at = lapses_at(&account(), 1_700_000_000, renewed_at, NOW);
        Ok(SignIn::Grant(GrantTimes { signed_in_at: 1_700_000_000, renewed_at, lapses_at }))
    }

    fn past(at: u64, cause: Cause) -> Option<PastFailure> {
        Some(PastFailure { at, failure: Failure::new(Stage::Submission, cause, "no") })
    }

    fn outcome(sign_in: &Result<SignIn, Failure>, history: &History) -> (State, u8) {
        let (state, problem) = judge(sign_in, history, NOW);
        (state, problem.map_or(0, |problem| problem.exit_status() as u8))
    }

    #[test]
    fn a_grant_lapses_after_90_days_and_is_missed_two_weeks_before() {
        let none = History::default();
        assert_eq!(outcome(&used(0), &none), (State::SignedIn, 0));
        assert_eq!(outcome(&used(76), &none), (State::SignedIn, 0));
        assert_eq!(outcome(&used(77), &none), (State::LapsesSoon, 75));
        assert_eq!(outcome(&used(89), &none), (State::LapsesSoon, 75));
        assert_eq!(outcome(&used(90), &none), (State::SignInNeeded, 77));
        assert!(judge(&used(89), &none, NOW).1.unwrap().line().contains(": 1 day left -- run: outlook-sendmail renew"));
    }

    #[test]
    fn a_clock_set_back_makes_no_grant_last_longer() {
        let last = Some(NOW + 90 * DAY);
        assert_eq!(lapses_at(&account(), 5, NOW + 1000 * DAY, NOW), last);
        assert_eq!(lapses_at(&account(), u64::MAX, 0, NOW), last);
        assert_eq!(lapses_at(&account(), 0, 0, NOW), None);
    }

    #[test]
    fn what_the_store_says_comes_first() {
        for (cause, expected) in [
            (Cause::NoGrant, (State::SignInNeeded, 77)),
            (Cause::KeyringLocked, (State::StoreAway, 75)),
            (Cause::KeyringMissing, (State::StoreAway, 78)),
            (Cause::KeyringHung, (State::StoreAway, 75)),
            (Cause::SecretExposed, (State::StoreAway, 78)),
        ] {
            let away = Err(Failure::new(Stage::Credentials, cause, ""));
            let history = History { unrenewed: past(NOW, Cause::TokenNonsense), ..History::default() };
            assert_eq!(outcome(&away, &history), expected);
        }
    }

    #[test]
    fn a_renewal_that_fails_is_a_problem_until_one_works() {
        let failing = |cause| History { unrenewed: past(NOW - 1, cause), ..History::default() };
        assert_eq!(outcome(&used(1), &failing(Cause::GrantRejected)), (State::SignInNeeded, 77));
        assert_eq!(outcome(&used(1), &failing(Cause::ClientRejected)), (State::RenewalFails, 78));
        assert_eq!(outcome(&used(1), &failing(Cause::RenewalOverdue)), (State::RenewalFails, 69));
    }

    #[test]
    fn a_message_that_failed_is_a_problem_when_all_would() {
        let failed = |at: u64, blocks| {
            let cause = if blocks { Cause::Suspended } else { Cause::SenderDenied };
            History { failed: past(at, cause), ..History::default() }
        };
        assert_eq!(outcome(&used(1), &failed(NOW - 9, true)), (State::Blocked, 77));
        assert_eq!(outcome(&used(1), &failed(NOW - 9, false)), (State::SignedIn, 0));
        assert_eq!(outcome(&used(1), &failed(NOW + 9, true)), (State::SignedIn, 0), "from the future");
        assert_eq!(outcome(&used(1), &failed(1_600_000_000, true)), (State::SignedIn, 0), "signed in since");
        let sent = |at: u64| History { sent: Some(at), ..failed(NOW - 9, true) };
        assert_eq!(outcome(&used(1), &sent(NOW - 8)), (State::SignedIn, 0));
        assert_eq!(outcome(&used(1), &sent(NOW - 10)), (State::Blocked, 77));
        let renewed = History { renewed: Some(NOW), ..failed(NOW - 9, true) };
        assert_eq!(outcome(&used(1), &renewed), (State::Blocked, 77));
        assert_eq!(outcome(&Ok(SignIn::Password), &renewed), (State::SignedIn, 0));
        assert_eq!(outcome(&Ok(SignIn::Password), &failed(NOW - 9, true)), (State::Blocked, 77));
    }

    #[test]
    fn a_queue_is_a_problem_when_mail_failed_waits_long_or_has_nobody_who_tries() {
        let told = |tally: Tally| judge_queue(&tally, NOW).map(|(state, problem)| (state, problem.exit_status() as u8));
        let runner = Some(QueueRunner::Timer);
        let waiting = |seconds: u64| Tally { waiting: 2, oldest: Some(NOW - seconds), runner, ..Tally::default() };
        assert_eq!(told(Tally::default()), None);
        assert_eq!(told(waiting(3600)), None);
        assert_eq!(told(waiting(3601)), Some((State::MailWaits, 75)));
        assert_eq!(told(Tally { runner: None, ..waiting(1) }), Some((State::MailWaits, 75)));
        assert_eq!(told(Tally { failed: 1, ..waiting(1) }), Some((State::MailFailed, 69)));
        assert_eq!(told(Tally { perhaps_sent: 1, ..Tally::default() }), Some((State::MailFailed, 69)));
        let line = |tally| judge_queue(&tally, NOW).unwrap().1.line();
        assert!(line(waiting(7200)).starts_with("2 messages in the queue, the oldest for 2 hours -- "));
        assert!(line(Tally { failed: 2, ..Tally::default() }).starts_with("2 have failed -- see mailq"));
    }
}
