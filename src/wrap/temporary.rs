//! A session object for one operation, destroyed at its end.

use crate::token::{Handle, Token};

/// A session object that is destroyed when this is dropped.
pub(crate) struct Temporary<'t> {
    token: &'t Token,
    pub(crate) handle: Handle,
}

impl<'t> Temporary<'t> {
    pub(crate) fn new(token: &'t Token, handle: Handle) -> Self {
        Self { token, handle }
    }
}

impl Temporary<'_> {
    /// The object stays: it has found an owner.
    pub(crate) fn keep(self) -> Handle {
        std::mem::ManuallyDrop::new(self).handle
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // The session's end destroys it in any case.
        let _ = self.token.destroy(self.handle);
    }
}
