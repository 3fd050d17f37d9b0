//! `status`, for a person: one block of lines for each account.

use super::{GrantTimes, SignIn, Standing, State};
use crate::account::{Account, TransportKind};
use crate::failure::Whose;
use crate::memory::send_as::Said;
use crate::moments::{DAY, ago, count, date};
use crate::world::{Escapes, KeyPlace, Screen};

/// Where a line's text begins, behind its label.
const INDENT: usize = 17;

/// Longer lines are hard to read, on however wide a screen.
const WIDEST: usize = 110;

/// Narrower ones would be all indent.
const NARROWEST: usize = 40;

/// How the lines are to look.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Where lines end; `None` where no person reads them.
    width: Option<usize>,
    colours: bool,
}

impl Paint {
    /// As the screen can show it. What goes elsewhere is neither wrapped nor coloured.
    pub fn on(screen: Option<Screen>) -> Self {
        Self {
            width: screen.map(|screen| usize::from(screen.columns).clamp(NARROWEST, WIDEST)),
            colours: screen.is_some_and(|screen| screen.escapes == Escapes::Colours),
        }
    }

    /// SGR sequences of ECMA-48.
    fn styled(self, style: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// One account's lines. Words tell everything that colours do.
pub fn block(standing: &Standing<'_>, whose: Whose, utc_offset: i32, paint: Paint) -> String {
    let Standing { account, history, now, .. } = standing;
    let when = |at: u64| ago(at, *now, utc_offset);
    let mut block = Block { text: headline(standing, whose, paint), paint };
    if let Some(problem) = &standing.problem {
        let (why, advice) = problem.line.rsplit_once(" -- ").unwrap_or((&problem.line, ""));
        block.line("Problem", why);
        block.line("What to do", advice);
    }
    match &standing.sign_in {
        Some(SignIn::Grant(times)) => {
            block.line("Signed in", &signed_in(times, standing, utc_offset));
            if standing.history.unrenewed.is_none() {
                block.line("Lapses", &lapse(times, *now, utc_offset));
            }
        }
        Some(SignIn::Password) => block.line("Signs in", &format!("with a password, kept in {}", kept(standing))),
        None => block.line("Kept in", &kept(standing)),
    }
    block.line("Sends", &route(account));
    for (number, (address, said)) in standing.send_as.iter().enumerate() {
        let label = if number == 0 { "Also as" } else { "" };
        let words = match said {
            None => String::new(),
            Some(Said::Accepted(at)) => format!(": accepted {}", when(*at)),
            Some(Said::Refused(at)) => format!(": refused by {} {}", account.provider.server.called(), when(*at)),
        };
        block.line(label, &format!("{address}{words}"));
    }
    block.line("Last sent", &history.sent.map(when).unwrap_or_default());
    if let Some(failure) = &history.failed {
        block.line("Last failure", &format!("{} (status {})", when(failure.at), failure.status));
        // Said once is enough.
        let why = failure.line.rsplit_once(" -- ").map_or(failure.line.as_str(), |(why, _)| why);
        if standing.problem.as_ref().is_none_or(|problem| why.is_empty() || !problem.line.starts_with(why)) {
            block.line("", &failure.line);
        }
    }
    if let Some(failure) = &history.unrenewed {
        block.line("Not renewed", &format!("{} (status {})", when(failure.at), failure.status));
    }
    let outbox = standing.outbox.map(|tally| outbox_words([tally.waiting, tally.failed, tally.perhaps_sent]));
    block.line("Queue", &outbox.unwrap_or_default());
    // An empty minute is no news.
    let pace = Some(standing.pace).filter(|pace| pace.used > 0);
    let pace = pace.map(|pace| format!("{} of {} messages a minute used up just now", pace.used, pace.limit));
    block.line("Pace", &pace.unwrap_or_default());
    block.text
}

/// `2 messages wait, 1 has failed; mailq lists them`: how many wait, failed, and were perhaps sent.
pub fn outbox_words([waiting, failed, perhaps_sent]: [usize; 3]) -> String {
    let number = |number: usize, one: &str, several: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {several}")),
    };
    let parts = [
        number(waiting, "waits", "wait"),
        number(failed, "has failed", "have failed"),
        number(perhaps_sent, "was perhaps sent", "were perhaps sent"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "empty".to_owned() } else { format!("{}; mailq lists them", parts.join(", ")) }
}

fn headline(standing: &Standing<'_>, whose: Whose, paint: Paint) -> String {
    let account = standing.account;
    let blocked = format!("refused by {}", account.provider.server.called());
    let (words, style) = match standing.state {
        State::SignedIn => ("ready to send", "32"),
        State::LapsesSoon => ("lapses soon", "33"),
        State::RenewalFails => ("cannot be renewed", "31"),
        State::Blocked => (blocked.as_str(), "31"),
        State::SignInNeeded => ("sign-in needed", "31"),
        State::StoreAway => ("sign-in not to be read", "31"),
    };
    let address = if account.name == *AsRef::<str>::as_ref(&account.address) {
        String::new()
    } else {
        format!(" <{}>", account.address)
    };
    let whose = match whose {
        Whose::User => "",
        Whose::System => ", this machine's account",
    };
    format!("{}{address}{whose}: {}\n", paint.styled("1", &account.name), paint.styled(style, words))
}

fn signed_in(times: &GrantTimes, standing: &Standing<'_>, utc_offset: i32) -> String {
    let since = match times.signed_in_at {
        0 => "yes".to_owned(),
        at => ago(at, standing.now, utc_offset),
    };
    format!("{since}; kept in {}", kept(standing))
}

fn lapse(times: &GrantTimes, now: u64, utc_offset: i32) -> String {
    match times.lapses_at {
        None => String::new(),
        Some(at) if at <= now => format!("lapsed on {}", date(at, utc_offset)),
        Some(at) => format!("in {} unless used, on {}", count((at - now).div_ceil(DAY), "day"), date(at, utc_offset)),
    }
}

fn kept(standing: &Standing<'_>) -> String {
    let key = standing.key.map_or("", KeyPlace::words);
    format!("{}{key}", standing.account.store.row().place)
}

fn route(account: &Account) -> String {
    match account.transport {
        TransportKind::Smtp => format!("through {}, port {}", account.host, account.port),
        TransportKind::Graph => "through Microsoft Graph".to_owned(),
    }
}

struct Block {
    text: String,
    paint: Paint,
}

impl Block {
    /// A label and what stands behind it, over as many lines as it takes; nothing when there is nothing to say.
    fn line(&mut self, label: &str, words: &str) {
        if words.is_empty() {
            return;
        }
        let room = self.paint.width.map_or(usize::MAX, |width| width - INDENT);
        for (number, line) in wrapped(words, room).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            self.text.push_str(&format!("  {label:<width$}{line}\n", width = INDENT - 2));
        }
    }
}

/// The text in lines of at most `room` characters, broken at spaces; a longer word stays whole, for it may be copied.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count().saturating_add(1 + word.chars().count()) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_words_stay_whole() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one two three", usize::MAX), ["one two three"]);
        assert_eq!(wrapped("a https://login.test/long b", 6), ["a", "https://login.test/long", "b"]);
        assert_eq!(wrapped("é é é", 3), ["é é", "é"]);
    }

    #[test]
    fn an_outbox_is_told_in_a_few_words() {
        assert_eq!(outbox_words([0, 0, 0]), "empty");
        assert_eq!(outbox_words([1, 0, 2]), "1 waits, 2 were perhaps sent; mailq lists them");
        assert_eq!(outbox_words([3, 1, 1]), "3 wait, 1 has failed, 1 was perhaps sent; mailq lists them");
    }

    #[test]
    fn nothing_is_wrapped_or_coloured_where_nobody_looks() {
        let paint = Paint::on(None);
        assert_eq!((paint.width, paint.styled("1", "x")), (None, "x".to_owned()));
        let paint = |columns, escapes| Paint::on(Some(Screen { columns, escapes }));
        assert_eq!(paint(80, Escapes::Lines).styled("1", "x"), "x");
        assert_eq!(paint(80, Escapes::Colours).styled("1", "x"), "\x1b[1mx\x1b[0m");
        assert_eq!((paint(3, Escapes::None).width, paint(500, Escapes::None).width), (Some(40), Some(110)));
    }
}
