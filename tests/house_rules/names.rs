//! One name, one meaning: no two public types of the program share a name, but for those accepted here.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::read;

/// Names that two rooms use, each of which is always read inside its room. The list only ever gets shorter.
const ACCEPTED: [&str; 24] = [
    "Change",
    "Clock",
    "Command",
    "Content",
    "End",
    "Entry",
    "Facts",
    "Fate",
    "Line",
    "Pace",
    "Part",
    "Place",
    "Progress",
    "Refusal",
    "RefusedRecipient",
    "Reply",
    "Row",
    "Said",
    "Scan",
    "SignIn",
    "Source",
    "StandardInput",
    "State",
    "Text",
];

/// Where each name that is there twice is defined.
fn shared(files: &[(String, String)]) -> BTreeMap<String, Vec<String>> {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in files {
        for found in read(&[], text).types.into_iter().filter(|found| !found.test) {
            defined.entry(found.name).or_default().push(format!("{file}:{}", found.line));
        }
    }
    defined.retain(|_, places| places.len() > 1);
    defined
}

#[test]
fn a_public_type_name_means_one_thing() {
    let shared = shared(&crate::ours());
    let unaccepted: Vec<_> = shared.iter().filter(|(name, _)| !ACCEPTED.contains(&name.as_str())).collect();
    let list: Vec<_> = unaccepted.iter().map(|(name, places)| format!("{name}: {}", places.join(", "))).collect();
    assert!(list.is_empty(), "{} names are there twice:\n{}", list.len(), list.join("\n"));
    let outdated: BTreeSet<_> = ACCEPTED.into_iter().filter(|name| !shared.contains_key(*name)).collect();
    assert!(outdated.is_empty(), "accepted, and there only once: {outdated:?}");
}

#[test]
fn two_of_a_name_are_found() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [
        file("a.rs", "pub struct Row;\nstruct Line;\npub enum Kind {}\n#[cfg(test)]\npub struct Other;"),
        file("b.rs", "pub(crate) type Row = u8;\npub struct Line;\npub trait Other { type Kind; }"),
    ];
    assert_eq!(shared(&files), BTreeMap::from([("Row".to_owned(), vec!["a.rs:1".to_owned(), "b.rs:1".to_owned()])]));
}
