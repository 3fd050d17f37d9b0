//! From the arguments to what is wanted.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::message::Dots;

pub mod commands;
pub mod disposition;
mod dsn;
pub mod flags;
pub mod help;
pub mod modes;
pub mod parse;
mod suggestion;
#[cfg(test)]
mod tests;
mod values;

pub use commands::{Command, CommandArguments, CommandOption};
pub(crate) use dsn::{envelope_id, notify, return_what};
pub use flags::FlagValue;
pub use parse::read;
pub use values::FlagValues;

/// A call that is not carried out: why, and what standard input is meanwhile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why; its exit status is 64.
    pub failure: Failure,
    /// What the caller takes standard input for.
    pub input: StandardInput,
}

/// What the caller takes standard input for: decides whether it is drained before we exit, and where an error goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StandardInput {
    /// The message. It is read to its end before every exit (never from a terminal): cron would die of SIGPIPE.
    Message,
    /// The client's half of an SMTP dialogue. It is not drained, as a greeting is waited for: the refusal is that greeting,
    /// `554` on standard output, and nothing goes to standard error, which may be the same pipe.
    Dialogue,
    /// Nothing of ours: it is never touched.
    Unused,
}

/// What the caller wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invocation {
    /// Send one message from standard input.
    Submit(Submit),
    /// Be an SMTP server on standard input and output.
    SmtpOnStdio(SmtpOnStdio),
    /// Print the queue.
    PrintQueue,
    /// Send what is in the queue.
    RunQueue,
    /// Check the alias file.
    CheckAliases,
    /// Say whom the operands lead to; nothing is read and nothing sent.
    Verify(Submit),
    /// Show the help text on standard output.
    Help(HelpTopic),
    /// The tool was called without arguments: the help text on standard error, status 64. A message may be waiting
    /// on standard input.
    Usage,
    /// Show name and version.
    Version,
    /// Carry out a command of the tool.
    Tool(Command, CommandArguments),
}

/// Which configuration a run goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Configuration<'a> {
    /// The user's own, where there is one.
    Usual,
    /// This file.
    File(&'a Path),
    /// The machine's.
    System,
}

impl Invocation {
    /// Which configuration was asked for.
    pub fn configuration(&self) -> Configuration<'_> {
        if matches!(self, Self::Tool(_, arguments) if arguments.says(CommandOption::System)) {
            return Configuration::System;
        }
        self.config().map_or(Configuration::Usual, Configuration::File)
    }

    /// The configuration file a person named.
    fn config(&self) -> Option<&Path> {
        match self {
            Self::Submit(submit) => submit.config.as_deref(),
            Self::SmtpOnStdio(wanted) => wanted.config.as_deref(),
            Self::Tool(_, arguments) => arguments.config(),
            Self::Verify(submit) => submit.config.as_deref(),
            Self::PrintQueue | Self::RunQueue | Self::CheckAliases => None,
            Self::Help(_) | Self::Usage | Self::Version => None,
        }
    }
}

/// What there is a help text about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HelpTopic {
    /// `sendmail`, and what any other name is.
    Sendmail,
    /// `outlook-sendmail`, the tool for people.
    Tool,
    /// One command of it.
    Command(Command),
}

/// One submission as the arguments describe it; octets as given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submit {
    /// Whether recipients are read from the header.
    pub header_recipients: HeaderRecipients,
    /// The operands, each an address list.
    pub operands: Vec<Vec<u8>>,
    /// What the flags with a value gave.
    pub values: FlagValues,
    /// `-i` and `-oi`.
    pub dots: Dots,
    /// `-v`.
    pub verbosity: Verbosity,
    /// `--config FILE` of the tool; the environment variable is judged elsewhere.
    pub config: Option<PathBuf>,
}

/// `-bs`: the dialogue says everything else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmtpOnStdio {
    /// `-F`.
    pub full_name: Option<Vec<u8>>,
    /// `--config FILE` of the tool.
    pub config: Option<PathBuf>,
}

impl Submit {
    /// What a flag gave.
    pub fn value(&self, of: FlagValue) -> Option<&[u8]> {
        self.values.get(of)
    }

    /// Whether somebody is meant to get a message.
    pub fn names_recipients(&self) -> bool {
        self.header_recipients == HeaderRecipients::Taken || !self.operands.is_empty()
    }
}

impl Default for Submit {
    fn default() -> Self {
        Self {
            header_recipients: HeaderRecipients::Ignored,
            operands: Vec::new(),
            values: FlagValues::default(),
            dots: Dots::MayBeStuffed,
            verbosity: Verbosity::Silent,
            config: None,
        }
    }
}

/// `-t`, or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderRecipients {
    /// -t: To, Cc and Bcc are recipients too.
    Taken,
    /// Only the operands are.
    Ignored,
}

/// `-v`, or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verbosity {
    /// Not a word on success.
    Silent,
    /// Nor then, but a line for whoever waits at a terminal, wiped before we end.
    Progress,
    /// A transcript on standard error.
    Transcript,
}

/// Delivery status notification wishes (RFC 3461), as validated xtext-safe words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dsn {
    /// `NEVER`, or a list of `SUCCESS`, `FAILURE`, `DELAY`.
    pub notify: Option<String>,
    /// `FULL` or `HDRS`.
    pub ret: Option<String>,
    /// The envelope id, not yet xtext-encoded.
    pub envid: Option<String>,
}
