//! The page `explain` prints: what leaves stands as it leaves, with a mark before it and the reasons below.

use lettre::Address;

use crate::account::Account;
use crate::commands::columns::wrapped;
use crate::commands::explain::history::{FieldHistory, Mark, histories};
use crate::envelope::{
    Alphabet, Letter, Noted, NotedBody, NotedRecipient, RecipientSource, SenderReason, Transfer, Via,
};
use crate::message::Field;
use crate::service::Choice;
use crate::submission;
use crate::words::SafeText;

/// Where there is no terminal to ask.
pub(super) const COLUMNS: usize = 80;

/// What stands before a reason.
const WHY: &str = "  |   ";

/// The page so far.
pub(super) struct Page {
    columns: usize,
    text: String,
}

impl Page {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns: columns.clamp(40, 120), text: String::new() }
    }

    pub(super) fn whole(mut self, account: &Account, choice: Choice, letter: &Letter, noted: &Noted) -> String {
        self.line("Account");
        self.line(&format!("    {}, {}", account.name, account.address));
        self.why(match choice {
            Choice::SenderOption => "-f is an address of it",
            Choice::From => "From is an address of it",
            Choice::Preferred => "neither -f nor From is an address of any account: the configuration prefers this one",
            Choice::Only => "it is the only one",
        });
        self.line("\nEnvelope");
        self.envelope(account, letter, noted);
        self.line("\nHeader          ~ changed   + added   - left out   | why");
        for history in histories(noted) {
            self.field(&history);
        }
        self.line("\nBody");
        if let Some(body) = &noted.body {
            self.body(body, letter);
        }
        self.line("\nSize");
        let limit = submission::size_limit(account);
        self.line(&format!("    {} octets of at most {}", grouped(letter.size()), grouped(limit)));
        self.line("\nNothing was sent.");
        self.text
    }

    fn envelope(&mut self, account: &Account, letter: &Letter, noted: &Noted) {
        let sender = letter.envelope().from().map(shown_address).unwrap_or_default();
        self.line(&format!("    MAIL FROM:<{sender}>"));
        match &noted.reverse_path {
            Some(SenderReason::Option) => self.why("-f names it"),
            Some(SenderReason::NotTheAccounts(words)) => {
                self.why(&format!("the account's address: -f {} is not one of its own", words.short()));
            }
            Some(SenderReason::RefusedLately(words, refusal)) => self.why(&format!(
                "the account's address: -f {} is in send_as, but was refused on {}, and is tried again on {}",
                words.short(),
                refusal.on,
                refusal.until
            )),
            Some(SenderReason::NoOption) | None => self.why("the account's address, as no -f names another"),
        }
        for address in letter.envelope().to() {
            self.line(&format!("    RCPT TO:<{}>", shown_address(address)));
            let same = |one: &&NotedRecipient| {
                one.address.user() == address.user() && one.address.domain().eq_ignore_ascii_case(address.domain())
            };
            let mut said: Vec<String> = Vec::new();
            for named in noted.recipients.iter().filter(same) {
                let why = origin(named, account);
                if !said.contains(&why) {
                    self.why(&why);
                    said.push(why);
                }
            }
        }
        let dsn = letter.dsn();
        let wishes = [("NOTIFY", &dsn.notify), ("RET", &dsn.ret), ("ENVID", &dsn.envid)];
        let wishes: Vec<_> =
            wishes.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?))).collect();
        if !wishes.is_empty() {
            self.line(&format!("    {}", wishes.join(" ")));
            self.why("asked for with -N, -R or -V; said where the server offers DSN");
        }
        if letter.alphabet() == Alphabet::Utf8 {
            self.line("    SMTPUTF8");
            self.why(
                "an address in the header cannot be written in ASCII; a server that does not offer it gets nothing",
            );
        }
        if letter.transfer() == Transfer::EightBitMime {
            self.line("    BODY=8BITMIME");
            self.why("8-bit octets in it must not be changed, or cannot be encoded; a server without it gets nothing");
        }
    }

    fn field(&mut self, history: &FieldHistory) {
        let mark = match history.mark {
            Mark::Kept => ' ',
            Mark::Changed => '~',
            Mark::Added => '+',
            Mark::Left => '-',
        };
        match (&history.came, history.mark) {
            (Some(field), Mark::Left) => {
                let text = format!("{}: {}", field.name, shown(field));
                self.text.push_str(&wrapped(&text, "  - ", "      ", self.columns));
            }
            (came, Mark::Kept | Mark::Changed | Mark::Added | Mark::Left) => {
                let octets = history.leaves.strip_suffix(b"\r\n").unwrap_or(&history.leaves);
                for (number, line) in octets.split(|&octet| octet == b'\n').enumerate() {
                    let mark = if number == 0 { mark } else { ' ' };
                    let line = printable(line.strip_suffix(b"\r").unwrap_or(line));
                    self.line(&format!("  {mark} {line}"));
                }
                if let (Some(field), Mark::Changed) = (came, history.mark) {
                    self.why(&format!("was: {}", shown(field)));
                }
            }
        }
        for reason in &history.reasons {
            self.why(&reason.to_string());
        }
    }

    fn body(&mut self, body: &NotedBody, letter: &Letter) {
        let lines = if body.lines == 1 { "line" } else { "lines" };
        let came = format!("    {} {lines}, {} octets", grouped(body.lines), grouped(body.came));
        let changed = !body.notes.is_empty() || body.leaves != body.came;
        match (changed, letter.transfer()) {
            (false, _) => self.line(&format!("{came}, sent as they are")),
            (true, _) => self.line(&format!("{came}; {} as sent", grouped(body.leaves))),
        }
        for dot in &body.dots {
            self.why(&dot.to_string());
        }
        for note in &body.notes {
            self.text.push_str(&wrapped(&note.to_string(), "  ~ ", "    ", self.columns));
            if !note.why.is_empty() {
                self.why(&format!("it holds {}", note.why));
            }
        }
    }

    fn why(&mut self, text: &str) {
        self.text.push_str(&wrapped(text, WHY, WHY, self.columns));
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// Where a recipient comes from.
fn origin(named: &NotedRecipient, account: &Account) -> String {
    let place = match &named.source {
        RecipientSource::Argument => "the arguments".to_owned(),
        RecipientSource::Field(name) => name.clone(),
    };
    let written = named.written.short();
    match named.via {
        Via::AsWritten => format!("named in {place}"),
        Via::Aliases => format!("{written} in {place}: {} leads here", account.aliases.display()),
        Via::LocalMailTo => format!("{written} in {place} is a name of this machine: local_mail_to gets its mail"),
        Via::Account => format!("{written} in {place} is a name of this machine: the account gets its mail"),
    }
}

fn shown_address(address: &Address) -> String {
    SafeText::from(address.to_string()).whole().to_owned()
}

fn shown(field: &Field) -> String {
    SafeText::from_octets(&field.unfolded()).short()
}

/// As it leaves; what a terminal could misread is not in 7-bit text, and made harmless elsewhere.
fn printable(line: &[u8]) -> String {
    if line.is_ascii() {
        return String::from_utf8_lossy(line).into_owned();
    }
    let words = SafeText::from_octets(line);
    let space = if line.starts_with(b" ") || line.starts_with(b"\t") { " " } else { "" };
    format!("{space}{}", words.whole())
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 157_286_400].map(grouped), ["0", "999", "1,000", "157,286,400"]);
    }
}
