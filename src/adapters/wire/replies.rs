//! Puts replies together from octets as they arrive (RFC 5321 section 4.2).

use memchr::memchr;

use crate::reply::Reply;
use crate::words::SafeText;

/// Octets of a line that are kept; RFC 5321 section 4.5.3.1.5 allows 512, Exchange's exceptions run to thousands.
const LINE_KEPT: usize = 8 * 1024;
/// A reply of more octets is none.
const REPLY_OCTETS: usize = 1024 * 1024;
/// A reply of more lines is none. Servers with many extensions and verbose policies have tens.
const REPLY_LINES: usize = 10_000;

/// A reply under way. Memory is bounded whatever arrives.
#[derive(Default)]
pub(super) struct Assembly {
    code: Option<[u8; 3]>,
    lines: Vec<SafeText>,
    line: Vec<u8>,
    received: usize,
}

/// What became of some octets.
pub(super) enum Progress {
    /// All were taken, the reply goes on.
    More,
    /// The reply is whole; the first so many octets belong to it.
    Whole(usize, Reply),
}

impl Assembly {
    /// Whether part of a reply has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.received == 0
    }

    /// Takes octets up to the end of the reply. The error quotes the line that is not one of a reply.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<Progress, SafeText> {
        let mut rest = octets;
        while !rest.is_empty() {
            let (piece, ends_line) = match memchr(b'\n', rest) {
                Some(end) => (rest.get(..end).unwrap_or_default(), true),
                None => (rest, false),
            };
            let taken = piece.len() + usize::from(ends_line);
            self.received += taken;
            if self.received > REPLY_OCTETS {
                return Err(SafeText::from("the reply does not end"));
            }
            let room = LINE_KEPT.saturating_sub(self.line.len()).min(piece.len());
            self.line.extend_from_slice(piece.get(..room).unwrap_or_default());
            rest = rest.get(taken..).unwrap_or_default();
            if ends_line && let Some(reply) = self.end_line()? {
                return Ok(Progress::Whole(octets.len() - rest.len(), reply));
            }
        }
        Ok(Progress::More)
    }

    fn end_line(&mut self) -> Result<Option<Reply>, SafeText> {
        let line = std::mem::take(&mut self.line);
        let nonsense = || SafeText::from_octets(line.get(..200).unwrap_or(&line));
        let text = line.strip_suffix(b"\r").unwrap_or(&line);
        let [first, second, third, after @ ..] = text else { return Err(nonsense()) };
        let digits = [*first, *second, *third];
        let (is_last, text) = match after {
            [] => (true, after),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(nonsense()),
        };
        let code = code(digits).ok_or_else(nonsense)?;
        if self.code.is_some_and(|earlier| earlier != digits) {
            return Err(nonsense());
        }
        if self.lines.len() >= REPLY_LINES {
            return Err(SafeText::from(format!("the reply has more than {REPLY_LINES} lines")));
        }
        self.code = Some(digits);
        self.lines.push(SafeText::from_octets(text));
        if !is_last {
            return Ok(None);
        }
        Ok(Some(Reply { code, lines: std::mem::take(self).lines }))
    }
}

/// The code, if it is one: 200 to 599 (RFC 5321 section 4.2), whatever its second and third digit.
fn code(digits: [u8; 3]) -> Option<u16> {
    let is_code = matches!(digits[0], b'2'..=b'5') && digits.iter().all(u8::is_ascii_digit);
    is_code.then(|| digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
}

/// One reply from octets that hold exactly one.
#[cfg(test)]
pub(crate) fn parse_reply(octets: &[u8]) -> Option<Reply> {
    match Assembly::default().take(octets) {
        Ok(Progress::Whole(taken, reply)) if taken == octets.len() => Some(reply),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(reply: &Reply) -> Vec<&str> {
        reply.lines.iter().map(SafeText::whole).collect()
    }

    #[test]
    fn lines_make_a_reply() {
        let reply = parse_reply(b"250-one\r\n250-\r\n250 three\r\n").unwrap();
        assert_eq!((reply.code, text(&reply)), (250, vec!["one", "", "three"]));
    }

    #[test]
    fn bare_lf_a_code_alone_and_other_character_sets_are_taken() {
        for (octets, number, first) in [
            (&b"250 ok\n"[..], 250, "ok"),
            (b"354\r\n", 354, ""),
            (b"354 \r\n", 354, ""),
            (b"535 verf\xfcgbar\r\n", 535, "verf\u{fffd}gbar"),
            (b"571 no\r\n", 571, "no"),
            (b"599 no\r\n", 599, "no"),
        ] {
            let reply = parse_reply(octets).unwrap();
            assert_eq!((reply.code, text(&reply)[0]), (number, first));
        }
    }

    #[test]
    fn what_is_not_a_reply_is_quoted() {
        for octets in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"25\r\n",
            b"2505 x\r\n",
            b"150 x\r\n",
            b"650 x\r\n",
            b"2x0 x\r\n",
            b"250-a\r\n251 b\r\n",
            b"250-a\r\n\r\n",
            b"\x16\x03\x01\x02\n",
        ] {
            let Err(words) = Assembly::default().take(octets) else { panic!("{octets:?}") };
            assert!(octets.starts_with(b"HTTP") <= (words.whole() == "HTTP/1.1 400 Bad Request"));
        }
    }

    #[test]
    fn octets_behind_a_reply_are_left_alone() {
        let octets = b"250 a\r\n550-b\r\n";
        let Ok(Progress::Whole(7, _)) = Assembly::default().take(octets) else { panic!() };
    }

    #[test]
    fn a_long_line_is_cut_and_the_reply_goes_on() {
        let mut octets = b"250-".to_vec();
        octets.extend(std::iter::repeat_n(b'x', 100_000));
        octets.extend_from_slice(b"\r\n250 end\r\n");
        let reply = parse_reply(&octets).unwrap();
        assert_eq!(reply.lines[0].whole().len(), LINE_KEPT - 4);
        assert_eq!(reply.lines[1].whole(), "end");
    }

    #[test]
    fn a_thousand_lines_are_read_to_the_last() {
        let mut octets = format!("250-{}\r\n", "x".repeat(80)).repeat(1000);
        octets.push_str("250 STARTTLS\r\n");
        let reply = parse_reply(octets.as_bytes()).unwrap();
        assert_eq!((reply.lines.len(), text(&reply)[1000]), (1001, "STARTTLS"));
    }

    #[test]
    fn a_reply_without_end_is_none() {
        let mut assembly = Assembly::default();
        let refused_after = (0..2000).find(|_| assembly.take(&[b'2'; 1024]).is_err());
        assert_eq!(refused_after, Some(1024));

        let lines = "250-x\r\n".repeat(REPLY_LINES);
        let mut assembly = Assembly::default();
        assert!(matches!(assembly.take(lines.as_bytes()), Ok(Progress::More)));
        let Err(words) = assembly.take(b"250 x\r\n") else { panic!() };
        assert_eq!(words.whole(), "the reply has more than 10000 lines");
    }

    proptest! {
        #[test]
        fn any_octets_in_any_pieces_give_the_same(
            octets in proptest::collection::vec(prop_oneof![Just(b'2'), Just(b'5'), Just(b'0'), Just(b'-'), Just(b' '), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..300),
            piece in 1usize..20,
        ) {
            let whole = match Assembly::default().take(&octets) {
                Ok(Progress::Whole(taken, reply)) => Some((taken, reply)),
                Ok(Progress::More) | Err(_) => None,
            };
            let mut assembly = Assembly::default();
            let mut pieces = None;
            let mut before = 0;
            for part in octets.chunks(piece) {
                match assembly.take(part) {
                    Ok(Progress::Whole(taken, reply)) => { pieces = Some((before + taken, reply)); break }
                    Ok(Progress::More) => before += part.len(),
                    Err(_) => break,
                }
            }
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn what_a_server_says_is_what_we_hear(code in 200u16..600, lines in proptest::collection::vec("[ -~]{0,60}", 1..10)) {
            let mut octets = String::new();
            for (index, line) in lines.iter().enumerate() {
                let mark = if index + 1 == lines.len() { ' ' } else { '-' };
                octets.push_str(&format!("{code}{mark}{line}\r\n"));
            }
            let reply = parse_reply(octets.as_bytes()).unwrap();
            prop_assert_eq!(reply.code, code);
            prop_assert_eq!(reply.lines, lines.iter().map(|line| SafeText::from(line.as_str())).collect::<Vec<_>>());
        }
    }
}
