//! AUTH tried for real: a sign-in the submission server refuses shows now, and not in the middle of the night.

use crate::account::Account;
use crate::credentials::Credential;
use crate::failure::{ExitStatus, Failure};
use crate::report;
use crate::submission::smtp::Smtp;
use crate::world::World;

/// How it went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trial {
    /// The server takes it.
    Passed,
    /// It could not be tried now, and need not: a warning was shown.
    NotNow,
    /// There is no such server.
    NotNeeded,
}

/// Signs in at the submission server and leaves.
///
/// # Errors
/// What the server's refusal means; what may pass by itself is only a warning.
pub(super) fn try_sign_in(world: &World, account: &Account, credential: &Credential) -> Result<Trial, Failure> {
    let times = account.deadlines(world.clock.instant());
    let mut unheard = |_| {};
    let (network, clock) = (&*world.network, &*world.clock);
    match (Smtp { network, clock, account, credential, times, transcript: &mut unheard }).try_sign_in() {
        Ok(()) => {
            world.terminal.out(&format!("Tried it at {}: mail can be sent.\n", account.host));
            Ok(Trial::Passed)
        }
        Err(failure) if failure.exit_status() == ExitStatus::Temporary => {
            report::warn(world, &format!("signed in, but that could not be tried now: {}", failure.line()));
            Ok(Trial::NotNow)
        }
        Err(failure) => Err(account.blamed(failure)),
    }
}
