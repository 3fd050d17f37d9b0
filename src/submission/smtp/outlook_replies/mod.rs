//! What Outlook's servers answer, and what each answer means: one table, its parts in the order they are asked.
//!
//! The first row that matches decides, so order matters: `SubmissionQuotaExceededException` contains
//! `QuotaExceededException`, and `550 5.2.252` (throttled) is not `554 5.2.252` (this sender is denied). The texts are
//! from transcripts people posted; where no text is known, phase and class of the reply decide.

mod limits;
mod message;
mod otherwise;
mod sign_in;
#[cfg(test)]
mod tests;

use crate::failure::{Cause, Wording};
use crate::reply::{Phase, Reply};

/// One row: what to look for, and what it means. Whether it passes, and the exit status, are the cause's.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Replies to these; all when empty.
    phases: &'static [Phase],
    codes: Codes,
    /// Enhanced statuses, any of them; one that ends with a dot stands for all that start so. All when empty.
    statuses: &'static [&'static str],
    /// Parts of the text, without regard to case; all must occur.
    texts: &'static [&'static str],
    cause: Cause,
    /// Where the cause's own sentence and advice say too little.
    wording: Option<Wording>,
}

/// The three digits of a reply.
#[derive(Clone, Copy, Debug)]
enum Codes {
    Any,
    Of(&'static [u16]),
    /// 4yz.
    Temporary,
    /// 5yz.
    Permanent,
}

const ANY: &[Phase] = &[];
/// The message itself is being judged.
const MESSAGE: &[Phase] = &[Phase::Mail, Phase::Data, Phase::Content];
/// The message has been seen.
const CONTENT: &[Phase] = &[Phase::Data, Phase::Content];
/// Said under TLS by the server itself: what comes before, anybody on the way can say, and must not send a person off to
/// "verify the account".
const INSIDE: &[Phase] = &[Phase::Auth, Phase::Rset, Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Content];

/// A row that matches every reply to one of these.
const fn to(phases: &'static [Phase], cause: Cause) -> Row {
    Row { phases, codes: Codes::Any, statuses: &[], texts: &[], cause, wording: None }
}

impl Row {
    const fn code(self, codes: &'static [u16]) -> Self {
        Self { codes: Codes::Of(codes), ..self }
    }

    const fn class(self, codes: Codes) -> Self {
        Self { codes, ..self }
    }

    const fn status(self, statuses: &'static [&'static str]) -> Self {
        Self { statuses, ..self }
    }

    const fn text(self, texts: &'static [&'static str]) -> Self {
        Self { texts, ..self }
    }

    /// The same, with a sentence and an advice of its own.
    const fn saying(self, sentence: &'static str, advice: &'static str) -> Self {
        Self { wording: Some(Wording { sentence, advice }), ..self }
    }

    fn matches(&self, phase: Phase, reply: &Reply, lower_text: &str) -> bool {
        let enhanced = reply.enhanced();
        let same =
            |wanted: &&str| if wanted.ends_with('.') { enhanced.starts_with(wanted) } else { enhanced == *wanted };
        let of_code = match self.codes {
            Codes::Any => true,
            Codes::Of(codes) => codes.contains(&reply.code),
            Codes::Temporary => reply.is_temporary(),
            Codes::Permanent => !reply.is_temporary(),
        };
        of_code
            && (self.phases.is_empty() || self.phases.contains(&phase))
            && (self.statuses.is_empty() || self.statuses.iter().any(same))
            && self.texts.iter().all(|part| lower_text.contains(&part.to_ascii_lowercase()))
    }
}

/// For the manual.
#[cfg(test)]
impl Row {
    /// The replies this row is about, for people.
    pub fn mark(&self) -> String {
        let codes = match self.codes {
            Codes::Any => Vec::new(),
            Codes::Of(codes) => codes.iter().map(u16::to_string).collect(),
            Codes::Temporary => vec!["4yz".to_owned()],
            Codes::Permanent => vec!["5yz".to_owned()],
        };
        let shown = |status: &&str| if status.ends_with('.') { format!("{status}x") } else { (*status).to_owned() };
        let statuses: Vec<String> = self.statuses.iter().map(shown).collect();
        let mut parts = vec![codes.join(", "), statuses.join(", "), self.texts.join(" ... ")];
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }

    /// Where such a reply counts; everywhere when empty.
    pub fn phases(&self) -> &'static [Phase] {
        self.phases
    }

    /// What it means to us.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// What happened and what to do about it.
    pub fn told(&self) -> Wording {
        self.wording.unwrap_or_else(|| self.cause.wording())
    }
}

/// The whole table, in the order it is asked.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [sign_in::ROWS, limits::VERDICTS, message::ROWS, limits::ROWS, otherwise::ROWS].into_iter().flatten()
}

/// What a negative reply in this phase means. Another reply where it comes to that is no SMTP.
pub fn classify(phase: Phase, reply: &Reply) -> Cause {
    row(phase, reply).map_or(Cause::ReplyNonsense, |row| row.cause)
}

/// What to say of it, where its cause alone says too little.
pub fn wording(phase: Phase, reply: &Reply) -> Option<&'static Wording> {
    row(phase, reply)?.wording.as_ref()
}

fn row(phase: Phase, reply: &Reply) -> Option<&'static Row> {
    let lower_text = reply.text().whole().to_ascii_lowercase();
    rows().filter(|_| reply.is_negative()).find(|row| row.matches(phase, reply, &lower_text))
}
