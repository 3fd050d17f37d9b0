//! A run that did not end well, and how it is explained.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::advice::{for_account, for_the_system};
use super::{Cause, ExitStatus, Fate, Stage};
use crate::words::SafeText;

/// A run that did not end well: where, why, and in whose words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Where it happened.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
    /// What the server, file or caller said, sanitised; may be empty.
    pub detail: SafeText,
    /// More telling than the cause's own sentence and advice, when somebody's table has it; the statuses stay the cause's.
    pub wording: Option<Wording<Cow<'static, str>>>,
    /// Whose account it is about, which decides what mends it.
    pub whose: Whose,
    /// Its name, where there are several.
    pub account: Option<SafeText>,
}

/// Whose account something is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Whose {
    /// A user's own.
    #[default]
    User,
    /// The machine's.
    System,
}

/// A sentence and an advice in place of those of a [`Row`](super::Row).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wording<Text = &'static str> {
    /// What happened, without a full stop.
    pub sentence: Text,
    /// What to do about it.
    pub advice: Text,
}

impl Failure {
    /// A failure in somebody's words.
    pub fn new(stage: Stage, cause: Cause, detail: impl Into<SafeText>) -> Self {
        Self { stage, cause, detail: detail.into(), wording: None, whose: Whose::User, account: None }
    }

    /// The same, in other words if there are any.
    pub fn worded(self, wording: Option<&Wording>) -> Self {
        match wording {
            Some(&Wording { sentence, advice }) => {
                self.in_words(Wording { sentence: sentence.into(), advice: advice.into() })
            }
            None => self,
        }
    }

    /// The same as it is said of a server that is not Outlook: what our tables say in Outlook's name is not its.
    pub fn elsewhere(self) -> Self {
        let wording = self.cause.row().elsewhere;
        Self { wording: None, ..self }.worded(wording)
    }

    /// The same, about this account.
    pub fn about(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    /// The same, about one account of several.
    pub fn of_account(self, name: &str) -> Self {
        Self { account: Some(name.into()), ..self }
    }

    /// The same in these words.
    pub(super) fn in_words(self, wording: Wording<Cow<'static, str>>) -> Self {
        let own = self.cause.wording();
        let is_own = wording.sentence == own.sentence && wording.advice == own.advice;
        Self { wording: (!is_own).then_some(wording), ..self }
    }

    /// The exit status a caller gets.
    pub fn exit_status(&self) -> ExitStatus {
        self.cause.row().status
    }

    /// What happened and what to do, as a table has it.
    pub(super) fn wording(&self) -> Wording<&str> {
        match &self.wording {
            Some(Wording { sentence, advice }) => Wording { sentence, advice },
            None => self.cause.wording(),
        }
    }

    /// What happened, in our words.
    pub fn sentence(&self) -> &str {
        self.wording().sentence
    }

    /// What happened, in our words and the other side's.
    pub fn reason(&self) -> String {
        with_detail(self.sentence(), &self.detail.short())
    }

    /// What to do about it.
    pub fn advice(&self) -> String {
        if self.whose == Whose::System && self.cause == Cause::NoAccount {
            return "run as root: outlook-sendmail login --system; for one of your own: outlook-sendmail login".into();
        }
        let advice = match self.whose {
            Whose::User => self.wording().advice.to_owned(),
            Whose::System => for_the_system(self.wording().advice),
        };
        match &self.account {
            Some(name) => for_account(&advice, name.whole()),
            None => advice,
        }
    }

    /// One line for a person: what happened, in whose words, what to do.
    pub fn line(&self) -> String {
        with_advice(self.of_whom(self.reason()), &self.advice())
    }

    /// The same for whoever handed a message over, and has to know whether anybody may have got it.
    pub fn line_about_message(&self) -> String {
        let Wording { sentence, advice } = self.wording();
        let says = |words: &str| sentence.contains(words) || advice.contains(words);
        let is_said = says("nothing was sent") || says("nobody got the message");
        let unsaid = self.cause.row().fate == Fate::Unsent && !is_said;
        match (unsaid, self.advice()) {
            (false, _) => self.line(),
            (true, advice) if advice.is_empty() => with_advice(self.of_whom(self.reason()), "nothing was sent"),
            (true, advice) => with_advice(self.of_whom(self.reason()), &format!("{advice}; nothing was sent")),
        }
    }

    /// The same with the other side's words whole, for the log.
    pub fn log_text(&self) -> String {
        let row = self.cause.row();
        let reason = self.of_whom(with_detail(self.sentence(), self.detail.whole()));
        format!("status={} dsn={} {}", row.status as u8, row.enhanced, with_advice(reason, &self.advice()))
    }

    fn of_whom(&self, reason: String) -> String {
        match &self.account {
            Some(name) => format!("{reason} (account {})", name.short()),
            None => reason,
        }
    }
}

fn with_detail(sentence: &str, detail: &str) -> String {
    if detail.is_empty() { sentence.to_owned() } else { format!("{sentence}: {detail}") }
}

/// What happened, and what to do: one line.
pub fn with_advice(reason: String, advice: &str) -> String {
    if advice.is_empty() { reason } else { format!("{reason} -- {advice}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_the_account() {
        let advice = |cause, whose| Failure::new(Stage::Credentials, cause, "").about(whose).of_account("a").advice();
        assert_eq!(advice(Cause::NoGrant, Whose::System), "run: outlook-sendmail login --system --account a");
        assert_eq!(advice(Cause::GrantLapsing, Whose::User), "run: outlook-sendmail renew");
        let browser = advice(Cause::DeviceCodeBlocked, Whose::User);
        assert_eq!(browser, "run: outlook-sendmail login --account a --browser");
    }

    #[test]
    fn the_other_sides_words_do_not_say_what_became_of_the_message() {
        let failure = Failure::new(Stage::Credentials, Cause::NoGrant, "nothing was sent");
        let line = "not signed in: nothing was sent -- run: outlook-sendmail login; nothing was sent";
        assert_eq!(failure.line_about_message(), line);
    }
}
