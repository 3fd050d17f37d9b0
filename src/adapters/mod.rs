//! The outside world as the operating system offers it.

pub mod https;
pub mod locks;
mod private_folder;
pub mod secret_stores;
pub mod token_cache;
pub mod trust;
pub mod wire;
