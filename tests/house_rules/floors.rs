//! The floors of the house: a room names only rooms below it, and the files of a room make no circle.
//!
//! The order is the table in `src/lib.rs` whose head begins with `| room`: one floor a row, its rooms in the first cell
//! between backquotes, the upper ones first; rooms of one floor may name those to the right of them. A cell with the words
//! `tests only` names rooms that exist for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::imports::{Kind, Reference, Source, read};

/// How many circles there are within rooms, a file's use of its own mod.rs counted.
const CIRCLES_LEFT: usize = 13;

/// A room, the upper ones first.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Room {
    name: String,
    tests_only: bool,
}

/// The rooms in the table of this text; nothing when it has none.
fn rooms(text: &str) -> Vec<Room> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let rows = lines.skip_while(|line| !line.starts_with("| room")).skip(1).take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let rooms = cells.flat_map(|cell| {
        let names = cell.split('`').skip(1).step_by(2);
        names.map(|name| Room { name: name.to_owned(), tests_only: cell.contains("tests only") })
    });
    rooms.collect()
}

/// The sources by the module they are; main.rs is `main`, lib.rs has no name.
fn house() -> Vec<(String, Source)> {
    let files = crate::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let read = files.into_iter().map(|(name, text)| (name.clone(), read(&module(&name), &text)));
    let mut house: Vec<_> = read.collect();
    house.sort_by(|one, other| one.0.cmp(&other.0));
    house
}

/// The module that a file below `src` is.
fn module(file: &str) -> Vec<&str> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Vec::new() } else { path.split('/').collect() }
}

/// Everything that is not as the order of rooms wants it, a line each.
fn upward(rooms: &[Room], house: &[(String, Source)]) -> Vec<String> {
    let place = |name: &str| rooms.iter().position(|room| room.name == name);
    let mut found = Vec::new();
    for (file, source) in house {
        let Some(from) = source.module.first() else { continue };
        let own = place(from);
        if own.is_none() && from != "main" {
            found.push(format!("{file}: {from} is on no floor"));
            continue;
        }
        for Reference { path, line, .. } in &source.references {
            let line = format!("{file}:{line}: ");
            match path.first() {
                None => found.push(line + "names the whole crate: name the room"),
                Some(to) if to == from => {}
                Some(to) => match place(to) {
                    None => found.push(line + &format!("{from} names {to}, which is on no floor")),
                    // That only tests name it is the compiler's business.
                    Some(below) if rooms[below].tests_only => {}
                    Some(below) if own.is_some_and(|own| own > below) => {
                        found.push(line + &format!("{from} names {}, which is above it", path.join("::")));
                    }
                    Some(_) => {}
                },
            }
        }
    }
    found
}

/// Rooms that are in the list or in the crate only, and rooms whose being for tests the list tells otherwise.
fn misplaced(rooms: &[Room], root: &Source) -> Vec<String> {
    let declared: BTreeMap<&str, bool> =
        root.declarations.iter().map(|room| (room.path[0].as_str(), room.test)).collect();
    let listed: BTreeMap<&str, bool> = rooms.iter().map(|room| (room.name.as_str(), room.tests_only)).collect();
    let names: BTreeSet<&str> = declared.keys().chain(listed.keys()).copied().collect();
    let differing = names.into_iter().filter(|name| declared.get(name) != listed.get(name));
    differing
        .map(|name| format!("{name}: the crate has it {:?}, the list {:?}", declared.get(name), listed.get(name)))
        .collect()
}

/// What the program itself, not its tests, uses of other files in the same room: from, to, and where.
fn edges(house: &[(String, Source)]) -> BTreeMap<(usize, usize), String> {
    let files: BTreeMap<&[String], usize> =
        house.iter().enumerate().map(|(number, (_, source))| (source.module.as_slice(), number)).collect();
    let mut edges = BTreeMap::new();
    for (from, (file, source)) in house.iter().enumerate() {
        for reference in source.references.iter().filter(|reference| !reference.test && uses(source, reference)) {
            let Some(to) = definer(house, &files, &reference.path) else { continue };
            let same_room = house[to].1.module.first() == source.module.first();
            if to != from && same_room && !source.module.is_empty() {
                let words = format!("{file}:{}: {}", reference.line, reference.path.join("::"));
                edges.entry((from, to)).or_insert(words);
            }
        }
    }
    edges
}

/// `pub use` alone passes a name on; it is used where the file has it elsewhere too.
fn uses(source: &Source, reference: &Reference) -> bool {
    match &reference.kind {
        Kind::Reexport(name) => source.words.contains(name),
        Kind::Path | Kind::Import(_) | Kind::Glob => true,
    }
}

/// The file in which the thing at a path is defined, whoever passes its name on.
fn definer(house: &[(String, Source)], files: &BTreeMap<&[String], usize>, path: &[String]) -> Option<usize> {
    let mut path = path.to_vec();
    // Names are passed on a few times, not for ever.
    for _ in 0..8 {
        let (depth, file) = (0..=path.len()).rev().find_map(|depth| Some((depth, *files.get(&path[..depth])?)))?;
        let source = &house[file].1;
        let Some(name) = path.get(depth).filter(|name| !source.items.contains(*name)) else { return Some(file) };
        let passed_on = source.references.iter().find(|reference| match &reference.kind {
            Kind::Import(given) | Kind::Reexport(given) => given == name,
            Kind::Glob => files.get(reference.path.as_slice()).is_some_and(|&all| house[all].1.items.contains(name)),
            Kind::Path => false,
        });
        let Some(passed_on) = passed_on else { return Some(file) };
        let rest = if passed_on.kind == Kind::Glob { depth } else { depth + 1 };
        path = [&passed_on.path[..], &path[rest..]].concat();
    }
    None
}

/// Whether a file's use of the module it is in counts: what a room shares often stands in its `mod.rs`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OfParent {
    Counts,
    Allowed,
}

/// The circles, each with the uses that make it.
fn circles(house: &[(String, Source)], of_parent: OfParent) -> Vec<String> {
    let mut edges = edges(house);
    if of_parent == OfParent::Allowed {
        edges.retain(|(from, to), _| !house[*from].1.module.starts_with(&house[*to].1.module));
    }
    let mut reached: Vec<BTreeSet<usize>> = Vec::new();
    for start in 0..house.len() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(from) = open.pop() {
            let next = edges.range((from, 0)..=(from, usize::MAX)).map(|((_, to), _)| *to);
            open.extend(next.filter(|to| seen.insert(*to)));
        }
        reached.push(seen);
    }
    let together = |one: usize, other: usize| reached[one].contains(&other) && reached[other].contains(&one);
    let mut found = Vec::new();
    for first in 0..house.len() {
        let members: Vec<usize> = (0..house.len()).filter(|&other| together(first, other)).collect();
        if members.first() == Some(&first) {
            let inside = edges.iter().filter(|((from, to), _)| members.contains(from) && members.contains(to));
            let lines: Vec<_> = inside.map(|(_, words)| format!("\n    {words}")).collect();
            found.push(format!("{} files from {}:{}", members.len(), house[first].0, lines.concat()));
        }
    }
    found
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{} {what}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn rooms_look_down() {
    let house = house();
    let root = include_str!("../../src/lib.rs");
    let order = rooms(root);
    assert!(order.len() > 20, "the table of rooms in src/lib.rs is not to be read: {order:?}");
    let mut found = upward(&order, &house);
    let root = &house.iter().find(|(_, source)| source.module.is_empty()).expect("a root").1;
    found.extend(misplaced(&order, root));
    assert_none("against the order of rooms", &found);
}

#[test]
fn files_beside_each_other_make_no_circle() {
    assert_none("circles", &circles(&house(), OfParent::Allowed));
}

/// With what a file takes from its own mod.rs there are circles left. There may only get fewer.
#[test]
fn files_of_a_room_make_no_more_circles() {
    let found = circles(&house(), OfParent::Counts);
    assert!(found.len() <= CIRCLES_LEFT, "{} circles:\n{}", found.len(), found.join("\n"));
}

#[cfg(test)]
mod tests;
