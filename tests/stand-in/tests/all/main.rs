//! The stand-in as a plain client sees it.

mod client;
mod dialogues;
mod endpoint;
mod smtp;
