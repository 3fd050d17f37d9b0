//! AUTH (RFC 4954): the mechanism the credential needs, in one line or by steps.

use zeroize::Zeroizing;

use crate::credentials::Credential;
use crate::failure::{Cause, Failure};
use crate::reply::{Phase, Reply};
use crate::submission::smtp::conversation::{Conversation, expect};
use crate::submission::smtp::faults::{Stop, failure};
use crate::submission::smtp::mechanisms::{Mechanism, Start, Takes, secret_of, taking};
use crate::submission::smtp::offers::Offers;
use crate::submission::smtp::sasl::Response;
use crate::transcript::Speaker;

/// A mechanism with what it says.
struct Exchange {
    mechanism: &'static Mechanism,
    responses: Vec<Response>,
}

impl Exchange {
    /// The best mechanism that is offered for this credential.
    fn choose(credential: &Credential, user: &str, offers: &Offers) -> Result<Self, Failure> {
        let (takes, secret) = secret_of(credential);
        let offered = taking(takes).find(|mechanism| offers.mechanisms.contains(&mechanism.name));
        let mechanism = offered.ok_or_else(|| {
            let names: Vec<_> = taking(takes).map(|mechanism| mechanism.name).collect();
            failure(Cause::MechanismMissing, names.join(" or "))
        })?;
        Ok(Self { mechanism, responses: (mechanism.responses)(user, secret) })
    }

    /// AUTH with the response behind it, where the line may be so long.
    fn one_line(&self, limit: usize) -> Option<Zeroizing<Vec<u8>>> {
        match (self.mechanism.start, self.responses.as_slice()) {
            (Start::Response, [response]) => {
                Some(response.command_line(self.mechanism.name)).filter(|line| line.len() <= limit)
            }
            (Start::Response | Start::Challenge, _) => None,
        }
    }
}

impl Conversation<'_> {
    pub(super) fn sign_in(&mut self, offers: &Offers) -> Result<(), Stop> {
        let user: &str = self.account.address.as_ref();
        let exchange = Exchange::choose(self.credential, user, offers).map_err(Stop::Leave)?;
        let signed_in = self.authenticate(&exchange);
        signed_in.map_err(|stop| match self.credential {
            Credential::Bearer(_) => stop,
            Credential::Password(_) => blaming_password(stop),
        })
    }

    fn authenticate(&mut self, exchange: &Exchange) -> Result<(), Stop> {
        let mut reply = None;
        if let Some(line) = exchange.one_line(self.account.provider.auth_line_limit) {
            self.say(Speaker::Client, &format!("AUTH {} (redacted)", exchange.mechanism.name));
            let first = self.secret_exchange(&line)?;
            // RFC 4954 section 4: a server may find the line too long, or not know initial responses.
            reply = Some(first).filter(|reply| !matches!(reply.code, 500 | 501 | 504));
        }
        let mut reply = match reply {
            Some(reply) => reply,
            None => self.authenticate_by_steps(exchange)?,
        };
        if reply.code == 334 && exchange.mechanism.takes == Takes::Token {
            // The challenge says in JSON that the token was refused; an empty line fetches the real reply.
            self.say(Speaker::Client, "");
            reply = self.secret_exchange(b"\r\n")?;
        }
        expect(Phase::Auth, &reply, 235)
    }

    fn authenticate_by_steps(&mut self, exchange: &Exchange) -> Result<Reply, Stop> {
        let mut reply = self.exchange(Phase::Auth, &format!("AUTH {}\r\n", exchange.mechanism.name))?;
        for response in &exchange.responses {
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
    let (takes, secret) = secret_of(credential);
    let last = |mechanism: &Mechanism| (mechanism.responses)(user, secret).pop();
    let responses = taking(takes).filter_map(last).map(|response| wiped(response.reveal()));
    responses.chain([wiped(secret.reveal())]).collect()
}
