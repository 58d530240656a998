//! An `EncryptedPrivateKeyInfo` opened on the token: the password's key becomes a session object, and PBES2 with AES in CBC mode is what CKM_AES_CBC_PAD unwraps
//! (RFC 8018 §6.2). The key is not in the clear on the host.

use super::pending::{Material, Target};
use super::{ImportParameters, Key, StorageProvider};
use crate::asn1::pem::Label;
use crate::asn1::{self, Limits, Opening};
use crate::key::ExportPolicy;
use crate::provider::Flags;
use crate::secret::SecretBytes;
use crate::template::put::PrivateKind;
use crate::template::temporary;
use crate::token::refusal;
use crate::wrap::{self, Sealed};

impl StorageProvider {
    /// Imports a private key from an `EncryptedPrivateKeyInfo`, DER or PEM, that the token opens itself. `None` where it cannot: it has no such mechanism, the
    /// password is wrong, or what is inside is nothing that it takes; then the file is for [`StorageProvider::import_decoded`], decrypted here.
    ///
    /// The keyUsage attribute of such a file is not seen, and the outcome says so.
    ///
    /// # Errors
    /// As [`StorageProvider::import_wrapped`].
    pub fn import_encrypted(
        &self,
        file: &[u8],
        limits: Limits,
        parameters: &ImportParameters,
        flags: Flags,
    ) -> Result<Option<Key>, crate::Error> {
        if parameters.password.is_none() || !self.opens_encrypted(file, limits)? {
            return Ok(None);
        }
        let armoured = armoured(file).transpose()?;
        let der = armoured.as_deref().unwrap_or(file);
        let opening = Opening { password: parameters.password.as_ref(), limits };
        let Some((key, bytes)) = asn1::password_key(der, opening)? else { return Ok(None) };
        let sealed = Sealed::Password { key, bytes: bytes.to_vec() };
        match self.unwraps_privately(&sealed) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            // A token that takes no secret key in the clear does not take the password's.
            Err(crate::Error::Wrap(wrap::Error::Token(error))) if error.ckr().is_some_and(refusal::is_refusal) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let material = Material::Wrapped { sealed, target: Target::Private(None) };
        let key = self.import_prepared(material, parameters, flags, |pending| {
            let unseen = "the token opened the file by itself: a keyUsage attribute in it was not seen";
            pending.warnings.push(unseen.to_owned());
            Ok(())
        });
        key.map(Some)
    }

    /// Whether this is an `EncryptedPrivateKeyInfo` of a kind that the token says it can open by itself.
    ///
    /// # Errors
    /// What is wrong with the file, and as the token answers.
    pub fn opens_encrypted(&self, file: &[u8], limits: Limits) -> Result<bool, crate::Error> {
        let armoured: Option<SecretBytes> = match armoured(file) {
            Some(Err(_)) => return Ok(false),
            Some(Ok(der)) => Some(der),
            None => None,
        };
        let der = armoured.as_deref().unwrap_or(file);
        if !asn1::pkcs8::is_encrypted(der) {
            return Ok(false);
        }
        match asn1::password_cipher(der, limits)? {
            Some(cipher) => Ok(wrap::unwraps_cbc(&self.token, cipher)?),
            None => Ok(false),
        }
    }

    /// Whether the token unwraps this as a private key of which the public half can be known. Tried on a session object that nobody keeps.
    pub(super) fn unwraps_privately(&self, sealed: &Sealed) -> Result<bool, crate::Error> {
        let kinds = [PrivateKind::Rsa, PrivateKind::Ec];
        let opened = sealed.open(&self.token)?;
        match opened.unwrap_private(&kinds, |kind| temporary::private(kind, ExportPolicy::NONE)) {
            Ok((_, object)) => {
                let object = wrap::Temporary::new(&self.token, object);
                let record = self.token.read(object.handle)?;
                Ok(record.public.is_some() || record.curve.is_some_and(|curve| curve.has_arithmetic()))
            }
            Err(wrap::Error::Unwrap { .. } | wrap::Error::Integrity | wrap::Error::Mechanism { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What stands in a PEM file, if it is one.
fn armoured(file: &[u8]) -> Option<Result<SecretBytes, asn1::Error>> {
    asn1::pem::is_pem(file)
        .then(|| asn1::pem::find(file, &[Label::EncryptedPrivateKey]).and_then(|section| section.decode()))
}
