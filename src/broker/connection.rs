//! One connection, served by a process of its own: a hostile client, or a bug it finds, harms its own message only.

use std::cell::LazyCell;
use std::io::BufReader;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::local;
use crate::account::{Accounts, admit};
use crate::attempt::attempt;
use crate::envelope::Stamp;
use crate::failure::{Cause, Failure, Stage};
use crate::memory::record;
use crate::moments::unix_seconds;
use crate::outcome::Taken;
use crate::queue::{self, Client, Viewer};
use crate::report::{self, Story};
use crate::service::{
    ACKNOWLEDGED, Answer, ClientRequest, Head, RequestFault, ServiceRequest, Submission, account_for,
};
use crate::words::Words;
use crate::world::{Accepted, Caller, Connection, Priority, World};

/// How long a client may be silent before it has said what it wants, and afterwards.
const FIRST_OCTET: Duration = Duration::from_secs(5);
const NEXT_OCTET: Duration = Duration::from_secs(30);

/// How long it may take over that, however steadily its octets trickle: a message is whole before it is sent here.
const FIELDS: Duration = Duration::from_secs(10);
const CONTENT: Duration = Duration::from_secs(600);

/// How long a client in custody has to say that it read a refusal.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(10);

/// Where it is kept when somebody last had every grant renewed, and how long others have to wait after that.
const RENEWAL: &str = "renewal-asked";
const RENEWALS_APART: u64 = 3600;

/// Hears what the client wants, does it, and says how it ended. A client that is gone by then misses that only.
pub(super) fn serve(accepted: Accepted) {
    let Accepted { world, mut connection } = accepted;
    // A broker told to end tells us too: that is for those who run the queue, between two messages.
    world.signals.hold_back();
    let answer = match hear(&world, &mut *connection) {
        Ok(Heard::Submit(submission)) => match submit(world, *submission, &mut *connection) {
            Some(verdict) => Answer::Verdict(verdict),
            None => return,
        },
        Ok(Heard::Serve(request)) => match carry_out(&world, &request) {
            Ok(status) => Answer::Done(status),
            Err(failure) => Answer::Verdict(Err(failure)),
        },
        // Whoever is gone wants no answer, and nothing has happened.
        Err(RequestFault::Incomplete) => return,
        Err(fault) => refuse(&world, fault.into()),
    };
    let _ = answer.write(&mut *connection);
}

/// All that a client wants.
enum Heard {
    Submit(Box<Submission>),
    Serve(ServiceRequest),
}

fn hear(world: &World, connection: &mut dyn Connection) -> Result<Heard, RequestFault> {
    connection.wait_at_most(Some(FIRST_OCTET));
    connection.finish_within(Some(FIELDS));
    let heard = match ClientRequest::read(connection)? {
        ClientRequest::Submit(head) => Heard::Submit(Box::new(hear_message(world, *head, connection)?)),
        ClientRequest::Serve(request) => Heard::Serve(request),
    };
    connection.finish_within(None);
    Ok(heard)
}

fn hear_message(world: &World, head: Head, connection: &mut dyn Connection) -> Result<Submission, RequestFault> {
    connection.wait_at_most(Some(NEXT_OCTET));
    connection.finish_within(Some(CONTENT));
    head.read_message(&mut BufReader::with_capacity(64 * 1024, connection), &*world.spools)
}

fn refuse(world: &World, failure: Failure) -> Answer {
    let Caller { uid, login, .. } = &*world.caller;
    world.log.record(Priority::Warning, &format!("uid={uid} user={login} refused: {}", failure.record()));
    Answer::Verdict(Err(failure))
}

/// One message, complete: from here on it does not matter whether the client is still there. `None` when the client has
/// been told already.
fn submit(world: World, submission: Submission, connection: &mut dyn Connection) -> Option<Result<Taken, Failure>> {
    // The kernel says who it is; what started that process only the client can tell, for the log.
    let parent = Words::from(submission.caller.parent.as_str()).short();
    let caller = Caller { parent, ..(*world.caller).clone() };
    let submission = Submission { caller: caller.clone(), stamp: Stamp::now(&world), ..submission };
    let world = World { caller: LazyCell::new(Box::new(move || caller)), ..world };
    let mut story = Story::default();
    story.read_message(&submission.message, &submission.submit.operands);
    let mut client = RemoteClient { connection, told: false };
    let verdict = match may_send(&world, &submission) {
        Ok(()) => queue::deliver(&world, submission, &mut story, &mut client, &attempt),
        Err(failure) if failure.cause == Cause::NotAllowed => Err(failure),
        // Nobody has signed in yet, or somebody broke the configuration: his disk's alarm waits for him.
        Err(failure) => queue::keep_unsent(&world, submission, &mut client, failure),
    };
    let told = client.told;
    report::record(&world, &story, verdict.as_ref());
    (!told).then_some(verdict)
}

/// Whether there is an account for it, and its sender may use that.
fn may_send(world: &World, submission: &Submission) -> Result<(), Failure> {
    let accounts = Accounts::load(world)?;
    admit(world, account_for(&accounts, &submission.submit, &submission.message)?, &submission.caller)
}

/// The client of a submission, at the other end of the connection.
struct RemoteClient<'a> {
    connection: &'a mut dyn Connection,
    told: bool,
}

impl Client for RemoteClient<'_> {
    fn in_custody(&mut self) {
        let _ = Answer::InCustody.write(&mut *self.connection);
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn sending(&mut self) {
        let _ = Answer::Sending.write(&mut *self.connection);
    }

    /// Octets in a socket's buffer prove nothing: one that heard it says so.
    fn hears(&mut self, failure: &Failure) -> bool {
        self.told = true;
        self.connection.wait_at_most(Some(ACKNOWLEDGEMENT));
        let mut octet = [0];
        let told = Answer::Verdict(Err(failure.clone())).write(&mut *self.connection);
        told.is_ok() && self.connection.read_exact(&mut octet).is_ok() && octet == [ACKNOWLEDGED]
    }
}

/// Anything but a message.
fn carry_out(world: &World, request: &ServiceRequest) -> Result<u8, Failure> {
    let viewer = match world.caller.uid {
        0 => Viewer::Everybody,
        uid => Viewer::User(uid),
    };
    match request {
        ServiceRequest::KeepGrant(_) | ServiceRequest::Forget(_) if viewer != Viewer::Everybody => {
            return Err(Failure::new(Stage::Invocation, Cause::RootOnly, ""));
        }
        ServiceRequest::KeepGrant(_) | ServiceRequest::Forget(_) => {}
        ServiceRequest::Renew if !is_renewal_due(world, viewer) => return Ok(0),
        // What passes by itself is waited for, and need not be by a broker that is to end.
        ServiceRequest::Renew => world.signals.release(),
        ServiceRequest::ListQueue
        | ServiceRequest::ShowEntry(_)
        | ServiceRequest::RetryEntry(..)
        | ServiceRequest::DropEntry(_)
        | ServiceRequest::RunQueue(_)
        | ServiceRequest::Status(_) => queue::adopt(world)?,
    }
    local::carry_out(world, viewer, request).map(|said| said.show(world))
}

/// When somebody last had every grant renewed, in Unix seconds.
#[derive(Serialize, Deserialize)]
struct RenewalAsked {
    at: u64,
}

/// A timer's daily request. Anybody may make it, as it costs no more than a request to Microsoft an hour.
fn is_renewal_due(world: &World, viewer: Viewer) -> bool {
    let now = unix_seconds(world.clock.now());
    let last = record::read::<RenewalAsked>(world, RENEWAL);
    if viewer != Viewer::Everybody && last.is_some_and(|last| now.abs_diff(last.at) < RENEWALS_APART) {
        return false;
    }
    record::write(world, RENEWAL, &RenewalAsked { at: now });
    true
}
