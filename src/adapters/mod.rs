//! The outside world as the operating system offers it.
