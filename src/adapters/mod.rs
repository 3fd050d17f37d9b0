//! The outside world as the operating system offers it.

pub mod trust;
pub mod wire;
