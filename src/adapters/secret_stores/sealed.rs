//! Secrets encrypted with AES-256-GCM under a key that only the broker's unit is given: who copies the state folder, or
//! a backup of it, has nothing.

use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use nix::unistd::{getegid, geteuid, getgid, getuid};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::FileStore;
use crate::credentials::Secret;
use crate::words::Words;
use crate::world::{SecretStore, StoreFault};

/// Octets of a key.
pub const KEY_LENGTH: usize = 32;

/// What the unit calls the credential that is the key (systemd.exec(5), CREDENTIALS).
pub const KEY_CREDENTIAL: &str = "outlook-sendmail.key";

/// Where systemd puts a unit's credentials.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The key's name in the file store, where there are no credentials.
const KEY_BESIDE: &str = "sealing-key";

/// The first octets of a sealed secret: format and version.
const MAGIC: &[u8] = b"OSM1";

/// Where the key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyPlace {
    /// A credential of the unit: the state folder alone is worth nothing.
    Credential,
    /// A file of mode 0600 beside the secrets: as good as the file store, and no better.
    Beside,
}

/// Sealed files in `<state>/secrets`, beside those of the file store.
pub struct SealedStore {
    files: FileStore,
    key: LessSafeKey,
    place: KeyPlace,
}

impl SealedStore {
    /// Opens the store. Without a credential the key is made at first use, and kept in the folder.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Unreadable`] for a credential that is no key; those of the file store.
    pub fn open(state: &Path) -> Result<Self, StoreFault> {
        let files = FileStore::new(state);
        // With differing ids the environment is somebody else's.
        let same_user = getuid() == geteuid() && getgid() == getegid();
        let credential = env::var_os(CREDENTIALS_DIRECTORY).filter(|folder| same_user && !folder.is_empty());
        let credential = credential.map(|folder| PathBuf::from(folder).join(KEY_CREDENTIAL));
        match credential.map(|path| (read_key(&path), path)) {
            Some((Ok(octets), path)) => Self::with_key(files, &octets, KeyPlace::Credential)
                .ok_or_else(|| StoreFault::Unreadable(about(&path, "is no key of 32 octets"))),
            // Another unit's credentials, or a unit without this one.
            Some((Err(error), path)) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreFault::Unreadable(about(&path, error)))
            }
            Some((Err(_), _)) | None => Self::with_key_beside(files),
        }
    }

    fn with_key_beside(files: FileStore) -> Result<Self, StoreFault> {
        let key = match files.load(KEY_BESIDE)? {
            Some(key) => key,
            None => {
                let key = Secret::new(random::<KEY_LENGTH>()?.to_vec());
                files.save(KEY_BESIDE, &key)?;
                // Another process may have been first, and sealed with its own.
                files.load(KEY_BESIDE)?.unwrap_or(key)
            }
        };
        let unusable = || StoreFault::Unreadable(Words::from(format!("{KEY_BESIDE} is no key of 32 octets")));
        Self::with_key(files, key.reveal(), KeyPlace::Beside).ok_or_else(unusable)
    }

    fn with_key(files: FileStore, octets: &[u8], place: KeyPlace) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM, octets).ok()?;
        Some(Self { files, key: LessSafeKey::new(key), place })
    }

    /// Where the key is.
    pub fn key_place(&self) -> KeyPlace {
        self.place
    }
}

impl SecretStore for SealedStore {
    fn load(&self, name: &str) -> Result<Option<Secret>, StoreFault> {
        let Some(sealed) = self.files.load(&sealed_name(name))? else { return Ok(None) };
        let opened = open(&self.key, name, sealed.reveal());
        let words = "was sealed with another key, for another name, or was changed";
        opened.map(Some).ok_or_else(|| StoreFault::Unreadable(Words::from(format!("{name} {words}"))))
    }

    fn save(&self, name: &str, secret: &Secret) -> Result<(), StoreFault> {
        self.files.save(&sealed_name(name), &seal(&self.key, name, secret)?)
    }

    fn delete(&self, name: &str) -> Result<(), StoreFault> {
        self.files.delete(&sealed_name(name))
    }
}

/// Apart from what the file store keeps under the same name.
fn sealed_name(name: &str) -> String {
    format!("sealed:{name}")
}

/// Magic, nonce, ciphertext with its tag; the name is authenticated, so no secret can take another's place. A fresh
/// random nonce of 96 bits for each is safe for 2^32 of them (NIST SP 800-38D section 8.3).
fn seal(key: &LessSafeKey, name: &str, secret: &Secret) -> Result<Secret, StoreFault> {
    let nonce = random::<NONCE_LEN>()?;
    let capacity = MAGIC.len() + NONCE_LEN + secret.reveal().len() + AES_256_GCM.tag_len();
    let mut sealed = Vec::with_capacity(capacity);
    sealed.extend_from_slice(MAGIC);
    sealed.extend_from_slice(&nonce);
    let mut text = Zeroizing::new(Vec::with_capacity(secret.reveal().len() + AES_256_GCM.tag_len()));
    text.extend_from_slice(secret.reveal());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound(name)), &mut *text)
        .map_err(|_| StoreFault::Unwritable("it is too long to seal".into()))?;
    sealed.extend_from_slice(&text);
    Ok(Secret::new(sealed))
}

fn open(key: &LessSafeKey, name: &str, sealed: &[u8]) -> Option<Secret> {
    let (nonce, text) = sealed.strip_prefix(MAGIC)?.split_first_chunk::<NONCE_LEN>()?;
    let mut text = Zeroizing::new(text.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.open_in_place(nonce, Aad::from(bound(name)), &mut text).ok()?;
    Some(Secret::new(opened.to_vec()))
}

/// What is authenticated besides the text.
fn bound(name: &str) -> Vec<u8> {
    [MAGIC, name.as_bytes()].concat()
}

fn read_key(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(Vec::with_capacity(KEY_LENGTH + 1));
    File::open(path)?.take(KEY_LENGTH as u64 + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], StoreFault> {
    let mut octets = [0; LENGTH];
    let failed = |_| StoreFault::Unwritable("the system gives no random numbers".into());
    SystemRandom::new().fill(&mut octets).map_err(failed)?;
    Ok(octets)
}

fn about(path: &Path, what: impl std::fmt::Display) -> Words {
    Words::from(format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn store(state: &Path, key: u8) -> SealedStore {
        SealedStore::with_key(FileStore::new(state), &[key; KEY_LENGTH], KeyPlace::Credential).unwrap()
    }

    fn file(state: &Path, name: &str) -> PathBuf {
        state.join("secrets").join(format!("sealed:{name}"))
    }

    #[test]
    fn what_is_kept_cannot_be_read_without_the_key() {
        let state = tempfile::tempdir().unwrap();
        store(state.path(), 1).save("grant:me", &Secret::from("s3cret")).unwrap();
        let kept = fs::read(file(state.path(), "grant:me")).unwrap();
        assert!(kept.starts_with(b"OSM1") && !kept.windows(6).any(|window| window == b"s3cret"));
        assert!(store(state.path(), 1).load("grant:me").unwrap() == Some(Secret::from("s3cret")));
        assert!(matches!(store(state.path(), 2).load("grant:me"), Err(StoreFault::Unreadable(_))));
        store(state.path(), 1).delete("grant:me").unwrap();
        assert!(store(state.path(), 1).load("grant:me").unwrap().is_none());
    }

    #[test]
    fn what_was_changed_cut_or_moved_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let store = store(state.path(), 1);
        store.save("grant:me", &Secret::from("s3cret")).unwrap();
        let path = file(state.path(), "grant:me");
        let kept = fs::read(&path).unwrap();
        for place in 0..kept.len() {
            let mut changed = kept.clone();
            changed[place] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert!(matches!(store.load("grant:me"), Err(StoreFault::Unreadable(_))), "octet {place}");
            fs::write(&path, &kept[..place]).unwrap();
            assert!(matches!(store.load("grant:me"), Err(StoreFault::Unreadable(_))), "cut at {place}");
        }
        fs::write(&path, &kept).unwrap();
        fs::rename(&path, file(state.path(), "grant:you")).unwrap();
        assert!(matches!(store.load("grant:you"), Err(StoreFault::Unreadable(_))));
    }

    #[test]
    fn no_two_are_sealed_alike() {
        let state = tempfile::tempdir().unwrap();
        let store = store(state.path(), 1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..50 {
            store.save("grant:me", &Secret::from("s3cret")).unwrap();
            assert!(seen.insert(fs::read(file(state.path(), "grant:me")).unwrap()));
        }
    }

    #[test]
    fn without_a_credential_the_key_lies_beside_and_stays() {
        let state = tempfile::tempdir().unwrap();
        let first = SealedStore::with_key_beside(FileStore::new(state.path())).unwrap();
        assert_eq!(first.key_place(), KeyPlace::Beside);
        first.save("grant:me", &Secret::from("s3cret")).unwrap();
        let again = SealedStore::with_key_beside(FileStore::new(state.path())).unwrap();
        assert!(again.load("grant:me").unwrap() == Some(Secret::from("s3cret")));
        FileStore::new(state.path()).save(KEY_BESIDE, &Secret::from("short")).unwrap();
        assert!(matches!(SealedStore::with_key_beside(FileStore::new(state.path())), Err(StoreFault::Unreadable(_))));
    }
}
