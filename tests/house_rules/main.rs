//! Rules of this code base that a machine can hold.

mod floors;
mod imports;
mod names;
mod tokens;

use std::path::{Path, PathBuf};
use std::{fs, process};

/// Only these may touch the operating system, the network and the stores.
const ADAPTERS: [&str; 2] = ["src/adapters/", "src/main.rs"];

/// What the rest must not name.
const OUTSIDE: [&str; 14] = [
    "std::net",
    "std::fs",
    "std::env",
    "std::process",
    "std::os::fd",
    "std::os::unix::fs",
    "std::os::unix::net",
    "std::os::unix::process",
    "rustls",
    "secret_service",
    "nix::",
    "rustix::",
    "dirs::",
    "ureq::",
];

/// Words that mark unfinished work.
const UNFINISHED: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// A file longer than this, its tests not counted, holds two things under one name.
const LONGEST_FILE: usize = 330;

fn sources(folder: &Path) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

/// The program's own files, without their tests.
fn ours() -> Vec<(String, String)> {
    let mut found = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(found.len() > 60, "the sources have moved");
    let tests: Vec<String> = found.iter().flat_map(|(name, text)| test_modules(name, text)).collect();
    found.retain(|(name, _)| !tests.iter().any(|test| name.starts_with(test)));
    for (_, text) in &mut found {
        if let Some(tests) = text.find("#[cfg(test)]\nmod tests {") {
            text.truncate(tests);
        }
    }
    found
}

/// Where the modules that a file declares for tests only lie.
fn test_modules(name: &str, text: &str) -> Vec<String> {
    let folder =
        name.trim_end_matches("mod.rs").trim_end_matches("lib.rs").trim_end_matches(".rs").trim_end_matches('/');
    let declarations = text.split("#[cfg(test)]\n").skip(1);
    let modules = declarations.filter_map(|rest| {
        rest.lines()
            .next()?
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ")
            .strip_prefix("mod ")?
            .strip_suffix(';')
    });
    modules.map(|module| format!("{folder}/{module}")).collect()
}

#[test]
fn only_adapters_know_the_outside() {
    for (name, text) in ours() {
        if ADAPTERS.iter().any(|adapter| name.starts_with(adapter)) {
            continue;
        }
        let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        for (number, line) in code {
            for word in OUTSIDE {
                let named = line.match_indices(word).any(|(place, _)| !line[..place].ends_with(char::is_alphanumeric));
                assert!(!named, "{name}:{}: {word} belongs into src/adapters", number + 1);
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_small() {
    for (name, text) in ours() {
        assert!(text.starts_with("//! "), "{name}: the first line is one sentence about the file");
        assert!(text.lines().count() <= LONGEST_FILE, "{name}: {} lines", text.lines().count());
    }
}

/// Who carries a request out is decided in one room; a command only asks.
#[test]
fn commands_do_not_choose_who_carries_them_out() {
    let may_know = ["src/adapters/", "src/broker/", "src/stdio_server/", "src/world", "src/pipeline.rs"];
    for (name, text) in ours() {
        let knows = may_know.iter().any(|known| name.starts_with(known));
        assert!(knows || !(text.contains("Route::") || text.contains("places.route")), "{name}: ask the broker room");
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for (name, text) in ours() {
        for word in UNFINISHED {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn the_pipeline_stays_on_one_screen() {
    let pipeline = ours().into_iter().find(|(name, _)| name == "src/pipeline.rs").unwrap().1;
    assert!(pipeline.lines().count() <= 100, "{} lines", pipeline.lines().count());
}

/// `rust-version` of Cargo.toml is a promise about every crate behind it too.
#[test]
fn no_dependency_needs_a_newer_compiler() {
    let output = process::Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let version = |text: &str| -> Vec<u64> { text.split('.').take(2).map(|part| part.parse().unwrap()).collect() };
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    for package in packages {
        if let Some(theirs) = package["rust_version"].as_str() {
            assert!(version(theirs) <= ours, "{} needs Rust {theirs}", package["name"]);
        }
    }
}
