//! The alias file (aliases(5)): names without a domain to the people behind them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::address::{AddrSpec, Entry, parse_operand};
use crate::words::without_byte_order_marks;

/// Deepest chain of aliases and includes.
const DEPTH: usize = 20;

/// Most addresses one name may stand for.
const MEMBERS: usize = 1_000;

/// Most values looked at for one name: names that all list each other have more paths than anybody can walk.
const STEPS: usize = 100_000;

/// An alias file as it was read: lines are understood only when a name needs them, so that one broken line never
/// stops the mail of all others.
#[derive(Debug, Default)]
pub struct Aliases {
    file: PathBuf,
    /// Lower-case name to line number and right-hand side; the last definition wins, as in newaliases.
    lines: HashMap<Vec<u8>, (usize, Vec<u8>)>,
    /// What is odd in the file whatever name is looked up, with file and line.
    oddities: Vec<String>,
}

/// What a name stands for, and what was left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// Addresses, and local names no alias leads on from.
    pub targets: Vec<AddrSpec>,
    /// What was refused, with file and line, for the log.
    pub warnings: Vec<String>,
}

/// Reads an include file; an error's words name no content.
pub type ReadInclude<'a> = &'a dyn Fn(&Path) -> Result<Vec<u8>, String>;

/// Whether an address is one of this machine's, which aliases lead on from.
pub type IsLocal<'a> = &'a dyn Fn(&AddrSpec) -> bool;

impl Aliases {
    /// Splits a file into its definitions: `name: value, value`, continued on lines that start with white space.
    pub fn parse(file: &Path, text: &[u8]) -> Self {
        let mut lines = HashMap::new();
        let mut oddities = Vec::new();
        let mut open: Option<(Vec<u8>, usize, Vec<u8>)> = None;
        for (index, line) in without_byte_order_marks(text).split(|&octet| octet == b'\n').enumerate() {
            let mut odd = |what: &str| oddities.push(format!("{} line {}: {what}", file.display(), index + 1));
            let (line, comment) = without_comment(line);
            if comment {
                odd(COMMENT);
            }
            if line.first().is_some_and(|octet| b" \t".contains(octet)) {
                let blank = line.trim_ascii().is_empty() || line.trim_ascii().starts_with(b"#");
                if let Some((_, _, value)) = open.as_mut().filter(|_| !blank) {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                continue;
            }
            if line.trim_ascii().is_empty() || line.starts_with(b"#") {
                continue;
            }
            if let Some((name, number, value)) = open.take() {
                lines.insert(name, (number, value));
            }
            open = definition(line).map(|(name, value)| (name, index + 1, value));
            match &open {
                None => odd("a name and a colon are missing, so nobody gets mail by it"),
                Some((name, ..)) if name == b"default" => {
                    odd("default is a name like any other here; what msmtp means by it is written *");
                }
                Some(_) => {}
            }
        }
        if let Some((name, number, value)) = open {
            lines.insert(name, (number, value));
        }
        Self { file: file.to_owned(), lines, oddities }
    }

    /// What is odd in the file, whatever name is looked up: a line each, with file and line.
    pub fn oddities(&self) -> &[String] {
        &self.oddities
    }

    /// Every name that has a definition, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let mut names: Vec<_> = self.lines.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        names.sort();
        names.into_iter()
    }

    /// Follows `name` to its end. A name without an alias, and without the catch-all `*`, is its own end.
    ///
    /// # Errors
    /// Words with file and line when a list cannot be known in full (an include that cannot be read, too deep, too
    /// long): sending to part of a list would lose mail silently.
    pub fn expand(&self, name: &str, include: ReadInclude<'_>, is_local: IsLocal<'_>) -> Result<Expansion, String> {
        let mut walk =
            Walk { aliases: self, include, is_local, expansion: Expansion::default(), visited: Vec::new(), steps: 0 };
        walk.name(name, "", 0)?;
        Ok(walk.expansion)
    }
}

/// What is said of a comment behind text.
const COMMENT: &str = "what follows # is left out: a comment is better on a line of its own";

/// A line up to a `#` behind white space outside quotation marks, and whether there is one: Sendmail knows no such comment,
/// and there is no such address.
fn without_comment(line: &[u8]) -> (&[u8], bool) {
    let (mut quoted, mut blank, mut text) = (false, false, false);
    let hash = line.iter().position(|&octet| {
        quoted ^= octet == b'"';
        let starts = octet == b'#' && blank && text && !quoted;
        blank = octet.is_ascii_whitespace();
        text |= !blank;
        starts
    });
    match hash.and_then(|at| line.get(..at)) {
        Some(before) => (before, true),
        None => (line, false),
    }
}

/// `name: value`, the name possibly quoted.
fn definition(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (name, rest) = match line.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = quoted.iter().position(|&octet| octet == b'"')?;
            let (name, rest) = quoted.split_at(end);
            (name, rest.get(1..)?.trim_ascii_start().strip_prefix(b":")?)
        }
        None => {
            let colon = line.iter().position(|&octet| octet == b':')?;
            (line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?)
        }
    };
    Some((name.to_ascii_lowercase(), rest.trim_ascii().to_vec()))
}

/// One expansion under way.
struct Walk<'a> {
    aliases: &'a Aliases,
    include: ReadInclude<'a>,
    is_local: IsLocal<'a>,
    expansion: Expansion,
    visited: Vec<Vec<u8>>,
    steps: usize,
}

impl Walk<'_> {
    fn name(&mut self, name: &str, place: &str, depth: usize) -> Result<(), String> {
        let key = name.to_ascii_lowercase().into_bytes();
        let lines = &self.aliases.lines;
        // `root+disk` is root's where it is nobody else's, as in Sendmail and Postfix.
        let plain = key.split(|&octet| octet == b'+').next().filter(|plain| !plain.is_empty());
        let found = lines.get(&key).or_else(|| lines.get(plain?)).or_else(|| lines.get(b"*".as_slice()));
        // A name seen before leads in a circle: there it stands for itself, as is meant by `root: root, admin@x`.
        if self.visited.iter().rev().skip(1).any(|earlier| *earlier == key) {
            self.warn(format!("{place}: {name} leads back to itself"));
        }
        if self.visited.contains(&key) || found.is_none() {
            return self.end(AddrSpec { local: name.to_owned(), domain: None });
        }
        let Some((line, value)) = found else { return Ok(()) };
        self.visited.push(key);
        let place = format!("{} line {line}", self.aliases.file.display());
        let outcome = self.values(value, &place, depth);
        self.visited.pop();
        outcome
    }

    fn values(&mut self, values: &[u8], place: &str, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("{place}: aliases nest too deep"));
        }
        for value in split(values) {
            self.steps += 1;
            if self.steps > STEPS {
                return Err(format!("{place}: aliases name each other too often"));
            }
            self.value(value, place, depth)?;
        }
        Ok(())
    }

    fn value(&mut self, value: &[u8], place: &str, depth: usize) -> Result<(), String> {
        let bare = unquoted(value);
        if bare.starts_with(b"|") || bare.starts_with(b"/") {
            self.warn(format!("{place}: commands and files are not delivered to"));
            return Ok(());
        }
        if let Some(path) = bare.strip_prefix(b":include:") {
            return self.include(path.trim_ascii(), place, depth);
        }
        // A backslash stops aliasing: `root: \root`.
        let (text, further) = match value.strip_prefix(b"\\") {
            Some(text) => (text, false),
            None => (value, true),
        };
        let Ok(entries) = parse_operand(text) else {
            self.warn(format!("{place}: cannot read an address"));
            return Ok(());
        };
        for mailbox in entries.iter().flat_map(Entry::mailboxes) {
            // `root: alice@localhost` means alice, whoever that is here.
            if further && (self.is_local)(&mailbox.address) {
                self.name(&mailbox.address.local, place, depth + 1)?;
            } else {
                self.end(mailbox.address.clone())?;
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &[u8], place: &str, depth: usize) -> Result<(), String> {
        let path = std::str::from_utf8(path).map_err(|_| format!("{place}: cannot read the included file"))?;
        let path = Path::new(path);
        let content = (self.include)(path).map_err(|fault| format!("{place}: {}: {fault}", path.display()))?;
        for (index, line) in without_byte_order_marks(&content).split(|&octet| octet == b'\n').enumerate() {
            let (line, comment) = without_comment(line.trim_ascii());
            if comment {
                self.warn(format!("{} line {}: {COMMENT}", path.display(), index + 1));
            }
            let line = line.trim_ascii();
            if !line.is_empty() && !line.starts_with(b"#") {
                self.values(line, &format!("{} line {}", path.display(), index + 1), depth + 1)?;
            }
        }
        Ok(())
    }

    fn warn(&mut self, warning: String) {
        if !self.expansion.warnings.contains(&warning) {
            self.expansion.warnings.push(warning);
        }
    }

    fn end(&mut self, target: AddrSpec) -> Result<(), String> {
        if self.expansion.targets.len() >= MEMBERS {
            return Err(format!("{}: a name stands for too many addresses", self.aliases.file.display()));
        }
        if !self.expansion.targets.contains(&target) {
            self.expansion.targets.push(target);
        }
        Ok(())
    }
}

/// Splits at commas outside quotes.
fn split(values: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    values
        .split(move |&octet| {
            quoted ^= octet == b'"';
            octet == b',' && !quoted
        })
        .map(<[u8]>::trim_ascii)
        .filter(|value| !value.is_empty())
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").map_or(value, |inner| inner.strip_suffix(b"\"").unwrap_or(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str, name: &str) -> Result<Vec<String>, String> {
        let include = |path: &Path| match path.to_str() {
            Some("/lists/team") => Ok(b"# the team\na@x.org, b@x.org\n\nroot\n".to_vec()),
            _ => Err("not allowed".to_owned()),
        };
        let aliases = Aliases::parse(Path::new("/a"), text.as_bytes());
        let is_local = |address: &AddrSpec| address.domain.as_deref().is_none_or(|domain| domain == "localhost");
        aliases.expand(name, &include, &is_local).map(|found| {
            let targets = found.targets.iter().map(ToString::to_string);
            targets.chain(found.warnings.iter().map(|warning| format!("! {warning}"))).collect()
        })
    }

    #[test]
    fn names_are_followed() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("", "root", &["root"]),
            ("root: admin@x.org", "root", &["admin@x.org"]),
            ("ROOT: admin@x.org", "Root", &["admin@x.org"]),
            ("root: alice\nalice: a@x.org", "root", &["a@x.org"]),
            ("root: alice@localhost\nalice: a@x.org", "root", &["a@x.org"]),
            ("root: a@x.org\n*: b@x.org", "root+disk", &["a@x.org"]),
            ("root: a@x.org\nroot+disk: b@x.org", "root+disk", &["b@x.org"]),
            ("root: a@x.org", "+disk", &["+disk"]),
            ("root: a@x.org,\n  b@x.org\n\tc@x.org", "root", &["a@x.org", "b@x.org", "c@x.org"]),
            ("root: a@x.org, \"Doe, J\" <j@x.org>", "root", &["a@x.org", "j@x.org"]),
            ("\"odd: name\": o@x.org", "odd: name", &["o@x.org"]),
            ("root: root, a@x.org", "root", &["root", "a@x.org"]),
            ("a: b\nb: a", "a", &["a", "! /a line 2: a leads back to itself"]),
            ("a: b, x@x.org\nb: c\nc: b", "a", &["b", "x@x.org", "! /a line 3: b leads back to itself"]),
            ("root: a@x.org # me", "root", &["a@x.org"]),
            ("root: a@x.org,\n  b@x.org\t# them", "root", &["a@x.org", "b@x.org"]),
            ("root: a#b@x.org, \"# c\"@x.org", "root", &["a#b@x.org", "\"# c\"@x.org"]),
            ("root: \\root, a@x.org\n*: all@x.org", "root", &["root", "a@x.org"]),
            ("*: all@x.org", "daemon", &["all@x.org"]),
            ("# comment\n\nroot: a@x.org\n# end", "root", &["a@x.org"]),
            ("root: a@x.org\nroot: b@x.org", "root", &["b@x.org"]),
            ("root: a@x.org, a@x.org", "root", &["a@x.org"]),
            ("list: :include:/lists/team\nroot: r@x.org", "list", &["a@x.org", "b@x.org", "r@x.org"]),
            ("root: |/bin/evil, a@x.org", "root", &["a@x.org", "! /a line 1: commands and files are not delivered to"]),
            ("root: \"|/bin/evil a, b\"", "root", &["! /a line 1: commands and files are not delivered to"]),
            ("root: /var/mail/root", "root", &["! /a line 1: commands and files are not delivered to"]),
            ("root: <<broken", "root", &["! /a line 1: cannot read an address"]),
        ];
        for (text, name, expected) in cases {
            assert_eq!(expand(text, name).unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_odd_in_the_file_is_known_whatever_name_is_looked_up() {
        let oddities = |text: &str| Aliases::parse(Path::new("/a"), text.as_bytes()).oddities().to_vec();
        assert!(oddities("# x\n\n  # y\nroot: a@x.org,\n  b@x.org\n*: c@x.org\n").is_empty());
        for (text, expected) in [
            ("root a@x.org\nb: c@x.org", "/a line 1: a name and a colon are missing"),
            ("b: c@x.org\n\"root: a@x.org", "/a line 2: a name and a colon are missing"),
            ("root: a@x.org\ndefault: b@x.org", "/a line 2: default is a name"),
            ("root: a@x.org,\n  b@x.org # c", "/a line 2: what follows # is left out"),
        ] {
            let found = oddities(text);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_known_in_full_is_an_error() {
        assert_eq!(expand("l: :include:/secret", "l").unwrap_err(), "/a line 1: /secret: not allowed");
        let deep: String = (0..40).map(|n| format!("a{n}: a{}\n", n + 1)).collect();
        assert!(expand(&deep, "a0").unwrap_err().ends_with("nest too deep"));
        let all = (0..14).map(|n| format!("k{n}")).collect::<Vec<_>>().join(", ");
        let everybody: String = (0..14).map(|n| format!("k{n}: {all}\n")).collect();
        assert!(expand(&everybody, "k0").unwrap_err().ends_with("name each other too often"));
    }
}
