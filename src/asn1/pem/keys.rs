//! Keys in PEM, whatever their label: PKCS#8, PKCS#1, SEC 1, OpenSSL's DSA form, SubjectPublicKeyInfo, certificates.

use super::label::Holds;
use super::{Label, Section, pem_error, sections};
use crate::asn1::{Contents, Error, Opening, certificate, dsa, ec_parameters, pkcs1, pkcs8, sec1, spki};
use crate::key::{Curve, KeyMaterial, PrivateKey, PublicKey, Validation};

/// A key out of a PEM section.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PemKey {
    /// The label that it stood under.
    pub label: Label,
    /// Where its section begins, in bytes from the start of the text.
    pub offset: usize,
    /// The key, and what its structure says about it.
    pub contents: Contents<KeyMaterial>,
}

/// Reads the first key of a text, private or public. Sections that hold none are passed over; `EC PARAMETERS` before a SEC 1 key must be the
/// parameters of that key.
///
/// # Errors
/// [`Error`]; [`Error::Pem`] when there is no key.
pub fn read(text: &[u8], opening: Opening<'_>, validation: Validation) -> Result<PemKey, Error> {
    let mut keys = read_all(text, opening, validation);
    keys.next().unwrap_or_else(|| Err(pem_error(0, "there is no section with a key")))
}

/// Reads the keys of a text one after the other. What is broken is told and passed over.
pub fn read_all<'a>(
    text: &'a [u8],
    opening: Opening<'a>,
    validation: Validation,
) -> impl Iterator<Item = Result<PemKey, Error>> + 'a {
    let mut before = None;
    sections(text).filter_map(move |section| match section {
        Err(error) => Some(Err(error)),
        Ok(section) if section.kind() == Some(Label::EcParameters) => {
            // Of a curve that is not known they do not matter until a key says that it is on it.
            let curve = section.decode().ok().and_then(|der| ec_parameters::decode(&der).ok());
            before = curve.map(|(curve, _)| curve);
            None
        }
        Ok(section) => {
            let label = section.kind()?;
            let outcome = key(label, &section, before.take(), opening, validation)?;
            Some(outcome.map(|contents| PemKey { label, offset: section.offset, contents }))
        }
    })
}

/// The key of a section; `None` if its label says that it holds none.
fn key(
    label: Label,
    section: &Section<'_>,
    before: Option<&'static Curve>,
    opening: Opening<'_>,
    validation: Validation,
) -> Option<Result<Contents<KeyMaterial>, Error>> {
    let private = |key| Contents::plain(KeyMaterial::Private(key));
    let public = |key| Contents::plain(KeyMaterial::Public(key));
    let read = |der: &[u8]| match label {
        Label::PrivateKey | Label::EncryptedPrivateKey => {
            Ok(pkcs8::read(der, opening, validation)?.map(KeyMaterial::Private))
        }
        Label::RsaPrivateKey => Ok(private(PrivateKey::Rsa(pkcs1::decode_private(der, validation)?))),
        Label::EcPrivateKey => Ok(private(PrivateKey::Ec(sec1::decode(der, before, validation)?))),
        Label::DsaPrivateKey => Ok(private(PrivateKey::Dsa(dsa::decode_traditional(der, validation)?))),
        Label::PublicKey => Ok(spki::read(der, validation)?.map(KeyMaterial::Public)),
        // Some writers put SubjectPublicKeyInfo under this label.
        Label::RsaPublicKey if spki::decode(der, validation).is_ok_and(|key| matches!(key, PublicKey::Rsa(_))) => {
            Ok(spki::read(der, validation)?.map(KeyMaterial::Public))
        }
        Label::RsaPublicKey => Ok(public(PublicKey::Rsa(pkcs1::decode_public(der, validation)?))),
        _ => Ok(certificate::read_key(der, validation)?.map(KeyMaterial::Public)),
    };
    let is_key = matches!(label.holds(), Holds::Private | Holds::Public | Holds::Certificate);
    // What is refused by name is refused by `decode`.
    (is_key || label.refusal().is_some()).then(|| read(&section.decode()?))
}
