//! An HTTP/1.1 answer as it arrives (RFC 9112): status, the few fields we look at, and a bounded body.

use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::words::SafeText;
use crate::world::WireFault;

/// Octets of status line and fields; Graph sends about 700.
const HEAD_LIMIT: usize = 64 * 1024;

/// Octets of a body that are read.
const BODY_LIMIT: u64 = 1024 * 1024;

/// Octets of buffers from the start: tokens have 3 KB, and a buffer that grows leaves copies behind.
const ROOM: usize = 16 * 1024;

/// How long a body may take: it only explains what the status has decided.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// Gives what has arrived, at least one octet.
type Receive<'a> = dyn FnMut(Instant) -> Result<Vec<u8>, WireFault> + 'a;

/// A final answer, in buffers that are wiped: it may hold tokens.
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) reason: SafeText,
    pub(super) retry_after: Option<u64>,
    pub(super) request_id: SafeText,
    /// The Date field, possibly empty.
    pub(super) date: SafeText,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Why the body is not all there, if it is not.
    pub(super) cut: Option<WireFault>,
}

/// Reads one final answer.
pub(super) fn read(receive: &mut Receive<'_>, deadline: Instant) -> Result<HttpAnswer, WireFault> {
    let mut incoming =
        Incoming { receive, buffer: Zeroizing::new(Vec::with_capacity(ROOM)), head: 0, begun: Begun::No };
    let mut head = incoming.head(deadline)?;
    // Section 15.2 of RFC 9110: any number may come before the final one.
    while (100..200).contains(&head.status) {
        head = incoming.head(deadline)?;
    }
    let mut body = Zeroizing::new(Vec::with_capacity(ROOM));
    let cut = match head.status {
        202 => None,
        // Cut short, it still says more than nothing.
        _ => incoming.body(&head, deadline.min(Instant::now() + BODY_PATIENCE), &mut body).err(),
    };
    let Head { status, reason, retry_after, request_id, client_request_id, date, .. } = head;
    let request_id = request_id.or(client_request_id).unwrap_or_default();
    Ok(HttpAnswer { status, reason, retry_after, request_id, date: date.unwrap_or_default(), body, cut })
}

/// What is before the body.
#[derive(Default)]
struct Head {
    status: u16,
    reason: SafeText,
    retry_after: Option<u64>,
    request_id: Option<SafeText>,
    client_request_id: Option<SafeText>,
    date: Option<SafeText>,
    length: Option<u64>,
    chunked: bool,
}

impl Head {
    fn learn(&mut self, line: &[u8]) {
        let colon = line.iter().position(|&octet| octet == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = SafeText::from_octets(value.get(1..).unwrap_or_default());
        match name.to_ascii_lowercase().as_slice() {
            b"retry-after" => self.retry_after = value.whole().parse().ok(),
            b"request-id" => self.request_id = Some(value),
            b"client-request-id" => self.client_request_id = Some(value),
            b"date" => self.date = Some(value),
            b"content-length" => self.length = value.whole().parse().ok(),
            b"transfer-encoding" => self.chunked = value.whole().to_ascii_lowercase().ends_with("chunked"),
            _ => {}
        }
    }
}

struct Incoming<'a, 'b> {
    receive: &'a mut Receive<'b>,
    buffer: Zeroizing<Vec<u8>>,
    /// Octets of heads so far.
    head: usize,
    begun: Begun,
}

/// Whether a line has been read: the first one tells HTTP from other protocols.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    No,
    Yes,
}

impl Incoming<'_, '_> {
    fn head(&mut self, until: Instant) -> Result<Head, WireFault> {
        let line = self.line(until)?;
        let nonsense = || WireFault::NotAReply(SafeText::from_octets(line.get(..200).unwrap_or(&line)));
        let text = std::str::from_utf8(&line).map_err(|_| nonsense())?;
        let (version, rest) = text.split_once(' ').ok_or_else(nonsense)?;
        let (digits, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        if !version.starts_with("HTTP/1.") || digits.len() != 3 || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(nonsense());
        }
        let status = digits.parse().map_err(|_| nonsense())?;
        let mut head = Head { status, reason: SafeText::from(reason), ..Head::default() };
        loop {
            match self.line(until)?.as_slice() {
                [] => return Ok(head),
                field => head.learn(field),
            }
        }
    }

    fn body(&mut self, head: &Head, until: Instant, body: &mut Vec<u8>) -> Result<(), WireFault> {
        if !head.chunked {
            let taken = self.take(head.length.unwrap_or(BODY_LIMIT), until, body);
            // Without a length the end of the connection is the end.
            let is_end = head.length.is_none() && matches!(taken, Err(WireFault::Lost(_)));
            return if is_end { Ok(()) } else { taken };
        }
        self.head = 0;
        loop {
            let line = self.line(until)?;
            let digits = line.iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
            let size = line.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
            match size.and_then(|size| u64::from_str_radix(size, 16).ok()) {
                None | Some(0) => return Ok(()),
                Some(size) => self.take(size, until, body)?,
            }
            if body.len() as u64 >= BODY_LIMIT {
                return Ok(());
            }
            self.line(until)?;
        }
    }

    /// One line, without its end.
    fn line(&mut self, until: Instant) -> Result<Vec<u8>, WireFault> {
        let mut seen = 0;
        loop {
            let end = self.buffer.iter().skip(seen).position(|&octet| octet == b'\n');
            if let Some(end) = end {
                let mut line: Vec<u8> = self.buffer.drain(..=seen + end).collect();
                self.head += line.len();
                self.begun = Begun::Yes;
                line.pop();
                line.pop_if(|octet| *octet == b'\r');
                return Ok(line);
            }
            seen = self.buffer.len();
            // Another protocol may never end a line.
            let strange = seen >= 5 && self.begun == Begun::No && !self.buffer.starts_with(b"HTTP/");
            if strange || self.head + seen > HEAD_LIMIT {
                return Err(WireFault::NotAReply(SafeText::from_octets(
                    self.buffer.get(..200).unwrap_or(&self.buffer),
                )));
            }
            self.fill(until)?;
        }
    }

    /// Moves `count` octets to `body`, which takes no more than it may.
    fn take(&mut self, count: u64, until: Instant, body: &mut Vec<u8>) -> Result<(), WireFault> {
        let room = BODY_LIMIT.saturating_sub(body.len() as u64);
        let mut left = usize::try_from(count.min(room)).unwrap_or(usize::MAX);
        while left > 0 {
            if self.buffer.is_empty() {
                self.fill(until)?;
            }
            let some = left.min(self.buffer.len());
            body.extend(self.buffer.drain(..some));
            left -= some;
        }
        Ok(())
    }

    fn fill(&mut self, until: Instant) -> Result<(), WireFault> {
        let arrived = (self.receive)(until)?;
        self.buffer.extend_from_slice(&arrived);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of these octets, arriving so many at a time.
    fn answer(octets: &[u8], piece: usize) -> Result<HttpAnswer, WireFault> {
        let mut pieces = octets.chunks(piece);
        let mut receive = |_| pieces.next().map(<[u8]>::to_vec).ok_or(WireFault::Lost("closed".into()));
        read(&mut receive, Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn answers_are_read_however_they_arrive() {
        for piece in [1, 2, 3, 7, 1000] {
            let accepted = answer(
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nRequest-Id: r-1\r\nclient-request-id: c\r\n\r\n",
                piece,
            )
            .unwrap();
            assert_eq!(
                (accepted.status, accepted.reason.whole(), accepted.request_id.whole()),
                (202, "Accepted", "r-1")
            );
            let busy = answer(b"HTTP/1.1 429 \r\nRetry-After: 17\r\nContent-Length: 3\r\n\r\nabcdef", piece).unwrap();
            assert_eq!((busy.retry_after, busy.body.as_slice()), (Some(17), b"abc".as_slice()));
            let chunked = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
            let chunked = answer(chunked, piece).unwrap();
            assert_eq!((chunked.body.as_slice(), chunked.cut), (b"abcde".as_slice(), None));
            let long_line = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n\
                00000003;name=value\r\nabc\r\n00000000;x\r\n\r\n";
            let long_line = answer(long_line, piece).unwrap();
            assert_eq!((long_line.body.as_slice(), long_line.cut), (b"abc".as_slice(), None), "{piece}");
            let closed = b"HTTP/1.1 500\nretry-after: Sun, 22 Nov 2026 21:00:00 GMT\n\nabc";
            let closed = answer(closed, piece).unwrap();
            assert_eq!((closed.status, closed.retry_after, closed.body.as_slice()), (500, None, b"abc".as_slice()));
        }
    }

    #[test]
    fn a_body_is_bounded_and_may_be_cut_short() {
        let long = [b"HTTP/1.1 400 Bad\r\n\r\n".as_slice(), &vec![b'x'; 3 << 20]].concat();
        assert_eq!(answer(&long, 64 * 1024).unwrap().body.len() as u64, BODY_LIMIT);
        let chunk =
            [b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n".as_slice(), &vec![b'x'; 3 << 20]];
        assert_eq!(answer(&chunk.concat(), 64 * 1024).unwrap().body.len() as u64, BODY_LIMIT);
        let cut = answer(b"HTTP/1.1 400 Bad\r\nDate: now\r\nContent-Length: 9\r\n\r\nabc", 9).unwrap();
        assert_eq!((cut.body.as_slice(), cut.date.whole()), (b"abc".as_slice(), "now"));
        assert!(cut.cut.is_some());
    }

    #[test]
    fn what_is_no_answer_is_told_at_once() {
        for octets in [
            "SSH-2.0-OpenSSH_9.9",
            "220 mail ESMTP\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 20 x\r\n\r\n",
            "HTTP/1.1 abc\r\n",
            "HTTP/1.1 +20 x\r\n\r\n",
        ] {
            assert!(matches!(answer(octets.as_bytes(), 1), Err(WireFault::NotAReply(_))), "{octets}");
        }
        let endless = [b"HTTP/1.1 400 Bad\r\n".as_slice(), &b"X-A: b\r\n".repeat(20_000)].concat();
        assert!(matches!(answer(&endless, 4096), Err(WireFault::NotAReply(_))));
        assert!(matches!(answer(b"HTTP/1.1 202 Acc", 4096), Err(WireFault::Lost(_))));
    }
}
