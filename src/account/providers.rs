//! The mail providers we know, one row of data each.

/// Whose software answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailServer {
    /// Microsoft's.
    Outlook,
    /// Anybody's.
    Other,
}

impl MailServer {
    /// As a sentence calls it.
    pub const fn called(self) -> &'static str {
        match self {
            Self::Outlook => "Outlook",
            Self::Other => "the server",
        }
    }
}

/// Where the OAuth endpoints lie below an authority; `{tenant}` stands for the account's.
#[derive(Debug)]
pub struct OAuthPaths {
    /// Where a browser asks for a code (RFC 6749 section 3.1).
    pub authorize: &'static str,
    /// Where tokens are had (RFC 6749 section 3.2).
    pub token: &'static str,
    /// Where a code for another device is had (RFC 8628 section 3.1).
    pub device_code: &'static str,
}

/// Microsoft's, which others that are configured with an authority have to have too.
const ENTRA_PATHS: OAuthPaths = OAuthPaths {
    authorize: "/{tenant}/oauth2/v2.0/authorize",
    token: "/{tenant}/oauth2/v2.0/token",
    device_code: "/{tenant}/oauth2/v2.0/devicecode",
};

/// What differs between providers.
#[derive(Debug)]
pub struct Provider {
    /// The word in `provider = "..."`.
    pub name: &'static str,
    /// Whose software answers.
    pub server: MailServer,
    /// Submission host; empty when the configuration must name one.
    pub host: &'static str,
    /// Submission port.
    pub port: u16,
    /// Base URL of the OAuth endpoints; empty when the configuration must name one.
    pub authority: &'static str,
    /// Where they lie below it.
    pub oauth_paths: OAuthPaths,
    /// Base URL of Microsoft Graph; empty when the configuration must name one.
    pub graph: &'static str,
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

/// The tenant of all personal mailboxes, and of no other.
pub const PERSONAL_TENANT: &str = "consumers";

impl Provider {
    /// The one of Microsoft's services that a tenant's mailboxes are at.
    pub fn of_tenant(tenant: &str) -> Option<&'static Self> {
        let is_personal = |tenant: &str| tenant == PERSONAL_TENANT;
        let mut rows = PROVIDERS.iter().filter(|row| row.server == MailServer::Outlook);
        rows.find(|row| is_personal(row.tenant) == is_personal(tenant))
    }
}

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
        server: MailServer::Outlook,
        host: "smtp-mail.outlook.com",
        port: 587,
        authority: "https://login.microsoftonline.com",
        oauth_paths: ENTRA_PATHS,
        graph: "https://graph.microsoft.com",
        tenant: PERSONAL_TENANT,
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
        server: MailServer::Outlook,
        host: "smtp.office365.com",
        port: 587,
        authority: "https://login.microsoftonline.com",
        oauth_paths: ENTRA_PATHS,
        graph: "https://graph.microsoft.com",
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
        server: MailServer::Other,
        host: "",
        port: 587,
        authority: "",
        oauth_paths: ENTRA_PATHS,
        graph: "",
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

    /// A value of a row stands in no other file, and every field of a row is read somewhere.
    #[test]
    fn what_differs_between_providers_stands_in_its_row_and_is_read_from_there() {
        let sources = crate::account::sources::outside_tests(&["src/account/providers.rs", "src/account/keys.rs"]);
        let rows = include_str!("providers.rs").split("mod tests").next().unwrap();
        for value in rows.split('"').skip(1).step_by(2).filter(|value| value.contains("://") || value.contains("/v2.0"))
        {
            let host = value.split(' ').next().unwrap();
            for (file, text) in &sources {
                assert!(!text.contains(&format!("\"{host}")), "{file} has {host}, which is a provider's");
            }
        }
        let fields = rows.split("pub struct Provider {").nth(1).unwrap().split("\n}").next().unwrap();
        for field in fields.lines().filter_map(|line| line.trim().strip_prefix("pub ")) {
            let name = field.split(':').next().unwrap();
            let is_read = sources
                .iter()
                .any(|(_, text)| ["provider", "row"].iter().any(|row| text.contains(&format!("{row}.{name}"))));
            assert!(is_read, "nobody reads {name} of a provider");
        }
    }

    #[test]
    fn every_provider_is_described() {
        let doc = |key: &str| crate::account::keys::ACCOUNT_KEYS.iter().find(|row| row.name == key).unwrap();
        for row in PROVIDERS {
            assert!(doc("provider").doc.contains(row.name), "{}", row.name);
        }
        let first = PROVIDERS.first().unwrap();
        for (key, value) in [
            ("endpoints.authority", first.authority),
            ("endpoints.graph", first.graph),
            ("host", first.host),
            ("tenant", first.tenant),
        ] {
            assert_eq!(doc(key).example, format!("{value:?}"), "{key}");
        }
    }

    #[test]
    fn a_tenant_tells_which_service_it_is() {
        assert_eq!(Provider::of_tenant("consumers").unwrap().name, "outlook");
        for tenant in ["organizations", "contoso.example", "common"] {
            assert_eq!(Provider::of_tenant(tenant).unwrap().name, "microsoft365", "{tenant}");
        }
    }

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
