//! Whether a failure passes, and what has to happen first: what another attempt at the same message goes by.

use super::Cause;

/// What becomes of a failure with time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It passes by itself: the same message may go in seconds or minutes.
    Temporary,
    /// It passes by itself in hours, and every earlier attempt prolongs it.
    Quota,
    /// Nothing is wrong with the message; somebody has to do what the advice says first.
    HumanNeeded,
    /// The same message fails again, or trying again does harm: it was perhaps sent, or the mailbox is being punished.
    Permanent,
}

impl Cause {
    /// Its kind.
    pub const fn kind(self) -> Kind {
        match self {
            Self::BrokerAway
            | Self::BrokerBusy
            | Self::BrokerLost
            | Self::GrantLapsing
            | Self::TokenUnavailable
            | Self::KeyringLocked
            | Self::KeyringHung
            | Self::NameUnresolved
            | Self::Unreachable
            | Self::ConnectionLost
            | Self::TimedOut
            | Self::Interrupted
            | Self::RecipientDeferred
            | Self::TooManyAtOnce
            | Self::Deferred
            | Self::OutboxUnwritable
            | Self::OutboxFull
            | Self::WaitsInOrder
            | Self::QueueWaits
            | Self::MessageBusy => Kind::Temporary,
            Self::QuotaReached => Kind::Quota,
            Self::SpoolUnwritable
            | Self::RequestNonsense
            | Self::BrokerForbidden
            | Self::BrokerNoUnixSockets
            | Self::NotAllowed
            | Self::RootOnly
            | Self::CannotListen
            | Self::NoAccount
            | Self::SystemAccount
            | Self::UnknownAccount
            | Self::ConfigSyntax
            | Self::ConfigUnreadable
            | Self::UnsafeFile
            | Self::Aliases
            | Self::Unsupported
            | Self::NoGrant
            | Self::NoClientId
            | Self::GrantRejected
            | Self::GrantLapsed
            | Self::RenewalOverdue
            | Self::ClientRejected
            | Self::ScopeRejected
            | Self::SignInDeclined
            | Self::CodeRanOut
            | Self::DeviceCodeBlocked
            | Self::LoopbackUnavailable
            | Self::AddressUntold
            | Self::TokenNonsense
            | Self::TokenCertificate
            | Self::KeyringMissing
            | Self::SecretExposed
            | Self::SecretUnreadable
            | Self::SecretUnwritable
            | Self::StarttlsMissing
            | Self::StarttlsInjected
            | Self::Certificate
            | Self::TrustAnchors
            | Self::TlsFailed
            | Self::ReplyNonsense
            | Self::MechanismMissing
            | Self::HeloRefused
            | Self::AuthRejected
            | Self::SignInRefused
            | Self::PasswordRejected
            | Self::PasswordDead
            | Self::PolicyRefused
            | Self::SmtpAuthDisabled
            | Self::GraphDenied
            | Self::NoGraphMailbox
            | Self::GraphNonsense
            | Self::VerificationNeeded
            | Self::Suspended
            | Self::PoorReputation
            | Self::MailboxFull => Kind::HumanNeeded,
            Self::UnknownOption
            | Self::MissingValue
            | Self::BadValue
            | Self::RefusedMode
            | Self::NoSocket
            | Self::UnknownCommand
            | Self::NoRecipients
            | Self::AddressSyntax
            | Self::AddressControl
            | Self::MessageTooLarge
            | Self::HeaderTooLarge
            | Self::HeaderReturn
            | Self::CannotConvert
            | Self::NotForGraph
            | Self::ForeignFrom
            | Self::InputUnreadable
            | Self::SenderDenied
            | Self::RecipientRefused
            | Self::TooManyRecipients
            | Self::MailboxSizeLimit
            | Self::ContentRefused
            | Self::Throttled
            | Self::Refused
            | Self::OutboxUnreadable
            | Self::Expired
            | Self::QueueFailed
            | Self::UnknownMessage
            | Self::DuplicatePossible
            | Self::PerhapsSent
            | Self::Bug => Kind::Permanent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::ExitStatus;

    #[test]
    fn what_passes_by_itself_is_what_ends_with_75() {
        for cause in Cause::ALL {
            let passes = matches!(cause.kind(), Kind::Temporary | Kind::Quota);
            let temporary = cause.row().status == ExitStatus::Temporary;
            assert_eq!(passes, temporary, "{cause:?}");
        }
    }

    #[test]
    fn what_harms_when_repeated_is_never_tried_again() {
        for cause in [Cause::Throttled, Cause::PerhapsSent, Cause::Bug] {
            assert_eq!(cause.kind(), Kind::Permanent, "{cause:?}");
        }
    }

    #[test]
    fn what_the_message_or_the_call_is_to_blame_for_stays() {
        for cause in Cause::ALL {
            if matches!(cause.row().status, ExitStatus::Data | ExitStatus::NoUser | ExitStatus::Usage) {
                assert_eq!(cause.kind(), Kind::Permanent, "{cause:?}");
            }
        }
    }

    #[test]
    fn a_sign_in_always_waits_for_somebody() {
        for cause in Cause::ALL {
            if matches!(cause.row().enhanced, "5.7.8" | "5.7.139") {
                assert_eq!(cause.kind(), Kind::HumanNeeded, "{cause:?}");
            }
        }
    }
}
