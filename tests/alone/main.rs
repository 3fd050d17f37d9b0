//! What needs the machine for itself: tests that count connections and deadlines, and tests that kill at a system call.
//!
//! Cargo runs one test binary after another, so nothing else runs beside these.

mod chaos;
mod pace;
