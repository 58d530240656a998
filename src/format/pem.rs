//! Which format a PEM section is of, and the base64 of the formats that are text.

use base64ct::Encoding;

use super::Format;
use crate::asn1;
use crate::asn1::pem::{Label, Section};
use crate::secret::SecretBytes;

/// Labels and the format of what is inside; of a format's labels the one that is written comes first.
const LABELS: &[(Label, Format)] = &[
    (Label::PrivateKey, Format::Pkcs8Pem),
    (Label::EncryptedPrivateKey, Format::Pkcs8Pem),
    (Label::PublicKey, Format::SpkiPem),
    (Label::RsaPrivateKey, Format::Pkcs1Pem),
    (Label::RsaPublicKey, Format::Pkcs1PublicPem),
    (Label::EcPrivateKey, Format::Sec1Pem),
    (Label::DsaPrivateKey, Format::DsaPem),
    (Label::Certificate, Format::CertPem),
    (Label::TrustedCertificate, Format::CertPem),
];

/// The label of a PEM format.
pub(super) fn label(format: Format) -> Label {
    LABELS.iter().find(|(_, known)| *known == format).map_or(Label::PrivateKey, |(label, _)| *label)
}

/// The format that a section's label tells, if it tells one that is handled here.
pub(super) fn format(section: &Section<'_>) -> Option<Format> {
    of_label(section.kind()?)
}

/// The format of what stands under a label, if it is one that is handled here.
pub(super) fn of_label(wanted: Label) -> Option<Format> {
    LABELS.iter().find(|(label, _)| *label == wanted).map(|(_, format)| *format)
}

/// The DER in a section, without what OpenSSL puts behind a `TRUSTED CERTIFICATE`.
pub(super) fn contents(section: &Section<'_>) -> Result<SecretBytes, asn1::Error> {
    let bytes = section.decode()?;
    match asn1::outer_length(&bytes).filter(|_| section.kind() == Some(Label::TrustedCertificate)) {
        Some(len) => Ok(SecretBytes::from(bytes.get(..len).unwrap_or_default())),
        None => Ok(bytes),
    }
}

/// Decodes base64 of one alphabet, strictly: no white space, canonical, padded or not as the alphabet has it.
pub(super) fn base64<E: Encoding>(text: &[u8]) -> Option<SecretBytes> {
    let mut bytes = SecretBytes::zeroed(text.len().div_ceil(4) * 3);
    let decoded = E::decode(text, bytes.as_mut_slice()).ok()?;
    Some(SecretBytes::from(decoded))
}
