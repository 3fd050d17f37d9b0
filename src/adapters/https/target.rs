//! An https URL taken apart.

use std::path::Path;

use crate::words::SafeText;
use crate::world::{Server, WireFault};

/// Where a URL leads.
pub(super) struct Target<'a> {
    /// Host and port as written.
    pub(super) authority: &'a str,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) path: &'a str,
}

impl<'a> Target<'a> {
    /// What is connected to.
    pub(super) fn server(&self, ca_file: Option<&'a Path>) -> Server<'a> {
        Server { host: self.host, port: self.port, ca_file }
    }

    pub(super) fn of(url: &'a str) -> Result<Self, WireFault> {
        let nonsense = || WireFault::Unresolved(SafeText::from(format!("{url} is no https URL")));
        let rest = url.strip_prefix("https://").ok_or_else(nonsense)?;
        let (authority, path) = rest.find('/').and_then(|slash| rest.split_at_checked(slash)).unwrap_or((rest, "/"));
        // The colons of an IPv6 address stand in brackets.
        let colon = authority.rfind(':').filter(|colon| authority.rfind(']').is_none_or(|bracket| bracket < *colon));
        let (host, port) = match colon.and_then(|colon| authority.split_at_checked(colon)) {
            Some((host, port)) => (host, port.trim_start_matches(':').parse().map_err(|_| nonsense())?),
            None => (authority, 443),
        };
        if host.is_empty() || !url.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(nonsense());
        }
        Ok(Self { authority, host, port, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, host, port, path) in [
            ("https://graph.microsoft.com/v1.0/me/sendMail", "graph.microsoft.com", 443, "/v1.0/me/sendMail"),
            ("https://localhost:8443/x", "localhost", 8443, "/x"),
            ("https://[::1]:8443/x", "[::1]", 8443, "/x"),
            ("https://[::1]/x", "[::1]", 443, "/x"),
            ("https://graph", "graph", 443, "/"),
        ] {
            let target = Target::of(url).unwrap_or_else(|_| panic!("{url}"));
            assert_eq!((target.host, target.port, target.path), (host, port, path));
        }
        for url in ["http://x/", "https:///x", "https://:1/x", "https://x:y/", "https://x:99999/", "https://x/\r\nY: z"]
        {
            assert!(Target::of(url).is_err(), "{url}");
        }
    }
}
