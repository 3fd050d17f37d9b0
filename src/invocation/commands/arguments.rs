//! What a command of the tool was called with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{CommandOption, OptionRow};
use crate::invocation::Submit;

/// Operands and options. Which of them a command takes, its row says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommandArguments {
    /// What stands behind the command's word, options aside.
    pub operands: Vec<String>,
    /// What sendmail would be called with, for `explain`.
    pub submit: Box<Submit>,
    options: BTreeMap<CommandOption, String>,
    /// `--config FILE` in front of the command.
    config: Option<PathBuf>,
}

impl CommandArguments {
    /// None yet, but for the configuration named in front of the command.
    pub(in crate::invocation) fn of(config: Option<PathBuf>) -> Self {
        Self { config, ..Self::default() }
    }

    /// With this option as well.
    #[must_use]
    pub fn with(mut self, option: CommandOption, value: &str) -> Self {
        self.options.insert(option, value.to_owned());
        self
    }

    /// The option's value, if it was given.
    pub fn value(&self, option: CommandOption) -> Option<&str> {
        self.options.get(&option).map(String::as_str)
    }

    /// Whether the option was given.
    pub fn says(&self, option: CommandOption) -> bool {
        self.options.contains_key(&option)
    }

    /// The configuration file that was named.
    pub fn config(&self) -> Option<&Path> {
        self.value(CommandOption::Config).map(Path::new).or(self.config.as_deref())
    }

    /// The last one counts.
    pub(super) fn take(&mut self, row: &OptionRow, value: String) {
        self.options.insert(row.option, value);
    }
}
