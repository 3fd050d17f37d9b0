//! AUTH (RFC 4954): the mechanism the credential needs, in one line or by steps.

use zeroize::Zeroizing;

use crate::credentials::Credential;
use crate::failure::{Cause, Failure};
use crate::submission::smtp::conversation::{Conversation, Stop, expect};
use crate::submission::smtp::faults::failure;
use crate::submission::smtp::offers::Offers;
use crate::submission::smtp::sasl::Response;
use crate::submission::smtp::{Phase, Reply, Speaker, login, plain, xoauth2};

/// One way of signing in, ready to be said.
struct Mechanism {
    name: &'static str,
    start: Start,
    /// What is said in answer to one challenge each.
    responses: Vec<Response>,
}

/// How a mechanism begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With its first response on the line of AUTH.
    Response,
    /// With a challenge of the server's.
    Challenge,
}

impl Mechanism {
    /// The best one that is offered. A token never goes as a password, nor a password where a token is wanted.
    fn choose(credential: &Credential, user: &str, offers: &Offers) -> Result<Self, Failure> {
        match credential {
            Credential::Bearer(token) if offers.xoauth2 => Ok(Self {
                name: xoauth2::NAME,
                start: Start::Response,
                responses: vec![xoauth2::response(user, &token.token)],
            }),
            Credential::Bearer(_) => Err(failure(Cause::MechanismMissing, xoauth2::NAME)),
            Credential::Password(password) if offers.plain => {
                Ok(Self { name: plain::NAME, start: Start::Response, responses: vec![plain::response(user, password)] })
            }
            Credential::Password(password) if offers.login => Ok(Self {
                name: login::NAME,
                start: Start::Challenge,
                responses: login::responses(user, password).into(),
            }),
            Credential::Password(_) => Err(failure(Cause::MechanismMissing, "PLAIN or LOGIN")),
        }
    }

    /// AUTH with the response behind it, where the line may be so long.
    fn one_line(&self, limit: usize) -> Option<Zeroizing<Vec<u8>>> {
        match (self.start, self.responses.as_slice()) {
            (Start::Response, [response]) => Some(response.command_line(self.name)).filter(|line| line.len() <= limit),
            (Start::Response | Start::Challenge, _) => None,
        }
    }
}

impl Conversation<'_> {
    pub(super) fn sign_in(&mut self, offers: &Offers) -> Result<(), Stop> {
        let user: &str = self.account.address.as_ref();
        let mechanism = Mechanism::choose(self.credential, user, offers).map_err(Stop::Leave)?;
        let signed_in = self.authenticate(&mechanism);
        signed_in.map_err(|stop| match self.credential {
            Credential::Bearer(_) => stop,
            Credential::Password(_) => blaming_password(stop),
        })
    }

    fn authenticate(&mut self, mechanism: &Mechanism) -> Result<(), Stop> {
        let mut reply = None;
        if let Some(line) = mechanism.one_line(self.account.provider.auth_line_limit) {
            self.say(Speaker::Client, &format!("AUTH {} (redacted)", mechanism.name));
            let first = self.secret_exchange(&line)?;
            // RFC 4954 section 4: a server may find the line too long, or not know initial responses.
            reply = Some(first).filter(|reply| !matches!(reply.code, 500 | 501 | 504));
        }
        let mut reply = match reply {
            Some(reply) => reply,
            None => self.authenticate_by_steps(mechanism)?,
        };
        if reply.code == 334 && mechanism.name == xoauth2::NAME {
            // The challenge says in JSON that the token was refused; an empty line fetches the real reply.
            self.say(Speaker::Client, "");
            reply = self.secret_exchange(b"\r\n")?;
        }
        expect(Phase::Auth, &reply, 235)
    }

    fn authenticate_by_steps(&mut self, mechanism: &Mechanism) -> Result<Reply, Stop> {
        let mut reply = self.exchange(Phase::Auth, &format!("AUTH {}\r\n", mechanism.name))?;
        for response in &mechanism.responses {
            expect(Phase::Auth, &reply, 334)?;
            self.say(Speaker::Client, "(redacted)");
            reply = self.secret_exchange(&response.line())?;
        }
        Ok(reply)
    }
}

/// A refusal that would be the token's fault is the password's.
fn blaming_password(stop: Stop) -> Stop {
    let blame = |refused: Failure| {
        let of_token = matches!(refused.cause, Cause::AuthRejected | Cause::SignInRefused);
        if of_token { Failure { cause: Cause::PasswordRejected, ..refused } } else { refused }
    };
    match stop {
        Stop::Leave(refused) => Stop::Leave(blame(refused)),
        Stop::Drop(refused) => Stop::Drop(blame(refused)),
    }
}

/// Everything a reply must not show when a server repeats what it was told.
pub(super) fn secrets(credential: &Credential, user: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let wiped = |octets: &[u8]| Zeroizing::new(octets.to_vec());
    match credential {
        Credential::Bearer(token) => {
            vec![wiped(xoauth2::response(user, &token.token).reveal()), wiped(token.token.reveal())]
        }
        Credential::Password(password) => {
            let [_, alone] = login::responses(user, password);
            vec![wiped(plain::response(user, password).reveal()), wiped(alone.reveal()), wiped(password.reveal())]
        }
    }
}
