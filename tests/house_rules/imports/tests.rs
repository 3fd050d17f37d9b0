//! Every form in which a file can name something of its own crate.

use super::{Kind, Source, read};

fn paths(source: &Source) -> Vec<String> {
    source.references.iter().map(|reference| reference.path.join("::")).collect()
}

/// What a file `room/file.rs` names with this text in it.
fn named(text: &str) -> Vec<String> {
    paths(&read(&["room", "file"], text))
}

#[test]
fn imports() {
    assert_eq!(named("use crate::a;"), ["a"]);
    assert_eq!(named("use crate::a::B;"), ["a::B"]);
    assert_eq!(named("pub(crate) use crate::a::B as C;"), ["a::B"]);
    assert_eq!(named("use crate::{a, b::{C, d::{self, E}}, f::*};"), ["a", "b::C", "b::d", "b::d::E", "f"]);
    assert_eq!(named("use {crate::a::B, super::c};"), ["a::B", "room::c"]);
    assert_eq!(named("use super::super::a;"), ["a"]);
    assert_eq!(named("use super::{super::a, b};"), ["a", "room::b"]);
    assert_eq!(named("use self::a::B;"), ["room::file::a::B"]);
    assert_eq!(named("fn f() { use crate::a::b; b() }"), ["a::b"]);
    assert_eq!(named("use std::{fs, io::Read}; use ::nix::unistd; use serde as s;"), [""; 0]);
}

#[test]
fn the_whole_crate() {
    assert_eq!(named("use crate::*;"), [""]);
    assert_eq!(named("use super::super::*;"), [""]);
    assert_eq!(named("use crate as everything;"), [""]);
}

#[test]
fn paths_in_code() {
    assert_eq!(named("fn f(x: crate::a::B) -> Vec<crate::c::D> { crate::e::f::<u8>(x) }"), ["a::B", "c::D", "e::f"]);
    assert_eq!(named("impl super::super::a::B for C {}"), ["a::B"]);
    assert_eq!(named("macro_rules! m { () => { $crate::a::b!() } }"), ["a::b"]);
    assert_eq!(named("outlook_sendmail::a::run()"), ["a::run"]);
    assert_eq!(named("Vec::new(); std::fs::read(x); x.crate_name"), [""; 0]);
    assert_eq!(named("for x in crate::a::all() {}"), ["a::all"]);
}

#[test]
fn a_child_by_its_name() {
    assert_eq!(
        named("fn f() { child::g() } mod child; use child::H;"),
        ["room::file::child::g", "room::file::child::H"]
    );
    assert_eq!(
        named("mod inner { mod child; fn f() { child::g() } } fn f() { child::h() }"),
        ["room::file::inner::child::g"]
    );
}

#[test]
fn modules_inside() {
    assert_eq!(
        named("mod tests { use super::a; use super::super::b; use super::super::super::c; }"),
        ["room::file::a", "room::b", "c"]
    );
    assert_eq!(named("mod tests { fn f() { {} } } use super::a;"), ["room::a"]);
}

#[test]
fn what_is_no_name() {
    assert_eq!(named("pub(crate) fn f() {} pub(in crate::room) fn g() {} pub(super) fn h() {}"), [""; 0]);
    assert_eq!(named("// use crate::a;\n/// [`crate::a`]\nfn f() { \"crate::a\"; '\\''; r#\"crate::a\"# }"), [""; 0]);
    assert_eq!(named("#[serde(with = \"crate::a\")] #[doc = \"x\"] fn f() -> impl X + use<'a> { self.x }"), [""; 0]);
}

#[test]
fn what_is_a_test() {
    let text = "#[cfg(test)]\nuse crate::a;\nuse crate::b;\n#[cfg(test)]\nmod tests {\nuse crate::c;\n}\n\
                #[test]\nfn f(x: [u8; 2]) {\ncrate::d::e()\n}\n#[cfg(not(test))]\nuse crate::f;\n\
                #[cfg(test)]\nmod g;\nmod h;\nfn i() { crate::j::k() }";
    let source = read(&["room"], text);
    let tests: Vec<_> = source.references.iter().map(|found| (found.path[0].as_str(), found.test)).collect();
    assert_eq!(tests, [("a", true), ("b", false), ("c", true), ("d", true), ("f", false), ("j", false)]);
    let declared: Vec<_> = source.declarations.iter().map(|found| (found.path.join("::"), found.test)).collect();
    assert_eq!(
        declared,
        [("room::tests".to_owned(), true), ("room::g".to_owned(), true), ("room::h".to_owned(), false)]
    );
    assert!(read(&["room"], "#![cfg(test)]\nuse crate::a;").references[0].test);
}

#[test]
fn names_that_imports_give() {
    let source = read(&["room"], "pub use crate::a::B; pub(crate) use crate::a::C as D; use crate::e::{self, F};");
    let kinds: Vec<_> = source.references.into_iter().map(|reference| reference.kind).collect();
    let (reexport, import) = (|name: &str| Kind::Reexport(name.into()), |name: &str| Kind::Import(name.into()));
    assert_eq!(kinds, [reexport("B"), reexport("D"), import("e"), import("F")]);
}

#[test]
fn what_is_defined() {
    let text = "pub struct A; enum B {} pub(crate) trait C { type D; fn e(); } pub type F = u8;\n\
                #[cfg(test)] pub enum G {} const H: u8 = 1; macro_rules! i { () => { pub struct $name; } }";
    let source = read(&["room"], text);
    let types: Vec<_> = source.types.iter().map(|found| (found.name.as_str(), found.test)).collect();
    assert_eq!(types, [("A", false), ("C", false), ("F", false), ("G", true)]);
    assert!(["A", "B", "C", "F", "H", "i"].iter().all(|name| source.items.contains(*name)), "{:?}", source.items);
    assert!(!source.items.contains("D") && !source.items.contains("e"));
}
