//! Where messages wait: a folder of files that are ours alone.

use std::io;
use std::time::SystemTime;

use super::Spool;

/// A folder of messages that wait. Its files are ours alone: what is not is listed as [`Odd`] and never opened.
pub trait OutboxFolder {
    /// The user id it belongs to: messages of others make it a shared one.
    fn owner(&self) -> u32;
    /// Everything that lies there, in no order; nothing when there is no folder.
    fn list(&self) -> io::Result<Vec<Lying>>;
    /// A new file, where there must be none of this name; the folder is made when missing, mode 0700.
    fn create(&self, name: &str) -> io::Result<Box<dyn OutboxFile>>;
    /// A file, to be read.
    fn open(&self, name: &str) -> io::Result<Box<dyn OutboxFile>>;
    /// Gives a file another name, in place of what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Forgets a file; no error when there is none.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Returns when the folder's names are on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A file of the outbox; closing it unlocks it.
pub trait OutboxFile: Spool {
    /// Returns when its content is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Tries to be the only one who works on it.
    fn lock(&self) -> Locked;
}

/// What became of locking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locked {
    /// It is ours until we close it.
    Yes,
    /// Another process works on it.
    Busy,
    /// It was removed before we came.
    Gone,
}

/// Something in an outbox folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lying {
    /// Its name.
    pub name: String,
    /// Octets.
    pub size: u64,
    /// When it was last written to.
    pub modified: SystemTime,
    /// Why it is left alone.
    pub odd: Option<Odd>,
}

/// Why a file is no file of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Odd {
    /// It is a symbolic link.
    Link,
    /// It is a folder, a FIFO, a device.
    NotRegular,
    /// It belongs to somebody else, or others may write to it.
    NotOurs,
    /// It has another name elsewhere.
    HardLink,
    /// Nothing we write has such a name.
    UnknownName,
}

impl Odd {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Link => "a symbolic link",
            Self::NotRegular => "not a regular file",
            Self::NotOurs => "somebody else's, or others can write to it",
            Self::HardLink => "a file with a second name",
            Self::UnknownName => "no file of the queue",
        }
    }
}
