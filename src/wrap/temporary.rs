//! A session object for one operation, destroyed at its end.

use crate::status::Ckr;
use crate::template::{Template, shape};
use crate::token::mechanism::Mechanism;
use crate::token::{self, Handle, Token, refusal};

/// Makes a public object in the first of its shapes that the token takes. Which one it was.
///
/// # Errors
/// The refusal of the first, and at once what is no refusal.
pub(crate) fn create_public(token: &Token, shapes: &[Template]) -> Result<(Handle, usize), token::Error> {
    let mut first = None;
    for (place, shape) in shapes.iter().enumerate() {
        match token.create(shape) {
            Ok(object) => return Ok((object, place)),
            Err(error) if error.ckr().is_some_and(refusal::is_refusal) => {
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match first {
        Some(error) => Err(error),
        None => token.create(&Template::new()).map(|object| (object, 0)),
    }
}

/// Makes a pair of keys in the first of its shapes that the token takes.
///
/// # Errors
/// The refusal of the first, and at once what is not about a template.
pub(crate) fn generate_pair(
    token: &Token,
    mechanism: &Mechanism<'_>,
    public: &Template,
    private: &Template,
) -> Result<(Handle, Handle), token::Error> {
    let mut first = None;
    for (public, private) in shape::shapes_of_pair(public, private, token.profile()) {
        match token.generate_pair(mechanism, &public, &private) {
            Err(error) if error.ckr().is_some_and(is_about_template) => {
                first.get_or_insert(error);
            }
            outcome => return outcome,
        }
    }
    match first {
        Some(error) => Err(error),
        None => token.generate_pair(mechanism, public, private),
    }
}

fn is_about_template(ckr: Ckr) -> bool {
    refusal::is_about_shape(ckr) || ckr == Ckr::ATTRIBUTE_VALUE_INVALID
}

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
