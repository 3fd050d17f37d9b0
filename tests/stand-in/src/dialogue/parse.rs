//! Text to a dialogue.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::octets::unescape;
use super::{Action, Dialogue, Expectations, Rule, Selector, Stage, TlsVersion};
use crate::certificates::CertificateKind;

/// A line that is not part of the format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for SyntaxError {}

pub(super) fn dialogue(text: &str) -> Result<Dialogue, SyntaxError> {
    let mut dialogue = Dialogue::default();
    for (index, line) in text.lines().enumerate() {
        one_line(line.trim(), &mut dialogue).map_err(|reason| SyntaxError { line: index + 1, reason })?;
    }
    Ok(dialogue)
}

fn one_line(line: &str, dialogue: &mut Dialogue) -> Result<(), String> {
    if let Some(comment) = line.strip_prefix('#') {
        return header(comment.trim(), &mut dialogue.expectations);
    }
    if let Some(rest) = line.strip_prefix("on ") {
        let (rule, first) = rule(rest)?;
        dialogue.rules.push(rule);
        return if first.is_empty() { Ok(()) } else { one_action(first, dialogue) };
    }
    if line.is_empty() { Ok(()) } else { one_action(line, dialogue) }
}

fn one_action(text: &str, dialogue: &mut Dialogue) -> Result<(), String> {
    let rule = dialogue.rules.last_mut().ok_or("an action before the first `on`")?;
    rule.actions.push(action(text)?);
    Ok(())
}

fn header(comment: &str, expectations: &mut Expectations) -> Result<(), String> {
    let (key, value) = comment.split_once(' ').map_or((comment, ""), |(key, value)| (key, value.trim()));
    match key {
        "expect" => expectation(value, expectations),
        "config" => {
            let (key, value) = value.split_once('=').ok_or("# config KEY = VALUE")?;
            expectations.config.push((key.trim().to_owned(), value.trim().to_owned()));
            Ok(())
        }
        "arguments" => {
            expectations.arguments = value.split_whitespace().map(str::to_owned).collect();
            Ok(())
        }
        _ => Ok(()),
    }
}

fn expectation(text: &str, expectations: &mut Expectations) -> Result<(), String> {
    let (key, value) = text.split_once(' ').map(|(key, value)| (key, value.trim())).ok_or("# expect WHAT VALUE")?;
    match key {
        "status" => expectations.status = Some(number(value)?),
        "stderr" => expectations.stderr.push(value.to_owned()),
        "log" => expectations.log.push(value.to_owned()),
        "received" => expectations.received = Some(number(value)?),
        "dsn" => expectations.dsn = Some(value.to_owned()),
        "connections" => expectations.connections = Some(number(value)?),
        _ => return Err(format!("nothing called `{key}` can be expected")),
    }
    Ok(())
}

/// The head of a rule, and what stands behind its colon.
fn rule(text: &str) -> Result<(Rule, &str), String> {
    let (stage, mut rest) = text.split_at(text.find([' ', ':']).ok_or("`on STAGE:` needs its colon")?);
    let stage = self::stage(stage)?;
    let mut selector = Selector::default();
    loop {
        rest = rest.trim_start();
        if let Some(actions) = rest.strip_prefix(':') {
            return Ok((Rule { stage, selector, actions: Vec::new() }, actions.trim()));
        }
        rest = if let Some(quoted) = rest.strip_prefix("containing \"") {
            let (wanted, after) = quoted.split_once('"').ok_or("containing \"TEXT\" needs its second quote")?;
            selector.containing = Some(unescape(wanted)?.to_ascii_lowercase());
            after
        } else if let Some(after) = rest.strip_prefix("longer-than ") {
            leading_number(after, &mut selector.longer_than)?
        } else if let Some(after) = rest.strip_prefix("times ") {
            leading_number(after, &mut selector.times)?
        } else {
            leading_number(rest, &mut selector.nth)?
        };
    }
}

fn leading_number<'a>(text: &'a str, slot: &mut Option<usize>) -> Result<&'a str, String> {
    let end = text.find([' ', ':']).ok_or("a rule's head ends with a colon")?;
    *slot = Some(number(&text[..end])?);
    Ok(&text[end..])
}

fn stage(word: &str) -> Result<Stage, String> {
    Ok(match word {
        "banner" => Stage::Banner,
        "ehlo" => Stage::Ehlo,
        "starttls" => Stage::Starttls,
        "tls" => Stage::Tls,
        "ehlo2" => Stage::Ehlo2,
        "auth" => Stage::Auth,
        "auth-continuation" => Stage::AuthContinuation,
        "mail" => Stage::Mail,
        "rcpt" => Stage::Rcpt,
        "data" => Stage::Data,
        "content" => Stage::Content,
        "rset" => Stage::Rset,
        "quit" => Stage::Quit,
        "other" => Stage::Other,
        _ => return Err(format!("no stage is called `{word}`")),
    })
}

fn action(text: &str) -> Result<Action, String> {
    if text.len() >= 3 && text.bytes().take(3).all(|octet| octet.is_ascii_digit()) {
        return Ok(Action::Reply(unescape(text)?));
    }
    if let Some(keyword) = text.strip_prefix('-') {
        return Ok(Action::Omit(keyword.trim().to_owned()));
    }
    if let Some(keyword) = text.strip_prefix('+') {
        return Ok(Action::Add(keyword.trim().to_owned()));
    }
    let (word, value) = text.split_once(' ').map_or((text, ""), |(word, value)| (word, value.trim()));
    Ok(match word {
        "early" => Action::Early(unescape(value)?),
        "raw" => Action::Raw(unescape(value)?),
        "endless" => Action::Endless(unescape(value)?),
        "inject" => Action::Inject(unescape(value)?),
        "default" => Action::Default,
        "drop" => Action::Drop,
        "reset" => Action::Reset,
        "stall" => Action::Stall,
        "delay" => Action::Delay(Duration::from_millis(number(value)?)),
        "drop-after" => Action::DropAfter(number(value)?),
        "certificate" => Action::Certificate(certificate(value)?),
        "version" => Action::Version(version(value)?),
        "slow" => {
            let (octets, pause) = value.split_once(' ').ok_or("slow OCTETS MS")?;
            Action::Slow {
                octets: number::<usize>(octets)?.max(1),
                pause: Duration::from_millis(number(pause.trim())?),
            }
        }
        _ => return Err(format!("no action is called `{word}`")),
    })
}

fn certificate(word: &str) -> Result<CertificateKind, String> {
    Ok(match word {
        "good" => CertificateKind::Good,
        "expired" => CertificateKind::Expired,
        "wrong-host" => CertificateKind::WrongHost,
        "self-signed" => CertificateKind::SelfSigned,
        _ => return Err(format!("no kind of certificate is called `{word}`")),
    })
}

fn version(word: &str) -> Result<TlsVersion, String> {
    match word {
        "1.2" => Ok(TlsVersion::V1_2),
        "1.3" => Ok(TlsVersion::V1_3),
        _ => Err(format!("no TLS {word} here")),
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number that fits here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_actions() {
        let dialogue = Dialogue::parse(
            "# expect status 75\n# expect stderr try again\n# config deadline = 2\n# a comment\n\
             on rcpt 2 times 3: 550 5.1.1 no\non ehlo containing \"[::\" :\n    250-a\n    250 b\n    -DSN\n",
        )
        .unwrap();
        assert_eq!(dialogue.expectations().status, Some(75));
        assert_eq!(dialogue.expectations().config, [("deadline".to_owned(), "2".to_owned())]);
        assert_eq!(dialogue.rules[0].selector.nth, Some(2));
        assert_eq!(dialogue.rules[0].selector.times, Some(3));
        assert_eq!(dialogue.rules[1].selector.containing.as_deref(), Some(&b"[::"[..]));
        assert_eq!(dialogue.rules[1].actions.len(), 3);
    }

    #[test]
    fn a_typing_error_is_told_with_its_line() {
        for (text, line) in [("\non bannner: drop", 2), ("# expect stauts 3", 1), ("drop", 1), ("on mail: jump", 1)] {
            assert_eq!(Dialogue::parse(text).unwrap_err().line, line, "{text}");
        }
    }
}
