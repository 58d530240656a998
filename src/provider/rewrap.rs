//! A wrapped key from one wrapping key to another, on the token: unwrapped into a session object that nobody keeps, and wrapped again.
//!
//! The key gets no name, no rights and no place on the token, and is never in the clear on the host. A key that came with rights of its own, in an `OpaqueTransport`,
//! goes on in one: the travelling key stays wrapped as it is, and only who can open it changes.

use super::export::{ExportParameters, Exported};
use super::pending::Target;
use super::wrapped::Payload;
use super::{Error, ImportParameters, Key, StorageProvider, envelope, kek, sealed};
use crate::blob::BlobType;
use crate::format::Format;
use crate::template::put::PrivateKind;
use crate::wrap::{Opening, Temporary};

const TRANSPORT: Format = Format::Blob(BlobType::OpaqueTransport);
const ENVELOPE: Format = Format::Blob(BlobType::Pkcs7Envelope);

/// A wrapped key and what opens it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The key on the token that opens it.
    pub key: &'a Key,
    /// What is inside, or what carries it.
    pub format: Format,
    /// What stands beside it: scheme, hash, label; the algorithm of a symmetric key in a container.
    pub parameters: &'a ImportParameters,
    /// The bytes.
    pub data: &'a [u8],
}

impl StorageProvider {
    /// Wraps a wrapped key anew, for other recipients, in the same format or another. Nothing is created on the token but session objects.
    ///
    /// # Errors
    /// As [`StorageProvider::import_wrapped`] and [`Key::export_to`].
    pub fn rewrap(
        &self,
        incoming: Incoming<'_>,
        recipients: &[&Key],
        format: Format,
        parameters: &ExportParameters,
    ) -> Result<Exported, crate::Error> {
        match (incoming.format == TRANSPORT, format == TRANSPORT) {
            (true, true) => {
                kek::check_says_itself(incoming.format.name(), incoming.parameters)?;
                if incoming.parameters.algorithm.is_some()
                    || parameters.scheme.is_some()
                    || !parameters.label.is_empty()
                {
                    let what = "an OpaqueTransport says what is in it, and has a scheme of its own".to_owned();
                    return Err(Error::Contradiction { what }.into());
                }
                let bytes = self.forward_transport(incoming.key, recipients, parameters, incoming.data)?;
                // What is wrapped inside is as the first token made it.
                return Ok(Exported { bytes: bytes.into(), zero_padded: false, scheme: None, hash: None });
            }
            (false, false) => {}
            (true, false) => {
                let what = "a key in an OpaqueTransport has rights that another format does not carry".to_owned();
                return Err(Error::Contradiction { what }.into());
            }
            (false, true) => {
                let what =
                    "an OpaqueTransport tells name and rights, which the file does not: import it first".to_owned();
                return Err(Error::Contradiction { what }.into());
            }
        }
        let (sealed, target) = match incoming.format {
            ENVELOPE => envelope::sealed(incoming.key, incoming.parameters, incoming.data)?,
            format => sealed::sealed(incoming.key, format, incoming.parameters, incoming.data)?,
        };
        let opening = sealed.open(&self.token)?;
        let (object, is_private, bits) = self.passenger(&opening, &target)?;
        let capacity = incoming.data.len() + 64;
        let symmetric = match target {
            Target::Secret { algorithm, .. } => Some(algorithm),
            Target::Private(_) => None,
        };
        let payload = Payload { token: &self.token, object: object.handle, is_private, symmetric, bits, capacity };
        match format {
            ENVELOPE => payload.envelope(recipients, parameters),
            format => payload.wrap(recipients, format, parameters),
        }
    }

    /// The key as a session object that leaves wrapped, and does nothing else; whether it is a private key, and its size if it is not.
    fn passenger<'o>(
        &'o self,
        opening: &'o Opening<'_>,
        target: &Target,
    ) -> Result<(Temporary<'o>, bool, Option<u32>), crate::Error> {
        match target {
            Target::Secret { algorithm, bits } => {
                let bits = match bits {
                    Some(bits) => Some(*bits),
                    None => opening.secret_bits(*algorithm, None)?,
                };
                Ok((opening.passenger(*algorithm, bits)?, false, bits))
            }
            Target::Private(_) => {
                let (kind, object) = opening.private_passenger(&PrivateKind::ALL)?;
                if kind == PrivateKind::Ec && self.token.profile().points_travel {
                    let what =
                        "an elliptic key would leave this token with a public point that is none: import it first";
                    return Err(Error::Unsupported { what: what.to_owned(), ckr: None }.into());
                }
                Ok((object, true, None))
            }
        }
    }
}
