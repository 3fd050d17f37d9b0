//! One message on the disk: written whole before it has a name, changed only by whoever holds its lock.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::entry::{Facts, Name, Progress};
use crate::world::{OutboxFile, OutboxFolder};

/// A message that is being written.
pub struct Draft<'a> {
    folder: &'a dyn OutboxFolder,
    name: Name,
    facts: Facts,
    /// `None` once it is committed.
    file: Option<Box<dyn OutboxFile>>,
    content: u64,
}

impl<'a> Draft<'a> {
    /// Of an empty file called [`Name::draft`].
    pub(super) fn new(folder: &'a dyn OutboxFolder, name: Name, facts: Facts, file: Box<dyn OutboxFile>) -> Self {
        // Until it is committed a lock tells it from one left over.
        let _ = file.lock();
        Self { folder, name, facts, file: Some(file), content: 0 }
    }

    /// Writes its first line.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        let mut line = serde_json::to_vec(&self.facts)?;
        line.push(b'\n');
        self.content = line.len() as u64;
        self.write_all(&line)
    }

    /// What it will be called.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Puts it on the disk. Without `progress` it is being sent from now on. When this returns an error nothing is left.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn commit(mut self, progress: Option<Progress>) -> io::Result<Entry<'a>> {
        let Some(mut file) = self.file.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let (folder, name) = (self.folder, self.name.clone());
        let written = file.sync().and_then(|()| {
            if let Some(progress) = &progress {
                put(folder, &name, progress)?;
            }
            folder.rename(&name.draft(), &name.message())?;
            folder.sync()
        });
        if let Err(error) = written {
            for left in [name.message(), name.draft(), name.progress(), name.progress_draft()] {
                let _ = folder.remove(&left);
            }
            return Err(error);
        }
        let progress = progress.unwrap_or_else(|| Progress::first(self.facts.accepted / 1000));
        Ok(Entry { folder, name, facts: self.facts.clone(), progress, file, content: self.content })
    }
}

impl Write for Draft<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(octets),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = self.folder.remove(&self.name.draft());
        }
    }
}

/// A message of the outbox, locked.
pub struct Entry<'a> {
    folder: &'a dyn OutboxFolder,
    name: Name,
    facts: Facts,
    progress: Progress,
    file: Box<dyn OutboxFile>,
    content: u64,
}

impl<'a> Entry<'a> {
    /// Of a file that is locked; `content` is where its first line ends.
    pub(super) fn new(
        folder: &'a dyn OutboxFolder,
        name: Name,
        (facts, content): (Facts, u64),
        progress: Progress,
        file: Box<dyn OutboxFile>,
    ) -> Self {
        Self { folder, name, facts, progress, file, content }
    }

    /// What it is called.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What never changes.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How far it has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The message as handed over, from its beginning.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn content(&mut self) -> io::Result<&mut dyn Read> {
        self.file.seek(SeekFrom::Start(self.content))?;
        Ok(&mut self.file)
    }

    /// Says how far it has come, on the disk when this returns.
    ///
    /// # Errors
    /// It cannot be written: what was said before still holds.
    pub fn put(&mut self, progress: Progress) -> io::Result<()> {
        put(self.folder, &self.name, &progress)?;
        self.folder.sync()?;
        self.progress = progress;
        Ok(())
    }

    /// Forgets it.
    ///
    /// # Errors
    /// It may be there still.
    pub fn remove(self) -> io::Result<()> {
        // In this order: without its progress it would be one that was perhaps sent.
        self.folder.remove(&self.name.message())?;
        self.folder.remove(&self.name.progress())?;
        self.folder.sync()
    }
}

fn put(folder: &dyn OutboxFolder, name: &Name, progress: &Progress) -> io::Result<()> {
    let text = serde_json::to_vec(progress)?;
    let draft = name.progress_draft();
    // Left by a process that was killed here; nobody else writes one.
    folder.remove(&draft)?;
    let mut file = folder.create(&draft)?;
    let written =
        file.write_all(&text).and_then(|()| file.sync()).and_then(|()| folder.rename(&draft, &name.progress()));
    if written.is_err() {
        let _ = folder.remove(&draft);
    }
    written
}
