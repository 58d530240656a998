//! An object that is to come onto the token: in the session first, where the token has session objects, and how it is made again.

use std::cell::Cell;
use std::rc::Rc;

use super::Error;
use crate::token::{Handle, Token};

/// An object that can be made in a session and, where copying is refused, again on the token.
pub(super) struct Source<'a> {
    /// The session object, if the token has such.
    pub(super) session: SessionObject,
    /// Whether it has been in the session.
    pub(super) is_seen: bool,
    /// Makes it anew on the token with this CKA_ID.
    pub(super) remake: Remake<'a>,
    /// Whether the object stands on the token already, under a mark: of a pair that the token makes nowhere else.
    pub(super) placed: bool,
}

impl<'a> Source<'a> {
    /// One that stands in the session.
    pub(super) fn new(session: Handle, remake: Remake<'a>) -> Self {
        Self { session: SessionObject(Rc::new(Cell::new(Some(session)))), is_seen: true, remake, placed: false }
    }

    /// One that stands on the token, under a mark.
    pub(super) fn placed(object: Handle, remake: Remake<'a>) -> Self {
        Self { placed: true, ..Self::new(object, remake) }
    }

    /// One that can only be made on the token.
    pub(super) fn on_token(remake: Remake<'a>) -> Self {
        Self { session: SessionObject::default(), is_seen: false, remake, placed: false }
    }
}

/// A session object as long as it is there. Its handle is used once to destroy it: the token may give it to another object then.
#[derive(Clone, Default)]
pub(super) struct SessionObject(Rc<Cell<Option<Handle>>>);

impl SessionObject {
    pub(super) fn get(&self) -> Option<Handle> {
        self.0.get()
    }

    /// It has found another owner.
    pub(super) fn take(&self) -> Option<Handle> {
        self.0.take()
    }

    /// Destroys it at the end, if it is there still.
    pub(super) fn guarded<'t>(&self, token: &'t Token) -> Guard<'t> {
        Guard { token, session: self.clone() }
    }

    pub(super) fn destroy(&self, token: &Token) {
        if let Some(object) = self.take() {
            // The session's end destroys it in any case.
            let _ = token.destroy(object);
        }
    }
}

/// Destroys a session object when it is dropped.
pub(super) struct Guard<'t> {
    token: &'t Token,
    session: SessionObject,
}

impl Guard<'_> {
    /// The object has found another owner, who has its handle too.
    pub(super) fn keep(self) {
        let _ = std::mem::ManuallyDrop::new(self);
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.session.destroy(self.token);
    }
}

/// Makes an object on the token with the CKA_ID that is given.
pub(super) type Remake<'a> = Box<dyn Fn(&[u8]) -> Result<Handle, crate::Error> + 'a>;

/// Of an object that cannot be made again.
pub(super) fn no_copy(_id: &[u8]) -> Result<Handle, crate::Error> {
    let what = "the token does not copy a key that it generated in a session".to_owned();
    Err(Error::Unsupported { what, ckr: None }.into())
}
