//! The sendmail for people with an Outlook.com mailbox: one message from standard input to Outlook's verdict.
//!
//! This file is the map. A room uses only rooms below it; `rooms_look_down` in the tests reads this table.
//!
//! | room | holds |
//! | --- | --- |
//! | `manual` (tests only) | the manual pages and completions, filled from the tables |
//! | `fake_world` (tests only) | the ports as tests script them |
//! | [`adapters`] | everything that knows the operating system, the network and the stores |
//! | [`pipeline`] | one screen: what is wanted, and who does it |
//! | [`stdio_server`] | `-bs`: SMTP on standard input and output |
//! | [`commands`] | what people ask besides sending |
//! | [`broker`] | the machine's mail service: who may ask for what, and one connection served |
//! | [`status`] | where every account stands |
//! | [`queue`] | messages in our custody, and when they are tried |
//! | [`attempt`] | one try at a message: the only code that sends |
//! | [`report`] | the only code that prints and logs |
//! | [`submission`] | the conversation with Outlook, over SMTP or Graph |
//! | [`credentials`] | signing in, and the access token for one message |
//! | [`service`] | requests and answers between a process and the broker |
//! | [`envelope`] | who gets it, from whom, with which header and body |
//! | [`memory`] | what one run leaves for the next |
//! | [`invocation`] | arguments, and what they ask for |
//! | [`message`] | what came on standard input |
//! | [`account`] | whose mailbox, at which provider, under which policy |
//! | [`world`] | everything this program may touch, as ports |
//! | [`address`] | RFC 5322 addresses |
//! | [`header_text`] | text in header fields: encoded words, parameters, folding |
//! | [`outcome`] | what became of a message |
//! | [`failure`] | every way a run can end badly |
//! | [`reply`] | a server's reply, and where in the conversation it came |
//! | [`transcript`] | the conversation as -v shows it |
//! | [`secret`] | octets nobody may see |
//! | [`moments`] | times as people and programs read them |
//! | [`words`] | text from outside, made safe once |

// The map names every room, those too that only the compiler sees from outside.
#![allow(rustdoc::private_intra_doc_links)]
// A panic is a bug a user sees: state the impossible with a type instead.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod account;
pub mod adapters;
mod address;
mod attempt;
mod broker;
mod commands;
mod credentials;
pub mod envelope;
pub mod failure;
pub(crate) mod header_text;
pub mod invocation;
#[cfg(test)]
mod manual;
pub mod memory;
pub mod message;
mod moments;
mod outcome;
pub mod pipeline;
mod queue;
mod reply;
mod report;
pub mod secret;
pub mod service;
mod status;
mod stdio_server;
mod submission;
mod transcript;
mod words;
pub mod world;

#[cfg(test)]
mod fake_world;
