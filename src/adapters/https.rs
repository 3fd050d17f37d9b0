//! HTTPS on our own connection, which knows what has gone out: explicit trust anchors, no redirects, no proxies, everything
//! inside its deadlines.

use std::path::Path;
mod answer;
mod post;
mod target;

use std::time::Instant;

use zeroize::Zeroizing;

use super::wire;
use crate::secret::Secret;
use crate::world::{Https, HttpsAnswer, HttpsFault, Post, PostAnswer, PostFault, Wire, WireFault};
use answer::HttpAnswer;
use target::Target;

/// HTTP/1.1 (RFC 9112), one request a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnHttps;

impl Https for OwnHttps {
    fn post(&self, ca_file: Option<&Path>, post: Post<'_>) -> Result<PostAnswer, PostFault> {
        post::post(ca_file, post)
    }

    fn post_form(
        &self,
        ca_file: Option<&Path>,
        url: &str,
        form: &[(&str, &Secret)],
        deadline: Instant,
    ) -> Result<HttpsAnswer, HttpsFault> {
        let mut answer = exchange(ca_file, url, Some(&form_urlencoded(form)), deadline)?;
        match answer.cut.take() {
            Some(fault) => Err(told(fault)),
            None => Ok(HttpsAnswer {
                status: answer.status,
                retry_after: answer.retry_after,
                body: Secret::new(std::mem::take(&mut *answer.body)),
            }),
        }
    }
}

/// The Date field of an answer to a GET, whatever its status, or an empty text: it shows that HTTPS works from here.
///
/// # Errors
/// Those of [`Https::post_form`].
pub(super) fn date(ca_file: Option<&Path>, url: &str, deadline: Instant) -> Result<String, HttpsFault> {
    Ok(exchange(ca_file, url, None, deadline)?.date.whole().to_owned())
}

/// Posts a form, or gets without one.
fn exchange(
    ca_file: Option<&Path>,
    url: &str,
    form: Option<&[u8]>,
    deadline: Instant,
) -> Result<HttpAnswer, HttpsFault> {
    let target = Target::of(url).map_err(|_| HttpsFault::Nonsense(format!("{url} is no https URL").into()))?;
    let request = request(&target, form);
    let mut wire = wire::connect(target.server(ca_file), deadline).map_err(told)?;
    wire.start_tls(deadline).map_err(told)?;
    wire.send(&request, deadline).map_err(told)?;
    answer::read(&mut |until| wire.receive(until), deadline).map_err(told)
}

/// The whole request, in a buffer that is wiped and never moved.
fn request(target: &Target<'_>, form: Option<&[u8]>) -> Zeroizing<Vec<u8>> {
    let method = if form.is_some() { "POST" } else { "GET" };
    let mut head = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: application/json\r\nConnection: close\r\n",
        target.path,
        target.authority,
        concat!("outlook-sendmail/", env!("CARGO_PKG_VERSION")),
    );
    if let Some(form) = form {
        head.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        head.push_str(&format!("Content-Length: {}\r\n", form.len()));
    }
    head.push_str("\r\n");
    let form = form.unwrap_or_default();
    let mut request = Zeroizing::new(Vec::with_capacity(head.len() + form.len()));
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(form);
    request
}

/// What a fault of the wire means for an exchange that only asks.
fn told(fault: WireFault) -> HttpsFault {
    match fault {
        WireFault::Certificate(words) | WireFault::TrustAnchors(words) => HttpsFault::Certificate(words),
        WireFault::NotAReply(words) => HttpsFault::Nonsense(words),
        WireFault::TimedOut => HttpsFault::Network("no answer in time".into()),
        WireFault::Injected => HttpsFault::Nonsense("octets came before TLS".into()),
        WireFault::Unresolved(words)
        | WireFault::Unreachable(words)
        | WireFault::Lost(words)
        | WireFault::Tls(words) => HttpsFault::Network(words),
    }
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
    fn a_request_is_whole_and_says_where_it_ends() {
        let target = Target::of("https://login.test:8443/consumers/token?x=y").unwrap();
        let text = |form| String::from_utf8(request(&target, form).to_vec()).unwrap();
        assert_eq!(
            text(Some(b"a=b")),
            concat!(
                "POST /consumers/token?x=y HTTP/1.1\r\nHost: login.test:8443\r\nUser-Agent: outlook-sendmail/",
                env!("CARGO_PKG_VERSION"),
                "\r\nAccept: application/json\r\nConnection: close\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"
            )
        );
        assert!(
            text(None).starts_with("GET /consumers/token?x=y HTTP/1.1\r\n") && text(None).ends_with("close\r\n\r\n")
        );
    }
}
