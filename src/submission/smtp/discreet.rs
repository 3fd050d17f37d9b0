//! A connection whose replies never show token or password, however late and in whatever form the server repeats it.

use std::time::Instant;

use zeroize::Zeroizing;

use crate::reply::Reply;
use crate::words::SafeText;
use crate::world::{Wire, WireFault};

/// By so many octets a secret is known; a server may cut the rest short.
const BEGINNING: usize = 16;

/// Replies are shown, logged and quoted in errors, and some servers quote what they were told.
pub(super) struct Discreet {
    wire: Box<dyn Wire>,
    beginnings: Vec<Zeroizing<String>>,
    told: Told,
}

/// Whether the server knows the secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    NotYet,
    Yes,
}

impl Discreet {
    pub(super) fn new(wire: Box<dyn Wire>, secrets: &[Zeroizing<Vec<u8>>]) -> Self {
        // A SASL response begins with the user only; where that is, the secret may follow.
        let beginning = |secret: &Zeroizing<Vec<u8>>| {
            Zeroizing::new(String::from_utf8_lossy(secret.get(..BEGINNING).unwrap_or(secret)).into_owned())
        };
        Self { wire, beginnings: secrets.iter().map(beginning).collect(), told: Told::NotYet }
    }

    /// The words up to the first secret. A short one may be a word of any reply: before AUTH it is nothing more.
    fn without_secrets(&self, words: SafeText) -> SafeText {
        let short_count = self.told == Told::Yes;
        let counts =
            |beginning: &&Zeroizing<String>| !beginning.is_empty() && (short_count || beginning.len() >= BEGINNING);
        let secrets = self.beginnings.iter().filter(counts);
        match secrets.filter_map(|beginning| words.whole().find(beginning.as_str())).min() {
            Some(place) => SafeText::from(format!("{}(redacted)", words.whole().get(..place).unwrap_or_default())),
            None => words,
        }
    }
}

impl Wire for Discreet {
    fn send(&mut self, octets: &[u8], deadline: Instant) -> Result<(), WireFault> {
        if octets.starts_with(b"AUTH") {
            self.told = Told::Yes;
        }
        self.wire.send(octets, deadline)
    }

    fn has_unread(&mut self) -> Result<bool, WireFault> {
        self.wire.has_unread()
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
    use crate::credentials::{AccessToken, Credential, Origin};
    use crate::fake_world::parse_reply;
    use crate::secret::Secret;
    use crate::submission::smtp::sign_in::secrets;
    use crate::submission::smtp::{login, plain, xoauth2};

    const USER: &str = "someuser@outlook.com";

    const TOKEN: &str = "EwBJbMLPUJ7vyNn4VHDg19VMZpWPS";

    /// A server that says one thing.
    struct Saying(Result<Reply, WireFault>);

    impl Wire for Saying {
        fn send(&mut self, _: &[u8], _: Instant) -> Result<(), WireFault> {
            Ok(())
        }
        fn has_unread(&mut self) -> Result<bool, WireFault> {
            Ok(false)
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
        let token =
            AccessToken { token: Secret::from(TOKEN), expires_at: SystemTime::UNIX_EPOCH, origin: Origin::Renewed };
        Discreet::new(Box::new(Saying(said)), &secrets(&Credential::Bearer(token), USER)).reply(Instant::now())
    }

    #[test]
    fn a_password_however_short_is_not_shown_once_it_was_said() {
        for password in ["hunter2", "a b", "correct horse battery staple"] {
            let password = Secret::from(password);
            let text = |response: &[u8]| String::from_utf8(response.to_vec()).unwrap();
            let alone = text(login::responses(USER, &password)[1].reveal());
            for echo in [password.reveal_text().unwrap(), &alone, &text(plain::response(USER, &password).reveal())] {
                let reply = parse_reply(format!("535 5.7.8 no: {echo}!\r\n").as_bytes()).unwrap();
                let all = secrets(&Credential::Password(password.clone()), USER);
                let mut wire = Discreet::new(Box::new(Saying(Ok(reply.clone()))), &all);
                wire.send(b"AUTH LOGIN\r\n", Instant::now()).unwrap();
                assert_eq!(wire.reply(Instant::now()).unwrap().words().whole(), "535 5.7.8 no: (redacted)");
            }
        }
        let all = secrets(&Credential::Password(Secret::from("AUTH")), USER);
        let offer = parse_reply(b"250 AUTH LOGIN\r\n").unwrap();
        let mut wire = Discreet::new(Box::new(Saying(Ok(offer.clone()))), &all);
        wire.send(b"EHLO x\r\n", Instant::now()).unwrap();
        assert_eq!(wire.reply(Instant::now()), Ok(offer), "an offer is no echo");
    }

    #[test]
    fn a_reply_that_echoes_the_token_does_not_show_it() {
        let response = xoauth2::response(USER, &Secret::from(TOKEN));
        let line = String::from_utf8(response.reveal().to_vec()).unwrap();
        for echo in [line.as_str(), &line[..40], TOKEN, &TOKEN[..20], &format!("auth=Bearer {TOKEN}")] {
            let reply = parse_reply(format!("550-no\r\n550 you said {echo} again\r\n").as_bytes()).unwrap();
            let words = heard(Ok(reply)).unwrap().words();
            assert!(
                words.whole().starts_with("550 no you said ") && words.whole().ends_with("(redacted)"),
                "{words:?}"
            );
            assert!(!words.whole().contains("EwBJ") && !words.whole().contains("dXNlcj"), "{words:?}");
            let nonsense = heard(Err(WireFault::NotAReply(SafeText::from(format!("what is {echo}?")))));
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
