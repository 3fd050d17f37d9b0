//! The SMTP conversation (RFC 5321) with a submission server (RFC 6409).

mod phase;
mod reply;

pub use phase::Phase;
pub use reply::Reply;
