//! `BCryptGenerateSymmetricKey`, `BCryptImportKey` and `BCryptImportKeyPair`.

use super::algorithm::Cipher;
use super::blobs::{Direction, as_bcrypt, blob_type};
use super::key::{Material, on_token};
use super::{AlgorithmProvider, BcryptKey, Tokens, invalid, only, refused};
use crate::blob::key_data::HEADER;
use crate::blob::{self, BlobType, Decoded, Hints, ecc};
use crate::format::Format;
use crate::key::{Algorithm, ExportPolicy, Family, KeyMaterial, KeyUsage, PublicKey, SymmetricKey, Validation};
use crate::provider::{Flags, ImportParameters, Key, State, StorageProvider};
use crate::secret::SecretBytes;
use crate::status::Status;
use crate::template::put::{self, Attributes};
use crate::template::{Additions, shape};
use crate::wrap;

/// `BCRYPT_NO_KEY_VALIDATION`
const NO_KEY_VALIDATION: u32 = 0x8;

impl BcryptKey {
    /// A symmetric key from its bytes (`BCryptGenerateSymmetricKey`).
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a length that the algorithm does not have: one that is too long is not cut; `STATUS_NOT_SUPPORTED` for an algorithm without symmetric
    /// keys; what the token says.
    pub fn generate_symmetric(
        algorithm: &AlgorithmProvider,
        tokens: &Tokens<'_>,
        secret: &[u8],
        flags: u32,
    ) -> Result<Self, crate::Error> {
        only(flags, 0)?;
        let cipher = algorithm.cipher()?;
        let decoded = symmetric(cipher, secret)?;
        let provider = tokens()?;
        let key = place(algorithm, &provider, &decoded, Flags::NONE)?;
        Ok(Self::new(algorithm, Material::Token(key)))
    }

    /// A symmetric key from a blob (`BCryptImportKey`). With `import_key`, a key of the token, the blob is encrypted under that and opened there.
    ///
    /// # Errors
    /// `STATUS_BUFFER_TOO_SMALL` for a blob that is shorter than its header, `STATUS_INVALID_PARAMETER` for one that is wrong otherwise, that was not wrapped so, or a wrapped
    /// one without `import_key`; `STATUS_NOT_SUPPORTED` for a type that does not go with the algorithm; what the token says.
    pub fn import(
        algorithm: &AlgorithmProvider,
        tokens: &Tokens<'_>,
        import_key: Option<&Key>,
        blob_name: &str,
        data: &[u8],
        flags: u32,
    ) -> Result<Self, crate::Error> {
        only(flags, 0)?;
        let cipher = algorithm.cipher()?;
        let kind = blob_type(algorithm.row(), blob_name, Direction::Import, import_key.is_some())?;
        if let Some(import_key) = import_key {
            return Self::import_wrapped(algorithm, import_key, kind, data);
        }
        if data.len() < HEADER {
            let what = format!("a {blob_name} has {HEADER} bytes or more, not {}", data.len());
            return Err(refused(Status::STATUS_BUFFER_TOO_SMALL, what));
        }
        let secret = match kind {
            BlobType::OpaqueKey => opaque_key(cipher, data)?,
            _ => SecretBytes::from(
                blob::key_data::KeyDataBlob::decode(data)
                    .map_err(|error| as_bcrypt(algorithm.row(), error.into()))?
                    .key(),
            ),
        };
        Self::generate_symmetric(algorithm, tokens, &secret, 0)
    }

    /// A public key, or a pair, from a blob (`BCryptImportKeyPair`). A public key asks for no token, unless it is for signatures on a curve without arithmetic here. `import_key` is as in [`Self::import`].
    ///
    /// # Errors
    /// `NTE_BAD_DATA` for an RSA blob whose lengths contradict each other, `STATUS_INVALID_PARAMETER` for any other blob that is wrong or of another algorithm,
    /// `STATUS_NOT_SUPPORTED` for a type that does not go with the algorithm, or a private key of one that is not on tokens; what the token says.
    pub fn import_pair(
        algorithm: &AlgorithmProvider,
        tokens: &Tokens<'_>,
        import_key: Option<&Key>,
        blob_name: &str,
        data: &[u8],
        flags: u32,
    ) -> Result<Self, crate::Error> {
        only(flags, NO_KEY_VALIDATION)?;
        let row = algorithm.row();
        let kind = blob_type(row, blob_name, Direction::Import, import_key.is_some())?;
        if let Some(import_key) = import_key {
            return Self::import_wrapped(algorithm, import_key, kind, data);
        }
        let own = algorithm.algorithm()?;
        let (validation, flags) = match flags {
            0 => (Validation::Full, Flags::NONE),
            _ => (Validation::Skip, Flags::NO_KEY_VALIDATION),
        };
        let is_specific = own.curve.is_some() && !row.is_generic();
        if is_specific && !matches!(kind, BlobType::EccFullPublic | BlobType::EccFullPrivate) && ecc::is_generic(data) {
            return Err(invalid(format!("the blob is not one of {}: it names no curve", row.id)));
        }
        let hints = Hints { algorithm: Some(own), validation, ..Hints::default() };
        let decoded = blob::decode(data, kind, &hints).map_err(|error| as_bcrypt(row, error.into()))?;
        if let KeyMaterial::Public(public) = decoded.key {
            let verifier = verifier(algorithm, tokens, &public);
            return Ok(Self::new(algorithm, Material::Public(public)).with_verifier(verifier));
        }
        let key = place(algorithm, &tokens()?, &decoded, flags)?;
        Ok(Self::new(algorithm, Material::Token(key)))
    }

    /// What another key of the token opens.
    fn import_wrapped(
        algorithm: &AlgorithmProvider,
        import_key: &Key,
        kind: BlobType,
        data: &[u8],
    ) -> Result<Self, crate::Error> {
        let row = algorithm.row();
        if row.cipher() == Some(Cipher::TripleDes112) {
            // What is inside has sixteen bytes, and cannot be made a key of twenty-four unseen.
            return Err(super::unsupported(format!("a key of {} does not come wrapped", row.id)));
        }
        let provider = StorageProvider::on(import_key.token.clone());
        let own = algorithm.algorithm()?;
        let parameters = ImportParameters { algorithm: Some(own), curve: own.curve, ..ImportParameters::default() };
        let open =
            || provider.import_wrapped(import_key, Format::Blob(kind), &parameters, data, Flags::DO_NOT_FINALIZE);
        // Whatever does not unwrap was not wrapped so, or is not whole.
        let wrong = |error: crate::Error| match error.status() {
            Status::NTE_BAD_DATA => invalid(error.to_string()),
            _ => error,
        };
        let key = on_token(row, open).map_err(wrong)?;
        let fits = key.algorithm().is_some_and(|found| {
            let is_kind = found.family == own.family || (found.family.is_elliptic() && own.family.is_elliptic());
            is_kind && own.curve.is_none_or(|curve| found.curve == Some(curve))
        });
        if fits {
            return Ok(Self::new(algorithm, Material::Token(key)));
        }
        Err(invalid(format!("what was wrapped is no key of {}", row.id)))
    }
}

/// On a curve without arithmetic here, an object of the session that verifies. Where the token makes none, or where there is no token, nothing verifies, and that is said then.
fn verifier(algorithm: &AlgorithmProvider, tokens: &Tokens<'_>, public: &PublicKey) -> Option<Key> {
    let curve = public.curve().filter(|curve| algorithm.row().signs() && !curve.has_arithmetic())?;
    let provider = tokens().ok()?;
    let (policy, usage, more) = (ExportPolicy::NONE, KeyUsage::SIGN, Additions::NONE);
    let attributes = Attributes { label: "", id: b"", token: false, policy, usage, more };
    let shapes = shape::shapes_of_public(&put::public(public, &attributes).ok()?, provider.token().profile());
    let (object, _) = wrap::create_public(provider.token(), &shapes).ok()?;
    let mut key = provider.public_key(Algorithm::elliptic(Family::Ecdsa, curve), public.clone());
    if let State::Ready(ready) = &mut key.state {
        ready.public_object = Some(object);
    }
    Some(key)
}

/// The blob that carries a symmetric key for this crate alone: laid out as a `CipherKeyBlob`, which names its algorithm.
fn opaque_key(cipher: Cipher, data: &[u8]) -> Result<SecretBytes, crate::Error> {
    let hints = Hints { algorithm: Some(Algorithm::symmetric(cipher.symmetric())), ..Hints::default() };
    let decoded = blob::decode(data, BlobType::Cipher, &hints).map_err(|error| invalid(error.to_string()))?;
    match decoded.key {
        KeyMaterial::Secret(secret) => Ok(cipher.shortened(secret.key())),
        _ => Err(invalid("the blob holds no symmetric key")),
    }
}

fn symmetric(cipher: Cipher, secret: &[u8]) -> Result<Decoded, crate::Error> {
    let bits = u32::try_from(secret.len().saturating_mul(8)).unwrap_or(u32::MAX);
    if !cipher.lengths().contains(bits) {
        return Err(invalid(format!("a key of {} bytes does not exist", secret.len())));
    }
    let key = SymmetricKey::new(cipher.symmetric(), cipher.lengthened(secret))?;
    let algorithm = Algorithm::symmetric(cipher.symmetric());
    Ok(Decoded { algorithm, key: KeyMaterial::Secret(key), usage: None })
}

impl Cipher {
    /// The key as it is on the token.
    fn lengthened(self, secret: &[u8]) -> SecretBytes {
        let mut key = SecretBytes::zeroed(if self == Self::TripleDes112 { 24 } else { secret.len() });
        key.as_mut_slice().iter_mut().zip(secret.iter().cycle()).for_each(|(to, from)| *to = *from);
        key
    }

    /// And the other way.
    pub(super) fn shortened(self, key: &[u8]) -> SecretBytes {
        let len = if self == Self::TripleDes112 { 16 } else { key.len() };
        SecretBytes::from(key.get(..len).unwrap_or(key))
    }
}

fn place(
    algorithm: &AlgorithmProvider,
    provider: &StorageProvider,
    decoded: &Decoded,
    flags: Flags,
) -> Result<Key, crate::Error> {
    on_token(algorithm.row(), || {
        provider.import_decoded(decoded.clone(), &ImportParameters::default(), flags | Flags::DO_NOT_FINALIZE)
    })
}
