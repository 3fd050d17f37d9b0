//! "What Outlook answers" of man/outlook-sendmail.1, from the table of replies.

use super::roff::sentence;
use crate::failure::{Kind, Wording};
use crate::reply::Phase;
use crate::submission::smtp::outlook_replies::rows;

/// An item for each row.
pub(super) fn items() -> String {
    let mut items = String::new();
    for row in rows() {
        let Wording { sentence: meaning, advice } = row.told();
        let mark = row.mark();
        assert!(!mark.contains(['"', '\\']), "{mark} would have to be escaped");
        items.push_str(&format!(".It Li \"{mark}\"{}\n", phases(row.phases())));
        items.push_str(&sentence(meaning));
        items.push_str(&sentence(advice));
        items.push_str(&format!("Status {}; {}.\n", row.cause().row().status as u8, waiting(row.cause().kind())));
    }
    items
}

/// Where a reply counts, when that is not everywhere inside TLS.
fn phases(phases: &[Phase]) -> String {
    let commands = phases.iter().map(|phase| match phase {
        Phase::Greeting => "connecting",
        Phase::Ehlo => "EHLO",
        Phase::Starttls => "STARTTLS",
        Phase::Auth => "AUTH",
        Phase::Rset => "RSET",
        Phase::Mail => "MAIL",
        Phase::Rcpt => "RCPT",
        Phase::Data => "DATA",
        Phase::Content => "the message",
    });
    let commands: Vec<&str> = commands.collect();
    match commands.as_slice() {
        [] => String::new(),
        // Everything inside TLS.
        [_, _, _, _, ..] => String::new(),
        [only] => format!(" to {only}"),
        [first @ .., last] => format!(" to {} or {last}", first.join(", ")),
    }
}

fn waiting(kind: Kind) -> &'static str {
    match kind {
        Kind::Temporary => "it passes by itself",
        Kind::Quota => "it passes by itself in hours, and trying again prolongs it",
        Kind::HumanNeeded | Kind::OwnerNeeded => "somebody has to do that, then the message goes",
        Kind::Fewer | Kind::Permanent => "the same message is not tried again",
    }
}
