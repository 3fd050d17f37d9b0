//! The mail providers we know, one row of data each.

/// What differs between providers.
#[derive(Debug)]
pub struct Provider {
    /// The word in `provider = "..."`.
    pub name: &'static str,
    /// Submission host; empty when the configuration must name one.
    pub host: &'static str,
    /// Submission port.
    pub port: u16,
    /// The OAuth tenant when none is configured.
    pub tenant: &'static str,
    /// Scopes of the grant for SMTP, separated by spaces.
    pub scope: &'static str,
    /// Those for Graph, the first a permission of `endpoints.graph`.
    pub graph_scope: &'static str,
    /// Why no password works there, when none does.
    pub no_passwords: Option<&'static str>,
    /// Where a person looks at and takes back what they granted; empty when we do not know.
    pub grants_page: &'static str,
    /// The longest AUTH command line with an initial response, in octets. RFC 4954 section 4 says 512; Outlook takes
    /// the lines of about 2,000 octets that git and others send.
    pub auth_line_limit: usize,
    /// After how many days without use a grant lapses, where that is known. Microsoft's refresh tokens last for 90
    /// (learn.microsoft.com, "Refresh tokens in the Microsoft identity platform").
    pub unused_days: Option<u64>,
    /// The largest message, in octets. Outlook announces 157,286,400 (150 MiB) for the platform; a mailbox may
    /// have less, which only the end of DATA tells.
    pub size_limit: u64,
}

/// Domains of personal mailboxes, which Microsoft has under most top-level domains.
const PERSONAL_NAMES: [&str; 3] = ["outlook", "hotmail", "live"];
const PERSONAL_DOMAINS: [&str; 3] = ["msn.com", "passport.com", "windowslive.com"];

/// Whether a mailbox of this domain is a personal one of Outlook.com, which no directory but `consumers` knows.
pub fn is_personal(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let named = domain.split_once('.').is_some_and(|(name, top)| {
        PERSONAL_NAMES.contains(&name) && top.split('.').all(|label| (2..=3).contains(&label.len()))
    });
    named || PERSONAL_DOMAINS.contains(&domain.as_str())
}

/// Outlook.com first: it is the default.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        name: "outlook",
        host: "smtp-mail.outlook.com",
        port: 587,
        tenant: "consumers",
        scope: "https://outlook.office.com/SMTP.Send offline_access openid email",
        graph_scope: "Mail.Send offline_access openid email",
        no_passwords: Some(
            "Outlook.com takes no passwords since September 2024; another server needs provider and host too",
        ),
        grants_page: "https://account.live.com/consent/Manage",
        auth_line_limit: 4000,
        unused_days: Some(90),
        size_limit: 157_286_400,
    },
    Provider {
        name: "microsoft365",
        host: "smtp.office365.com",
        port: 587,
        tenant: "organizations",
        scope: "https://outlook.office.com/SMTP.Send offline_access openid email",
        graph_scope: "Mail.Send offline_access openid email",
        no_passwords: None,
        grants_page: "https://myapplications.microsoft.com",
        auth_line_limit: 4000,
        unused_days: Some(90),
        size_limit: 157_286_400,
    },
    Provider {
        name: "custom",
        host: "",
        port: 587,
        tenant: "common",
        scope: "offline_access openid email",
        graph_scope: "Mail.Send offline_access openid email",
        no_passwords: None,
        grants_page: "",
        auth_line_limit: 512,
        unused_days: None,
        size_limit: 157_286_400,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_mailboxes() {
        for domain in ["outlook.com", "Outlook.de", "hotmail.co.uk", "live.fr", "msn.com"] {
            assert!(is_personal(domain), "{domain}");
        }
        for domain in
            ["contoso.com", "contoso.onmicrosoft.com", "outlook.example", "mail.outlook.com", "live", "outlook"]
        {
            assert!(!is_personal(domain), "{domain}");
        }
    }
}
