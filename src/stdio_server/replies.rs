//! Our replies: a code, an enhanced status (RFC 2034), and words a line holds.

use crate::failure::{Blame, Failure};
use crate::outcome::Taken;

/// The longest reply line, its CRLF included (RFC 5321 section 4.5.3.1.5).
const REPLY_LINE: usize = 512;

/// One reply, of one line or several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// A reply without an enhanced status: 220, 354, and those to HELO and EHLO.
    pub(super) fn bare(code: u16, words: &str) -> Self {
        Self { code, lines: vec![words.to_owned()] }
    }

    /// Any other.
    pub(super) fn new(code: u16, enhanced: &str, words: &str) -> Self {
        Self::bare(code, &format!("{enhanced} {words}"))
    }

    /// One more line.
    pub(super) fn and(mut self, words: &str) -> Self {
        self.lines.push(words.to_owned());
        self
    }

    /// The server took the message, or the outbox: its words, as the reply to the final dot.
    pub(super) fn taken(taken: &Taken) -> Self {
        let words = taken.words();
        let words = words.whole();
        let first = words.split(' ').next().unwrap_or_default();
        let is_status = first.starts_with("2.") && first.bytes().all(|octet| octet == b'.' || octet.is_ascii_digit());
        if is_status { Self::bare(250, words) } else { Self::new(250, "2.0.0", words) }
    }

    /// What went wrong, in a line. `permanent` is the code to use when the message or an address is to blame. When we
    /// are (no sign-in, a broken configuration, no network), it is 451 as with Postfix: a client that tells the two
    /// apart keeps its message instead of throwing it away.
    pub(super) fn failed(failure: &Failure, permanent: u16) -> Self {
        let enhanced = failure.cause.row().enhanced;
        let (code, class) = match enhanced {
            _ if is_ours(failure) => (451, '4'),
            "5.3.4" => (552, '5'),
            _ => (permanent, '5'),
        };
        let detail = enhanced.get(1..).unwrap_or_default();
        Self::new(code, &format!("{class}{detail}"), &failure.line_about_message())
    }

    /// As it goes out: printable US-ASCII, no line over 512 octets, CRLF at the end of each.
    pub(super) fn wire(&self) -> String {
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            let mark = if index + 1 == self.lines.len() { ' ' } else { '-' };
            let mut whole = format!("{}{mark}{}", self.code, ascii(line));
            whole.truncate(REPLY_LINE - 2);
            text.push_str(whole.trim_end());
            text.push_str("\r\n");
        }
        text
    }
}

/// Whether the same message may well go out once we are put right.
fn is_ours(failure: &Failure) -> bool {
    let row = failure.cause.row();
    match row.blame {
        // A recipient may be refused for now, and a server too busy for this message.
        Blame::Message | Blame::Mailbox => row.kind.passes() || row.kind.can_be_mended(),
        Blame::Machine => true,
        Blame::Caller => row.kind.passes(),
    }
}

fn ascii(text: &str) -> String {
    let plain = |character: char| if matches!(character, ' '..='~') { character } else { '?' };
    text.replace('…', "...").chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Stage};
    use crate::outcome::Receipt;
    use crate::words::SafeText;

    fn failed(cause: Cause, detail: &str) -> String {
        Reply::failed(&Failure::new(Stage::Submission, cause, detail), 554).wire()
    }

    #[test]
    fn codes_tell_whose_fault_it_is() {
        for (cause, start) in [
            (Cause::Deferred, "451 4.0.0 "),
            (Cause::QuotaReached, "451 4.7.28 "),
            (Cause::Refused, "554 5.0.0 "),
            (Cause::SenderDenied, "554 5.7.60 "),
            (Cause::RecipientRefused, "554 5.1.1 "),
            (Cause::MessageTooLarge, "552 5.3.4 "),
            (Cause::PerhapsSent, "554 5.4.2 perhaps sent"),
            (Cause::NoAccount, "451 4.3.5 no account is set up"),
            (Cause::NoGrant, "451 4.7.8 not signed in"),
            (Cause::Certificate, "451 4.7.5 "),
            (Cause::SpoolUnwritable, "451 4.3.0 "),
            (Cause::Suspended, "451 4.7.1 "),
            (Cause::NotAllowed, "554 5.7.1 "),
            (Cause::Throttled, "554 5.2.0 "),
        ] {
            assert!(failed(cause, "").starts_with(start), "{}", failed(cause, ""));
        }
    }

    #[test]
    fn every_failure_is_one_line_of_ascii_that_fits() {
        for cause in Cause::ALL {
            for detail in ["", "550 5.1.1 k\u{e9}in\r\n250 2.0.0 Ok", &"\u{1f600}x".repeat(5000)] {
                let wire = failed(*cause, detail);
                assert!(wire.is_ascii() && wire.len() <= 512 && wire.matches('\n').count() == 1, "{wire}");
                assert!(wire.ends_with("\r\n"));
                assert_eq!(wire.as_bytes()[0], wire.as_bytes()[4], "RFC 2034 section 4: {wire}");
            }
        }
    }

    #[test]
    fn the_servers_words_are_the_verdict() {
        let taken = |words: &str| Reply::taken(&Taken::Sent(Receipt::new(SafeText::from(words)))).wire();
        assert_eq!(taken("2.0.0 OK <a@b>"), "250 2.0.0 OK <a@b>\r\n");
        assert_eq!(taken("queued"), "250 2.0.0 queued\r\n");
        assert_eq!(taken(""), "250 2.0.0\r\n");
    }

    #[test]
    fn all_lines_but_the_last_have_a_dash() {
        assert_eq!(Reply::bare(250, "a").and("b").and("c").wire(), "250-a\r\n250-b\r\n250 c\r\n");
    }
}
