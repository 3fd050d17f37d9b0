//! Submission through Microsoft Graph: one POST of the whole MIME message to sendMail (decision 21 of DECISIONS.md).

mod answers;
mod base64_writer;
mod recipients;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::time::Duration;

use crate::account::Account;
use crate::credentials::AccessToken;
use crate::envelope::{Alphabet, Letter};
use crate::failure::{Cause, Failure, Kind};
use crate::invocation::Dsn;
use crate::outcome::Receipt;
use crate::submission::Custody;
use crate::submission::graph::base64_writer::{Base64Writer, encoded_length};
use crate::submission::smtp::content::progress;
use crate::submission::smtp::faults::{failure, lost, perhaps_sent};
use crate::transcript::{Line, Speaker};
use crate::words::Words;
use crate::world::{Clock, Deadlines, Https, Post, PostAnswer, PostFault, PostStep, WireFault};

/// The largest request Graph takes: 413 says "The maximum request length supported is 4MB" ("Use the Microsoft Graph
/// API", learn.microsoft.com/graph/use-the-api). Base64 makes that a message of 3 MiB.
const REQUEST_LIMIT: u64 = 4 * 1024 * 1024;

/// The message that makes, in octets.
pub const SIZE_LIMIT: u64 = REQUEST_LIMIT / 4 * 3;

/// How often a busy Graph is asked.
const ATTEMPTS: u32 = 3;

/// What must be left to post the message once more.
const TIME_TO_POST: Duration = Duration::from_secs(5);

/// Whether Graph can carry the letter; nothing is sent.
///
/// # Errors
/// [`Cause::NotForGraph`] and [`Cause::MessageTooLarge`].
pub fn check(letter: &Letter) -> Result<(), Failure> {
    Cargo::of(letter).map(drop)
}

/// What is posted of a message, as far as it is known beforehand.
struct Cargo {
    /// A Bcc field for recipients the header does not name; often empty.
    blind: Vec<u8>,
    /// Octets of the MIME message.
    octets: u64,
    /// Octets of it as base64.
    length: u64,
}

impl Cargo {
    fn of(message: &Letter) -> Result<Self, Failure> {
        if message.alphabet() == Alphabet::Utf8 {
            return Err(failure(Cause::NotForGraph, "an address in its header is not ASCII"));
        }
        let blind = recipients::blind_field(message.header(), message.envelope())?;
        let octets = message.size().saturating_add(blind.len() as u64);
        let length = encoded_length(octets);
        if length > REQUEST_LIMIT {
            let words = format!("{octets} octets, {length} as base64, Graph takes {REQUEST_LIMIT}; SMTP takes more");
            return Err(failure(Cause::MessageTooLarge, words));
        }
        Ok(Self { blind, octets, length })
    }
}

/// The endpoint of one account, with one token.
pub struct Graph<'a> {
    /// How it is reached.
    pub https: &'a dyn Https,
    /// What its deadlines are measured by.
    pub clock: &'a dyn Clock,
    /// Whose mailbox.
    pub account: &'a Account,
    /// What it signs in with.
    pub token: &'a AccessToken,
    /// How long it may take.
    pub times: Deadlines,
    /// Gets a line for request and answer.
    pub transcript: &'a mut dyn FnMut(Line),
}

impl Graph<'_> {
    /// Submits a letter: all recipients, or nobody.
    ///
    /// # Errors
    /// Nothing was sent, except with [`Cause::PerhapsSent`].
    pub fn submit(mut self, message: &mut Letter, custody: &mut dyn Custody) -> Result<Receipt, Failure> {
        let cargo = Cargo::of(message)?;
        if *message.dsn() != Dsn::default() {
            self.say(Speaker::Event, "Graph has no delivery status notifications: -N, -R and -V count for nothing");
        }
        let mut attempts = 1;
        loop {
            custody.sending()?;
            let answer = self.post(message, &cargo, custody)?;
            let told = answers::told(&answer, &self.token.token);
            self.say(Speaker::Server, told.whole());
            let Some(refusal) = answers::refusal(&answer, &told) else { return Ok(Receipt::new(told)) };
            let busy = refusal.cause.kind() == Kind::Temporary;
            match answer.retry_after.filter(|_| busy && attempts < ATTEMPTS) {
                Some(seconds) if self.waits(seconds) => attempts += 1,
                Some(_) | None => return Err(refusal),
            }
        }
    }

    fn post(&mut self, message: &mut Letter, cargo: &Cargo, custody: &mut dyn Custody) -> Result<PostAnswer, Failure> {
        let url = format!("{}/v1.0/me/sendMail", self.account.graph);
        self.say(Speaker::Client, &format!("POST {url}"));
        let mut content = |sink: &mut dyn Write| {
            let mut base64 = Base64Writer::new(sink);
            base64.write_all(&cargo.blind)?;
            message.write(&mut base64)?;
            base64.finish()
        };
        let note = match cargo.blind.as_slice() {
            [] => "",
            [..] => ", with a Bcc field for recipients its header does not name",
        };
        self.say(Speaker::Event, &format!("{} octets of message, {} as base64{note}", cargo.octets, cargo.length));
        let (https, ca_file, token, times) = (self.https, self.account.ca_file(), &self.token.token, self.times);
        let mut heard = |step: PostStep<'_>| match step {
            PostStep::Connection(text) => self.say(Speaker::Event, text),
            PostStep::Sent(octets) => self.say(Speaker::Progress, &progress(octets, cargo.length)),
        };
        let post = Post {
            url: &url,
            heard: &mut heard,
            dot: &mut || custody.dot(),
            token,
            content_type: "text/plain",
            length: cargo.length,
            content: &mut content,
            times,
        };
        https.post(ca_file, post).map_err(|fault| match fault {
            PostFault::Cut(WireFault::NotAReply(words)) => failure(Cause::GraphNonsense, words),
            PostFault::Cut(fault) => lost(&format!("posting to {}", self.account.graph), fault),
            PostFault::Content(words) => failure(
                Cause::InputUnreadable,
                format!("reading the message back: {}; nothing was sent", words.whole()),
            ),
            PostFault::Unknown(fault) => perhaps_sent(fault),
        })
    }

    /// Waits as long as a busy Graph asks, if that leaves time to post.
    fn waits(&mut self, seconds: u64) -> bool {
        let wait = Duration::from_secs(seconds.max(1));
        let left = self.times.latest_dot().saturating_duration_since(self.clock.instant());
        let worthwhile = wait.checked_add(TIME_TO_POST).is_some_and(|needed| needed <= left);
        if worthwhile {
            self.say(Speaker::Event, &format!("waiting {} seconds, as asked", wait.as_secs()));
            self.clock.sleep(wait);
        }
        worthwhile
    }

    fn say(&mut self, speaker: Speaker, text: &str) {
        (self.transcript)(Line { speaker, text: Words::from(text) });
    }
}
