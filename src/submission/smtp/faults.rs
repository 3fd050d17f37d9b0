//! What a fault of the wire means: before the final dot nothing was sent, after it nobody knows.

use crate::failure::{Cause, Failure, Stage};
use crate::reply::Phase;
use crate::words::Words;
use crate::world::WireFault;

/// How a conversation ends without a receipt.
pub(super) enum Stop {
    /// The server may be told goodbye.
    Leave(Failure),
    /// The connection is dropped without another octet.
    Drop(Failure),
}

/// A failure of this stage.
pub(in crate::submission) fn failure(cause: Cause, words: impl Into<Words>) -> Failure {
    Failure::new(Stage::Submission, cause, words)
}

/// A fault of the wire before the final dot: nothing was sent.
pub(crate) fn lost(doing: &str, fault: WireFault) -> Failure {
    match fault {
        WireFault::TimedOut => failure(Cause::TimedOut, doing),
        WireFault::Lost(words) => failure(Cause::ConnectionLost, format!("{doing}: {}", words.whole())),
        WireFault::NotAReply(words) => failure(Cause::ReplyNonsense, format!("{doing}: {}", words.whole())),
        WireFault::Injected => failure(Cause::StarttlsInjected, ""),
        WireFault::Certificate(words) => failure(Cause::Certificate, words),
        WireFault::Tls(words) => failure(Cause::TlsFailed, words),
        WireFault::Unresolved(words) => failure(Cause::NameUnresolved, words),
        WireFault::Unreachable(words) => failure(Cause::Unreachable, words),
        WireFault::TrustAnchors(words) => failure(Cause::TrustAnchors, words),
    }
}

/// A fault of the wire after the final dot: nobody knows.
pub(in crate::submission) fn perhaps_sent(fault: WireFault) -> Failure {
    let words = match fault {
        WireFault::TimedOut => Words::from("no answer in time"),
        WireFault::Injected => Words::default(),
        WireFault::Lost(words)
        | WireFault::NotAReply(words)
        | WireFault::Certificate(words)
        | WireFault::Tls(words)
        | WireFault::Unresolved(words)
        | WireFault::Unreachable(words)
        | WireFault::TrustAnchors(words) => words,
    };
    failure(Cause::PerhapsSent, words)
}

/// The same while a reply is waited for; nothing more is said.
pub(super) fn dropped(phase: Phase, fault: WireFault) -> Stop {
    Stop::Drop(lost(&format!("waiting for {phase}"), fault))
}
