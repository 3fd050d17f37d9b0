//! SMTP server, token endpoint and Graph together, as one account's Outlook.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use crate::certificates::Authority;
use crate::dialogue::Dialogue;
use crate::endpoint::TokenEndpoint;
use crate::graph::GraphServer;
use crate::smtp::SmtpServer;
use crate::tokens::Tokens;

/// The scope a client needs for SMTP.
pub const SMTP_SCOPE: &str = "https://outlook.office.com/SMTP.Send";

/// What kind of Outlook to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to write the authority's certificate, PEM.
    pub ca_file: PathBuf,
    /// The account's primary address.
    pub account: String,
    /// Further addresses it may send as.
    pub aliases: Vec<String>,
    /// The only client id the token endpoint knows.
    pub client_id: String,
    /// The only tenant the token endpoint answers for.
    pub tenant: String,
    /// What to do otherwise than Outlook.
    pub dialogue: Option<Dialogue>,
    /// Whether SMTP and HTTPS also listen on ::1.
    pub ipv6: bool,
    /// Simulated round-trip time: added once to each round trip.
    pub latency: Duration,
    /// Octets of an access token; real ones have 1,000 to 3,000, a work account's over 4,000.
    pub access_token_length: usize,
    /// Lifetime of an access token.
    pub access_token_lifetime: Duration,
    /// Whether a refresh token works only once (Microsoft's keep working).
    pub revoke_on_reuse: bool,
    /// With a password, LOGIN and PLAIN work; Outlook.com has none.
    pub password: Option<String>,
    /// Whether a message keeps its Message-ID, as with Microsoft 365.
    pub keep_message_id: bool,
}

impl Options {
    /// A personal account as Outlook.com treats it, `ca_file` being written.
    pub fn new(ca_file: impl Into<PathBuf>) -> Self {
        Self {
            ca_file: ca_file.into(),
            account: "someone@outlook.com".to_owned(),
            aliases: Vec::new(),
            client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            tenant: "consumers".to_owned(),
            dialogue: None,
            ipv6: false,
            latency: Duration::ZERO,
            access_token_length: 1500,
            access_token_lifetime: Duration::from_secs(3599),
            revoke_on_reuse: false,
            password: None,
            keep_message_id: false,
        }
    }
}

/// A running Outlook; it ends when dropped.
pub struct Outlook {
    /// The submission server.
    pub smtp: SmtpServer,
    /// The token endpoint.
    pub endpoint: TokenEndpoint,
    /// Graph.
    pub graph: GraphServer,
    /// The tokens all know.
    pub tokens: Arc<Tokens>,
    /// The authority behind all certificates.
    pub authority: Authority,
    options: Options,
}

impl Outlook {
    /// Starts the servers and writes the authority's certificate.
    pub fn start(options: Options) -> io::Result<Self> {
        let authority = Authority::new().map_err(io::Error::other)?;
        fs::write(&options.ca_file, authority.pem())?;
        let tokens = Arc::new(Tokens::new(options.access_token_length));
        let smtp = SmtpServer::start(&options, &authority, Arc::clone(&tokens))?;
        let endpoint = TokenEndpoint::start(&options, &authority, Arc::clone(&tokens))?;
        let graph = GraphServer::start(&options, &authority, Arc::clone(&tokens))?;
        Ok(Self { smtp, endpoint, graph, tokens, authority, options })
    }

    /// As started.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// `https://localhost:PORT`, for `endpoints.authority`.
    pub fn authority_url(&self) -> String {
        format!("https://localhost:{}", self.endpoint.port())
    }

    fn endpoints(&self) -> String {
        format!("{{ authority = {}, graph = {} }}", quoted(&self.authority_url()), quoted(&self.graph.url()))
    }

    /// An access token the SMTP server takes.
    pub fn access_token(&self) -> String {
        self.tokens.issue_access(SMTP_SCOPE, self.options.access_token_lifetime)
    }

    /// A refresh token the token endpoint takes, as if somebody had signed in.
    pub fn refresh_token(&self) -> String {
        self.tokens.issue_refresh(&format!("{SMTP_SCOPE} offline_access openid email"))
    }

    /// A config.toml for the client.
    pub fn config_toml(&self) -> String {
        self.config_toml_with(&[])
    }

    /// The same with more lines, or other values, in the account's table; values are TOML.
    pub fn config_toml_with(&self, more: &[(String, String)]) -> String {
        let Options { account, client_id, tenant, ca_file, .. } = &self.options;
        let own = [
            ("address", quoted(account)),
            ("client_id", quoted(client_id)),
            ("host", quoted("localhost")),
            ("port", self.smtp.port().to_string()),
            ("tls_ca_file", quoted(&ca_file.to_string_lossy())),
            ("tenant", quoted(tenant)),
            ("store", quoted("file")),
            ("endpoints", self.endpoints()),
        ];
        let mut text = String::from("account = \"me\"\n\n[accounts.me]\n");
        let kept = own.iter().filter(|(key, _)| !more.iter().any(|(other, _)| other == key));
        for (key, value) in
            kept.map(|(key, value)| (*key, value)).chain(more.iter().map(|(key, value)| (key.as_str(), value)))
        {
            let _ = writeln!(text, "{key} = {value}");
        }
        text
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
