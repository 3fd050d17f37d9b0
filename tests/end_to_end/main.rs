//! The program as its callers and its user see it: real arguments, a real pipe, and the stand-in for Outlook behind it.
//!
//! Each module starts machines of its own, so all of them run side by side.

mod accounts;
mod broker;
mod callers_run;
mod corpus;
mod credentials;
mod dialogues;
mod differences;
mod faults;
mod from_policy;
mod graph;
mod outbox;
mod packaging;
mod set_up;
mod sign_in;
mod standing;
mod stdio_server;
mod system;
mod threads;
mod tools;
