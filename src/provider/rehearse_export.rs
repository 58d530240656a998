//! What an export would be refused for, and nothing leaves.

use super::export::ExportParameters;
use super::transport::wrapping_keys;
use super::wrapped::check_leaves;
use super::{Error, Key};
use crate::asn1::Encryption;
use crate::blob::BlobType;
use crate::format::Format;
use crate::key::KeyMaterial;
use crate::secret::SecretBytes;

impl Key {
    /// Every check of an export that comes before the token reads or wraps what is secret: the policy, whether the format holds such a key, whether the recipients may have it. What the token itself
    /// would refuse is not known. Without recipients and without a password what is not public would leave in the clear.
    ///
    /// # Errors
    /// What [`Key::export_to`], [`Key::export`] and [`Key::danger_export_plaintext`] would answer, as far as it can be known so.
    pub fn rehearse_export(
        &self,
        recipients: &[&Self],
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<(), crate::Error> {
        if !recipients.is_empty() {
            return self.rehearse_wrapping(recipients, format, parameters);
        }
        let password = parameters.password.as_ref();
        // What is public is no secret; what lacks the key that wraps it, or cannot be under a password, is refused before anything is read.
        if format.is_public() || format.is_wrapped() || (password.is_some() && !format.holds_pkcs8()) {
            return self.export_own(None, format, parameters).map(|_| ());
        }
        if password.is_some() {
            self.payload(self.finalized()?)?;
            if self.is_encrypted_on_token(format)? {
                return Ok(());
            }
        }
        // Nothing is in it: one iteration is enough.
        let encryption = Encryption { iterations: 1, ..parameters.encryption };
        self.write(&self.stand_in()?, format, password, encryption).map(|_| ())
    }

    /// The same of an `OpaqueTransport` whose recipient is not there yet.
    pub(crate) fn rehearse_sending(&self) -> Result<(), crate::Error> {
        let ready = self.finalized()?;
        self.sayable(self.payload(ready)?, &ExportParameters::default()).map(|_| ())
    }

    fn rehearse_wrapping(
        &self,
        recipients: &[&Self],
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<(), crate::Error> {
        let ready = self.finalized()?;
        let payload = self.payload(ready)?;
        check_leaves(ready)?;
        match format {
            Format::Blob(BlobType::OpaqueTransport) => {
                self.sayable(payload, parameters)?;
                wrapping_keys(payload.token, recipients, parameters.force)?;
            }
            Format::Blob(BlobType::Pkcs7Envelope) => {
                self.rehearse_envelope(payload, recipients, parameters)?;
            }
            _ => {
                payload.choose(recipients, format, parameters)?;
            }
        }
        Ok(())
    }

    /// A key of the same kind and size as one that may be read, with a one for each of its numbers: whether a format holds a key is a matter of these.
    fn stand_in(&self) -> Result<KeyMaterial, crate::Error> {
        let (ready, _) = self.readable()?;
        // 24 bytes are a key of each symmetric algorithm.
        let secret_len = ready.secret_object.map(|_| ready.bits.map_or(24, |bits| bits as usize / 8));
        self.material(|kinds| {
            let one = |&(_, width): &(u64, usize)| {
                let number = SecretBytes::left_padded(&[1], secret_len.unwrap_or(width));
                number.ok_or_else(|| Error::NoPublic { name: ready.label.clone() }.into())
            };
            kinds.iter().map(one).collect()
        })
    }
}
