//! `sendmail -bs`: an SMTP server (RFC 5321) for the one client on standard input and output.
//!
//! | file | holds |
//! | --- | --- |
//! | `session` | what is answered to each command, and the message that DATA brings |
//! | `transaction` | one envelope, from MAIL to DATA |
//! | `commands`, `parameters` | the client's lines, parsed |
//! | `incoming`, `content` | standard input as lines, and as a message up to its final dot |
//! | `replies` | our lines |

mod commands;
mod content;
mod incoming;
mod parameters;
mod replies;
mod session;
mod transaction;

pub use session::serve;
