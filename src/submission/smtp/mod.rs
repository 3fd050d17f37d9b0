//! The SMTP conversation (RFC 5321) with a submission server (RFC 6409).

mod reply;

pub use reply::Reply;
