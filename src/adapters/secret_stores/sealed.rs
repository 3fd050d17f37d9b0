//! Secrets encrypted with AES-256-GCM under a key that only the broker's unit is given: who copies the state folder, or
//! a backup of it, has nothing.

use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::{getegid, geteuid, getgid, getuid};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::FileStore;
use crate::adapters::locks::FileLocks;
use crate::secret::Secret;
use crate::words::Words;
use crate::world::{KeyPlace, LockGuard, Locks as _, SecretStore, StoreFault};

/// Octets of a key.
const KEY_LENGTH: usize = 32;

/// What the unit calls the credential that is the key (systemd.exec(5), CREDENTIALS).
const KEY_CREDENTIAL: &str = "outlook-sendmail.key";

/// Where systemd puts a unit's credentials.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// What the unit gives us for a key that systemd could not open (`SetCredential=` in `sealing-key.conf`), and our words.
const LOCKED: &[u8] = b"locked";
const NOT_OPENED: &str = "systemd could not open its key, which was made on another machine or before the machine-id \
    changed: remove /etc/outlook-sendmail/sealing-key.cred, run dpkg-reconfigure outlook-sendmail, and sign in again";

/// The key's name in the file store, where there are no credentials.
const KEY_BESIDE: &str = "sealing-key";

/// The first octets of a sealed secret: format and version.
const MAGIC: &[u8] = b"OSM1";

/// How long somebody else who writes here is waited for; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sealed files in `<state>/secrets`, beside those of the file store.
pub struct SealedStore {
    files: FileStore,
    locks: FileLocks,
    credential: Option<LessSafeKey>,
}

impl SealedStore {
    /// Opens the store. Without a credential the key is made when something is first kept, in the same folder.
    ///
    /// # Errors
    ///
    /// [`StoreFault::Unreadable`] for a credential that is no key.
    pub fn open(state: &Path) -> Result<Self, StoreFault> {
        // With differing ids the environment is somebody else's.
        let same_user = getuid() == geteuid() && getgid() == getegid();
        let folder = env::var_os(CREDENTIALS_DIRECTORY).filter(|folder| same_user && !folder.is_empty());
        let path = folder.map(|folder| PathBuf::from(folder).join(KEY_CREDENTIAL));
        let credential = match path.map(|path| (read_key(&path), path)) {
            Some((Ok(octets), _)) if *octets == LOCKED => return Err(StoreFault::Unreadable(Words::from(NOT_OPENED))),
            Some((Ok(octets), path)) => {
                Some(key(&octets).ok_or_else(|| StoreFault::Unreadable(about(&path, "is no key of 32 octets")))?)
            }
            // Another unit's credentials, or a unit without this one.
            Some((Err(error), path)) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreFault::Unreadable(about(&path, error)));
            }
            Some((Err(_), _)) | None => None,
        };
        Ok(Self { files: FileStore::new(state), locks: FileLocks::new(state), credential })
    }

    /// The key in the folder, if there is one.
    fn key_beside(&self) -> Result<Option<LessSafeKey>, StoreFault> {
        let Some(octets) = self.files.load(KEY_BESIDE)? else { return Ok(None) };
        let unusable = || StoreFault::Unreadable(Words::from(format!("{KEY_BESIDE} is no key of 32 octets")));
        key(octets.reveal()).map(Some).ok_or_else(unusable)
    }

    fn new_key_beside(&self) -> Result<LessSafeKey, StoreFault> {
        if self.key_beside()?.is_none() {
            self.files.save_first(KEY_BESIDE, &Secret::new(random::<KEY_LENGTH>()?.to_vec()))?;
        }
        // Another process may have been first.
        self.key_beside()?.ok_or_else(|| StoreFault::Unwritable(Words::from(format!("{KEY_BESIDE} is gone"))))
    }

    /// Who writes does so alone: nobody may put back what another has just replaced.
    fn alone(&self) -> Option<Box<dyn LockGuard>> {
        self.locks.acquire("sealing", Instant::now() + PATIENCE)
    }

    /// What was sealed before there was a credential is sealed anew, and when nothing is left that needs it, the key
    /// beside goes. What does not work now works the next time.
    fn adopt(&self, credential: &LessSafeKey, beside: &LessSafeKey) {
        let Some(_alone) = self.alone() else { return };
        for name in self.files.names_behind(SEALED) {
            let Ok(Some(sealed)) = self.files.load(&sealed_name(&name)) else { return };
            if open(credential, &name, sealed.reveal()).is_some() {
                continue;
            }
            let Some(secret) = open(beside, &name, sealed.reveal()) else { continue };
            let kept = seal(credential, &name, &secret).and_then(|it| self.files.save(&sealed_name(&name), &it));
            if kept.is_err() {
                return;
            }
        }
        let _ = self.files.delete(KEY_BESIDE);
    }
}

impl SecretStore for SealedStore {
    fn key_place(&self) -> Option<KeyPlace> {
        Some(if self.credential.is_some() { KeyPlace::Credential } else { KeyPlace::Beside })
    }

    fn load(&self, name: &str) -> Result<Option<Secret>, StoreFault> {
        let Some(sealed) = self.files.load(&sealed_name(name))? else { return Ok(None) };
        let opened = |key: &LessSafeKey| open(key, name, sealed.reveal());
        if let Some(secret) = self.credential.as_ref().and_then(opened) {
            return Ok(Some(secret));
        }
        let beside = self.key_beside()?;
        if let Some((beside, secret)) = beside.and_then(|key| opened(&key).map(|secret| (key, secret))) {
            if let Some(credential) = &self.credential {
                self.adopt(credential, &beside);
            }
            return Ok(Some(secret));
        }
        let words = "was sealed with another key, for another name, or was changed";
        Err(StoreFault::Unreadable(Words::from(format!("{name} {words}"))))
    }

    fn save(&self, name: &str, secret: &Secret) -> Result<(), StoreFault> {
        let _alone = self.alone();
        let sealed = match &self.credential {
            Some(credential) => seal(credential, name, secret)?,
            None => seal(&self.new_key_beside()?, name, secret)?,
        };
        self.files.save(&sealed_name(name), &sealed)
    }

    fn delete(&self, name: &str) -> Result<(), StoreFault> {
        self.files.delete(&sealed_name(name))
    }
}

fn key(octets: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, octets).ok().map(LessSafeKey::new)
}

/// How names begin, apart from what the file store keeps under the same.
const SEALED: &str = "sealed:";

fn sealed_name(name: &str) -> String {
    format!("{SEALED}{name}")
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

    fn with(state: &Path, credential: Option<LessSafeKey>) -> SealedStore {
        SealedStore { files: FileStore::new(state), locks: FileLocks::new(state), credential }
    }

    fn store(state: &Path, octet: u8) -> SealedStore {
        with(state, key(&[octet; KEY_LENGTH]))
    }

    fn names(state: &Path) -> Vec<String> {
        let entries = fs::read_dir(state.join("secrets")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
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
        let first = with(state.path(), None);
        assert_eq!(first.key_place(), Some(KeyPlace::Beside));
        assert!(first.load("grant:me").unwrap().is_none() && !state.path().join("secrets").exists());
        first.save("grant:me", &Secret::from("s3cret")).unwrap();
        assert!(with(state.path(), None).load("grant:me").unwrap() == Some(Secret::from("s3cret")));
        FileStore::new(state.path()).save(KEY_BESIDE, &Secret::from("short")).unwrap();
        assert!(matches!(with(state.path(), None).load("grant:me"), Err(StoreFault::Unreadable(_))));
    }

    #[test]
    fn a_credential_that_comes_later_takes_over_from_the_key_beside() {
        let state = tempfile::tempdir().unwrap();
        let before = with(state.path(), None);
        before.save("grant:me", &Secret::from("s3cret")).unwrap();
        before.save("token:me", &Secret::from("t0ken")).unwrap();
        assert_eq!(names(state.path()), ["sealed:grant:me", "sealed:token:me", KEY_BESIDE]);
        let after = store(state.path(), 1);
        assert!(after.load("grant:me").unwrap() == Some(Secret::from("s3cret")));
        assert_eq!(names(state.path()), ["sealed:grant:me", "sealed:token:me"], "nothing needs the key beside");
        assert!(store(state.path(), 1).load("token:me").unwrap() == Some(Secret::from("t0ken")));
        assert!(matches!(before.load("grant:me"), Err(StoreFault::Unreadable(_))));
    }

    #[test]
    fn a_wrong_credential_takes_nothing_over() {
        let state = tempfile::tempdir().unwrap();
        store(state.path(), 1).save("grant:me", &Secret::from("s3cret")).unwrap();
        // Made while the credential was away.
        with(state.path(), None).save("grant:you", &Secret::from("other")).unwrap();
        assert!(matches!(store(state.path(), 2).load("grant:me"), Err(StoreFault::Unreadable(_))));
        assert!(names(state.path()).contains(&KEY_BESIDE.to_owned()));
        assert!(store(state.path(), 1).load("grant:me").unwrap() == Some(Secret::from("s3cret")));
    }

    #[test]
    fn of_several_first_users_one_makes_the_key() {
        let state = tempfile::tempdir().unwrap();
        let keep = |number: usize| {
            let name = format!("grant:{number}");
            // Without the lock, which may not be had: the key's own creation decides.
            let store = with(state.path(), None);
            let sealed = seal(&store.new_key_beside().unwrap(), &name, &Secret::from("s3cret")).unwrap();
            store.files.save(&sealed_name(&name), &sealed).unwrap();
        };
        std::thread::scope(|scope| (0..16).for_each(|number| drop(scope.spawn(move || keep(number)))));
        for number in 0..16 {
            let kept = with(state.path(), None).load(&format!("grant:{number}")).unwrap();
            assert!(kept == Some(Secret::from("s3cret")), "{number}");
        }
    }
}
