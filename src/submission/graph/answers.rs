//! What Graph answers to sendMail, and what each answer means.
//!
//! The first row that matches decides. Codes are those of "Microsoft Graph error responses and resource types" and of
//! Exchange's response codes, which Graph passes on. What no row knows leaves the message perhaps sent.

use serde::Deserialize;

use crate::credentials::Secret;
use crate::failure::Cause;
use crate::words::Words;
use crate::world::PostAnswer;

/// One row; an empty list of codes matches every answer with such a status.
struct Row {
    /// The lowest and the highest HTTP status.
    statuses: (u16, u16),
    /// `error.code`, matched without case.
    codes: &'static [&'static str],
    cause: Cause,
}

const fn code(codes: &'static [&'static str], cause: Cause) -> Row {
    Row { statuses: (400, 499), codes, cause }
}

const fn status(first: u16, last: u16, cause: Cause) -> Row {
    Row { statuses: (first, last), codes: &[], cause }
}

const ROWS: &[Row] = &[
    status(401, 401, Cause::AuthRejected),
    // -- who may send, and from where
    code(&["ErrorSendAsDenied"], Cause::SenderDenied),
    code(&["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"], Cause::NoGraphMailbox),
    code(&["ErrorExceededMessageLimit"], Cause::VerificationNeeded),
    code(&["ErrorAccountSuspend"], Cause::Suspended),
    code(&["ErrorAccessDenied", "Authorization_RequestDenied"], Cause::GraphDenied),
    // -- the message
    code(&["ErrorInvalidRecipients"], Cause::RecipientRefused),
    code(&["ErrorMessageSizeExceeded"], Cause::MailboxSizeLimit),
    code(&["ErrorQuotaExceeded"], Cause::MailboxFull),
    Row { statuses: (507, 507), codes: &["ErrorQuotaExceeded"], cause: Cause::MailboxFull },
    // -- by status alone
    status(400, 400, Cause::ContentRefused),
    status(403, 403, Cause::GraphDenied),
    status(404, 404, Cause::GraphNonsense),
    // RFC 9110 section 15.5.9: the request did not arrive whole.
    status(408, 408, Cause::Deferred),
    status(413, 413, Cause::MessageTooLarge),
    status(429, 429, Cause::TooManyAtOnce),
    status(503, 503, Cause::Deferred),
    status(300, 399, Cause::GraphNonsense),
    status(400, 499, Cause::Refused),
];

/// A failed sendMail, as Graph tells it.
#[derive(Deserialize, Default)]
struct Told {
    #[serde(default)]
    error: GraphError,
}

#[derive(Deserialize, Default)]
struct GraphError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Why the message did not go out, or perhaps did not; `None` when it did: 202, and nothing else. A 200 was seen for
/// messages that went nowhere (microsoftgraph/microsoft-graph-docs-contrib issue 3079).
pub(super) fn cause(answer: &PostAnswer) -> Option<Cause> {
    if answer.status == 202 {
        return None;
    }
    let code = error(answer).code;
    let matches = |row: &&Row| {
        (row.statuses.0..=row.statuses.1).contains(&answer.status)
            && (row.codes.is_empty() || row.codes.iter().any(|known| known.eq_ignore_ascii_case(&code)))
    };
    Some(ROWS.iter().find(matches).map_or(Cause::PerhapsSent, |row| row.cause))
}

/// By so many octets the token is known; a server may cut the rest short.
const BEGINNING: usize = 16;

/// The answer in one line: status, what Graph said, and what it calls the request, which its support asks for.
pub(super) fn told(answer: &PostAnswer, token: &Secret) -> Words {
    let mut text = format!("{} {}", answer.status, answer.reason.whole());
    let GraphError { code, message } = error(answer);
    match (code.as_str(), message.as_str()) {
        ("", "") => {}
        (word, "") | ("", word) => text.push_str(&format!(" {word}")),
        (code, message) => text.push_str(&format!(" {code}: {message}")),
    }
    if !answer.request_id.is_empty() {
        text.push_str(" request-id ");
        text.push_str(answer.request_id.whole());
    }
    let beginning = token.reveal().get(..BEGINNING).and_then(|beginning| std::str::from_utf8(beginning).ok());
    match beginning.and_then(|beginning| text.find(beginning)) {
        Some(place) => Words::from(format!("{}(redacted)", text.get(..place).unwrap_or_default())),
        None => Words::from(text),
    }
}

fn error(answer: &PostAnswer) -> GraphError {
    serde_json::from_slice::<Told>(&answer.body).unwrap_or_default().error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::ExitStatus;

    fn answer(status: u16, code: &str) -> PostAnswer {
        let body = match code {
            "" => b"<html>".to_vec(),
            _ => format!(r#"{{"error":{{"code":"{code}","message":"Why."}}}}"#).into_bytes(),
        };
        PostAnswer { status, reason: "So".into(), retry_after: None, request_id: "r-1".into(), body }
    }

    #[test]
    fn every_answer_has_its_status() {
        use ExitStatus::{Config, Data, NoPermission, NoUser, PerhapsSent, Protocol, Temporary, Unavailable};
        for (status, code, exit) in [
            (401, "InvalidAuthenticationToken", NoPermission),
            (403, "ErrorAccessDenied", NoPermission),
            (403, "ErrorSendAsDenied", NoPermission),
            (403, "", NoPermission),
            (403, "ErrorQuotaExceeded", Unavailable),
            (507, "ErrorQuotaExceeded", Unavailable),
            (400, "ErrorMimeContentInvalidBase64String", Data),
            (400, "errorinvalidrecipients", NoUser),
            (400, "", Data),
            (404, "MailboxNotEnabledForRESTAPI", Config),
            (404, "", Protocol),
            (405, "", Unavailable),
            (408, "", Temporary),
            (413, "", Data),
            (429, "ApplicationThrottled", Temporary),
            (429, "ErrorExceededMessageLimit", NoPermission),
            (503, "", Temporary),
            (301, "", Protocol),
            (200, "", PerhapsSent),
            (204, "", PerhapsSent),
            (500, "ErrorInternalServerError", PerhapsSent),
            (500, "ErrorAccessDenied", PerhapsSent),
            (502, "", PerhapsSent),
            (504, "", PerhapsSent),
            (599, "", PerhapsSent),
            (99, "", PerhapsSent),
            (999, "", PerhapsSent),
        ] {
            let cause = cause(&answer(status, code)).unwrap();
            assert_eq!(cause.row().status, exit, "{status} {code}: {cause:?}");
        }
        assert_eq!(cause(&answer(202, "")), None);
        assert_eq!(cause(&answer(202, "ErrorAccessDenied")), None);
    }

    #[test]
    fn an_answer_is_one_line_without_our_token() {
        let token = Secret::from("EwB0123456789abcdefghijk");
        assert_eq!(told(&answer(202, ""), &token).whole(), "202 So request-id r-1");
        assert_eq!(told(&answer(403, "Er"), &token).whole(), "403 So Er: Why. request-id r-1");
        let echo = PostAnswer {
            body: br#"{"error":{"code":"X","message":"EwB0123456789abcdefghi is no token"}}"#.to_vec(),
            ..answer(401, "")
        };
        assert_eq!(told(&echo, &token).whole(), "401 So X: (redacted)");
    }
}
