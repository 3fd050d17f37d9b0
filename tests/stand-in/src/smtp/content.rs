//! Message content: the end of it, dot-unstuffing, and what a strict reader notices.

/// What is remarkable about content as it came over the wire, terminator excluded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// LF without CR before it.
    pub bare_lf: usize,
    /// CR without LF behind it.
    pub bare_cr: usize,
    /// NUL octets.
    pub nul: usize,
    /// Octets above 127.
    pub eight_bit: usize,
    /// Octets of the longest line after unstuffing, CRLF excluded (RFC 5321 allows 998).
    pub longest_line: usize,
    /// Lines that began with one dot only: the client forgot to stuff them.
    pub unstuffed_dots: usize,
    /// Octets on the wire.
    pub wire_octets: usize,
}

impl Facts {
    /// Seven bits, CRLF only, no line over 998, all dots stuffed.
    pub fn is_clean(&self) -> bool {
        let faults = self.bare_lf + self.bare_cr + self.nul + self.eight_bit + self.unstuffed_dots;
        faults == 0 && self.longest_line <= 998
    }
}

/// Where content ends in `octets`: behind its last CRLF, with the terminator's own length. Looks from `from` on.
pub(super) fn end(octets: &[u8], from: usize) -> Option<(usize, usize)> {
    if octets.starts_with(b".\r\n") {
        return Some((0, 3));
    }
    let start = from.saturating_sub(4);
    let found = octets.get(start..)?.windows(5).position(|window| window == b"\r\n.\r\n")?;
    Some((start + found + 2, 3))
}

/// Takes the first dot off every line that begins with one; only CRLF ends a line.
pub(super) fn unstuff(wire: &[u8]) -> (Vec<u8>, Facts) {
    let mut facts = Facts { wire_octets: wire.len(), ..Facts::default() };
    let mut data = Vec::with_capacity(wire.len());
    let mut rest = wire;
    while !rest.is_empty() {
        let length = rest.windows(2).position(|pair| pair == b"\r\n").map_or(rest.len(), |at| at + 2);
        let (mut line, behind) = rest.split_at(length);
        if let Some(stuffed) = line.strip_prefix(b".") {
            facts.unstuffed_dots += usize::from(!stuffed.starts_with(b"."));
            line = stuffed;
        }
        let bare = line.strip_suffix(b"\r\n").unwrap_or(line);
        facts.longest_line = facts.longest_line.max(bare.len());
        for octet in bare {
            match octet {
                b'\n' => facts.bare_lf += 1,
                b'\r' => facts.bare_cr += 1,
                0 => facts.nul += 1,
                128.. => facts.eight_bit += 1,
                _ => {}
            }
        }
        data.extend_from_slice(line);
        rest = behind;
    }
    (data, facts)
}

/// The unfolded value of the first header field of this name.
pub(crate) fn field(data: &[u8], name: &str) -> Option<String> {
    let end = data.windows(4).position(|window| window == b"\r\n\r\n").map_or(data.len(), |at| at + 2);
    let header = String::from_utf8_lossy(&data[..end]).replace("\r\n ", " ").replace("\r\n\t", " ");
    header.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim_end().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// The addresses of a From field: in angle brackets, else the words between commas; quotes and comments skipped.
pub(crate) fn addresses(value: &str) -> Vec<String> {
    let (mut plain, mut quoted, mut depth, mut escaped) = (String::new(), false, 0_usize, false);
    for letter in value.chars() {
        let skip = quoted || depth > 0;
        match letter {
            _ if escaped => escaped = false,
            '\\' if skip => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => depth -= 1,
            _ if skip => {}
            _ => plain.push(letter),
        }
    }
    plain
        .split(',')
        .map(|mailbox| {
            let inside = mailbox.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            inside.map_or(mailbox, |(address, _)| address).trim().to_owned()
        })
        .filter(|address| !address.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crlf_dot_crlf_ends_content() {
        assert_eq!(end(b"a\n.\nb\r\n.\nc\n.\r\n\r\n.\r\nQUIT", 0), Some((16, 3)));
        assert_eq!(end(b".\r\n", 0), Some((0, 3)));
        assert_eq!(end(b"a\r\n.\r", 0), None);
    }

    #[test]
    fn a_dot_is_taken_only_behind_crlf() {
        let (data, facts) = unstuff(b"..a\r\n.b\r\nc\n.d\r\n");
        assert_eq!(data, b".a\r\nb\r\nc\n.d\r\n");
        assert_eq!((facts.unstuffed_dots, facts.bare_lf, facts.longest_line), (1, 1, 4));
    }

    #[test]
    fn from_is_read_through_quotes_comments_and_folding() {
        let value = field(b"To: x\r\nFrom: \"a, <no@x>\" (c)\r\n <me@outlook.com>\r\n\r\nFrom: y", "from").unwrap();
        assert_eq!(addresses(&value), ["me@outlook.com"]);
        assert_eq!(addresses("me@outlook.com, b <c@d>"), ["me@outlook.com", "c@d"]);
    }
}
