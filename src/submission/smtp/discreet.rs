//! A connection whose replies never show the token, however late and in whatever form the server repeats it.

use std::time::Instant;

use zeroize::Zeroizing;

use crate::credentials::AccessToken;
use crate::submission::smtp::Reply;
use crate::submission::smtp::xoauth2::Response;
use crate::words::Words;
use crate::world::{Wire, WireFault};

/// By so many octets a secret is known; a server may cut the rest short.
const BEGINNING: usize = 16;

/// Replies are shown, logged and quoted in errors, and some servers quote what they were told.
pub(super) struct Discreet {
    wire: Box<dyn Wire>,
    beginnings: [Zeroizing<String>; 2],
}

impl Discreet {
    pub(super) fn new(wire: Box<dyn Wire>, response: &Response, token: &AccessToken) -> Self {
        // What is shorter is no token, and might be a word of any reply.
        let beginning = |secret: &[u8]| {
            Zeroizing::new(String::from_utf8_lossy(secret.get(..BEGINNING).unwrap_or_default()).into_owned())
        };
        // The response as sent begins with the user only; where that is, the token may follow.
        Self { wire, beginnings: [beginning(response.reveal()), beginning(token.token.reveal())] }
    }

    /// The words up to the first secret.
    fn without_secrets(&self, words: Words) -> Words {
        let secrets = self.beginnings.iter().filter(|beginning| !beginning.is_empty());
        match secrets.filter_map(|beginning| words.whole().find(beginning.as_str())).min() {
            Some(place) => Words::from(format!("{}(redacted)", words.whole().get(..place).unwrap_or_default())),
            None => words,
        }
    }
}

impl Wire for Discreet {
    fn send(&mut self, octets: &[u8], deadline: Instant) -> Result<(), WireFault> {
        self.wire.send(octets, deadline)
    }

    fn reply(&mut self, deadline: Instant) -> Result<Reply, WireFault> {
        match self.wire.reply(deadline) {
            Ok(Reply { code, lines }) => {
                Ok(Reply { code, lines: lines.into_iter().map(|line| self.without_secrets(line)).collect() })
            }
            Err(WireFault::NotAReply(words)) => Err(WireFault::NotAReply(self.without_secrets(words))),
            Err(fault) => Err(fault),
        }
    }

    fn start_tls(&mut self, deadline: Instant) -> Result<(), WireFault> {
        self.wire.start_tls(deadline)
    }

    fn peer(&self) -> String {
        self.wire.peer()
    }

    fn tls_version(&self) -> &'static str {
        self.wire.tls_version()
    }

    fn address_literal(&self) -> String {
        self.wire.address_literal()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::adapters::wire::parse_reply;
    use crate::credentials::{Origin, Secret};

    const TOKEN: &str = "EwBJbMLPUJ7vyNn4VHDg19VMZpWPS";

    /// A server that says one thing.
    struct Saying(Result<Reply, WireFault>);

    impl Wire for Saying {
        fn send(&mut self, _: &[u8], _: Instant) -> Result<(), WireFault> {
            Ok(())
        }
        fn reply(&mut self, _: Instant) -> Result<Reply, WireFault> {
            self.0.clone()
        }
        fn start_tls(&mut self, _: Instant) -> Result<(), WireFault> {
            Ok(())
        }
        fn address_literal(&self) -> String {
            String::new()
        }
    }

    fn heard(said: Result<Reply, WireFault>) -> Result<Reply, WireFault> {
        let (token, response) = token_and_response();
        Discreet::new(Box::new(Saying(said)), &response, &token).reply(Instant::now())
    }

    fn token_and_response() -> (AccessToken, Response) {
        let token =
            AccessToken { token: Secret::from(TOKEN), expires_at: SystemTime::UNIX_EPOCH, origin: Origin::Renewed };
        let response = Response::new(&"someuser@outlook.com".parse().unwrap(), &token);
        (token, response)
    }

    #[test]
    fn a_reply_that_echoes_the_token_does_not_show_it() {
        let (_, response) = token_and_response();
        let line = String::from_utf8(response.reveal().to_vec()).unwrap();
        for echo in [line.as_str(), &line[..40], TOKEN, &TOKEN[..20], &format!("auth=Bearer {TOKEN}")] {
            let reply = parse_reply(format!("550-no\r\n550 you said {echo} again\r\n").as_bytes()).unwrap();
            let words = heard(Ok(reply)).unwrap().words();
            assert!(
                words.whole().starts_with("550 no you said ") && words.whole().ends_with("(redacted)"),
                "{words:?}"
            );
            assert!(!words.whole().contains("EwBJ") && !words.whole().contains("dXNlcj"), "{words:?}");
            let nonsense = heard(Err(WireFault::NotAReply(Words::from(format!("what is {echo}?")))));
            assert!(matches!(nonsense, Err(WireFault::NotAReply(words)) if words.whole().ends_with("(redacted)")));
        }
    }

    #[test]
    fn everything_else_is_heard_as_said() {
        let reply = parse_reply(b"250 2.0.0 OK\r\n").unwrap();
        assert_eq!(heard(Ok(reply.clone())), Ok(reply));
        assert_eq!(heard(Err(WireFault::TimedOut)), Err(WireFault::TimedOut));
    }
}
