//! A command line, parsed.

use super::replies::Reply;
use crate::words::SafeText;

/// What the client wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Command {
    /// HELO: a greeting of one line.
    Helo,
    /// EHLO: what we offer.
    Ehlo,
    /// MAIL FROM.
    Mail(Path),
    /// RCPT TO.
    Rcpt(Path),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY or EXPN.
    Verify,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
}

/// The argument of MAIL and RCPT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Path {
    /// The address as written, angle brackets included where there were any.
    pub(super) address: Vec<u8>,
    /// What follows it.
    pub(super) parameters: Vec<u8>,
}

/// Reads a line without its line end. Arguments nobody needs are not looked at.
pub(super) fn parse(line: &[u8]) -> Result<Command, Reply> {
    let line = line.trim_ascii();
    let verb_ends = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (verb, argument) = line.split_at_checked(verb_ends).unwrap_or((line, b""));
    match verb.to_ascii_uppercase().as_slice() {
        b"HELO" => Ok(Command::Helo),
        b"EHLO" => Ok(Command::Ehlo),
        b"MAIL" => path(argument, b"FROM").map(Command::Mail).ok_or_else(|| syntax("MAIL FROM:<address>")),
        b"RCPT" => path(argument, b"TO").map(Command::Rcpt).ok_or_else(|| syntax("RCPT TO:<address>")),
        b"DATA" => Ok(Command::Data),
        b"RSET" => Ok(Command::Rset),
        b"NOOP" => Ok(Command::Noop),
        b"VRFY" | b"EXPN" => Ok(Command::Verify),
        b"HELP" => Ok(Command::Help),
        b"QUIT" => Ok(Command::Quit),
        b"AUTH" | b"STARTTLS" | b"BDAT" | b"ETRN" | b"TURN" => Err(Reply::new(502, "5.5.1", "not offered here")),
        _ => {
            let shown = SafeText::from_octets(verb.get(..40).unwrap_or(verb));
            Err(Reply::new(500, "5.5.1", &format!("command unrecognized: \"{}\"", shown.whole())))
        }
    }
}

fn syntax(usage: &str) -> Reply {
    Reply::new(501, "5.5.4", &format!("syntax: {usage}"))
}

/// `FROM:<address> parameters`; blanks around the colon and a missing pair of brackets are common mistakes.
fn path(argument: &[u8], keyword: &[u8]) -> Option<Path> {
    let argument = argument.trim_ascii_start();
    let (word, rest) = argument.split_at_checked(keyword.len())?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let ends = match rest.first() {
        Some(b'<') => closing_bracket(rest)? + 1,
        _ => rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()),
    };
    let (address, parameters) = rest.split_at_checked(ends)?;
    let separated = parameters.first().is_none_or(u8::is_ascii_whitespace);
    if !word.eq_ignore_ascii_case(keyword) || address.is_empty() || !separated {
        return None;
    }
    Some(Path { address: address.to_vec(), parameters: parameters.trim_ascii().to_vec() })
}

/// Where the first `>` is that no quoted string holds.
fn closing_bracket(text: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.iter().position(|&octet| {
        let bracket = octet == b'>' && !quoted;
        if octet == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = octet == b'\\' && !escaped;
        bracket
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> Command {
        parse(line.as_bytes()).unwrap_or_else(|reply| panic!("{line:?}: {reply:?}"))
    }

    fn addressed(line: &str) -> (String, String) {
        let (Command::Mail(path) | Command::Rcpt(path)) = read(line) else { panic!("{line}") };
        (String::from_utf8(path.address).unwrap(), String::from_utf8(path.parameters).unwrap())
    }

    #[test]
    fn verbs_have_no_case_and_arguments_are_not_minded() {
        for line in ["HELO", "helo [127.0.0.1]", " HELO x y"] {
            assert_eq!(read(line), Command::Helo, "{line}");
        }
        assert_eq!(read("EHLO host1.example.org"), Command::Ehlo);
        assert_eq!(read("data "), Command::Data);
        assert_eq!(read("RSET now"), Command::Rset);
        assert_eq!(read("VRFY root"), Command::Verify);
        assert_eq!(read("Quit"), Command::Quit);
    }

    #[test]
    fn paths_and_parameters_come_apart() {
        for (line, address, parameters) in [
            ("MAIL FROM:<>", "<>", ""),
            ("MAIL FROM:<a@x> BODY=8BITMIME  SIZE=3", "<a@x>", "BODY=8BITMIME  SIZE=3"),
            ("mail from: <a@x>", "<a@x>", ""),
            ("MAIL FROM : a@x SIZE=3", "a@x", "SIZE=3"),
            ("RCPT TO:<root>", "<root>", ""),
            ("RCPT TO:<@relay,@b:a@x> NOTIFY=NEVER", "<@relay,@b:a@x>", "NOTIFY=NEVER"),
            ("RCPT TO:<\"a> b\\\" >\"@x> ORCPT=rfc822;x", "<\"a> b\\\" >\"@x>", "ORCPT=rfc822;x"),
        ] {
            assert_eq!(addressed(line), (address.to_owned(), parameters.to_owned()), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (line, code) in [
            ("MAIL", "501 5.5.4"),
            ("MAIL FROM", "501 5.5.4"),
            ("MAIL FROM:", "501 5.5.4"),
            ("MAIL <a@x>", "501 5.5.4"),
            ("MAIL FROM:<a@x", "501 5.5.4"),
            ("MAIL FROM:<a@x>SIZE=3", "501 5.5.4"),
            ("RCPT FROM:<a@x>", "501 5.5.4"),
            ("RCPT TO:<\"a@x>", "501 5.5.4"),
            ("", "500 5.5.1"),
            ("\0\u{1}\u{fe}", "500 5.5.1"),
            ("STARTTLS", "502 5.5.1"),
            ("AUTH PLAIN x", "502 5.5.1"),
            ("MAILFROM:<a@x>", "500 5.5.1"),
        ] {
            let reply = parse(line.as_bytes()).unwrap_err().wire();
            assert!(reply.starts_with(code) && reply.is_ascii(), "{line:?}: {reply}");
        }
    }

    proptest! {
        #[test]
        fn any_line_has_an_answer(line in prop::collection::vec(any::<u8>(), 0..200), verb in 0..4usize) {
            let start: &[u8] = [&b""[..], b"MAIL FROM:", b"RCPT TO:<", b"EHLO "][verb];
            if let Err(reply) = parse(&[start, &line].concat()) {
                let wire = reply.wire();
                prop_assert!(wire.len() <= 512 && wire.matches('\n').count() == 1);
            }
        }
    }
}
