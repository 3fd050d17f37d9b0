//! man/sendmail.8: flags, statuses and differences from their tables.

use super::differences::DIFFERENCES;
use super::roff::{in_request, sentence};
use super::{compare, page, source};
use crate::failure::Cause;
use crate::invocation::disposition::Disposition;
use crate::invocation::flags::{Arity, FLAGS, Flag, SETTINGS};
use crate::invocation::modes::MODES;

/// Every flag, mode and setting: its heading, what becomes of it, and what it asks for.
fn rows() -> impl Iterator<Item = (String, Disposition<()>, &'static str)> {
    let flags = FLAGS.iter().filter(|row| !row.is_looked_up());
    let flags = flags.map(|row| (heading(row), row.disposition.without_action(), row.doc));
    let modes = MODES.iter().map(|row| (format!("Fl b{}", row.letter), row.disposition.without_action(), row.doc));
    let settings = SETTINGS
        .iter()
        .map(|row| (format!("Fl o{} , Fl O Cm {}", row.letter, row.name), row.disposition.without_action(), row.doc));
    flags.chain(modes).chain(settings)
}

fn heading(row: &Flag) -> String {
    let (letter, value) = (row.letter, row.value.replace('|', " | "));
    match row.arity {
        Arity::None => format!("Fl {letter}"),
        Arity::Required => format!("Fl {letter} Ar {value}"),
        Arity::UnlessDash => format!("Fl {letter} Op Ar {value}"),
        Arity::Attached => format!("Fl {letter} Ns Op Ar {value}"),
    }
}

/// The rows that `why` has something to say about, and that.
fn items(why: fn(Disposition<()>, &str) -> Option<String>) -> String {
    rows().filter_map(|(heading, row, doc)| Some(format!(".It {heading}\n{}", sentence(&why(row, doc)?)))).collect()
}

fn differences() -> String {
    let row = |row: &super::differences::Difference| {
        let sentences: String = [row.theirs, row.ours, row.reason].map(sentence).concat();
        format!(".It {}\n{sentences}", in_request(row.what))
    };
    DIFFERENCES.iter().map(row).collect()
}

#[test]
fn the_committed_manual_is_the_generated_one() {
    let honoured = |row, doc: &str| (row == Disposition::Honoured(())).then(|| doc.to_owned());
    let ignored = |row, doc: &str| match row {
        Disposition::Ignored(reason) => Some(format!("{doc}: {reason}")),
        Disposition::Honoured(()) | Disposition::Refused(_) => None,
    };
    let refused = |row, doc: &str| match row {
        Disposition::Refused(reason) => Some(format!("{doc}: {reason}")),
        Disposition::Honoured(()) | Disposition::Ignored(_) => None,
    };
    let fillings = [
        ("HONOURED", items(honoured)),
        ("IGNORED", items(ignored)),
        ("REFUSED", items(refused)),
        ("DIFFERENCES", differences()),
    ];
    compare("man/sendmail.8", &page("sendmail.8", &fillings));
}

#[test]
fn every_status_in_use_is_explained_once() {
    let source = source("man/sendmail.8");
    let section = source.split(".Sh EXIT STATUS\n").nth(1).unwrap().split(".El\n").next().unwrap();
    let explained: Vec<u8> = section.lines().filter_map(|line| line.strip_prefix(".It ")?.parse().ok()).collect();
    let mut used: Vec<u8> = Cause::ALL.iter().map(|cause| cause.row().status as u8).chain([0]).collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(explained, used);
}
