//! Where every account stands: signed in or not, until when, and what became of its last message.

pub mod history;
mod judgement;
mod json;
mod text;
mod times;
