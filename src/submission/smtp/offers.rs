//! What the server offers in its answer to EHLO (RFC 5321 section 4.1.1.1).

use crate::reply::Reply;
use crate::submission::smtp::mechanisms;

/// The extensions we can use.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Offers {
    pub(super) starttls: bool,
    /// The ways of signing in that we know.
    pub(super) mechanisms: Vec<&'static str>,
    pub(super) pipelining: bool,
    pub(super) eight_bit_mime: bool,
    pub(super) smtp_utf8: bool,
    pub(super) dsn: bool,
    /// SIZE is offered; the limit, when the server names one.
    pub(super) size: Option<SizeLimit>,
}

/// The largest message the server takes (RFC 1870 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SizeLimit {
    Octets(u64),
    Unknown,
}

impl Offers {
    /// Keywords are case-insensitive; the first line greets and offers nothing.
    pub(super) fn from_reply(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.whole().to_ascii_uppercase();
            // Some servers still write AUTH=, as drafts of RFC 2554 did.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next().unwrap_or_default() {
                "STARTTLS" => offers.starttls = true,
                "PIPELINING" => offers.pipelining = true,
                "8BITMIME" => offers.eight_bit_mime = true,
                "SMTPUTF8" => offers.smtp_utf8 = true,
                "DSN" => offers.dsn = true,
                "AUTH" => offers.mechanisms.extend(words.filter_map(mechanisms::named)),
                "SIZE" => {
                    let limit = words.next().and_then(|digits| digits.parse().ok()).filter(|&limit| limit > 0);
                    offers.size = Some(limit.map_or(SizeLimit::Unknown, SizeLimit::Octets));
                }
                _ => {}
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_world::parse_reply;

    fn offers(text: &str) -> Offers {
        Offers::from_reply(&parse_reply(text.as_bytes()).unwrap())
    }

    #[test]
    fn outlooks_answer_after_tls() {
        let text = "250-FR4P281CA0195.outlook.office365.com Hello [192.0.2.1]\r\n250-SIZE 157286400\r\n\
            250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH LOGIN XOAUTH2\r\n250-8BITMIME\r\n\
            250-BINARYMIME\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n";
        let all = Offers {
            starttls: false,
            mechanisms: vec!["LOGIN", "XOAUTH2"],
            pipelining: true,
            eight_bit_mime: true,
            smtp_utf8: true,
            dsn: true,
            size: Some(SizeLimit::Octets(157_286_400)),
        };
        assert_eq!(offers(text), all);
        assert_eq!(offers(&text.to_ascii_lowercase()), all);
    }

    #[test]
    fn awkward_answers() {
        assert_eq!(offers("250 STARTTLS\r\n"), Offers::default(), "the first line is the greeting");
        assert!(offers("250-x\r\n250 starttls\r\n").starttls);
        assert_eq!(offers("250-x\r\n250 AUTH=LOGIN XOAUTH2\r\n").mechanisms, ["LOGIN", "XOAUTH2"]);
        assert_eq!(offers("250-x\r\n250 AUTH LOGIN XOAUTH2X\r\n").mechanisms, ["LOGIN"]);
        for size in ["SIZE", "SIZE 0", "SIZE lots", "SIZE 99999999999999999999999"] {
            assert_eq!(offers(&format!("250-x\r\n250 {size}\r\n")).size, Some(SizeLimit::Unknown), "{size}");
        }
    }
}
