//! The folder of messages: what lies there, new ones, taking one to work on.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::{Duration, SystemTime};

use super::entry::{Facts, Id, Name, Part, Progress, State, chance, part};
use super::files::{Draft, Entry};
use crate::world::{Locked, Lying, Odd, OutboxFile, OutboxFolder, Random};

/// The longest first line of a message's file, and the longest progress.
const LINE: u64 = 1024 * 1024;

/// A draft older than this was left by a process that is gone.
const LEFTOVER: Duration = Duration::from_secs(3600);

/// How often an id is drawn.
const DRAWS: usize = 16;

/// One outbox folder.
#[derive(Clone, Copy)]
pub struct Store<'a> {
    folder: &'a dyn OutboxFolder,
}

/// What lies in an outbox.
#[derive(Default)]
pub struct Shelf {
    /// Messages and their octets, in the order of their ids.
    pub messages: Vec<(Name, u64)>,
    /// What is left alone.
    pub odd: Vec<(String, Odd)>,
    drafts: Vec<Lying>,
    progresses: Vec<(Id, Lying)>,
}

/// What came of opening a message.
pub enum Opened<'a> {
    /// It is ours until dropped.
    Entry(Box<Entry<'a>>),
    /// Another process works on it.
    Busy,
    /// It is not there any more.
    Gone,
}

impl<'a> Store<'a> {
    /// The messages of a folder.
    pub fn new(folder: &'a dyn OutboxFolder) -> Self {
        Self { folder }
    }

    /// Looks at everything that lies there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn shelf(&self) -> io::Result<Shelf> {
        let mut shelf = Shelf::default();
        for lying in self.folder.list()? {
            match (lying.odd, part(&lying.name)) {
                (Some(odd), _) => shelf.odd.push((lying.name, odd)),
                (None, None) => shelf.odd.push((lying.name, Odd::UnknownName)),
                (None, Some(Part::Message(name))) => shelf.messages.push((name, lying.size)),
                (None, Some(Part::Progress(id))) => shelf.progresses.push((id, lying)),
                (None, Some(Part::Draft)) => shelf.drafts.push(lying),
            }
        }
        shelf.messages.sort_by(|one, other| one.0.id.cmp(&other.0.id));
        Ok(shelf)
    }

    /// A message about to be written, and what lies there with it; nobody sees it before [`Draft::commit`]. It goes
    /// away when dropped.
    ///
    /// # Errors
    /// There is no writing here.
    pub fn draft(&self, uid: u32, thread: &str, facts: &Facts, random: &dyn Random) -> io::Result<(Draft<'a>, Shelf)> {
        for draw in 0..DRAWS {
            let mut octets = vec![0; chance(draw)];
            random.fill(&mut octets);
            let name = Name { id: Id::new(facts.accepted, &octets), uid, thread: thread.to_owned() };
            let file = match self.folder.create(&name.draft()) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            let mut draft = Draft::new(self.folder, name, facts.clone(), file);
            // Looked at behind the draft: whoever had the same id has finished by now, or could not have begun.
            let shelf = self.shelf()?;
            if !shelf.knows(&draft.name().id) {
                draft.begin()?;
                return Ok((draft, shelf));
            }
        }
        Err(io::Error::other("no id is free"))
    }

    /// The same for a message that has an id.
    ///
    /// # Errors
    /// There is no writing here.
    pub fn draft_named(&self, name: Name, facts: Facts) -> io::Result<Draft<'a>> {
        // A copy that was cut off; whoever makes another is the only one.
        self.folder.remove(&name.draft())?;
        let file = self.folder.create(&name.draft())?;
        let mut draft = Draft::new(self.folder, name, facts, file);
        draft.begin()?;
        Ok(draft)
    }

    /// A message's facts and what was handed over, without taking it.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn read(&self, name: &Name) -> io::Result<(Facts, Box<dyn OutboxFile>)> {
        let mut file = self.folder.open(&name.message())?;
        let (facts, content) = first_line(&mut *file)?;
        file.seek(SeekFrom::Start(content))?;
        Ok((facts, file))
    }

    /// Takes a message to work on.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn open(&self, name: &Name) -> io::Result<Opened<'a>> {
        let mut file = match self.folder.open(&name.message()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Gone),
            file => file?,
        };
        match file.lock() {
            Locked::Busy => return Ok(Opened::Busy),
            Locked::Gone => return Ok(Opened::Gone),
            Locked::Yes => {}
        }
        let facts = first_line(&mut *file)?;
        let mut progress = self.progress(name);
        if progress.state == State::Sending {
            // Whoever was sending it is gone, and how far he came nobody knows.
            progress.state = State::PerhapsSent;
        }
        Ok(Opened::Entry(Box::new(Entry::new(self.folder, name.clone(), facts, progress, file))))
    }

    /// What is said of a message in lists.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn facts(&self, name: &Name) -> io::Result<Facts> {
        self.read(name).map(|(facts, _)| facts)
    }

    /// How far a message has come, without asking whether somebody works on it: [`State::Sending`] may be left over.
    pub fn progress(&self, name: &Name) -> Progress {
        self.read_progress(name).unwrap_or_else(|| Progress::first(0))
    }

    fn read_progress(&self, name: &Name) -> Option<Progress> {
        let mut text = Vec::new();
        self.folder.open(&name.progress()).ok()?.take(LINE).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether a process works on it at this moment.
    pub fn is_busy(&self, name: &Name) -> bool {
        self.folder.open(&name.message()).is_ok_and(|file| file.lock() == Locked::Busy)
    }

    /// Removes what processes that are gone left behind.
    pub fn sweep(&self, shelf: &Shelf, now: SystemTime) {
        let is_old = |lying: &Lying| now.duration_since(lying.modified).is_ok_and(|age| age > LEFTOVER);
        let is_free = |lying: &Lying| self.folder.open(&lying.name).is_ok_and(|file| file.lock() == Locked::Yes);
        for draft in shelf.drafts.iter().filter(|lying| is_old(lying) && is_free(lying)) {
            let _ = self.folder.remove(&draft.name);
        }
        let is_orphan = |id: &Id| !shelf.messages.iter().any(|(name, _)| name.id == *id);
        for (_, lying) in shelf.progresses.iter().filter(|(id, lying)| is_orphan(id) && is_old(lying)) {
            let _ = self.folder.remove(&lying.name);
        }
    }

    /// Forgets a message by its file's name: for a folder whose messages are nobody's to lock.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, name: &Name) -> io::Result<()> {
        self.folder.remove(&name.message())?;
        self.folder.sync()
    }
}

impl Shelf {
    /// Whether nothing lies there.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.odd.is_empty() && self.drafts.is_empty() && self.progresses.is_empty()
    }

    fn knows(&self, id: &Id) -> bool {
        self.messages.iter().any(|(name, _)| name.id == *id) || self.progresses.iter().any(|(other, _)| other == id)
    }

    /// Octets and number of all messages whose users count.
    pub fn taken(&self, counts: impl Fn(u32) -> bool) -> (u64, usize) {
        // Asked once a user: the answer may take a look at the user database.
        let users: BTreeSet<u32> = self.messages.iter().map(|(name, _)| name.uid).collect();
        let users: BTreeSet<u32> = users.into_iter().filter(|&uid| counts(uid)).collect();
        let messages = self.messages.iter().filter(|(name, _)| users.contains(&name.uid));
        let sizes: Vec<u64> = messages.map(|(_, size)| *size).collect();
        (sizes.iter().sum(), sizes.len())
    }

    /// Octets of what is not finished.
    pub fn unfinished(&self) -> u64 {
        self.drafts.iter().map(|lying| lying.size).sum()
    }
}

/// Reads the facts, and where the message itself begins.
fn first_line(file: &mut dyn OutboxFile) -> io::Result<(Facts, u64)> {
    let mut line = Vec::new();
    let mut octet = [0];
    let mut reader = io::BufReader::new(&mut *file).take(LINE);
    while reader.read(&mut octet)? == 1 && octet != *b"\n" {
        line.extend_from_slice(&octet);
    }
    let facts = serde_json::from_slice(&line).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok((facts, line.len() as u64 + 1))
}
