//! A run that did not end well, and how it is told.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Cause, ExitStatus, Stage};
use crate::words::Words;

/// A run that did not end well: where, why, and in whose words. Written down, it is read back as it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Where it happened.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
    /// What the server, file or caller said, sanitised; may be empty.
    pub detail: Words,
    /// More telling than the cause's own sentence and advice, when somebody's table has it; the statuses stay the cause's.
    pub wording: Option<OwnWording>,
    /// Whose account it is about, which decides what mends it. Whoever reads a failure knows.
    #[serde(skip)]
    pub whose: Whose,
    /// Its name, where there are several.
    pub account: Option<Words>,
}

/// Whose account something is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Whose {
    /// A user's own.
    #[default]
    User,
    /// The machine's.
    System,
}

/// A sentence and an advice in place of those of a [`Row`](super::Row).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wording {
    /// What happened, without a full stop.
    pub sentence: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// The same as a failure has it, which may have been read from somewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnWording {
    #[serde(deserialize_with = "one_line")]
    sentence: Cow<'static, str>,
    #[serde(deserialize_with = "one_line")]
    advice: Cow<'static, str>,
}

impl From<&'static Wording> for OwnWording {
    fn from(wording: &'static Wording) -> Self {
        Self { sentence: wording.sentence.into(), advice: wording.advice.into() }
    }
}

fn one_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'static, str>, D::Error> {
    Ok(Words::deserialize(deserializer)?.whole().to_owned().into())
}

impl Failure {
    /// A failure in somebody's words.
    pub fn new(stage: Stage, cause: Cause, detail: impl Into<Words>) -> Self {
        Self { stage, cause, detail: detail.into(), wording: None, whose: Whose::User, account: None }
    }

    /// The same, told in other words if there are any.
    pub fn worded(self, wording: Option<&'static Wording>) -> Self {
        Self { wording: wording.map(OwnWording::from).or(self.wording), ..self }
    }

    /// The same as it is told of a server that is not Outlook: what our tables say in Outlook's name is not its.
    pub fn elsewhere(self) -> Self {
        Self { wording: self.cause.row().elsewhere.map(OwnWording::from), ..self }
    }

    /// The same, about this account.
    pub fn about(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    /// The same, about one account of several.
    pub fn of_account(self, name: &str) -> Self {
        Self { account: Some(name.into()), ..self }
    }

    /// The exit status a caller gets.
    pub fn exit_status(&self) -> ExitStatus {
        self.cause.row().status
    }

    /// One line for a person: what happened, in whose words, what to do.
    pub fn line(&self) -> String {
        self.compose(&self.detail.short())
    }

    /// The same for whoever handed a message over, and has to know whether anybody may have got it.
    pub fn line_about_message(&self) -> String {
        let line = self.line();
        let says = |words: &str| line.to_ascii_lowercase().contains(words);
        if self.cause == Cause::PerhapsSent || says("nothing was sent") || says("nobody got the message") {
            return line;
        }
        let mark = if self.advice().is_empty() { " --" } else { ";" };
        format!("{line}{mark} nothing was sent")
    }

    /// The same with the other side's words whole, for the log.
    pub fn record(&self) -> String {
        let row = self.cause.row();
        format!("status={} dsn={} {}", row.status as u8, row.enhanced, self.compose(self.detail.whole()))
    }

    /// What happened, without whose words.
    pub fn sentence(&self) -> &str {
        self.wording.as_ref().map_or(self.cause.row().sentence, |wording| &wording.sentence)
    }

    /// What to do about it.
    pub fn advice(&self) -> Cow<'static, str> {
        let advice = self.wording.as_ref().map_or(self.cause.row().advice.into(), |wording| wording.advice.clone());
        let advice = match &self.account {
            Some(name) => Cow::Owned(for_account(&advice, name.whole())),
            None => advice,
        };
        match self.whose {
            Whose::User => advice,
            Whose::System if self.cause == Cause::NoAccount => {
                "run as root: outlook-sendmail login --system; for one of your own: outlook-sendmail login".into()
            }
            Whose::System => for_the_system(&advice).into(),
        }
    }

    fn compose(&self, detail: &str) -> String {
        let sentence = self.sentence();
        let advice = self.advice();
        let mut line = String::from(sentence);
        if !detail.is_empty() {
            line.push_str(": ");
            line.push_str(detail);
        }
        if let Some(name) = &self.account {
            line.push_str(&format!(" (account {})", name.short()));
        }
        if !advice.is_empty() {
            line.push_str(" -- ");
            line.push_str(&advice);
        }
        line
    }
}

/// The commands that look after the machine's account.
pub fn for_the_system(advice: &str) -> String {
    ["outlook-sendmail login", "outlook-sendmail renew"]
        .iter()
        .fold(advice.to_owned(), |advice, command| advice.replace(command, &format!("{command} --system")))
}

/// An advice's commands with the option that picks this account, where there are several.
pub fn for_account(advice: &str, name: &str) -> String {
    const COMMANDS: [&str; 2] = ["outlook-sendmail login", "outlook-sendmail test"];
    let mut told = String::new();
    let mut rest = advice;
    loop {
        let places = COMMANDS.iter().filter_map(|command| Some(rest.find(command)? + command.len()));
        let Some((before, after)) = places.min().and_then(|end| rest.split_at_checked(end)) else { break };
        told.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix(" --system") {
            told.push_str(" --system");
            rest = after;
        }
        if !rest.starts_with(" --account") {
            told.push_str(&format!(" --account {}", shell_word(name)));
        }
    }
    told + rest
}

/// A word as a shell takes it.
fn shell_word(text: &str) -> String {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.@+".contains(&octet);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advice_picks_the_account_it_is_about() {
        for (advice, told) in [
            ("run: outlook-sendmail login", "run: outlook-sendmail login --account work"),
            ("run outlook-sendmail login again", "run outlook-sendmail login --account work again"),
            ("run: outlook-sendmail login --account NAME", "run: outlook-sendmail login --account NAME"),
            ("run: outlook-sendmail login --store file", "run: outlook-sendmail login --account work --store file"),
            (
                "see: outlook-sendmail login, or outlook-sendmail test",
                "see: outlook-sendmail login --account work, or outlook-sendmail test --account work",
            ),
            ("try again later", "try again later"),
        ] {
            assert_eq!(for_account(advice, "work"), told);
        }
        assert_eq!(for_account("outlook-sendmail login", "the other"), "outlook-sendmail login --account 'the other'");
        let failure = Failure::new(Stage::Credentials, Cause::NoGrant, "").of_account("work");
        let line = failure.clone().about(Whose::System).line();
        assert!(line.contains(" (account work) -- ") && line.contains("login --system --account work"), "{line}");
    }
}
