//! What goes through the HTTPS port besides forms: a whole message, and what became of it.

use std::io::{self, Write};

use crate::secret::Secret;
use crate::words::Words;
use crate::world::Deadlines;
use crate::world::WireFault;

/// A message on its way to an HTTPS endpoint.
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// The bearer token (RFC 6750 section 2.1).
    pub token: &'a Secret,
    /// Content-Type.
    pub content_type: &'a str,
    /// Content-Length.
    pub length: u64,
    /// Hears how far it has come.
    pub heard: &'a mut dyn FnMut(PostStep<'_>),
    /// Called directly before the last octets go out.
    pub dot: &'a mut dyn FnMut(),
    /// Writes the content, exactly so many octets; called once.
    pub content: &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    /// The last octets of the content are this protocol's final dot.
    pub times: Deadlines,
}

/// How far a message has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PostStep<'a> {
    /// The connection stands, then TLS: in words.
    Connection(&'a str),
    /// So many octets have gone out.
    Sent(u64),
}

/// What the endpoint answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PostAnswer {
    /// HTTP status.
    pub status: u16,
    /// What stands behind it.
    pub reason: Words,
    /// Seconds the server asks us to wait.
    pub retry_after: Option<u64>,
    /// What the server calls this request, for its support.
    pub request_id: Words,
    /// At most 1 MiB of body; empty for 202.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PostFault {
    /// The content did not go out whole, so nobody acts on it (RFC 9112 section 8).
    Cut(WireFault),
    /// The content could not be read back; it did not go out whole.
    Content(Words),
    /// It may have gone out whole.
    Unknown(WireFault),
}
