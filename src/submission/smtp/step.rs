//! Keeping step: a reply counts only if it came after its command had left.
//!
//! One reply too many, and every later one answers the command before the one it is taken for: a 250 to nothing becomes the
//! verdict on a message that was refused. So nothing is written while anything lies unread.

use crate::failure::{Cause, Failure, Wording};
use crate::reply::{Phase, Reply};
use crate::submission::smtp::content::Cut;
use crate::submission::smtp::conversation::{Conversation, EARLY_REPLY};
use crate::submission::smtp::faults::{Stop, failure, lost};
use crate::submission::smtp::transaction::refused;
use crate::words::Words;

/// So many replies nobody asked for are looked through for one that says why.
const UNASKED: usize = 20;

const OUT_OF_STEP: Wording = Wording {
    sentence: "the server answered what it was not asked",
    advice: "check host and port, and what stands between here and there; nothing was sent",
};

impl Conversation<'_> {
    /// Before anything is written: what lies unread ends the conversation. A connection that has ended shows at the next
    /// reply.
    pub(super) fn in_step(&mut self) -> Result<(), Stop> {
        match self.wire.has_unread() {
            Ok(true) => Err(Stop::Drop(self.unasked(self.heard))),
            Ok(false) | Err(_) => Ok(()),
        }
    }

    /// Why a conversation ends in which replies lie unread: the first negative one says it, else nobody does.
    pub(super) fn unasked(&mut self, phase: Phase) -> Failure {
        let until = self.clock.instant() + EARLY_REPLY;
        let mut replies: Vec<Reply> = Vec::new();
        while replies.len() < UNASKED {
            let Ok(reply) = self.wire.reply(until) else { break };
            self.show(&reply);
            let is_reason = reply.is_negative();
            replies.push(reply);
            if is_reason || !matches!(self.wire.has_unread(), Ok(true)) {
                break;
            }
        }
        out_of_step(phase, &replies)
    }

    /// The content was not sent to its end: nothing was sent, and the server may have said why.
    pub(super) fn cut_short(&mut self, cut: Cut) -> Failure {
        match cut {
            Cut::Unasked => self.unasked(Phase::Content),
            Cut::Fault(fault) => match self.wire.reply(self.clock.instant() + EARLY_REPLY) {
                Ok(reply) if reply.is_negative() => {
                    self.show(&reply);
                    refused(Phase::Content, &reply)
                }
                Ok(_) | Err(_) => lost("sending the message", fault),
            },
        }
    }

    /// Takes leave of a server that refused. Its answer to QUIT shows whether the refusal answered what it seemed to: one
    /// reply too many, and there is one left.
    pub(super) fn leave(&mut self, refusal: Failure) -> Failure {
        if let Err(Stop::Drop(failure) | Stop::Leave(failure)) = self.in_step() {
            return failure;
        }
        self.quit();
        let until = self.clock.instant() + EARLY_REPLY;
        let Ok(first) = self.wire.reply(until) else { return refusal };
        self.show(&first);
        if matches!(first.code, 221 | 421) {
            return refusal;
        }
        // Whatever a server calls its goodbye, it says it once.
        let Ok(second) = self.wire.reply(until) else { return refusal };
        self.show(&second);
        out_of_step(self.heard, &[first])
    }

    /// Whether more was said to the final dot than one verdict, of which nobody can know which it is. `commands` were
    /// written behind the dot. Nothing is waited for.
    pub(super) fn doubt(&mut self, verdict: &Reply, commands: usize) -> Option<Words> {
        let until = self.clock.instant() + EARLY_REPLY;
        let mut behind: Vec<Reply> = Vec::new();
        while behind.len() <= commands && matches!(self.wire.has_unread(), Ok(true)) {
            let Ok(reply) = self.wire.reply(until) else { break };
            self.show(&reply);
            // A server may close whenever it likes.
            if reply.code == 421 {
                break;
            }
            behind.push(reply);
        }
        // 500 and 502 come from servers that do not know QUIT.
        let is_verdict = |reply: &Reply| reply.is_negative() && !matches!(reply.code, 500 | 502);
        let other = behind.iter().find(|reply| is_verdict(reply)).or(behind.get(commands))?;
        Some(Words::from(format!("{}, then {}", verdict.words().whole(), other.words().whole())))
    }
}

fn out_of_step(phase: Phase, replies: &[Reply]) -> Failure {
    if let Some(reply) = replies.iter().find(|reply| reply.is_negative()) {
        return refused(blameless(phase), reply);
    }
    let words = replies.first().map_or(Words::from("no whole reply"), Reply::words);
    failure(Cause::ReplyNonsense, format!("behind {phase}: {}", words.whole())).worded(Some(&OUT_OF_STEP))
}

/// What nobody asked for blames no recipient.
fn blameless(phase: Phase) -> Phase {
    if matches!(phase, Phase::Rcpt | Phase::Data) { Phase::Rset } else { phase }
}
