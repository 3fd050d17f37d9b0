//! Every reply people posted, and every row's dialogue.

use std::path::Path;
use std::{fs, ptr};

use super::*;
use crate::failure::{ExitStatus, Kind};
use crate::fake_world::parse_reply;
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
    (Rcpt, "450 4.7.3 Organization queue quota exceeded", Cause::Deferred),
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
    (Content, "550 5.2.252 SendAsDenied; Sender throttled due to continuous send as denied errors", Cause::Throttled),
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
    (
        Content,
        "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.",
        Cause::PoorReputation,
    ),
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
    (
        Content,
        "554 5.2.0 STOREDRV.Submission.Exception:InvalidRecipientsException; Failed to process message due to a permanent exception with message [BeginDiagnosticData]Recipients are not resolved. All recipients must be resolved before a message can be submitted.",
        Cause::RecipientRefused,
    ),
    (Content, "550 5.1.3 STOREDRV.Submit; invalid recipient address", Cause::RecipientRefused),
    (Content, "451 4.3.2 Temporary server error. Please try again later ATTR17", Cause::Deferred),
    (Content, "451 4.4.22 Message failed to be replicated: no healthy peers found", Cause::Deferred),
    (Mail, "550 5.7.705 Service unavailable. Access denied, tenant has exceeded threshold.", Cause::PoorReputation),
    (
        Content,
        "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is HipSend, ShowTierUpgrade.",
        Cause::VerificationNeeded,
    ),
    (Content, "354 again", Cause::ReplyNonsense),
];

/// Nobody posted these: what rows would catch when the rest of the reply changes.
const VARIANTS: &[(Phase, &str, Cause)] = &[
    (Auth, "550 5.7.30 Something new", Cause::PasswordDead),
    (Auth, "535 5.7.139 Authentication unsuccessful, something new", Cause::SignInRefused),
    (Auth, "535 5.7.145 Something new", Cause::AuthRejected),
    (Auth, "502 Something new", Cause::MechanismMissing),
    (Auth, "451 5.7.3 STARTTLS is required to send mail", Cause::TlsFailed),
    (Mail, "554 5.7.0 Temporary server error", Cause::Refused),
    (Content, "250 5.2.0 SendAsDenied", Cause::ReplyNonsense),
    (Content, "550 5.1.10 Something new", Cause::RecipientRefused),
    (Content, "550 5.1.20 Multiple From addresses are not allowed without Sender", Cause::Refused),
    (Auth, "421 4.3.2 Concurrent connections limit exceeded", Cause::TooManyAtOnce),
    (Ehlo, "550 5.5.4 Something new", Cause::HeloRefused),
    (Rcpt, "550 Too many recipients", Cause::TooManyRecipients),
    (Content, "451 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Cause::TooManyAtOnce),
    (Content, "554 5.2.0 Sender throttled", Cause::Throttled),
    (Content, "554 5.2.0 STOREDRV.Submission.Exception:QuotaExceededException", Cause::MailboxFull),
    (Content, "554 5.2.2 Something new", Cause::MailboxFull),
    (Content, "554 5.2.0 STOREDRV.Submission.Exception:MessageSubmissionExceededException", Cause::MailboxSizeLimit),
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

/// The file of `tests/dialogues` that shows each row, in the order of the table.
const SHOWN_BY: &[&str] = &[
    "auth-535-smtp-disabled-tenant",
    "auth-535-smtp-disabled-mailbox",
    "auth-535-password-dead",
    "auth-550-basic",
    "auth-550-basic-status",
    "auth-535-criteria",
    "auth-535-security-defaults",
    "auth-535-configuration",
    "auth-535-credentials",
    "auth-535-other",
    "mail-530-not-authenticated",
    "auth-501-token-expiring",
    "auth-535-high-volume",
    "mail-451-starttls",
    "auth-535-token",
    "auth-451-prx4",
    "content-554-suspend",
    "content-554-hip-notify",
    "content-554-hip-send",
    "content-554-refuse-quota",
    "content-554-other-verdict",
    "content-554-submission-quota",
    "content-550-throttled-full",
    "content-550-throttled",
    "content-550-throttled-licence",
    "content-550-throttled-many",
    "content-550-throttled-invalid",
    "content-554-throttled",
    "content-554-send-as-denied",
    "mail-550-send-as",
    "content-554-send-as-status",
    "content-554-mailbox-full",
    "content-554-quota-exception",
    "content-554-mailbox-full-status",
    "content-554-too-large",
    "content-554-too-large-exception",
    "content-552-header",
    "mail-552-size",
    "content-552-size",
    "content-550-characters",
    "content-550-from",
    "content-554-mime",
    "content-552",
    "content-432-always",
    "content-421-concurrent",
    "content-451-thread-limit",
    "rcpt-452",
    "rcpt-550-too-many",
    "content-550-blocked",
    "mail-550-banned",
    "mail-550-organisation",
    "content-550-reputation",
    "content-550-daily-recipients",
    "content-550-organisation-recipients",
    "rcpt-450",
    "content-451",
    "content-452",
    "content-451-replica",
    "content-451-mrh1",
    "auth-421",
    "content-421",
    "ehlo-501-always",
    "ehlo-550",
    "auth-504",
    "auth-502",
    "mail-503",
    "mail-501-address",
    "mail-501",
    "rcpt-501",
    "rcpt-550",
    "content-554-invalid-recipients",
    "content-550-recipient",
    "rcpt-one-of-two-450",
    "starttls-454",
    "rcpt-550-bare",
    "auth-535-unknown",
    "starttls-502",
    "content-554",
];

/// The replies in a dialogue, with what they answer.
fn replies_of(dialogue: &str) -> Vec<(Phase, Reply)> {
    let (mut found, mut phase) = (Vec::new(), None);
    for line in dialogue.lines().filter(|line| !line.starts_with('#')) {
        let said = match line.strip_prefix("on ") {
            None => line.trim(),
            Some(rule) => {
                let (stage, _) = rule.split_at(rule.find([' ', ':']).unwrap());
                phase = phase_of(stage);
                rule.split_once(':').unwrap().1.trim()
            }
        };
        let reply = parse_reply(format!("{said}\r\n").as_bytes());
        found.extend(phase.zip(reply));
    }
    found
}

fn phase_of(stage: &str) -> Option<Phase> {
    Some(match stage {
        "banner" => Greeting,
        "ehlo" | "ehlo2" => Ehlo,
        "starttls" => Starttls,
        "auth" | "auth-continuation" => Auth,
        "mail" => Mail,
        "rcpt" => Rcpt,
        "data" => Data,
        "content" => Content,
        "rset" => Phase::Rset,
        _ => return None,
    })
}

/// Status, sentence, remedy and that nothing went twice are asserted by the dialogue, and are the row's.
#[test]
fn every_row_has_a_dialogue_that_says_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    assert_eq!(rows().count(), SHOWN_BY.len(), "a row without a dialogue");
    for (row, name) in rows().zip(SHOWN_BY) {
        let dialogue = fs::read_to_string(folder.join(format!("{name}.dialogue"))).expect(name);
        let hits = |(phase, reply): &(Phase, Reply)| super::row(*phase, reply).is_some_and(|found| ptr::eq(found, row));
        assert!(replies_of(&dialogue).iter().any(hits), "{name} does not show {}", row.mark());
        let mut expected = vec![
            format!("# expect status {}", row.cause.row().status as u8),
            format!("# expect dsn {}", row.cause.row().enhanced),
            "# expect received 0".to_owned(),
            format!("# expect stderr {}", row.told().sentence),
            format!("# expect stderr -- {}", row.told().advice),
        ];
        // One that was told to come back later came back.
        if *name != "content-432-always" {
            let connections = if row.cause == Cause::AuthRejected { 2 } else { 1 };
            expected.push(format!("# expect connections {connections}"));
        }
        for line in expected {
            assert!(dialogue.lines().any(|known| known == line), "{name}: {line}");
        }
    }
}

#[test]
fn every_row_has_one_sentence_and_one_remedy() {
    for row in rows() {
        let Wording { sentence, advice } = row.told();
        assert!(!sentence.ends_with('.') && !advice.ends_with('.'), "{sentence}");
        assert!(!advice.is_empty() && advice != "nothing was sent", "{sentence}");
        assert!(sentence.len() <= 100 && sentence.len() + advice.len() <= 250, "{sentence}");
    }
}

/// A new token is only worth getting when the server found fault with the old one, and that it says to AUTH.
#[test]
fn nothing_but_a_refused_sign_in_renews_the_token() {
    for row in rows().filter(|row| row.cause == Cause::AuthRejected) {
        assert_eq!(row.phases, [Auth], "{}", row.mark());
    }
}

#[test]
fn quotas_pass_in_hours_and_punishments_never() {
    for (phase, reply, cause) in replies() {
        let text = reply.text();
        if text.whole().contains("RefuseQuota") || text.whole().contains("SubmissionQuota") {
            assert_eq!((cause.kind(), cause.row().status), (Kind::Quota, ExitStatus::Temporary), "{text:?}");
        }
        if reply.code == 550 && reply.enhanced().starts_with("5.2.25") {
            assert_eq!(classify(phase, &reply).kind(), Kind::Permanent, "{text:?}");
        }
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
