//! One connection, served by a process of its own: a hostile client, or a bug it finds, harms its own message only.

use std::cell::LazyCell;
use std::io::BufReader;
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::account::{Account, Accounts};
use crate::attempt::Attempt;
use crate::commands::{self, Action};
use crate::credentials::{self, AccessToken, Grant, Origin};
use crate::envelope::Stamp;
use crate::failure::{Cause, Failure, Stage};
use crate::invocation::{Command, CommandArguments};
use crate::outcome::Taken;
use crate::queue::{self, Audience, Pace, Viewer};
use crate::report::{self, LogRecord};
use crate::service::{ACKNOWLEDGED, Answer, Errand, Kind, Request, RequestFault, SignIn, account_for};
use crate::words::SafeText;
use crate::world::StoreKind;
use crate::world::{Accepted, Caller, Connection, Peer, Priority, World};

/// How long a client may be silent before it has said what it wants, and afterwards.
const FIRST_OCTET: Duration = Duration::from_secs(5);
const NEXT_OCTET: Duration = Duration::from_secs(30);

/// Where it is kept when somebody last had every grant renewed, and how long others have to wait after that.
const RENEWAL: &str = "renewal-asked";
const RENEWALS_APART: u64 = 3600;

/// The longest an errand with secrets may take.
const ERRAND: Duration = Duration::from_secs(30);

/// How long a client in custody has to say that it read a refusal.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(10);

/// Hears what the client wants, does it, and says how it ended. A client that is gone by then misses that only.
pub(super) fn serve(accepted: Accepted, attempt: &Attempt<'_>) {
    let Accepted { world, mut connection, peer } = accepted;
    // A broker told to end tells us too: that is for those who run the queue, between two messages.
    world.signals.hold_back();
    let answer = match hear(&world, &mut *connection) {
        Ok(Errand::Submit(request)) => match submit(world, *request, &*peer, &mut *connection, attempt) {
            Some(verdict) => Answer::Verdict(verdict),
            None => return,
        },
        Ok(errand) => match carry_out(&world, errand, attempt) {
            Ok(status) => Answer::Done(status),
            Err(failure) => Answer::Verdict(Err(failure)),
        },
        // Whoever is gone wants no answer, and nothing has happened.
        Err(Unheard::Fault(RequestFault::Incomplete)) => return,
        Err(Unheard::Fault(fault)) => refuse(&world, fault.into()),
        Err(Unheard::Refused(failure)) => refuse(&world, failure),
    };
    let _ = answer.write(&mut *connection);
}

enum Unheard {
    Fault(RequestFault),
    Refused(Failure),
}

impl From<RequestFault> for Unheard {
    fn from(fault: RequestFault) -> Self {
        Self::Fault(fault)
    }
}

/// The whole errand. Who may not ask for it is refused before the rest is read.
fn hear(world: &World, connection: &mut dyn Connection) -> Result<Errand, Unheard> {
    connection.wait_at_most(Some(FIRST_OCTET));
    let kind = Kind::read(connection)?;
    match kind {
        Kind::KeepGrant | Kind::Forget if world.caller.uid != 0 => {
            return Err(Unheard::Refused(Failure::new(Stage::Invocation, Cause::RootOnly, "")));
        }
        Kind::KeepGrant
        | Kind::Forget
        | Kind::Submit
        | Kind::ListQueue
        | Kind::ShowEntry
        | Kind::RetryEntry
        | Kind::DropEntry
        | Kind::RunQueue
        | Kind::Status
        | Kind::Renew => {}
    }
    connection.wait_at_most(Some(NEXT_OCTET));
    if kind == Kind::KeepGrant {
        // No buffer of ours keeps a copy.
        return Ok(Errand::read_rest(kind, connection, &*world.spools)?);
    }
    Ok(Errand::read_rest(kind, &mut BufReader::with_capacity(64 * 1024, connection), &*world.spools)?)
}

fn refuse(world: &World, failure: Failure) -> Answer {
    let Caller { uid, login, .. } = &*world.caller;
    world.log.record(Priority::Warning, &format!("uid={uid} user={login} refused: {}", failure.log_text()));
    Answer::Verdict(Err(failure))
}

/// One message, complete: from here on it does not matter whether the client is still there. `None` when the client has
/// been told already.
fn submit(
    world: World,
    request: Request,
    peer: &dyn Peer,
    connection: &mut dyn Connection,
    attempt: &Attempt<'_>,
) -> Option<Result<Taken, Failure>> {
    // The kernel says who it is; what started that process only the client can tell, for the log.
    let parent = SafeText::from(request.caller.parent.as_str()).short();
    let caller = Caller { parent, ..(*world.caller).clone() };
    let request = Request { caller: caller.clone(), stamp: Stamp::now(&world), ..request };
    let world = World { caller: LazyCell::new(Box::new(move || caller)), ..world };
    let mut log_record = LogRecord::default();
    log_record.read_message(&request.message, &request.submit.operands);
    let mut client = Client { world: &world, connection, told: false };
    let verdict = match Accounts::load(&world) {
        Ok(accounts) => account_for(&accounts, &request.submit, &request.message)
            .and_then(|account| admit(account, &world.caller, peer))
            .and_then(|()| queue::deliver(&world, request, &mut log_record, &mut client, attempt)),
        // The machine's owner has not signed in yet: his disk's alarm waits for him.
        Err(none) if none.cause == Cause::NoAccount => queue::keep_unsent(&world, request, &mut client, none),
        Err(failure) => Err(failure),
    };
    let told = client.told;
    report::write_log_record(&world, &log_record, verdict.as_ref());
    (!told).then_some(verdict)
}

/// The client of a submission, at the other end of the connection.
struct Client<'a> {
    world: &'a World,
    connection: &'a mut dyn Connection,
    told: bool,
}

impl Audience for Client<'_> {
    fn in_custody(&mut self) {
        self.world.waiting.in_custody();
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn sending(&mut self) {
        self.world.waiting.sending();
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

/// `allow`: user names, and groups behind an `@`; an empty list is everybody.
fn admit(account: &Account, caller: &Caller, peer: &dyn Peer) -> Result<(), Failure> {
    let is_meant = |name: &String| match name.strip_prefix('@') {
        Some(group) => peer.belongs_to(group),
        None => *name == caller.login,
    };
    if account.allow.is_empty() || account.allow.iter().any(is_meant) {
        return Ok(());
    }
    Err(Failure::new(Stage::Account, Cause::NotAllowed, caller.login.as_str()))
}

/// Anything but a message.
fn carry_out(world: &World, errand: Errand, attempt: &Attempt<'_>) -> Result<u8, Failure> {
    let viewer = match world.caller.uid {
        0 => Viewer::Everybody,
        uid => Viewer::User(uid),
    };
    let look_after = |action: Action<'_>| {
        queue::adopt(world)?;
        action.carry_out(world, viewer, attempt).map(|()| 0)
    };
    let deadline = world.clock.instant() + ERRAND;
    match errand {
        Errand::KeepGrant(sign_in) => keep_grant(world, &sign_in).map(|()| 0),
        Errand::Forget(account) => forget(world, &account, deadline).map(|()| 0),
        Errand::Status(columns) => {
            queue::adopt(world)?;
            commands::show_status(world, viewer, columns)
        }
        Errand::Renew => Ok(renew(world, attempt)),
        Errand::Submit(_) => Err(Failure::new(Stage::Message, Cause::Bug, "")),
        Errand::ListQueue => {
            queue::adopt(world)?;
            world.terminal.out(&queue::list(world, viewer)?);
            Ok(0)
        }
        Errand::ShowEntry(id) => look_after(Action::Show(id.as_str())),
        Errand::RetryEntry(id, duplicate) => look_after(Action::Retry(id.as_str(), duplicate)),
        Errand::DropEntry(id) => look_after(Action::Drop(id.as_str())),
        Errand::RunQueue => {
            // Everybody may ask for what is due; only root may hurry all of it.
            queue::adopt(world)?;
            let pace = if viewer == Viewer::Everybody { Pace::Everything } else { Pace::Due };
            queue::run_queue(world, pace, attempt).map(|()| 0)
        }
    }
}

fn keep_grant(world: &World, sign_in: &SignIn) -> Result<(), Failure> {
    let accounts = Accounts::load(world)?;
    let account = accounts.named(&sign_in.account)?;
    let grant = Grant::from_json(&sign_in.grant)?;
    let token = AccessToken { token: sign_in.token.clone(), expires_at: sign_in.expires_at, origin: Origin::Renewed };
    credentials::keep(world, account, &grant, &token)?;
    // What another store of ours held for it is worth nothing any more, but to a thief.
    for store in [StoreKind::File, StoreKind::Sealed].into_iter().filter(|store| *store != account.store) {
        let elsewhere = Account { store, ..account.clone() };
        let _ = credentials::forget_stored(world, &elsewhere, world.clock.instant() + ERRAND);
    }
    Ok(())
}

fn forget(world: &World, account: &str, deadline: Instant) -> Result<(), Failure> {
    credentials::forget(world, Accounts::load(world)?.named(account)?, deadline).map(drop)
}

/// A timer's daily errand. Anybody may run it, as it costs no more than a request to Microsoft an hour.
fn renew(world: &World, attempt: &Attempt<'_>) -> u8 {
    let now = world.clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let last = world.state.read(RENEWAL).and_then(|text| String::from_utf8(text).ok()?.parse::<u64>().ok());
    if world.caller.uid != 0 && last.is_some_and(|last| now.abs_diff(last) < RENEWALS_APART) {
        return 0;
    }
    // What passes by itself is waited for, and need not be by a broker that is to end.
    world.signals.release();
    world.state.replace(RENEWAL, now.to_string().as_bytes());
    commands::run(world, Command::Renew, &CommandArguments::default(), attempt)
}
