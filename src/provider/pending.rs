//! A key between `NCryptCreatePersistedKey` and `NCryptFinalizeKey`: what was said of it, and where its material comes from.

use super::explain::Explanations;
use super::lookup::Stage;
use super::way::Routing;
use super::{Error, KeyName, rights};
use crate::asn1::certificate::CertificateParts;
use crate::blob::{self, BlobType, Decoded, Hints};
use crate::key::identity;
use crate::key::{Algorithm, Curve, ExportPolicy, KeyUsage, PublicKey, SymmetricAlgorithm, Validation};
use crate::secret::SecretBytes;
use crate::template::Additions;
use crate::wrap::{ImportKek, Sealed};

/// A key that is not on the token yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) name: Option<KeyName>,
    pub(super) overwrite: bool,
    pub(super) validation: Validation,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) curve: Option<&'static Curve>,
    pub(super) policy: ExportPolicy,
    pub(super) usage: Option<KeyUsage>,
    pub(super) length: Option<u32>,
    pub(super) id: Option<Vec<u8>>,
    pub(super) certificate: Option<CertificateParts>,
    /// The certificates above that one.
    pub(super) issuers: Vec<CertificateParts>,
    /// What the private or the secret object is to have besides.
    pub(super) additions: Additions,
    /// The most that the container of the key lets it have.
    pub(super) ceiling: Option<(ExportPolicy, KeyUsage)>,
    /// Whether the key came wrapped, though it is in the clear here.
    pub(super) came_wrapped: bool,
    /// Which routes it may take, if it is in the clear here.
    pub(super) routing: Routing,
    /// The key under which it is wrapped here, if the caller named one.
    pub(super) kek: Option<ImportKek>,
    /// Whether a use of the key is tried before it counts.
    pub(super) is_proven: bool,
    /// What the user should know, once the key is there.
    pub(super) warnings: Vec<String>,
    /// Why the token refused, if that is to be found out.
    pub(super) explanations: Explanations,
    pub(super) material: Material,
}

/// Where a pending key's material comes from.
#[derive(Debug)]
pub(super) enum Material {
    /// A blob set as a property; decoded when everything that may stand beside it is known.
    Blob { blob_type: BlobType, bytes: SecretBytes },
    /// A decoded key.
    Key(Decoded),
    /// Nothing: the token generates it.
    None,
    /// A wrapped key, to be opened on the token.
    Wrapped { sealed: Sealed, target: Target },
}

/// What is inside a wrap.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A PKCS#8; its public half, where a container tells it.
    Private(Option<PublicKey>),
    /// A bare key; its size, where it is known before it is opened.
    Secret { algorithm: SymmetricAlgorithm, bits: Option<u32> },
}

impl Pending {
    pub(super) fn new(material: Material, name: Option<KeyName>, overwrite: bool) -> Self {
        Self {
            name,
            overwrite,
            validation: Validation::Full,
            algorithm: None,
            curve: None,
            policy: ExportPolicy::NONE,
            usage: None,
            length: None,
            id: None,
            certificate: None,
            issuers: Vec::new(),
            additions: Additions::default(),
            ceiling: None,
            came_wrapped: false,
            routing: Routing::Any,
            kek: None,
            is_proven: true,
            warnings: Vec::new(),
            explanations: None,
            material,
        }
    }

    pub(super) fn set_id(&mut self, id: &[u8]) -> Result<(), crate::Error> {
        if id.is_empty() || id.len() > identity::MAX_ID {
            let what = format!("a CKA_ID of {} bytes (1 to {} are taken)", id.len(), identity::MAX_ID);
            return Err(Error::Contradiction { what }.into());
        }
        if Stage::is_like_a_mark(id) {
            let what = "a CKA_ID that holds the mark of an unfinished import".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        self.id = Some(id.to_vec());
        Ok(())
    }

    pub(super) fn hints(&self) -> Hints<'static> {
        Hints { algorithm: self.algorithm, curve: self.curve, validation: self.validation, ..Hints::default() }
    }

    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match &self.material {
            Material::Key(decoded) => Some(decoded.algorithm),
            Material::Wrapped { target: Target::Secret { algorithm, .. }, .. } => {
                Some(Algorithm::symmetric(*algorithm))
            }
            _ => match (self.algorithm, self.curve) {
                (Some(algorithm), Some(curve)) if algorithm.family.is_elliptic() => {
                    Some(Algorithm::elliptic(algorithm.family, curve))
                }
                (algorithm, _) => algorithm,
            },
        }
    }

    pub(super) fn bits(&self) -> Option<u32> {
        match &self.material {
            Material::Key(decoded) => Some(decoded.key.bits()),
            _ => self.length.or_else(|| self.algorithm()?.curve.map(|curve| curve.field_bits)),
        }
    }

    pub(super) fn asked_usage(&self) -> KeyUsage {
        let default = || self.algorithm().map(|algorithm| algorithm.family.default_usage()).unwrap_or_default();
        self.usage.unwrap_or_else(default)
    }

    /// The usage of a key of this algorithm: what was asked, else what its PKCS#8 attribute allows, else what it is for.
    pub(super) fn usage_for(
        &self,
        algorithm: Algorithm,
        attribute: Option<KeyUsage>,
    ) -> Result<KeyUsage, crate::Error> {
        if let Some(asked) = self.usage.filter(|usage| !usage.is_empty()) {
            return Ok(algorithm.usage(asked)?);
        }
        let Some(attribute) = attribute else { return Ok(algorithm.usage(algorithm.family.default_usage())?) };
        let possible = algorithm.usage(KeyUsage::ALL)?;
        if (attribute & possible).is_empty() {
            let what = "the keyUsage attribute of the file allows no use that this kind of key has".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        Ok(attribute & possible)
    }

    /// What a container lets a key have is the most it gets.
    pub(super) fn check_ceiling(&self, usage: KeyUsage) -> Result<(), Error> {
        match self.ceiling.and_then(|most| rights::gained(most, (self.policy, usage))) {
            None => Ok(()),
            Some(gained) => Err(Error::ContainerForbids { gained }),
        }
    }

    /// What was said of the key's size and curve must be true of it.
    pub(super) fn check_said(&self, algorithm: Algorithm, bits: u32) -> Result<(), Error> {
        if let Some(length) = self.length.filter(|length| *length != bits) {
            return Err(Error::Contradiction { what: format!("the key has {bits} bits, but Length says {length}") });
        }
        if let (Some(said), Some(found)) = (self.curve, algorithm.curve)
            && said != found
        {
            let what = format!("the key is on {}, but the curve said is {}", found.name, said.name);
            return Err(Error::Contradiction { what });
        }
        Ok(())
    }

    /// Sets a blob as a property. What is wrong with it by itself is said now; what depends on later properties, at finalize.
    pub(super) fn set_blob(&mut self, blob_type: BlobType, bytes: &[u8]) -> Result<(), crate::Error> {
        if blob_type.is_public() {
            return Err(Error::PublicNotPersisted.into());
        }
        let hints = Hints { validation: Validation::Skip, ..self.hints() };
        match blob::decode(bytes, blob_type, &hints) {
            // The curve may be set after the blob.
            Ok(_) | Err(blob::Error::CurveMissing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.material = Material::Blob { blob_type, bytes: SecretBytes::from(bytes) };
        Ok(())
    }
}
