//! The sendmail for people with an Outlook.com mailbox: one message from standard input to Outlook's verdict.
//!
//! This file is the map. One run is one pass down the list; each stage hands the next a type it cannot misread:
//!
//! | stage | takes | gives |
//! | --- | --- | --- |
//! | [`invocation`] | arguments | [`invocation::Invocation`] |
//! | [`message`] | standard input | [`message::Message`] |
//! | [`account`] | configuration | [`account::Account`] |
//! | [`envelope`] | all three | [`envelope::Letter`] |
//! | [`credentials`] | the account | [`credentials::AccessToken`] |
//! | [`submission`] | letter and token | [`submission::Receipt`] or a [`failure::Failure`] |
//!
//! Between `message` and `account` lies the broker's socket, for the machine's own account: [`broker`] serves it, and
//! [`request`] is what it carries.
//! A message that cannot be sent now waits in the [`outbox`], as the [`request`] it was handed over as.
//!
//! `-bs` goes the same way once for each message of its dialogue: [`stdio_server`].
//!
//! What is asked of the program besides sending is in [`commands`]. What one message teaches the next ones is in
//! [`threads`] (Message-IDs) and [`send_as`] (senders). All use [`address`], [`header_text`] for what a
//! field may hold, and [`words`] for text from outside.
//!
//! [`pipeline`] is the whole program on one screen, [`world`] everything it may touch, [`failure`] every way it can
//! end badly, [`report`] the only place that prints, [`standing`] what one run leaves for `status` to tell. Only
//! [`adapters`] and `main.rs` know the operating system.

// A panic is a bug a user sees: state the impossible with a type instead.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod account;
pub mod adapters;
pub mod address;
pub mod broker;
pub mod commands;
pub mod credentials;
pub mod envelope;
pub mod failure;
pub(crate) mod header_text;
pub mod invocation;
pub mod message;
pub mod outbox;
pub mod pipeline;
pub mod report;
pub mod request;
pub mod send_as;
pub mod standing;
pub mod stdio_server;
pub mod submission;
pub mod threads;
pub mod words;
pub mod world;
