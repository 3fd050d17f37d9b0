//! Whose mailbox, at which provider, under which policy.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lettre::Address;

use crate::failure::Failure;
use crate::world::{Deadlines, Server, StoreKind};

mod admission;
mod config;
mod config_values;
#[cfg(test)]
pub(crate) mod keys;
mod providers;
#[cfg(test)]
pub(crate) mod sources;

pub use admission::admit;
pub use config::{Accounts, file_failure};
pub use providers::{MailServer, OAuthPaths, PERSONAL_TENANT, PROVIDERS, Provider, is_personal};

/// One account of the configuration, defaults filled in.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name in the configuration.
    pub name: String,
    /// The mailbox's primary address.
    pub address: Address,
    /// The provider's row.
    pub provider: &'static Provider,
    /// The client id of the OAuth registration.
    pub client_id: Option<String>,
    /// From display name when a message has none, or one of nobody.
    pub display_name: Option<String>,
    /// Other addresses of the mailbox.
    pub send_as: Vec<Address>,
    /// What happens to a foreign From.
    pub from: FromPolicy,
    /// Whether From says who called.
    pub caller: CallerShown,
    /// What happens to a message that could not be sent.
    pub on_failure: OnFailure,
    /// Where its secrets are kept.
    pub store: StoreKind,
    /// How it signs in to the submission server.
    pub auth: AuthKind,
    /// How its messages travel.
    pub transport: TransportKind,
    /// Base URL of Microsoft Graph, without a slash at the end.
    pub graph: String,
    /// The submission server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What we call ourselves in EHLO, instead of the local address literal.
    pub ehlo: Option<String>,
    /// A PEM file with more trust anchors, for SMTP and HTTPS.
    pub tls_ca_file: Option<PathBuf>,
    /// `consumers`, `organizations` or a tenant id.
    pub tenant: String,
    /// Base URL of the token endpoint, without a slash at the end.
    pub authority: String,
    /// From the end of input to just before the final dot.
    pub deadline: Duration,
    /// From the final dot to its answer.
    pub final_wait: Duration,
    /// What a lone dot in piped input means.
    pub lone_dot: LoneDot,
    /// The alias file for names without a domain.
    pub aliases: PathBuf,
    /// Where mail for such names goes when the alias file does not say.
    pub local_mail_to: Option<Address>,
    /// What becomes of references to Message-IDs that Outlook replaced.
    pub message_ids: MessageIds,
    /// Who may send through the broker: user names and @groups; empty: everybody.
    pub allow: Vec<String>,
    /// Whether the configuration has others, so that a failure has to say whose it is.
    pub is_one_of_several: bool,
}

impl Account {
    /// The submission server.
    pub fn server(&self) -> Server<'_> {
        Server { host: &self.host, port: self.port, ca_file: self.ca_file() }
    }

    /// A PEM file with more trust anchors, for SMTP and HTTPS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.tls_ca_file.as_deref()
    }

    /// How long one try at a message may take that began at `start`.
    pub fn deadlines(&self, start: Instant) -> Deadlines {
        Deadlines::new(start, self.deadline, self.final_wait)
    }

    /// Whether `address` is the account's own or in `send_as`.
    pub fn owns(&self, address: &Address) -> bool {
        same_mailbox(&self.address, address) || self.send_as.iter().any(|own| same_mailbox(own, address))
    }

    /// A failure that is about this account, and says so where there are several.
    pub fn blamed(&self, failure: Failure) -> Failure {
        if self.is_one_of_several { failure.of_account(&self.name) } else { failure }
    }

    /// Whether `allow` lets a user send: by name, or by one of the groups behind an `@`. An empty list is everybody.
    pub fn admits(&self, login: &str, is_in_group: impl Fn(&str) -> bool) -> bool {
        let is_meant = |name: &String| match name.strip_prefix('@') {
            Some(group) => is_in_group(group),
            None => name == login,
        };
        self.allow.is_empty() || self.allow.iter().any(is_meant)
    }

    /// The URL of one of its OAuth endpoints.
    pub fn oauth_url(&self, path: impl Fn(&OAuthPaths) -> &'static str) -> String {
        format!("{}{}", self.authority, path(&self.provider.oauth_paths).replace("{tenant}", &self.tenant))
    }

    /// What a grant for the account's transport covers, in scopes separated by spaces. A token is good for one resource
    /// only, so Graph takes a grant of its own; a national cloud's Graph is a resource of its own.
    pub fn scope(&self) -> String {
        match self.transport {
            TransportKind::Smtp => self.provider.scope.to_owned(),
            TransportKind::Graph => format!("{}/{}", self.graph, self.provider.graph_scope),
        }
    }

    /// Whether the alias file is the system's, which need not exist.
    pub fn aliases_by_default(&self) -> bool {
        self.aliases == default_aliases()
    }
}

/// Whether two addresses are spellings of one. Outlook's local parts are case-insensitive.
pub fn same_mailbox(one: &Address, other: &Address) -> bool {
    one.user().eq_ignore_ascii_case(other.user()) && one.domain().eq_ignore_ascii_case(other.domain())
}

/// Where Debian and everybody else keep aliases.
fn default_aliases() -> PathBuf {
    PathBuf::from("/etc/aliases")
}

/// What happens to a From that is neither the account nor in `send_as`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FromPolicy {
    /// It becomes the account, the original stays visible.
    Rewrite,
    /// The message is refused before any network.
    Refuse,
    /// It goes out as it is.
    Pass,
}

/// Whether the From we write says who really called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallerShown {
    /// Behind every name that a message claims: many may send through the machine's account.
    Always,
    /// Where nobody has a name: whoever sends through a personal account is its owner.
    LastResort,
    /// Never.
    Never,
}

/// What happens to a message that could not be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFailure {
    /// [`Self::Report`] where there is a controlling terminal, else [`Self::Keep`].
    Auto,
    /// The caller is told and decides.
    Report,
    /// It is kept and tried again.
    Keep,
}

/// How messages travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransportKind {
    /// SMTP submission.
    Smtp,
    /// Microsoft Graph's sendMail.
    Graph,
}

impl TransportKind {
    /// The one that is not this.
    pub const fn other(self) -> Self {
        match self {
            Self::Smtp => Self::Graph,
            Self::Graph => Self::Smtp,
        }
    }

    /// Its word in `transport = "..."`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Graph => "graph",
        }
    }
}

/// How the account signs in to the submission server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthKind {
    /// XOAUTH2 with an access token.
    OAuth2,
    /// LOGIN or PLAIN with a password.
    Password,
}

/// What a lone dot in piped input means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoneDot {
    /// Text, when more follows.
    Content,
    /// The end, as in Sendmail.
    EndsMessage,
}

/// What becomes of references to Message-IDs that Outlook replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageIds {
    /// They are made to refer to the new ones.
    Repair,
    /// They stay as they are.
    Leave,
}
