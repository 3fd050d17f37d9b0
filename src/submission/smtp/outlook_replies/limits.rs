//! How much and how fast: quotas, pace, and what becomes of those who do not stop.

use super::{ANY, INSIDE, Row, to};
use crate::failure::Cause;
use crate::reply::Phase;

const RCPT: &[Phase] = &[Phase::Rcpt];

/// Asked before what the message is to blame for: these texts contain those of that.
pub(super) static VERDICTS: &[Row] = &[
    // -- personal accounts: the verdict of the outbound spam filter
    to(INSIDE, Cause::Suspended).text(&["verdict is", "Suspend"]),
    to(INSIDE, Cause::VerificationNeeded).text(&["verdict is", "HipNotify"]),
    to(INSIDE, Cause::VerificationNeeded).text(&["verdict is", "HipSend"]),
    to(INSIDE, Cause::QuotaReached).text(&["verdict is", "RefuseQuota"]).saying(
        "the account's sending quota is used up",
        "nothing was sent; wait some hours, up to a day; verifying the account at outlook.com raises the quota",
    ),
    to(INSIDE, Cause::Refused).text(&["OutboundSpamException"]).saying(
        "Outlook's outbound filter refuses the message",
        "nothing was sent; do not repeat it; sign in at outlook.com and see what it says there",
    ),
    // -- quotas and punishments
    to(INSIDE, Cause::QuotaReached).text(&["SubmissionQuotaExceeded"]),
    to(INSIDE, Cause::Throttled).code(&[550]).status(&["5.2.251"]).saying(
        "Outlook has blocked sending: too many messages from a full mailbox",
        "stop, free some space at outlook.com, and wait a day",
    ),
    to(INSIDE, Cause::Throttled).code(&[550]).status(&["5.2.252"]).saying(
        "Outlook has blocked sending: too many messages as somebody else",
        "stop, send as the account itself (from = \"rewrite\"), and wait a day",
    ),
    to(INSIDE, Cause::Throttled).code(&[550]).status(&["5.2.253"]).saying(
        "Outlook has blocked sending: the mailbox has no valid licence",
        "stop; the organisation's administrator can assign one",
    ),
    to(INSIDE, Cause::Throttled).code(&[550]).status(&["5.2.254"]).saying(
        "Outlook has blocked sending: too often too many recipients",
        "stop, send to fewer at a time, and wait a day",
    ),
    to(INSIDE, Cause::Throttled).code(&[550]).status(&["5.2.255"]).saying(
        "Outlook has blocked sending: too many recipients that do not exist",
        "stop, correct the addresses, and wait a day",
    ),
    to(INSIDE, Cause::Throttled).text(&["Sender throttled"]),
];

pub(super) static ROWS: &[Row] = &[
    // -- pace
    to(ANY, Cause::TooManyAtOnce).code(&[432]),
    to(ANY, Cause::TooManyAtOnce).text(&["Concurrent connections limit"]),
    to(ANY, Cause::TooManyAtOnce).text(&["thread limit exceeded"]),
    // -- how many recipients
    to(RCPT, Cause::TooManyRecipients).status(&["4.5.3", "5.5.3"]),
    to(RCPT, Cause::TooManyRecipients).text(&["Too many recipients"]),
    // -- reputation
    to(INSIDE, Cause::Suspended).status(&["5.1.8"]).saying(
        "Outlook has blocked the account as a source of spam",
        "change its password and recover it at outlook.com; at work, ask the administrator to unblock it",
    ),
    to(INSIDE, Cause::Suspended).status(&["5.7.501", "5.7.502", "5.7.503"]).saying(
        "Outlook has banned the account from sending",
        "recover it at outlook.com; at work, ask the administrator to unblock it",
    ),
    to(INSIDE, Cause::PoorReputation).status(&["5.7.705"]).saying(
        "Outlook takes no mail from this organisation for now",
        "new or abused organisations meet this; its administrator can ask Microsoft's support",
    ),
    to(INSIDE, Cause::PoorReputation).status(&["5.7.708"]),
    // -- quotas that mostly come as a message to the mailbox, hours later
    to(INSIDE, Cause::QuotaReached).status(&["5.1.90"]).saying(
        "the mailbox's recipients for a day are used up",
        "nothing was sent; wait some hours, up to a day: trying at once makes it worse",
    ),
    to(INSIDE, Cause::QuotaReached).status(&["5.7.232", "5.7.233", "5.7.236"]).saying(
        "the organisation's recipients for a day are used up",
        "nothing was sent; wait some hours, up to a day; its administrator sees the limit",
    ),
];
