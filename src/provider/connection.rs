//! A token as the provider uses it, and what it has shown of itself since it was opened.
//!
//! What was learned of the token, and which objects stand under which name ([`Index`]), is shared by all that were made of one connection, one for each thread; the key under which keys are wrapped here is a session object and
//! each connection's own.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::index::Index;
use crate::token::{self, Token};
use crate::wrap::{ImportKek, Tried};

/// A token, and what is known of it.
#[derive(Debug)]
pub(super) struct Connection {
    token: Token,
    /// The key under which keys are wrapped here, once one was needed.
    kek: Mutex<Option<ImportKek>>,
    learned: Arc<Mutex<Learned>>,
    index: Arc<Index>,
}

/// What the token has answered.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// What C_CreateObject answered to keys of these types, which is not asked again.
    pub(super) refused: Vec<(u64, Tried)>,
    /// Whether it refused to change a CKA_ID.
    has_fixed_ids: bool,
    /// Whether it took a key on the token that it refused in the session.
    pub(super) has_no_session_objects: bool,
}

impl Connection {
    pub(super) fn new(token: Token) -> Self {
        Self { token, kek: Mutex::default(), learned: Arc::default(), index: Arc::default() }
    }

    /// For another thread: a session of its own, and what was learned.
    pub(super) fn another(&self) -> Result<Self, token::Error> {
        Ok(self.on(self.token.another()?))
    }

    /// On the token opened anew: what was learned is true still, and the index is made anew.
    pub(super) fn reopen(&self) -> Result<Self, token::Error> {
        Ok(self.on(self.token.reopen()?))
    }

    fn on(&self, token: Token) -> Self {
        let (learned, index) = (Arc::clone(&self.learned), Arc::clone(&self.index));
        Self { token, kek: Mutex::default(), learned, index }
    }

    /// What stands under which name, if that was listed.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Whether a CKA_ID can be changed, as far as is known.
    pub(super) fn sets(&self) -> bool {
        self.token.profile().sets && !self.learned().has_fixed_ids
    }

    pub(super) fn note_fixed_ids(&self) {
        self.learned().has_fixed_ids = true;
    }

    /// Whether keys can be session objects, where that is known.
    pub(super) fn has_session_objects(&self) -> Option<bool> {
        if self.learned().has_no_session_objects { Some(false) } else { self.token.profile().session_objects }
    }

    pub(super) fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held as long as the key is used: it is used in the one session that has it.
    pub(super) fn kek(&self) -> MutexGuard<'_, Option<ImportKek>> {
        self.kek.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Connection {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.token
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let kek = self.kek.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(kek) = kek {
            kek.destroy(&self.token);
        }
    }
}
