//! The outside world as the operating system offers it.

pub mod clock;
pub mod files;
pub mod input;
pub mod process;
pub mod spools;
pub mod syslog;
pub mod terminal;
