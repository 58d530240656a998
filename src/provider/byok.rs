//! Bring your own key: what the key imports of three clouds take, made by the token.
//!
//! | | AWS KMS | Google Cloud KMS | Azure Key Vault, Managed HSM |
//! |---|---|---|---|
//! | private keys | `rsa-aes`: RSA_AES_KEY_WRAP_SHA_256, _SHA_1 | `rsa-aes`: rsa-oaep-*N*-sha256-aes-256, -sha1-aes-256 | `rsa-aes` with SHA-1 |
//! | symmetric keys | `rsa-oaep`: RSAES_OAEP_SHA_256, _SHA_1; 256 bits | `rsa-aes`; `rsa-oaep`: rsa-oaep-*N*-sha256 | `rsa-aes` with SHA-1 |
//! | file | the bytes | the bytes | JSON with the identifier of the wrapping key |
//! | wrapping key | RSA 2048, 3072, 4096 | RSA 3072, 4096 | RSA 2048, 3072, 4096 |
//!
//! Private keys are PKCS#8, exactly; a token that puts zero bytes behind one is refused, with what it could make instead. Sources: AWS KMS Developer Guide, "Encrypt the key material",
//! and API GetParametersForImport; Google Cloud KMS, "Key wrapping" and `ImportMethod`; Azure Key Vault, "Bring your own key specification" 1.0.0.

use base64ct::{Base64UrlUnpadded, Encoding};

use super::export::{ExportParameters, Exported};
use super::wrapped::{Payload, check_leaves};
use super::{Error, Key, Ready, kek};
use crate::asn1::pkcs8;
use crate::blob::BlobType;
use crate::format::Format;
use crate::key::rsa::Hash;
use crate::key::{Algorithm, Curve, Family, SymmetricAlgorithm};
use crate::wrap::{self, Scheme};

/// A cloud that imports keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cloud {
    /// Amazon Web Services, Key Management Service.
    Aws,
    /// Microsoft Azure, Key Vault and Managed HSM.
    Azure,
    /// Google Cloud Platform, Key Management Service.
    Gcp,
}

impl Cloud {
    /// Every cloud, in the order in which they are named to a person.
    pub const ALL: [Self; 3] = [Self::Aws, Self::Azure, Self::Gcp];

    /// The cloud of this word.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cloud| cloud.name().eq_ignore_ascii_case(name))
    }

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
        }
    }

    /// What the cloud calls it.
    fn variant(self, scheme: Scheme, hash: Hash, modulus_bits: u32) -> String {
        let sha = hash.name().trim_start_matches("SHA");
        match (self, scheme) {
            (Self::Aws, Scheme::RsaOaep) => format!("RSAES_OAEP_SHA_{sha}"),
            (Self::Aws, _) => format!("RSA_AES_KEY_WRAP_SHA_{sha}"),
            (Self::Gcp, Scheme::RsaOaep) => format!("rsa-oaep-{modulus_bits}-sha{sha}"),
            (Self::Gcp, _) => format!("rsa-oaep-{modulus_bits}-sha{sha}-aes-256"),
            (Self::Azure, _) => "CKM_RSA_AES_KEY_WRAP".to_owned(),
        }
    }

    /// The scheme where none is asked for.
    fn usual_scheme(self, is_private: bool) -> Scheme {
        if self == Self::Aws && !is_private { Scheme::RsaOaep } else { Scheme::RsaAes }
    }

    fn accepts(self, scheme: Scheme, hash: Hash, is_private: bool) -> bool {
        match (self, scheme) {
            (Self::Azure, Scheme::RsaAes) => hash == Hash::Sha1,
            (Self::Aws | Self::Gcp, Scheme::RsaAes) => matches!(hash, Hash::Sha1 | Hash::Sha256),
            (Self::Aws, Scheme::RsaOaep) => matches!(hash, Hash::Sha1 | Hash::Sha256),
            (Self::Gcp, Scheme::RsaOaep) => !is_private && hash == Hash::Sha256,
            _ => false,
        }
    }

    /// Why the cloud does not take the key at all.
    fn refuses(self, ready: &Ready) -> Option<String> {
        let Some(algorithm) = ready.algorithm else { return Some("keys of a kind that is not known here".to_owned()) };
        let curve = |names: &[&str]| {
            algorithm.curve.filter(|curve| !names.contains(&curve.name)).map(|curve| format!("keys on {}", curve.name))
        };
        let size = |known: &[u32], what: &str| {
            let other = ready.bits.filter(|bits| !known.contains(bits));
            other.map(|bits| format!("{what} keys of {bits} bits"))
        };
        match (self, algorithm.family) {
            (_, Family::Symmetric(SymmetricAlgorithm::TripleDes)) => Some("3DES keys".to_owned()),
            (_, Family::Symmetric(SymmetricAlgorithm::Aes)) => size(self.aes_sizes(), "AES"),
            (Self::Aws, Family::Symmetric(SymmetricAlgorithm::Hmac)) => size(&[224, 256, 384, 512], "HMAC"),
            (Self::Gcp, Family::Symmetric(SymmetricAlgorithm::Hmac)) => size(&[160, 224, 256, 384, 512], "HMAC"),
            (Self::Azure, Family::Symmetric(SymmetricAlgorithm::Hmac)) => Some("HMAC keys".to_owned()),
            (_, Family::Rsa) => size(&[2048, 3072, 4096], "RSA"),
            (Self::Aws, Family::Ecdsa | Family::Ecdh) => curve(&["nistP256", "nistP384", "nistP521", "secP256k1"]),
            (Self::Gcp, Family::Ecdsa | Family::Ecdh) => curve(&["nistP256", "nistP384", "secP256k1"]),
            (Self::Azure, Family::Ecdsa | Family::Ecdh) => curve(&["nistP256", "nistP384", "nistP521", "secP256k1"]),
            _ => None,
        }
    }

    /// AWS: symmetric encryption keys. Google: AES-256, and AES-128 for raw encryption. Azure: `oct-HSM`.
    fn aes_sizes(self) -> &'static [u32] {
        match self {
            Self::Aws => &[256],
            Self::Gcp => &[128, 256],
            Self::Azure => &[128, 192, 256],
        }
    }

    fn modulus_sizes(self) -> &'static [u32] {
        match self {
            Self::Gcp => &[3072, 4096],
            Self::Aws | Self::Azure => &[2048, 3072, 4096],
        }
    }
}

/// A key as a cloud imports it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CloudFile {
    /// The file, and how the key was wrapped.
    pub exported: Exported,
    /// The cloud's own name for how it is wrapped, which has to be told to it.
    pub variant: String,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Key {
    /// Exports the key as a cloud imports it, wrapped to the RSA key that the cloud gave out. Of the parameters, scheme, hash and `force` count; `kid` is the
    /// identifier of the wrapping key, which Azure's file names.
    ///
    /// # Errors
    /// `NTE_NOT_SUPPORTED` for a key that the cloud does not take, and for what the token cannot make exactly, saying what it could; as [`Key::export_to`].
    pub fn export_byok(
        &self,
        cloud: Cloud,
        wrapping_key: &Self,
        kid: Option<&str>,
        parameters: &ExportParameters,
    ) -> Result<CloudFile, crate::Error> {
        let ready = self.used()?;
        let payload = self.payload(ready)?;
        check_leaves(ready)?;
        if let Some(what) = cloud.refuses(ready) {
            return Err(unsupported(format!("{} does not import {what}", cloud.name())));
        }
        if wrapping_key.algorithm() != Some(Algorithm::RSA) {
            return Err(kek::not_rsa(wrapping_key, Scheme::RsaAes.name()).into());
        }
        let modulus_bits = wrapping_key.rsa_public()?.bits();
        let mut warnings = Vec::new();
        if !cloud.modulus_sizes().contains(&modulus_bits) {
            warnings.push(format!("{} gives out no wrapping keys of {modulus_bits} bits", cloud.name()));
        }
        let scheme = parameters.scheme.unwrap_or_else(|| cloud.usual_scheme(payload.is_private));
        let wanted = if cloud == Cloud::Azure { Hash::Sha1 } else { Hash::Sha256 };
        let hash = parameters.hash.unwrap_or(wanted);
        if !parameters.label.is_empty() {
            let what = format!("{} takes no label of RSA-OAEP", cloud.name());
            return Err(Error::Contradiction { what }.into());
        }
        if !cloud.accepts(scheme, hash, payload.is_private) {
            let what = format!("{} does not take {} with {}", cloud.name(), scheme.name(), hash.name());
            return Err(Error::Contradiction { what }.into());
        }
        let kid = azure_kid(cloud, kid, wrapping_key)?;
        payload.check_exact(cloud, ready, scheme, hash, modulus_bits)?;
        let format = if payload.is_private { Format::Blob(BlobType::Pkcs8) } else { Format::Raw };
        let asked = ExportParameters { scheme: Some(scheme), hash: Some(hash), ..parameters.clone() };
        let mut exported = payload.wrap(&[wrapping_key], format, &asked).map_err(|error| match error {
            crate::Error::Wrap(refused @ wrap::Error::Oaep { .. }) => {
                self.could_make(cloud, payload, ready, scheme, modulus_bits, &refused.to_string())
            }
            other => other,
        })?;
        exported.zero_padded = false;
        if let Some(kid) = kid {
            exported.bytes = azure_file(&kid, &exported.bytes, &self.generator()).into_bytes().into();
        }
        Ok(CloudFile { exported, variant: cloud.variant(scheme, hash, modulus_bits), warnings })
    }

    /// `generator` of Azure's file: the tool, and the token that wrapped the key.
    fn generator(&self) -> String {
        let info = self.token.info();
        let text = format!(
            "cng11 {}; {} {} {}.{}",
            env!("CARGO_PKG_VERSION"),
            info.manufacturer,
            info.model,
            info.firmware.0,
            info.firmware.1
        );
        text.chars().filter(|character| is_plain(*character)).collect()
    }

    /// The refusal of a hash that the token does not have, with what it could make.
    fn could_make(
        &self,
        cloud: Cloud,
        payload: Payload<'_>,
        ready: &Ready,
        scheme: Scheme,
        modulus_bits: u32,
        refusal: &str,
    ) -> crate::Error {
        let known = self.token.profile().oaep.unwrap_or_default();
        let could = known.iter().find(|hash| cloud.accepts(scheme, **hash, payload.is_private));
        let could = could.map_or_else(
            || "nothing that the cloud takes".to_owned(),
            |hash| {
                let padded = if payload.may_be_padded(ready, scheme) { ", with zero bytes behind the key" } else { "" };
                let variant = cloud.variant(scheme, *hash, modulus_bits);
                format!("{variant}{padded} (--oaep-hash {})", hash.name().to_ascii_lowercase())
            },
        );
        unsupported(format!("{refusal}; it could make {could}"))
    }
}

impl Payload<'_> {
    /// Whether the token may put zero bytes behind this key. An RSA key's length is the token's secret; an elliptic one's follows from its curve.
    fn may_be_padded(self, ready: &Ready, scheme: Scheme) -> bool {
        if !self.is_private || !self.zero_padding(scheme).unwrap_or(true) {
            return false;
        }
        let curve: Option<&Curve> = ready.algorithm.and_then(|algorithm| algorithm.curve);
        !curve.and_then(pkcs8::bare_ec_len).is_some_and(|len| len.is_multiple_of(8))
    }

    /// A cloud takes a PKCS#8 and nothing behind it.
    fn check_exact(
        self,
        cloud: Cloud,
        ready: &Ready,
        scheme: Scheme,
        hash: Hash,
        modulus_bits: u32,
    ) -> Result<(), crate::Error> {
        if !self.may_be_padded(ready, scheme) {
            return Ok(());
        }
        let known = self.token.profile().oaep.unwrap_or_default();
        let hash =
            if known.is_empty() || known.contains(&hash) { hash } else { known.first().copied().unwrap_or(hash) };
        Err(unsupported(format!(
            "token `{}` puts zero bytes behind a PKCS#8 before it wraps it, and {} wants the key exactly; it could make {} with up to seven zero bytes behind the key, without --byok (export --type PKCS8_PRIVATEKEY --wrap-to FILE --scheme {} --oaep-hash {})",
            self.token.info().label,
            cloud.name(),
            cloud.variant(scheme, hash, modulus_bits),
            scheme.name(),
            hash.name().to_ascii_lowercase()
        )))
    }
}

fn unsupported(what: String) -> crate::Error {
    Error::Unsupported { what, ckr: None }.into()
}

/// The identifier that Azure's file names: as it is given, else the `kid` of the JWK that the wrapping key came in.
fn azure_kid(cloud: Cloud, kid: Option<&str>, wrapping_key: &Key) -> Result<Option<String>, crate::Error> {
    let contradiction = |what: &str| crate::Error::from(Error::Contradiction { what: what.to_owned() });
    match (cloud, kid) {
        (Cloud::Azure, Some(kid)) if !kid.contains("://") || !kid.chars().all(is_plain) => {
            Err(contradiction("the kid is not the identifier of a key: it is a URL"))
        }
        (Cloud::Azure, Some(kid)) => Ok(Some(kid.to_owned())),
        (Cloud::Azure, None) => match wrapping_key.label() {
            label if label.starts_with("https://") && label.chars().all(is_plain) => Ok(Some(label.to_owned())),
            _ => Err(contradiction("azure's file names the wrapping key by its identifier, a URL: give it with --kid")),
        },
        (_, Some(_)) => Err(contradiction("a kid is for azure alone")),
        (_, None) => Ok(None),
    }
}

/// What stands in JSON as it is.
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~') && !matches!(character, '"' | '\\')
}

fn azure_file(kid: &str, ciphertext: &[u8], generator: &str) -> String {
    format!(
        "{{\n  \"schema_version\": \"1.0.0\",\n  \"header\": {{\n    \"kid\": \"{kid}\",\n    \"alg\": \"dir\",\n    \"enc\": \"CKM_RSA_AES_KEY_WRAP\"\n  }},\n  \"ciphertext\": \"{}\",\n  \"generator\": \"{generator}\"\n}}\n",
        Base64UrlUnpadded::encode_string(ciphertext)
    )
}
