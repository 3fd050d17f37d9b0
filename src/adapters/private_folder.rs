//! Folders of our own below the state folder, and file names made from anything.

use std::fmt::Write;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use nix::unistd::geteuid;

/// Makes `folder` with mode 0700 where it is missing, its parents too.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether nobody else can put files into `folder`; an error when it is not there.
pub(super) fn is_ours(folder: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(folder)?;
    Ok(metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder() {
        assert_eq!(file_name("grant:me@outlook.com"), "grant:me@outlook.com");
        assert_eq!(file_name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("ü\n\0%"), "%C3%BC%0A%00%25");
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
}
