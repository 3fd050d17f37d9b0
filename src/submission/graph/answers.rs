//! What Graph answers to sendMail, and what each answer means.
//!
//! The first row that matches decides. Codes are those of "Microsoft Graph error responses and resource types" and of
//! Exchange's response codes, which Graph passes on. What no row knows leaves the message perhaps sent.

use serde::Deserialize;

use crate::failure::{Cause, Failure, Wording};
use crate::secret::Secret;
use crate::submission::smtp::faults::failure;
use crate::words::Words;
use crate::world::PostAnswer;

/// One row; an empty list of codes, and an empty text, match every answer with such a status.
struct Row {
    /// The lowest and the highest HTTP status.
    statuses: (u16, u16),
    /// `error.code`, matched without case.
    codes: &'static [&'static str],
    /// A part of `error.message`, matched without case.
    text: &'static str,
    cause: Cause,
    /// Where the cause's own sentence and advice say too little.
    wording: Option<Wording>,
}

const fn code(codes: &'static [&'static str], cause: Cause) -> Row {
    Row { statuses: (400, 499), codes, text: "", cause, wording: None }
}

const fn status(first: u16, last: u16, cause: Cause) -> Row {
    Row { statuses: (first, last), codes: &[], text: "", cause, wording: None }
}

/// The filter in front of personal accounts. It has said no, whatever the HTTP status: 554 was seen.
const fn verdict(codes: &'static [&'static str], text: &'static str, cause: Cause) -> Row {
    Row { statuses: (400, 599), codes, text, cause, wording: None }
}

impl Row {
    /// The same, with a sentence and an advice of its own.
    const fn saying(self, sentence: &'static str, advice: &'static str) -> Self {
        Self { wording: Some(Wording { sentence, advice }), ..self }
    }

    fn matches(&self, status: u16, error: &GraphError) -> bool {
        (self.statuses.0..=self.statuses.1).contains(&status)
            && (self.codes.is_empty() || self.codes.iter().any(|known| known.eq_ignore_ascii_case(&error.code)))
            && error.message.to_ascii_lowercase().contains(&self.text.to_ascii_lowercase())
    }
}

static ROWS: &[Row] = &[
    status(401, 401, Cause::AuthRejected)
        .saying("Graph refuses the sign-in", "run: outlook-sendmail login; a fault at Microsoft's passes by itself"),
    // -- the outbound spam filter; SMTP has the same verdicts
    verdict(&["ErrorAccountSuspend", "ErrorAccountSuspendShowTierUpgrade"], "", Cause::Suspended),
    verdict(&[], "verdict is Suspend", Cause::Suspended),
    verdict(&[], "verdict is Hip", Cause::VerificationNeeded),
    verdict(&["ErrorMessageSubmissionBlocked"], "", Cause::VerificationNeeded),
    verdict(
        &[
            "ErrorExceededMessageLimit",
            "ErrorExceededMessageLimitShowTierUpgrade",
            "ErrorExceededHourlyMessageLimit",
            "ErrorExceededMaxRecipientLimitBlock",
        ],
        "",
        Cause::QuotaReached,
    )
    .saying(
        "the account's sending quota is used up",
        "nothing was sent; wait some hours, up to a day; verifying the account at outlook.com raises the quota",
    ),
    verdict(&[], "verdict is RefuseQuota", Cause::QuotaReached),
    verdict(&["ErrorSubmissionQuotaExceeded"], "", Cause::QuotaReached),
    verdict(
        &["ErrorExceededMaxRecipientLimit", "ErrorExceededMaxRecipientLimitShowTierUpgrade"],
        "",
        Cause::TooManyRecipients,
    ),
    verdict(&["ErrorMessageThrottled"], "", Cause::Throttled),
    verdict(&["ErrorMessageBlocked"], "", Cause::Refused).saying(
        "Outlook's outbound filter takes the message for spam",
        "nothing was sent; do not repeat it; sign in at outlook.com and see what it says there",
    ),
    // -- who may send, and from where
    code(&["ErrorSendAsDenied"], Cause::SenderDenied),
    code(&["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"], Cause::NoGraphMailbox),
    code(&["ErrorNonExistentMailbox"], Cause::NoGraphMailbox),
    code(&["ErrorAccessDenied", "Authorization_RequestDenied"], Cause::GraphDenied),
    // -- the message
    code(&["ErrorInvalidRecipients"], Cause::RecipientRefused),
    code(&["ErrorMessageSizeExceeded"], Cause::MailboxSizeLimit),
    verdict(&["ErrorQuotaExceeded"], "", Cause::MailboxFull),
    // -- by status alone
    status(400, 400, Cause::ContentRefused).saying(
        "Graph refuses the message's content",
        "nothing was sent; send it with transport = \"smtp\", or mend its MIME",
    ),
    status(403, 403, Cause::GraphDenied),
    status(404, 404, Cause::GraphNonsense),
    // RFC 9110 section 15.5.9: the request did not arrive whole.
    status(408, 408, Cause::Deferred).saying("Graph got the request too slowly", "nothing was sent; try again later"),
    status(413, 413, Cause::MessageTooLarge),
    // What Graph itself says to wait is waited where it fits, before this is told.
    status(429, 429, Cause::TooManyAtOnce).saying(
        "Graph gets too many requests of this mailbox",
        "nothing was sent; try again in some minutes, not at once",
    ),
    status(503, 503, Cause::Deferred).saying("Graph is not there now", "nothing was sent; try again in some minutes"),
    status(300, 399, Cause::GraphNonsense),
    status(400, 499, Cause::Refused).saying("Graph refuses", "nothing was sent; the log has its words whole"),
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

/// Why the message did not go out, or perhaps did not, in Graph's words; `None` when it did: 202, and nothing else. A 200
/// was seen for messages that went nowhere (microsoftgraph/microsoft-graph-docs-contrib issue 3079).
pub(super) fn refusal(answer: &PostAnswer, told: &Words) -> Option<Failure> {
    if answer.status == 202 {
        return None;
    }
    let error = error(answer);
    Some(match ROWS.iter().find(|row| row.matches(answer.status, &error)) {
        Some(row) => failure(row.cause, told.clone()).worded(row.wording.as_ref()),
        None => failure(Cause::PerhapsSent, told.clone()),
    })
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
    use crate::failure::Kind;

    fn answer(status: u16, code: &str) -> PostAnswer {
        let body = match code {
            "" => b"<html>".to_vec(),
            _ => format!(r#"{{"error":{{"code":"{code}","message":"Why."}}}}"#).into_bytes(),
        };
        PostAnswer { status, reason: "So".into(), retry_after: None, request_id: "r-1".into(), body }
    }

    /// The row that an answer is told by.
    fn row(status: u16, code: &str, message: &str) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.matches(status, &GraphError { code: code.into(), message: message.into() }))
    }

    /// In the order of the table: every row by what was seen or documented.
    const ANSWERS: &[(u16, &str, &str, Cause)] = &[
        (401, "InvalidAuthenticationToken", "", Cause::AuthRejected),
        (403, "ErrorAccountSuspend", "", Cause::Suspended),
        (403, "ErrorOther", "WASCL UserAction verdict is not None. Actual verdict is Suspend.", Cause::Suspended),
        (403, "ErrorOther", "Actual verdict is HipNotify, ShowTierUpgrade.", Cause::VerificationNeeded),
        (554, "ErrorMessageSubmissionBlocked", "Follow the instructions", Cause::VerificationNeeded),
        (429, "ErrorExceededMessageLimit", "Cannot send mail.", Cause::QuotaReached),
        (403, "ErrorOther", "Actual verdict is RefuseQuota, ShowTierUpgrade.", Cause::QuotaReached),
        (403, "ErrorSubmissionQuotaExceeded", "", Cause::QuotaReached),
        (403, "ErrorExceededMaxRecipientLimit", "", Cause::TooManyRecipients),
        (403, "ErrorMessageThrottled", "", Cause::Throttled),
        (403, "ErrorMessageBlocked", "", Cause::Refused),
        (403, "ErrorSendAsDenied", "", Cause::SenderDenied),
        (404, "MailboxNotEnabledForRESTAPI", "", Cause::NoGraphMailbox),
        (404, "ErrorNonExistentMailbox", "", Cause::NoGraphMailbox),
        (403, "ErrorAccessDenied", "", Cause::GraphDenied),
        (400, "errorinvalidrecipients", "", Cause::RecipientRefused),
        (400, "ErrorMessageSizeExceeded", "", Cause::MailboxSizeLimit),
        (507, "ErrorQuotaExceeded", "", Cause::MailboxFull),
        (400, "ErrorMimeContentInvalidBase64String", "", Cause::ContentRefused),
        (403, "", "", Cause::GraphDenied),
        (404, "", "", Cause::GraphNonsense),
        (408, "", "", Cause::Deferred),
        (413, "", "", Cause::MessageTooLarge),
        (429, "ApplicationThrottled", "", Cause::TooManyAtOnce),
        (503, "", "", Cause::Deferred),
        (301, "", "", Cause::GraphNonsense),
        (405, "", "", Cause::Refused),
    ];

    #[test]
    fn every_row_has_an_answer_in_the_order_of_the_table() {
        assert_eq!(ROWS.len(), ANSWERS.len());
        for (wanted, (status, code, message, cause)) in ROWS.iter().zip(ANSWERS) {
            let found = row(*status, code, message).unwrap();
            assert!(std::ptr::eq(found, wanted), "{status} {code}");
            assert_eq!(found.cause, *cause, "{status} {code}");
        }
    }

    #[test]
    fn every_row_has_one_sentence_and_one_remedy() {
        for row in ROWS {
            let Wording { sentence, advice } = row.wording.unwrap_or(row.cause.wording());
            assert!(!sentence.ends_with('.') && !advice.ends_with('.'), "{sentence}");
            assert!(!advice.is_empty() && advice != "nothing was sent", "{sentence}");
            assert!(sentence.len() <= 100 && sentence.len() + advice.len() <= 250, "{sentence}");
        }
    }

    #[test]
    fn quotas_are_waited_out_in_hours() {
        for row in ROWS {
            assert_eq!(row.cause.kind() == Kind::Quota, row.cause == Cause::QuotaReached);
        }
    }

    #[test]
    fn what_graph_does_not_clearly_refuse_was_perhaps_sent() {
        let cause = |status, code| {
            let answer = answer(status, code);
            refusal(&answer, &Words::default()).map(|failure| failure.cause)
        };
        for (status, code) in [
            (200, ""),
            (204, ""),
            (500, "ErrorInternalServerError"),
            (500, "ErrorAccessDenied"),
            (502, ""),
            (504, ""),
            (599, ""),
            (99, ""),
            (999, ""),
        ] {
            assert_eq!(cause(status, code), Some(Cause::PerhapsSent), "{status} {code}");
        }
        assert_eq!((cause(202, ""), cause(202, "ErrorAccessDenied")), (None, None));
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
