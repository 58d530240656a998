//! Objects on a token: found, read, made, copied, changed, destroyed, and used.

use super::mechanism::Mechanism;
use super::{Error, Pin, Token};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::Template;
use crate::template::attribute::CKA_VALUE;
use crate::template::get::{ObjectRecord, RECORD};
use crate::template::shape;

/// An object's handle, valid while its session is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Handle(pub(crate) u64);

impl Token {
    /// Every object that has all the attributes of `template`. Three calls for up to a thousand objects.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn find(&self, template: &Template) -> Result<Vec<Handle>, Error> {
        let session = self.session()?;
        self.module.raw().find(session.handle(), template)
    }

    /// What is read of every object, in one call where the token allows it.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn read(&self, object: Handle) -> Result<ObjectRecord, Error> {
        let values = self.attributes(object, RECORD)?;
        Ok(ObjectRecord::new(object.0, values))
    }

    /// Finds and reads. Left out is what cannot be read: an object that another program destroyed since it was found, or one that the token
    /// itself can make nothing of, which must not hide all others.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn find_and_read(&self, template: &Template) -> Result<Vec<ObjectRecord>, Error> {
        let mut records = Vec::new();
        for object in self.find(template)? {
            match self.read(object) {
                Ok(record) => records.push(record),
                // SoftHSM2 answers the second for an object whose class and key type do not go together.
                Err(error) if error.is(Ckr::OBJECT_HANDLE_INVALID) || error.is(Ckr::ATTRIBUTE_VALUE_INVALID) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// Chosen attributes with the buffer sizes to try first; `None` for each that the object does not have or does not give.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn attributes(&self, object: Handle, wanted: &[(u64, usize)]) -> Result<Vec<Option<SecretBytes>>, Error> {
        let session = self.session()?;
        self.module.raw().attributes(session.handle(), object, wanted, self.profile.asks_sizes)
    }

    /// An attribute whose value is an array of attributes; `None` where the object does not have it or does not give it.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn attribute_array(&self, object: Handle, kind: u64) -> Result<Option<Vec<(u64, SecretBytes)>>, Error> {
        let session = self.session()?;
        self.module.raw().attribute_array(session.handle(), object, kind)
    }

    /// Makes an object.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn create(&self, template: &Template) -> Result<Handle, Error> {
        self.module.raw().create(self.session()?.handle(), template, self.profile.frees)
    }

    /// Copies an object, changing the attributes of `changes`.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn copy(&self, object: Handle, changes: &Template) -> Result<Handle, Error> {
        self.module.raw().copy(self.session()?.handle(), object, changes)
    }

    /// Changes attributes of an object.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn set(&self, object: Handle, changes: &Template) -> Result<(), Error> {
        self.module.raw().set(self.session()?.handle(), object, changes)
    }

    /// Destroys an object.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn destroy(&self, object: Handle) -> Result<(), Error> {
        self.module.raw().destroy(self.session()?.handle(), object)
    }

    /// Signs: C_SignInit and C_Sign into a buffer of `capacity` bytes, which grows only if the token says so.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn sign(&self, mechanism: &Mechanism<'_>, key: Handle, data: &[u8], capacity: usize) -> Result<Vec<u8>, Error> {
        self.sign_as(None, mechanism, key, data, capacity)
    }

    /// The same with a key that wants its PIN at every use (CKA_ALWAYS_AUTHENTICATE): a login of its own stands between the two calls.
    ///
    /// # Errors
    /// [`Error`] as the token answers; [`Error::Pin`] where it refuses the PIN, which is not tried twice.
    pub fn sign_as(
        &self,
        pin: Option<&Pin>,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        capacity: usize,
    ) -> Result<Vec<u8>, Error> {
        self.in_any(|session| {
            self.module.raw().sign(session, mechanism, key, data, capacity, || self.login_for_use(session, pin))
        })
    }

    /// Verifies: whether the token finds the signature right.
    ///
    /// # Errors
    /// [`Error`] for anything but a wrong signature.
    pub fn verify(&self, mechanism: &Mechanism<'_>, key: Handle, data: &[u8], signature: &[u8]) -> Result<bool, Error> {
        self.in_any(|session| self.module.raw().verify(session, mechanism, key, data, signature))
    }

    /// Encrypts in one part.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn encrypt(
        &self,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        capacity: usize,
    ) -> Result<Vec<u8>, Error> {
        self.in_any(|session| self.module.raw().encrypt(session, mechanism, key, data, capacity))
    }

    /// Decrypts in one part.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn decrypt(
        &self,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        capacity: usize,
    ) -> Result<SecretBytes, Error> {
        self.decrypt_as(None, mechanism, key, data, capacity)
    }

    /// The same with a key that wants its PIN at every use, as [`Token::sign_as`].
    ///
    /// # Errors
    /// As [`Token::sign_as`].
    pub fn decrypt_as(
        &self,
        pin: Option<&Pin>,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        capacity: usize,
    ) -> Result<SecretBytes, Error> {
        self.in_any(|session| {
            self.module.raw().decrypt(session, mechanism, key, data, capacity, || self.login_for_use(session, pin))
        })
    }

    /// Derives a key.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn derive(&self, mechanism: &Mechanism<'_>, base: Handle, template: &Template) -> Result<Handle, Error> {
        let session = self.session()?;
        self.module.raw().derive(session.handle(), mechanism, base, template)
    }

    /// Derives a key, reads its value and destroys it, all in one session: `None` where the token does not give the value.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn derive_value(
        &self,
        mechanism: &Mechanism<'_>,
        base: Handle,
        template: &Template,
        len: usize,
    ) -> Result<Option<SecretBytes>, Error> {
        self.derive_value_as(None, mechanism, base, template, len)
    }

    /// The same with a key that wants its PIN at every use. C_DeriveKey has no Init call after which the standard has a login: where the token asks for one it is
    /// made, and the call once more.
    ///
    /// # Errors
    /// As [`Token::sign_as`].
    pub fn derive_value_as(
        &self,
        pin: Option<&Pin>,
        mechanism: &Mechanism<'_>,
        base: Handle,
        template: &Template,
        len: usize,
    ) -> Result<Option<SecretBytes>, Error> {
        let raw = self.module.raw();
        self.in_any(|session| {
            let object = match raw.derive(session, mechanism, base, template) {
                Err(error) if pin.is_some() && error.is(Ckr::USER_NOT_LOGGED_IN) => {
                    self.login_for_use(session, pin)?;
                    raw.derive(session, mechanism, base, template)?
                }
                outcome => outcome?,
            };
            let values = raw.attributes(session, object, &[(CKA_VALUE, len)], self.profile.asks_sizes);
            raw.destroy(session, object)?;
            Ok(values?.into_iter().next().flatten())
        })
    }

    /// Wraps a key: one call, with a buffer of `capacity` bytes that grows only if the token says so.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn wrap(&self, mechanism: &Mechanism<'_>, kek: Handle, key: Handle, capacity: usize) -> Result<Vec<u8>, Error> {
        self.in_any(|session| self.module.raw().wrap(session, mechanism, kek, key, capacity))
    }

    /// Unwraps a key.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn unwrap_key(
        &self,
        mechanism: &Mechanism<'_>,
        kek: Handle,
        wrapped: &[u8],
        template: &Template,
    ) -> Result<Handle, Error> {
        let session = self.session()?;
        let said = shape::for_unwrapping(template, self.profile);
        self.module.raw().unwrap_key(session.handle(), mechanism, kek, wrapped, said.as_ref().unwrap_or(template))
    }

    /// Makes a secret key on the token.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn generate(&self, mechanism: &Mechanism<'_>, template: &Template) -> Result<Handle, Error> {
        let session = self.session()?;
        self.module.raw().generate(session.handle(), mechanism, template)
    }

    /// Makes a key pair on the token: the handles of its public and its private object.
    ///
    /// # Errors
    /// [`Error`] as the token answers.
    pub fn generate_pair(
        &self,
        mechanism: &Mechanism<'_>,
        public: &Template,
        private: &Template,
    ) -> Result<(Handle, Handle), Error> {
        let session = self.session()?;
        self.module.raw().generate_pair(session.handle(), mechanism, public, private)
    }
}
