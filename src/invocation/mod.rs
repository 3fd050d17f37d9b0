//! From the arguments to what is wanted.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::message::Dots;

pub mod commands;
#[cfg(test)]
mod completion;
#[cfg(test)]
mod config_man;
#[cfg(test)]
mod differences;
pub mod flags;
pub mod help;
#[cfg(test)]
mod man;
pub mod parse;
#[cfg(test)]
mod replies_man;
#[cfg(test)]
mod tool_man;

pub use commands::Task;
pub use parse::read;

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
    Help(Program),
    /// The tool was called without arguments: the help text on standard error, status 64. A message may be waiting
    /// on standard input.
    Usage,
    /// Show name and version.
    Version,
    /// Carry out a command of the tool.
    Tool(Task, Asked),
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
        if matches!(self, Self::Tool(_, asked) if asked.system) {
            return Configuration::System;
        }
        self.config().map_or(Configuration::Usual, Configuration::File)
    }

    /// The configuration file a person named.
    fn config(&self) -> Option<&Path> {
        match self {
            Self::Submit(submit) => submit.config.as_deref(),
            Self::SmtpOnStdio(wanted) => wanted.config.as_deref(),
            Self::Tool(_, asked) => asked.config.as_deref(),
            Self::Verify(submit) => submit.config.as_deref(),
            Self::PrintQueue | Self::RunQueue | Self::CheckAliases => None,
            Self::Help(_) | Self::Usage | Self::Version => None,
        }
    }
}

/// Under which name we were called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// `sendmail`, or any other name.
    Sendmail,
    /// `outlook-sendmail`, the tool for people.
    Tool,
}

/// One submission as the arguments describe it; octets as given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submit {
    /// Whether recipients are read from the header.
    pub header_recipients: HeaderRecipients,
    /// The operands, each an address list.
    pub operands: Vec<Vec<u8>>,
    /// `-f` or `-r`; empty and `<>` are the null sender.
    pub sender: Option<Vec<u8>>,
    /// `-F`.
    pub full_name: Option<Vec<u8>>,
    /// `-i` and `-oi`.
    pub dots: Dots,
    /// `-v`.
    pub verbosity: Verbosity,
    /// `-N`, `-R`, `-V`.
    pub dsn: Dsn,
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
            sender: None,
            full_name: None,
            dots: Dots::MayBeStuffed,
            verbosity: Verbosity::Silent,
            dsn: Dsn::default(),
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

/// What a command of the tool was called with. Which of it a command takes, its row says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// What stands behind the command's word, options aside.
    pub operands: Vec<String>,
    /// `--account NAME`.
    pub account: Option<String>,
    /// `--client-id ID`.
    pub client_id: Option<String>,
    /// `--tenant T`.
    pub tenant: Option<String>,
    /// `--store S`.
    pub store: Option<String>,
    /// `--transport T`.
    pub transport: Option<String>,
    /// `--browser`.
    pub browser: bool,
    /// `--system`.
    pub system: bool,
    /// `--json`.
    pub json: bool,
    /// `--listen PATH`.
    pub listen: Option<PathBuf>,
    /// `--duplicate-possible`.
    pub duplicate_possible: bool,
    /// What sendmail would be called with, for `explain`.
    pub submit: Box<Submit>,
    /// `--config FILE`.
    pub config: Option<PathBuf>,
}
