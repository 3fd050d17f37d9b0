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
        Self { stage, cause, detail: detail.into(), wording: None, whose: Whose::User }
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

    /// What to do about it.
    pub fn advice(&self) -> Cow<'static, str> {
        let advice = self.wording.as_ref().map_or(self.cause.row().advice.into(), |wording| wording.advice.clone());
        match self.whose {
            Whose::User => advice,
            Whose::System if self.cause == Cause::NoAccount => {
                "run as root: outlook-sendmail login --system; for one of your own: outlook-sendmail login".into()
            }
            Whose::System => for_the_system(&advice).into(),
        }
    }

    fn compose(&self, detail: &str) -> String {
        let sentence = self.wording.as_ref().map_or(self.cause.row().sentence, |wording| &wording.sentence);
        let advice = self.advice();
        let mut line = String::from(sentence);
        if !detail.is_empty() {
            line.push_str(": ");
            line.push_str(detail);
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
