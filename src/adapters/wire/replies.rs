//! Puts replies together from octets as they arrive (RFC 5321 section 4.2).

use lettre::transport::smtp::response::{Category, Code, Detail, Severity};
use memchr::memchr;

use crate::reply::Reply;
use crate::words::Words;

/// Octets of a line that are kept; RFC 5321 section 4.5.3.1.5 allows 512, Exchange's exceptions run to thousands.
const LINE_KEPT: usize = 8 * 1024;
/// Octets of text of a reply that are kept.
const REPLY_KEPT: usize = 64 * 1024;
/// A reply of more octets is none.
const REPLY_OCTETS: usize = 1024 * 1024;
/// A reply of more lines is none.
const REPLY_LINES: usize = 512;

/// A reply under way. Memory is bounded whatever arrives.
#[derive(Default)]
pub(super) struct Assembly {
    code: Option<[u8; 3]>,
    lines: Vec<Words>,
    line: Vec<u8>,
    kept: usize,
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
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<Progress, Words> {
        let mut rest = octets;
        while !rest.is_empty() {
            let (piece, ends_line) = match memchr(b'\n', rest) {
                Some(end) => (rest.get(..end).unwrap_or_default(), true),
                None => (rest, false),
            };
            let taken = piece.len() + usize::from(ends_line);
            self.received += taken;
            if self.received > REPLY_OCTETS {
                return Err(Words::from("the reply does not end"));
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

    fn end_line(&mut self) -> Result<Option<Reply>, Words> {
        let line = std::mem::take(&mut self.line);
        let nonsense = || Words::from_octets(line.get(..200).unwrap_or(&line));
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
        if self.code.is_some_and(|earlier| earlier != digits) || self.lines.len() >= REPLY_LINES {
            return Err(nonsense());
        }
        self.code = Some(digits);
        let room = REPLY_KEPT.saturating_sub(self.kept).min(text.len());
        self.kept += room;
        self.lines.push(Words::from_octets(text.get(..room).unwrap_or_default()));
        if !is_last {
            return Ok(None);
        }
        let mut lines = std::mem::take(self).lines;
        if second > &b'5' {
            name_unknown_code(digits, &mut lines);
        }
        Ok(Some(Reply { code, lines }))
    }
}

/// The code, if it is one: 200 to 599 (RFC 5321 section 4.2). [`Category`] ends at 5, yet servers do answer 571; only
/// the first digit matters then (section 4.3.2).
fn code([first, second, third]: [u8; 3]) -> Option<Code> {
    let severity = match first {
        b'2' => Severity::PositiveCompletion,
        b'3' => Severity::PositiveIntermediate,
        b'4' => Severity::TransientNegativeCompletion,
        b'5' => Severity::PermanentNegativeCompletion,
        _ => return None,
    };
    let category = match second {
        b'0' => Category::Syntax,
        b'1' => Category::Information,
        b'2' => Category::Connections,
        b'3' => Category::Unspecified3,
        b'5' => Category::MailSystem,
        b'4' | b'6'..=b'9' => Category::Unspecified4,
        _ => return None,
    };
    let detail = match third {
        b'0' => Detail::Zero,
        b'1' => Detail::One,
        b'2' => Detail::Two,
        b'3' => Detail::Three,
        b'4' => Detail::Four,
        b'5' => Detail::Five,
        b'6' => Detail::Six,
        b'7' => Detail::Seven,
        b'8' => Detail::Eight,
        b'9' => Detail::Nine,
        _ => return None,
    };
    Some(Code::new(severity, category, detail))
}

/// Keeps the real digits of a code that [`Category`] cannot name in the words.
fn name_unknown_code(digits: [u8; 3], lines: &mut [Words]) {
    if let Some(first) = lines.first_mut() {
        *first = Words::from(format!("({}) {}", String::from_utf8_lossy(&digits), first.whole()));
    }
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
        reply.lines.iter().map(Words::whole).collect()
    }

    #[test]
    fn lines_make_a_reply() {
        let reply = parse_reply(b"250-one\r\n250-\r\n250 three\r\n").unwrap();
        assert_eq!((reply.number(), text(&reply)), (250, vec!["one", "", "three"]));
    }

    #[test]
    fn bare_lf_a_code_alone_and_other_character_sets_are_taken() {
        for (octets, number, first) in [
            (&b"250 ok\n"[..], 250, "ok"),
            (b"354\r\n", 354, ""),
            (b"354 \r\n", 354, ""),
            (b"535 verf\xfcgbar\r\n", 535, "verf\u{fffd}gbar"),
            (b"571 no\r\n", 541, "(571) no"),
        ] {
            let reply = parse_reply(octets).unwrap();
            assert_eq!((reply.number(), text(&reply)[0]), (number, first));
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
    fn at_most_64_kib_of_a_reply_are_kept() {
        let mut octets = Vec::new();
        for _ in 0..100 {
            octets.extend_from_slice(b"250-");
            octets.extend(std::iter::repeat_n(b'x', 5_000));
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(b"250 end\r\n");
        let reply = parse_reply(&octets).unwrap();
        assert_eq!(reply.lines.iter().map(|line| line.whole().len()).sum::<usize>(), REPLY_KEPT);
    }

    #[test]
    fn a_reply_without_end_is_none() {
        let mut assembly = Assembly::default();
        let refused_after = (0..2000).find(|_| assembly.take(&[b'2'; 1024]).is_err());
        assert_eq!(refused_after, Some(1024));

        let lines = "250-x\r\n".repeat(REPLY_LINES);
        let mut assembly = Assembly::default();
        assert!(matches!(assembly.take(lines.as_bytes()), Ok(Progress::More)));
        assert!(assembly.take(b"250 x\r\n").is_err());
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
        fn what_a_server_says_is_what_we_hear(code in 200u16..560, lines in proptest::collection::vec("[ -~]{0,60}", 1..10)) {
            prop_assume!(code / 10 % 10 <= 5);
            let mut octets = String::new();
            for (index, line) in lines.iter().enumerate() {
                let mark = if index + 1 == lines.len() { ' ' } else { '-' };
                octets.push_str(&format!("{code}{mark}{line}\r\n"));
            }
            let reply = parse_reply(octets.as_bytes()).unwrap();
            prop_assert_eq!(reply.number(), code);
            prop_assert_eq!(reply.lines, lines.iter().map(|line| Words::from(line.as_str())).collect::<Vec<_>>());
        }
    }
}
