//! Every key of the configuration, for its manual; a test holds the table against the parser.

/// One key.
pub(crate) struct Key {
    /// Its name; those of a table within have a dot.
    pub(crate) name: &'static str,
    /// What it may be, as it is written in the file.
    pub(crate) example: &'static str,
    /// What holds without it.
    pub(crate) default: &'static str,
    /// What it does; sentences with their full stops.
    pub(crate) doc: &'static str,
}

const fn key(name: &'static str, example: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key { name, example, default, doc }
}

/// Keys of the file itself.
pub(crate) const FILE_KEYS: &[Key] = &[key(
    "account",
    "\"me\"",
    "the only account there is",
    "The account used when neither -f nor From belongs to one. With several accounts and without this key, such a message is an error.",
)];

/// Keys of an account.
#[rustfmt::skip]
pub(crate) const ACCOUNT_KEYS: &[Key] = &[
    key("address", "\"someone@outlook.com\"", "none: it must be there", "The mailbox's primary address, under which the account signs in. An alias will not do."),
    key("client_id", "\"00000000-0000-0000-0000-000000000000\"", "the one the grant was got with, else the one built in", "The application registered with Microsoft."),
    key("provider", "\"outlook\"", "\"outlook\"", "Whose mailbox it is: outlook, microsoft365, or custom for any submission server with STARTTLS that takes XOAUTH2, PLAIN or LOGIN. It sets the defaults of host, port and tenant."),
    key("name", "\"Some One\"", "none", "The display name of From where a message has no From, or one that is not the mailbox's and names nobody."),
    key("send_as", "[\"alias@outlook.com\"]", "none", "Further addresses of the mailbox, those with a +tag among them. They are left alone in From, and pick the account. One that the server refuses to send as is rewritten, as from says, for seven days or until somebody signs in, with a warning in the log, and then tried again; outlook-sendmail status shows which were accepted or refused."),
    key("from", "\"rewrite\"", "\"rewrite\"", "What becomes of a From that is not the mailbox's. With rewrite it becomes the mailbox's, with the name kept and the original in X-Original-From and Reply-To. With refuse the message is refused before anything is sent. With pass it goes out as it is, and Outlook decides."),
    key("caller", "\"hide\"", "\"show\" for the machine's account; elsewhere only a From without a name gets the caller for one", "Whether a From that is rewritten says who really called and on which machine, as in Cron Daemon, root on web1. With show it does, behind the name the message claims. With hide it never does."),
    key("on_failure", "\"auto\"", "\"auto\", and \"keep\" for the machine's account", "What becomes of a message that cannot be sent now. With report the caller is told, and nothing is kept. With keep it waits in the queue, is tried again, and the caller gets 0. With auto it is report where there is a controlling terminal, and keep elsewhere."),
    key("store", "\"secret-service\"", "\"secret-service\", and \"sealed\" for the machine's account", "Where grant or password are kept: secret-service is the desktop's keyring; file is a file only its user can read; command is whatever the command lines of secret_command keep; sealed is a file encrypted under a key that only the service of the machine's account is given."),
    key("secret_command", "{ get = \"pass show mail/me\", set = \"pass insert -fm mail/me\" }", "none", "The command lines behind store = \"command\", run by /bin/sh. get prints and set reads one JSON object on a standard stream; exit status 75 means that the store is locked. Where something was kept once, a get that fails is an error, and set is not run: it would replace all of it."),
    key("transport", "\"smtp\"", "\"smtp\"", "How messages travel: smtp, or graph for mailboxes in which Microsoft has switched SMTP off. Each needs a sign-in of its own."),
    key("auth", "\"oauth2\"", "\"oauth2\"", "How the account signs in: oauth2, or password for Microsoft 365 as long as it takes them, and for other servers."),
    key("host", "\"smtp-mail.outlook.com\"", "the provider's", "The submission server, without its port. custom needs one."),
    key("port", "587", "587", "Its port. STARTTLS is spoken on it, whatever it is; 465, where TLS comes first, is refused."),
    key("ehlo", "\"[192.0.2.1]\"", "the local address", "What the program calls itself in EHLO: a domain or an address literal."),
    key("tls_ca_file", "\"/etc/ssl/own-ca.pem\"", "none", "A PEM file with further certificates to trust, beside the system's, for SMTP and HTTPS alike."),
    key("tenant", "\"consumers\"", "the provider's", "The directory that signs the account in: consumers for personal accounts, organizations, or a tenant's id or domain."),
    key("endpoints.authority", "\"https://login.microsoftonline.com\"", "as shown", "Where the account signs in; another one in national clouds."),
    key("endpoints.graph", "\"https://graph.microsoft.com\"", "as shown", "Where transport = \"graph\" sends to; another one in national clouds."),
    key("deadline", "45", "45", "Seconds from the end of the message on standard input to just before its final dot goes out. A message over 256 KiB may take longer, as long as the server never takes nothing of it for so many seconds."),
    key("final_wait", "600", "600", "Seconds the answer to the final dot is waited for. Who is impatient here sends twice."),
    key("lone_dot", "\"content\"", "\"content\"", "What a line with nothing but a dot means in a message from a pipe, without -i: content keeps what follows; ends-message ends there, as in Sendmail."),
    key("aliases", "\"/etc/aliases\"", "as shown", "The alias file for names without a domain."),
    key("local_mail_to", "\"admin@example.org\"", "the account itself", "Who gets the mail for names without a domain that the alias file does not know."),
    key("message_ids", "\"repair\"", "\"repair\"", "Outlook gives every message of a personal account a new Message-ID. With repair, later messages of the same caller that refer to the old one are made to refer to the new one, so that threads hold. With leave, nothing is changed."),
    key("allow", "[\"root\", \"www-data\", \"@adm\"]", "everybody", "Who may send through the machine's account: users, root among them, and groups with an @ before them."),
];
