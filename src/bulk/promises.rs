//! The names that a plan gives away. Nothing stands under them yet, but the next key that wants one meets the key that a run would have put there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Debug};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::journal::Outcome;

/// What a plan has promised so far, from the first key of a run to the last.
#[derive(Default)]
pub struct Promises(RefCell<HashMap<String, Promise>>);

impl Debug for Promises {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promises").finish_non_exhaustive()
    }
}

/// A key that is not there yet.
#[derive(Clone)]
pub(super) struct Promise {
    /// Where it comes from.
    pub(super) source: String,
    what: Option<What>,
}

/// What a key is and is to be, where that is known before it is there. A digest of a short secret key gives it away: it is wiped, and nothing shows it.
#[derive(Clone)]
pub(super) struct What {
    key: Zeroizing<[u8; 32]>,
    certificate: Option<[u8; 32]>,
}

impl What {
    /// `key`: what tells it from every other; `asked`: all that it is to be besides.
    pub(super) fn new(key: &[u8], asked: &impl Debug, certificate: Option<&[u8]>) -> Self {
        let mut digest = Zeroizing::new([0; 32]);
        let hash = Sha256::new().chain_update((key.len() as u64).to_be_bytes()).chain_update(key);
        hash.chain_update(format!("{asked:?}")).finalize_into((&mut *digest).into());
        Self { key: digest, certificate: certificate.map(|certificate| Sha256::digest(certificate).into()) }
    }
}

impl Promise {
    /// Whether it is all that is wanted. Who has no certificate leaves the one that is there.
    pub(super) fn is(&self, wanted: Option<&What>) -> bool {
        let (Some(own), Some(wanted)) = (&self.what, wanted) else { return false };
        own.key == wanted.key && (wanted.certificate.is_none() || own.certificate == wanted.certificate)
    }
}

impl Promises {
    pub(super) fn of(&self, name: &str) -> Option<Promise> {
        self.0.borrow().get(name).cloned()
    }

    /// A key of this run has the name from now on, or has it already.
    pub(super) fn promise(&self, name: &str, outcome: Outcome, source: &str, what: Option<What>) {
        // The key that stays is another one, and looked at on the token.
        if outcome == Outcome::Skipped {
            return;
        }
        let promise = || Promise { source: source.to_owned(), what };
        self.0.borrow_mut().entry(name.to_owned()).or_insert_with(promise);
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Promises, What};

    #[test]
    fn a_promise_is_kept_to_the_same_key_with_all_that_is_asked_for_it() {
        let what = |key: &[u8], asked: &str, certificate| What::new(key, &asked, certificate);
        let (plain, certified) = (what(b"key", "sign", None), what(b"key", "sign", Some(b"one".as_slice())));
        let promises = Promises::default();
        promises.promise("plain", Outcome::Imported, "a", Some(plain.clone()));
        promises.promise("certified", Outcome::Identical, "b", Some(certified.clone()));
        promises.promise("unknown", Outcome::Identical, "c", None);
        promises.promise("left", Outcome::Skipped, "d", Some(plain.clone()));
        // The first one has it.
        promises.promise("plain", Outcome::Overwritten, "e", Some(certified.clone()));
        let is = |name: &str, wanted: Option<&What>| promises.of(name).map(|promise| promise.is(wanted));
        assert_eq!(is("plain", Some(&plain)), Some(true));
        assert_eq!(is("plain", Some(&certified)), Some(false));
        assert_eq!(is("certified", Some(&plain)), Some(true));
        assert_eq!(is("certified", Some(&certified)), Some(true));
        assert_eq!(is("certified", Some(&what(b"key", "sign", Some(b"two".as_slice())))), Some(false));
        assert_eq!(is("plain", Some(&what(b"key", "wrap", None))), Some(false));
        assert_eq!(is("plain", Some(&what(b"yek", "sign", None))), Some(false));
        assert_eq!(
            (is("plain", None), is("unknown", Some(&plain)), is("unknown", None)),
            (Some(false), Some(false), Some(false))
        );
        assert_eq!(is("left", Some(&plain)), None);
        assert_eq!(promises.of("plain").map(|promise| promise.source), Some("a".to_owned()));
        assert_eq!(format!("{promises:?}"), "Promises { .. }");
    }
}
