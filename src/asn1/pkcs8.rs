//! PKCS#8: `PrivateKeyInfo` and `EncryptedPrivateKeyInfo` (RFC 5208, RFC 5958).
//!
//! Written as OpenSSL writes it: version 0, no attributes, RSA with NULL parameters, elliptic curves by OID with the public key inside
//! `ECPrivateKey`, the curves of RFC 8410 without it. Read with or without the optional parts. A `keyUsage` attribute (2.5.29.15), as Windows writes it, limits the
//! usage of the key that is read.

use ::pkcs8::PrivateKeyInfoRef;
use ::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, SequenceRef, SetOfVec};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagMode, pem};

use super::{EC_PUBLIC_KEY, Error, RSA_ENCRYPTION, encode_secret, pbe, pkcs1, sec1, spki};
use crate::key::{KeyUsage, PrivateKey, Validation, ec};
use crate::secret::SecretBytes;

const WHAT: &str = "PrivateKeyInfo";
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");

/// Whether a DER structure looks like `EncryptedPrivateKeyInfo`: its first element is a SEQUENCE, not an INTEGER.
pub fn is_encrypted(der: &[u8]) -> bool {
    first_inner_tag(der) == Some(Tag::Sequence)
}

/// Reads PKCS#8, encrypted or not, with the usage that its `keyUsage` attribute allows.
///
/// # Errors
/// [`Error`]; in particular [`Error::PasswordMissing`] and [`Error::PasswordWrong`].
pub fn decode(
    der: &[u8],
    password: Option<&SecretBytes>,
    validation: Validation,
) -> Result<(PrivateKey, Option<KeyUsage>), Error> {
    if !is_encrypted(der) {
        return decode_plain(der, validation);
    }
    let plain = pbe::decrypt(der, password)?;
    match decode_plain(&plain, validation) {
        // One wrong password in 256 or so leaves valid padding and nonsense behind it.
        Err(Error::Malformed { .. }) => Err(Error::PasswordWrong),
        other => other,
    }
}

/// Writes `PrivateKeyInfo`.
///
/// # Errors
/// [`Error`] for numbers too long for DER, which no key has.
pub fn encode(key: &PrivateKey) -> Result<SecretBytes, Error> {
    let (curve, inner) = match key {
        PrivateKey::Rsa(key) => (None, pkcs1::encode_private(key)?),
        PrivateKey::Ec(key) if !key.curve().form.is_affine() => {
            let scalar = OctetStringRef::new(key.d()).map_err(|error| Error::encoding(WHAT, error))?;
            (Some(key.curve()), encode_secret(&scalar)?)
        }
        PrivateKey::Ec(key) => (Some(key.curve()), sec1::encode(key, false)?),
        PrivateKey::Dh(_) | PrivateKey::Dsa(_) | PrivateKey::Pq(_) => {
            return Err(Error::Invalid { what: WHAT, problem: "it cannot hold this kind of key" });
        }
    };
    let inner = OctetStringRef::new(&inner).map_err(|error| Error::encoding(WHAT, error))?;
    spki::with_algorithm(curve, |algorithm| encode_secret(&PrivateKeyInfoRef::new(algorithm, inner)))?
}

/// Reads PEM with the label `PRIVATE KEY` or `ENCRYPTED PRIVATE KEY`.
///
/// # Errors
/// As [`decode`].
pub fn decode_pem(
    text: &[u8],
    password: Option<&SecretBytes>,
    validation: Validation,
) -> Result<(PrivateKey, Option<KeyUsage>), Error> {
    let malformed = |problem| Error::Invalid { what: "PEM", problem };
    let (label, der) = super::decode_pem(text)?;
    match label {
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => decode(&der, password, validation),
        _ => Err(malformed("its label is neither `PRIVATE KEY` nor `ENCRYPTED PRIVATE KEY`")),
    }
}

/// Writes DER as PEM, with the label that fits it.
///
/// # Errors
/// [`Error::Invalid`] if it cannot be written, which does not happen.
pub fn to_pem(der: &[u8]) -> Result<SecretBytes, Error> {
    let label = if is_encrypted(der) { "ENCRYPTED PRIVATE KEY" } else { "PRIVATE KEY" };
    let text = pem::encode_string(label, pem::LineEnding::LF, der);
    text.map(|text| SecretBytes::from(text.into_bytes()))
        .map_err(|_| Error::Invalid { what: "PEM", problem: "it cannot be written" })
}

fn first_inner_tag(der: &[u8]) -> Option<Tag> {
    let mut reader = SliceReader::new(der).ok()?;
    let outer = der::Header::decode(&mut reader).ok()?;
    if outer.tag() != Tag::Sequence {
        return None;
    }
    Tag::peek(&reader).ok()
}

fn decode_plain(der: &[u8], validation: Validation) -> Result<(PrivateKey, Option<KeyUsage>), Error> {
    let parts: Parts<'_> = super::decode(WHAT, der)?;
    let unused = Error::Invalid { what: WHAT, problem: "its public key has unused bits" };
    let public = parts.public_key.map(|bits| bits.as_bytes().ok_or(unused)).transpose()?;
    let key = match parts.algorithm.oid {
        RSA_ENCRYPTION => PrivateKey::Rsa(pkcs1::decode_private(parts.private_key, validation)?),
        EC_PUBLIC_KEY => {
            let curve = spki::named_curve(&parts.algorithm)?;
            PrivateKey::Ec(sec1::decode_beside(parts.private_key, Some(curve), public, validation)?)
        }
        oid => {
            let curve = spki::own_algorithm(oid)?;
            let scalar: &OctetStringRef = super::decode("CurvePrivateKey", parts.private_key)?;
            let public = public.map(|point| ec::PublicKey::from_point(curve, point, validation)).transpose()?;
            PrivateKey::Ec(ec::PrivateKey::new(curve, scalar.as_bytes(), public, validation)?)
        }
    };
    Ok((key, parts.usage))
}

/// `OneAsymmetricKey`, taken apart.
struct Parts<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    private_key: &'a [u8],
    public_key: Option<BitStringRef<'a>>,
    usage: Option<KeyUsage>,
}

impl<'a> Decode<'a> for Parts<'a> {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        reader.sequence(|reader| {
            let version = u8::decode(reader)?;
            if version > 1 {
                return Err(reader.error(Tag::Integer.value_error()));
            }
            let algorithm = AlgorithmIdentifierRef::decode(reader)?;
            let private_key = <&OctetStringRef>::decode(reader)?.as_bytes();
            let attributes: Option<&SequenceRef> = reader.context_specific(der::TagNumber(0), TagMode::Implicit)?;
            let public_key = reader.context_specific(der::TagNumber(1), TagMode::Implicit)?;
            let usage = match attributes {
                Some(attributes) => usage_attribute(attributes.as_bytes())?,
                None => None,
            };
            Ok(Self { algorithm, private_key, public_key, usage })
        })
    }
}

#[derive(der::Sequence, der::ValueOrd)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    values: SetOfVec<AnyRef<'a>>,
}

/// The `keyUsage` among the attributes, as CNG's sample provider maps it: any encipherment bit to decrypting, digitalSignature,
/// keyCertSign and cRLSign to signing, keyAgreement to agreeing.
fn usage_attribute(attributes: &[u8]) -> der::Result<Option<KeyUsage>> {
    let mut reader = SliceReader::new(attributes)?;
    while !reader.is_finished() {
        let attribute = Attribute::decode(&mut reader)?;
        if attribute.kind != KEY_USAGE {
            continue;
        }
        let Some(value) = attribute.values.get(0) else { continue };
        let bits = BitStringRef::from_der(&value.to_der()?).map(|bits| {
            let mut octets = bits.raw_bytes().iter().copied();
            u16::from_be_bytes([octets.next().unwrap_or(0), octets.next().unwrap_or(0)])
        })?;
        let mut usage = KeyUsage::default();
        for (mask, allowed) in [
            (0b1000_0110_0000_0000, KeyUsage::SIGN), // digitalSignature, keyCertSign, cRLSign
            (0b0011_0001_1000_0000, KeyUsage::DECRYPT), // keyEncipherment, dataEncipherment, encipherOnly, decipherOnly
            (0b0000_1000_0000_0000, KeyUsage::AGREE), // keyAgreement
        ] {
            if bits & mask != 0 {
                usage |= allowed;
            }
        }
        return Ok(Some(usage));
    }
    Ok(None)
}
