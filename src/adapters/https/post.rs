//! One message as an HTTP/1.1 POST (RFC 9112), its last octets held back until there is no doubt.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::answer::{self, HttpAnswer};
use super::target::Target;
use crate::adapters::wire;
use crate::words::SafeText;
use crate::world::{Deadlines, Post, PostAnswer, PostFault, PostStep, Wire, WireFault};

/// Octets given to TLS at a time.
const SLICE: usize = 64 * 1024;

/// How long a server that stopped reading may take to tell why.
const EARLY_ANSWER: Duration = Duration::from_secs(1);

/// Connects, posts, and reads the answer.
pub(super) fn post(ca_file: Option<&Path>, post: Post<'_>) -> Result<PostAnswer, PostFault> {
    let deadline = post.times.before_dot;
    let target = Target::of(post.url).map_err(PostFault::Cut)?;
    let head = head(&target, &post).map_err(PostFault::Cut)?;
    let mut wire = wire::connect(target.server(ca_file), deadline).map_err(PostFault::Cut)?;
    (post.heard)(PostStep::Connection(&format!("connected to {} {}", target.host, wire.peer())));
    wire.start_tls(deadline).map_err(PostFault::Cut)?;
    (post.heard)(PostStep::Connection(&format!("{}, certificate verified", wire.tls_version())));

    let mut content = Content {
        wire: &mut wire,
        slice: head,
        length: post.length,
        left: post.length,
        times: post.times,
        heard: post.heard,
        fault: None,
    };
    let written = (post.content)(&mut content);
    let Content { slice, left, fault, .. } = content;
    if let Some(fault) = fault {
        // The server may have said why it reads no further. Nobody accepts half a message.
        return match answer::read(&mut |until| wire.receive(until), Instant::now() + EARLY_ANSWER) {
            Ok(answer) if answer.status >= 300 => Ok(told(answer)),
            Ok(_) | Err(_) => Err(PostFault::Cut(fault)),
        };
    }
    if let Err(error) = written {
        return Err(PostFault::Content(SafeText::from(error.to_string())));
    }
    if left > 0 {
        return Err(PostFault::Content(SafeText::from(format!("{left} octets are missing"))));
    }
    let now = Instant::now();
    if now > post.times.content_until(post.length, now) {
        return Err(PostFault::Cut(WireFault::TimedOut));
    }
    (post.dot)();
    // From here on a fault leaves the message perhaps sent.
    let deadline = post.times.answer_until(Instant::now());
    match wire.send(&slice, deadline) {
        Ok(()) => answer::read(&mut |until| wire.receive(until), deadline),
        Err(fault) => answer::read(&mut |until| wire.receive(until), Instant::now() + EARLY_ANSWER).map_err(|_| fault),
    }
    .map(told)
    .map_err(PostFault::Unknown)
}

fn told(answer: HttpAnswer) -> PostAnswer {
    let HttpAnswer { status, reason, retry_after, request_id, mut body, .. } = answer;
    PostAnswer { status, reason, retry_after, request_id, body: std::mem::take(&mut *body) }
}

/// The request up to its content, in a buffer that is wiped, and large enough never to move.
fn head(target: &Target<'_>, post: &Post<'_>) -> Result<Zeroizing<Vec<u8>>, WireFault> {
    let token = post.token.reveal();
    // RFC 6750 section 2.1; anything else would end the line.
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err(WireFault::Lost(SafeText::from("the access token is none")));
    }
    let before = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: application/json\r\nConnection: close\r\n\
         Content-Type: {}\r\nContent-Length: {}\r\nAuthorization: Bearer ",
        target.path,
        target.authority,
        concat!("outlook-sendmail/", env!("CARGO_PKG_VERSION")),
        post.content_type,
        post.length,
    );
    let mut head = Zeroizing::new(Vec::with_capacity(before.len() + token.len() + 4 + SLICE));
    head.extend_from_slice(before.as_bytes());
    head.extend_from_slice(token);
    head.extend_from_slice(b"\r\n\r\n");
    Ok(head)
}

/// Gives out what is written to it in slices, the last one held back.
struct Content<'a> {
    wire: &'a mut dyn Wire,
    slice: Zeroizing<Vec<u8>>,
    /// Octets of content, and of those still to be written.
    length: u64,
    left: u64,
    times: Deadlines,
    /// Hears how many octets have gone out.
    heard: &'a mut dyn FnMut(PostStep<'_>),
    fault: Option<WireFault>,
}

impl Write for Content<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let length = octets.len() as u64;
        // Checked first: what goes out now must not complete the content.
        self.left = self.left.checked_sub(length).ok_or_else(|| io::Error::other("longer than announced"))?;
        let mut rest = octets;
        while !rest.is_empty() {
            if self.slice.len() >= SLICE {
                let until = self.times.content_until(self.length, Instant::now());
                if let Err(fault) = self.wire.send(&self.slice, until) {
                    self.fault = Some(fault);
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                self.slice.clear();
                (self.heard)(PostStep::Sent(self.length - self.left - rest.len() as u64));
            }
            let room = (SLICE - self.slice.len()).min(rest.len());
            let (now, later) = rest.split_at(room);
            self.slice.extend_from_slice(now);
            rest = later;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Reply;

    /// Writes down what goes out, until it breaks.
    #[derive(Default)]
    struct Paper {
        sent: Vec<u8>,
        breaks_after: Option<usize>,
    }

    impl Wire for Paper {
        fn send(&mut self, octets: &[u8], _: Instant) -> Result<(), WireFault> {
            if self.breaks_after.is_some_and(|limit| self.sent.len() >= limit) {
                return Err(WireFault::TimedOut);
            }
            self.sent.extend_from_slice(octets);
            Ok(())
        }
        fn has_unread(&mut self) -> Result<bool, WireFault> {
            Ok(false)
        }
        fn reply(&mut self, _: Instant) -> Result<Reply, WireFault> {
            Err(WireFault::TimedOut)
        }
        fn start_tls(&mut self, _: Instant) -> Result<(), WireFault> {
            Ok(())
        }
        fn address_literal(&self) -> String {
            String::new()
        }
    }

    fn content<'a>(wire: &'a mut Paper, announced: usize) -> Content<'a> {
        let slice = Zeroizing::new(Vec::with_capacity(SLICE + 4));
        let (length, times) = (announced as u64, crate::fake_world::account().deadlines(Instant::now()));
        Content {
            wire,
            slice,
            length,
            left: length,
            times,
            heard: Box::leak(Box::new(|_: PostStep<'_>| ())),
            fault: None,
        }
    }

    #[test]
    fn the_end_of_the_content_is_never_given_out() {
        let octets: Vec<u8> = (0..3 * SLICE).map(|place| (place % 251) as u8).collect();
        for length in [1, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE, 3 * SLICE] {
            for piece in [1000, SLICE, 3 * SLICE] {
                let mut wire = Paper::default();
                let mut sink = content(&mut wire, length);
                for part in octets[..length].chunks(piece) {
                    sink.write_all(part).unwrap();
                }
                let (held, left) = (sink.slice.to_vec(), sink.left);
                assert!(left == 0 && !held.is_empty(), "{length} in pieces of {piece}");
                assert!([wire.sent, held].concat() == octets[..length]);
            }
        }
    }

    #[test]
    fn content_longer_than_announced_is_not_completed() {
        let mut wire = Paper::default();
        let mut sink = content(&mut wire, SLICE);
        sink.write_all(&[b'x'; SLICE]).unwrap();
        assert!(sink.write_all(b"y").is_err() && sink.fault.is_none());
        assert!(wire.sent.is_empty());
    }

    #[test]
    fn a_broken_connection_is_told_from_a_broken_message() {
        let mut wire = Paper { breaks_after: Some(SLICE), ..Paper::default() };
        let mut sink = content(&mut wire, 4 * SLICE);
        assert!(sink.write_all(&[b'x'; 4 * SLICE]).is_err());
        assert_eq!(sink.fault, Some(WireFault::TimedOut));
    }
}
