//! AUTH: XOAUTH2 in one step or two, and the LOGIN and PLAIN that Outlook advertises to people it will refuse.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::session::{Over, Session};
use crate::dialogue::Stage;

/// What the client's next line is to be.
pub(super) enum Pending {
    Xoauth2,
    LoginUser,
    LoginPassword(String),
    Plain,
}

/// The command with its secret replaced.
pub(super) fn redacted(text: &str) -> String {
    let mut words = text.splitn(3, ' ');
    let (verb, mechanism) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match words.next() {
        Some(secret) => format!("{verb} {mechanism} [redacted {} octets]", secret.len()),
        None => text.to_owned(),
    }
}

impl Session<'_> {
    pub(super) fn auth(&mut self, line: &[u8], text: &str) -> Result<(), Over> {
        let mut words = text.split(' ').skip(1);
        let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
        let initial = words.next();
        let (pending, user, reply) = self.begin(&mechanism, initial);
        let code = self.answer(Stage::Auth, line, &reply)?;
        match code {
            // A dialogue may ask for more after an initial response.
            334 => self.pending = Some(pending.unwrap_or(Pending::Xoauth2)),
            235 => self.sign_in(user),
            _ => {}
        }
        Ok(())
    }

    /// From here on the connection counts as one of the mailbox's.
    fn sign_in(&mut self, user: Option<String>) {
        self.user = Some(user.unwrap_or_else(|| self.shared.account.clone()));
        self.under_way = Some(self.shared.load.begin());
    }

    /// What is pending after this command, who it signs in, and the reply.
    fn begin(&self, mechanism: &str, initial: Option<&str>) -> (Option<Pending>, Option<String>, String) {
        if self.wire.tls_version().is_empty() {
            return (None, None, format!("451 5.7.3 STARTTLS is required to send mail {}", self.tail()));
        }
        if let Some(reply) = self.unless_greeted() {
            return (None, None, reply);
        }
        if self.user.is_some() {
            return (None, None, "503 5.5.2 Already authenticated".to_owned());
        }
        let pending = match mechanism {
            "XOAUTH2" => Pending::Xoauth2,
            "LOGIN" => Pending::LoginUser,
            // Outlook has no PLAIN; a server with passwords has.
            "PLAIN" if self.shared.password.is_some() => Pending::Plain,
            _ => return (None, None, "504 5.7.4 Unrecognized authentication type".to_owned()),
        };
        match initial {
            None if mechanism == "LOGIN" => (Some(pending), None, "334 VXNlcm5hbWU6".to_owned()),
            None => (Some(pending), None, "334 ".to_owned()),
            Some(response) => self.respond(pending, response),
        }
    }

    pub(super) fn auth_continuation(&mut self, line: &[u8]) -> Result<(), Over> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let text = String::from_utf8_lossy(line).into_owned();
        self.hear(if text.is_empty() { text.clone() } else { format!("[redacted {} octets]", line.len()) }, line.len());
        let (next, user, reply) = if text == "*" {
            (None, None, "501 5.7.0 Authentication cancelled".to_owned())
        } else {
            self.respond(pending, &text)
        };
        match self.answer(Stage::AuthContinuation, line, &reply)? {
            334 => self.pending = Some(next.unwrap_or(Pending::Xoauth2)),
            235 => self.sign_in(user),
            _ => {}
        }
        Ok(())
    }

    fn respond(&self, pending: Pending, response: &str) -> (Option<Pending>, Option<String>, String) {
        let decoded = STANDARD.decode(response).ok().and_then(|octets| String::from_utf8(octets).ok());
        let by_password = !matches!(pending, Pending::Xoauth2);
        let user = match (pending, decoded) {
            (Pending::LoginUser, Some(user)) => {
                return (Some(Pending::LoginPassword(user)), None, "334 UGFzc3dvcmQ6".to_owned());
            }
            (Pending::LoginPassword(user), Some(password)) => self.password_user(&user, &password),
            (Pending::Plain, Some(text)) => {
                let parts: Vec<&str> = text.split('\0').collect();
                if let [_, user, password] = parts[..] { self.password_user(user, password) } else { None }
            }
            (Pending::Xoauth2, Some(text)) => self.token_user(&text),
            (_, None) => None,
        };
        match user {
            Some(user) => (None, Some(user), "235 2.7.0 Authentication successful".to_owned()),
            None if by_password && self.shared.password.is_none() => {
                let why = "Authentication unsuccessful, basic authentication is disabled.";
                (None, None, format!("535 5.7.139 {why} {}", self.tail()))
            }
            None => (None, None, format!("535 5.7.3 Authentication unsuccessful {}", self.tail())),
        }
    }

    fn password_user(&self, user: &str, password: &str) -> Option<String> {
        let right =
            user.eq_ignore_ascii_case(&self.shared.account) && self.shared.password.as_deref() == Some(password);
        right.then(|| user.to_owned())
    }

    /// `user=` USER ^A `auth=Bearer ` TOKEN ^A ^A: the primary address and a token in circulation.
    fn token_user(&self, text: &str) -> Option<String> {
        let (user, rest) = text.strip_prefix("user=")?.split_once('\u{1}')?;
        let token = rest.strip_prefix("auth=Bearer ")?.strip_suffix("\u{1}\u{1}")?;
        let right = user.eq_ignore_ascii_case(&self.shared.account) && self.shared.tokens.may_send(token);
        right.then(|| user.to_owned())
    }
}
