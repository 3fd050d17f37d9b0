//! HTTPS POST: of forms on ureq, with explicit trust anchors, no redirects, no proxies, everything inside one deadline; of
//! messages on our own connection, which knows what has gone out.

mod answer;
mod post;

use std::io::{self, Read};
use std::time::Instant;

use rustls::Error as TlsError;
use ureq::http::{
    HeaderMap,
    header::{DATE, RETRY_AFTER},
};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error};
use zeroize::Zeroizing;

use super::trust;
use crate::account::Account;
use crate::credentials::Secret;
use crate::words::Words;
use crate::world::{Https, HttpsAnswer, HttpsFault, Post, PostAnswer, PostFault};

/// The largest answer we read: tokens have 3 KB.
const BODY_LIMIT: u64 = 1024 * 1024;

/// The token endpoint over ureq, Graph over our own connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct UreqHttps;

impl Https for UreqHttps {
    fn post(&self, account: &Account, post: Post<'_>) -> Result<PostAnswer, PostFault> {
        post::post(account, post)
    }

    fn post_form(
        &self,
        account: &Account,
        url: &str,
        form: &[(&str, &Secret)],
        deadline: Instant,
    ) -> Result<HttpsAnswer, HttpsFault> {
        let agent = agent(account, deadline)?;
        let body = form_urlencoded(form);
        let answer = agent
            .post(url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "application/json")
            .send(body.as_slice())
            .map_err(fault)?;
        let status = answer.status().as_u16();
        let retry_after = retry_after(answer.headers());
        let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
        answer
            .into_body()
            .into_with_config()
            .limit(BODY_LIMIT)
            .reader()
            .read_to_end(&mut body)
            .map_err(|error| fault(error.into()))?;
        Ok(HttpsAnswer { status, retry_after, body: Secret::new(std::mem::take(&mut *body)) })
    }
}

/// The Date header of an answer to a GET, whatever its status, or an empty text: it shows that HTTPS works from here.
///
/// # Errors
/// Those of [`Https::post_form`].
pub(super) fn date(account: &Account, url: &str, deadline: Instant) -> Result<String, HttpsFault> {
    let answer = agent(account, deadline)?.get(url).call().map_err(fault)?;
    let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok());
    Ok(date.unwrap_or_default().to_owned())
}

fn agent(account: &Account, deadline: Instant) -> Result<Agent, HttpsFault> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(HttpsFault::Network("no time left".into()));
    }
    let roots = trust::roots(account.tls_ca_file.as_deref()).map_err(HttpsFault::Certificate)?;
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(trust::provider())
        .root_certs(RootCerts::from(roots.iter().map(|root| Certificate::from_der(root).to_owned())))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .proxy(None) // the default reads HTTPS_PROXY and ALL_PROXY, which a caller controls
        .https_only(true)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(left))
        .user_agent(concat!("outlook-sendmail/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.into())
}

/// Seconds of a Retry-After header (RFC 9110 section 10.2.3); the form with a date counts as none.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// `application/x-www-form-urlencoded` (URL Standard section 5.2), in a buffer that is wiped and never moved.
fn form_urlencoded(form: &[(&str, &Secret)]) -> Zeroizing<Vec<u8>> {
    let longest = form.iter().map(|(name, value)| 2 + 3 * (name.len() + value.reveal().len())).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(longest));
    for (name, value) in form {
        if !body.is_empty() {
            body.push(b'&');
        }
        encode(name.as_bytes(), &mut body);
        body.push(b'=');
        encode(value.reveal(), &mut body);
    }
    body
}

fn encode(octets: &[u8], body: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &octet in octets {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => body.push(octet),
            b' ' => body.push(b'+'),
            _ => {
                body.push(b'%');
                body.extend([octet >> 4, octet & 15].iter().filter_map(|digit| HEX.get(usize::from(*digit))));
            }
        }
    }
}

/// What a failed exchange was. ureq's errors name URL and TLS alerts, never the body.
#[expect(clippy::wildcard_enum_match_arm, reason = "ureq's errors are open-ended; what is left is the network's")]
fn fault(error: Error) -> HttpsFault {
    let words = Words::from(error.to_string());
    match error {
        Error::Rustls(error) => tls_fault(&error, words),
        Error::Io(error) => match tls_error(&error) {
            Some(inner) => tls_fault(inner, inner.to_string().into()),
            None => HttpsFault::Network(error.to_string().into()),
        },
        Error::Timeout(_) => HttpsFault::Network("no answer in time".into()),
        Error::BadUri(_)
        | Error::RequireHttpsOnly(_)
        | Error::Http(_)
        | Error::Protocol(_)
        | Error::LargeResponseHeader(..)
        | Error::BodyExceedsLimit(_) => HttpsFault::Nonsense(words),
        _ => HttpsFault::Network(words),
    }
}

fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

fn tls_fault(error: &TlsError, words: Words) -> HttpsFault {
    if matches!(error, TlsError::InvalidCertificate(_) | TlsError::NoCertificatesPresented) {
        HttpsFault::Certificate(words)
    } else {
        HttpsFault::Network(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_whatever_its_values_are() {
        let scope = Secret::from("https://outlook.office.com/SMTP.Send offline_access");
        let token = Secret::from("M.C5_a!*+/=&ü");
        let body = form_urlencoded(&[("scope", &scope), ("refresh_token", &token)]);
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            "scope=https%3A%2F%2Foutlook.office.com%2FSMTP.Send+offline_access&\
             refresh_token=M.C5_a%21*%2B%2F%3D%26%C3%BC"
        );
    }

    #[test]
    fn retry_after_is_seconds() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, "17".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(17));
        headers.insert(RETRY_AFTER, "Sun, 22 Nov 2026 21:00:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }

    #[test]
    fn a_certificate_fault_is_told_from_a_broken_network() {
        let untrusted = TlsError::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = Error::Io(io::Error::new(io::ErrorKind::InvalidData, untrusted));
        assert!(matches!(fault(wrapped), HttpsFault::Certificate(_)));
        assert!(matches!(fault(Error::HostNotFound), HttpsFault::Network(_)));
        assert!(matches!(fault(Error::RequireHttpsOnly("http://x".into())), HttpsFault::Nonsense(_)));
    }
}
