//! "What Outlook answers" of man/outlook-sendmail.1, generated from the table of replies.

use super::man::sentence;
use crate::failure::{Kind, Wording};
use crate::reply::Phase;
use crate::submission::smtp::outlook_replies::rows;

const HEAD: &str = r#".Sh WHAT OUTLOOK ANSWERS
The first entry that fits a reply decides: a code, an enhanced status, or words that occur in it in any letter case.
Each says what the reply means, what to do, the exit status, and what waiting does.
The reply itself is shown behind the meaning, its middle left out when it is long; the log has all of it, with what
Microsoft's support asks for in brackets at its end.
.Pp
Where a message was taken, Outlook may still refuse a recipient, or the message, later: that comes as a message to the
mailbox.
.Bl -tag -width Ds
"#;

/// The whole section.
pub(super) fn section() -> String {
    let mut section = String::from(HEAD);
    for row in rows() {
        let Wording { sentence: meaning, advice } = row.told();
        let mark = row.mark();
        assert!(!mark.contains(['"', '\\']), "{mark} would have to be escaped");
        section.push_str(&format!(".It Li \"{mark}\"{}\n", phases(row.phases())));
        section.push_str(&sentence(meaning));
        section.push_str(&sentence(advice));
        section.push_str(&format!("Status {}; {}.\n", row.cause().row().status as u8, waiting(row.cause().kind())));
    }
    section.push_str(".El\n");
    section
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
        Kind::HumanNeeded => "somebody has to do that, then the message goes",
        Kind::Permanent => "the same message is not tried again",
    }
}
