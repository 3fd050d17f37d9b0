//! Text put on lines that fit the screen.

/// Breaks `text` at spaces into lines of at most `columns` characters, each with its line end. A word that is longer
/// stays whole: an address or a path has to be copied.
pub(super) fn wrapped(text: &str, first: &str, further: &str, columns: usize) -> String {
    let mut lines = String::new();
    let mut line = String::from(first);
    let mut is_empty = true;
    for word in text.split(' ') {
        let width = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if !is_empty && width > columns {
            lines.push_str(line.trim_end());
            lines.push('\n');
            further.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_long_words_stay_whole() {
        assert_eq!(wrapped("one two three", "- ", "  ", 9), "- one two\n  three\n");
        assert_eq!(wrapped("one /a/very/long/path two", "", "  ", 8), "one\n  /a/very/long/path\n  two\n");
        assert_eq!(wrapped("", "- ", "  ", 8), "-\n");
    }
}
