//! Whose folders are (what lies in one that others can write is whatever they put there), and file names for anything.

use std::fmt::Write;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use nix::unistd::geteuid;

/// Makes `folder` with mode 0700 where it is missing, its parents too. Never inside somebody else's folder: root with a
/// user's HOME would write where that user's links lead, and leave folders behind that are of no use there.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    if let Some(Ok(existing)) = folder.ancestors().map(fs::metadata).find(Result::is_ok)
        && !is_owned(&existing)
    {
        let words = format!("{} lies in a folder of user {}", folder.display(), existing.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether nobody else can put files into `folder`, or another folder in its place; an error when it is not there.
pub(super) fn is_ours(folder: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(folder)?;
    let is_private = metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    Ok(is_private && is_safe(parent(folder))?)
}

/// Whether only this user and root decide what `path` means: judged are its folder and, where it is a link, whose that is
/// and the folder it leads to. In a sticky folder anybody can leave a link before we do.
pub(super) fn holds_safely(path: &Path) -> io::Result<bool> {
    if fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink() && !is_owned(&it)) {
        return Ok(false);
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    Ok(is_safe(parent(path))? && is_safe(parent(&target))?)
}

/// In a sticky folder (/tmp) others can add names, but neither move nor replace ours.
fn is_safe(folder: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(folder)?;
    Ok(is_owned(&metadata) && (metadata.mode() & 0o022 == 0 || metadata.mode() & 0o1000 != 0))
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
