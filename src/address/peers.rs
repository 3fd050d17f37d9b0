//! By hand: what other libraries' suites expect of lists, beside what we read in them.
//!
//! `ADDRESS_CASES=FILE cargo test --lib peers -- --ignored --nocapture`; the file is a JSON array of objects with `value`,
//! a list, and `want`, its addresses (null where it is to be refused). Each line of the answer is a JSON object again.

use serde_json::{Value, json};

use super::*;

#[test]
#[ignore = "reads the file that ADDRESS_CASES names"]
fn what_other_suites_expect() {
    let file = std::env::var_os("ADDRESS_CASES").expect("ADDRESS_CASES names a file");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for mut case in cases {
        let value = case["value"].as_str().unwrap_or_default().to_owned();
        let (read, form, written) = match read_list(value.as_bytes()) {
            Ok(List { entries, form }) => {
                let addresses: Vec<_> =
                    entries.iter().flat_map(Entry::mailboxes).map(|one| one.address.to_wire()).collect();
                (
                    json!(addresses),
                    format!("{form:?}"),
                    String::from_utf8_lossy(&render_list(&entries, "utf-8")).into_owned(),
                )
            }
            Err(AddressFault::Control(words) | AddressFault::Syntax(words)) => {
                (Value::Null, words.whole().to_owned(), String::new())
            }
        };
        case["read"] = read;
        case["form"] = json!(form);
        case["written"] = json!(written);
        println!("{case}");
    }
}
