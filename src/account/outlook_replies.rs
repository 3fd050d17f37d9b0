//! What Outlook's servers answer, and what each answer means.
//!
//! The first row that matches decides, so order matters: `SubmissionQuotaExceededException` contains
//! `QuotaExceededException`, and `550 5.2.252` (throttled) is not `554 5.2.252` (this sender is denied). The texts are
//! from transcripts people posted; where no row matches, phase and class of the reply decide.

use crate::failure::{Cause, Wording};
use crate::submission::smtp::{Phase, Reply};

/// One row; an empty list matches everything.
struct Row {
    phases: &'static [Phase],
    codes: &'static [u16],
    /// Enhanced statuses; one that ends with a dot matches all that start so.
    statuses: &'static [&'static str],
    /// Parts of the text, in lower case; all must occur.
    texts: &'static [&'static str],
    cause: Cause,
    /// Where the cause's own sentence and advice say too little.
    wording: Option<Wording>,
}

/// The message itself is being judged.
const MESSAGE: &[Phase] = &[Phase::Mail, Phase::Data, Phase::Content];
const ANY: &[Phase] = &[];
/// Said under TLS by the server itself: what comes before, anybody on the way can say, and must not send a person off to
/// "verify the account".
const INSIDE: &[Phase] = &[Phase::Auth, Phase::Rset, Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Content];

const fn text(phases: &'static [Phase], texts: &'static [&'static str], cause: Cause) -> Row {
    Row { phases, codes: &[], statuses: &[], texts, cause, wording: None }
}

const fn status(phases: &'static [Phase], statuses: &'static [&'static str], cause: Cause) -> Row {
    Row { phases, codes: &[], statuses, texts: &[], cause, wording: None }
}

const fn code(phases: &'static [Phase], codes: &'static [u16], cause: Cause) -> Row {
    Row { phases, codes, statuses: &[], texts: &[], cause, wording: None }
}

impl Row {
    /// The same, with a sentence and an advice of its own.
    const fn saying(self, sentence: &'static str, advice: &'static str) -> Self {
        Self { wording: Some(Wording { sentence, advice }), ..self }
    }
}

static ROWS: &[Row] = &[
    // -- signing in; these texts also come embedded in a 530 5.7.57 to MAIL
    text(INSIDE, &["smtpclientauthentication is disabled for the tenant"], Cause::SmtpAuthDisabled).saying(
        "SMTP is switched off for the whole organisation",
        "its administrator can switch it on for one mailbox: Set-CASMailbox -SmtpClientAuthenticationDisabled $false",
    ),
    text(INSIDE, &["smtpclientauthentication is disabled"], Cause::SmtpAuthDisabled),
    text(INSIDE, &["basic authentication is disabled"], Cause::PasswordDead),
    text(INSIDE, &["basic authentication is not supported"], Cause::PasswordDead),
    status(INSIDE, &["5.7.30"], Cause::PasswordDead),
    text(INSIDE, &["did not meet the criteria"], Cause::PolicyRefused),
    text(INSIDE, &["security defaults"], Cause::PolicyRefused)
        .saying("the organisation's security defaults forbid this sign-in", "ask its administrator to allow SMTP for this mailbox"),
    text(INSIDE, &["organization configuration doesn't allow"], Cause::PolicyRefused).saying(
        "the organisation's configuration forbids this sign-in",
        "ask its administrator; security defaults and authentication policies do that",
    ),
    text(INSIDE, &["user credentials were incorrect"], Cause::SignInRefused).saying(
        "Outlook finds the user name or the password wrong",
        "check both, or sign in without a password: run outlook-sendmail login",
    ),
    // Never the token's fault: a new one would only look like guessing.
    status(&[Phase::Auth], &["5.7.139"], Cause::SignInRefused),
    status(INSIDE, &["5.7.57"], Cause::MechanismMissing)
        .saying("Outlook says that nobody has signed in", "check host, port and auth; nothing was sent"),
    // The endpoint for high-volume mail looks into the token.
    status(
        &[Phase::Auth],
        &["5.5.121", "5.5.122", "5.5.123", "5.5.124", "5.5.125", "5.5.126", "5.5.127"],
        Cause::AuthRejected,
    )
    .saying("Outlook finds the access token malformed or too old", "run: outlook-sendmail login"),
    status(&[Phase::Auth], &["5.7.142", "5.7.143", "5.7.144", "5.7.240"], Cause::AuthRejected).saying(
        "Outlook's high-volume service refuses the sign-in",
        "ask the organisation's administrator whether this account may use it, or set host = \"smtp.office365.com\"",
    ),
    status(&[Phase::Auth], &["5.7.3"], Cause::AuthRejected),
    Row {
        phases: ANY,
        codes: &[451],
        statuses: &["5.7.3"],
        texts: &["starttls is required"],
        cause: Cause::TlsFailed,
        wording: None,
    },
    // Proxies in front of the mailbox; the same comes for a malformed AUTH.
    text(&[Phase::Auth], &["temporary server error"], Cause::Deferred).saying(
        "Outlook cannot sign anybody in now",
        "nothing was sent; try again later; if it stays so, run outlook-sendmail login with the account's primary address",
    ),
    // -- personal accounts: the verdict of the outbound spam filter
    text(INSIDE, &["verdict is", "suspend"], Cause::Suspended),
    text(INSIDE, &["verdict is", "hipnotify"], Cause::VerificationNeeded),
    text(INSIDE, &["verdict is", "refusequota"], Cause::QuotaReached),
    text(INSIDE, &["outboundspamexception"], Cause::Refused),
    // -- quotas and punishments
    text(INSIDE, &["submissionquotaexceeded"], Cause::QuotaReached),
    Row {
        phases: INSIDE,
        codes: &[550],
        statuses: &["5.2.251", "5.2.252", "5.2.253", "5.2.254", "5.2.255"],
        texts: &[],
        cause: Cause::Throttled,
        wording: None,
    },
    text(INSIDE, &["sender throttled"], Cause::Throttled),
    // -- who may send as whom; Outlook looks at From only after the final dot
    text(INSIDE, &["sendasdenied"], Cause::SenderDenied),
    status(INSIDE, &["5.7.60", "5.2.252"], Cause::SenderDenied),
    // -- size and room; at RCPT the full mailbox is the recipient's
    text(MESSAGE, &["mailbox full"], Cause::MailboxFull),
    text(MESSAGE, &["quotaexceededexception"], Cause::MailboxFull),
    status(MESSAGE, &["5.2.2"], Cause::MailboxFull),
    text(MESSAGE, &["maxsubmissionexceeded"], Cause::MailboxSizeLimit),
    text(MESSAGE, &["messagesubmissionexceeded"], Cause::MailboxSizeLimit),
    text(MESSAGE, &["header size exceeds"], Cause::HeaderTooLarge),
    status(&[Phase::Mail], &["5.3.4"], Cause::MessageTooLarge),
    status(MESSAGE, &["5.3.4"], Cause::MailboxSizeLimit),
    // -- pace
    code(ANY, &[432], Cause::TooManyAtOnce),
    text(ANY, &["concurrent connections limit"], Cause::TooManyAtOnce),
    text(ANY, &["thread limit exceeded"], Cause::TooManyAtOnce),
    // -- how many at once
    status(&[Phase::Rcpt], &["4.5.3", "5.5.3"], Cause::TooManyRecipients),
    text(&[Phase::Rcpt], &["too many recipients"], Cause::TooManyRecipients),
    // -- reputation
    status(INSIDE, &["5.1.8", "5.7.501", "5.7.502", "5.7.503"], Cause::Suspended),
    status(INSIDE, &["5.7.705", "5.7.708"], Cause::Refused),
    status(INSIDE, &["5.1.90", "5.7.232", "5.7.233", "5.7.236"], Cause::QuotaReached),
    // -- content
    status(&[Phase::Data, Phase::Content], &["5.6.", "5.7.512"], Cause::ContentRefused),
    code(MESSAGE, &[552], Cause::MailboxSizeLimit),
    // -- commands
    code(&[Phase::Auth], &[421], Cause::Deferred).saying(
        "Outlook ended the sign-in, being busy or after too many that failed",
        "nothing was sent; try again in some minutes, not at once",
    ),
    code(ANY, &[421], Cause::Deferred),
    code(&[Phase::Ehlo], &[501, 504], Cause::HeloRefused),
    status(&[Phase::Ehlo], &["5.5.4"], Cause::HeloRefused),
    status(&[Phase::Auth], &["5.7.4"], Cause::MechanismMissing),
    code(&[Phase::Auth], &[500, 502, 504], Cause::MechanismMissing),
    code(ANY, &[503], Cause::ReplyNonsense),
    code(&[Phase::Mail], &[501], Cause::AddressSyntax),
    status(&[Phase::Mail], &["5.1.7"], Cause::AddressSyntax),
];

impl Row {
    fn matches(&self, phase: Phase, reply: &Reply, lower_text: &str) -> bool {
        let enhanced = reply.enhanced();
        let same =
            |wanted: &&str| if wanted.ends_with('.') { enhanced.starts_with(wanted) } else { enhanced == *wanted };
        (self.phases.is_empty() || self.phases.contains(&phase))
            && (self.codes.is_empty() || self.codes.contains(&reply.number()))
            && (self.statuses.is_empty() || self.statuses.iter().any(same))
            && self.texts.iter().all(|part| lower_text.contains(part))
    }
}

/// What a negative reply in this phase means.
pub fn classify(phase: Phase, reply: &Reply) -> Cause {
    match row(phase, reply) {
        Some(row) => row.cause,
        None if !reply.is_negative() => Cause::ReplyNonsense,
        None if reply.is_temporary() => match phase {
            Phase::Rcpt => Cause::RecipientDeferred,
            Phase::Greeting
            | Phase::Ehlo
            | Phase::Starttls
            | Phase::Auth
            | Phase::Rset
            | Phase::Mail
            | Phase::Data
            | Phase::Content => Cause::Deferred,
        },
        None => match phase {
            Phase::Rcpt => Cause::RecipientRefused,
            Phase::Auth => Cause::AuthRejected,
            Phase::Starttls => Cause::TlsFailed,
            Phase::Greeting | Phase::Ehlo | Phase::Rset | Phase::Mail | Phase::Data | Phase::Content => Cause::Refused,
        },
    }
}

/// Every wording that is more than its cause's.
pub fn wordings() -> impl Iterator<Item = &'static Wording> {
    ROWS.iter().filter_map(|row| row.wording.as_ref())
}

/// What to say of it, where its cause alone says too little.
pub fn wording(phase: Phase, reply: &Reply) -> Option<&'static Wording> {
    row(phase, reply)?.wording.as_ref()
}

fn row(phase: Phase, reply: &Reply) -> Option<&'static Row> {
    let lower_text = reply.text().whole().to_ascii_lowercase();
    ROWS.iter().find(|row| row.matches(phase, reply, &lower_text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::wire::parse_reply;
    use crate::failure::ExitStatus;
    use Phase::{Auth, Content, Data, Ehlo, Greeting, Mail, Rcpt, Starttls};

    /// Replies as people posted them in public issue trackers and mailing lists, host names shortened.
    const SEEN: &[(Phase, &str, Cause)] = &[
        (
            Auth,
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [BN0.prod.outlook.com 2024-10-10T21:50:33.251Z 08DCE9686F3D146F]",
            Cause::PasswordDead,
        ),
        (
            Auth,
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [HOST]",
            Cause::SmtpAuthDisabled,
        ),
        (
            Auth,
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
            Cause::SmtpAuthDisabled,
        ),
        (
            Auth,
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. [HOST]",
            Cause::SignInRefused,
        ),
        (
            Auth,
            "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator. [HOST]",
            Cause::PolicyRefused,
        ),
        (
            Auth,
            "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
            Cause::PolicyRefused,
        ),
        (Auth, "535 5.7.3 Authentication unsuccessful [SN2PR00CA0018.namprd00.prod.outlook.com]", Cause::AuthRejected),
        (Auth, "504 5.7.4 Unrecognized authentication type", Cause::MechanismMissing),
        (Auth, "550 5.7.30 Basic authentication is not supported for Client Submission.", Cause::PasswordDead),
        (Auth, "451 4.7.0 Temporary server error. Please try again later. PRX4", Cause::Deferred),
        (Auth, "421 4.3.2 Service not available", Cause::Deferred),
        (Auth, "501 5.5.127 Invalid XOAUTH2 auth data - Token will expire soon", Cause::AuthRejected),
        (Auth, "535 5.7.142 nope", Cause::AuthRejected),
        (
            Auth,
            "535 5.7.139 Authentication unsuccessful, the organization configuration doesn't allow this authentication request.",
            Cause::PolicyRefused,
        ),
        (Auth, "503 5.5.2 Send hello first", Cause::ReplyNonsense),
        (Mail, "530 5.7.57 Client not authenticated to send mail. [HOST]", Cause::MechanismMissing),
        (
            Mail,
            "530 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            Cause::SmtpAuthDisabled,
        ),
        (Mail, "451 5.7.3 STARTTLS is required to send mail", Cause::TlsFailed),
        (Greeting, "421 4.3.2 Service not available, closing transmission channel", Cause::Deferred),
        (Greeting, "554 5.7.1 no service", Cause::Refused),
        (Ehlo, "501 5.5.4 Invalid domain name [HOST]", Cause::HeloRefused),
        (Ehlo, "451 4.7.0 Temporary server error. Please try again later. PRX2", Cause::Deferred),
        (Starttls, "454 4.7.0 TLS not available", Cause::Deferred),
        (Starttls, "502 5.5.1 not here", Cause::TlsFailed),
        (Mail, "501 5.1.7 Invalid address", Cause::AddressSyntax),
        (Mail, "550 5.1.7 Invalid address", Cause::AddressSyntax),
        (Mail, "501 syntax", Cause::AddressSyntax),
        (Mail, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", Cause::SenderDenied),
        (Content, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", Cause::SenderDenied),
        (Rcpt, "501 5.1.3 Invalid address", Cause::RecipientRefused),
        (Rcpt, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", Cause::RecipientRefused),
        (Rcpt, "550 5.4.1 Recipient address rejected: Access denied.", Cause::RecipientRefused),
        (Rcpt, "552 5.2.2 mailbox full", Cause::RecipientRefused),
        (Rcpt, "452 4.5.3 Too many recipients", Cause::TooManyRecipients),
        (Rcpt, "450 4.7.3 Organization queue quota exceeded", Cause::RecipientDeferred),
        (
            Content,
            "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [Hostname=X.PROD.OUTLOOK.COM]",
            Cause::TooManyAtOnce,
        ),
        (Content, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Cause::TooManyAtOnce),
        (Content, "451 4.7.500 Server busy. Please try again later", Cause::Deferred),
        (Content, "452 4.3.1 Insufficient system resources", Cause::Deferred),
        (Content, "451 4.3.111 Temporary server error. Please try again later. MRH1 [Hostname=X]", Cause::Deferred),
        (
            Content,
            "554 5.2.252 SendAsDenied; a@x not allowed to send as b@y; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message [BeginDiagnosticData]Cannot submit message.",
            Cause::SenderDenied,
        ),
        (
            Content,
            "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message",
            Cause::SenderDenied,
        ),
        (
            Content,
            "550 5.2.252 SendAsDenied; Sender throttled due to continuous send as denied errors",
            Cause::Throttled,
        ),
        (Content, "550 5.2.251 Sender throttled due to continuous mailbox full errors", Cause::Throttled),
        (
            Content,
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException.MapiExceptionSubmissionQuotaExceeded",
            Cause::QuotaReached,
        ),
        (
            Content,
            "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to process message due to a permanent exception with message [BeginDiagnosticData]WASCL UserAction verdict is not None. Actual verdict is RefuseQuota, ShowTierUpgrade. OutboundSpamException: WASCL UserAction verdict is not None. [Hostname=X]",
            Cause::QuotaReached,
        ),
        (
            Content,
            "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed [BeginDiagnosticData]WASCL UserAction verdict is not None. Actual verdict is HipNotify, ShowTierUpgrade. OutboundSpamException",
            Cause::VerificationNeeded,
        ),
        (
            Content,
            "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is Suspend, ShowTierUpgrade.",
            Cause::Suspended,
        ),
        (
            Content,
            "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is Else.",
            Cause::Refused,
        ),
        (
            Content,
            "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
            Cause::MailboxFull,
        ),
        (
            Content,
            "554 5.2.0 MapiExceptionMaxSubmissionExceeded; Message size exceeds maximum size limit.; STOREDRV.Submission.Exception:MessageSubmissionExceededException",
            Cause::MailboxSizeLimit,
        ),
        (Mail, "552 5.3.4 Message size exceeds fixed maximum message size", Cause::MessageTooLarge),
        (Content, "552 5.3.4 Message size exceeds fixed maximum message size", Cause::MailboxSizeLimit),
        (Content, "552 5.3.4 Header size exceeds fixed maximum size", Cause::HeaderTooLarge),
        (Content, "550 5.1.8 Access denied, bad outbound sender AS(42004)", Cause::Suspended),
        (Mail, "550 5.7.501 Service unavailable. Spam abuse detected.", Cause::Suspended),
        (Content, "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.", Cause::Refused),
        (
            Content,
            "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
            Cause::QuotaReached,
        ),
        (Content, "550 5.7.233 tenant limit", Cause::QuotaReached),
        (Content, "550 5.6.11 InvalidCharacters", Cause::ContentRefused),
        (Content, "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant", Cause::ContentRefused),
        (
            Content,
            "554 5.6.211 Invalid MIME Content: Single text value size (32820) exceeded allowed maximum (32768)",
            Cause::ContentRefused,
        ),
        (Data, "503 5.5.1 Bad sequence of commands", Cause::ReplyNonsense),
        (Data, "554 no valid recipients", Cause::Refused),
        (Content, "571 something new", Cause::Refused),
        (Content, "354 again", Cause::ReplyNonsense),
    ];

    /// Nobody posted these: what rows would catch when the rest of the reply changes.
    const VARIANTS: &[(Phase, &str, Cause)] = &[
        (Auth, "550 5.7.30 Something new", Cause::PasswordDead),
        (Auth, "535 5.7.139 Authentication unsuccessful, something new", Cause::SignInRefused),
        (Auth, "535 5.7.145 Something new", Cause::AuthRejected),
        (Auth, "502 Something new", Cause::MechanismMissing),
        (Auth, "421 4.3.2 Concurrent connections limit exceeded", Cause::TooManyAtOnce),
        (Ehlo, "550 5.5.4 Something new", Cause::HeloRefused),
        (Rcpt, "550 Too many recipients", Cause::TooManyRecipients),
        (Content, "451 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Cause::TooManyAtOnce),
        (Content, "554 5.2.0 Sender throttled", Cause::Throttled),
        (Content, "554 5.2.0 STOREDRV.Submission.Exception:QuotaExceededException", Cause::MailboxFull),
        (Content, "554 5.2.2 Something new", Cause::MailboxFull),
        (
            Content,
            "554 5.2.0 STOREDRV.Submission.Exception:MessageSubmissionExceededException",
            Cause::MailboxSizeLimit,
        ),
        (Content, "552 Something new", Cause::MailboxSizeLimit),
    ];

    fn replies() -> impl Iterator<Item = (Phase, Reply, Cause)> {
        SEEN.iter().chain(VARIANTS).map(|(phase, text, cause)| {
            let reply = parse_reply(format!("{text}\r\n").as_bytes());
            (*phase, reply.unwrap(), *cause)
        })
    }

    #[test]
    fn every_reply_has_its_meaning() {
        for (phase, reply, cause) in replies() {
            assert_eq!(classify(phase, &reply), cause, "{phase:?} {:?}", reply.text());
        }
    }

    #[test]
    fn every_row_is_reached_by_a_reply() {
        let reached = |wanted: &&Row| {
            replies().any(|(phase, reply, _)| row(phase, &reply).is_some_and(|found| std::ptr::eq(found, *wanted)))
        };
        let unreached = ROWS.iter().filter(|row| !reached(row));
        let unreached: Vec<_> = unreached.map(|row| (row.phases, row.codes, row.statuses, row.texts)).collect();
        assert!(unreached.is_empty(), "{unreached:?}");
    }

    #[test]
    fn every_refused_sign_in_says_what_to_do() {
        for (phase, reply, cause) in replies().filter(|(phase, ..)| *phase == Auth) {
            let own = Wording { sentence: cause.row().sentence, advice: cause.row().advice };
            let Wording { sentence, advice } = wording(phase, &reply).copied().unwrap_or(own);
            assert!(!advice.is_empty() && !sentence.ends_with('.') && !advice.ends_with('.'), "{sentence}");
            assert!(sentence.len() <= 100 && sentence.len() + advice.len() <= 250, "{sentence}");
        }
    }

    #[test]
    fn texts_are_in_lower_case_so_that_they_can_match() {
        for row in ROWS {
            assert!(row.texts.iter().all(|text| !text.bytes().any(|octet| octet.is_ascii_uppercase())));
        }
    }

    #[test]
    fn a_text_may_be_spread_over_lines() {
        let reply = parse_reply(
            b"535-5.7.139 Authentication unsuccessful, SmtpClientAuthentication\r\n535 is disabled for the Mailbox\r\n",
        );
        assert_eq!(classify(Auth, &reply.unwrap()), Cause::SmtpAuthDisabled);
    }

    #[test]
    fn what_anybody_could_have_said_before_tls_is_no_verdict_on_the_account() {
        for said in [
            "554 5.7.1 verdict is Suspend; call 0900-1234",
            "550 5.7.139 SmtpClientAuthentication is disabled",
            "550 5.7.60 SendAsDenied",
            "421 5.7.501 access denied",
        ] {
            let reply = parse_reply(format!("{said}\r\n").as_bytes()).unwrap();
            for phase in [Greeting, Ehlo, Starttls] {
                let status = classify(phase, &reply).row().status;
                assert!(!matches!(status, ExitStatus::NoPermission | ExitStatus::Config), "{said}: {status:?}");
            }
        }
    }
}
