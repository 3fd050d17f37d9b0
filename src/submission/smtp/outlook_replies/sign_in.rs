//! Signing in; most of these texts also come embedded in a 530 5.7.57 to MAIL.

use super::{ANY, Codes, INSIDE, Row, to};
use crate::failure::Cause;
use crate::reply::Phase;

const AUTH: &[Phase] = &[Phase::Auth];

pub(super) static ROWS: &[Row] = &[
    to(INSIDE, Cause::SmtpAuthDisabled).text(&["SmtpClientAuthentication is disabled for the Tenant"]).saying(
        "SMTP is switched off for the whole organisation",
        "its administrator can switch it on for one mailbox: Set-CASMailbox -SmtpClientAuthenticationDisabled $false; or \
         send through Graph: run outlook-sendmail login --transport graph",
    ),
    to(INSIDE, Cause::SmtpAuthDisabled).text(&["SmtpClientAuthentication is disabled"]),
    to(INSIDE, Cause::PasswordDead).text(&["basic authentication is disabled"]),
    to(INSIDE, Cause::PasswordDead).text(&["Basic authentication is not supported"]),
    to(INSIDE, Cause::PasswordDead).status(&["5.7.30"]),
    to(INSIDE, Cause::PolicyRefused).text(&["did not meet the criteria"]),
    to(INSIDE, Cause::PolicyRefused)
        .text(&["security defaults"])
        .saying("the organisation's security defaults forbid this sign-in", "ask its administrator to allow SMTP for this mailbox"),
    to(INSIDE, Cause::PolicyRefused).text(&["organization configuration doesn't allow"]).saying(
        "the organisation's configuration forbids this sign-in",
        "ask its administrator; security defaults and authentication policies do that",
    ),
    to(INSIDE, Cause::SignInRefused).text(&["user credentials were incorrect"]).saying(
        "Outlook finds the user name or the password wrong",
        "check both, or sign in without a password: run outlook-sendmail login",
    ),
    // Never the token's fault: a new one would only look like guessing.
    to(AUTH, Cause::SignInRefused).status(&["5.7.139"]),
    to(INSIDE, Cause::MechanismMissing)
        .status(&["5.7.57"])
        .saying("Outlook says that nobody has signed in", "check host, port and auth; nothing was sent"),
    // The endpoint for high-volume mail looks into the token.
    to(AUTH, Cause::AuthRejected)
        .status(&["5.5.121", "5.5.122", "5.5.123", "5.5.124", "5.5.125", "5.5.126", "5.5.127"])
        .saying("Outlook finds the access token malformed or too old", "run: outlook-sendmail login"),
    to(AUTH, Cause::AuthRejected).status(&["5.7.142", "5.7.143", "5.7.144", "5.7.240"]).saying(
        "Outlook's high-volume service refuses the sign-in",
        "ask the organisation's administrator whether this account may use it, or set host = \"smtp.office365.com\"",
    ),
    // 4yz in form, but waiting brings no TLS; and behind AUTH it is not the token's fault.
    to(ANY, Cause::TlsFailed)
        .code(&[451])
        .status(&["5.7.3"])
        .text(&["STARTTLS is required"])
        .saying("the server asks for the TLS it has", "check host and port: something on the way may take TLS off; nothing was sent"),
    to(AUTH, Cause::AuthRejected).status(&["5.7.3"]),
    // Proxies in front of the mailbox; the same comes for a malformed AUTH.
    to(AUTH, Cause::Deferred).class(Codes::Temporary).text(&["Temporary server error"]).saying(
        "Outlook cannot sign anybody in now",
        "nothing was sent; try again later; if it stays so, run outlook-sendmail login with the account's primary address",
    ),
];
