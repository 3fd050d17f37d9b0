//! What the sign-in's errors mean: the cause by the OAuth code, words for a person by Microsoft's number.

use crate::failure::{Cause, Wording};

/// The endpoint's error codes (RFC 6749 section 5.2, OpenID Connect Core section 3.1.2.6, Microsoft's "Authentication
/// and authorization error codes"); [`UNKNOWN_CODE`] for all others.
const ERROR_CODES: &[(&str, Cause)] = &[
    ("invalid_grant", Cause::GrantRejected),
    ("interaction_required", Cause::GrantRejected),
    ("consent_required", Cause::GrantRejected),
    ("login_required", Cause::GrantRejected),
    ("invalid_client", Cause::ClientRejected),
    ("unauthorized_client", Cause::ClientRejected),
    ("invalid_scope", Cause::ScopeRejected),
    ("invalid_resource", Cause::ScopeRejected),
    ("invalid_request", Cause::ScopeRejected),
    ("unsupported_grant_type", Cause::ScopeRejected),
    ("temporarily_unavailable", Cause::TokenUnavailable),
    ("server_error", Cause::TokenUnavailable),
    ("authorization_declined", Cause::SignInDeclined),
    ("access_denied", Cause::SignInDeclined),
    ("expired_token", Cause::CodeRanOut),
    ("code_expired", Cause::CodeRanOut),
    ("bad_verification_code", Cause::Bug),
];

/// A code not in the table is still a refusal of the request as it was made.
const UNKNOWN_CODE: Cause = Cause::ScopeRejected;

/// What an error code means.
pub(super) fn cause_of(code: &str) -> Cause {
    ERROR_CODES.iter().find(|(known, _)| *known == code).map_or(UNKNOWN_CODE, |(_, cause)| *cause)
}

/// What to tell a person about a description that begins with one of the numbers below. Microsoft asks not to react to
/// descriptions, so the number chooses words and nothing else: cause and exit status are the error code's.
pub(super) fn wording_of(description: &str) -> Option<&'static Wording> {
    let number = number_in(description)?;
    NUMBERS.iter().find(|row| row.numbers.contains(&number)).map(|row| &row.wording)
}

/// The digits behind the first `AADSTS`.
fn number_in(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once(PREFIX)?;
    let end = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Microsoft's numbers begin so.
const PREFIX: &str = "AADSTS";

/// Numbers a person gets the same advice for.
struct Row {
    numbers: &'static [u32],
    wording: Wording,
}

const fn row(numbers: &'static [u32], sentence: &'static str, advice: &'static str) -> Row {
    Row { numbers, wording: Wording { sentence, advice } }
}

const CONSUMERS: &str = "set tenant = \"consumers\" for the account, then run: outlook-sendmail login";
const SIGN_IN: &str = "run: outlook-sendmail login";
const SIGN_IN_AGAIN: &str = "run outlook-sendmail login again";
const BY_BROWSER: &str =
    "run: outlook-sendmail login --browser, on a device the organisation knows; else ask its administrator";

/// Numbers and meanings from Microsoft's page "Microsoft Entra authentication and authorization error codes", and three
/// it does not list (28000, 500201, 9002331) from what Microsoft's server was seen to say with them.
#[rustfmt::skip]
const NUMBERS: &[Row] = &[
    // -- the grant
    row(&[700_082, 70_008], "the sign-in has lapsed: it was not used for too long, usually 90 days",
        "run: outlook-sendmail login; any message or renewal keeps the next one alive"),
    row(&[70_000], "Microsoft wants you to sign in again: the last sign-in was revoked or has expired",
        "run: outlook-sendmail login; if that is refused too, sign in at outlook.com and see whether the account is blocked"),
    row(&[70_043], "the organisation wants a new sign-in every so often", "run: outlook-sendmail login; its administrator sets how often"),
    row(&[50_173, 50_132, 50_133], "the sign-in was revoked, as a changed password does", SIGN_IN),
    row(&[50_089], "the sign-in has expired", SIGN_IN),
    row(&[9_002_313], "Microsoft cannot read the request", "run: outlook-sendmail login, in case what is kept is damaged; then check endpoints.authority"),
    row(&[54_005], "this sign-in was completed before", SIGN_IN_AGAIN),
    row(&[50_134], "the code was typed too far from where it was asked for", "run: outlook-sendmail login --browser"),
    // -- consent
    row(&[65_001, 90_008], "nobody has consented to this client id", "run outlook-sendmail login and accept what is asked; for a work account its administrator may have to"),
    row(&[65_004], "the consent was declined", "run outlook-sendmail login again and accept what is asked"),
    row(&[90_094, 90_095, 90_093], "only an administrator can consent to this client id", "ask the organisation's administrator to approve it, then run: outlook-sendmail login"),
    row(&[50_105], "the organisation has not assigned this client id to the account", "ask its administrator to assign it"),
    // -- proofs and policies
    row(&[50_074, 50_076, 50_078, 50_158], "the organisation wants another proof of identity (MFA)", "run: outlook-sendmail login --browser"),
    row(&[50_072, 50_079, 53_004], "the account has to register for multi-factor authentication first",
        "do that at https://aka.ms/mfasetup, then run: outlook-sendmail login"),
    row(&[53_003, 530_032, 530_035, 50_131], "a policy of the organisation blocks this way of signing in", BY_BROWSER),
    row(&[50_097, 50_005, 50_129, 50_155, 50_187, 53_000, 53_001], "the organisation lets only devices it knows sign in", BY_BROWSER),
    row(&[53_011], "the account is blocked as being at risk", "ask the organisation's administrator"),
    row(&[500_021, 500_022, 500_212, 500_213], "a policy of one of the two organisations forbids the sign-in", "ask its administrator"),
    // -- the account
    row(&[50_053], "the account is locked, or this network is blocked, after bad attempts to sign in", "wait, sign in at outlook.com, then run: outlook-sendmail login"),
    row(&[50_055, 50_144, 50_135], "the account needs a new password", "set one in a browser, then run: outlook-sendmail login"),
    row(&[50_057], "the account is disabled", "ask the organisation's administrator"),
    row(&[50_126, 50_056, 50_064], "wrong user name or password", SIGN_IN_AGAIN),
    // -- account, client id and tenant together
    row(&[50_020, 50_034, 51_004, 16_000, 500_208, 90_072], "the account does not exist in this tenant",
        "check tenant: \"consumers\" for Outlook.com, else \"organizations\" or the organisation's own"),
    row(&[90_002], "there is no such tenant", "check tenant: \"consumers\" for Outlook.com, else \"organizations\" or the organisation's own"),
    row(&[700_016, 700_011], "this tenant does not know the client id", "check client_id and tenant; the registration must allow this kind of account"),
    row(&[9_002_331], "the client id is for personal accounts only", CONSUMERS),
    row(&[9_002_332, 90_124, 90_130], "the client id is for work accounts only",
        "let the registration allow personal accounts too, or set tenant = \"organizations\""),
    row(&[50_194], "the client id belongs to one organisation only", "set tenant to that organisation's id, or let the registration allow others"),
    row(&[500_201, 90_027], "personal accounts need version 2.0 of the sign-in", "check endpoints.authority and tenant"),
    // -- the registration
    row(&[7_000_112], "the client id is disabled", "register one of your own as the manual says, set client_id, then run: outlook-sendmail login"),
    row(&[7_000_218], "the registration is not one of a public client",
        "set \"Allow public client flows\" to Yes under Authentication in the registration"),
    row(&[50_011, 900_971], "the registration lacks our redirect URI",
        "add http://localhost to it under Authentication, Mobile and desktop applications"),
    row(&[650_057, 65_005, 650_056], "the registration lacks a permission", "add the delegated permission SMTP.Send to it (Mail.Send for Graph)"),
    row(&[70_011, 28_002, 700_023], "Microsoft does not know a permission that was asked for", "check tenant, and that the registration has SMTP.Send (Mail.Send for Graph)"),
    row(&[28_000, 700_022], "permissions of two services were asked for together", "please report this"),
    row(&[500_011, 650_052, 50_001], "Exchange Online is not to be had in this tenant", "check tenant, or ask the organisation's administrator"),
    row(&[50_196], "too many requests for the same token", "wait some minutes, and see whether something calls sendmail in a loop"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_cause_once() {
        for (at, (code, cause)) in ERROR_CODES.iter().enumerate() {
            assert_eq!(cause_of(code), *cause);
            assert!(!ERROR_CODES[..at].iter().any(|(other, _)| other == code), "{code}");
        }
        assert_eq!(cause_of("something_new"), UNKNOWN_CODE);
    }

    #[test]
    fn every_number_reaches_its_row() {
        for row in NUMBERS {
            assert!(!row.numbers.is_empty());
            for number in row.numbers {
                let description = format!("{PREFIX}{number}: Something. {PREFIX}1: something else.");
                assert_eq!(wording_of(&description), Some(&row.wording), "{number}");
            }
        }
    }

    #[test]
    fn what_is_no_known_number_chooses_nothing() {
        for description in
            ["", "70000", "AADSTS", "AADSTS: 70000", "AADSTS7", "AADSTS99999999999999999999: x", "AADSTS-1"]
        {
            assert_eq!(wording_of(description), None, "{description}");
        }
    }

    #[test]
    fn words_are_short_and_say_what_to_do() {
        for Row { wording: Wording { sentence, advice }, .. } in NUMBERS {
            assert!(sentence.len() <= 100 && sentence.len() + advice.len() <= 250, "{sentence}");
            assert!(!advice.is_empty() && !sentence.ends_with('.') && !advice.ends_with('.'), "{sentence}");
        }
    }
}
