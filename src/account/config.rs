//! The configuration file: TOML to accounts; unknown keys and bad values are refused with file and line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lettre::Address;
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::account::CallerShown;
use crate::account::config_values::{
    CALLER_WORDS, Endpoint, FROM_WORDS, LONE_DOT_WORDS, MESSAGE_ID_WORDS, ON_FAILURE_WORDS, Source, TRANSPORT_WORDS,
    auth, ehlo, endpoint, host, not_utf8, port, provider, seconds, tenant, word,
};
use crate::account::{Account, AuthKind, TransportKind, default_aliases};
use crate::failure::{Cause, Failure, Stage};
use crate::words::{Words, without_byte_order_marks};
use crate::world::{FileFault, SYSTEM_CONFIG, World};
use crate::world::{STORES, SecretCommand, StoreKind, not_for_the_machine};

/// The accounts of one configuration file.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// `account = "..."`.
    preferred: Option<String>,
    accounts: Vec<Account>,
}

impl Accounts {
    /// Reads a configuration file's text; `file` is named in errors.
    ///
    /// # Errors
    /// [`Cause::ConfigSyntax`] with file and line; [`Cause::Unsupported`] for known settings that cannot be had;
    /// [`Cause::NoAccount`] when the file has none.
    pub fn parse(file: &Path, text: &[u8]) -> Result<Self, Failure> {
        let text = without_byte_order_marks(text);
        let source = Source { file, text: std::str::from_utf8(text).map_err(|_| not_utf8(file, text))? };
        let raw: RawFile = toml_edit::de::from_str(source.text)
            .map_err(|error| source.fault(error.span().map_or(0, |span| span.start), error.message()))?;
        let mut accounts = Vec::new();
        for (name, account) in raw.accounts {
            accounts.push(account.into_inner().checked(name, &source)?);
        }
        let several = accounts.len() > 1;
        accounts.iter_mut().for_each(|account| account.is_one_of_several = several);
        if let Some(wanted) = &raw.account
            && !accounts.iter().any(|account| account.name == *wanted.get_ref())
        {
            return Err(source.fault(wanted.span().start, "account names no [accounts.NAME] table"));
        }
        if accounts.is_empty() {
            return Err(Failure::new(Stage::Account, Cause::NoAccount, file.display().to_string()));
        }
        Ok(Self { preferred: raw.account.map(Spanned::into_inner), accounts })
    }

    /// Reads this user's configuration.
    ///
    /// # Errors
    /// Those of [`Self::parse`]; [`Cause::NoAccount`] when there is no file; [`Cause::UnsafeFile`] and
    /// [`Cause::ConfigUnreadable`].
    pub fn load(world: &World) -> Result<Self, Failure> {
        Self::load_from(world, world.places.sending_config()).map_err(|failure| failure.about(world.places.whose()))
    }

    fn load_from(world: &World, file: &Path) -> Result<Self, Failure> {
        match world.files.read(file).map_err(|fault| file_failure(file, &fault))? {
            Some(text) => Self::parse(file, &text),
            None => Err(Failure::new(Stage::Account, Cause::NoAccount, format!("{} does not exist", file.display()))),
        }
    }

    /// Whether `account = "..."` names one.
    pub fn has_preferred(&self) -> bool {
        self.preferred.is_some()
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> &[Account] {
        &self.accounts
    }

    /// The account a message goes through: the one that owns the first owned address of `senders` (-f before From),
    /// else the preferred one, else the only one.
    ///
    /// # Errors
    /// [`Cause::UnknownAccount`] when there are several and nothing decides.
    pub fn for_sender(&self, senders: &[Address]) -> Result<&Account, Failure> {
        if let Some(account) = senders.iter().find_map(|sender| self.owner_of(sender)) {
            return Ok(account);
        }
        match (&self.preferred, self.accounts.as_slice()) {
            (Some(name), _) => self.named(name),
            (None, [only]) => Ok(only),
            (None, _) => Err(Failure::new(
                Stage::Account,
                Cause::UnknownAccount,
                format!(
                    "there are several ({}), and neither -f nor From nor account = \"...\" picks one; commands take --account NAME",
                    self.names()
                ),
            )),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.accounts.len()
    }

    /// The account this address belongs to.
    pub fn owner_of(&self, address: &Address) -> Option<&Account> {
        self.accounts.iter().find(|account| account.owns(address))
    }

    /// The account called `name`.
    ///
    /// # Errors
    /// [`Cause::UnknownAccount`].
    pub fn named(&self, name: &str) -> Result<&Account, Failure> {
        self.accounts.iter().find(|account| account.name == name).ok_or_else(|| {
            let words = format!("{name}; there is {}", self.names());
            Failure::new(Stage::Account, Cause::UnknownAccount, words)
        })
    }

    /// As a sentence lists them.
    fn names(&self) -> String {
        let names: Vec<_> = self.accounts.iter().map(|account| account.name.as_str()).collect();
        match names.split_last() {
            Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            Some(_) | None => names.concat(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    account: Option<Spanned<String>>,
    #[serde(default)]
    accounts: BTreeMap<String, Spanned<RawAccount>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccount {
    address: Spanned<String>,
    client_id: Option<String>,
    provider: Option<Spanned<String>>,
    name: Option<String>,
    #[serde(default)]
    send_as: Vec<Spanned<String>>,
    from: Option<Spanned<String>>,
    caller: Option<Spanned<String>>,
    on_failure: Option<Spanned<String>>,
    store: Option<Spanned<String>>,
    secret_command: Option<Spanned<RawSecretCommand>>,
    transport: Option<Spanned<String>>,
    auth: Option<Spanned<String>>,
    host: Option<Spanned<String>>,
    port: Option<Spanned<u16>>,
    ehlo: Option<Spanned<String>>,
    tls_ca_file: Option<PathBuf>,
    tenant: Option<Spanned<String>>,
    #[serde(default)]
    endpoints: RawEndpoints,
    deadline: Option<Spanned<u64>>,
    final_wait: Option<Spanned<u64>>,
    lone_dot: Option<Spanned<String>>,
    aliases: Option<PathBuf>,
    local_mail_to: Option<Spanned<String>>,
    message_ids: Option<Spanned<String>>,
    #[serde(default)]
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSecretCommand {
    get: String,
    set: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawEndpoints {
    authority: Option<Spanned<String>>,
    graph: Option<Spanned<String>>,
}

impl RawAccount {
    fn checked(self, name: String, source: &Source<'_>) -> Result<Account, Failure> {
        let address = source.address(&self.address)?;
        let provider = provider(self.provider.as_ref(), source)?;
        let host = host(self.host, provider, &self.address, source)?;
        let transport = word(self.transport.as_ref(), source, "transport", &TRANSPORT_WORDS)?;
        let auth = auth(self.auth.as_ref(), provider, transport, source)?;
        let authority = Endpoint {
            key: "authority",
            default: provider.authority,
            is_needed: auth == AuthKind::OAuth2,
            account: &self.address,
        };
        let graph = Endpoint {
            key: "graph",
            default: provider.graph,
            is_needed: transport == TransportKind::Graph,
            account: &self.address,
        };
        Ok(Account {
            send_as: self.send_as.iter().map(|written| source.address(written)).collect::<Result<_, _>>()?,
            from: word(self.from.as_ref(), source, "from", &FROM_WORDS)?,
            caller: caller(self.caller.as_ref(), source)?,
            on_failure: word(self.on_failure.as_ref(), source, "on_failure", &ON_FAILURE_WORDS)?,
            store: store(self.store.as_ref(), self.secret_command, source)?,
            auth,
            lone_dot: word(self.lone_dot.as_ref(), source, "lone_dot", &LONE_DOT_WORDS)?,
            ehlo: self.ehlo.map(|written| ehlo(written, source)).transpose()?,
            tenant: tenant(self.tenant, provider, source)?,
            authority: endpoint(self.endpoints.authority, source, authority)?,
            graph: endpoint(self.endpoints.graph, source, graph)?,
            transport,
            message_ids: word(self.message_ids.as_ref(), source, "message_ids", &MESSAGE_ID_WORDS)?,
            allow: self.allow,
            is_one_of_several: false,
            deadline: seconds(self.deadline, 45, source)?,
            final_wait: seconds(self.final_wait, 600, source)?,
            local_mail_to: self.local_mail_to.map(|written| source.address(&written)).transpose()?,
            aliases: self.aliases.unwrap_or_else(default_aliases),
            port: port(self.port, provider, source)?,
            client_id: self.client_id,
            display_name: self.name,
            tls_ca_file: self.tls_ca_file,
            name,
            address,
            provider,
            host,
        })
    }
}

/// Many send through the machine's account; a personal one has its owner for a caller.
fn caller(written: Option<&Spanned<String>>, source: &Source<'_>) -> Result<CallerShown, Failure> {
    if written.is_none() && source.file != Path::new(SYSTEM_CONFIG) {
        return Ok(CallerShown::LastResort);
    }
    word(written, source, "caller", &CALLER_WORDS)
}

/// `store` and the command lines one of its words needs.
fn store(
    written: Option<&Spanned<String>>,
    command: Option<Spanned<RawSecretCommand>>,
    source: &Source<'_>,
) -> Result<StoreKind, Failure> {
    let is_the_machines = source.file == Path::new(SYSTEM_CONFIG);
    let Some(written) = written else {
        return match command {
            Some(lines) => {
                Err(source.fault(lines.span().start, "secret_command is used with store = \"command\" only"))
            }
            None if is_the_machines => Ok(StoreKind::OF_THE_MACHINE),
            None => Ok(StoreKind::OF_A_PERSON),
        };
    };
    let choices: Vec<_> = STORES.iter().map(|row| (row.word, Some(*row))).collect();
    let row = word(Some(written), source, "store", &choices)?;
    if is_the_machines && !row.for_the_machine {
        return Err(source.fault(written.span().start, &not_for_the_machine(row.word)));
    }
    let command = command.map(|lines| {
        let start = lines.span().start;
        let RawSecretCommand { get, set } = lines.into_inner();
        (start, SecretCommand { get, set })
    });
    match ((row.kind)(command.as_ref().map(|(_, lines)| lines.clone())), command) {
        (None, _) => {
            let needs = row.needs.unwrap_or_default();
            Err(source.fault(written.span().start, &format!("store = \"{}\" needs {needs}", row.word)))
        }
        (Some(_), Some((start, _))) if row.needs.is_none() => {
            Err(source.fault(start, "secret_command is used with store = \"command\" only"))
        }
        (Some(kind), _) => Ok(kind),
    }
}

/// The words of a fault in reading a steering file, and its cause.
pub fn file_failure(path: &Path, fault: &FileFault) -> Failure {
    let name = path.display();
    let (cause, words) = match fault {
        FileFault::Unreadable(problem) => (Cause::ConfigUnreadable, format!("{name}: {problem}")),
        FileFault::WritableByOthers => (Cause::UnsafeFile, name.to_string()),
        FileFault::ByWayOfOthers(place) => (Cause::UnsafeFile, format!("{name}, by way of {}", place.display())),
        FileFault::NotRegular => (Cause::ConfigUnreadable, format!("{name}: not a regular file")),
        FileFault::TooLarge => (Cause::ConfigUnreadable, format!("{name}: too large")),
    };
    Failure::new(Stage::Account, cause, Words::from(words))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::account::AuthKind;

    fn parse(text: &str) -> Result<Accounts, Failure> {
        Accounts::parse(Path::new("/c.toml"), text.as_bytes())
    }

    fn fault(text: &str) -> (Cause, String) {
        let failure = parse(text).unwrap_err();
        (failure.cause, failure.detail.whole().to_owned())
    }

    const LEAST: &str = "[accounts.me]\naddress = \"me@outlook.com\"\nclient_id = \"c\"\n";

    #[test]
    fn an_address_and_a_client_id_are_enough() {
        let accounts = parse(LEAST).unwrap();
        let me = accounts.for_sender(&[]).unwrap();
        assert_eq!(me.address.to_string(), "me@outlook.com");
        assert_eq!((me.host.as_str(), me.port), ("smtp-mail.outlook.com", 587));
        assert_eq!(me.tenant, "consumers");
        assert_eq!(me.authority, "https://login.microsoftonline.com");
        assert_eq!(me.deadline, Duration::from_secs(45));
        assert_eq!(me.final_wait, Duration::from_secs(600));
        assert_eq!(me.store, StoreKind::SecretService);
        assert_eq!(me.aliases, Path::new("/etc/aliases"));
    }

    #[test]
    fn an_address_may_be_long() {
        let long = format!("{}@outlook.com", "a".repeat(80));
        let accounts = parse(&format!("{LEAST}send_as = [\"{long}\"]\n")).unwrap();
        assert_eq!(accounts.named("me").unwrap().send_as[0].to_string(), long);
        assert!(parse(&format!("{LEAST}send_as = [\"Me <{long}>\"]\n")).is_err());
    }

    #[test]
    fn the_machines_account_shows_who_called() {
        let shown = |file: &str, more: &str| {
            let accounts = Accounts::parse(Path::new(file), format!("{LEAST}{more}").as_bytes()).unwrap();
            accounts.named("me").unwrap().caller
        };
        assert_eq!(shown(SYSTEM_CONFIG, ""), CallerShown::Always);
        assert_eq!(shown(SYSTEM_CONFIG, "caller = \"hide\""), CallerShown::Never);
        assert_eq!(shown("/c.toml", ""), CallerShown::LastResort);
        assert_eq!(shown("/c.toml", "caller = \"show\""), CallerShown::Always);
        assert_eq!(fault(&format!("{LEAST}caller = \"x\"")).1, "/c.toml line 4: caller must be one of: show, hide");
    }

    #[test]
    fn each_transport_has_its_scope() {
        let scope = |more: &str| parse(&format!("{LEAST}{more}")).unwrap().named("me").unwrap().scope();
        assert_eq!(scope(""), "https://outlook.office.com/SMTP.Send offline_access openid email");
        let graph = "transport = \"graph\"\n";
        assert_eq!(scope(graph), "https://graph.microsoft.com/Mail.Send offline_access openid email");
        let government = format!("{graph}endpoints = {{ graph = \"https://graph.microsoft.us/\" }}\n");
        assert_eq!(scope(&government), "https://graph.microsoft.us/Mail.Send offline_access openid email");
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_and_line() {
        let (cause, words) = fault(&format!("{LEAST}hostt = \"x\"\n"));
        assert_eq!(cause, Cause::ConfigSyntax);
        assert!(words.starts_with("/c.toml line 4: unknown field `hostt`"), "{words}");
    }

    #[test]
    fn bad_toml_is_refused_with_file_and_line() {
        let (cause, words) = fault("account = \"me\"\n[accounts.me\n");
        assert_eq!(cause, Cause::ConfigSyntax);
        assert!(words.starts_with("/c.toml line 2: "), "{words}");
    }

    #[test]
    fn every_bad_value_names_its_line() {
        for setting in [
            "from = \"maybe\"",
            "send_as = [\"nobody\"]",
            "deadline = 0",
            "deadline = \"soon\"",
            "port = 70000",
            "port = 0",
            "port = 465",
            "host = \"\"",
            "host = \"a b\"",
            "host = \"smtp.example.org:587\"",
            "host = \"https://smtp.example.org\"",
            "provider = \"gmail\"",
            "ehlo = \"a b\"",
            "tenant = \"../x\"",
            "local_mail_to = \"root\"",
            "endpoints = { authority = \"http://plain\" }",
            "endpoints = { graph = \"https://\" }",
            "endpoints = { graph = \"https://me@host\" }",
            "endpoints = { graph = \"https://host\\r\\nX: y\" }",
            "transport = \"pigeon\"",
        ] {
            let (cause, words) = fault(&format!("{LEAST}{setting}\n"));
            assert_eq!(cause, Cause::ConfigSyntax, "{setting}");
            assert!(words.starts_with("/c.toml line 4: "), "{setting}: {words}");
        }
    }

    #[test]
    fn what_is_no_starttls_port_is_said_in_clear_words() {
        let (_, words) = fault(&format!("{LEAST}port = 465\n"));
        assert!(words.contains("this program speaks STARTTLS") && words.contains("587"), "{words}");
        let (_, words) = fault(&format!("{LEAST}host = \"smtp.example.org:465\"\n"));
        assert!(words.ends_with("host = \"smtp.example.org\", port = 465"), "{words}");
        for host in ["127.0.0.1", "::1", "[::1]", "smtp.example.org", "localhost"] {
            assert_eq!(parse(&format!("{LEAST}host = \"{host}\"\n")).unwrap().named("me").unwrap().host, host);
        }
    }

    #[test]
    fn a_custom_provider_needs_a_host_and_has_a_port() {
        let custom = format!("{LEAST}provider = \"custom\"\n");
        assert!(fault(&custom).1.contains("this provider needs host"), "{}", fault(&custom).1);
        let custom = format!("{custom}host = \"smtp.example.org\"\n");
        let needs = "this provider needs endpoints = { authority = ";
        assert!(fault(&custom).1.contains(needs), "{}", fault(&custom).1);
        let by_password = parse(&format!("{custom}auth = \"password\"\n")).unwrap();
        assert_eq!(by_password.named("me").unwrap().port, 587);
        let authority = "endpoints = { authority = \"https://login.example.org\" }\n";
        let accounts = parse(&format!("{custom}{authority}")).unwrap();
        let own = accounts.named("me").unwrap();
        assert_eq!(own.oauth_url(|paths| paths.token), "https://login.example.org/common/oauth2/v2.0/token");
        assert!(!own.scope().contains("microsoft") && !own.scope().contains("office"), "{}", own.scope());
        let graph = format!("{custom}{authority}transport = \"graph\"\n");
        assert!(fault(&graph).1.contains("this provider needs endpoints = { graph = "), "{}", fault(&graph).1);
    }

    #[test]
    fn the_machines_secrets_are_kept_where_its_service_can_read_them() {
        let system = |text: &str| Accounts::parse(Path::new(SYSTEM_CONFIG), text.as_bytes());
        assert_eq!(system(LEAST).unwrap().named("me").unwrap().store, StoreKind::Sealed);
        for row in STORES {
            let more = if row.needs.is_some() { "secret_command = { get = \"x\" }\n" } else { "" };
            let text = format!("{LEAST}store = \"{}\"\n{more}", row.word);
            assert_eq!(system(&text).is_ok(), row.for_the_machine, "{}", row.word);
            assert_eq!(parse(&text).unwrap().named("me").unwrap().store.word(), row.word);
        }
    }

    #[test]
    fn an_address_with_a_tag_is_another_one_until_send_as_has_it() {
        let tagged = ["me+tag@outlook.com".parse().unwrap()];
        assert!(!parse(LEAST).unwrap().named("me").unwrap().owns(&tagged[0]));
        let listed = parse(&format!("{LEAST}send_as = [\"Me+Tag@outlook.com\"]\n")).unwrap();
        assert!(listed.named("me").unwrap().owns(&tagged[0]));
    }

    #[test]
    fn a_store_of_commands_names_them() {
        let with = |setting: &str| format!("{LEAST}{setting}\n");
        let text = with("store = \"command\"\nsecret_command = { get = \"pass x\", set = \"pass insert x\" }");
        let command = SecretCommand { get: "pass x".into(), set: Some("pass insert x".into()) };
        assert_eq!(parse(&text).unwrap().for_sender(&[]).unwrap().store, StoreKind::Command(command));
        assert!(fault(&with("store = \"command\"")).1.starts_with("/c.toml line 4: store = \"command\" needs"));
        assert!(fault(&with("secret_command = { get = \"x\" }")).1.contains("line 4: secret_command is used with"));
        assert_eq!(fault(&with("store = \"command\"\nsecret_command = { put = \"x\" }")).0, Cause::ConfigSyntax);
    }

    #[test]
    fn a_password_only_where_one_can_work() {
        let (cause, words) = fault(&format!("{LEAST}auth = \"password\"\n"));
        assert_eq!(cause, Cause::ConfigSyntax);
        assert!(words.starts_with("/c.toml line 4: ") && words.contains("September 2024"), "{words}");
        let work = format!("{LEAST}provider = \"microsoft365\"\nauth = \"password\"\n");
        assert_eq!(parse(&work).unwrap().named("me").unwrap().auth, AuthKind::Password);
        let (_, words) = fault(&format!("{work}transport = \"graph\"\n"));
        assert!(words.starts_with("/c.toml line 5: "), "{words}");
    }

    #[test]
    fn the_sender_picks_among_several_accounts() {
        let text = "account = \"a\"\n[accounts.a]\naddress = \"a@outlook.com\"\n\
                    [accounts.b]\naddress = \"b@outlook.com\"\nsend_as = [\"B2@outlook.com\"]\n";
        let accounts = parse(text).unwrap();
        let pick = |senders: &[&str]| {
            let senders: Vec<_> = senders.iter().map(|sender| sender.parse().unwrap()).collect();
            accounts.for_sender(&senders).unwrap().name.clone()
        };
        assert_eq!(pick(&[]), "a");
        assert_eq!(pick(&["b2@outlook.com"]), "b");
        assert_eq!(pick(&["root@host1", "b@Outlook.com"]), "b");
    }

    #[test]
    fn nothing_is_guessed_among_several_accounts() {
        let text = "[accounts.a]\naddress = \"a@x.org\"\n[accounts.b]\naddress = \"b@x.org\"\n";
        assert_eq!(parse(text).unwrap().for_sender(&[]).unwrap_err().cause, Cause::UnknownAccount);
        assert_eq!(fault("account = \"z\"\n[accounts.a]\naddress = \"a@x.org\"\n").0, Cause::ConfigSyntax);
        assert_eq!(fault("").0, Cause::NoAccount);
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert!(parse(&format!("\u{feff}{LEAST}")).is_ok());
        assert!(fault(&format!("\u{feff}{LEAST}hostt = \"x\"\n")).1.starts_with("/c.toml line 4: unknown field"));
    }

    #[test]
    fn latin1_in_the_file_is_refused_with_its_line() {
        let failure = Accounts::parse(Path::new("/c.toml"), b"# ok\n# f\xfcr\n").unwrap_err();
        assert_eq!(failure.detail.whole(), "/c.toml line 2: not UTF-8");
    }
}
