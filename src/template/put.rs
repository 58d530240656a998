//! Key material and policy into attributes.
//!
//! Export policy: none = CKA_SENSITIVE true and CKA_EXTRACTABLE false, encrypted = both true, plaintext = CKA_SENSITIVE false and
//! CKA_EXTRACTABLE true. Numbers are minimal big-endian as PKCS#11 has them, except the EC scalar, which has the width of the field.

use cryptoki_sys::{
    CK_KEY_TYPE, CK_OBJECT_CLASS, CKA_CERTIFICATE_TYPE, CKA_CLASS, CKA_COEFFICIENT, CKA_DECRYPT, CKA_DERIVE,
    CKA_EC_PARAMS, CKA_EC_POINT, CKA_ENCRYPT, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_EXTRACTABLE, CKA_ID, CKA_ISSUER,
    CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS, CKA_PRIME_1, CKA_PRIME_2, CKA_PRIVATE, CKA_PRIVATE_EXPONENT,
    CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_SERIAL_NUMBER, CKA_SIGN, CKA_SIGN_RECOVER, CKA_SUBJECT, CKA_TOKEN,
    CKA_UNWRAP, CKA_VALUE, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKC_X_509, CKK_AES, CKK_DES3, CKK_EC,
    CKK_EC_MONTGOMERY, CKK_GENERIC_SECRET, CKK_RSA, CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};
use der::Encode;
use der::asn1::{ObjectIdentifier, OctetStringRef};

use super::Template;
use super::attribute::{Additions, USAGES};
use super::get::Class;
use crate::asn1::certificate::CertificateParts;
use crate::key::curve::Form;
use crate::key::{
    Curve, Error, ExportPolicy, Family, KeyUsage, Kind, PrivateKey, PublicKey, SymmetricAlgorithm, SymmetricKey,
};

/// What an object is besides its key material.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// CKA_LABEL: the key's name.
    pub label: &'a str,
    /// CKA_ID.
    pub id: &'a [u8],
    /// CKA_TOKEN: whether the object outlives its session.
    pub token: bool,
    /// What may leave.
    pub policy: ExportPolicy,
    /// What the key may do.
    pub usage: KeyUsage,
    /// What the private or the secret object has besides.
    pub more: &'a Additions,
}

/// What a private key object is, when its material comes from elsewhere (unwrapped, generated).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PrivateKind {
    /// `CKK_EC`
    Ec,
    /// `CKK_EC_MONTGOMERY`
    Montgomery,
    /// `CKK_RSA`
    Rsa,
}

impl PrivateKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Rsa, Self::Ec, Self::Montgomery];

    /// The kind of a key on `curve`, or of an RSA key.
    ///
    /// # Errors
    /// [`Error::NotOnToken`] for a curve that no token key is made on: one that CNG does not have, or that has no OID for CKA_EC_PARAMS.
    pub fn of(curve: Option<&Curve>) -> Result<Self, Error> {
        let Some(curve) = curve else { return Ok(Self::Rsa) };
        match curve.form {
            Form::Montgomery if curve.is_cng() => Ok(Self::Montgomery),
            Form::Weierstrass => Ok(Self::Ec),
            Form::Edwards | Form::Montgomery | Form::TwistedEdwards => Err(Error::NotOnToken { what: curve.name }),
        }
    }

    /// The PKCS#11 key type.
    pub fn key_type(self) -> CK_KEY_TYPE {
        match self {
            Self::Ec => CKK_EC,
            Self::Montgomery => CKK_EC_MONTGOMERY,
            Self::Rsa => CKK_RSA,
        }
    }
}

/// The PKCS#11 key type of a symmetric algorithm.
pub fn secret_key_type(algorithm: SymmetricAlgorithm) -> CK_KEY_TYPE {
    match algorithm {
        SymmetricAlgorithm::Aes => CKK_AES,
        SymmetricAlgorithm::Hmac => CKK_GENERIC_SECRET,
        SymmetricAlgorithm::TripleDes => CKK_DES3,
    }
}

/// A private key object with its material.
///
/// # Errors
/// [`Error`] for a curve that has no encoding, and for a kind of key that is not put on a token.
pub fn private(key: &PrivateKey, attributes: &Attributes<'_>) -> Result<Template, Error> {
    match key {
        PrivateKey::Ec(key) => Ok(private_shell(PrivateKind::of(Some(key.curve()))?, attributes)
            .bytes(CKA_EC_PARAMS, &ec_params(key.curve())?)
            .secret(CKA_VALUE, key.d().clone())),
        PrivateKey::Rsa(key) => {
            let (public, numbers) = (key.public(), key.numbers());
            Ok(private_shell(PrivateKind::Rsa, attributes)
                .bytes(CKA_MODULUS, public.n())
                .bytes(CKA_PUBLIC_EXPONENT, public.e())
                .secret(CKA_PRIVATE_EXPONENT, numbers.d.clone())
                .secret(CKA_PRIME_1, numbers.p.clone())
                .secret(CKA_PRIME_2, numbers.q.clone())
                .secret(CKA_EXPONENT_1, numbers.dp.clone())
                .secret(CKA_EXPONENT_2, numbers.dq.clone())
                .secret(CKA_COEFFICIENT, numbers.qinv.clone()))
        }
        PrivateKey::Dh(_) | PrivateKey::Dsa(_) | PrivateKey::Pq(_) => Err(not_on_a_token(key.kind())),
    }
}

/// A private key object without its material, as C_UnwrapKey and C_GenerateKeyPair take it.
pub fn private_shell(kind: PrivateKind, attributes: &Attributes<'_>) -> Template {
    let usage = attributes.usage;
    let template = policy(common(CKO_PRIVATE_KEY, kind.key_type(), attributes), attributes.policy)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SIGN, usage.contains(KeyUsage::SIGN))
        .flag(CKA_SIGN_RECOVER, false)
        .flag(CKA_DECRYPT, usage.contains(KeyUsage::DECRYPT))
        .flag(CKA_UNWRAP, usage.contains(KeyUsage::WRAP))
        .flag(CKA_DERIVE, usage.contains(KeyUsage::AGREE));
    attributes.more.added_to(template)
}

/// The uses of a private or a secret key object alone.
pub fn usage_of(class: Class, usage: KeyUsage) -> Template {
    USAGES.iter().fold(Template::new(), |template, (of, own, counterpart)| {
        let allowed = usage.contains(*of);
        let template = template.flag(*own, allowed);
        match counterpart.filter(|_| class == Class::Secret) {
            Some(counterpart) => template.flag(counterpart, allowed),
            None => template,
        }
    })
}

/// A public key object with its material.
///
/// # Errors
/// [`Error`] for a curve that has no encoding, and for a kind of key that is not put on a token.
pub fn public(key: &PublicKey, attributes: &Attributes<'_>) -> Result<Template, Error> {
    with_numbers(public_shell(PrivateKind::of(key.curve())?, attributes), key)
}

/// The numbers of a public key as attributes, by which its objects are found.
///
/// # Errors
/// As [`public`].
pub fn public_numbers(key: &PublicKey) -> Result<Template, Error> {
    with_numbers(Template::new(), key)
}

/// The curve of a key as its objects have it.
///
/// # Errors
/// [`Error`] for a curve that has no encoding.
pub fn numbers_of_curve(curve: &'static Curve) -> Result<Template, Error> {
    Ok(Template::new().bytes(CKA_EC_PARAMS, &ec_params(curve)?))
}

fn with_numbers(template: Template, key: &PublicKey) -> Result<Template, Error> {
    Ok(match key {
        PublicKey::Ec(key) => {
            template.bytes(CKA_EC_PARAMS, &ec_params(key.curve())?).bytes(CKA_EC_POINT, &ec_point(&key.to_point())?)
        }
        PublicKey::Rsa(key) => template.bytes(CKA_MODULUS, key.n()).bytes(CKA_PUBLIC_EXPONENT, key.e()),
        PublicKey::Dh(_) | PublicKey::Dsa(_) | PublicKey::Pq(_) => return Err(not_on_a_token(key.kind())),
    })
}

fn not_on_a_token(kind: Kind) -> Error {
    Error::NotOnToken { what: kind.family().map_or("such", Family::identifier) }
}

/// A public key object without its material, as C_GenerateKeyPair takes it: the counterparts of the private key's uses.
pub fn public_shell(kind: PrivateKind, attributes: &Attributes<'_>) -> Template {
    let usage = attributes.usage;
    common(CKO_PUBLIC_KEY, kind.key_type(), attributes)
        .flag(CKA_PRIVATE, false)
        .flag(CKA_VERIFY, usage.contains(KeyUsage::SIGN))
        .flag(CKA_VERIFY_RECOVER, false)
        .flag(CKA_ENCRYPT, usage.contains(KeyUsage::DECRYPT))
        .flag(CKA_WRAP, usage.contains(KeyUsage::WRAP))
        .flag(CKA_DERIVE, false)
}

/// A secret key object with its material.
pub fn secret(key: &SymmetricKey, attributes: &Attributes<'_>) -> Template {
    secret_shell(key.algorithm(), attributes).secret(CKA_VALUE, key.key().clone())
}

/// A secret key object without its material, as C_UnwrapKey and C_GenerateKey take it.
pub fn secret_shell(algorithm: SymmetricAlgorithm, attributes: &Attributes<'_>) -> Template {
    let usage = attributes.usage;
    let template = policy(common(CKO_SECRET_KEY, secret_key_type(algorithm), attributes), attributes.policy)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_ENCRYPT, usage.contains(KeyUsage::DECRYPT))
        .flag(CKA_DECRYPT, usage.contains(KeyUsage::DECRYPT))
        .flag(CKA_SIGN, usage.contains(KeyUsage::SIGN))
        .flag(CKA_VERIFY, usage.contains(KeyUsage::SIGN))
        .flag(CKA_WRAP, usage.contains(KeyUsage::WRAP))
        .flag(CKA_UNWRAP, usage.contains(KeyUsage::WRAP))
        .flag(CKA_DERIVE, false);
    attributes.more.added_to(template)
}

/// A certificate object beside a key.
pub fn certificate(parts: &CertificateParts, attributes: &Attributes<'_>) -> Template {
    Template::new()
        .ulong(CKA_CLASS, CKO_CERTIFICATE)
        .ulong(CKA_CERTIFICATE_TYPE, CKC_X_509)
        .flag(CKA_TOKEN, attributes.token)
        .flag(CKA_PRIVATE, false)
        .bytes(CKA_LABEL, attributes.label.as_bytes())
        .bytes(CKA_ID, attributes.id)
        .bytes(CKA_SUBJECT, &parts.subject)
        .bytes(CKA_ISSUER, &parts.issuer)
        .bytes(CKA_SERIAL_NUMBER, &parts.serial)
        .bytes(CKA_VALUE, &parts.der)
}

fn common(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE, attributes: &Attributes<'_>) -> Template {
    Template::new()
        .ulong(CKA_CLASS, class)
        .ulong(CKA_KEY_TYPE, key_type)
        .flag(CKA_TOKEN, attributes.token)
        .bytes(CKA_LABEL, attributes.label.as_bytes())
        .bytes(CKA_ID, attributes.id)
}

fn policy(template: Template, policy: ExportPolicy) -> Template {
    template.flag(CKA_SENSITIVE, !policy.allows_plaintext()).flag(CKA_EXTRACTABLE, policy.allows_export())
}

/// CKA_EC_PARAMS: the DER of the curve's OID.
///
/// # Errors
/// [`Error::NotOnToken`] for a curve without an OID.
pub fn ec_params(curve: &Curve) -> Result<Vec<u8>, Error> {
    let oid = curve.oid.and_then(|oid| ObjectIdentifier::new(oid).ok());
    oid.and_then(|oid| oid.to_der().ok()).ok_or(Error::NotOnToken { what: curve.name })
}

/// CKA_EC_POINT: the point in a DER OCTET STRING.
///
/// # Errors
/// [`Error::Missing`] for one that is too long for DER.
pub fn ec_point(point: &[u8]) -> Result<Vec<u8>, Error> {
    let octets = OctetStringRef::new(point).and_then(|octets| octets.to_der());
    octets.map_err(|_| Error::Missing { field: "the public point", why: "it is too long for DER" })
}
