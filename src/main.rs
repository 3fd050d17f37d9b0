//! The outlook-sendmail program.

fn main() {}
