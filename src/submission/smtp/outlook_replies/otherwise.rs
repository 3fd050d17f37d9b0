//! Back pressure, commands and addresses, and at the end what phase and class of any other reply tell.

use super::{ANY, CONTENT, Codes, INSIDE, Row, to};
use crate::failure::Cause;
use crate::reply::Phase;

const AUTH: &[Phase] = &[Phase::Auth];
const EHLO: &[Phase] = &[Phase::Ehlo];
const MAIL: &[Phase] = &[Phase::Mail];
const RCPT: &[Phase] = &[Phase::Rcpt];

pub(super) static ROWS: &[Row] = &[
    // -- the whole service is slow, nobody's fault
    to(INSIDE, Cause::Deferred).text(&["Organization queue quota exceeded"]).saying(
        "the organisation has too many messages waiting at Outlook",
        "nothing was sent; try again in some minutes",
    ),
    to(ANY, Cause::Deferred)
        .class(Codes::Temporary)
        .text(&["Server busy"])
        .saying("Outlook is busy", "nothing was sent; try again in some minutes"),
    to(INSIDE, Cause::Deferred)
        .text(&["Insufficient system resources"])
        .saying("Outlook's server has no room left", "nothing was sent; try again in some minutes"),
    to(INSIDE, Cause::Deferred)
        .class(Codes::Temporary)
        .text(&["replica"])
        .saying("Outlook cannot keep a second copy of the message now", "nothing was sent; try again in some minutes"),
    to(ANY, Cause::Deferred)
        .class(Codes::Temporary)
        .text(&["Temporary server error"])
        .saying("Outlook's servers cannot reach the mailbox now", "nothing was sent; try again in some minutes"),
    // -- closing
    to(AUTH, Cause::Deferred).code(&[421]).saying(
        "Outlook ended the sign-in, being busy or after too many that failed",
        "nothing was sent; try again in some minutes, not at once",
    ),
    to(ANY, Cause::Deferred)
        .code(&[421])
        .saying("Outlook closed the connection", "nothing was sent; try again in some minutes"),
    // -- commands
    to(EHLO, Cause::HeloRefused).code(&[501, 504]),
    to(EHLO, Cause::HeloRefused).status(&["5.5.4"]),
    to(AUTH, Cause::MechanismMissing).status(&["5.7.4"]),
    to(AUTH, Cause::MechanismMissing).code(&[500, 502, 504]),
    to(ANY, Cause::ReplyNonsense).code(&[503]).saying(
        "the server says that our commands are out of order",
        "check host and port; if they are Outlook's, please report this; nothing was sent",
    ),
    // -- addresses
    to(MAIL, Cause::AddressSyntax).status(&["5.1.7"]).saying(
        "Outlook cannot read the sender's address",
        "check address and send_as in the configuration, and -f; nothing was sent",
    ),
    to(MAIL, Cause::AddressSyntax).code(&[501]).saying(
        "Outlook cannot read the sender",
        "check address and send_as in the configuration, and -f; nothing was sent",
    ),
    to(RCPT, Cause::RecipientRefused)
        .code(&[501])
        .saying("Outlook cannot read a recipient's address", "nobody got the message; correct the address"),
    to(RCPT, Cause::RecipientRefused).status(&["5.1.", "5.4.1"]),
    // Outlook looks into the header's addresses after the final dot.
    to(CONTENT, Cause::RecipientRefused).text(&["InvalidRecipientsException"]).saying(
        "Outlook cannot resolve a recipient",
        "nobody got the message; correct the addresses, those in its header as well",
    ),
    // RFC 3463 section 3.2: these are about where a message goes, the others about where it comes from.
    to(CONTENT, Cause::RecipientRefused)
        .class(Codes::Permanent)
        .status(&["5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10"]),
    // -- by phase and class alone
    to(RCPT, Cause::RecipientDeferred).class(Codes::Temporary),
    to(ANY, Cause::Deferred).class(Codes::Temporary),
    to(RCPT, Cause::RecipientRefused).class(Codes::Permanent),
    to(AUTH, Cause::AuthRejected).class(Codes::Permanent),
    to(&[Phase::Starttls], Cause::TlsFailed)
        .class(Codes::Permanent)
        .saying("the server refuses to start TLS", "check host and port; nothing was sent"),
    to(ANY, Cause::Refused)
        .class(Codes::Permanent)
        .saying("Outlook refuses", "nothing was sent; the log has its words whole"),
];
