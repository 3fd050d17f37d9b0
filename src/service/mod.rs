//! One message as its caller handed it over, before anything was decided: what the broker's socket carries and what
//! the queue keeps on disk.
//!
//! | file | holds |
//! | --- | --- |
//! | `frames` | every kind of frame: its letter, how long it may be, and that many octets |
//! | `head` | caller, arguments and stamp as one frame of JSON |
//! | `submission` | both, in front of the message |
//! | `content` | the message in chunks, up to an explicit end |
//! | `request` | everything else that can be asked |
//! | `answer` | what the broker says to it |
//! | `fault` | why what came is none of these |
//!
//! The message travels as text (RFC 5322) and is read back by the same intake that reads standard input, so whoever
//! wrote the frames, nothing reaches the rest of the program that could not have come through a pipe.

mod answer;
mod choice;
mod content;
mod fault;
mod frames;
mod head;
mod request;
mod submission;
#[cfg(test)]
mod tests;

pub use answer::{ACKNOWLEDGED, Answer, Greeting};
pub use choice::{Choice, account_for, choose_account};
pub use fault::RequestFault;
pub use head::Head;
pub use request::{ClientRequest, Duplicate, EntryId, Pace, ServiceRequest, SignIn};
pub use submission::Submission;
