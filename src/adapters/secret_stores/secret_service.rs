//! The desktop's keyring (GNOME Keyring, KWallet, KeePassXC) over the user's session bus, never waiting for ever.

use std::collections::HashMap;
use std::env;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::unistd::{getegid, geteuid, getgid, getuid};
use secret_service::blocking::{Collection, SecretService};
use secret_service::{EncryptionType, Error};
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::fdo;

use crate::secret::Secret;
use crate::words::Words;
use crate::world::{SecretStore, StoreFault};

/// The value of the attribute `application`, by which our items are found.
const APPLICATION: &str = "outlook-sendmail";

/// The D-Bus errors that mean nobody is there to answer.
const ABSENT: &[&str] = &[
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.UnknownMethod",
    "org.freedesktop.DBus.Error.UnknownInterface",
    "org.freedesktop.DBus.Error.UnknownObject",
    "org.freedesktop.DBus.Error.AccessDenied",
];

/// The address of this user's own session bus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusAddress(String);

impl BusAddress {
    /// DBUS_SESSION_BUS_ADDRESS, else systemd's `/run/user/UID/bus`. The variable does not count when real and
    /// effective ids differ: then it is somebody else's.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Missing`] when the variable names no Unix socket.
    pub fn of_this_user() -> Result<Self, StoreFault> {
        let same_user = getuid() == geteuid() && getgid() == getegid();
        let named = env::var("DBUS_SESSION_BUS_ADDRESS").ok().filter(|address| same_user && !address.is_empty());
        match named {
            Some(addresses) => Self::first_socket(&addresses),
            None => Ok(Self(format!("unix:path=/run/user/{}/bus", geteuid()))),
        }
    }

    /// The first Unix socket of a list of D-Bus addresses. Other transports are refused: `unixexec:` runs a program,
    /// `tcp:` is readable on the way.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Missing`] when there is none.
    pub fn first_socket(addresses: &str) -> Result<Self, StoreFault> {
        let socket = addresses.split(';').find(|address| address.starts_with("unix:"));
        socket
            .map(|address| Self(address.to_owned()))
            .ok_or_else(|| StoreFault::Missing("DBUS_SESSION_BUS_ADDRESS names no Unix socket".into()))
    }
}

/// A connection to the Secret Service; every operation ends within the timeout it was made with, to a second.
pub struct SecretServiceStore {
    connection: Connection,
    timeout: Duration,
}

impl SecretServiceStore {
    /// Connects and opens a session, so that a missing or hung service shows here.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Missing`] without bus or service, [`StoreFault::Hung`] when one of them is silent.
    pub fn connect(address: &BusAddress, timeout: Duration) -> Result<Self, StoreFault> {
        let address = address.0.clone();
        let connection = within(timeout, move || {
            let connection = Builder::address(address.as_str())?.method_timeout(timeout).build()?;
            is_ours(&connection)?;
            Ok(connection)
        })?;
        let store = Self { connection, timeout };
        store.with_service(|_| Ok(()))?;
        Ok(store)
    }

    /// Runs `operation` in a thread we can give up on: prompts and signals have no timeout of their own.
    fn with_service<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&SecretService<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let connection = self.connection.clone();
        within(self.timeout, move || {
            // Plain: the bus is a local socket, and encryption would hide the secret only from its owner.
            let service = SecretService::connect_with_existing(EncryptionType::Plain, connection)?;
            operation(&service)
        })
    }
}

impl SecretStore for SecretServiceStore {
    fn load(&self, name: &str) -> Result<Option<Secret>, StoreFault> {
        let name = name.to_owned();
        self.with_service(move |service| {
            let collection = default_collection(service)?.ok_or_else(no_collection)?;
            let items = collection.search_items(attributes(&name))?;
            items.first().map(|item| Ok(Secret::new(item.get_secret()?))).transpose()
        })
    }

    fn save(&self, name: &str, secret: &Secret) -> Result<(), StoreFault> {
        let (name, secret) = (name.to_owned(), secret.clone());
        self.with_service(move |service| {
            let collection = default_collection(service)?.ok_or_else(no_collection)?;
            let label = format!("Outlook sendmail ({name})");
            collection.create_item(&label, attributes(&name), secret.reveal(), true, "application/json")?;
            Ok(())
        })
        .map_err(while_writing)
    }

    fn delete(&self, name: &str) -> Result<(), StoreFault> {
        let name = name.to_owned();
        self.with_service(move |service| {
            let Some(collection) = default_collection(service)? else { return Ok(()) };
            for item in collection.search_items(attributes(&name))? {
                item.delete()?;
            }
            Ok(())
        })
        .map_err(while_writing)
    }
}

/// The service's own faults do not say whether it was reading or writing.
fn while_writing(fault: StoreFault) -> StoreFault {
    match fault {
        StoreFault::Unreadable(words) => StoreFault::Unwritable(words),
        StoreFault::Locked
        | StoreFault::Missing(_)
        | StoreFault::Hung
        | StoreFault::Exposed(_)
        | StoreFault::Unwritable(_) => fault,
    }
}

/// What Seahorse shows and `secret-tool search application outlook-sendmail` finds.
fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("application", APPLICATION), ("name", name)])
}

/// The default collection, unlocked. Locked is an error before anything is asked of it, or a dialogue would pop up.
fn default_collection<'a>(service: &'a SecretService<'_>) -> Result<Option<Collection<'a>>, Problem> {
    match service.get_default_collection() {
        Ok(collection) if collection.is_locked()? => Err(Problem(StoreFault::Locked)),
        Ok(collection) => Ok(Some(collection)),
        Err(Error::NoResult) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Such a keyring keeps nothing, whatever it says of what it holds.
fn no_collection() -> Problem {
    Problem(StoreFault::Missing("the keyring has no default collection".into()))
}

/// Whether the bus runs as the user we act for; a socket somebody planted must not be handed a token.
fn is_ours(connection: &Connection) -> Result<(), Problem> {
    let credentials = zbus::block_on(connection.inner().peer_creds()).map_err(zbus::Error::from)?;
    match credentials.unix_user_id() {
        Some(uid) if uid != geteuid().as_raw() => {
            Err(Problem(StoreFault::Missing(format!("the session bus belongs to user {uid}").into())))
        }
        Some(_) | None => Ok(()),
    }
}

/// Runs `operation` in a thread and waits for it no longer than `timeout`.
fn within<T: Send + 'static>(
    timeout: Duration,
    operation: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, StoreFault> {
    let (answer, answers) = mpsc::channel();
    let started = thread::Builder::new().name("keyring".into()).spawn(move || {
        let _ = answer.send(operation());
    });
    started.map_err(|error| StoreFault::Unreadable(error.to_string().into()))?;
    match answers.recv_timeout(timeout) {
        Ok(outcome) => outcome.map_err(|problem| problem.0),
        Err(RecvTimeoutError::Timeout) => Err(StoreFault::Hung),
        Err(RecvTimeoutError::Disconnected) => Err(StoreFault::Unreadable("the keyring client broke".into())),
    }
}

/// A fault, made from the errors of the crates below.
struct Problem(StoreFault);

impl From<Error> for Problem {
    #[expect(clippy::wildcard_enum_match_arm, reason = "secret-service's errors are open-ended")]
    fn from(error: Error) -> Self {
        match error {
            Error::Zbus(error) => error.into(),
            Error::ZbusFdo(error) => fdo_problem(error),
            Error::Locked | Error::Prompt | Error::PromptDisconnected => Self(StoreFault::Locked),
            Error::Unavailable => Self(StoreFault::Missing(Words::default())),
            other => Self(StoreFault::Unreadable(other.to_string().into())),
        }
    }
}

impl From<zbus::Error> for Problem {
    #[expect(clippy::wildcard_enum_match_arm, reason = "zbus's errors are open-ended")]
    fn from(error: zbus::Error) -> Self {
        let words = Words::from(error.to_string());
        match error {
            zbus::Error::InputOutput(error) if error.kind() == io::ErrorKind::TimedOut => Self(StoreFault::Hung),
            zbus::Error::MethodError(name, ..) if name.ends_with(".IsLocked") => Self(StoreFault::Locked),
            zbus::Error::MethodError(name, ..) if is_silence(&name) => Self(StoreFault::Hung),
            zbus::Error::MethodError(name, ..) if is_absence(&name) => Self(StoreFault::Missing(words)),
            zbus::Error::FDO(error) => fdo_problem(*error),
            zbus::Error::Connection(..)
            | zbus::Error::InputOutput(_)
            | zbus::Error::Address(_)
            | zbus::Error::Handshake(_)
            | zbus::Error::Unsupported => Self(StoreFault::Missing(words)),
            _ => Self(StoreFault::Unreadable(words)),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "zbus's errors are open-ended")]
fn fdo_problem(error: fdo::Error) -> Problem {
    let words = Words::from(error.to_string());
    match error {
        fdo::Error::ZBus(error) => error.into(),
        fdo::Error::NoReply(_) | fdo::Error::Timeout(_) | fdo::Error::TimedOut(_) => Problem(StoreFault::Hung),
        fdo::Error::ServiceUnknown(_)
        | fdo::Error::NameHasNoOwner(_)
        | fdo::Error::UnknownMethod(_)
        | fdo::Error::UnknownInterface(_)
        | fdo::Error::UnknownObject(_)
        | fdo::Error::AccessDenied(_)
        | fdo::Error::SpawnExecFailed(_)
        | fdo::Error::SpawnChildExited(_)
        | fdo::Error::SpawnFailed(_) => Problem(StoreFault::Missing(words)),
        _ => Problem(StoreFault::Unreadable(words)),
    }
}

fn is_silence(name: &str) -> bool {
    ["NoReply", "Timeout", "TimedOut"].iter().any(|end| name == format!("org.freedesktop.DBus.Error.{end}"))
}

fn is_absence(name: &str) -> bool {
    ABSENT.contains(&name) || name.starts_with("org.freedesktop.DBus.Error.Spawn.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unix_sockets_are_buses() {
        let first = |text| BusAddress::first_socket(text).map(|address| address.0);
        assert_eq!(first("unix:path=/run/user/1000/bus").unwrap(), "unix:path=/run/user/1000/bus");
        assert_eq!(first("tcp:host=x;unix:abstract=/tmp/y,guid=1").unwrap(), "unix:abstract=/tmp/y,guid=1");
        for other in ["disabled:", "autolaunch:", "unixexec:path=/bin/sh", "tcp:host=evil,port=1", "nonsense"] {
            assert!(matches!(first(other), Err(StoreFault::Missing(_))), "{other}");
        }
    }

    #[test]
    fn no_bus_is_no_keyring() {
        let address = BusAddress::first_socket("unix:path=/nonexistent/bus").unwrap();
        let fault = SecretServiceStore::connect(&address, Duration::from_secs(5)).err().unwrap();
        assert!(matches!(fault, StoreFault::Missing(_)), "{fault:?}");
    }

    #[test]
    fn a_bus_that_never_greets_is_hung() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let address = BusAddress::first_socket(&format!("unix:path={}", path.display())).unwrap();
        let fault = SecretServiceStore::connect(&address, Duration::from_millis(200)).err().unwrap();
        assert_eq!(fault, StoreFault::Hung);
    }

    #[test]
    fn something_else_behind_the_socket_is_no_keyring() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let thread = thread::spawn(move || drop(listener.accept()));
        let address = BusAddress::first_socket(&format!("unix:path={}", path.display())).unwrap();
        let fault = SecretServiceStore::connect(&address, Duration::from_secs(5)).err().unwrap();
        assert!(matches!(fault, StoreFault::Missing(_)), "{fault:?}");
        thread.join().unwrap();
    }
}
