//! Whose folders are (what lies in one that others can write is whatever they put there), and file names for anything.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::{env, io};

use nix::errno::Errno;
use nix::unistd::geteuid;

/// Makes `folder` with mode 0700 where it is missing, its parents too. Never where somebody else decides what its path
/// means: root with a user's HOME would write where that user's links lead. Nor below the current folder, which may be
/// anybody's.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    if !folder.is_absolute() {
        let words = format!("{:?} is no absolute path", folder.display().to_string());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    }
    if let Some(others) = first_of_others(folder)? {
        let words = format!("{}: others own or can write {}", folder.display(), others.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether nobody else can put files into `folder`, or another folder in its place; an error when it is not there.
pub(super) fn is_ours(folder: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(folder)?;
    let is_private = metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    Ok(folder.is_absolute() && is_private && holds_safely(folder)?)
}

/// Whether only this user and root decide what `path` means.
pub(super) fn holds_safely(path: &Path) -> io::Result<bool> {
    first_of_others(path).map(|others| others.is_none())
}

/// More links than the kernel follows in one path (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The first folder or link on the way to `path` through which somebody else decides what it means. The way is walked
/// as the kernel walks it, from the root through every link; it ends where something is missing.
pub(super) fn first_of_others(path: &Path) -> io::Result<Option<PathBuf>> {
    let path = if path.is_absolute() { path.to_owned() } else { env::current_dir()?.join(path) };
    let mut at = PathBuf::from("/");
    let mut ahead = names_backwards(&path);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        if !is_safe(&fs::symlink_metadata(&at)?)? {
            return Ok(Some(at));
        }
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        let metadata = match fs::symlink_metadata(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        if !metadata.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Errno::ELOOP.into());
        }
        // In a sticky folder anybody can leave a link before we come.
        if !is_owned(&metadata) {
            return Ok(Some(next));
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        ahead.extend(names_backwards(&target));
    }
    Ok(None)
}

/// The names of a path, the last one first; `..` is one, for behind a link it does not lead back.
fn names_backwards(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(_) | Component::ParentDir => Some(component.as_os_str().to_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    });
    let mut names: Vec<_> = names.collect();
    names.reverse();
    names
}

/// In a sticky folder (/tmp) others can add names, but neither move nor replace ours.
fn is_safe(folder: &Metadata) -> io::Result<bool> {
    if !folder.is_dir() {
        return Err(Errno::ENOTDIR.into());
    }
    Ok(is_owned(folder) && (folder.mode() & 0o022 == 0 || folder.mode() & 0o1000 != 0))
}

fn is_owned(metadata: &Metadata) -> bool {
    [0, geteuid().as_raw()].contains(&metadata.uid())
}

/// The folder a path lies in; of a bare name the current one.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file name for `name`, different for different names: no slash, no leading dot, nothing unprintable.
pub(super) fn file_name(name: &str) -> String {
    let mut file_name = String::with_capacity(name.len());
    for (position, octet) in name.bytes().enumerate() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'@' | b':' => file_name.push(octet as char),
            b'.' if position > 0 => file_name.push('.'),
            _ => {
                let _ = write!(file_name, "%{octet:02X}");
            }
        }
    }
    file_name
}

/// The name a file name was made for; `None` when [`file_name`] makes no such.
pub(super) fn name_of(file: &str) -> Option<String> {
    let mut parts = file.split('%');
    let mut octets = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (number, rest) = part.split_at_checked(2)?;
        octets.push(u8::from_str_radix(number, 16).ok()?);
        octets.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(octets).ok().filter(|name| file_name(name) == file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder() {
        assert_eq!(file_name("grant:me@outlook.com"), "grant:me@outlook.com");
        assert_eq!(file_name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("ü\n\0%"), "%C3%BC%0A%00%25");
        for name in ["grant:me@outlook.com", "../../etc/passwd", "ü\n\0%", ""] {
            assert_eq!(name_of(&file_name(name)).as_deref(), Some(name));
        }
        for none in [".grant:me.12.0", "%", "%4", "%41", "a b", "%FF"] {
            assert_eq!(name_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_folder_others_can_write_is_not_ours() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make(&inner).unwrap();
        assert_eq!(fs::metadata(&inner).unwrap().mode() & 0o777, 0o700);
        assert!(is_ours(&inner).unwrap());
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(!is_ours(&inner).unwrap());
    }

    #[test]
    fn a_folder_somebody_could_replace_is_not_ours() {
        use std::os::unix::fs::{PermissionsExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path().join("a"), folder.path().join("a/b"));
        make(&inner).unwrap();
        for (mode, safe) in [(0o700, true), (0o755, true), (0o775, false), (0o757, false), (0o1777, true)] {
            fs::set_permissions(&outer, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_ours(&inner).unwrap(), safe, "{mode:o}");
            assert_eq!(holds_safely(&outer.join("file")).unwrap(), safe, "{mode:o}");
        }
        if geteuid().is_root() {
            chown(&outer, Some(33), None).unwrap();
            assert!(!is_ours(&inner).unwrap());
        }
    }

    #[test]
    fn a_link_is_as_safe_as_both_its_ends() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (safe, open) = (folder.path().join("safe"), folder.path().join("open"));
        for (folder, mode) in [(&safe, 0o700), (&open, 0o777)] {
            make(folder).unwrap();
            fs::write(folder.join("file"), "").unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink(open.join("file"), safe.join("link")).unwrap();
        symlink(safe.join("file"), open.join("link")).unwrap();
        assert!(holds_safely(&safe.join("file")).unwrap());
        assert!(!holds_safely(&safe.join("link")).unwrap() && !holds_safely(&open.join("link")).unwrap());
    }

    #[test]
    fn a_link_somebody_else_left_in_a_sticky_folder_is_not_followed() {
        use std::os::unix::fs::{PermissionsExt, lchown, symlink};
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can give links away");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (safe, sticky) = (folder.path().join("safe"), folder.path().join("sticky"));
        make(&safe).unwrap();
        make(&sticky).unwrap();
        fs::set_permissions(&sticky, fs::Permissions::from_mode(0o1777)).unwrap();
        let link = sticky.join("config.toml");
        symlink(safe.join("shadow"), &link).unwrap();
        assert!(holds_safely(&link).unwrap());
        lchown(&link, Some(65534), None).unwrap();
        assert!(!holds_safely(&link).unwrap());
        fs::write(safe.join("shadow"), "").unwrap();
        assert!(!holds_safely(&link).unwrap());
    }

    #[test]
    fn every_folder_and_link_on_the_way_counts() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path().join("a"), folder.path().join("a/b/c/d"));
        make(&inner).unwrap();
        symlink("../../a/b/c", inner.join("relative")).unwrap();
        symlink(folder.path().join("safe/link"), folder.path().join("first")).unwrap();
        make(&folder.path().join("safe")).unwrap();
        symlink(&inner, folder.path().join("safe/link")).unwrap();
        let through = folder.path().join("first/config.toml");
        for (mode, safe) in [(0o700, true), (0o777, false), (0o720, false), (0o755, true), (0o1777, true)] {
            fs::set_permissions(&outer, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(first_of_others(&through).unwrap(), (!safe).then(|| outer.clone()), "{mode:o}");
            assert_eq!(is_ours(&inner).unwrap(), safe, "{mode:o}");
            assert_eq!(make(&inner.join("new")).is_ok(), safe, "{mode:o}");
            let _ = fs::remove_dir(inner.join("new"));
        }
        symlink("loop", folder.path().join("loop")).unwrap();
        assert!(holds_safely(&folder.path().join("loop/x")).is_err());
        assert!(holds_safely(Path::new("/dev/null/x")).is_err());
    }

    #[test]
    fn nothing_is_made_below_the_current_folder() {
        assert!(make(Path::new("records")).is_err() && make(Path::new("")).is_err());
        assert!(!is_ours(Path::new("src")).unwrap());
    }

    #[test]
    fn root_does_not_follow_a_users_link_into_a_folder_of_roots() {
        use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can give folders away");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (home, roots) = (folder.path().join("home"), folder.path().join("roots"));
        make(&home).unwrap();
        make(&roots).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
        let link = home.join("state");
        symlink(&roots, &link).unwrap();
        chown(&home, Some(33), None).unwrap();
        lchown(&link, Some(33), None).unwrap();
        assert!(make(&link.join("outlook-sendmail/records")).is_err());
        assert_eq!(fs::read_dir(&roots).unwrap().count(), 0);
        make(&roots.join("records")).unwrap();
        assert!(!is_ours(&link.join("records")).unwrap());
        // His link, in a folder of ours.
        chown(&home, Some(0), None).unwrap();
        assert_eq!(first_of_others(&link.join("records")).unwrap(), Some(link));
    }

    #[test]
    fn nothing_is_made_in_somebody_elses_folder() {
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can give folders away");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(33), None).unwrap();
        assert!(make(&folder.path().join("a/b")).is_err());
        assert!(!folder.path().join("a").exists());
    }
}
