//! What one run leaves for the next: records in the state folder. Losing one costs knowledge, never mail.

pub mod history;
pub mod record;
pub mod send_as;
pub mod threads;
