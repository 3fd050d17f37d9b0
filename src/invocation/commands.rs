//! The commands of `outlook-sendmail`, the tool for people, and their options: one row each.

mod arguments;
mod read;

pub use arguments::CommandArguments;
pub(super) use read::{arguments, help, is_unknown_option, misplaced, named};

use CommandOption::{
    Account, Browser, ClientId, Config, DuplicatePossible, Json, Listen, Store, System, Tenant, Transport,
};

/// What a command starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Sign in.
    Login,
    /// Forget a sign-in.
    Logout,
    /// Say where every account stands.
    Status,
    /// Renew every grant, so that none lapses from disuse.
    Renew,
    /// Send a message to oneself.
    Test,
    /// Show what would be sent.
    Explain,
    /// Say what stands in the way.
    Doctor,
    /// Serve the system account.
    Broker,
    /// List the queue.
    Mailq,
    /// Look after one message of the queue.
    Queue,
    /// Explain ourselves.
    Help,
}

/// One command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandRow {
    /// The word that chooses it.
    pub name: &'static str,
    /// What may follow the word, besides options: optional in brackets.
    pub operands: &'static [&'static str],
    /// Its options.
    pub options: &'static [CommandOption],
    /// What it starts.
    pub command: Command,
    /// What it does, in one line without a full stop.
    pub doc: &'static str,
    /// A call of it, behind the program's name.
    pub example: &'static str,
}

/// One option of the commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OptionRow {
    /// Which.
    pub option: CommandOption,
    /// Its name, without the dashes.
    pub name: &'static str,
    /// What its value is called; empty without one.
    pub value: &'static str,
    /// What its value can be, to choose from.
    pub values: OptionValues,
    /// What it does.
    pub doc: &'static str,
}

/// What a completion offers for a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptionValues {
    /// Nothing: only its user knows.
    Free,
    /// A file.
    File,
    /// One of the stores.
    Store,
    /// One of these words.
    Words(&'static [&'static str]),
}

macro_rules! command_options {
    ($($option:ident $name:literal $value:literal $values:ident$(($words:expr))? $doc:literal;)+) => {
        /// An option of the commands: whoever needs it asks [`CommandArguments`] for it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum CommandOption { $(#[doc = $doc] $option,)+ }

        /// Every option. Those of one command are in its row.
        pub const OPTIONS: &[OptionRow] = &[$(OptionRow {
            option: CommandOption::$option,
            name: $name,
            value: $value,
            values: OptionValues::$values$(($words))?,
            doc: $doc,
        },)+];
    };
}

command_options! {
    Account "account" "NAME" Free "what the account is called in the configuration";
    ClientId "client-id" "ID" Free "the application registered with Microsoft";
    Tenant "tenant" "T" Free "the directory the account is in; consumers for Outlook.com";
    Store "store" "S" Store "where the grant is kept";
    Transport "transport" "T" Words(&["smtp", "graph"]) "how messages travel: smtp or graph";
    Browser "browser" "" Free "sign in through a browser instead of a code";
    System "system" "" Free "this machine's account";
    Json "json" "" Free "write JSON, for monitoring";
    Listen "listen" "PATH" File "listen at this socket, where systemd does not";
    DuplicatePossible "duplicate-possible" "" Free "send again what was perhaps sent";
    Config "config" "FILE" File "the configuration file";
}

/// Every command.
#[rustfmt::skip]
pub const COMMANDS: &[CommandRow] = &[
    CommandRow { name: "login", operands: &["[ADDRESS]"], options: &[Account, ClientId, Tenant, Store, Transport, Browser, System, Config], command: Command::Login, doc: "sign in to an account", example: "login you@outlook.com" },
    CommandRow { name: "help", operands: &["[COMMAND]"], options: &[], command: Command::Help, doc: "show the help text, or that of a command", example: "help login" },
    CommandRow { name: "logout", operands: &[], options: &[Account, System, Config], command: Command::Logout, doc: "forget a sign-in", example: "logout --account me" },
    CommandRow { name: "status", operands: &[], options: &[System, Json, Config], command: Command::Status, doc: "show where every account stands", example: "status --json" },
    CommandRow { name: "renew", operands: &[], options: &[System, Config], command: Command::Renew, doc: "renew every sign-in, so that none lapses from disuse", example: "renew" },
    CommandRow { name: "test", operands: &["[ADDRESS]"], options: &[Account, System, Config], command: Command::Test, doc: "send a message to yourself, telling each step", example: "test" },
    CommandRow { name: "explain", operands: &["[ARGUMENTS]"], options: &[Config], command: Command::Explain, doc: "show what sendmail would make of a message, sending nothing", example: "explain -t < message" },
    CommandRow { name: "doctor", operands: &[], options: &[System, Config], command: Command::Doctor, doc: "show what stands in the way on this machine", example: "doctor" },
    CommandRow { name: "broker", operands: &[], options: &[Listen], command: Command::Broker, doc: "serve the system account", example: "broker --listen /run/outlook-sendmail/submit.sock" },
    CommandRow { name: "mailq", operands: &[], options: &[System, Config], command: Command::Mailq, doc: "list the queue: what waits, failed, or was perhaps sent", example: "mailq" },
    CommandRow { name: "queue", operands: &["show|retry|drop|run", "ID"], options: &[System, DuplicatePossible, Config], command: Command::Queue, doc: "show one message, try it now, give it up; run: try all that are due", example: "queue show 0vfqh2w0k7" },
];

impl Command {
    /// Its row.
    pub(crate) fn row(self) -> Option<&'static CommandRow> {
        COMMANDS.iter().find(|row| row.command == self)
    }
}

impl CommandRow {
    /// The rows of its options.
    pub fn options(&self) -> impl Iterator<Item = &'static OptionRow> {
        OPTIONS.iter().filter(|row| self.options.contains(&row.option))
    }
}

impl OptionRow {
    /// The commands that have it.
    pub fn takers(&self) -> impl Iterator<Item = &'static CommandRow> {
        COMMANDS.iter().filter(|row| row.options.contains(&self.option))
    }
}
