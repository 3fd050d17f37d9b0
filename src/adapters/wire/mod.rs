//! The wire.
mod replies;
#[cfg(test)]
pub(crate) use replies::parse_reply;
