//! Links the release binary small. It aborts on a panic and never prints a backtrace, so 420 kB of unwind tables would only
//! lie there; no flag of cargo's or rustc's takes them out of the precompiled standard library. Relative relocations
//! packed (DT_RELR) are 100 kB less, where the C library that is linked against can read them.

// To print is how a build script talks to cargo.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::process::Command;
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
    if c_library() >= Some(READS_RELR) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// glibc reads DT_RELR since this version.
const READS_RELR: (u32, u32) = (2, 36);

/// Version of this machine's glibc. A binary needs one at least as new as it was linked against in any case.
fn c_library() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
