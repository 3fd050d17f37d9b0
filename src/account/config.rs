//! The configuration file: TOML to accounts, unknown keys refused with file and line.

/// The accounts of one configuration file.
#[derive(Clone, Debug)]
pub struct Accounts;
