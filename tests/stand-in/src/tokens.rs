//! The tokens in circulation: issued by the token endpoint, honoured by the SMTP server, taken away by a test.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

struct Access {
    scope: String,
    expires: Instant,
}

#[derive(Default)]
struct Ledger {
    issued: u64,
    access: HashMap<String, Access>,
    /// Refresh token to the scope it was granted for.
    refresh: HashMap<String, String>,
}

type Introspection = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Who may do what until when.
pub struct Tokens {
    ledger: Mutex<Ledger>,
    introspection: Mutex<Option<Introspection>>,
    random: RandomState,
    access_length: usize,
}

impl Tokens {
    pub(crate) fn new(access_length: usize) -> Self {
        Self { ledger: Mutex::default(), introspection: Mutex::default(), random: RandomState::new(), access_length }
    }

    /// A new access token, valid at the SMTP server when `scope` has SMTP.Send.
    pub fn issue_access(&self, scope: &str, lifetime: Duration) -> String {
        let token = self.opaque("EwB", self.access_length);
        let access = Access { scope: scope.to_owned(), expires: Instant::now() + lifetime };
        self.ledger().access.insert(token.clone(), access);
        token
    }

    /// A new refresh token.
    pub fn issue_refresh(&self, scope: &str) -> String {
        let token = self.opaque("M.C5", 400);
        self.ledger().refresh.insert(token.clone(), scope.to_owned());
        token
    }

    /// From now on SMTP asks about access tokens that were not issued here.
    pub fn honour(&self, introspection: impl Fn(&str) -> bool + Send + Sync + 'static) {
        *self.introspection.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(introspection));
    }

    /// Whether SMTP would take this access token now.
    pub fn may_send(&self, token: &str) -> bool {
        if let Some(scope) = self.live_scope(token) {
            return scope.contains("SMTP.Send");
        }
        if self.ledger().access.contains_key(token) {
            return false;
        }
        let introspection = self.introspection.lock().unwrap_or_else(PoisonError::into_inner);
        introspection.as_ref().is_some_and(|introspection| introspection(token))
    }

    /// Whether the resource this scope belongs to would take this access token now.
    pub fn has_scope(&self, token: &str, scope: &str) -> bool {
        self.live_scope(token).is_some_and(|granted| granted.split(' ').any(|one| one == scope))
    }

    fn live_scope(&self, token: &str) -> Option<String> {
        let ledger = self.ledger();
        let access = ledger.access.get(token)?;
        (access.expires > Instant::now()).then(|| access.scope.clone())
    }

    /// The scope a refresh token stands for; `None` when it is not honoured.
    pub fn granted_scope(&self, refresh: &str) -> Option<String> {
        self.ledger().refresh.get(refresh).cloned()
    }

    /// Every access token issued so far stops working, as after a password change or an hour.
    pub fn revoke_all_access(&self) {
        self.ledger().access.clear();
    }

    /// Every refresh token issued so far stops working.
    pub fn revoke_all_refresh(&self) {
        self.ledger().refresh.clear();
    }

    /// One token, of either kind, stops working.
    pub fn revoke(&self, token: &str) {
        let mut ledger = self.ledger();
        ledger.access.remove(token);
        ledger.refresh.remove(token);
    }

    /// Letters and digits nobody can guess.
    pub(crate) fn opaque(&self, prefix: &str, length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let serial = {
            let mut ledger = self.ledger();
            ledger.issued += 1;
            ledger.issued
        };
        let mut token = String::from(prefix);
        for block in 0_u64.. {
            let mut bits = self.random.hash_one((serial, block));
            for _ in 0..10 {
                if token.len() >= length.max(prefix.len() + 8) {
                    return token;
                }
                token.push(char::from(ALPHABET[(bits & 63) as usize]));
                bits >>= 6;
            }
        }
        token
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
