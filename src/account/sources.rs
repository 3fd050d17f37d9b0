//! Our own sources, for tests that hold tables against those who read them.

use std::fs;
use std::path::Path;

/// Every file below `src` that is no test, up to its tests, without these.
pub(crate) fn outside_tests(without: &[&str]) -> Vec<(String, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && !without.contains(&name.as_str()) {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                sources.push((name, code.to_owned()));
            }
        }
    }
    sources
}

#[test]
fn every_store_stands_in_its_row_and_every_part_of_it_is_read() {
    let sources = outside_tests(&["src/world/secrets.rs", "src/account/keys.rs", "src/account/sources.rs"]);
    for word in ["secret-service", "sealed"] {
        let literal = format!("\"{word}\"");
        for (file, text) in &sources {
            assert!(!text.contains(&literal), "{file} has {literal}, which is a store's");
        }
    }
    let rows = include_str!("../world/secrets.rs");
    let fields = rows.split("pub struct StoreRow {").nth(1).unwrap().split("\n}").next().unwrap();
    for field in fields.lines().filter_map(|line| line.trim().strip_prefix("pub ")) {
        let name = field.split(':').next().unwrap();
        let is_read =
            sources.iter().any(|(_, text)| ["row", "row()"].iter().any(|row| text.contains(&format!("{row}.{name}"))));
        assert!(is_read, "nobody reads {name} of a store");
    }
}
