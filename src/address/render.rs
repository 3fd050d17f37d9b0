//! An address list as a header field's value.

use super::{Entry, Mailbox};
use crate::header_text::{SpacedWord, phrase_words, wrap};

/// Where the first line is taken to start: behind the longest name such a field has, `Disposition-Notification-To:`
/// aside.
const COLUMN: usize = 16;

/// The list, without the field's name, folded to at most 78 columns where its words allow it. Names are quoted or
/// encoded as they need it (`charset` labels octets that are not UTF-8), groups are kept.
pub fn render_list(entries: &[Entry], charset: &str) -> Vec<u8> {
    let mut pieces: Vec<SpacedWord> = Vec::new();
    for (count, entry) in entries.iter().enumerate() {
        if count > 0 {
            mark(&mut pieces, b',');
        }
        match entry {
            Entry::Mailbox(mailbox) => write_mailbox(&mut pieces, mailbox, charset),
            Entry::Group { display, members } => {
                write_name(&mut pieces, display, charset);
                mark(&mut pieces, b':');
                for (count, member) in members.iter().enumerate() {
                    if count > 0 {
                        mark(&mut pieces, b',');
                    }
                    write_mailbox(&mut pieces, member, charset);
                }
                mark(&mut pieces, b';');
            }
        }
    }
    if let Some(first) = pieces.first_mut() {
        first.gap.clear();
    }
    wrap(&pieces, COLUMN)
}

fn write_mailbox(pieces: &mut Vec<SpacedWord>, mailbox: &Mailbox, charset: &str) {
    let address = mailbox.address.to_wire();
    let words = phrase_words(&mailbox.display, charset);
    if words.is_empty() {
        pieces.push(SpacedWord::spaced(address));
        return;
    }
    pieces.extend(words.into_iter().map(SpacedWord::spaced));
    pieces.push(SpacedWord::spaced(format!("<{address}>")));
}

/// A group has to have a name.
fn write_name(pieces: &mut Vec<SpacedWord>, display: &[u8], charset: &str) {
    let words = phrase_words(display, charset);
    if words.is_empty() {
        pieces.push(SpacedWord::spaced("\"\""));
    }
    pieces.extend(words.into_iter().map(SpacedWord::spaced));
}

/// Marks stand right behind a word: a line never starts with one.
fn mark(pieces: &mut [SpacedWord], mark: u8) {
    if let Some(last) = pieces.last_mut() {
        last.word.push(mark);
    }
}
