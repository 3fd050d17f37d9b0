//! A failure as it is written down: in the queue, in the history, and between a client and the broker.
//!
//! One record, `{stage, cause, detail, sentence, advice, whose, account}`. What is read may have been written by anybody: a name
//! that is not ours is an error, text is made safe to print, and nothing is longer than we write it.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Cause, Failure, Stage, Whose, Wording};
use crate::words::SafeText;

/// How much of the other side's words is kept, in octets: a person is shown 300 characters.
const LONGEST_DETAIL: usize = 16 * 1024;

/// Longer than any sentence, advice or account's name of ours, in octets.
const LONGEST_WORDING: usize = 1024;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    stage: Stage,
    cause: Cause,
    detail: Cow<'a, str>,
    sentence: Cow<'a, str>,
    advice: Cow<'a, str>,
    #[serde(default)]
    whose: Whose,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Wording { sentence, advice } = self.wording();
        let record = Record {
            stage: self.stage,
            cause: self.cause,
            detail: Cow::Borrowed(beginning(self.detail.whole(), LONGEST_DETAIL)),
            sentence: Cow::Borrowed(beginning(sentence, LONGEST_WORDING)),
            advice: Cow::Borrowed(beginning(advice, LONGEST_WORDING)),
            whose: self.whose,
            account: self.account.as_ref().map(|name| Cow::Borrowed(beginning(name.whole(), LONGEST_WORDING))),
        };
        record.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Record { stage, cause, detail, sentence, advice, whose, account } = Record::deserialize(deserializer)?;
        let wording = Wording { sentence: safe(&sentence, LONGEST_WORDING), advice: safe(&advice, LONGEST_WORDING) };
        if wording.sentence.is_empty() {
            return Err(D::Error::custom("a failure without a sentence"));
        }
        let detail = SafeText::from(beginning(&detail, LONGEST_DETAIL));
        let account = account.map(|name| SafeText::from(beginning(&name, LONGEST_WORDING)));
        Ok(Self { account, ..Self::new(stage, cause, detail).in_words(wording).about(whose) })
    }
}

fn safe(text: &str, most: usize) -> Cow<'static, str> {
    Cow::Owned(SafeText::from(beginning(text, most)).whole().to_owned())
}

/// At most so many octets of it, in whole characters.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(failure: &Failure) -> String {
        serde_json::to_string(failure).unwrap()
    }

    #[test]
    fn every_cause_and_stage_is_read_as_it_was_written() {
        const WORDING: Wording = Wording { sentence: "no room", advice: "make some" };
        for cause in Cause::ALL {
            for stage in Stage::ALL {
                let failure = Failure::new(*stage, *cause, "550 \"5.1.1\" k\u{e9}in");
                for failure in [
                    failure.clone(),
                    failure.clone().elsewhere(),
                    failure.clone().about(Whose::System),
                    failure.clone().of_account("work"),
                    failure.worded(Some(&WORDING)),
                ] {
                    let read: Failure = serde_json::from_str(&written(&failure)).unwrap();
                    assert_eq!((read.line(), &read), (failure.line(), &failure));
                }
            }
        }
        assert_eq!(
            written(&Failure::new(Stage::Submission, Cause::Aliases, "x")),
            r#"{"stage":"Submission","cause":"Aliases","detail":"x","sentence":"aliases error","advice":"","whose":"User"}"#
        );
    }

    #[test]
    fn what_is_not_ours_is_an_error() {
        let good = written(&Failure::new(Stage::Submission, Cause::Refused, "554 no"));
        for (ours, other) in [
            ("\"Refused\"", "\"Refuse\""),
            ("\"Refused\"", "7"),
            ("\"Submission\"", "\"\""),
            ("\"User\"", "\"Root\""),
            ("Outlook refuses", "\\u202e\\n"),
            ("\"detail\"", "\"details\""),
        ] {
            assert!(good.contains(ours));
            assert!(serde_json::from_str::<Failure>(&good.replace(ours, other)).is_err(), "{other}");
        }
    }

    #[test]
    fn the_longest_record_is_bounded_and_stays_what_it_is() {
        for text in ["\"", "\\", "\u{fc}", "x"] {
            let failure =
                Failure::new(Stage::Submission, Cause::Refused, text.repeat(60_000)).of_account(&text.repeat(2000));
            let record = written(&failure);
            assert!(record.len() <= LONGEST_RECORD, "{}", record.len());
            let read: Failure = serde_json::from_str(&record).unwrap();
            assert_eq!(written(&read), record);
        }
    }

    /// JSON may take two octets for one.
    const LONGEST_RECORD: usize = 2 * (LONGEST_DETAIL + 3 * LONGEST_WORDING) + 1024;

    proptest! {
        #[test]
        fn whatever_a_file_says_is_one_safe_line(detail in ".{0,40}", sentence in ".{0,40}", advice in ".{0,40}") {
            let record = serde_json::json!({
                "stage": "Submission", "cause": "Refused", "detail": detail, "sentence": sentence, "advice": advice,
            });
            if let Ok(failure) = serde_json::from_value::<Failure>(record) {
                let line = failure.line();
                prop_assert!(!line.chars().any(|it| it.is_control() || crate::words::is_invisible(it)), "{line:?}");
            }
        }
    }
}
