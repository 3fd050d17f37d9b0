//! Text from outside, made safe to print once, where it enters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many characters of somebody else's text a person is shown; the log gets all of it. Exchange puts the reason
/// first and the host to ask its support about last.
const SHOWN: usize = HEAD + TAIL;
const HEAD: usize = 200;
const TAIL: usize = 100;

/// What is in brackets and names this is what Exchange calls the server and the session, wherever it stands.
const MARKED: &str = "outlook.com";

/// Longer than any such mark.
const LONGEST_MARK: usize = 160;

/// What Microsoft calls a request: its support asks for it, and finds it in the log.
const IDS: [&str; 5] = ["Trace ID:", "Correlation ID:", "Timestamp:", "request-id", "client-request-id"];

/// How much of it is kept at all, in octets.
const KEPT: usize = 64 * 1024;

/// What some editors write in front of a text in UTF-8, and no part of it.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A file's text without byte order marks in front.
pub fn without_byte_order_marks(mut text: &[u8]) -> &[u8] {
    while let Some(behind) = text.strip_prefix(BYTE_ORDER_MARK.as_bytes()) {
        text = behind;
    }
    text
}

/// Text from a server, a file or a caller: valid UTF-8 on one line, without control or direction characters.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct SafeText(String);

impl SafeText {
    /// Makes any octets printable: invalid UTF-8 becomes U+FFFD, line ends and control characters become spaces,
    /// characters that reorder or hide text are dropped.
    pub fn from_octets(octets: &[u8]) -> Self {
        let kept = octets.get(..KEPT).unwrap_or(octets);
        let mut clean = String::with_capacity(kept.len());
        for character in String::from_utf8_lossy(kept).chars() {
            match character {
                _ if is_invisible(character) => {}
                _ if character.is_control() || character.is_whitespace() => {
                    if !clean.ends_with(' ') {
                        clean.push(' ');
                    }
                }
                _ => clean.push(character),
            }
        }
        Self(clean.trim().to_owned())
    }

    /// At most 300 characters, for a person: the middle is what is left out, or else what is behind Exchange's mark. The
    /// ids of requests are the log's.
    pub fn short(&self) -> String {
        Self(without_ids(&self.0)).shortened()
    }

    fn shortened(&self) -> String {
        if self.0.chars().count() <= SHOWN {
            return self.0.clone();
        }
        let tail = self.0.char_indices().nth_back(TAIL - 1).and_then(|(start, _)| self.0.get(start..));
        let shown = format!("{}…{}", self.head(HEAD), tail.unwrap_or_default());
        match self.mark() {
            Some(mark) if !shown.contains(mark) => format!("{}…{mark}", self.head(SHOWN - mark.len())),
            Some(_) | None => shown,
        }
    }

    fn head(&self, characters: usize) -> &str {
        self.0.char_indices().nth(characters).and_then(|(end, _)| self.0.get(..end)).unwrap_or(&self.0)
    }

    /// The last `[HOST.PROD.OUTLOOK.COM 2024-10-10T21:50:33.251Z 08DCE9686F3D146F]`, which Microsoft's support asks for.
    fn mark(&self) -> Option<&str> {
        let is_mark =
            |mark: &&str| mark.len() <= LONGEST_MARK && mark.is_ascii() && mark.to_ascii_lowercase().contains(MARKED);
        let opened = self.0.match_indices('[').filter_map(|(start, _)| self.0.get(start..));
        let mut closed = opened.filter_map(|rest| rest.get(..=rest.find(']')?));
        closed.rfind(is_mark)
    }

    /// Everything, for the log.
    pub fn whole(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The text without what [`IDS`] introduce: words that have a digit in them.
fn without_ids(text: &str) -> String {
    let mut text = text.to_owned();
    for id in IDS {
        let mut seen = 0;
        while let Some(found) = text.get(seen..).and_then(|rest| rest.find(&format!(" {id} "))) {
            let start = seen + found;
            let behind = text.get(start + id.len() + 2..).unwrap_or_default();
            let is_value = |word: &&str| word.bytes().any(|octet| octet.is_ascii_digit());
            let values: usize = behind.split_inclusive(' ').take_while(is_value).map(str::len).sum();
            seen = start + 1;
            if values > 0 {
                let rest = behind.get(values..).unwrap_or_default().to_owned();
                text.truncate(start);
                if !rest.is_empty() {
                    text.push(' ');
                    text.push_str(&rest);
                }
            }
        }
    }
    text
}

/// A line of somebody's text made safe as [`SafeText`] is, its blanks kept: columns stay columns.
pub fn line_with_columns(octets: &[u8]) -> String {
    let safe = |character: char| {
        let is_blank = character.is_control() || character.is_whitespace();
        (!is_invisible(character)).then_some(if is_blank { ' ' } else { character })
    };
    let line: String = String::from_utf8_lossy(octets).chars().filter_map(safe).collect();
    line.trim_end().to_owned()
}

impl From<SafeText> for String {
    fn from(words: SafeText) -> Self {
        words.0
    }
}

impl From<&str> for SafeText {
    fn from(text: &str) -> Self {
        Self::from_octets(text.as_bytes())
    }
}

impl From<String> for SafeText {
    fn from(text: String) -> Self {
        Self::from_octets(text.as_bytes())
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Characters that nobody sees or that change how their neighbours are shown: a server must not be able to forge our
/// line, nor an address to look like another. Unicode's Default_Ignorable_Code_Point, which has the byte order mark and
/// all controls of direction, and the marks of interlinear annotation.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What around an address is white space, and inside one makes it look like another.
pub fn is_hidden(character: char) -> bool {
    is_invisible(character) || (character.is_whitespace() && !matches!(character, ' ' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_line_ends_become_single_spaces() {
        assert_eq!(SafeText::from("a\r\n\tb\0c\x1b[31m").whole(), "a b c [31m");
    }

    #[test]
    fn text_cannot_be_reordered() {
        for hidden in ['\u{202e}', '\u{2066}', '\u{61c}', '\u{ad}', '\u{e0041}'] {
            assert_eq!(SafeText::from(format!("ok {hidden}lived")).whole(), "ok lived");
        }
    }

    #[test]
    fn invalid_utf8_is_shown_as_such() {
        assert_eq!(SafeText::from_octets(b"f\xfcr").whole(), "f\u{fffd}r");
    }

    #[test]
    fn a_person_sees_300_characters_and_the_log_all() {
        let words = SafeText::from("ü".repeat(400));
        assert_eq!(words.short().chars().count(), 301);
        assert_eq!(words.whole().chars().count(), 400);
        let words = SafeText::from(format!("554 {} [Hostname=X]", "ü".repeat(400)));
        assert!(words.short().starts_with("554 ü") && words.short().ends_with("ü [Hostname=X]"));
    }

    #[test]
    fn the_ids_of_requests_are_for_the_log() {
        for (text, shown) in [
            (
                "invalid_grant: AADSTS70000: It has expired. Trace ID: 1a-2b Correlation ID: 3c-4d Timestamp: 2026-11-29 00:45:11Z",
                "invalid_grant: AADSTS70000: It has expired.",
            ),
            ("no Trace ID: 1a, and more Correlation ID: 2b", "no and more"),
            ("403 Forbidden E: Why. request-id 7f-00", "403 Forbidden E: Why."),
            ("no Trace ID: was given", "no Trace ID: was given"),
            ("Trace ID: 1", "Trace ID: 1"),
        ] {
            let words = SafeText::from(text);
            assert_eq!((words.short().as_str(), words.whole()), (shown, text));
        }
    }

    #[test]
    fn what_microsoft_calls_the_session_is_always_shown() {
        const MARK: &str = "[PN3PR01MB9597.INDPRD01.PROD.OUTLOOK.COM 2024-10-10T21:50:33.251Z 08DCE9686F3D146F]";
        let long = "ö so on ".repeat(250);
        for (text, ends) in [
            (format!("554 It began {long}{MARK}"), MARK.to_owned()),
            (format!("554 It began {long}{MARK} {long} end"), format!("…{MARK}")),
            (format!("554 It began {MARK}{long} end"), "so on end".to_owned()),
            (format!("554 It began [a]{long}[b {long}] [end"), "so on ] [end".to_owned()),
        ] {
            let words = SafeText::from(text.as_str());
            let short = words.short();
            assert!(short.starts_with("554 It began ") && short.ends_with(&ends), "{short}");
            assert!(short.chars().count() <= SHOWN + 1, "{short}");
            assert_eq!(short.contains(MARK), text.contains(MARK), "{short}");
            assert!(words.whole().len() > 2000);
        }
    }
}
