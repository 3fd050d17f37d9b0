//! How every record of ours is written: one JSON document, or one a line. What cannot be read as one counts as none.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::world::World;

/// Reads a record that is one document.
pub fn read<T: DeserializeOwned>(world: &World, name: &str) -> Option<T> {
    serde_json::from_slice(&world.state.read(name)?).ok()
}

/// Replaces it; says whether that worked.
pub fn write(world: &World, name: &str, document: &impl Serialize) -> bool {
    serde_json::to_vec(document).is_ok_and(|text| world.state.replace(name, &text))
}

/// One document on a line of its own.
pub fn line(document: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(document).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Reads a line.
pub fn read_line<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    serde_json::from_slice(line).ok()
}

/// Reads a record that is one document a line; lines that are not ours are left out.
pub fn read_lines<T: DeserializeOwned>(world: &World, name: &str) -> Vec<T> {
    let text = world.state.read(name).unwrap_or_default();
    text.split(|&octet| octet == b'\n').filter_map(read_line).collect()
}

/// Replaces it; says whether that worked.
pub fn write_lines<'a, T: Serialize + 'a>(world: &World, name: &str, documents: impl Iterator<Item = &'a T>) -> bool {
    world.state.replace(name, &documents.flat_map(line).collect::<Vec<u8>>())
}
