//! What a source file names of its own crate: in `use`, grouped and nested, in paths of code, by `super`, by a child's name.

use std::collections::BTreeSet;

use crate::tokens::{Token, tokens};

/// Something of this crate, named in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// From the root of the crate; a glob's is the module all of which it takes.
    pub path: Vec<String>,
    pub line: usize,
    /// In code that exists for tests only.
    pub test: bool,
    pub kind: Kind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A path in code.
    Path,
    /// `use`, and the name it gives in here.
    Import(String),
    /// `pub use`, whatever comes behind `pub`, and the name it gives.
    Reexport(String),
    /// `use ...::*`
    Glob,
}

/// A module that a file declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declaration {
    pub path: Vec<String>,
    pub test: bool,
}

/// A public type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicType {
    pub name: String,
    pub line: usize,
    pub test: bool,
}

/// A file, read.
#[derive(Default, Debug)]
pub struct Source {
    /// The module the file is.
    pub module: Vec<String>,
    pub references: Vec<Reference>,
    pub declarations: Vec<Declaration>,
    /// What the file's own module defines.
    pub items: BTreeSet<String>,
    pub types: Vec<PublicType>,
    /// Every word of code outside `use` and outside tests.
    pub words: BTreeSet<String>,
}

/// The library's name, for the program beside it.
const LIBRARY: &str = "outlook_sendmail";

pub fn read(module: &[&str], source: &str) -> Source {
    let module: Vec<String> = module.iter().map(|&name| name.to_owned()).collect();
    let mut reader = Reader {
        tokens: tokens(source),
        at: 0,
        scopes: Vec::new(),
        all_test: false,
        announced: None,
        attribute: None,
        nesting: 0,
        relative: Vec::new(),
        source: Source { module, ..Source::default() },
    };
    while reader.at < reader.tokens.len() {
        reader.step();
    }
    reader.end()
}

/// What a brace opened.
struct Scope {
    module: Option<String>,
    test: bool,
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    scopes: Vec<Scope>,
    /// `#![cfg(test)]`
    all_test: bool,
    /// The module whose brace comes next.
    announced: Option<String>,
    /// An attribute said "test" at this depth of parentheses: what it is for has not ended.
    attribute: Option<usize>,
    nesting: usize,
    /// Paths that begin with a name: a child of this module, or none of ours.
    relative: Vec<(Vec<String>, Reference)>,
    source: Source,
}

impl Reader {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    fn next_text(&self) -> &str {
        self.text(self.at)
    }

    fn before(&self, steps: usize) -> &str {
        self.at.checked_sub(steps).map_or("", |at| self.text(at))
    }

    fn is_test(&self) -> bool {
        self.all_test || self.attribute.is_some() || self.scopes.iter().any(|scope| scope.test)
    }

    /// The module that the text here is in.
    fn here(&self) -> Vec<String> {
        self.source.module.iter().chain(self.scopes.iter().filter_map(|scope| scope.module.as_ref())).cloned().collect()
    }

    fn step(&mut self) {
        let token = self.tokens[self.at].clone();
        match token.text.as_str() {
            "#" => return self.attribute(),
            "use" => return self.import(),
            "{" => {
                let test = self.attribute.take_if(|depth| *depth == self.nesting).is_some();
                self.scopes.push(Scope { module: self.announced.take(), test });
            }
            "}" => {
                self.attribute = None;
                self.scopes.pop();
            }
            "(" | "[" => self.nesting += 1,
            ")" | "]" => self.nesting = self.nesting.saturating_sub(1),
            ";" => drop(self.attribute.take_if(|depth| *depth == self.nesting)),
            "mod" => self.declaration(),
            "pub" => self.public_type(),
            _ if token.is_word() && self.text(self.at + 1) == "::" && self.before(1) != "::" => return self.path(),
            _ => {}
        }
        if token.is_word() {
            self.item();
            self.word(&token.text);
        }
        self.at += 1;
    }

    fn word(&mut self, word: &str) {
        if !self.is_test() {
            self.source.words.insert(word.to_owned());
        }
    }

    /// Passes `#[...]`, and notes whether it makes what follows a test.
    fn attribute(&mut self) {
        let inner = self.text(self.at + 1) == "!";
        self.at += if inner { 2 } else { 1 };
        if self.next_text() != "[" {
            return;
        }
        let (start, mut depth) = (self.at, 0);
        loop {
            match self.next_text() {
                "[" => depth += 1,
                "]" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 || self.at >= self.tokens.len() {
                break;
            }
        }
        let words: Vec<&str> = self.tokens[start..self.at].iter().map(|token| token.text.as_str()).collect();
        let is_test = words == ["[", "test", "]"]
            || words.get(1) == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not");
        if is_test && inner {
            self.all_test = true;
        } else if is_test {
            self.attribute = Some(self.nesting);
        }
    }

    /// `mod name;` or `mod name {`
    fn declaration(&mut self) {
        let name = self.text(self.at + 1).to_owned();
        let mut path = self.here();
        path.push(name.clone());
        match self.text(self.at + 2) {
            "{" => self.announced = Some(name),
            ";" => {}
            _ => return,
        }
        self.source.declarations.push(Declaration { path, test: self.is_test() });
    }

    /// The word behind `struct` and the like, where the file's own module defines it.
    fn item(&mut self) {
        const KEYWORDS: [&str; 10] =
            ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "mod", "macro_rules"];
        if !self.scopes.is_empty() || !KEYWORDS.contains(&self.next_text()) {
            return;
        }
        let name = if self.text(self.at + 1) == "!" { self.text(self.at + 2) } else { self.text(self.at + 1) };
        let name = name.to_owned();
        self.source.items.insert(name);
    }

    fn public_type(&mut self) {
        let mut at = self.at + 1;
        if self.text(at) == "(" {
            while !["", ")"].contains(&self.text(at)) {
                at += 1;
            }
            at += 1;
        }
        let named = ["struct", "enum", "trait", "type", "union"].contains(&self.text(at));
        if named && self.tokens.get(at + 1).is_some_and(Token::is_word) {
            let (name, line) = (self.text(at + 1).to_owned(), self.tokens[at].line);
            self.source.types.push(PublicType { name, line, test: self.is_test() });
        }
    }

    /// A path in code.
    fn path(&mut self) {
        let is_visibility = self.before(1) == "in" && self.before(2) == "(" && self.before(3) == "pub";
        let line = self.tokens[self.at].line;
        let mut segments = vec![self.next_text().to_owned()];
        self.at += 1;
        while self.next_text() == "::" && self.tokens.get(self.at + 1).is_some_and(Token::is_word) {
            segments.push(self.text(self.at + 1).to_owned());
            self.at += 2;
        }
        segments.iter().for_each(|segment| self.word(segment));
        if !is_visibility {
            self.note(&segments, line, Kind::Path);
        }
    }

    /// `use`, from the word to the semicolon.
    fn import(&mut self) {
        let public = self.before(1) == "pub" || self.before(1) == ")";
        self.at += 1;
        // `use<'a>` says what a type captures.
        if self.next_text() == "<" {
            return;
        }
        self.tree(&[], public);
        while !["", ";"].contains(&self.next_text()) {
            self.at += 1;
        }
    }

    fn tree(&mut self, before: &[String], public: bool) {
        let (mut segments, mut name, line) = (before.to_vec(), None, self.tokens.get(self.at).map_or(0, |t| t.line));
        loop {
            match self.next_text() {
                "::" => {
                    if segments.is_empty() {
                        segments.push(String::new());
                    }
                    self.at += 1;
                }
                "*" => {
                    self.at += 1;
                    return self.note(&segments, line, Kind::Glob);
                }
                "{" => {
                    self.at += 1;
                    while !["", "}"].contains(&self.next_text()) {
                        let start = self.at;
                        self.tree(&segments, public);
                        if self.next_text() == "," || self.at == start {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => {
                    name = Some(self.text(self.at + 1).to_owned());
                    self.at += 2;
                }
                _ if self.tokens.get(self.at).is_some_and(Token::is_word) => {
                    segments.push(self.next_text().to_owned());
                    self.at += 1;
                }
                _ => break,
            }
        }
        let last = segments.iter().rev().find(|segment| *segment != "self").cloned().unwrap_or_default();
        let name = name.unwrap_or(last);
        self.note(&segments, line, if public { Kind::Reexport(name) } else { Kind::Import(name) });
    }

    /// Notes a path when it leads into this crate.
    fn note(&mut self, segments: &[String], line: usize, kind: Kind) {
        let here = self.here();
        let (mut path, rest) = match segments.split_first() {
            Some((first, rest)) if first == "crate" || first == LIBRARY => (Vec::new(), rest),
            Some((first, _)) if first == "self" || first == "super" => (here.clone(), segments),
            _ => (here.clone(), segments),
        };
        for segment in rest {
            match segment.as_str() {
                "self" => {}
                "super" => drop(path.pop()),
                _ => path.push(segment.clone()),
            }
        }
        let reference = Reference { path, line, test: self.is_test(), kind };
        match segments.first().map(String::as_str) {
            Some("crate" | "self" | "super" | LIBRARY) => self.source.references.push(reference),
            _ => self.relative.push((here, reference)),
        }
    }

    fn end(self) -> Source {
        let mut source = self.source;
        for (here, reference) in self.relative {
            let child = &reference.path[..reference.path.len().min(here.len() + 1)];
            if source.declarations.iter().any(|declaration| declaration.path == child) {
                source.references.push(reference);
            }
        }
        if self.all_test {
            source.references.iter_mut().for_each(|reference| reference.test = true);
        }
        source.references.sort_by_key(|reference| reference.line);
        source
    }
}

#[cfg(test)]
mod tests;
