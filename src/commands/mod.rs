//! What people ask of `outlook-sendmail` besides sending.

mod login;
mod set_up;
mod test_message;

pub use set_up::set_up;
