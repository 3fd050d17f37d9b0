//! Small houses, in order and not.

use super::{OfParent, Source, circles, misplaced, module, read, rooms, upward};

const ORDER: &str = "//! | room | does |\n//! | --- | --- |\n//! | [`fake`], tests only | x |\n\
                     //! | [`top`] | `not` a room |\n//! | [`left`] [`right`] | x |\n//! | `low` | x |\n//!\n//! `other`";

fn house(files: &[(&str, &str)]) -> Vec<(String, Source)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), read(&module(name), text))).collect()
}

fn broken(file: &str, text: &str) -> usize {
    upward(&rooms(ORDER), &house(&[(file, text)])).len()
}

#[test]
fn the_list_is_read() {
    let names: Vec<_> = rooms(ORDER).into_iter().map(|room| (room.name, room.tests_only)).collect();
    let expected = [("fake", true), ("top", false), ("left", false), ("right", false), ("low", false)];
    assert_eq!(names, expected.map(|(name, tests_only)| (name.to_owned(), tests_only)));
    assert_eq!(rooms("//! | stage | takes |\n//! | --- | --- |\n//! | `a` | b |"), []);
}

#[test]
fn files_are_modules() {
    assert_eq!(module("src/a/mod.rs"), ["a"]);
    assert_eq!(module("src/a/b.rs"), ["a", "b"]);
    assert_eq!(module("src/main.rs"), ["main"]);
    assert_eq!(module("src/lib.rs"), [""; 0]);
}

#[test]
fn down_is_well() {
    assert_eq!(broken("src/top.rs", "use crate::{left, right::{A, B}, low}; fn f() { super::low::g() }"), 0);
    assert_eq!(
        broken("src/left/a.rs", "use crate::right; use super::super::low; use super::b; use crate::left::c;"),
        0
    );
    assert_eq!(broken("src/main.rs", "use outlook_sendmail::{top, low};"), 0);
    assert_eq!(broken("src/low.rs", "#[cfg(test)] mod tests { use crate::fake::World; }"), 0);
    assert_eq!(broken("src/low.rs", "// crate::top\nconst A: &str = \"crate::top\";"), 0);
}

#[test]
fn up_is_found_in_every_form() {
    for text in [
        "use crate::top;",
        "use crate::top::A;",
        "use crate::{low::a, top::A};",
        "use crate::{low::a, left::{b}};",
        "pub use crate::top::A;",
        "pub(crate) use crate::right::A as B;",
        "use super::super::top;",
        "fn f() { crate::top::g() }",
        "fn f() -> super::super::top::A { a() }",
        "fn f() { use crate::top::g; }",
        "mod a { use super::super::super::top; }",
        "#[cfg(test)] mod tests { use crate::top; }",
        "use crate::top::*;",
        "use crate::*;",
        "use crate as all;",
        "use crate::nowhere;",
    ] {
        assert_eq!(broken("src/low/file.rs", text), 1, "{text}");
    }
    assert_eq!(broken("src/right.rs", "use super::left;"), 1);
    assert_eq!(broken("src/elsewhere.rs", ""), 1);
}

#[test]
fn the_list_is_the_crates() {
    let declared = "#[cfg(test)] mod fake; pub mod top; mod left; pub mod right; pub mod low;";
    let root = |text: &str| read(&[], text);
    assert_eq!(misplaced(&rooms(ORDER), &root(declared)), [""; 0]);
    for (from, to) in [("mod left;", ""), ("mod left;", "mod left; mod more;"), ("#[cfg(test)] ", "")] {
        assert_eq!(misplaced(&rooms(ORDER), &root(&declared.replace(from, to))).len(), 1, "{from}");
    }
}

#[test]
fn circles_are_found() {
    let two = [("src/a/b.rs", "use super::c::D;"), ("src/a/c.rs", "pub struct D; use crate::a::b;")];
    let found = circles(&house(&two), OfParent::Counts);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("2 files from src/a/b.rs:") && found[0].contains("src/a/c.rs:1: a::b"), "{found:?}");
    let three = [("src/a/b.rs", "use super::c;"), ("src/a/c.rs", "use super::d;"), ("src/a/d.rs", "use super::b;")];
    assert_eq!(circles(&house(&three), OfParent::Counts).len(), 1);
    let parent = [("src/a/mod.rs", "mod b; pub struct C; fn f() { b::g() }"), ("src/a/b.rs", "use super::C;")];
    assert_eq!(circles(&house(&parent), OfParent::Counts).len(), 1);
    assert_eq!(circles(&house(&parent), OfParent::Allowed), [""; 0]);
    assert_eq!(circles(&house(&two), OfParent::Allowed).len(), 1);
}

#[test]
fn no_circles_are_found_where_there_are_none() {
    let line = [("src/a/b.rs", "use super::c;"), ("src/a/c.rs", "use super::d;"), ("src/a/d.rs", "")];
    assert_eq!(circles(&house(&line), OfParent::Counts), [""; 0]);
    let rooms = [("src/a.rs", "use crate::b;"), ("src/b.rs", "use crate::a;")];
    assert_eq!(circles(&house(&rooms), OfParent::Counts), [""; 0], "that is the other rule's");
    let tests = [("src/a/b.rs", "#[cfg(test)] mod tests { use crate::a::c; }"), ("src/a/c.rs", "use super::b;")];
    assert_eq!(circles(&house(&tests), OfParent::Counts), [""; 0]);
}

#[test]
fn a_name_that_is_passed_on_is_its_makers() {
    let room = |parent: &'static str| {
        house(&[("src/a/mod.rs", parent), ("src/a/b.rs", "use super::C;"), ("src/a/c.rs", "pub struct C;")])
    };
    assert_eq!(circles(&room("mod b; mod c; pub use b::B; pub use c::C;"), OfParent::Counts), [""; 0]);
    assert_eq!(circles(&room("mod b; mod c; use c::*; fn f() { b::g() }"), OfParent::Counts), [""; 0]);
    assert_eq!(circles(&room("mod b; mod c; use c::C; fn f() { b::g() }"), OfParent::Counts), [""; 0]);
    assert_eq!(circles(&room("mod b; mod c; pub use b::B; pub struct C;"), OfParent::Counts), [""; 0]);
    assert_eq!(circles(&room("mod b; mod c; pub use b::B; pub struct C(B);"), OfParent::Counts).len(), 1);
}
