//! The values of the configuration: what each word means, and how a bad one is told with file and line.

use std::path::Path;
use std::time::Duration;

use lettre::Address;
use serde_spanned::Spanned;

use crate::account::CallerShown;
use crate::account::{AuthKind, FromPolicy, LoneDot, MessageIds, OnFailure, PROVIDERS, Provider, TransportKind};
use crate::address::parse_sender;
use crate::failure::{Cause, Failure, Stage};

/// A file's text, and how its faults are told.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn fault(&self, offset: usize, problem: &str) -> Failure {
        let line = 1 + self.text.get(..offset).unwrap_or(self.text).matches('\n').count();
        let problem = problem.lines().collect::<Vec<_>>().join(", ");
        let words = format!("{} line {line}: {problem}", self.file.display());
        Failure::new(Stage::Account, Cause::ConfigSyntax, words)
    }

    pub(super) fn later(&self, setting: &Spanned<String>, key: &str) -> Failure {
        let line = 1 + self.text.get(..setting.span().start).unwrap_or(self.text).matches('\n').count();
        let words = format!("{} line {line}: {key} = \"{}\"", self.file.display(), setting.get_ref());
        Failure::new(Stage::Account, Cause::Unsupported, words)
    }

    pub(super) fn address(&self, written: &Spanned<String>) -> Result<Address, Failure> {
        // lettre takes no more than 64 octets before the @: that is the server's business.
        let longer = || {
            let address = parse_sender(written.get_ref().as_bytes()).ok().flatten()?;
            address.to_lettre().ok().filter(|address| address.to_string() == *written.get_ref())
        };
        let address = written.get_ref().parse().ok().or_else(longer);
        address.ok_or_else(|| self.fault(written.span().start, "not a mail address"))
    }
}

pub(super) fn not_utf8(file: &Path, text: &[u8]) -> Failure {
    let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    let line = 1 + text.iter().take(valid).filter(|&&octet| octet == b'\n').count();
    let words = format!("{} line {line}: not UTF-8", file.display());
    Failure::new(Stage::Account, Cause::ConfigSyntax, words)
}

/// How the account signs in. A password is never more than an explicit choice, where one can work.
pub(super) fn auth(
    written: Option<&Spanned<String>>,
    provider: &Provider,
    transport: TransportKind,
    source: &Source<'_>,
) -> Result<AuthKind, Failure> {
    let auth = word(written, source, "auth", &AUTH_WORDS)?;
    let problem = match (auth, transport) {
        (AuthKind::OAuth2, _) => None,
        (AuthKind::Password, TransportKind::Graph) => Some("transport = \"graph\" takes no passwords"),
        (AuthKind::Password, TransportKind::Smtp) => provider.no_passwords,
    };
    match problem {
        Some(problem) => {
            let start = written.map_or(0, |written| written.span().start);
            Err(source.fault(start, &format!("auth = \"password\": {problem}")))
        }
        None => Ok(auth),
    }
}

/// Seconds a setting may name: up to a day.
pub(super) const LONGEST_WAIT: u64 = 86_400;

/// A word of the configuration: its meaning, or `None` for one that is known but cannot be had.
pub(super) type WordChoice<T> = (&'static str, Option<T>);

pub(super) const FROM_WORDS: [WordChoice<FromPolicy>; 3] =
    [("rewrite", Some(FromPolicy::Rewrite)), ("refuse", Some(FromPolicy::Refuse)), ("pass", Some(FromPolicy::Pass))];
pub(super) const CALLER_WORDS: [WordChoice<CallerShown>; 2] =
    [("show", Some(CallerShown::Always)), ("hide", Some(CallerShown::Never))];
pub(super) const ON_FAILURE_WORDS: [WordChoice<OnFailure>; 3] =
    [("auto", Some(OnFailure::Auto)), ("report", Some(OnFailure::Report)), ("keep", Some(OnFailure::Keep))];
pub(super) const AUTH_WORDS: [WordChoice<AuthKind>; 2] =
    [("oauth2", Some(AuthKind::OAuth2)), ("password", Some(AuthKind::Password))];
pub(super) const LONE_DOT_WORDS: [WordChoice<LoneDot>; 2] =
    [("content", Some(LoneDot::Content)), ("ends-message", Some(LoneDot::EndsMessage))];
pub(super) const MESSAGE_ID_WORDS: [WordChoice<MessageIds>; 2] =
    [("repair", Some(MessageIds::Repair)), ("leave", Some(MessageIds::Leave))];
pub(super) const TRANSPORT_WORDS: [WordChoice<TransportKind>; 2] =
    [("smtp", Some(TransportKind::Smtp)), ("graph", Some(TransportKind::Graph))];

/// The meaning of a word, the first of `choices` when it is not set.
pub(super) fn word<T: Clone>(
    written: Option<&Spanned<String>>,
    source: &Source<'_>,
    key: &str,
    choices: &[WordChoice<T>],
) -> Result<T, Failure> {
    let Some(written) = written else {
        let default = choices.first().and_then(|choice| choice.1.clone());
        return default.ok_or_else(|| source.fault(0, "a default is missing"));
    };
    match choices.iter().find(|choice| choice.0 == written.get_ref()) {
        Some((_, Some(meaning))) => Ok(meaning.clone()),
        Some((_, None)) => Err(source.later(written, key)),
        None => {
            let known: Vec<_> = choices.iter().map(|choice| choice.0).collect();
            Err(source.fault(written.span().start, &format!("{key} must be one of: {}", known.join(", "))))
        }
    }
}

pub(super) fn provider(written: Option<&Spanned<String>>, source: &Source<'_>) -> Result<&'static Provider, Failure> {
    let choices: Vec<_> = PROVIDERS.iter().map(|row| (row.name, Some(row))).collect();
    word(written, source, "provider", &choices)
}

pub(super) fn seconds(written: Option<Spanned<u64>>, default: u64, source: &Source<'_>) -> Result<Duration, Failure> {
    let Some(written) = written else { return Ok(Duration::from_secs(default)) };
    if !(1..=LONGEST_WAIT).contains(written.get_ref()) {
        return Err(source.fault(written.span().start, "must be between 1 and 86400 seconds"));
    }
    Ok(Duration::from_secs(written.into_inner()))
}

/// The server's name; its port is a setting of its own.
pub(super) fn host(
    written: Option<Spanned<String>>,
    provider: &Provider,
    address: &Spanned<String>,
    source: &Source<'_>,
) -> Result<String, Failure> {
    let good = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
    let Some(written) = written else {
        return match provider.host {
            "" => Err(source.fault(address.span().start, "this provider needs host = \"...\"")),
            host => Ok(host.to_owned()),
        };
    };
    let start = written.span().start;
    match written.get_ref().rsplit_once(':') {
        Some(_) if is_like_ipv6(written.get_ref()) => Ok(written.into_inner()),
        Some((name, port)) if port.parse::<u16>().is_ok() => {
            Err(source.fault(start, &format!("the port is a setting of its own: host = \"{name}\", port = {port}")))
        }
        None if !written.get_ref().is_empty() && written.get_ref().bytes().all(good) => Ok(written.into_inner()),
        Some(_) | None => Err(source.fault(start, "host must be a server's name, such as smtp.example.org")),
    }
}

/// An address of IPv6, which has colons of its own, with or without brackets.
fn is_like_ipv6(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    bare.matches(':').count() > 1 && bare.bytes().all(|octet| octet.is_ascii_hexdigit() || b":.".contains(&octet))
}

/// Its port. On 465 TLS begins before anything is said (RFC 8314 section 3.3), which we do not do.
pub(super) fn port(written: Option<Spanned<u16>>, provider: &Provider, source: &Source<'_>) -> Result<u16, Failure> {
    match written {
        None => Ok(provider.port),
        Some(written) if *written.get_ref() == 465 => Err(source.fault(
            written.span().start,
            "port 465 wants TLS from the first octet, and this program speaks STARTTLS: set the server's other \
             submission port, usually 587",
        )),
        Some(written) if *written.get_ref() == 0 => Err(source.fault(written.span().start, "port must be 1 to 65535")),
        Some(written) => Ok(written.into_inner()),
    }
}

/// EHLO takes a domain or an address literal; anything else would end the command early.
pub(super) fn ehlo(written: Spanned<String>, source: &Source<'_>) -> Result<String, Failure> {
    let good = |octet: u8| octet.is_ascii_alphanumeric() || b"-.:[]".contains(&octet);
    match written.get_ref().as_str() {
        "" => Err(source.fault(written.span().start, "ehlo must not be empty")),
        name if name.bytes().all(good) => Ok(written.into_inner()),
        _ => Err(source.fault(written.span().start, "ehlo must be a domain or an address literal")),
    }
}

/// The tenant becomes part of a URL.
pub(super) fn tenant(
    written: Option<Spanned<String>>,
    provider: &Provider,
    source: &Source<'_>,
) -> Result<String, Failure> {
    let good = |octet: u8| octet.is_ascii_alphanumeric() || b"-.".contains(&octet);
    match written {
        None => Ok(provider.tenant.to_owned()),
        Some(written) if !written.get_ref().is_empty() && written.get_ref().bytes().all(good) => {
            Ok(written.into_inner())
        }
        Some(written) => Err(source.fault(written.span().start, "tenant must be a word, a domain or a tenant id")),
    }
}

/// A setting under `endpoints`, and what its account has to say about it.
pub(super) struct Endpoint<'a> {
    pub(super) key: &'a str,
    /// The provider's; empty when it has none.
    pub(super) default: &'a str,
    /// Whether the account uses it.
    pub(super) is_needed: bool,
    /// Where a missing one is told.
    pub(super) account: &'a Spanned<String>,
}

/// A base URL, without a slash at the end.
pub(super) fn endpoint(
    written: Option<Spanned<String>>,
    source: &Source<'_>,
    Endpoint { key, default, is_needed, account }: Endpoint<'_>,
) -> Result<String, Failure> {
    match written {
        None if is_needed && default.is_empty() => Err(source
            .fault(account.span().start, &format!("this provider needs endpoints = {{ {key} = \"https://...\" }}"))),
        None => Ok(default.to_owned()),
        Some(written) if is_base_url(written.get_ref()) => Ok(written.get_ref().trim_end_matches('/').to_owned()),
        Some(written) => Err(source.fault(written.span().start, &format!("{key} must be an https:// URL"))),
    }
}

/// It becomes part of requests and scopes: no user, query or fragment in it, and nothing that ends a line or a word.
fn is_base_url(written: &str) -> bool {
    let good = |octet: u8| octet.is_ascii_graphic() && !b"@?#\"<>\\".contains(&octet);
    written.strip_prefix("https://").is_some_and(|rest| !rest.starts_with(['/', ':']) && !rest.is_empty())
        && written.bytes().all(good)
}
