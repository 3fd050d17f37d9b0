//! What people ask of `outlook-sendmail` besides sending.

pub mod login;
