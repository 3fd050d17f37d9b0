//! Settings written into the configuration: what is already there, comments and all, stays as it is, octet for octet.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use crate::failure::{Cause, Failure, Stage};
use crate::words::BYTE_ORDER_MARK;

/// A key of an account's table and the text it gets.
pub(super) type FileSetting = (&'static str, String);

/// How a file begins that was not there before.
const TITLE: &str = "# outlook-sendmail\n";

/// The file with these settings in the account's table, which is added at the end when it is not there.
///
/// # Errors
/// [`Cause::ConfigSyntax`] for what is no configuration, or one written so that nothing can be put in.
pub(super) fn with_settings(file: &Path, text: &str, name: &str, settings: &[FileSetting]) -> Result<String, Failure> {
    let (mark, text) = split_mark(text);
    let document = parse(file, text)?;
    let changed = match account(&document, name) {
        Some(table) => change(file, text, table, settings)?,
        None => add(text, name, settings),
    };
    Ok(format!("{mark}{changed}"))
}

/// The file with `account = NAME` on top, when it has no such line yet: with a second account beside the first, what
/// neither address decides must still go out as before.
///
/// # Errors
/// As [`with_settings`].
pub(super) fn with_preferred(file: &Path, text: &str, name: &str) -> Result<String, Failure> {
    let (mark, text) = split_mark(text);
    if parse(file, text)?.get("account").is_some() {
        return Ok(format!("{mark}{text}"));
    }
    let gap = if text.starts_with(['\n', '\r']) { "" } else { "\n" };
    Ok(format!("{mark}account = {}\n{gap}{text}", quoted(name)))
}

/// The byte order marks in front, which stay there, and the text.
fn split_mark(text: &str) -> (&str, &str) {
    let behind = text.trim_start_matches(BYTE_ORDER_MARK);
    text.split_at_checked(text.len() - behind.len()).unwrap_or(("", text))
}

fn parse<'a>(file: &Path, text: &'a str) -> Result<Document<&'a str>, Failure> {
    Document::parse(text).map_err(|error| fault(file, error.message()))
}

fn account<'a>(document: &'a Document<&str>, name: &str) -> Option<&'a dyn TableLike> {
    document.get("accounts").and_then(Item::as_table_like)?.get(name).and_then(Item::as_table_like)
}

fn change(file: &Path, text: &str, table: &dyn TableLike, settings: &[FileSetting]) -> Result<String, Failure> {
    let unplaced = || fault(file, "this account is written in a way that cannot be changed here; change it by hand");
    // Every account has an address: new settings go behind it, written as it is.
    let (key, address) = table.get_key_value("address").ok_or_else(unplaced)?;
    let (key, address) = (key.span().ok_or_else(unplaced)?, address.span().ok_or_else(unplaced)?);
    let mut splices: Vec<(Range<usize>, String)> = Vec::new();
    for (name, value) in settings {
        match table.get(name) {
            Some(item) => splices.push((item.span().ok_or_else(unplaced)?, quoted(value))),
            None => splices.push(beside(text, &key, &address, name, value)),
        }
    }
    // From the end to the beginning, so that no splice moves another; those at one place keep their order.
    splices.reverse();
    splices.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut changed = text.to_owned();
    for (range, new) in splices {
        changed.replace_range(range, &new);
    }
    Ok(changed)
}

/// Where a new setting goes, and how it is written there.
fn beside(text: &str, key: &Range<usize>, address: &Range<usize>, name: &str, value: &str) -> (Range<usize>, String) {
    let line_start = text.get(..key.start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    // Blanks before the key, or `accounts.me.` of a dotted one.
    let before = text.get(line_start..key.start).unwrap_or_default();
    let rest = text.get(address.end..).unwrap_or_default();
    if before.contains(['{', ',']) {
        return (address.end..address.end, format!(", {name} = {}", quoted(value)));
    }
    match rest.find('\n') {
        Some(end) => {
            let place = address.end + end + 1;
            let line_end = if rest.get(..end).is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" };
            (place..place, format!("{before}{name} = {}{line_end}", quoted(value)))
        }
        None => (text.len()..text.len(), format!("\n{before}{name} = {}", quoted(value))),
    }
}

fn add(text: &str, name: &str, settings: &[FileSetting]) -> String {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut whole = if text.is_empty() { TITLE.to_owned() } else { text.to_owned() };
    if !whole.ends_with('\n') {
        whole.push_str(line_end);
    }
    whole.push_str(&format!("{line_end}[accounts.{}]{line_end}", key_of(name)));
    for (key, value) in settings {
        whole.push_str(&format!("{key} = {}{line_end}", quoted(value)));
    }
    whole
}

/// A bare key where that is possible (TOML 1.0, "Keys").
fn key_of(name: &str) -> String {
    let bare = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

fn fault(file: &Path, problem: &str) -> Failure {
    Failure::new(Stage::Account, Cause::ConfigSyntax, format!("{}: {problem}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Accounts;

    fn changed(text: &str, name: &str, settings: &[(&'static str, &str)]) -> String {
        let settings: Vec<FileSetting> = settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let changed = with_settings(Path::new("c"), text, name, &settings).unwrap();
        let accounts = Accounts::parse(Path::new("c"), changed.as_bytes()).unwrap_or_else(|_| panic!("{changed}"));
        assert!(accounts.named(name).is_ok(), "{changed}");
        changed
    }

    #[test]
    fn a_byte_order_mark_stays_in_front() {
        let text = "\u{feff}accounts.me.address = \"me@outlook.com\"\n";
        let after = changed(text, "me", &[("store", "file")]);
        assert_eq!(after, format!("{text}accounts.me.store = \"file\"\n"));
        let after = with_preferred(Path::new("c"), text, "me").unwrap();
        assert!(after.starts_with("\u{feff}account = \"me\"\n\naccounts.me."), "{after}");
    }

    #[test]
    fn the_first_account() {
        let text = changed("", "me", &[("address", "me@outlook.com"), ("client_id", "id")]);
        let expected = "# outlook-sendmail\n\n[accounts.me]\naddress = \"me@outlook.com\"\nclient_id = \"id\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_account_is_added_behind_what_is_there() {
        let before = "# mine\n[accounts.a]\naddress = \"a@x.org\" # \u{e9}\n\n  # the end\n";
        let text = changed(before, "work", &[("address", "b@x.org")]);
        assert_eq!(text, format!("{before}\n[accounts.work]\naddress = \"b@x.org\"\n"));
        let text = changed(before.trim_end(), "b \"c\"", &[("address", "b@x.org")]);
        assert!(text.ends_with("\n  # the end\n\n[accounts.\"b \\\"c\\\"\"]\naddress = \"b@x.org\"\n"), "{text}");
        let crlf = before.replace('\n', "\r\n");
        let text = changed(&crlf, "b", &[("address", "b@x.org")]);
        assert_eq!(text, format!("{crlf}\r\n[accounts.b]\r\naddress = \"b@x.org\"\r\n"));
    }

    #[test]
    fn a_value_is_changed_where_it_stands() {
        let before = "account=\"a\"\n[accounts.a] # x\n\taddress  =  'a@x.org'   # why\n#client_id = \"no\"\n\
                      client_id=\"\"\"old\"\"\" # keep\n[accounts.a.endpoints]\nauthority = \"https://x\"\n# end";
        let text = changed(before, "a", &[("client_id", "n\"w"), ("tenant", "t"), ("store", "file")]);
        let expected = before
            .replace("\"\"\"old\"\"\"", "\"n\\\"w\"")
            .replace("# why\n", "# why\n\ttenant = \"t\"\n\tstore = \"file\"\n");
        assert_eq!(text, expected);
    }

    #[test]
    fn every_way_of_writing_an_account() {
        for (before, expected) in [
            ("accounts.a.address = \"a@x.org\"", "accounts.a.address = \"a@x.org\"\naccounts.a.tenant = \"t\""),
            (
                "[accounts]\na.address = \"a@x.org\"\r\na.port = 1\r\n",
                "[accounts]\na.address = \"a@x.org\"\r\na.tenant = \"t\"\r\na.port = 1\r\n",
            ),
            (
                "[accounts]\na = { port = 1, address = \"a@x.org\" } # x\n",
                "[accounts]\na = { port = 1, address = \"a@x.org\", tenant = \"t\" } # x\n",
            ),
            (
                "accounts = { a = { address = \"a@x.org\", port = 1 } }",
                "accounts = { a = { address = \"a@x.org\", tenant = \"t\", port = 1 } }",
            ),
            (
                "[accounts.'a']\nsend_as = [ # all\n]\naddress = \"a@x.org\"\n",
                "[accounts.'a']\nsend_as = [ # all\n]\naddress = \"a@x.org\"\ntenant = \"t\"\n",
            ),
        ] {
            assert_eq!(changed(before, "a", &[("tenant", "t")]), expected);
        }
    }

    #[test]
    fn the_first_account_stays_the_one_that_counts() {
        let text = "# mine\n[accounts.a]\naddress = \"a@x.org\"\n";
        let preferred = with_preferred(Path::new("c"), text, "a").unwrap();
        assert_eq!(preferred, format!("account = \"a\"\n\n{text}"));
        assert_eq!(with_preferred(Path::new("c"), &preferred, "b").unwrap(), preferred);
    }
}
