//! The manuals and completions: their sources, with marks that the tables of the program fill.
//!
//! The committed pages are what comes of that; tests compare them, and `UPDATE_PAGES=1 cargo test --lib manual` renews them.

use std::fs;
use std::path::Path;

mod completion;
mod configuration;
mod differences;
mod replies;
mod roff;
mod sendmail;
mod tool;

/// A mark of a source, which stands on a line of its own, and what it is filled with: lines, each with its end.
type Filling<'a> = (&'a str, String);

/// The committed page is its source, filled. With the variable set it is written first.
fn compare(page: &str, filled: &str) {
    const RENEW: &str = "UPDATE_PAGES";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::env::var_os(RENEW).is_some() {
        fs::write(&path, filled).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == filled, "{page} is out of date: run {RENEW}=1 cargo test --lib manual");
}

/// The source of a page.
fn source(page: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{page}.in"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The source with every mark filled: each stands in it once, and no other does.
fn filled(source: &str, fillings: &[Filling<'_>]) -> String {
    let mark = |line: &str| line.trim().strip_prefix('@').and_then(|rest| rest.strip_suffix('@')).map(str::to_owned);
    let marks: Vec<String> = source.lines().filter_map(mark).collect();
    let mut names: Vec<&str> = fillings.iter().map(|filling| filling.0).collect();
    let mut wanted: Vec<&str> = marks.iter().map(String::as_str).collect();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(wanted, names, "marks and what fills them");
    let line = |line: &str| match mark(line) {
        Some(name) => fillings.iter().find(|filling| filling.0 == name).unwrap().1.clone(),
        None => format!("{line}\n"),
    };
    source.lines().map(line).collect()
}

/// A manual of `man/`, filled and with lines as mandoc wants them, below a note of where it comes from.
fn page(name: &str, fillings: &[Filling<'_>]) -> String {
    let note = format!(".\\\" Made from man/{name}.in and the tables of src: UPDATE_PAGES=1 cargo test --lib manual\n");
    note + &roff::wrapped(&filled(&source(&format!("man/{name}")), fillings))
}

#[test]
#[should_panic(expected = "marks and what fills them")]
fn a_mark_that_nothing_fills_is_noticed() {
    filled("a\n@NOBODY@\n", &[]);
}
