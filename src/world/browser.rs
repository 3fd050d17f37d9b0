//! A person's web browser: sent to a page, and heard when it comes back (RFC 8252).

use std::time::Instant;

use crate::secret::Secret;
use crate::words::SafeText;

/// The browser of whoever sits at this machine.
pub trait Browser {
    /// Opens a page, where there is a desktop to open it on; says whether that was set going.
    fn open(&self, url: &str) -> bool;
    /// Waits on loopback, on a port nobody else has.
    fn listen(&self) -> Result<Box<dyn Loopback>, SafeText>;
}

/// A port on 127.0.0.1 and ::1.
pub trait Loopback {
    /// Which.
    fn port(&self) -> u16;
    /// The next thing that happens, at the port or, where standard input is a terminal, at the keyboard.
    fn next(&mut self, until: Instant) -> Arrival;
}

/// What happened.
pub enum Arrival {
    /// A browser asks for something.
    Visit(Box<dyn Visit>),
    /// Somebody typed or pasted a line.
    Line(Secret),
    /// Nothing, until the time was over.
    Nothing,
}

/// A GET that waits for its answer.
pub trait Visit {
    /// What is asked for: the path and the query.
    fn target(&self) -> &Secret;
    /// Answers with an HTTP status and a page.
    fn answer(self: Box<Self>, status: Status, page: &str);
}

/// HTTP statuses (RFC 9110 section 15) a visit may be answered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// 200.
    Ok,
    /// 400.
    BadRequest,
    /// 404.
    NotFound,
}
