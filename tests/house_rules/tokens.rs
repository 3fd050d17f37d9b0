//! Rust source as words and punctuation, without comments and without what is in quotes.

/// A word, `::`, or one character; a literal in quotes is `"`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(is_of_word)
    }
}

pub fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { rest: source, line: 1 };
    let mut found = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        let line = reader.line;
        let mut note = |text: &str| found.push(Token { text: text.to_owned(), line });
        if reader.rest.starts_with("//") {
            reader.pass(reader.rest.find('\n').unwrap_or(reader.rest.len()));
        } else if reader.rest.starts_with("/*") {
            reader.pass_block_comment();
        } else if let Some(length) = quoted(reader.rest) {
            reader.pass(length);
            note("\"");
        } else if first.is_whitespace() {
            reader.pass(first.len_utf8());
        } else if first == '\'' {
            // A lifetime, whose name is no path.
            reader.pass(1);
            reader.pass(word(reader.rest).len());
        } else if is_of_word(first) {
            let raw = reader.rest.strip_prefix("r#").map_or("", word);
            reader.pass(if raw.is_empty() { 0 } else { 2 });
            let text = word(reader.rest);
            note(text);
            reader.pass(text.len());
        } else {
            let length = if reader.rest.starts_with("::") { 2 } else { first.len_utf8() };
            note(&reader.rest[..length]);
            reader.pass(length);
        }
    }
    found
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn pass(&mut self, length: usize) {
        let (passed, rest) = self.rest.split_at(length);
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }

    /// One comment may stand in another.
    fn pass_block_comment(&mut self) {
        let mut depth = 0;
        loop {
            let next = self.rest.find(['/', '*']).unwrap_or(self.rest.len());
            self.pass(next);
            if self.rest.starts_with("/*") {
                depth += 1;
                self.pass(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.pass(2);
            } else {
                self.pass(self.rest.len().min(1));
            }
            if depth == 0 || self.rest.is_empty() {
                return;
            }
        }
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn word(text: &str) -> &str {
    &text[..text.find(|character| !is_of_word(character)).unwrap_or(text.len())]
}

/// How long the string or character is that the text begins with, its prefix and quotes included.
fn quoted(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['"', '\'', '#'])))?;
    let rest = &text[prefix.len()..];
    let length = match rest.as_bytes()[0] {
        b'\'' => character(rest)?,
        b'"' if !prefix.ends_with('r') => plain_string(rest),
        _ if prefix.ends_with('r') => raw_string(rest)?,
        _ => return None,
    };
    Some(prefix.len() + length)
}

/// `'x'` and `'\u{78}'`; nothing for a lifetime.
fn character(text: &str) -> Option<usize> {
    if text[1..].starts_with('\\') {
        let escaped = text[2..].chars().next()?.len_utf8();
        return text[2 + escaped..].find('\'').map(|end| 2 + escaped + end + 1);
    }
    let only = text[1..].chars().next()?.len_utf8();
    text[1 + only..].starts_with('\'').then_some(only + 2)
}

fn plain_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if character == '"' && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

/// `"..."`, `#"..."#` and so on, behind the `r`; nothing for a raw name.
fn raw_string(text: &str) -> Option<usize> {
    let marks = text.len() - text.trim_start_matches('#').len();
    let body = text[marks..].strip_prefix('"')?;
    let end = format!("\"{}", &text[..marks]);
    Some(body.find(&end).map_or(text.len(), |at| marks + 1 + at + end.len()))
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_and_punctuation_remain() {
        assert_eq!(texts("use a::{b,c};"), ["use", "a", "::", "{", "b", ",", "c", "}", ";"]);
        assert_eq!(texts("r#type 1_u8 ä"), ["type", "1_u8", "ä"]);
    }

    #[test]
    fn comments_go() {
        assert_eq!(texts("a // crate::b\n/* c /* d */ e */ f /// g\n/**/ h /* open"), ["a", "f", "h"]);
    }

    #[test]
    fn what_is_in_quotes_goes() {
        assert_eq!(texts(r#"a "crate::b \" // \\" c"#), ["a", "\"", "c"]);
        assert_eq!(texts("r\"\\\" r#\"a\"b\"# br##\"\"#\"## b\"x\" c\"x\" y"), ["\"", "\"", "\"", "\"", "\"", "y"]);
        assert_eq!(texts(r"'{' '\'' '\u{7d}' b'\\' 'ä' z"), ["\"", "\"", "\"", "\"", "\"", "z"]);
    }

    #[test]
    fn a_lifetime_is_no_character() {
        assert_eq!(texts("&'a str, &'static '_ 'x'"), ["&", "str", ",", "&", "\""]);
    }

    #[test]
    fn every_token_knows_its_line() {
        let lines: Vec<_> = tokens("a\n/* \n */ b \"\n\" c").into_iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 3, 4]);
    }
}
