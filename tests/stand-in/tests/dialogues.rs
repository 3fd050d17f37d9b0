//! Every file in tests/dialogues can be read and says what is expected.

use stand_in::Dialogue;

#[test]
fn every_dialogue_file_parses_and_expects_a_status() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../dialogues");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "dialogue") {
            continue;
        }
        let dialogue = Dialogue::parse(&std::fs::read_to_string(&path).unwrap());
        let dialogue = dialogue.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(dialogue.expectations().status.is_some(), "{}: expects no status", path.display());
        assert!(dialogue.expectations().received.is_some(), "{}: expects no received", path.display());
        count += 1;
    }
    assert!(count > 0);
}
