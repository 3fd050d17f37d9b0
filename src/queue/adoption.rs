//! What root left while nobody listened becomes the broker's own.

use std::io::{self, Write as _};

use super::entry::{Name, Progress};
use super::files::Entry;
use super::store::Store;
use super::unwritable;
use crate::failure::Failure;
use crate::moments;
use crate::world::{Priority, World};

/// Takes over everything that lies in the incoming folder: for the broker, before it looks at its outbox for whatever
/// reason. A message keeps its id, so that a run cut off between the copy and the removal finds it again and does not
/// take it twice. Another process that is at it already does it for both.
///
/// # Errors
/// There is something, and no writing it down.
pub fn adopt(world: &World) -> Result<(), Failure> {
    let incoming = Store::new(&*world.incoming);
    let Some(_alone) = world.locks.acquire("incoming", world.clock.instant()) else { return Ok(()) };
    let Ok(shelf) = incoming.shelf() else { return Ok(()) };
    incoming.sweep(&shelf, world.clock.now());
    if shelf.messages.is_empty() {
        return Ok(());
    }
    let outbox = Store::new(&*world.outbox);
    let known = outbox.shelf().map_err(unwritable)?;
    for (name, _) in &shelf.messages {
        if !known.messages.iter().any(|(other, _)| other.id == name.id) {
            match copy(world, incoming, outbox, name) {
                Err(Copy::Unreadable(error)) => {
                    let words = format!("queue: message {} that root left: {error}", name.id.as_str());
                    world.log.record(Priority::Error, &words);
                    continue;
                }
                Err(Copy::Unwritable(error)) => return Err(unwritable(error)),
                Ok(()) => {}
            }
        }
        incoming.forget(name).map_err(unwritable)?;
    }
    Ok(())
}

/// Why there is no copy.
enum Copy {
    Unreadable(io::Error),
    Unwritable(io::Error),
}

fn copy(world: &World, incoming: Store<'_>, outbox: Store<'_>, name: &Name) -> Result<(), Copy> {
    let (facts, mut content) = incoming.read(name).map_err(Copy::Unreadable)?;
    let mut draft = outbox.draft_named(name.clone(), facts).map_err(Copy::Unwritable)?;
    let mut room = vec![0; 64 * 1024];
    loop {
        let read = content.read(&mut room).map_err(Copy::Unreadable)?;
        if read == 0 {
            break;
        }
        draft.write_all(room.get(..read).unwrap_or_default()).map_err(Copy::Unwritable)?;
    }
    let progress = Progress { adopted: true, ..Progress::untried(moments::unix_seconds(world.clock.now())) };
    draft.commit(Some(progress)).map(drop).map_err(Copy::Unwritable)
}

/// Before a message taken over is sent or given up: whoever took it over may have been cut off before he removed root's
/// copy, which would be taken over once more.
pub(super) fn forget_original(world: &World, entry: &Entry<'_>) -> io::Result<()> {
    if !entry.progress().adopted {
        return Ok(());
    }
    match Store::new(&*world.incoming).forget(entry.name()) {
        // No folder, no copy in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        forgotten => forgotten,
    }
}
