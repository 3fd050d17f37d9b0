//! A server's reply: three digits and words.

mod phase;

pub use phase::Phase;

use crate::words::SafeText;

/// A whole reply, all its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The three digits, 200 to 599: servers do answer 571 (RFC 5321 section 4.3.2 lets the first digit decide).
    pub code: u16,
    /// The text of each line, without the code.
    pub lines: Vec<SafeText>,
}

impl Reply {
    /// 2yz.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz.
    pub fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// 4yz or 5yz.
    pub fn is_negative(&self) -> bool {
        matches!(self.code / 100, 4 | 5)
    }

    /// The enhanced status the reply starts with (RFC 2034 section 4), such as `5.7.139`; empty without one.
    pub fn enhanced(&self) -> &str {
        let word = self.lines.first().and_then(|line| line.whole().split(' ').next()).unwrap_or_default();
        let parts: Vec<&str> = word.split('.').collect();
        let numeric = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit());
        if parts.len() == 3 && parts.iter().all(numeric) { word } else { "" }
    }

    /// All lines on one line, without the code.
    pub fn text(&self) -> SafeText {
        let lines: Vec<&str> = self.lines.iter().map(SafeText::whole).collect();
        SafeText::from(lines.join(" "))
    }

    /// Code and all lines on one line.
    pub fn words(&self) -> SafeText {
        SafeText::from(format!("{} {}", self.code, self.text().whole()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        Reply { code: 535, lines: text.lines().map(SafeText::from).collect() }
    }

    #[test]
    fn the_enhanced_status_is_the_first_word_when_it_looks_like_one() {
        assert_eq!(reply("5.7.139 no").enhanced(), "5.7.139");
        assert_eq!(reply("5.7.139").enhanced(), "5.7.139");
        for text in ["", "no 5.7.1", "5.7", "5.7.1.2 x", "5..1 x", "5.7.1234 x", "127.0.0.1 x", "a.b.c"] {
            assert_eq!(reply(text).enhanced(), "", "{text}");
        }
    }

    #[test]
    fn lines_are_joined_with_spaces() {
        assert_eq!(reply("one\ntwo").words().whole(), "535 one two");
        assert_eq!(reply("one\ntwo").text().whole(), "one two");
        assert_eq!(reply("").words().whole(), "535");
    }
}
