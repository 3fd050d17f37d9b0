//! The broker's socket, from both ends.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use super::{Places, World};
use crate::failure::{Failure, Whose};
use crate::words::Words;

/// The broker, as its clients see it and as it starts itself.
pub trait Brokers {
    /// Connects to the system account's broker.
    fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault>;
    /// What standard input is, when we are to be the broker.
    fn on_standard_input(&self) -> OnStandardInput;
    /// Whether there is a socket of the broker's, or something that keeps us from seeing whether there is.
    fn may_be_there(&self) -> bool;
    /// Hands each connection of a listening socket to a process of its own, until told to end or not needed any more.
    fn supervise(&self, socket: ListeningSocket<'_>) -> Result<(), Failure>;
}

/// A connection, whichever end of it we are.
pub trait Connection: Read + Write {
    /// How long a read may take; `None`: for ever.
    fn wait_at_most(&self, patience: Option<Duration>);
    /// How long all reads from now on may take together, however steadily octets trickle; `None`: for ever.
    fn finish_within(&self, time: Option<Duration>);
}

/// A socket to listen on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListeningSocket<'a> {
    /// Standard input: systemd made it, and makes another process when the next client comes.
    StandardInput,
    /// One to be made at this path.
    At(&'a Path),
}

/// What standard input is.
pub enum OnStandardInput {
    /// A socket that listens.
    Listener,
    /// A connection, ours to serve.
    Connection(Box<Accepted>),
    /// Nothing a broker can use.
    Nothing,
}

/// A client's connection, and the world in which its request is carried out: its caller is the client as the kernel knows it,
/// its files are the system account's, what is printed goes to the client.
pub struct Accepted {
    /// That world.
    pub world: World,
    /// The connection.
    pub connection: Box<dyn Connection>,
}

/// Why the broker cannot be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectFault {
    /// There is no socket, or nobody listens on it: a moment later there may be.
    Away,
    /// We may not go there.
    Forbidden,
    /// We may have no Unix sockets at all.
    NoUnixSockets,
    /// In the system's words.
    Other(Words),
}

/// Who carries a message out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Route {
    /// This process, with an account of its own: a user's, or in the broker the system's.
    #[default]
    Here,
    /// The broker of the system account.
    Broker,
    /// Nobody yet: the machine is starting, and root leaves the message where the broker will find it.
    Incoming,
}

/// The configuration of the system account.
pub const SYSTEM_CONFIG: &str = "/etc/outlook-sendmail/config.toml";

impl Places {
    /// Whether this process carries out itself what it is asked, with accounts of its own.
    pub fn is_own(&self) -> bool {
        match self.route {
            Route::Here => true,
            Route::Broker | Route::Incoming => false,
        }
    }

    /// Whose accounts messages are sent through.
    pub fn whose(&self) -> Whose {
        if self.sending_config() == Path::new(SYSTEM_CONFIG) { Whose::System } else { Whose::User }
    }

    /// The configuration that messages are sent by.
    pub fn sending_config(&self) -> &Path {
        match self.route {
            Route::Here => &self.config,
            Route::Broker | Route::Incoming => Path::new(SYSTEM_CONFIG),
        }
    }
}
