//! The parameters of MAIL and RCPT, decided from what the message needs and the server offers.

use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter, RcptParameter};

use crate::envelope::{Alphabet, Letter, Transfer};
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::Dsn;
use crate::submission::smtp::offers::{Offers, SizeLimit};

/// Parameters of one transaction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct EsmtpParameters {
    pub(super) mail: Vec<MailParameter>,
    pub(super) rcpt: Vec<RcptParameter>,
    pub(super) dsn: DsnUse,
}

/// Whether delivery status notification was asked for, which some servers offer and then refuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum DsnUse {
    Asked,
    #[default]
    None,
}

impl EsmtpParameters {
    /// Everything the message needs and wishes.
    pub(super) fn new(message: &Letter, offers: &Offers) -> Result<Self, Failure> {
        let mut parameters = Self::without_dsn(message, offers)?;
        if offers.dsn {
            let Dsn { notify, ret, envid } = message.dsn();
            parameters.mail.extend(ret.as_deref().map(|ret| mail(format!("RET={}", xtext(ret)))));
            parameters.mail.extend(envid.as_deref().map(|envid| mail(format!("ENVID={}", xtext(envid)))));
            parameters.rcpt.extend(notify.as_deref().map(|notify| rcpt(format!("NOTIFY={}", xtext(notify)))));
            if message.dsn() != &Dsn::default() {
                parameters.dsn = DsnUse::Asked;
            }
        }
        Ok(parameters)
    }

    /// The same without delivery status notification.
    pub(super) fn without_dsn(message: &Letter, offers: &Offers) -> Result<Self, Failure> {
        let mut parameters = Self::default();
        match offers.size {
            Some(SizeLimit::Octets(limit)) if message.size() > limit => {
                let words = format!("{} octets, and the server takes {limit}", message.size());
                return Err(failure(Cause::MessageTooLarge, words));
            }
            Some(SizeLimit::Octets(_) | SizeLimit::Unknown) => {
                parameters.mail.extend(usize::try_from(message.size()).ok().map(MailParameter::Size));
            }
            None => {}
        }
        match message.transfer() {
            Transfer::SevenBit => {}
            Transfer::EightBitMime if offers.eight_bit_mime => {
                parameters.mail.push(MailParameter::Body(MailBodyParameter::EightBitMime));
            }
            Transfer::EightBitMime => {
                return Err(failure(Cause::CannotConvert, "the server does not offer 8BITMIME".into()));
            }
        }
        let envelope = message.envelope();
        let mut addresses = envelope.from().into_iter().chain(envelope.to()).map(AsRef::<str>::as_ref);
        let in_header = (message.alphabet() == Alphabet::Utf8).then_some("an address in the header");
        match addresses.find(|address| !address.is_ascii()).or(in_header) {
            None => {}
            Some(_) if offers.smtp_utf8 => parameters.mail.push(MailParameter::SmtpUtfEight),
            Some(address) => {
                let words = format!("{address} is not ASCII, and the server does not offer SMTPUTF8");
                return Err(failure(Cause::AddressSyntax, words));
            }
        }
        Ok(parameters)
    }
}

fn failure(cause: Cause, words: String) -> Failure {
    Failure::new(Stage::Submission, cause, words)
}

// lettre encodes a value as xtext, but control characters wrongly and other alphabets not at all; a keyword goes out
// as it is, so the encoded whole is given as one.
fn mail(keyword: String) -> MailParameter {
    MailParameter::Other { keyword, value: None }
}

fn rcpt(keyword: String) -> RcptParameter {
    RcptParameter::Other { keyword, value: None }
}

/// RFC 3461 section 4: printable ASCII but `+` and `=` stays, everything else becomes `+` and two upper-case digits.
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'!'..=b'~' if octet != b'+' && octet != b'=' => encoded.push(char::from(octet)),
            _ => encoded.push_str(&format!("+{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_as_rfc_3461_says() {
        for (text, encoded) in [
            ("QQ314159", "QQ314159"),
            ("a+b=c d", "a+2Bb+3Dc+20d"),
            ("\r\n\u{e9}\0", "+0D+0A+C3+A9+00"),
            ("SUCCESS,FAILURE", "SUCCESS,FAILURE"),
        ] {
            assert_eq!(xtext(text), encoded);
            assert_eq!(mail(format!("ENVID={}", xtext(text))).to_string(), format!("ENVID={encoded}"));
            assert_eq!(rcpt(format!("NOTIFY={}", xtext(text))).to_string(), format!("NOTIFY={encoded}"));
        }
    }
}
