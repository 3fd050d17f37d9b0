//! What went wrong with TLS, in words a person can act on.

use rustls::{CertificateError, Error};

use crate::words::SafeText;
use crate::world::WireFault;

/// Certificates apart from everything else.
pub(super) fn fault(error: &Error, host: &str) -> WireFault {
    if let Error::InvalidCertificate(certificate) = error {
        return WireFault::Certificate(certificate_words(certificate, host));
    }
    if matches!(error, Error::NoCertificatesPresented) {
        return WireFault::Certificate(SafeText::from("the server has none"));
    }
    WireFault::Tls(other_words(error))
}

fn certificate_words(error: &CertificateError, host: &str) -> SafeText {
    use CertificateError as E;
    let other;
    let words = if matches!(error, E::Expired | E::ExpiredContext { .. }) {
        "it has expired, or this machine's clock is wrong"
    } else if matches!(error, E::NotValidYet | E::NotValidYetContext { .. }) {
        "it is not valid yet, or this machine's clock is wrong"
    } else if matches!(error, E::NotValidForName | E::NotValidForNameContext { .. }) {
        other = format!("it is not valid for the name {host}");
        &other
    } else if matches!(error, E::UnknownIssuer) {
        "it was issued by nobody this machine trusts"
    } else if matches!(error, E::Revoked) {
        "it was revoked"
    } else if matches!(error, E::BadSignature) {
        "its signature is wrong"
    } else if matches!(error, E::InvalidPurpose | E::InvalidPurposeContext { .. }) {
        "it is not meant for a server"
    } else {
        other = error.to_string();
        &other
    };
    SafeText::from(words)
}

fn other_words(error: &Error) -> SafeText {
    if matches!(error, Error::InvalidMessage(_)) {
        return SafeText::from(format!("what the server sent is not TLS ({error})"));
    }
    if matches!(error, Error::PeerIncompatible(_)) {
        return SafeText::from(format!("the server offers neither TLS 1.2 nor 1.3 as we need it ({error})"));
    }
    SafeText::from(error.to_string())
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, InvalidMessage};

    use super::*;

    #[test]
    fn a_certificate_is_refused_in_plain_words() {
        for (error, part) in [
            (CertificateError::Expired, "expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::NotValidForName, "not valid for the name mail.example"),
            (CertificateError::UnknownIssuer, "nobody this machine trusts"),
            (CertificateError::Revoked, "revoked"),
            (CertificateError::BadSignature, "signature"),
            (CertificateError::InvalidPurpose, "not meant for a server"),
            (CertificateError::BadEncoding, "BadEncoding"),
        ] {
            let WireFault::Certificate(words) = fault(&Error::InvalidCertificate(error), "mail.example") else {
                panic!()
            };
            assert!(words.whole().contains(part), "{words:?}");
        }
    }

    #[test]
    fn everything_else_is_tls() {
        for error in [
            Error::AlertReceived(AlertDescription::HandshakeFailure),
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
        ] {
            assert!(matches!(fault(&error, "x"), WireFault::Tls(_)));
        }
    }
}
