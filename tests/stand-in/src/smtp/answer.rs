//! The way every answer takes: through the dialogue's actions, else to what Outlook says.

use std::sync::Arc;
use std::thread;

use super::record::Side;
use super::session::{Over, Session};
use super::{lock, words};
use crate::dialogue::{Action, Stage};

/// An endless reply ends here all the same.
const ENDLESS: usize = 64 << 20;

impl Session<'_> {
    /// Answers: as the dialogue says, else with `default` (lines joined by CRLF; empty for nothing). Returns the last
    /// code said, 0 when that was none.
    pub(super) fn answer(&mut self, stage: Stage, line: &[u8], default: &str) -> Result<u16, Over> {
        let nth = match stage {
            Stage::Rcpt => self.transaction.recipients_tried,
            _ => self.visit(stage),
        };
        let rules = Arc::clone(&lock(&self.shared.rules));
        let (mut said, mut early) = (None, Vec::new());
        for action in rules.actions(stage, nth, line).unwrap_or_default() {
            match action {
                Action::Reply(octets) => {
                    said = Some(code_of(octets));
                    self.say(octets);
                }
                Action::Early(octets) => early.push(octets.clone()),
                Action::Raw(octets) => {
                    said = Some(code_of(octets));
                    self.note(Side::Server, printable(octets));
                    self.wire.queue(octets);
                }
                Action::Default => {
                    said = None;
                    break;
                }
                other => self.perform(other)?,
            }
        }
        let code = match said {
            Some(code) => code,
            None => self.say_default(stage, default),
        };
        for line in early {
            self.say(&line);
        }
        self.keep_count();
        if code == 421 { Err(self.close("421")) } else { Ok(code) }
    }

    /// An action that is no reply.
    fn perform(&mut self, action: &Action) -> Result<(), Over> {
        match action {
            Action::Reply(_) | Action::Early(_) | Action::Raw(_) | Action::Default => {}
            Action::Endless(line) => return Err(self.endless(line)),
            Action::Drop => {
                self.wire.flush()?;
                self.wire.abort();
                return Err("dropped".into());
            }
            Action::Reset => {
                self.wire.abort();
                return Err("reset".into());
            }
            Action::Stall => {
                self.wire.stall()?;
                return Err("stalled until the client closed".into());
            }
            Action::Delay(pause) => {
                self.wire.flush()?;
                thread::sleep(*pause);
            }
            Action::Inject(octets) => self.injection.clone_from(octets),
            Action::Omit(keyword) => self.omit.push(keyword.clone()),
            Action::Add(keyword) => self.add.push(keyword.clone()),
            Action::Certificate(kind) => self.certificate = *kind,
            Action::Version(version) => self.version = Some(*version),
            Action::DropAfter(octets) => self.drop_after = Some(*octets),
            Action::Slow { octets, pause } => self.wire.slow_down(*octets, *pause),
        }
        Ok(())
    }

    fn say_default(&mut self, stage: Stage, default: &str) -> u16 {
        let (omit, add) = (std::mem::take(&mut self.omit), std::mem::take(&mut self.add));
        let listing = matches!(stage, Stage::Ehlo | Stage::Ehlo2) && default.starts_with("250");
        let reply = if listing { words::edited(default, &omit, &add) } else { default.to_owned() };
        let lines: Vec<&str> = reply.split("\r\n").filter(|line| !line.is_empty()).collect();
        for line in &lines {
            self.say(line.as_bytes());
        }
        lines.last().map_or(0, |line| code_of(line.as_bytes()))
    }

    fn endless(&mut self, line: &[u8]) -> Over {
        self.note(Side::Server, format!("{} (endlessly)", printable(line)));
        let block = [line, b"\r\n"].concat().repeat(100);
        for _ in 0..ENDLESS / block.len().max(1) {
            self.wire.queue(&block);
            if let Err(error) = self.wire.flush() {
                return error.into();
            }
        }
        "the client read an endless reply to its end".into()
    }

    fn say(&mut self, line: &[u8]) {
        self.note(Side::Server, printable(line));
        self.wire.queue(line);
        self.wire.queue(b"\r\n");
    }
}

/// The three digits a reply line begins with; 0 for anything else.
fn code_of(octets: &[u8]) -> u16 {
    octets
        .get(..3)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// Octets for the transcript, cut where they would drown it.
fn printable(octets: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&octets[..octets.len().min(2000)]).trim_end().to_owned();
    if octets.len() > 2000 { format!("{shown}... ({} octets)", octets.len()) } else { shown }
}
