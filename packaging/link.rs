//! Links the release binary without unwind tables: it aborts on a panic and never prints a backtrace, so these 420 kB
//! would only lie there. No flag of cargo's or rustc's takes them out of the precompiled standard library.

// To print is how a build script talks to cargo.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::{env, fs};

const SCRIPT: &str =
    "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table .gcc_except_table.*) } }
INSERT AFTER .text;
";

fn main() {
    println!("cargo::rerun-if-changed=packaging/link.rs");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    if variable("PROFILE") != "release" || variable("CARGO_CFG_TARGET_OS") != "linux" {
        return;
    }
    let script = PathBuf::from(variable("OUT_DIR")).join("without-unwind-tables.ld");
    // Without the script the binary is larger, and as good.
    if fs::write(&script, SCRIPT).is_ok() {
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
}
