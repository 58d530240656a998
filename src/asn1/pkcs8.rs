//! PKCS#8: `PrivateKeyInfo` and `EncryptedPrivateKeyInfo` (RFC 5208, RFC 5958).
//!
//! Written as OpenSSL writes it: version 0, no attributes unless a usage is given, RSA with NULL parameters, elliptic curves by OID with the
//! public key inside `ECPrivateKey`, the curves of RFC 8410 without it. Read with or without the optional parts, whatever version it says: a public key
//! beside the private one (RFC 5958 §2) is compared with it, or used where it cannot be computed. Where it cannot and none is there, as in X448 and
//! Ed448 keys of OpenSSL, it stays unknown.

use ::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, SequenceRef};
use der::{Decode, Header, Reader, Sequence, SliceReader, Tag, TagMode, TagNumber};

use super::algorithm::{Domain, Scheme};
use super::pem::Label;
use super::{
    Contents, Error, Loss, Opening, decode_uint, encode_secret, encode_uint, key_usage, pbe, pem, pkcs1, pq, sec1, spki,
};
use crate::key::curve::Form;
use crate::key::{Curve, KeyUsage, PrivateKey, PublicKey, Validation, dh, dsa, ec};
use crate::secret::SecretBytes;

const WHAT: &str = "PrivateKeyInfo";

/// Whether a DER structure looks like `EncryptedPrivateKeyInfo`: its first element is a SEQUENCE, not an INTEGER.
pub fn is_encrypted(der: &[u8]) -> bool {
    first_inner_tag(der) == Some(Tag::Sequence)
}

/// Reads PKCS#8, encrypted or not, with the usage that its `keyUsage` attribute allows.
///
/// # Errors
/// [`Error`]; in particular [`Error::PasswordMissing`], [`Error::PasswordWrong`] and [`Error::Work`].
pub fn decode(
    der: &[u8],
    opening: Opening<'_>,
    validation: Validation,
) -> Result<(PrivateKey, Option<KeyUsage>), Error> {
    read(der, opening, validation).map(|contents| (contents.key, contents.usage))
}

/// Reads PKCS#8, encrypted or not, with what it says beyond the key.
///
/// # Errors
/// As [`decode`].
pub fn read(der: &[u8], opening: Opening<'_>, validation: Validation) -> Result<Contents<PrivateKey>, Error> {
    if !is_encrypted(der) {
        return read_plain(der, validation);
    }
    let plain = pbe::decrypt(der, opening)?;
    match read_plain(&plain, validation) {
        // One wrong password in 256 or so leaves valid padding and nonsense behind it.
        Err(Error::Malformed { .. }) => Err(Error::PasswordWrong),
        other => other,
    }
}

/// Writes `PrivateKeyInfo`.
///
/// # Errors
/// [`Error`] for a curve without an OID, and for numbers too long for DER, which no key has.
pub fn encode(key: &PrivateKey) -> Result<SecretBytes, Error> {
    encode_with(key, None)
}

/// As [`encode`], with the `keyUsage` attribute if a usage is given. Windows writes it for every usage but "all".
///
/// # Errors
/// As [`encode`].
pub fn encode_with(key: &PrivateKey, usage: Option<KeyUsage>) -> Result<SecretBytes, Error> {
    encode_as(key, usage, Domain::Named)
}

/// As [`encode_with`], with the curve of an elliptic-curve key named or described.
///
/// # Errors
/// As [`encode`].
pub fn encode_as(key: &PrivateKey, usage: Option<KeyUsage>, domain: Domain) -> Result<SecretBytes, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    let (scheme, inner) = match key {
        PrivateKey::Dh(key) => (Scheme::Dh(key.public().parameters().clone()), encode_uint(key.x())?),
        PrivateKey::Dsa(key) => (Scheme::Dsa(key.public().parameters().clone()), encode_uint(key.x())?),
        PrivateKey::Ec(key) => {
            let scheme = Scheme::of_curve(key.curve());
            let inner = match scheme {
                // `CurvePrivateKey`, RFC 8410 §7.
                Scheme::OwnCurve(_) => encode_secret(&OctetStringRef::new(key.d()).map_err(wrong)?)?,
                _ => sec1::encode(key, false)?,
            };
            (scheme, inner)
        }
        PrivateKey::Pq(key) => (Scheme::Pq(key.set()), pq::write_private(key)?),
        PrivateKey::Rsa(key) => (Scheme::Rsa, pkcs1::encode_private(key)?),
    };
    let private_key = OctetStringRef::new(&inner).map_err(wrong)?;
    let attributes = usage.map(key_usage::write).transpose().map_err(wrong)?;
    let tag = Tag::ContextSpecific { number: TagNumber(0), constructed: true };
    let attributes = attributes.as_deref().map(|attributes| AnyRef::new(tag, attributes)).transpose().map_err(wrong)?;
    scheme
        .write(domain, |algorithm| encode_secret(&PrivateKeyInfo { version: 0, algorithm, private_key, attributes }))?
}

/// Bytes of a `PrivateKeyInfo` of an elliptic-curve key as tokens wrap it: the curve by its OID, no public key (RFC 5915 §3, RFC 8410 §7). `None` for a curve
/// without an OID.
pub fn bare_ec_len(curve: &Curve) -> Option<usize> {
    let tlv = |content: usize| content + if content < 128 { 2 } else { 3 };
    let oid = ObjectIdentifier::new(curve.oid?).ok()?.as_bytes().len();
    let (algorithm, key) = match curve.form {
        Form::Edwards | Form::Montgomery => (tlv(oid), tlv(curve.width())),
        // id-ecPublicKey, seven bytes; version 1.
        Form::TwistedEdwards | Form::Weierstrass => (tlv(7) + tlv(oid), tlv(tlv(1) + tlv(curve.order_width()))),
    };
    Some(tlv(tlv(1) + tlv(algorithm) + tlv(key)))
}

/// Reads PEM: the first section with the label `PRIVATE KEY` or `ENCRYPTED PRIVATE KEY`.
///
/// # Errors
/// As [`decode`].
pub fn decode_pem(
    text: &[u8],
    opening: Opening<'_>,
    validation: Validation,
) -> Result<(PrivateKey, Option<KeyUsage>), Error> {
    let section = pem::find(text, &[Label::PrivateKey, Label::EncryptedPrivateKey])?;
    decode(&section.decode()?, opening, validation)
}

/// Writes DER as PEM, with the label that fits it.
///
/// # Errors
/// [`Error::Pem`] if it cannot be written, which does not happen.
pub fn to_pem(der: &[u8]) -> Result<SecretBytes, Error> {
    pem::to_pem(if is_encrypted(der) { Label::EncryptedPrivateKey } else { Label::PrivateKey }, der)
}

fn first_inner_tag(der: &[u8]) -> Option<Tag> {
    let mut reader = SliceReader::new(der).ok()?;
    let outer = Header::decode(&mut reader).ok()?;
    if outer.tag() != Tag::Sequence {
        return None;
    }
    Tag::peek(&reader).ok()
}

fn read_plain(der: &[u8], validation: Validation) -> Result<Contents<PrivateKey>, Error> {
    let parts: Parts<'_> = super::decode(WHAT, der)?;
    let mut losses = Vec::new();
    let usage = match parts.attributes {
        Some(attributes) => {
            let read = key_usage::read(attributes);
            let (usage, others) = read.map_err(|error| Error::from((WHAT, error)).within(der, attributes))?;
            losses.extend(others.then_some(Loss::Attributes));
            usage
        }
        None => None,
    };
    let unused = Error::Invalid { what: WHAT, problem: "its public key has unused bits" };
    let public = parts.public_key.map(|bits| bits.as_bytes().ok_or(unused)).transpose()?;
    let parameters = parts.algorithm.parameters.map_or(der, |parameters| parameters.value());
    let scheme =
        Scheme::read(&parts.algorithm, validation, &mut losses).map_err(|error| error.within(der, parameters))?;
    let inner = parts.private_key;
    let key = private_key(scheme, inner, public, validation).map_err(|error| error.within(der, inner))?;
    Ok(Contents { key, usage, losses })
}

/// The key in the octets of a `privateKey`, with the bits of the `publicKey` beside it.
fn private_key(
    scheme: Scheme,
    inner: &[u8],
    public: Option<&[u8]>,
    validation: Validation,
) -> Result<PrivateKey, Error> {
    Ok(match scheme {
        Scheme::Dh(parameters) => {
            let y = public.map(|y| decode_uint("DHPublicKey", y)).transpose()?;
            PrivateKey::Dh(dh::PrivateKey::new(parameters, decode_uint("DHPrivateKey", inner)?, y, validation)?)
        }
        Scheme::Dsa(parameters) => {
            let y = public.map(|y| decode_uint("DSAPublicKey", y)).transpose()?;
            PrivateKey::Dsa(dsa::PrivateKey::new(parameters, decode_uint("DSAPrivateKey", inner)?, y, validation)?)
        }
        Scheme::Ec(curve) => PrivateKey::Ec(sec1::decode_beside(inner, Some(curve), public, validation)?),
        Scheme::OwnCurve(curve) => {
            let scalar: &OctetStringRef = super::decode("CurvePrivateKey", inner)?;
            let public = public.map(|point| ec::PublicKey::from_point(curve, point, validation)).transpose()?;
            PrivateKey::Ec(sec1::private_key(curve, scalar.as_bytes(), public, validation)?)
        }
        Scheme::Pq(set) => PrivateKey::Pq(pq::read_private(set, inner, public, validation)?),
        Scheme::Rsa => {
            let key = PrivateKey::Rsa(pkcs1::decode_private(inner, validation)?);
            let given = public.map(|bits| spki::public_key(Scheme::Rsa, bits, validation)).transpose()?;
            compare(&key, given.as_ref())?;
            key
        }
    })
}

/// A public key that is computed anyway must be the one that stands beside.
fn compare(key: &PrivateKey, given: Option<&PublicKey>) -> Result<(), Error> {
    if given.is_some_and(|given| key.public().as_ref() != Some(given)) {
        return Err(Error::Invalid { what: WHAT, problem: "its public key is not that of the private one" });
    }
    Ok(())
}

/// `OneAsymmetricKey` as it is written.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: AlgorithmIdentifierRef<'a>,
    private_key: &'a OctetStringRef,
    /// `[0] IMPLICIT SET OF Attribute`.
    #[asn1(optional = "true")]
    attributes: Option<AnyRef<'a>>,
}

/// `OneAsymmetricKey`, taken apart.
struct Parts<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    private_key: &'a [u8],
    attributes: Option<&'a [u8]>,
    public_key: Option<BitStringRef<'a>>,
}

impl<'a> Decode<'a> for Parts<'a> {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        const EXPLICIT: Tag = Tag::ContextSpecific { number: TagNumber(1), constructed: true };
        reader.sequence(|reader| {
            let version = u8::decode(reader)?;
            if version > 1 {
                return Err(reader.error(Tag::Integer.value_error()));
            }
            let algorithm = AlgorithmIdentifierRef::decode(reader)?;
            let private_key = <&OctetStringRef>::decode(reader)?.as_bytes();
            let attributes: Option<&SequenceRef> = reader.context_specific(TagNumber(0), TagMode::Implicit)?;
            // Some writers have made the tag explicit.
            let explicit = !reader.is_finished() && Tag::peek(reader)? == EXPLICIT;
            let mode = if explicit { TagMode::Explicit } else { TagMode::Implicit };
            let public_key = reader.context_specific(TagNumber(1), mode)?;
            Ok(Self { algorithm, private_key, attributes: attributes.map(SequenceRef::as_bytes), public_key })
        })
    }
}
