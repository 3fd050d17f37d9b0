//! The message itself: who sends it, how large it is, and what is in it.

use super::{CONTENT, INSIDE, MESSAGE, Row, to};
use crate::failure::Cause;
use crate::reply::Phase;

pub(super) static ROWS: &[Row] = &[
    // -- who may send as whom; Outlook looks at From only after the final dot
    to(INSIDE, Cause::SenderDenied).text(&["SendAsDenied"]),
    to(INSIDE, Cause::SenderDenied).status(&["5.7.60"]),
    to(INSIDE, Cause::SenderDenied).status(&["5.2.252"]),
    // -- size and room; at RCPT the full mailbox is the recipient's
    to(MESSAGE, Cause::MailboxFull).text(&["mailbox full"]),
    to(MESSAGE, Cause::MailboxFull).text(&["QuotaExceededException"]),
    to(MESSAGE, Cause::MailboxFull).status(&["5.2.2"]),
    to(MESSAGE, Cause::MailboxSizeLimit).text(&["MaxSubmissionExceeded"]),
    to(MESSAGE, Cause::MailboxSizeLimit).text(&["MessageSubmissionExceeded"]),
    to(MESSAGE, Cause::HeaderTooLarge).text(&["Header size exceeds"]),
    to(&[Phase::Mail], Cause::MessageTooLarge).status(&["5.3.4"]),
    to(MESSAGE, Cause::MailboxSizeLimit).status(&["5.3.4"]),
    // -- content
    to(CONTENT, Cause::ContentRefused).status(&["5.6.11"]).saying(
        "Outlook finds characters in the message that mail cannot have",
        "nothing was sent; send it as text without control characters, or as an attachment",
    ),
    to(CONTENT, Cause::ContentRefused).status(&["5.7.512"]).saying(
        "Outlook finds no valid From in the message",
        "nothing was sent; give it one From field with one whole address",
    ),
    to(CONTENT, Cause::ContentRefused).status(&["5.6."]).saying(
        "Outlook refuses the message's content",
        "nothing was sent; its MIME structure is damaged, or a field or a part is too long",
    ),
    to(MESSAGE, Cause::MailboxSizeLimit).code(&[552]),
];
