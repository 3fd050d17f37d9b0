//! A listening socket: systemd's, or one of our own.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::adapters::private_folder;
use crate::failure::{Cause, Failure, Stage};
use crate::world::ListeningSocket;

/// It never blocks. One of our own is removed in the end.
pub(super) struct Listener {
    pub(super) socket: UnixListener,
    own: Option<PathBuf>,
}

impl Listener {
    pub(super) fn open(socket: ListeningSocket<'_>) -> Result<Self, Failure> {
        let opened = match socket {
            ListeningSocket::StandardInput => inherited().map(|socket| Self { socket, own: None }),
            ListeningSocket::At(path) => bind(path).map(|socket| Self { socket, own: Some(path.to_owned()) }),
        };
        let listener = opened.map_err(|error| cannot_listen(socket, &error))?;
        listener.socket.set_nonblocking(true).map_err(|error| cannot_listen(socket, &error))?;
        Ok(listener)
    }

    /// Whether somebody else makes a new process of ours when the next client comes.
    pub(super) fn is_activated(&self) -> bool {
        self.own.is_none()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.own {
            let _ = fs::remove_file(path);
        }
    }
}

fn inherited() -> io::Result<UnixListener> {
    Ok(UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Makes the socket, open to everybody, in a folder only we or root can write.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let folder = private_folder::parent(path);
    if !folder.exists() {
        DirBuilder::new().mode(0o755).create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    if !private_folder::holds_safely(path)? {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "its folder belongs to others, or they can write it"));
    }
    remove_stale(path)?;
    let socket = UnixListener::bind(path)?;
    // Not through the file mode mask, which is the whole process's.
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(socket)
}

/// A socket nobody listens on was left by a broker that was killed.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(ErrorKind::AlreadyExists.into()),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(ErrorKind::AddrInUse.into()),
    }
}

fn cannot_listen(socket: ListeningSocket<'_>, error: &io::Error) -> Failure {
    let place = match socket {
        ListeningSocket::StandardInput => "standard input".to_owned(),
        ListeningSocket::At(path) => path.display().to_string(),
    };
    Failure::new(Stage::Invocation, Cause::CannotListen, format!("{place}: {error}"))
}
