//! The parameters of MAIL (RFC 1870, 6152, 3461, 4954, 6531) and RCPT (RFC 3461).

use super::replies::Reply;
use crate::invocation::{envelope_id, notify, return_what};

/// What MAIL says beside the sender.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct MailParameters {
    /// `SIZE=`, in octets.
    pub(super) size: u64,
    /// `RET=`, `FULL` or `HDRS`.
    pub(super) ret: Option<Vec<u8>>,
    /// `ENVID=`, decoded.
    pub(super) envid: Option<Vec<u8>>,
}

/// Reads what follows the sender.
pub(super) fn mail(words: &[u8]) -> Result<MailParameters, Reply> {
    let mut read = MailParameters::default();
    for (name, value) in pairs(words) {
        let bad = || bad_value(&name);
        match name.as_str() {
            "SIZE" => read.size = size(value).ok_or_else(bad)?,
            "RET" => read.ret = Some(return_what(value).ok_or_else(bad)?),
            "ENVID" => read.envid = Some(xtext(value).as_deref().and_then(envelope_id).ok_or_else(bad)?),
            // The content itself is looked at.
            "BODY" if value.eq_ignore_ascii_case(b"7BIT") || value.eq_ignore_ascii_case(b"8BITMIME") => {}
            "BODY" => return Err(bad()),
            // Who wrote it first (RFC 4954 section 5): nobody vouches for it here.
            "AUTH" | "SMTPUTF8" => {}
            _ => return Err(unknown(&name)),
        }
    }
    Ok(read)
}

/// Reads what follows a recipient: `NOTIFY=`.
pub(super) fn rcpt(words: &[u8]) -> Result<Option<String>, Reply> {
    let mut read = None;
    for (name, value) in pairs(words) {
        match name.as_str() {
            "NOTIFY" => {
                let wish = notify(value).and_then(|wish| String::from_utf8(wish).ok());
                read = Some(wish.ok_or_else(|| bad_value(&name))?);
            }
            // What the address was before somebody rewrote it: nothing of ours repeats it.
            "ORCPT" => {}
            _ => return Err(unknown(&name)),
        }
    }
    Ok(read)
}

fn pairs(words: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let words = words.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.map(|word| {
        let mut halves = word.splitn(2, |&octet| octet == b'=');
        let name = halves.next().unwrap_or_default();
        (String::from_utf8_lossy(name).to_ascii_uppercase(), halves.next().unwrap_or_default())
    })
}

/// Up to 20 digits (RFC 1870 section 4); more than can be counted is more than anybody takes.
fn size(value: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(value).ok().filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    (1..=20).contains(&digits.len()).then(|| digits.parse().unwrap_or(u64::MAX))
}

/// RFC 3461 section 4: `+` and two upper-case hexadecimal digits stand for an octet.
fn xtext(value: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match (octet, tail) {
            (b'+', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = str::from_utf8(&digits).ok().filter(|text| text.bytes().all(|x| x.is_ascii_hexdigit()))?;
                decoded.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            (b'+' | b'=', _) => return None,
            _ => decoded.push(octet),
        }
    }
    Some(decoded)
}

fn bad_value(name: &str) -> Reply {
    Reply::new(501, "5.5.4", &format!("{name} has a value it cannot have"))
}

fn unknown(name: &str) -> Reply {
    Reply::new(555, "5.5.4", &format!("unknown parameter {}", name.get(..60).unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(reply: Reply) -> String {
        reply.wire()[..9].to_owned()
    }

    #[test]
    fn mail_parameters_are_read_in_any_case_and_order() {
        let words = b"SIZE=1000 body=8bitmime RET=hdrs ENVID=a+2Bb+20c AUTH=<> SMTPUTF8 ";
        let read = mail(words).unwrap();
        let envid = Some(b"a+b c".to_vec());
        assert_eq!(read, MailParameters { size: 1000, ret: Some(b"HDRS".to_vec()), envid });
        assert_eq!(mail(b"SIZE=99999999999999999999").unwrap().size, u64::MAX);
        assert_eq!(mail(b"").unwrap(), MailParameters::default());
    }

    #[test]
    fn nonsense_is_refused() {
        for words in ["SIZE", "SIZE=", "SIZE=-1", "SIZE=+1", "SIZE=123456789012345678901", "RET=x", "BODY=BINARYMIME"] {
            assert_eq!(code(mail(words.as_bytes()).unwrap_err()), "501 5.5.4", "{words}");
        }
        for words in ["ENVID=", "ENVID=+0", "ENVID=a=b", "ENVID=+0D+0A", "ENVID=+GG", "ENVID=++1"] {
            assert_eq!(code(mail(words.as_bytes()).unwrap_err()), "501 5.5.4", "{words}");
        }
        for words in ["X", "=1", "NOTIFY=NEVER", "\u{e9}=1"] {
            assert_eq!(code(mail(words.as_bytes()).unwrap_err()), "555 5.5.4", "{words}");
        }
        assert_eq!(code(rcpt(b"NOTIFY=never,delay").unwrap_err()), "501 5.5.4");
        assert_eq!(code(rcpt(b"SIZE=1").unwrap_err()), "555 5.5.4");
    }

    #[test]
    fn rcpt_parameters_are_read() {
        assert_eq!(rcpt(b"NOTIFY=success,delay ORCPT=rfc822;a@b").unwrap().as_deref(), Some("SUCCESS,DELAY"));
        assert_eq!(rcpt(b"").unwrap(), None);
    }
}
