//! What people ask of `outlook-sendmail` besides sending.

mod addresses;
mod login;
mod set_up;
mod test_message;

pub use addresses::{check_aliases, verify};
pub use set_up::set_up;
