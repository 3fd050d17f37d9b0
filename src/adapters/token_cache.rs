//! Access tokens in the kernel's keyring: memory only, gone when they expire, shared by one user's processes.

use std::time::Duration;

use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use nix::unistd::{getegid, geteuid, getgid, getuid};
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::world::TokenCache;

/// The most a key of type "user" holds (keyrings(7)).
const KEY_LIMIT: usize = 32_767;

/// The user keyring. Every refusal (containers, seccomp, quota) means: no cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelKeyring;

impl TokenCache for KernelKeyring {
    fn load(&self, name: &str) -> Option<Secret> {
        let key = keyring().ok()?.search(&description(name)).ok()?;
        let mut buffer = Zeroizing::new(vec![0; KEY_LIMIT]);
        let length = key.read(&mut *buffer).ok()?;
        Some(Secret::new(buffer.get(..length)?.to_vec()))
    }

    fn save(&self, name: &str, token: &Secret, lifetime: Duration) -> bool {
        let Ok(key) = keyring().and_then(|keyring| keyring.add_key(&description(name), token.reveal())) else {
            return false;
        };
        let limited = limit(key, lifetime);
        if limited.is_err() {
            // A key without an end would be read long after the token died.
            let _ = key.invalidate();
        }
        limited.is_ok()
    }

    fn delete(&self, name: &str) {
        let _ = keyring().and_then(|keyring| keyring.search(&description(name))).and_then(|key| key.invalidate());
    }
}

fn description(name: &str) -> String {
    format!("outlook-sendmail:{name}")
}

/// The user keyring, possessed by this process.
///
/// It is linked into the process keyring because a session started without it (cron, `KeyringMode=private`) may
/// find its keys but not read or limit them. The kernel keeps it by *real* user id: with differing ids it would be
/// somebody else's, so there is no cache then.
fn keyring() -> Result<KeyRing, KeyError> {
    if getuid() != geteuid() || getgid() != getegid() {
        return Err(KeyError::AccessDenied);
    }
    let keyring = KeyRing::from_special_id(KeyRingIdentifier::User, true)?;
    let process = KeyRing::from_special_id(KeyRingIdentifier::Process, true)?;
    process.link_keyring_id(KeyRingIdentifier::User)?;
    Ok(keyring)
}

/// Nobody but this user, and no longer than `lifetime`.
fn limit(key: Key, lifetime: Duration) -> Result<(), KeyError> {
    let user = Permission::VIEW | Permission::READ | Permission::SEARCH;
    key.set_perms(KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(user).build())?;
    // 0 would mean no timeout at all.
    key.set_timeout(usize::try_from(lifetime.as_secs()).unwrap_or(usize::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Containers often refuse keyctl; then the promise is only that nothing breaks.
    fn cache_or_skip(name: &str) -> Option<KernelKeyring> {
        let works = KernelKeyring.save(name, &Secret::from("probe"), Duration::from_secs(60));
        if !works {
            eprintln!("SKIPPED: the kernel refuses keyrings here");
            assert!(KernelKeyring.load(name).is_none());
            KernelKeyring.delete(name);
        }
        works.then_some(KernelKeyring)
    }

    #[test]
    fn keeps_replaces_and_forgets() {
        let Some(cache) = cache_or_skip("test-replace") else { return };
        assert!(cache.load("test-replace") == Some(Secret::from("probe")));
        let long = Secret::new(vec![b'x'; 5000]);
        assert!(cache.save("test-replace", &long, Duration::from_secs(60)));
        assert!(cache.load("test-replace") == Some(long));
        cache.delete("test-replace");
        assert!(cache.load("test-replace").is_none());
        cache.delete("test-replace");
    }

    #[test]
    fn forgets_by_itself() {
        let Some(cache) = cache_or_skip("test-expiry") else { return };
        assert!(cache.save("test-expiry", &Secret::from("short"), Duration::from_secs(1)));
        std::thread::sleep(Duration::from_millis(2100));
        assert!(cache.load("test-expiry").is_none());
    }

    #[test]
    fn refuses_what_no_key_can_hold() {
        assert!(!KernelKeyring.save("test-huge", &Secret::new(vec![0; 40_000]), Duration::from_secs(60)));
    }
}
