//! Words of the tables as mdoc.

/// A table's words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let text: String = first.into_iter().chain(letters).collect();
    let text = text.replace('\\', "\\e").replace(" -", " \\-").replace("(-", "(\\-");
    assert!(!text.starts_with(['.', '\'']), "{text} would be a roff request");
    let end = if text.ends_with('?') { "" } else { "." };
    format!("{text}{end}\n")
}

/// SafeText as arguments of a request: none is a macro, and flags have their own dash.
pub(super) fn in_request(words: &str) -> String {
    let word = |word: &str| {
        let macro_like = word.len() <= 3 && word.starts_with(|letter: char| letter.is_ascii_uppercase());
        let escaped = word.replace('-', "\\-");
        if macro_like { format!("\\&{escaped}") } else { escaped }
    };
    words.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The page with its lines broken at spaces, to fit 80 columns; requests and what is shown literally stay whole.
pub(super) fn wrapped(page: &str) -> String {
    let mut literal = false;
    let line = |line: &str| {
        literal = (literal || line.starts_with(".Bd -literal")) && line != ".Ed";
        if literal || line.starts_with('.') { format!("{line}\n") } else { broken(line) }
    };
    page.lines().map(line).collect()
}

fn broken(line: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in line.split(' ') {
        if column > 0 && column + 1 + word.len() > 78 {
            assert!(!word.starts_with(['.', '\'']), "{word} would be a roff request");
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
    text
}
