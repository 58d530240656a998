//! Writing, in OpenSSL's order: the certificates in one encryptedData, then each key encrypted by itself.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Sequence, Tag};

use super::bag::{CERTIFICATE, CertBag, Names, SHROUDED_KEY, SafeBag, X509};
use super::{
    ContentInfo, DATA, ENCRYPTED_DATA, EncryptedContentInfo, EncryptedData, IMPLICIT_OCTETS, PfxCertificate, PfxKey,
    Protection, mac,
};
use crate::asn1::{Error, pbe};
use crate::secret::SecretBytes;

const WHAT: &str = "PFX";

#[derive(Sequence)]
struct PfxStructure<'a> {
    version: u8,
    auth_safe: ContentInfo<'a>,
    mac: AnyRef<'a>,
}

/// Writes a PKCS#12 file. Keys without certificates and certificates without keys are allowed.
///
/// # Errors
/// [`Error::Invalid`] for a password that is not UTF-8, for no iterations, or for something that is no DER; [`Error::Random`].
pub fn encode(
    keys: &[PfxKey],
    certificates: &[PfxCertificate],
    password: &SecretBytes,
    protection: &Protection,
) -> Result<Vec<u8>, Error> {
    if protection.mac_iterations == 0 {
        return Err(Error::Invalid { what: WHAT, problem: "no iterations of the MAC are asked for" });
    }
    let wrong = |error| Error::encoding(WHAT, error);
    let mut parts = Vec::new();
    if !certificates.is_empty() {
        let bags = certificates.iter().map(certificate_bag).collect::<der::Result<Vec<_>>>().map_err(wrong)?;
        let sealed = pbe::seal(&sequence_of(&bags).map_err(wrong)?, password, protection.encryption)?;
        parts.push(encrypted_part(&sealed)?);
    }
    if !keys.is_empty() {
        let bags = keys.iter().map(|key| key_bag(key, password, protection)).collect::<Result<Vec<_>, _>>()?;
        parts.push(sequence_of(&bags).and_then(|bags| data_part(&bags)).map_err(wrong)?);
    }
    let safe = sequence_of(&parts).map_err(wrong)?;
    let mac = mac::write(&safe, password, protection.mac, protection.mac_iterations)?;
    let encode = || {
        let octets = AnyRef::new(Tag::OctetString, &safe)?;
        let auth_safe = ContentInfo { kind: DATA, content: octets };
        PfxStructure { version: 3, auth_safe, mac: AnyRef::from_der(&mac)? }.to_der()
    };
    encode().map_err(wrong)
}

fn certificate_bag(certificate: &PfxCertificate) -> der::Result<Vec<u8>> {
    // It goes into an OCTET STRING, but nothing else than a SEQUENCE is a certificate.
    AnyRef::from_der(&certificate.der)?;
    let value = CertBag { id: X509, value: AnyRef::new(Tag::OctetString, &certificate.der)? }.to_der()?;
    bag(CERTIFICATE, &value, certificate.friendly_name.as_ref(), certificate.local_key_id.as_ref())
}

fn key_bag(key: &PfxKey, password: &SecretBytes, protection: &Protection) -> Result<Vec<u8>, Error> {
    let encrypted = pbe::encrypt(&key.pkcs8, password, protection.encryption)?;
    bag(SHROUDED_KEY, &encrypted, key.friendly_name.as_ref(), key.local_key_id.as_ref())
        .map_err(|error| Error::encoding(WHAT, error))
}

fn bag(
    id: ObjectIdentifier,
    value: &[u8],
    friendly_name: Option<&String>,
    local_key_id: Option<&Vec<u8>>,
) -> der::Result<Vec<u8>> {
    let names = Names { friendly_name: friendly_name.cloned(), local_key_id: local_key_id.cloned() }.to_der()?;
    let attributes = names.as_ref().map(|names| AnyRef::from_der(names)).transpose()?;
    SafeBag { id, value: AnyRef::from_der(value)?, attributes }.to_der()
}

fn sequence_of(elements: &[Vec<u8>]) -> der::Result<Vec<u8>> {
    AnyRef::new(Tag::Sequence, &elements.concat())?.to_der()
}

fn data_part(contents: &[u8]) -> der::Result<Vec<u8>> {
    ContentInfo { kind: DATA, content: AnyRef::new(Tag::OctetString, contents)? }.to_der()
}

fn encrypted_part(sealed: &pbe::Sealed) -> Result<Vec<u8>, Error> {
    let algorithm = sealed.algorithm()?;
    let encode = || {
        let content = Some(AnyRef::new(IMPLICIT_OCTETS, sealed.data())?);
        let info = EncryptedContentInfo { kind: DATA, algorithm, content };
        let data = EncryptedData { version: 0, info, unprotected_attributes: None }.to_der()?;
        ContentInfo { kind: ENCRYPTED_DATA, content: AnyRef::from_der(&data)? }.to_der()
    };
    encode().map_err(|error| Error::encoding("EncryptedData", error))
}
